"""Corrections by value and by path, reviewers' decisions as labels, questions of a person's words, whole lessons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from benchmarks import mining as synthetic
from sml_agents.data.rows import training_rows
from sml_agents.data.selection import TraceFilter
from sml_agents.mining import Kind, decide, find_moments, lesson, mine
from sml_agents.mining.conversation import as_held
from sml_agents.mining.judge import Judge
from sml_agents.traces import TraceStore
from sml_agents.types import Form, Private, Role, StopReason, Task, ToolCall, Trace, Turn

DATE = {"type": "string", "format": "date"}
SIZE = {"type": "string", "enum": ["S", "M", "L"]}
PROPERTIES = {
    "city": {"type": "string"},
    "date": DATE,
    "guests": {"type": "integer"},
    "size": SIZE,
    "gift_wrap": {"type": "boolean"},
    "order_id": {"type": "string"},
    "to": {"type": "string"},
    "trip": {"$ref": "#/$defs/Trip"},
    "stops": {"type": "array", "items": {"type": "object", "properties": {"day": DATE}}},
}
TRIP = {"type": "object", "properties": {"departure": {"anyOf": [DATE, {"type": "null"}]}, "seat": {"type": "string"}}}
TOOL = {
    "type": "function",
    "function": {
        "name": "book",
        "description": "Book.",
        "parameters": {"type": "object", "properties": PROPERTIES, "$defs": {"Trip": TRIP}},
    },
}


def call(id: str = "c", result: str | None = "ok", name: str = "book", **arguments: Any) -> ToolCall:
    return ToolCall(name=name, arguments=arguments, result=result, id=id)


def log(*said: Any, **more: Any) -> Trace:
    """The person opens; an agent's turn is a text, a call, or both."""
    turns = []
    for number, one in enumerate(said):
        text, *calls = one if isinstance(one, tuple) else (one,)
        if isinstance(text, ToolCall):
            text, calls = "", [text, *calls]
        role = Role.STUDENT if number % 2 else Role.TEACHER
        turns.append(Turn(role=role, text=text, tool_calls=tuple(calls) or None, trainable=role is Role.STUDENT))
    task = Task(id="t", family="recorded", prompt=turns[0].text, private=Private(answer=""), verifier="none")
    tags = {"started": "2027-03-01T09:00:00+00:00", **more.pop("tags", {})}
    return Trace(
        id="a" * 16,
        task=task,
        turns=tuple(turns),
        stop=StopReason.RECORDED,
        tools=(TOOL,),
        system="You book.",
        tags=tags,
        **more,
    )


@pytest.mark.parametrize(
    ("before", "words", "now", "fact", "question"),
    [
        ({"date": "2026-12-24"}, "No, on 5 May", {"date": "2027-05-05"}, "date", "On which date?"),
        ({"date": "2026-12-24"}, "I meant tomorrow", {"date": "2027-03-02"}, "date", "On which date?"),
        ({"guests": 2}, "No, four of us", {"guests": 4}, "guests", "How many guests should it be?"),
        ({"size": "M"}, "Wrong, large", {"size": "L"}, "size", "Which size: S, M or L?"),
        ({"order_id": "ORD-1"}, "No, ORD-4711", {"order_id": "ORD-4711"}, "order_id", "What is the order id?"),
        ({"to": "Rome"}, "No, to Oslo", {"to": "Oslo"}, "to", "Where to?"),
        (
            {"trip": {"departure": "2026-12-24", "seat": "any"}},
            "That's wrong, we leave on 5 May",
            {"trip": {"departure": "2027-05-05", "seat": "any"}},
            "trip.departure",
            "On which date is the departure?",
        ),
        (
            {"stops": [{"day": "2027-01-01"}]},
            "Actually on 6 June",
            {"stops": [{"day": "2027-06-06"}]},
            "stops[0].day",
            "Which day should it be?",
        ),
    ],
)
def test_a_correction_is_found_by_value_and_by_path(
    before: dict[str, Any], words: str, now: dict[str, Any], fact: str, question: str
) -> None:
    trace = log("Book Paris", ("Done.", call(city="Paris", **before)), words, ("Done.", call(city="Paris", **now)))
    (moment,) = find_moments(trace)
    assert (moment.kind, moment.by) == (Kind.CORRECTED, "rule:correction+argument")
    assert (moment.fact, moment.question) == (fact, question)


@pytest.mark.parametrize(
    "said",
    [
        # the same value in other words is no change
        ("Book Paris", call(city="Paris", date="5 May"), "No, thanks!", call(city="paris", date="2027-05-05")),
        # they had said it, and now want something else
        (
            "Book Paris on 4 May",
            call(city="Paris", date="2027-05-04"),
            "Actually 5 May",
            call(city="Paris", date="2027-05-05"),
        ),
        # another piece of work
        (
            "Book Paris on 4 May",
            call(city="Paris", date="2027-05-04"),
            "Also book Rome",
            call(city="Rome", date="2027-05-04"),
        ),
        ("Book Paris for two", call(city="Paris", guests=2), "Great. And one more for 4", call(city="Paris", guests=4)),
        # nothing but left-over words
        ("Tell me something", "Here is a poem.", "No, nothing christmas march", "Here is another."),
        ("How tall is it?", "300 m.", "I meant the tower in Tokyo.", "333 m."),
    ],
)
def test_no_lesson_that_asks_first(said: Any) -> None:
    kinds = {moment.kind for moment in find_moments(log(*said))}
    assert not kinds & {Kind.CORRECTED, Kind.LATE_FACT}


def test_the_fact_may_come_after_the_agent_asked_back() -> None:
    wrong, right = call(city="Paris", date="2026-12-24"), call(city="Paris", date="2027-05-05")
    trace = log("Book Paris", ("Done.", wrong), "No, that's wrong.", "Sorry! Which date?", "5 May", ("Done.", right))
    moment = find_moments(trace)[0]
    assert (moment.kind, moment.fact, moment.told) == (Kind.CORRECTED, "date", 4)
    made = lesson(trace, moment)
    assert [turn.text for turn in made.turns] == ["Book Paris", "On which date?", "5 May", ""]


def test_thoughts_are_not_said() -> None:
    thought = "<think>Which date do they want? I could ask.</think>Booked."
    trace = log(
        "Book Paris",
        (thought, call(city="Paris", date="2026-12-24")),
        "No, on 5 May",
        ("Booked.", call(city="Paris", date="2027-05-05")),
    )
    (moment,) = find_moments(trace)
    assert moment.kind is Kind.CORRECTED
    assert lesson(trace, moment).turns[1].replaced == "Booked."


def test_ask_user_is_a_question_and_an_answer() -> None:
    asked = call("q", "On 5 May", "ask_user", question="Which date?")
    trace = log("Book Paris", ("Booked.", asked, call(city="Paris", date="2027-05-05")), "Thanks!")
    assert [turn.text for turn in as_held(trace).turns] == [
        "Book Paris",
        "Which date?",
        "On 5 May",
        "Booked.",
        "Thanks!",
    ]
    (moment,) = find_moments(trace)
    assert (moment.kind, moment.question, moment.fact) == (Kind.ASKED, "Which date?", "date")
    # recorded with its own turns, it stays as it is
    recorded = log("Book Paris", ("Which date?", asked), "On 5 May", ("Booked.", call(city="Paris", date="2027-05-05")))
    assert as_held(recorded).turns == recorded.turns
    assert [moment.kind for moment in find_moments(recorded)] == [Kind.ASKED]


def test_an_answer_that_repeats_its_questions_is_told_once() -> None:
    questions = ["Which date (like 5 May)?", "How many guests?"]
    answer = "Which date (like 5 May)? 6 June\nHow many guests? four"
    asked = call("q", answer, "ask_user", questions=questions)
    booked = ("Booked.", call(city="Paris", date="2027-06-06", guests=4))
    recorded = log("Book Paris", ("\n".join(questions), asked), "6 June\nfour", booked)
    assert as_held(recorded).turns == recorded.turns
    folded = as_held(log("Book Paris", ("Booked.", asked, booked[1]), "Thanks!"))
    assert [turn.text for turn in folded.turns][1:3] == ["\n".join(questions), "6 June\nfour"]


def review(decision: str, proposed: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"reviews": [{"call": "c", "name": "book", "decision": decision, "proposed": proposed, **more}]}


def test_an_edit_of_a_guess_is_a_lesson_to_ask() -> None:
    trace = log(
        "Book Paris",
        ("Booked.", call(city="Paris", date="2027-05-05")),
        tags=review("edit", {"city": "Paris", "date": "2026-12-24"}),
    )
    (moment,) = find_moments(trace)
    assert (moment.kind, moment.by, moment.question) == (Kind.CORRECTED, "rule:reviewer+argument", "On which date?")
    made = lesson(trace, moment)
    assert [turn.text for turn in made.turns] == ["Book Paris", "On which date?", "2027-05-05", "Booked."]
    assert made.tags["replaced_calls"][0]["arguments"]["date"] == "2026-12-24"
    assert made.turns[-1].tool_calls == trace.turns[1].tool_calls


@pytest.mark.parametrize(
    ("request_", "proposed"),
    [("Book Paris on 24 December 2026", "2026-12-24"), ("Book Paris on 5 May", "2026-12-24")],
    ids=["as the person had said", "said and got wrong"],
)
def test_an_edit_of_what_was_said_is_none(request_: str, proposed: str) -> None:
    trace = log(
        request_,
        ("Booked.", call(city="Paris", date="2027-05-05")),
        tags=review("edit", {"city": "Paris", "date": proposed}),
    )
    assert [moment.kind for moment in find_moments(trace)] == []


def test_a_rejection_with_the_value_is_surer_and_an_approval_a_control() -> None:
    said = (
        "Book Paris",
        call(city="Paris", date="2026-12-24"),
        "No, on 5 May",
        ("Ok.", call("d", city="Paris", date="2027-05-05")),
    )
    rejected = find_moments(log(*said, tags=review("reject", {"city": "Paris", "date": "2026-12-24"})))[0]
    plain = find_moments(log(*said))[0]
    assert rejected.kind is plain.kind is Kind.CORRECTED and rejected.confidence > plain.confidence
    assert any("rejected" in one.why for one in rejected.evidence)
    talk = ("Book Paris on 5 May", ("Done.", call(city="Paris", date="2027-05-05")))
    approved = find_moments(log(*talk, tags=review("approve", {})))[0]
    alone = find_moments(log(*talk))[0]
    assert (approved.kind, approved.by) == (Kind.ANSWERED, "rule:approved") and approved.confidence > alone.confidence


def test_agents_that_work_for_others_teach_nothing() -> None:
    trace = log(
        "Book Paris on 5 May", ("Done.", call(city="Paris", date="2027-05-05")), tags={"parent": {"thread": "7"}}
    )
    assert find_moments(trace) == []


def test_lessons_are_trained_under_the_agents_own_prompt_and_tools() -> None:
    trace = log(
        "Book Paris",
        ("Done.", call(city="Paris", date="2026-12-24")),
        "No, on 5 May",
        ("Done.", call(city="Paris", date="2027-05-05")),
    )
    made = decide(lesson(trace, find_moments(trace)[0], heldout=0), "accepted")
    (row,) = training_rows([made], TraceFilter(solved=True))
    assert row.messages[0].role == "system" and row.messages[0].content == "You book."
    assert row.tools == (TOOL,) and made.task.verifier == "none" and made.task.form is Form.UNDERSPECIFIED
    called = next(message for message in row.messages if message.calls)
    assert called.trainable and called.calls[0].arguments["date"] == "2027-05-05"
    assert not next(message for message in row.messages if message.role == "tool").trainable


def test_lessons_of_one_thread_stay_together(tmp_path: Path) -> None:
    talk = ("Book Paris on 5 May", ("Done.", call(city="Paris", date="2027-05-05")), "Thanks!")
    traces = []
    for number in range(200):
        trace = log(*talk)
        task = trace.task.model_copy(update={"meta": {"source": f"thread {number % 100}"}})
        traces.append(trace.model_copy(update={"id": f"{number:016}", "task": task}))
    with TraceStore.open(tmp_path / "l.sqlite") as store:
        report = mine(traces, store, heldout=0.3)
        splits: dict[str, set[str]] = {}
        for made in store.traces():
            splits.setdefault(made.task.meta["source"], set()).add(made.task.split)
    assert all(len(found) == 1 for found in splits.values())
    assert sum(found == {"heldout"} for found in splits.values()) in range(18, 43)
    assert report.splits["train"] + report.splits["heldout"] == report.moments


class Broken(FakeListChatModel):
    """Fails at every call."""

    def _call(self, *args: Any, **more: Any) -> str:
        raise ConnectionError("the judge is gone")


def test_a_judge_that_fails_or_talks_nonsense_says_so_and_loses_nothing() -> None:
    trace = log(
        "Book Paris",
        ("Done.", call(city="Paris", date="2026-12-24")),
        "No, on 5 May",
        ("Done.", call(city="Paris", date="2027-05-05")),
    )
    plain = find_moments(trace)
    nonsense = Judge(FakeListChatModel(responses=["bananas"]))
    assert nonsense.find(trace) == plain
    assert dict(nonsense.unjudged) == {"its reply could not be read": 1}
    broken = Judge(Broken(responses=["x"]))
    assert all(broken.find(trace) == plain for _ in range(7))
    assert sum(broken.unjudged.values()) == 7 and sum("not asked after 5" in why for why in broken.unjudged) == 1
    reply = json.dumps({"missing": True, "question": "When would you like to go?", "good": True, "quote": "5 May"})
    fine = Judge(FakeListChatModel(responses=[reply]))
    (moment,) = fine.find(trace)
    assert moment.question == "When would you like to go?" and fine.judged == 1 and not fine.unjudged


def test_what_is_found_in_a_log_whose_truth_is_known() -> None:
    found = synthetic.measure(60, seed=3)
    assert found["precision"]["value"] >= 0.95 and found["recall"]["value"] >= 0.85
    assert all(question.endswith("?") and len(question.split()) <= 12 for _, question, _ in found["questions"])
