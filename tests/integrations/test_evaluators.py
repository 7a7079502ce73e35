"""The evaluators on conversations in every form in which libraries hand them over."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from sml_agents.errors import InputError
from sml_agents.integrations.evaluators import Feedback, asks_when_needed, guessed_arguments, needless

TODAY = dt.datetime(2026, 11, 26, 9)


@tool
def book_table(city: str, day: dt.date, guests: int, note: str = "") -> str:
    """Book a table."""
    return "booked"


@tool
def find_city(name: str) -> str:
    """Find a city."""
    return name


TOOLS = [book_table, find_city]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def calls(name: str, text: str = "", result: str = "ok", /, **arguments: Any) -> list[dict[str, Any]]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    made = {"role": "assistant", "content": text, "tool_calls": [{"id": "1", "type": "function", "function": function}]}
    return [made, {"role": "tool", "tool_call_id": "1", "content": result}]


def books(text: str = "", **arguments: Any) -> list[dict[str, Any]]:
    return calls("book_table", text, **arguments)


def all_three(outputs: Any, **given: Any) -> tuple[float | None, ...]:
    given = {"tools": TOOLS, "now": TODAY, **given}
    return tuple(one(outputs=outputs, **given)["score"] for one in (asks_when_needed, needless, guessed_arguments))


FULL = "A table in Rome for 4 guests on 1 December 2026, please."
PART = "A table in Rome for 4 guests, please."
RIGHT = {"city": "Rome", "day": "2026-12-01", "guests": 4}

DAY = [says("For which day?"), user("1 December 2026")]
TOLD = [*calls("find_city", "", "Rome", name="me"), *books(**RIGHT)]
WINE = "Booked for you. Which wine should it be?"
SOON = "A table in Rome for 4 guests tomorrow."
KINDS: dict[str, tuple[list[Any], tuple[float | None, ...]]] = {
    "all was said, and it acts": ([user(FULL), *books(**RIGHT), says("Booked.")], (None, 0.0, 0.0)),
    "all was said, and it asks": ([user(FULL), *DAY, *books(**RIGHT)], (None, 0.5, 0.0)),
    "a day is missing, and it asks": ([user(PART), *DAY, *books(**RIGHT)], (1.0, 0.0, 0.0)),
    "a day is missing, and it guesses": ([user(PART), *books(**RIGHT), says("Booked.")], (0.0, None, 1.0)),
    "it guesses and asks whether that is all": ([user(PART), *books(WINE, **RIGHT)], (0.0, None, 1.0)),
    "it asks for one of two, and guesses the other": (
        [user("A table in Rome, please."), says("For how many guests?"), user("4"), *books(**RIGHT)],
        (0.5, None, 1.0),
    ),
    "a tool told it": ([user("A table near me for 4 on 1 December 2026."), *TOLD], (None, 0.0, 0.0)),
    "the person corrects it": (
        [user("What will the weather be in Rome?"), says("Sunny."), user("I meant on 5 May."), says("It will rain.")],
        (0.0, None, None),
    ),
    "the person said it before": (
        [user(FULL), *books(**{**RIGHT, "guests": 2}), user("No, I said 4 guests!"), *books(**RIGHT)],
        (None, 0.0, 0.5),
    ),
    "an optional argument is filled in": ([user(FULL), *books(**RIGHT, note="window")], (None, 0.0, 0.0)),
    "it says something": ([user("Hello."), says("Hello to you.")], (None, None, None)),
    "it asks, and nothing came of it": ([user(PART), says("For which day?")], (None, None, None)),
    "tomorrow is a day": ([user(SOON), *books(**{**RIGHT, "day": "2026-11-27"})], (None, 0.0, 0.0)),
    "the day after is another": ([user(SOON), *books(**{**RIGHT, "day": "2026-11-29"})], (0.0, None, 1.0)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_judged(kind: str) -> None:
    conversation, scores = KINDS[kind]
    assert all_three(conversation) == scores
    assert all_three(conversation[1:], inputs={"messages": conversation[:1]}) == scores, "told apart from its opening"
    assert all_three({"messages": conversation}, inputs=conversation[:1]) == scores, "the whole state"
    assert all_three(conversation, inputs={"question": "in other words"}) == scores


def test_langchain_s_messages_are_read_alike() -> None:
    asked = {"name": "book_table", "args": RIGHT, "id": "1", "type": "tool_call"}
    conversation = [
        SystemMessage("Be kind."), HumanMessage(PART), AIMessage("", tool_calls=[asked]),
        ToolMessage("ok", tool_call_id="1"), AIMessage("Booked."),
    ]  # fmt: skip
    assert all_three({"messages": conversation}) == (0.0, None, 1.0)
    assert all_three(conversation, inputs={"messages": conversation[:2]}) == (0.0, None, 1.0)


@pytest.mark.parametrize("name", ["ask_user", "ask_human"])
def test_a_tool_that_asks_is_a_question(name: str) -> None:
    asks = {"id": "7", "type": "function", "function": {"name": name, "arguments": '{"question": "Which day?"}'}}
    asking = {"role": "assistant", "content": "", "tool_calls": [asks]}
    answer = {"role": "tool", "tool_call_id": "7", "name": name, "content": "On 1 December 2026"}
    assert all_three([user(PART), asking, answer, *books(**RIGHT)]) == (1.0, 0.0, 0.0)
    assert all_three([user(PART), asking], reference_outputs={"missing": True}) == (1.0, None, None)


def test_an_interrupt_is_a_question() -> None:
    for pause in (SimpleNamespace(value={"question": "For which day?"}), {"value": "For which day?"}):
        outputs = {"messages": [HumanMessage(PART)], "__interrupt__": [pause]}
        assert all_three(outputs, reference_outputs={"missing": True}) == (1.0, None, None)
        assert all_three(outputs, reference_outputs={"missing": False}) == (None, 1.0, None)


@pytest.mark.parametrize(
    ("reference", "scores"),
    [
        ({"missing": True}, (1.0, None, None)),
        ({"missing": False}, (None, 1.0, None)),
        ([user(PART), says("Which day?"), user("1 May"), *books(**RIGHT)], (1.0, None, None)),
        ([user(PART), *books(**RIGHT)], (None, 1.0, None)),
        ({"messages": [says("Which day?")]}, (1.0, None, None)),
        ({"missing": False, "messages": [says("Which day?")]}, (None, 1.0, None)),
        ({"answer": ""}, (None, None, None)),
        ({"anything": 7}, (None, None, None)),
        ({"missing": "yes"}, (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_the_reference_knows_best(reference: Any, scores: tuple[float | None, ...]) -> None:
    assert all_three([user(PART), says("For which day?")], reference_outputs=reference) == scores


def test_any_turn() -> None:
    conversation = [
        user("A table in Rome, please."), says("For how many guests?"), user("4"), *books(**RIGHT), says("Booked."),
        user("Another in Oslo for 3 on 2 December 2026."), says("For how many guests?"), user("3!"),
        *books(city="Oslo", day="2026-12-02", guests=3),
    ]  # fmt: skip
    found = {turn: all_three(conversation, turn=turn) for turn in (1, 2, 3, 4, -1, -4, 5, -5)}
    assert found[1] == found[-4] == (1.0, None, None)
    assert found[2] == (0.0, None, 1.0)
    assert found[3] == (None, 1.0, None)
    assert found[4] == found[-1] == (None, 0.0, 0.0)
    assert found[5] == found[-5] == (None, None, None)
    assert asks_when_needed(outputs=conversation, turn=2, tools=TOOLS)["key"] == "asks_when_needed@2"
    assert all_three(conversation) == (0.5, 0.5, 0.5)
    with pytest.raises(InputError, match="no turn 0"):
        needless(outputs=conversation, turn=0)


def test_what_was_given_is_not_judged() -> None:
    given = [user(PART), *books(**RIGHT), says("Booked."), user("And one in Oslo for 3 on 2 December 2026.")]
    right = books(city="Oslo", day="2026-12-02", guests=3)
    assert all_three(right, inputs={"messages": given}) == (None, 0.0, 0.0)
    assert all_three([*given, *right], inputs={"messages": given}) == (None, 0.0, 0.0)
    assert all_three(right[:1], inputs={"messages": given, "tools": []}, tools=TOOLS) == (None, 0.0, 0.0)
    asked = [user(PART), says("For which day?")]
    assert all_three([user("1 December 2026"), *books(**RIGHT)], inputs=asked) == (None, 0.0, 0.0)


def test_why_is_said() -> None:
    found = guessed_arguments(outputs=KINDS["a day is missing, and it guesses"][0], tools=TOOLS, now=TODAY)
    assert found == Feedback(
        key="guessed_arguments", score=1.0, comment="turn 1: book_table: day = '2026-12-01' was a guess", metadata=None
    )
    asked = asks_when_needed(outputs=KINDS["a day is missing, and it asks"][0], tools=TOOLS, now=TODAY)
    assert asked["comment"] == "turn 1: day not known yet: it asked"
    assert needless(outputs=[user("Hi"), says("Hello.")])["comment"].startswith("no turn is known")


def test_the_run_s_start_is_today() -> None:
    conversation = KINDS["tomorrow is a day"][0]
    run = SimpleNamespace(start_time=TODAY)
    assert guessed_arguments(outputs=conversation, tools=TOOLS, run=run)["score"] == 0.0
    later = partial(guessed_arguments, tools=TOOLS, now=TODAY + dt.timedelta(days=40))
    assert later(outputs=conversation, run=run)["score"] == 1.0


def test_tools_stand_where_the_agent_got_them() -> None:
    shape = {"type": "object", "properties": {"city": {"type": "string"}, "note": {"type": "string"}}}
    function = {"name": "book_table", "parameters": {**shape, "required": ["city"]}}
    tools = {"tools": [{"type": "function", "function": function}]}
    call, asked = books(city="Rome", note="by the window"), {"messages": [user("Rome!")]}
    assert guessed_arguments(inputs={**asked, **tools}, outputs=call)["score"] == 0.0
    assert guessed_arguments(inputs=asked, outputs={"messages": call, **tools})["score"] == 0.0
    assert guessed_arguments(inputs=asked, outputs=call)["score"] == 1.0, "all count"


ENDLESS: list[Any] = []
ENDLESS.append({"messages": ENDLESS})
NO_CONVERSATION = [ENDLESS, None, {}, [], "", {"a": 1}, [{"role": "root", "content": "x"}], 7, [[]]]


@pytest.mark.parametrize("outputs", NO_CONVERSATION)
def test_what_is_no_conversation_is_refused(outputs: Any) -> None:
    for evaluator in (asks_when_needed, needless, guessed_arguments):
        with pytest.raises(InputError):
            evaluator(inputs="Hello.", outputs=outputs)


def test_what_is_no_tool_is_refused() -> None:
    with pytest.raises(InputError, match="7 is no tool"):
        needless(outputs=[user("Hi"), says("Hello.")], tools=[7])
