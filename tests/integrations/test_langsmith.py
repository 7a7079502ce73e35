"""Lessons as a data set, with LangSmith's own client against a server on loopback, and `evaluate()` over it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from langsmith import Client

from sml_agents.errors import InputError
from sml_agents.integrations.evaluators import asks_when_needed, guessed_arguments, needless
from sml_agents.integrations.langsmith import examples, upload, write_examples
from sml_agents.mining import decide, find_moments, lesson
from sml_agents.traces import TraceStore
from sml_agents.traces.importers.parts import Call, Result, Said
from sml_agents.traces.importers.record import Log, trace_of
from sml_agents.traces.store import Batch
from sml_agents.types import Trace
from tests.integrations.langsmith_server import Kept, langsmith_server

BOOK = {
    "type": "function",
    "function": {
        "name": "book",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "day": {"type": "string", "format": "date"}},
            "required": ["place", "day"],
        },
    },
}


def books(day: str) -> list[Said]:
    call = Call("book", {"place": "Luigi's", "day": day}, day)
    return [Said("assistant", "", [call]), Said("tool", results=[Result(day, "ok")]), Said("assistant", "Booked.")]


def conversations() -> Iterator[Trace]:
    """One in which a day was missing and guessed, one in which it asked, one in which nothing was missing."""
    said: list[list[Said]] = [
        [Said("system", "You book."), Said("user", "Book Luigi's."), *books("2027-05-01"),
         Said("user", "No, on 2 May 2027."), *books("2027-05-02"), Said("user", "Thanks!")],
        [Said("user", "Book Luigi's."), Said("assistant", "For which day?"), Said("user", "3 May 2027"),
         *books("2027-05-03"), Said("user", "Thanks!")],
        [Said("user", "Book Luigi's on 4 May 2027."), *books("2027-05-04"), Said("user", "Thanks!")],
    ]  # fmt: skip
    for number, messages in enumerate(said):
        yield trace_of(Log(f"talk {number}", messages, "", source=f"talk-{number}", tools=[BOOK]), "openai")


@pytest.fixture
def lessons() -> list[Trace]:
    return [lesson(trace, moment) for trace in conversations() for moment in find_moments(trace)]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    with langsmith_server() as server:
        yield server


def client_of(kept: Kept) -> Client:
    return Client(api_url=kept.url, api_key="none", web_url=kept.url)


def test_a_lesson_is_a_decision_and_what_it_should_have_been(lessons: list[Trace]) -> None:
    corrected, asked, answered = examples(lessons, "d")
    assert [one["metadata"]["kind"] for one in (corrected, asked, answered)] == ["corrected", "asked", "answered"]
    assert [one["reference_outputs"]["missing"] for one in (corrected, asked, answered)] == [True, True, False]
    assert corrected["inputs"] == {
        "messages": [{"role": "system", "content": "You book."}, {"role": "user", "content": "Book Luigi's."}],
        "tools": [BOOK],
    }
    reference = corrected["reference_outputs"]
    assert reference["fact"] == "day" and reference["messages"][0]["content"] == reference["question"]
    assert reference["messages"][1] == {"role": "user", "content": "On 2 May 2027."}
    assert json.loads(reference["messages"][2]["tool_calls"][0]["function"]["arguments"])["day"] == "2027-05-02"
    assert {one["split"] for one in (corrected, asked, answered)} <= {"train", "heldout"}


def test_rejected_lessons_and_other_traces_are_left_out(lessons: list[Trace], tmp_path: Path) -> None:
    rejected = decide(lessons[0], "rejected")
    kinds = [one["metadata"]["kind"] for one in examples([rejected, *conversations(), *lessons[1:]])]
    assert kinds == ["asked", "answered"]
    assert next(examples([decide(lessons[0], "accepted")]))["metadata"]["review"] == "accepted"
    for write in (partial(write_examples, path=tmp_path / "x.jsonl"), partial(upload, name="x")):
        with pytest.raises(InputError, match="sml-agents mine"):
            write([rejected])  # type: ignore[operator]


def test_json_lines(lessons: list[Trace], tmp_path: Path) -> None:
    assert write_examples(iter(lessons), tmp_path / "sub" / "lessons.jsonl") == 3
    rows = [json.loads(line) for line in (tmp_path / "sub" / "lessons.jsonl").read_text().splitlines()]
    assert [row["outputs"]["missing"] for row in rows] == [True, True, False]
    assert [row["inputs"] for row in rows] == [one["inputs"] for one in examples(lessons)]


def test_uploaded_once(lessons: list[Trace], kept: Kept) -> None:
    client = client_of(kept)
    assert upload(lessons[:2], "lessons", client=client)[1:] == (2, 0)
    assert upload(lessons, "lessons", client=client)[1:] == (1, 2)
    found = {one["id"]: one for one in kept.examples.values()}
    for made in examples(lessons, "lessons"):
        there = found.pop(made["id"])
        assert there["inputs"] == made["inputs"] and there["outputs"] == made["reference_outputs"]
        assert there["metadata"] == {**made["metadata"], "dataset_split": [made["split"]]}
    assert not found and list(kept.datasets) == ["lessons"]
    assert upload(lessons, "others", client=client).created == 3, "another data set has examples of its own"
    assert kept.unknown == []


def test_evaluate_scores_an_agent_on_them(lessons: list[Trace], kept: Kept) -> None:
    client = client_of(kept)
    upload(lessons, "lessons", client=client)

    def guesses(inputs: dict[str, Any]) -> dict[str, Any]:
        function = {"name": "book", "arguments": json.dumps({"place": "Luigi's", "day": "2027-05-04"})}
        call = {"id": "1", "type": "function", "function": function}
        return {"messages": [*inputs["messages"], {"role": "assistant", "content": "", "tool_calls": [call]}]}

    evaluators = [asks_when_needed, needless, guessed_arguments, partial(guessed_arguments, turn=1)]
    found: dict[str, list[Any]] = {}
    for row in client.evaluate(guesses, data="lessons", evaluators=evaluators, max_concurrency=0):  # type: ignore[call-overload]
        for result in row["evaluation_results"]["results"]:
            found.setdefault(result.key, []).extend([] if result.score is None else [result.score])
    assert {key: sorted(scores) for key, scores in found.items()} == {
        "asks_when_needed": [0.0, 0.0],
        "needless": [0.0],
        "guessed_arguments": [0.0, 1.0, 1.0],
        "guessed_arguments@1": [0.0, 1.0, 1.0],
    }


def test_the_page_s_lines(
    lessons: list[Trace], kept: Kept, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (repository / "docs" / "evaluators.md").read_text(encoding="utf-8")
    (snippet,) = [
        code for code in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "langsmith" in code
    ]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGSMITH_ENDPOINT", kept.url)
    monkeypatch.setenv("LANGSMITH_API_KEY", "none")
    with TraceStore.open("lessons.sqlite") as store:
        store.write(Batch(done=[store.done_row(one) for one in lessons]))
    exec(compile(snippet, "evaluators.md", "exec"), {})
    assert len(Path("lessons.jsonl").read_text().splitlines()) == len(kept.examples) == 3
    scores: dict[str, list[float]] = {}
    until = time.monotonic() + 30
    while len(kept.feedback) < 9 and time.monotonic() < until:  # the client sends it in a thread of its own
        time.sleep(0.02)
    for one in kept.feedback:
        scores.setdefault(one["key"], []).extend([] if one["score"] is None else [one["score"]])
    assert scores == {"asks_when_needed": [1.0, 1.0], "needless": [1.0], "guessed_arguments": []}
    assert kept.runs and [path for path in kept.unknown if "version" not in path] == []
