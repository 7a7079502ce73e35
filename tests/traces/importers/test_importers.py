"""Every format on a sample of its own, and what becomes of all of them."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from sml_agents.data.export import export
from sml_agents.errors import InputError
from sml_agents.traces import TraceStore
from sml_agents.traces.importers import FORMATS, ImportReport, import_logs
from sml_agents.traces.importers.lines import rows as rows_in
from sml_agents.types import Call, StopReason
from tests.datasets import data_set
from tests.traces.importers.reading import calls, read, said, write

SAMPLES = Path(__file__).parent / "samples"
MADE_BY_LIBRARIES = {
    "otel:otel_langchain.otlp.jsonl": "new attributes, OpenLLMetry",
    "otel:otel_langchain_old.otlp.jsonl": "old attributes, OpenLLMetry",
    "otel:otel_openai_events.otlp.jsonl": "events, OpenTelemetry's own instrumentation",
    "otel:adk_spans.otlp.jsonl": "ADK, newest conventions",
    "otel:adk_events.otlp.jsonl": "ADK, log records",
    "otel:adk_legacy.otlp.jsonl": "ADK, a request and a response in one attribute each",
    "otel:pydantic_ai_1.otlp.jsonl": "Pydantic-AI, events as an attribute",
    "otel:pydantic_ai_2.otlp.jsonl": "Pydantic-AI, messages",
    "otel:pydantic_ai_6.otlp.jsonl": "Pydantic-AI, release 2",
    "langgraph:deepagents.db": "deepagents, messages stored as deltas",
    "openinference:openinference_langchain.json": "OpenInference",
    "langsmith:langsmith_runs.jsonl": "LangSmith's client",
    "langfuse:langfuse_traces.jsonl": "Langfuse's client",
}


@pytest.mark.parametrize("spec", MADE_BY_LIBRARIES)
def test_samples_made_by_the_libraries_themselves(spec: str) -> None:
    format, name = spec.split(":")
    found, losses = read(f"{format}:{SAMPLES / name}")
    assert losses == []
    (trace,) = found
    assert said(trace) == [
        ("person", "Book a table at Luigi's for 4."),
        ("agent", "Booked for Friday."),
        ("person", "No, I meant Saturday."),
        ("agent", "Booked for Saturday."),
    ]
    for (tool, arguments, result), day in zip(calls(trace), ("Friday", "Saturday"), strict=True):
        assert (tool, arguments) == ("book", {"place": "Luigi's", "guests": 4, "day": day})
        assert result and "ok" in result[:15]
    assert "deepagents" in name or trace.task.meta["system"].startswith("You book tables.")
    assert trace.student_turns[0].call == Call(model="small-1")
    assert trace.stop is StopReason.RECORDED and trace.solved is None
    if not name.startswith(("otel_openai", "adk", "pydantic")):
        assert trace.task.meta["source"] == "thread-7"


def test_scores_of_langfuse() -> None:
    (trace,), _ = read(f"langfuse:{SAMPLES / 'langfuse_traces.jsonl'}")
    assert {"name": "thumbs", "value": 1.0, "comment": "ok", "source": "person"} in trace.tags["scores"]


def test_words_that_were_not_captured_are_losses() -> None:
    found, losses = read(f"otel:{SAMPLES / 'otel_openai_no_content.otlp.jsonl'}")
    assert found == [] and len(losses) == 4
    assert all("switched off" in loss.why for loss in losses)


@pytest.mark.parametrize("suffix", ["json", "eval"])
def test_inspect(suffix: str) -> None:
    found, losses = read(f"inspect:{SAMPLES / f'inspect.{suffix}'}")
    assert losses == [] and [trace.solved for trace in found] == [True, False]
    assert said(found[0]) == [("person", "What is 2 + 2?"), ("agent", "The answer is 4.")]
    assert found[0].task.private.answer == "4"


def test_mint() -> None:
    found, losses = read(f"mint:{data_set('mint_recorded_gsm8k_gt_feedback.jsonl')}")
    assert losses == [] and len(found) == 48
    assert {trace.solved for trace in found} == {True, False}
    assert found[0].task.private.answer == "6" and found[0].turns[0].text.startswith("You are a helpful assistant")
    assert all(turn.text for trace in found for turn in trace.turns)


LOST = {
    "conv_id": "c1",
    "conv_type": "sharded",
    "task": "math",
    "task_id": "sharded-GSM8K/1",
    "assistant_model": "m",
    "trace": [
        {"role": "system", "content": "Solve it.", "timestamp": "t"},
        {"role": "user", "content": "What does she pay?", "timestamp": "t", "cost_usd": 0.0},
        {"role": "log", "content": {"type": "shard_revealed", "shard_id": 1}, "timestamp": "t"},
        {"role": "assistant", "content": "For how many?", "timestamp": "t"},
        {"role": "log", "content": {"type": "system-verification", "response": {"response_type": "clarification"}}},
        {"role": "user", "content": "For 4.", "timestamp": "t"},
        {"role": "assistant", "content": "12", "timestamp": "t"},
        {"role": "log", "content": {"type": "system-verification", "response": {"response_type": "answer_attempt"}}},
        {"role": "log", "content": {"type": "answer-evaluation", "is_correct": True, "score": 1.0}},
    ],
    "is_correct": True,
    "score": 1.0,
}


def test_lost_in_conversation_keeps_its_labels(tmp_path: Path) -> None:
    (trace,), losses = read(f"lost-in-conversation:{write(tmp_path / 'log.jsonl', LOST)}")
    assert losses == [] and trace.solved is True
    assert [(turn.text, turn.act, turn.act_by) for turn in trace.student_turns] == [
        ("For how many?", "clarification", "llm"),
        ("12", "answer_attempt", "llm"),
    ]


CHAT = [
    {"role": "system", "content": "You book."},
    {"role": "user", "content": [{"type": "text", "text": "Book"}, {"type": "image_url", "image_url": {"url": "x"}}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "a",
                "type": "function",
                "function": {"name": "book", "arguments": '{"day": "Fri", "n": [1, {"x": 2}]}'},
            },
            {"id": "b", "type": "function", "function": {"name": "pay", "arguments": '{"sum": 3.5'}},
        ],
    },
    {"role": "tool", "tool_call_id": "b", "content": "paid"},
    {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "ok"}]},
    {"role": "assistant", "content": "Done."},
]
SHAREGPT = [
    {"from": "system", "value": "You book."},
    {"from": "human", "value": "Book"},
    {"from": "function_call", "value": '{"name": "book", "arguments": {"day": "Fri"}}'},
    {"from": "observation", "value": "ok"},
    {"from": "gpt", "value": "Done."},
]


def test_openai_chat(tmp_path: Path) -> None:
    response = {
        "choices": [{"message": {"role": "assistant", "content": "Hi"}}],
        "model": "m",
        "usage": {"prompt_tokens": 3},
    }
    asked = {"request": {"messages": [{"role": "user", "content": "Hello"}]}, "response": response}
    path = write(tmp_path / "chat.jsonl", {"id": 5, "messages": CHAT}, "", asked)
    (first, second), losses = read(f"openai:{path}")
    assert losses == []
    assert said(first) == [("person", "Book\n[image]"), ("agent", "Done.")]
    assert calls(first) == [
        ("book", {"day": "Fri", "n": [1, {"x": 2}]}, "ok"),
        ("pay", {"unparsed": '{"sum": 3.5'}, "paid"),
    ]
    assert first.tags["unread"]["arguments of a call that are no JSON"] == 1
    assert not any(turn.trainable for turn in first.student_turns if turn.tool_calls)
    assert first.task.meta == {"source": "5", "system": "You book."}
    assert said(second)[-1] == ("agent", "Hi") and second.student_turns[0].call == Call(model="m")
    assert second.tags["usage"]["prompt_tokens"] == 3


def test_sharegpt_in_an_array_and_packed(tmp_path: Path) -> None:
    path = tmp_path / "chats.json.gz"
    path.write_bytes(gzip.compress(json.dumps([{"id": "x", "conversations": SHAREGPT}], indent=1).encode()))
    (trace,), losses = read(f"sharegpt:{path}")
    assert losses == [] and said(trace) == [("person", "Book"), ("agent", "Done.")]
    assert calls(trace) == [("book", {"day": "Fri"}, "ok")]


def test_a_round_trip_keeps_unlike_arguments_apart(tmp_path: Path) -> None:
    """The rows of a table have the same columns; arguments of one call must not appear in another's."""
    datasets = pytest.importorskip("datasets", reason="the data set library needs the 'train' extra")
    unlike: list[Any] = [{"day": "Fri"}, {"day": 5, "deep": {"a": [1, None]}}, {}, {"list": ["x", 1]}]
    for number, arguments in enumerate(unlike):
        call = {"id": f"c{number}", "function": {"name": f"tool{number}", "arguments": json.dumps(arguments)}}
        rows = [
            {"role": "user", "content": f"request {number}"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": "ok"},
            {"role": "assistant", "content": "Done."},
        ]
        with (tmp_path / "in.jsonl").open("a") as file:
            file.write(json.dumps({"messages": rows}) + "\n")
    with TraceStore.open(tmp_path / "logs.sqlite") as store:
        import_logs(f"openai:{tmp_path / 'in.jsonl'}", store)
        for format in ("openai", "trl", "sharegpt"):
            export(store.traces(), format, tmp_path / f"{format}.jsonl")
        export(store.traces(), "parquet", tmp_path / "table")
    for format in ("openai", "trl"):
        loaded = datasets.load_dataset(
            "json", data_files=str(tmp_path / f"{format}.jsonl"), split="train", cache_dir=str(tmp_path / "cache")
        )
        found = [json.loads(row["messages"][1]["tool_calls"][0]["function"]["arguments"]) for row in loaded]
        assert found == unlike
        again, losses = read(f"openai:{tmp_path / f'{format}.jsonl'}")
        assert losses == [] and [calls(trace)[0][1] for trace in again] == unlike
        assert [said(trace) for trace in again] == [
            [("person", f"request {n}"), ("agent", "Done.")] for n in range(len(unlike))
        ]
    again, losses = read(f"sharegpt:{tmp_path / 'sharegpt.jsonl'}")
    assert losses == [] and [calls(trace) for trace in again] == [
        [(f"tool{number}", arguments, "ok")] for number, arguments in enumerate(unlike)
    ]
    table = datasets.load_dataset(str(tmp_path / "table"), split="train", cache_dir=str(tmp_path / "cache"))
    used = [row["messages"][1]["tool_calls"] for row in table]
    assert [json.loads(call["arguments"]) for (call,) in used] == unlike
    assert [(call["name"], call["result"]) for (call,) in used] == [(f"tool{n}", "ok") for n in range(len(unlike))]
    assert all(row["messages"][0]["tool_calls"] == [] for row in table)


BOOKING = {"name": "book", "args": {"n": 2}}
GEMINI = {
    "model": "gemini",
    "contents": [
        {"role": "user", "parts": [{"text": "Book a table"}]},
        {
            "role": "model",
            "parts": [{"thought": True, "text": "hm"}, {"functionCall": {"name": "book", "args": {"n": 2}}}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "book", "response": {"ok": True}}}]},
    ],
}
RESPONSES = [
    {"role": "user", "content": "Book a table"},
    {"type": "reasoning", "summary": []},
    {"type": "function_call", "name": "book", "arguments": '{"n": 2}', "call_id": "c1", "id": "fc1"},
    {"type": "function_call_output", "call_id": "c1", "output": [{"ok": True}]},
]
DONE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}
PLAIN = [
    {"role": "user", "content": "Book a table"},
    {
        "role": "assistant",
        "content": [{"type": "function", "id": "c1", "function": {"name": "book", "arguments": {"n": 2}}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": [{"ok": True}]},
]


@pytest.mark.parametrize(
    ("given", "answered", "result"),
    [
        (GEMINI, {"candidates": [{"content": {"role": "model", "parts": [{"text": "Done."}]}}]}, '{"ok":true}'),
        (GEMINI, {"content": {"role": "model", "parts": [{"text": "Done."}]}}, '{"ok":true}'),
        (RESPONSES, {"object": "response", "output": [DONE]}, '[{"ok":true}]'),
        (PLAIN, {"role": "assistant", "content": "Done."}, '[{"ok":true}]'),
    ],
    ids=["gemini", "gemini through adk", "openai responses", "calls as parts, a result that is a list"],
)
def test_a_downloaded_langfuse_trace(tmp_path: Path, given: Any, answered: Any, result: str) -> None:
    """Dialects as different frameworks leave them; the shapes were met in the traces of Langfuse's own repository."""
    one = {"id": "g", "type": "GENERATION", "startTime": "2025-01-01", "input": given, "output": answered}
    score = {"name": "thumb", "value": 1, "source": "ANNOTATION"}
    trace = {"id": "t1", "sessionId": "s1", "input": None, "scores": [score]}
    path = write(tmp_path / "trace.json", {"trace": trace, "observations": [{"type": "SPAN"}, one]})
    (found,), losses = read(f"langfuse:{path}")
    assert losses == [] and found.task.meta["source"] == "s1"
    assert said(found) == [("person", "Book a table"), ("agent", "Done.")]
    assert calls(found) == [("book", {"n": 2}, result)]


@pytest.mark.parametrize("given", [{"args": ["Hello"], "kwargs": {}}, {"contents": "Hello"}, "Hello"])
def test_an_input_that_is_a_text(tmp_path: Path, given: Any) -> None:
    record = {"id": "t", "type": "GENERATION", "input": given, "output": "Hi"}
    (found,), losses = read(f"langfuse:{write(tmp_path / 'one.jsonl', record)}")
    assert losses == [] and said(found) == [("person", "Hello"), ("agent", "Hi")]


def test_importing_again_replaces(tmp_path: Path) -> None:
    path = write(tmp_path / "chat.jsonl", {"messages": CHAT}, {"messages": CHAT}, {"messages": CHAT[:2]})
    with TraceStore.open(tmp_path / "logs.sqlite") as store:
        first, second = import_logs(f"openai:{path}", store), import_logs(f"openai:{path}", store)
        assert (first.imported, first.repeated, first.lost) == (second.imported, 1, 0)
        assert store.counts().finished == 2 and store.verify() == []


BAD_ROWS: list[Any] = [
    "{",
    "[1, 2]",
    "null",
    '{"messages": 3}',
    '{"messages": [3]}',
    '{"messages": [{"role": "nobody", "content": "x"}]}',
    '{"messages": [{"content": "x"}]}',
    '{"messages": [{"role": "user", "content": {"x": [1]}}, {"role": "assistant", "tool_calls": [7]}]}',
    '{"messages": []}',
    '{"other": 1}',
    '{"messages": [{"role": "user", "content": [null]}]}',
    "[" * 5000,
    '{"a": NaN}',
]


def test_bad_rows_are_reported_with_their_line_and_the_rest_is_imported(tmp_path: Path) -> None:
    good = json.dumps({"messages": CHAT})
    path = write(tmp_path / "chat.jsonl", good, *BAD_ROWS, good.replace("Book", "Reserve"))
    report = imported(f"openai:{path}", tmp_path)
    assert report.imported == 2 and report.lost == len(BAD_ROWS) == len(report.losses)
    assert [loss.where for loss in report.losses] == [f"line {n}" for n in range(2, 2 + len(BAD_ROWS))]
    assert all(loss.why and "\n" not in loss.why for loss in report.losses)


def imported(spec: str, folder: Path) -> ImportReport:
    with TraceStore.open(folder / "logs.sqlite") as store:
        return import_logs(spec, store)


def test_a_file_cut_off_gives_what_stands_before(tmp_path: Path) -> None:
    rows = "".join(json.dumps({"messages": [{"role": "user", "content": f"{n}"}]}) + "\n" for n in range(5000))
    packed = gzip.compress(rows.encode())
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    report = imported(f"openai:{tmp_path / 'cut.jsonl.gz'}", tmp_path)
    assert 0 < report.imported < 5000 and "cannot be read on" in report.losses[-1].why


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sml_agents.traces.importers.lines.LONGEST", 1000)
    good = json.dumps({"messages": CHAT[:2]})
    path = write(tmp_path / "chat.jsonl", good, "x" * 5000, good.replace("Book", "Reserve"))
    report = imported(f"openai:{path}", tmp_path)
    assert (report.imported, report.lost) == (2, 1) and "longer" in report.losses[0].why


@pytest.mark.parametrize("spec", ["openai", "nothing:x", "openai:", "openai:missing.jsonl", "langgraph:missing.sqlite"])
def test_a_wrong_spec_is_one_sentence(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        imported(spec, tmp_path)
    assert "\n" not in str(error.value)


DAMAGED = {
    "langsmith": ["langsmith_runs.jsonl"],
    "langfuse": ["langfuse_traces.jsonl"],
    "otel": [spec.partition(":")[2] for spec in MADE_BY_LIBRARIES if spec.startswith("otel:")],
    "openinference": ["openinference_langchain.json"],
    "inspect": ["inspect.json"],
    **dict.fromkeys(("openai", "sharegpt", "lost-in-conversation", "mint"), ()),
}
"""The samples of each format; those of the rest are made here."""


@pytest.mark.parametrize("format", sorted(DAMAGED))
def test_damaged_records_never_stop_an_import(format: str, tmp_path: Path) -> None:
    """1,000 damaged records of each format; `benchmarks/imports.py --damage` does 10,000."""
    rows = whole_rows(format)
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(b"\n".join(damage(rows, 1000 // len(rows) + 1, seed=1)) + b"\n")
    report = imported(f"{format}:{path}", tmp_path)
    assert report.imported + report.lost + report.repeated == report.records
    assert report.lost == len(report.losses) and all(loss.where and loss.why for loss in report.losses)
    with TraceStore.open(tmp_path / "logs.sqlite", read_only=True) as store:
        assert sum(1 for _ in store.traces()) == report.imported and store.verify() == []


def whole_rows(format: str) -> list[bytes]:
    """The objects of a format's sample, one a line."""
    if samples := DAMAGED[format]:
        return [json.dumps(row.value).encode() for name in samples for row in rows_in(str(SAMPLES / name), print)]
    row: Any = {
        "openai": {"messages": CHAT},
        "sharegpt": {"conversations": SHAREGPT},
        "lost-in-conversation": LOST,
        "mint": {"state": {"history": CHAT[1:2], "success": True, "token_counter": {"prompt_tokens": 1}}, "task": {}},
    }[format]
    return [json.dumps(row).encode()]


def damage(rows: list[bytes], times: int, seed: int) -> list[bytes]:
    """Copies of `rows` with bytes changed, parts cut out or doubled, and values put in place of others."""
    generator = random.Random(seed)
    damaged = []
    for _ in range(times):
        for row in rows:
            data = bytearray(row)
            for _ in range(generator.choice((1, 1, 2, 8))):
                at = generator.randrange(len(data))
                match generator.randrange(4):
                    case 0:
                        data[at] = generator.randrange(256)
                    case 1:
                        del data[at : at + generator.randrange(1, 200)]
                    case 2:
                        data[at:at] = data[at : at + 40]
                    case _:
                        value = generator.choice((b"null", b"[]", b"{}", b"3", b'"x"', b"[[1]]"))
                        colon = data.find(b":", at)
                        stop = min((p for p in (data.find(b",", colon), data.find(b"}", colon)) if p > 0), default=-1)
                        if 0 < colon < stop:
                            data[colon + 1 : stop] = value
                if not data:
                    data = bytearray(b"x")
            damaged.append(bytes(data).replace(b"\n", b" "))
    return damaged


def test_every_format_is_tested() -> None:
    assert set(FORMATS) == {*DAMAGED, "langgraph"}
