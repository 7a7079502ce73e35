"""What the rules find in conversations, what becomes of it, and what a reviewer decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.backends import resolve
from sml_agents.data.export import export
from sml_agents.data.pairs import make_pairs
from sml_agents.data.rows import training_rows
from sml_agents.data.selection import PRESETS, Conversation, TraceFilter
from sml_agents.errors import InputError
from sml_agents.mining import Kind, Moment, decide, find_moments, lesson, mine, moment_of
from sml_agents.mining.judge import Judge
from sml_agents.mining.run import accept_above
from sml_agents.mining.signals import corrects, thanks, without_apology, without_marker
from sml_agents.traces import TraceStore
from sml_agents.types import Act, Form, Private, Role, StopReason, Task, ToolCall, Trace, Turn, Verdict

PERSON, AGENT = Role.TEACHER, Role.STUDENT


def booking(**arguments: Any) -> tuple[ToolCall, ...]:
    return (ToolCall(name="book", arguments={"place": "Luigi's", **arguments}, result="ok", id="c"),)


def recorded(*said: Any, **more: Any) -> Trace:
    """A conversation that the person opens; an agent's turn is a text, or a text with its tool calls."""
    turns = []
    for number, one in enumerate(said):
        text, calls = one if isinstance(one, tuple) else (one, None)
        role = AGENT if number % 2 else PERSON
        turns.append(Turn(role=role, text=text, tool_calls=calls, trainable=role is AGENT))
    task = Task(id="t", family="openai", prompt=turns[0].text, private=Private(answer=""), verifier="")
    return Trace(id="a" * 16, task=task, turns=tuple(turns), stop=StopReason.RECORDED, **more)


FRIDAY = ("Booked for Friday.", booking(day="Friday"))
SATURDAY = ("Booked for Saturday.", booking(day="Saturday"))
CASES = {
    "corrected": (("Book Luigi's", FRIDAY, "No, Saturday.", SATURDAY), "rule:correction+argument", "day"),
    "corrected, words alone": (
        ("What will the weather be in Rome?", "Sunny.", "I meant on 5 May.", "It will rain."),
        "rule:correction",
        "date",
    ),
    "late_fact": (("Book Luigi's", FRIDAY, "We come on Saturday", SATURDAY), "rule:late+argument", "day"),
    "mistake": (("Book Luigi's on Saturday", FRIDAY, "No, I said Saturday!", SATURDAY), "rule:said_before", ""),
    "asked": (("Book Luigi's", "For which day?", "Saturday", SATURDAY), "rule:question+argument", "day"),
    "answered": (("Book Luigi's on Friday", FRIDAY, "Great, thanks!"), "rule:went_ahead", ""),
}


def test_a_call_that_is_no_json_is_no_good_answer() -> None:
    broken = (ToolCall(name="book", arguments={"unparsed": '{"day": "Friday"'}, result="ok", id="c"),)
    assert find_moments(recorded("Book Luigi's on Friday", ("Booked for Friday.", broken), "Great, thanks!")) == []
    assert find_moments(recorded("Book Luigi's on Friday", FRIDAY, "Great, thanks!"))


@pytest.mark.parametrize("name", CASES)
def test_each_kind_is_found_with_its_evidence(name: str) -> None:
    said, rule, fact = CASES[name]
    (moment,) = find_moments(recorded(*said))
    assert moment.kind == name.split(",")[0] and moment.by == rule
    assert fact is None or moment.fact == fact
    assert 0 < moment.confidence <= 1
    assert moment.evidence and all(one.quote for one in moment.evidence)


def test_stronger_signs_are_surer() -> None:
    def sure(*said: Any) -> float:
        return find_moments(recorded(*said))[0].confidence

    plain = sure(*CASES["corrected"][0])
    assert plain < sure(*CASES["corrected"][0], "Perfect, thank you")
    assert sure(*CASES["corrected, words alone"][0]) < plain


@pytest.mark.parametrize(
    "said",
    [
        ("Book Luigi's", FRIDAY, "No, Saturday.", SATURDAY, "No, Sunday!"),
        ("Book Luigi's", "For which day?"),
        ("Book Luigi's", ("Error", (ToolCall(name="book", arguments={}, result="Error: no table"),))),
        ("Thanks!",),
        ("Book Luigi's", FRIDAY, "That's wrong."),
        ("Book Luigi's", "I cannot do that."),
    ],
)
def test_nothing_is_learnt_where_it_ended_badly_or_is_open(said: Any) -> None:
    kinds = {moment.kind for moment in find_moments(recorded(*said))}
    assert not kinds & {Kind.ANSWERED, Kind.ASKED, Kind.MISTAKE}
    assert not (len(said) > 4 and kinds)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_scores_decide_how_it_ended(value: float) -> None:
    scores = [{"name": "thumbs", "value": value, "source": "person"}]
    found = find_moments(recorded("Book Luigi's on Friday", FRIDAY, tags={"scores": scores}))
    assert [moment.outcome_by for moment in found] == (["rule:score"] if value else [])


@pytest.mark.parametrize(
    ("text", "wrong", "fine"),
    [
        ("No, Saturday", True, False),
        ("no problem, thanks", False, True),
        ("Nobody came", False, False),
        ("That's not what I meant", True, False),
        ("Not bad, thank you!", False, True),
        ("I meant the blue one", True, False),
        ("Actually make it Monday", True, False),
        ("Now book another", False, False),
        ("Perfect", False, True),
        ("No rush", False, False),
    ],
)
def test_words_of_complaint_and_thanks(text: str, wrong: bool, fine: bool) -> None:
    assert (corrects(text) is not None, thanks(text) is not None) == (wrong, fine)


def test_a_correction_becomes_a_plain_answer() -> None:
    assert without_marker("No, I meant Saturday.") == "Saturday."
    assert without_marker("That's wrong, it should be at 6 pm") == "At 6 pm"
    assert without_marker("No!") == "No!"


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Sorry about that! It will rain.", "It will rain."),
        ("I'm so sorry, it rains on 5 May.", "It rains on 5 May."),
        ("You're right, sorry for the mix-up. Fixed: a table for 3.", "A table for 3."),
        ("My apologies!", ""),
        ("Fixed.", ""),
        ("Changed plans are fine.", "Changed plans are fine."),
        ("it will rain", "it will rain"),
    ],
)
def test_an_answer_loses_its_apology(text: str, rest: str) -> None:
    assert without_apology(text) == rest


UNDOES = ToolCall(name="cancel", arguments={"booking": "B17"}, result="cancelled", id="u")
GUESS = ("Booked.", (ToolCall(name="book", arguments={"place": "Luigi's", "guests": 2}, result="B17", id="g"),))
RIGHT = ToolCall(name="book", arguments={"place": "Luigi's", "guests": 3}, result="B18", id="r")


@pytest.mark.parametrize("correction", ["No, we are 3 people.", "We are 3 people."])
@pytest.mark.parametrize("format", ["trl", "openai", "sharegpt", "trl-prompt-completion", "kto"])
def test_nothing_that_only_follows_a_mistake_is_learnt(tmp_path: Path, correction: str, format: str) -> None:
    """Where the lesson asks first nothing was booked: there is nothing to apologise for, and nothing to cancel."""
    trace = recorded("Book Luigi's", GUESS, correction, ("Sorry, fixed.", (UNDOES, RIGHT)), "Thanks!")
    thought = trace.turns[3].model_copy(update={"thought": "I got it wrong."})
    trace = trace.model_copy(update={"turns": (*trace.turns[:3], thought, trace.turns[4])})
    (moment,) = find_moments(trace)
    assert moment.kind in (Kind.CORRECTED, Kind.LATE_FACT)
    made = lesson(trace, moment, heldout=0)
    assert (made.turns[-1].text, made.turns[-1].thought, made.turns[-1].tool_calls) == ("", "", (RIGHT,))
    export([decide(made, "accepted")], format, out := tmp_path / "rows.jsonl")
    written = out.read_text()
    assert '"guests' in written.replace("\\", "") and "ixed" not in written and "B17" not in written
    assert "How many guests should it be?" in written


def test_a_mistake_is_put_right_in_the_words_of_who_made_none() -> None:
    said = CASES["mistake"][0]
    trace = recorded(*said[:-1], ("Now for Saturday, sorry.", booking(day="Saturday")))
    (moment,) = find_moments(trace)
    made = lesson(trace, moment)
    assert [turn.text for turn in made.turns] == ["Book Luigi's on Saturday", ""]
    weather = recorded("Weather in Rome?", "Sunny.", "I meant on 5 May.", "Oh, sorry! It will rain.")
    (moment,) = find_moments(weather)
    assert lesson(weather, moment).turns[-1].text == "It will rain."


def test_what_names_a_result_that_is_still_there_is_no_undoing() -> None:
    """The order was looked up before the guess, and the person had said its number."""
    looked = ToolCall(name="find", arguments={"name": "Ann"}, result="order O42", id="f")
    small = ToolCall(name="change", arguments={"order": "O42", "size": "S"}, result="O42 is S", id="s")
    large = small.model_copy(update={"arguments": {"order": "O42", "size": "L"}, "id": "l"})
    trace = recorded("Change Ann's order", ("Done.", (looked, small)), "No, L please", ("Fixed.", (large,)))
    (moment,) = find_moments(trace)
    assert lesson(trace, moment).turns[-1].tool_calls == (large,)


def test_an_answer_that_only_takes_back_is_not_learnt() -> None:
    moves = ToolCall(name="move", arguments={"booking": "B17", "guests": 3}, result="moved", id="m")
    trace = recorded("Book Luigi's for 5 pm", GUESS, "I meant on 5 May.", ("Moved.", (moves,)))
    (moment,) = find_moments(trace)
    made = lesson(trace, moment)
    assert [(turn.text, turn.trainable) for turn in made.turns[-3:]] == [
        ("On which date?", True),
        ("On 5 May.", False),
        ("", False),
    ]


def test_a_lesson_asks_first_and_its_pair_prefers_asking() -> None:
    trace = recorded("Hi", "Hello!", "Book Luigi's", FRIDAY, "No, Saturday.", SATURDAY, "Thanks!")
    moment = next(one for one in find_moments(trace) if one.kind is Kind.CORRECTED)
    made = lesson(trace, moment, heldout=0)
    assert [(turn.text, turn.trainable) for turn in made.turns] == [
        ("Hi", False),
        ("Hello!", False),
        ("Book Luigi's", False),
        ("Which day should it be?", True),
        ("Saturday.", False),
        ("", True),
    ]
    assert made.task.form is Form.UNDERSPECIFIED and made.solved is None
    assert made.turns[-1].tool_calls == booking(day="Saturday")
    taken = PRESETS["q_primed"].take(decide(made, "accepted"))
    assert isinstance(taken, Conversation) and [taken.turns[at].act for at in taken.targets] == [
        Act.CLARIFICATION,
        Act.ANSWER_ATTEMPT,
    ]
    (pair,) = make_pairs([taken])
    assert (pair.chosen.text, pair.rejected.text) == ("Which day should it be?", "Booked for Friday.")
    assert pair.source == "primed"


def test_only_accepted_lessons_are_trained_on() -> None:
    trace = recorded(*CASES["corrected"][0])
    made = lesson(trace, find_moments(trace)[0], heldout=0)
    rejected = decide(made, "rejected")
    for filters in (TraceFilter(), TraceFilter(solved=True), TraceFilter(splits=("train",))):
        for one in (made, rejected):
            assert filters.take(one) == "not accepted in a review"
        assert not isinstance(filters.take(decide(made, "accepted")), str)
    assert not isinstance(TraceFilter(solved=False).take(rejected), str), "somebody asks for them"
    edited = decide(made, "accepted", question="On which day?", answer="Done.")
    (row,) = training_rows([edited], "q_primed", system="")
    assert [(message.content, message.trainable, len(message.calls)) for message in row.messages] == [
        ("Book Luigi's", False, 0),
        ("On which day?", True, 0),
        ("Saturday.", False, 0),
        ("", True, 1),
        ("ok", False, 0),
        ("Done.", True, 0),
    ]
    assert row.missing is True
    assert edited.task.private.facts[0].question == "On which day?"


def test_lessons_that_are_held_out_are_taken_by_name_only() -> None:
    trace = recorded(*CASES["corrected"][0])
    made = decide(lesson(trace, find_moments(trace)[0], heldout=1.0), "accepted")
    assert made.task.split == "heldout"
    for filters in (TraceFilter(), TraceFilter(solved=True), PRESETS["q_primed"]):
        assert "held out" in str(filters.take(made))
    assert not isinstance(TraceFilter(splits=("heldout",)).take(made), str)
    dialogue = made.model_copy(update={"tags": {}})
    assert not isinstance(TraceFilter().take(dialogue), str), "of dialogues of our own, who runs a split means it"


def test_what_cannot_be_decided_is_said() -> None:
    trace = recorded(*CASES["answered"][0])
    made = lesson(trace, find_moments(trace)[0])
    for wrong in (lambda: decide(trace, "accepted"), lambda: decide(made, "accepted", question="Which?")):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(InputError, match="empty"):
        decide(made, "accepted", answer=" ")


def test_mining_again_leaves_what_was_reviewed(tmp_path: Path) -> None:
    traces = [recorded(*said).model_copy(update={"id": f"{n:016x}"}) for n, (said, _, _) in enumerate(CASES.values())]
    with TraceStore.open(tmp_path / "lessons.sqlite") as store:
        report = mine(traces, store)
        assert (report.traces, report.moments, report.without) == (6, 6, 0)
        assert report.kinds == dict.fromkeys(Kind, 1) | {Kind.CORRECTED: 2}
        first = next(store.traces())
        store.add(decide(first, "rejected"))
        sure = sum(moment_of(one).confidence >= 0.6 for one in store.traces() if one.solved is None)  # type: ignore[union-attr]
        assert accept_above(store, 0.6) == sure
        again = mine(traces, store)
        assert (again.moments, again.kept) == (6 - 1 - sure, 1 + sure)
        assert store.get(first.id).solved is False
        assert store.verify() == []


@pytest.mark.parametrize("agrees", [True, False, None])
def test_a_judge_makes_surer_or_doubts(agrees: bool | None, tmp_path: Path) -> None:
    trace = recorded(*CASES["corrected"][0])
    (ruled,) = find_moments(trace)
    opinion = {"missing": agrees, "question": "For which day do you want the table?", "good": True, "quote": "Saturday"}
    script = tmp_path / "judge.json"
    script.write_text(json.dumps([f"Well: {json.dumps(opinion)}" if agrees is not None else "I cannot say."]))
    (judged,) = Judge(resolve(f"scripted:{script}")).find(trace)
    if agrees is None:
        assert judged == ruled
    elif agrees:
        assert judged.confidence > ruled.confidence and judged.question == opinion["question"]
        assert "agrees" in judged.by and judged.outcome_by.startswith("judge:")
    else:
        assert judged.confidence < ruled.confidence and judged.question == ruled.question
        assert "does not agree" in judged.by


def test_a_moment_survives_the_store(tmp_path: Path) -> None:
    trace = recorded(*CASES["corrected"][0])
    with TraceStore.open(tmp_path / "lessons.sqlite") as store:
        mine([trace], store)
        (back,) = store.traces()
    assert isinstance(moment_of(back), Moment) and moment_of(trace) is None
    assert back.turns[-1].verdict == Verdict(outcome="correct")
