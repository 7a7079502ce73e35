"""Exports of LangSmith and Langfuse in the files that they give out, and what is said of what they do not hold."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.cli.result import FAILED
from sml_agents.traces import TraceStore
from sml_agents.traces.importers import import_logs
from tests.traces.importers.reading import agent, call, calls, one, person, read, result, said, write

TURNS = [("person", "q"), ("agent", "done")]


def run(id: str, run_type: str, given: Any, answered: Any, **more: Any) -> dict[str, Any]:
    return {"id": id, "trace_id": "t", "run_type": run_type, "inputs": given, "outputs": answered, **more}


ROOTS: dict[str, tuple[Any, Any]] = {
    "messages": ({"messages": [person("q")]}, {"messages": [person("q"), agent("done")]}),
    "texts": ({"input": "q"}, {"output": "done"}),
    "a question": ({"question": "q"}, {"answer": "done"}),
    "as text": (json.dumps({"input": "q"}), json.dumps({"output": "done"})),
    "langchain's": ({"input": {"type": "human", "content": "q"}}, {"output": {"type": "ai", "content": "done"}}),
}


@pytest.mark.parametrize("name", ROOTS)
def test_roots_of_langsmith_without_a_model_call(name: str, tmp_path: Path) -> None:
    given, answered = ROOTS[name]
    assert said(one("langsmith", tmp_path, run("t", "chain", given, answered))) == TURNS


@pytest.mark.parametrize("given", [{}, None, {"x": 1}, {"documents": [1, 2]}, "{"], ids=str)
def test_roots_without_messages_are_lost(given: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "runs.jsonl", run("t", "chain", given, None), run("c", "tool", {}, {}, parent_run_id="t"))
    if given == "{":
        assert said(read(f"langsmith:{path}")[0][0]) == [("person", "{")]
        return
    found, losses = read(f"langsmith:{path}")
    assert found == [] and [loss.where for loss in losses] == ["line 1"]


HISTORY = [person("hello"), agent("hi")]


@pytest.mark.parametrize("name", ["chat_history", "history"])
@pytest.mark.parametrize("now", ["input", "question", "query"])
def test_a_history_beside_the_input(name: str, now: str, tmp_path: Path) -> None:
    trace = one("langsmith", tmp_path, run("t", "chain", {now: "q", name: HISTORY}, {"output": "done"}))
    assert said(trace) == [("person", "hello"), ("agent", "hi"), *TURNS]
    assert said(one("langsmith", tmp_path, run("t", "chain", {now: "q", name: []}, {"output": "done"}))) == TURNS


def test_tools_of_langsmith(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "book", "parameters": {"type": "object"}}}
    extra = {"invocation_params": {"tools": [tool], "model": "m"}, "metadata": {"thread_id": "7"}}
    given = {"messages": [[{"lc": 1, "id": ["x", "HumanMessage"], "kwargs": {"content": "q"}}]]}
    trace = one("langsmith", tmp_path, run("t", "llm", given, {"generations": [[{"text": "done"}]]}, extra=extra))
    assert said(trace) == TURNS and list(trace.tools) == [tool] and trace.task.meta["source"] == "7"


def test_langsmiths_bulk_export(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    start = datetime.datetime(2025, 3, 1, 10, 0, 10, tzinfo=datetime.UTC)
    rows = []
    given = [person("q"), agent("", tool_calls=[call("book", "c", day="Fri")]), result("ok", "c")]
    for number, (messages, answer) in enumerate(((given[:1], given[1]), (given, agent("done")))):
        row = run(str(number), "llm", json.dumps({"messages": messages}), json.dumps({"messages": [answer]}))
        about = {"trace_id": f"t{number}", "start_time": start + datetime.timedelta(milliseconds=250 * number)}
        rows.append(
            {
                **row,
                **about,
                "extra": json.dumps({"metadata": {"thread_id": "7"}}),
                "error": None,
                "feedback_stats": None,
            }
        )
    rows[0]["feedback_stats"] = json.dumps({"thumbs": {"n": 1, "avg": 1.0}})
    parquet.write_table(pyarrow.Table.from_pylist(rows[::-1]), tmp_path / "runs.parquet")
    found, losses = read(f"langsmith:{tmp_path / 'runs.parquet'}")
    assert losses == [] and [said(trace) for trace in found] == [TURNS]
    assert calls(found[0]) == [("book", {"day": "Fri"}, "ok")] and found[0].tags["scores"][0]["value"] == 1.0


@pytest.mark.parametrize("form", ["parquet", "jsonl", "jsonl.gz"])
@pytest.mark.parametrize("enriched", [True, False])
def test_langfuses_blob_export(form: str, enriched: bool, tmp_path: Path) -> None:
    """Observations and scores in files of their own; without enriched rows the session is in a third."""
    observations = [
        {
            "id": f"o{number}",
            "trace_id": f"t{number}",
            "type": "GENERATION",
            "start_time": f"2025-03-01 10:00:1{number}.{25 * number:03}000",
            "input": json.dumps(given),
            "output": json.dumps(agent(answer)),
            "provided_model_name": "m",
            "usage_details": {"input": 3, "output": 1},
            "metadata": {"x": "y"},
            **({"session_id": "7"} if enriched else {}),
        }
        for number, (given, answer) in enumerate((([person("hello")], "hi"), ([*HISTORY, person("q")], "done")))
    ]
    score = {
        "id": "s",
        "trace_id": "t1",
        "name": "thumbs",
        "data_type": "NUMERIC",
        "value": 1.0,
        "source": "ANNOTATION",
    }
    files = {"observations_v2" if enriched else "observations": observations[::-1], "scores": [score]}
    if not enriched:
        files["traces"] = [{"id": f"t{number}", "session_id": "7", "name": "agent"} for number in range(2)]
    for name, rows in files.items():
        (tmp_path / "export" / name).mkdir(parents=True)
        path = tmp_path / "export" / name / f"2025-03-01.{form}"
        if form == "parquet":
            pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
            parquet.write_table(pyarrow.Table.from_pylist(rows), path)
        else:
            data = "".join(json.dumps(row) + "\n" for row in rows).encode()
            path.write_bytes(__import__("gzip").compress(data) if form.endswith("gz") else data)
    found, losses = read(f"langfuse:{tmp_path / 'export'}")
    assert losses == []
    (trace,) = found
    assert said(trace) == [("person", "hello"), ("agent", "hi"), *TURNS]
    assert trace.task.meta["source"] == "7" and trace.tags["usage"]["prompt_tokens"] == 6
    assert [(one["name"], one["value"]) for one in trace.tags["scores"]] == [("thumbs", 1.0)]
    assert trace.turns[-1].call is not None and trace.turns[-1].call.model == "m"


def test_scores_of_every_kind(tmp_path: Path) -> None:
    scores = [
        {"name": "a", "value": 0.5, "source": "EVAL"},
        {"name": "b", "value": None, "stringValue": "True", "dataType": "BOOLEAN"},
        {"name": "c", "stringValue": "so so", "dataType": "CATEGORICAL"},
        {"name": "d", "value": "NaN"},
        7,
    ]
    trace = one("langfuse", tmp_path, {"id": "t", "input": "q", "output": "done", "scores": scores})
    assert [(one["name"], one["value"]) for one in trace.tags["scores"]] == [("a", 0.5), ("b", 1.0)]


def generation(id: str, start: int, given: Any, answered: Any) -> dict[str, Any]:
    return {"id": id, "type": "GENERATION", "startTime": start, "input": given, "output": answered}


TWO = [call("f", "a", n=1), call("g", "b", n=2)]
AS_PARTS = [{"type": "tool_call", "id": ["run", "a"], "name": "f", "arguments": {"n": 1}}]
CUT: dict[str, tuple[list[Any], list[Any], list[Any]]] = {
    "an answer of two calls, its history each call with its result": (
        [person("q")],
        [agent("", tool_calls=TWO[:1]), agent("", tool_calls=TWO[1:])],
        [person("q"), agent("", tool_calls=TWO[:1]), result("1", "a"), agent("", tool_calls=TWO[1:]), result("2", "b")],
    ),
    "an answer of words and a call, its history one message": (
        [person("q")],
        [agent("Let me see."), agent("", tool_calls=TWO)],
        [person("q"), agent("Let me see.", tool_calls=TWO), result("1", "a"), result("2", "b")],
    ),
    "one message, its history two": (
        [person("q")],
        [agent("Let me see.", tool_calls=TWO)],
        [person("q"), agent("Let me see."), agent(None, tool_calls=TWO), result("1", "a"), result("2", "b")],
    ),
    "results in another order": (
        [person("q")],
        [agent("", tool_calls=TWO)],
        [person("q"), agent("", tool_calls=TWO), result("2", "b"), result("1", "a")],
    ),
    "a server that keeps the history is sent the results alone": (
        [person("q")],
        [agent("", tool_calls=TWO)],
        [result("1", "a"), result("2", "b")],
    ),
    "and the calls with them": (
        [person("q")],
        [agent("", tool_calls=TWO)],
        [agent("", tool_calls=TWO), result("1", "a"), result("2", "b")],
    ),
    "the reasoning is not sent again": (
        [person("q")],
        [agent("<think>hm</think>", tool_calls=TWO)],
        [person("q"), agent("", tool_calls=TWO), result("1", "a"), result("2", "b")],
    ),
}


@pytest.mark.parametrize("name", CUT)
def test_calls_of_an_agent_are_one_conversation(name: str, tmp_path: Path) -> None:
    first, answered, second = CUT[name]
    rows = [generation("2", 1_740_823_211, second, [agent("done")]), generation("1", 1_740_823_210, first, answered)]
    trace = one("langfuse", tmp_path, {"id": "t", "sessionId": "7", "observations": rows})
    assert said(trace)[0] == ("person", "q") and len(trace.turns) == 2 and said(trace)[1][1].endswith("done")
    assert calls(trace) == [("f", {"n": 1}, "1"), ("g", {"n": 2}, "2")]
    if "reasoning" in name:
        assert "hm" in trace.turns[1].thought


def test_two_agents_of_a_session_stay_two(tmp_path: Path) -> None:
    rows = [
        generation("1", 1, [person("q")], [agent("done")]),
        generation("2", 2, [person("another")], [agent("well")]),
        generation("3", 3, [person("q")], [agent("done")]),
    ]
    path = write(tmp_path / "log.jsonl", {"id": "t", "observations": rows})
    found, losses = read(f"langfuse:{path}")
    assert losses == [] and len(found) == 3


# -- reports of others -------------------------------------------------------------------------------------------------


def test_content_as_python_shows_it(tmp_path: Path) -> None:
    """langfuse/langfuse#15143: content parts come back as the text that Python prints."""
    given = [
        {"role": "system", "content": "[{'type': 'text', 'text': 'Be brief.'}]"},
        person("[{'type': 'text', 'text': \"q\"}]"),
    ]
    trace = one("langfuse", tmp_path, {"id": "t", "type": "GENERATION", "input": given, "output": agent("done")})
    assert said(trace) == TURNS and trace.task.meta["system"] == "Be brief."
    trace = one(
        "langfuse", tmp_path, {"id": "t", "type": "GENERATION", "input": [person("[{'a': 1}]")], "output": "done"}
    )
    assert said(trace)[0] == ("person", "[{'a': 1}]")


def test_json_of_json(tmp_path: Path) -> None:
    """langfuse/langfuse#13033: input and output of a downloaded trace are JSON of a text that is JSON."""
    given, answered = json.dumps(json.dumps([person("q")])), json.dumps(json.dumps(agent("done")))
    trace = one("langfuse", tmp_path, {"id": "t", "type": "GENERATION", "input": given, "output": answered})
    assert said(trace) == TURNS
    trace = one("langfuse", tmp_path, {"id": "t", "type": "GENERATION", "input": '"q"', "output": "done"})
    assert said(trace)[0] == ("person", '"q"')


def test_a_download_without_what_was_said(tmp_path: Path) -> None:
    """langfuse/langfuse#15337: every observation is exported without input and output."""
    row = {"id": "o", "type": "GENERATION", "input": None, "output": None, "metadata": "{}"}
    path = write(tmp_path / "log.json", {"trace": {"id": "t", "observations": [row]}, "observations": [row, row]})
    with TraceStore.open(tmp_path / "s.sqlite") as store:
        report = import_logs(f"langfuse:{path}", store)
    assert (report.imported, report.lost) == (0, 2)


def test_the_command_fails_when_a_log_brings_nothing(tmp_path: Path) -> None:
    from sml_agents.cli.imports import import_

    good = write(tmp_path / "good.jsonl", {"messages": [person("q"), agent("done")]}, "{")
    empty = write(tmp_path / "empty.jsonl")
    lost = write(tmp_path / "lost.jsonl", "{", "[")
    wrong = write(tmp_path / "wrong.jsonl", {"trace": 1})
    store = str(tmp_path / "s.sqlite")
    assert import_([f"openai:{good}"], store).code == 0
    assert import_([f"openai:{good}"], store, strict=True).code == FAILED
    for path in (empty, lost, wrong):
        outcome = import_([f"openai:{path}"], store)
        assert outcome.code == FAILED and outcome.payload["lost"] >= 1
        assert import_([f"openai:{good}", f"openai:{path}"], store).code == FAILED
