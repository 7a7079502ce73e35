"""What logs say about a conversation: when it was, tags and metadata, found by what filters and lists read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver

from sml_agents.data.selection import Conversation, TraceFilter
from sml_agents.traces import TraceStore
from sml_agents.traces.importers import import_logs
from sml_agents.traces.importers.about import About, about
from sml_agents.types import Trace
from tests.traces.importers.reading import agent, chat, one, person, read, write
from tests.traces.importers.test_checkpoints import graph

SAMPLES = Path(__file__).parent / "samples"
SAID = {"messages": [person("q"), agent("done")]}


def takes(trace: Trace, **where: Any) -> bool:
    return isinstance(TraceFilter(where=where).take(trace), Conversation)


def test_langsmiths_runs(tmp_path: Path) -> None:
    """Runs as LangSmith gives them, with what a caller adds to a run: the children inherit it."""
    runs = [json.loads(line) for line in (SAMPLES / "langsmith_runs.jsonl").read_text(encoding="utf-8").splitlines()]
    for number, run in enumerate(runs):
        run["tags"] = ["prod", "beta", *([f"seq:step:{number}"] if run.get("parent_run_id") else [])]
        run["extra"]["metadata"] |= {"customer": "acme", "revision": 7, "request": {"nested": True}}
    trace = one("langsmith", tmp_path, *runs)
    assert trace.tags["started"][:19] == "2026-11-25T13:05:53" and trace.tags["ended"] > trace.tags["started"]
    assert trace.tags["run"]["tags"] == ["prod", "beta"]
    assert trace.tags["run"]["metadata"] == {"customer": "acme", "revision": 7}
    assert takes(trace, tag="prod") and takes(trace, tag=("prod", "beta"), customer="acme", revision="7")
    assert not takes(trace, tag="test")


def test_runs_of_one_project_are_not_one_thread(tmp_path: Path) -> None:
    """The `session_id` of a run names its project."""
    rows = [
        {
            **{"id": name, "trace_id": name, "session_id": "project", "run_type": "llm", "tags": [name]},
            **{"inputs": {"messages": [person(name)]}, "outputs": {"output": "done"}},
        }
        for name in ("one", "two")
    ]
    found, losses = read(f"langsmith:{write(tmp_path / 'runs.jsonl', *rows)}")
    assert losses == [] and [trace.task.meta["source"] for trace in found] == ["one", "two"]
    assert [trace.tags["run"]["tags"] for trace in found] == [["one"], ["two"]]


def test_langfuses_traces(tmp_path: Path) -> None:
    row = {
        **{"id": "t", "timestamp": "2026-10-31T23:30:00.000Z", "sessionId": "conv-3", "userId": "u1"},
        **{"tags": ["prod", "beta"], "metadata": {"customer": "acme", "resourceAttributes": {"a": "b"}}},
        **{"environment": "production", "release": "1.2", "input": "q", "output": "done", "observations": []},
    }
    trace = one("langfuse", tmp_path, row)
    assert trace.tags["started"] == "2026-10-31T23:30:00.000+00:00" and "ended" not in trace.tags
    assert takes(trace, tag=("prod", "beta"), customer="acme", userId="u1", session_id="conv-3")
    assert takes(trace, environment="production", release="1.2") and "resourceAttributes" not in str(trace.tags)
    generation = {
        **{"id": "o", "type": "GENERATION", "startTime": "2026-11-01T00:00:01Z", "endTime": "2026-11-01T00:00:03Z"},
        **{"input": [person("q")], "output": agent("done"), "metadata": {"customer": "another", "step": 1}},
    }
    trace = one("langfuse", tmp_path, {**row, "observations": [generation]})
    assert trace.tags["started"][11:19] == "00:00:01" and trace.tags["ended"][11:19] == "00:00:03"
    assert trace.tags["run"]["metadata"]["customer"] == "acme", "the trace's own metadata goes before a call's"


def test_langfuses_blob_export_in_parts(tmp_path: Path) -> None:
    """Tags stand in the rows of traces, times in those of observations."""
    observation = {
        **{"id": "o", "trace_id": "t", "type": "GENERATION", "start_time": "2026-11-01 10:00:00.000000"},
        **{"input": json.dumps([person("q")]), "output": json.dumps(agent("done"))},
    }
    told = {"id": "t", "user_id": "u1", "tags": ["prod"], "metadata": json.dumps({"customer": "acme"})}
    write(tmp_path / "a.jsonl", observation)
    write(tmp_path / "b.jsonl", told)
    (trace,), losses = read(f"langfuse:{tmp_path}")
    assert losses == [] and trace.tags["started"] == "2026-11-01T10:00:00.000+00:00"
    assert takes(trace, tag="prod", user_id="u1", customer="acme")


@pytest.mark.parametrize("name", ["timestamp", "created", "created_at", "createdAt"])
@pytest.mark.parametrize("value", [1793527200, 1793527200.25, "2026-11-01T10:00:00Z", "2026-11-01T12:00:00+02:00"])
def test_rows_of_openai(name: str, value: Any, tmp_path: Path) -> None:
    trace = one("openai", tmp_path, {**SAID, name: value, "metadata": {"customer": "acme", "tags": ["prod", "beta"]}})
    assert trace.tags["started"][:19] == "2026-11-01T10:00:00" and trace.tags["started"].endswith("+00:00")
    assert takes(trace, tag=("prod", "beta"), customer="acme")
    assert takes(one("openai", tmp_path, {**SAID, "tags": "prod"}), tag="prod")


def test_a_logged_request_has_the_time_of_its_response(tmp_path: Path) -> None:
    response = {"created": 1793527200, "choices": [{"message": agent("done")}]}
    request = {"messages": [person("q")], "metadata": {"customer": "acme"}}
    trace = one("openai", tmp_path, {"request": request, "response": response})
    assert trace.tags["started"] == "2026-11-01T10:00:00.000+00:00" and takes(trace, customer="acme")


def test_times_of_messages_count_where_the_row_has_none(tmp_path: Path) -> None:
    said = [{**person("q"), "timestamp": "2026-11-01T10:00:00"}, {**agent("done"), "timestamp": "2026-11-01T10:05:00"}]
    tags = chat(tmp_path, *said).tags
    assert (tags["started"][11:16], tags["ended"][11:16]) == ("10:00", "10:05")
    assert chat(tmp_path, *said, created=1793527200 - 3600).tags["started"][11:16] == "09:00"


def test_spans(tmp_path: Path) -> None:
    attributes = {
        **{"openinference.span.kind": "LLM", "input.value": "q", "output.value": "done", "user.id": "u1"},
        **{"tag.tags": ["prod", "beta"], "metadata": json.dumps({"customer": "acme"}), "session.id": "7"},
    }
    times = {"startTimeUnixNano": "1793527200000000000", "endTimeUnixNano": "1793527202500000000"}
    trace = one("otel", tmp_path, {"traceId": "t", "spanId": "1", "attributes": attributes, **times})
    assert (trace.tags["started"][11:23], trace.tags["ended"][11:23]) == ("10:00:00.000", "10:00:02.500")
    assert takes(trace, tag=("prod", "beta"), customer="acme", user_id="u1")
    langfuse = {f"langfuse.trace.{name}": value for name, value in (("tags", ["prod"]), ("metadata.customer", "acme"))}
    attributes = {**langfuse, "gen_ai.prompt": "q", "input.value": "q", "output.value": "done"}
    trace = one("otel", tmp_path, {"traceId": "t", "spanId": "1", "attributes": attributes, **times})
    assert takes(trace, tag="prod", customer="acme")


def test_checkpoints(tmp_path: Path) -> None:
    """A thread lasts from its first checkpoint to its newest; a saver keeps the metadata of its runs."""
    place = tmp_path / "cp.sqlite"
    with SqliteSaver.from_conn_string(str(place)) as saver:
        config: Any = {"configurable": {"thread_id": "conv-3", "user_id": "u1"}, "metadata": {"customer": "acme"}}
        for _ in range(2):
            given = [HumanMessage("hello"), HumanMessage("Book it")]
            graph(saver).invoke({"messages": given, "other": None}, config)
        kept = [one.checkpoint["ts"] for one in saver.list({"configurable": {"thread_id": "conv-3"}})]
    (trace,), losses = read(f"langgraph:{place}")
    assert losses == []
    assert (trace.tags["started"][:23], trace.tags["ended"][:23]) == (min(kept)[:23], max(kept)[:23])
    assert trace.tags["run"] == {"metadata": {"customer": "acme", "user_id": "u1"}}
    assert takes(trace, customer="acme", userId="u1")


@pytest.mark.parametrize("form", ["eval", "json"])
def test_inspects_samples(form: str) -> None:
    found, _ = read(f"inspect:{SAMPLES / f'inspect.{form}'}")
    assert [trace.tags["started"][:16] for trace in found] == ["2026-11-25T13:10"] * 2


def test_what_a_log_of_inspect_says_is_said_of_its_samples(tmp_path: Path) -> None:
    told = {"created": "2026-11-01T10:00:00+00:00", "tags": ["prod"], "metadata": {"customer": "acme", "by": "log"}}
    sample = {"id": 1, "epoch": 1, "messages": SAID["messages"], "metadata": {"by": "sample"}}
    with zipfile.ZipFile(tmp_path / "log.eval", "w") as archive:
        archive.writestr("header.json", json.dumps({"eval": told}))
        archive.writestr("samples/1_epoch_1.json", json.dumps(sample))
        archive.writestr("samples/2_epoch_1.json", json.dumps({**sample, "started_at": "2026-11-01T11:00:00+00:00"}))
    found, losses = read(f"inspect:{tmp_path / 'log.eval'}")
    assert losses == [] and [trace.tags["started"][11:16] for trace in found] == ["10:00", "11:00"]
    assert all(takes(trace, tag="prod", customer="acme", by="sample") for trace in found)


NO_TIMES = [None, "", "soon", True, 0, 12.5, "1", -1793527200, 10**30, "9999-99-99", {}, [], [1, 2, 3], "1999-12-31"]


@pytest.mark.parametrize("value", NO_TIMES, ids=str)
def test_what_is_no_date_is_no_time(value: Any, tmp_path: Path) -> None:
    """Seconds since a program began are no date, and neither is what no calendar has."""
    assert about(times=[value]) == About()
    assert not {"started", "ended"} & set(chat(tmp_path, person("q"), agent("done"), timestamp=value).tags)


ODD: list[Any] = [
    *(None, "", "text", 7, [], [1, {"a": "b"}], {"a": None}, {"a": {"b": 1}}, {"a": [[1]]}, {"a": ""}),
    *({"a": "x" * 1001}, {"": {}}, {"thread_id": "7", "ls_provider": "openai", "LANGSMITH_PROJECT": "p"}),
]


@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:20])
def test_odd_tags_and_metadata_cost_nothing(value: Any, tmp_path: Path) -> None:
    assert "run" not in chat(tmp_path, person("q"), agent("done"), metadata=value).tags
    tags = None if isinstance(value, str) else value
    assert "run" not in chat(tmp_path, person("q"), agent("done"), tags=tags).tags


def test_parts_of_a_conversation_are_joined() -> None:
    """What differs is a list, so that each value is found; what was known stays what it was."""
    parts = [about(times=[f"2026-11-0{n}"], tags=["all", f"t{n}"], metadata=[{"n": n, "a": "b"}]) for n in (2, 1, 3)]
    whole = parts[0].joined(parts[1]).joined(parts[2])
    assert whole.tags == ("all", "t2", "t1", "t3") and whole.metadata == {"n": [2, 1, 3], "a": "b"}
    tags = whole.as_tags()
    assert (tags["started"][:10], tags["ended"][:10]) == ("2026-11-01", "2026-11-03")
    assert parts[0].joined(About()) == About().joined(parts[0]) == parts[0] and About().as_tags() == {}


def test_metadata_is_no_way_around_the_redaction(tmp_path: Path) -> None:
    secret = "sk-" + "a1" * 20
    told = {"note": f"with {secret}", "api_key": "hunter22hunter", "mail": "ann@example.org"}
    path = write(tmp_path / "log.jsonl", {**SAID, "tags": [secret, "prod"], "metadata": told})
    from sml_agents.traces import Redactor

    with TraceStore.open(tmp_path / "s.sqlite", redactor=Redactor(personal=True)) as store:
        import_logs(f"openai:{path}", store)
        (trace,) = store.traces()
    assert takes(trace, tag="prod") and "[redacted openai key]" in trace.tags["run"]["tags"]
    text = trace.model_dump_json()
    assert not [private for private in (secret, "hunter22", "ann@example.org") if private in text]
