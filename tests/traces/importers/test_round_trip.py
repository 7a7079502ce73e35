"""What is exported reads back as what it was: turns, calls and their results, and what is trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.data.export import export
from sml_agents.traces import TraceStore
from sml_agents.traces.importers import import_logs
from sml_agents.types import Role, Trace
from tests.traces.importers.reading import agent, call, calls, person, read, result, said, write

TALKS: dict[str, list[Any]] = {
    "plain": [person("q"), agent("a")],
    "long": [person("q"), agent("a"), person("and?"), agent("b"), person("so?"), agent("c")],
    "a call": [person("q"), agent("", tool_calls=[call("f", "c", n=1)]), result("ok", "c"), agent("a")],
    "two calls at once": [
        person("q"),
        agent("", tool_calls=[call("f", "c", n=1), call("g", "d", x=[1, {"y": None}])]),
        result("two", "d"),
        result('{"one": 1}', "c"),
        agent("a"),
    ],
    "calls without ids": [
        person("q"),
        agent("", tool_calls=[call("f", n=1)]),
        result("1"),
        agent("", tool_calls=[call("f", n=2)]),
        result("2"),
        agent("a"),
    ],
    "words, calls, words": [
        person("q"),
        agent("Let me see.", tool_calls=[call("f", "c")]),
        result("ok", "c"),
        agent("a"),
        person("and?"),
        agent("b"),
    ],
    "the same call in each turn": [
        *(person("q"), agent("", tool_calls=[call("f", "c")]), result("1", "c"), agent("a")),
        *(person("again"), agent("", tool_calls=[call("f", "c")]), result("2", "c"), agent("b")),
    ],
    "other scripts and signs": [
        person('\u4e2d\u6587 \u05e2\u05d1 \U0001f600\n\ttab \\ "x" <b>'),
        agent("caf\u00e9 \u2028 $x$"),
    ],
    "marks in code": [person("q"), agent("`<think>` opens it"), person("<think>?"), agent("[TOOL_CALLS] is a token")],
}
WEIGHTED = [
    [person("q"), agent("a", weight=0), person("and?"), agent("b")],
    [person("q"), agent("a"), person("and?"), agent("b", weight=0), person("so?"), agent("c")],
    [
        person("q"),
        agent("a", weight=0),
        person("?"),
        agent("", tool_calls=[call("f", "c")]),
        result("1", "c"),
        agent("b"),
    ],
]
READ_AS = {"openai": "openai", "trl": "openai", "sharegpt": "sharegpt", "parquet": "openai"}


def shape(trace: Trace) -> Any:
    return said(trace), calls(trace), [turn.trainable for turn in trace.turns if turn.role is Role.STUDENT]


def there_and_back(format: str, rows: list[Any], folder: Path, times: int = 2) -> tuple[list[Any], list[Any]]:
    """The shapes before, and after `times` exports and imports."""
    spec = f"openai:{write(folder / 'in.jsonl', *({'messages': row} for row in rows))}"
    before: list[Any] = []
    for number in range(times):
        with TraceStore.open(folder / f"{number}.sqlite") as store:
            assert import_logs(spec, store).lost == 0
            before = before or [shape(trace) for trace in store.traces()]
            out = folder / (f"table{number}" if format == "parquet" else f"{number}.jsonl")
            export(store.traces(), format, out)
        spec = f"{READ_AS[format]}:{out}"
    found, losses = read(spec)
    assert losses == [] and not any(trace.tags.get("unread") for trace in found)
    return before, [shape(trace) for trace in found]


@pytest.mark.parametrize("format", READ_AS)
def test_every_conversation_comes_back(format: str, tmp_path: Path) -> None:
    before, after = there_and_back(format, list(TALKS.values()), tmp_path)
    assert len(before) == len(TALKS)
    assert sorted(after, key=repr) == sorted(before, key=repr)


@pytest.mark.parametrize("format", ["openai", "parquet"])
def test_weights_come_back(format: str, tmp_path: Path) -> None:
    before, after = there_and_back(format, WEIGHTED, tmp_path)
    assert [one[2] for one in before] == [[False, True], [True, False, True], [False, True]]
    assert sorted(after, key=repr) == sorted(before, key=repr)


def test_targets_of_trls_rows_come_back(tmp_path: Path) -> None:
    """One row for each target: the history, on which nothing is trained, and the turn."""
    path = write(tmp_path / "in.jsonl", *({"messages": row} for row in WEIGHTED))
    with TraceStore.open(tmp_path / "s.sqlite") as store:
        import_logs(f"openai:{path}", store)
        traces = list(store.traces())
        export(traces, "trl-prompt-completion", tmp_path / "out.jsonl")
    found, losses = read(f"openai:{tmp_path / 'out.jsonl'}")
    assert losses == []
    wholes = [said(trace) for trace in traces]
    for trace in found:
        marks = [turn.trainable for turn in trace.turns if turn.role is Role.STUDENT]
        assert marks == [False] * (len(marks) - 1) + [True]
        *history, (role, text) = said(trace)
        assert any(
            whole[: len(history)] == history and (role, text) in (whole[len(history)], ("agent", ""))
            for whole in wholes
        )
    answers = [turn.text for trace in traces for turn in trace.turns if turn.role is Role.STUDENT and turn.trainable]
    assert sorted(filter(None, (said(trace)[-1][1] for trace in found))) == sorted(answers)


@pytest.fixture(scope="module")
def dialogues() -> list[Trace]:
    """Of ours, with attempts, questions and turns that Q-priming replaced: what can be judged."""
    from sml_agents import DialogueSettings, OracleTeacher, load_tasks, run_dialogues_sync
    from sml_agents.roles import GuessingStudent, OraclePrimer

    with TraceStore.open(":memory:") as store:
        run_dialogues_sync(
            load_tasks("arithmetic?form=paired&n=12"),
            GuessingStudent(questions=0.3),
            OracleTeacher(),
            store,
            settings=DialogueSettings(q_priming=0.75),
            primer=OraclePrimer(demonstrate=True),
            samples=2,
        )
        return list(store.traces())


@pytest.mark.parametrize("format", ["preference", "kto"])
def test_judged_turns_come_back_each_with_its_history(format: str, dialogues: list[Trace], tmp_path: Path) -> None:
    """A pair comes back as its better turn; that the worse one is not read is said."""
    out = tmp_path / "out.jsonl"
    export(dialogues, format, out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) > 10 and (format == "preference" or {row["label"] for row in rows} == {True, False})
    found, losses = read(f"openai:{out}")
    assert losses == []
    names = {"user": "person", "assistant": "agent"}
    wanted = {}
    for row in rows:
        answer = row["chosen" if format == "preference" else "completion"]
        talk = tuple((names[one["role"]], one["content"]) for one in [*row["prompt"], *answer])
        wanted[talk] = row.get("label", True)
    came = {tuple(said(trace)): trace for trace in found}
    assert came.keys() == wanted.keys()
    for talk, trace in came.items():
        marks = [turn.trainable for turn in trace.turns if turn.role is Role.STUDENT]
        assert marks == [False] * (len(marks) - 1) + [wanted[talk]]
        assert trace.tags.get("unread") == ({"rejected": 1} if format == "preference" else None)


def test_a_judged_turn_with_calls_comes_back(tmp_path: Path) -> None:
    history = [person("q"), agent("", tool_calls=[call("f", "c", n=1)]), result("one", "c"), agent("a"), person("no")]
    row = {"prompt": history, "completion": [agent("b")], "label": True}
    path = write(tmp_path / "in.jsonl", row)
    with TraceStore.open(tmp_path / "s.sqlite") as store:
        import_logs(f"openai:{path}", store)
        [trace] = store.traces()
        assert calls(trace) == [("f", {"n": 1}, "one")]
        export([trace], "trl-prompt-completion", tmp_path / "out.jsonl")
    found, losses = read(f"openai:{tmp_path / 'out.jsonl'}")
    assert losses == [] and [shape(one) for one in found] == [shape(trace)]
