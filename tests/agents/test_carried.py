"""After a call: words that only change something leave the rest as it was; all others begin with nothing."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from tests.agents.guarded import RAN, THREAD, agent, asks, book, call

PARIS = ("book", "Paris", "2027-05-05")


@tool
def water(zone: str, minutes: int) -> str:
    """Water a bed."""
    RAN.append(("water", zone, minutes))
    return "Watering."


@tool
def travel(origin: str, destination: str, day: str) -> str:
    """Book a train."""
    RAN.append(("travel", origin, destination, day))
    return "Booked."


def held(*turns: tuple[str, AIMessage]) -> Any:
    """Each turn what the person says, and the call that the model drafts as long as it is let."""
    state: dict[str, Any] = {"messages": []}
    for said, draft in turns:
        calls = [call(one["name"], **one["args"]) for one in draft.tool_calls for _ in range(4)]
        graph = agent(*calls, AIMessage("done"), tools=[book, water, travel])
        state = graph.invoke({"messages": [*state["messages"], HumanMessage(said)]}, THREAD)
    return state


def trip(city: str, day: str = "2027-05-05") -> AIMessage:
    return call("book", city=city, date=day)


FIRST = ("Book Paris on 5 May", trip("Paris"))
ROSES = ("Water the roses for 10 minutes", call("water", zone="roses", minutes=10))


@pytest.mark.parametrize(
    "then",
    [
        [("Sorry, I meant Rome", trip("Rome"))],
        [("No, Rome", trip("Rome"))],
        [("Rome instead", trip("Rome"))],
        [("Rome too, please!", trip("Rome"))],
        [("And the same for Rome", trip("Rome"))],
        [("oops, make it 6 May", trip("Paris", "2027-05-06"))],
        [("same for Rome, but on 6 May", trip("Rome", "2027-05-06"))],
        [("the same for Rome, please", trip("Rome")), ("and Oslo", trip("Oslo"))],
        [("same for Rome, but on 6 May", trip("Rome", "2027-05-06")), ("same for Oslo", trip("Oslo", "2027-05-06"))],
        [("Das gleiche f\u00fcr Rom", trip("Rom"))],
        [("La m\u00eame chose pour Rome", trip("Rome"))],
        [("again please", trip("Paris")), ("once more", trip("Paris"))],
    ],
)
def test_what_is_not_changed_holds(then: list[tuple[str, AIMessage]]) -> None:
    held(FIRST, *then)
    wanted = [("book", *draft.tool_calls[0]["args"].values()) for _, draft in then]
    assert [PARIS, *wanted] == RAN


@pytest.mark.parametrize(
    "said", ["sorry, 12", "I meant 12 minutes", "No, 12 minutes!", "Let's make it 12", "12 instead"]
)
def test_another_number(said: str) -> None:
    held(ROSES, (said, call("water", zone="roses", minutes=12)))
    assert RAN[1:] == [("water", "roses", 12)]


@pytest.mark.parametrize(
    "said",
    [
        # A request in words of its own, or none at all.
        "Now book Rome",
        "actually, book a table in Rome",
        "Same to you! And book Rome.",
        "I mean it. Book Rome",
        "Make it quick: book Rome",
        "Make it so! Now Rome.",
        "I mean I hate Paris. Book Rome.",
        "One more for Rome",
        "Once more with feeling! Book Rome.",
        "I'd like Rome",
        # Something else is to change, too.
        "The same for Rome, but later",
        "same for Rome, but on another day",
        "same for Rome, different date",
        "same for Rome but not then",
        "The same for Rome, date still open",
        "Make it Rome sometime",
        "make it Rome, any",
        "The same for Rome but in June",
        "sorry, I meant Rome in autumn",
        "the same for Rome the day after",
        "same for Rome when I'm back",
        "Make it Rome and ask me the date",
        "La m\u00eame chose pour Rome, un autre jour",
        "Lo mismo para Rome pero otro d\u00eda",
        "das gleiche f\u00fcr Rome, aber sp\u00e4ter",
        # It is not wanted, or not yet.
        "The same for Rome? No.",
        "same for Rome, said Bob",
        "Same for Rome. No!",
        "same for Rome, no wait",
        "I mean Rome can wait",
        "I meant Rome? Or Oslo?",
        "Same for Rome if he agrees",
        "The same for Rome makes no sense",
    ],
)
def test_a_word_more_and_nothing_holds(said: str) -> None:
    state = held(FIRST, (said, trip("Rome")))
    assert RAN == [PARIS] and "date" in asks(state)


@pytest.mark.parametrize(
    "said", ["the same for Rome, not yet", "The same for Rome, please don't", "the same for Rome, kidding"]
)
def test_what_is_taken_back_at_once_is_not_even_asked_about(said: str) -> None:
    state = held(FIRST, (said, trip("Rome")))
    assert RAN == [PARIS] and not asks(state)


@pytest.mark.parametrize(
    "turns",
    [
        [FIRST, ("Sorry, I meant Rome", trip("Paris", "2027-05-06"))],
        [FIRST, ("same for Rome, but on 6 May", trip("Rome"))],
        [FIRST, ("same for Rome", trip("Rome", "2027-05-07"))],
        [FIRST, ("Same to you!", trip("Paris")), ("Book Rome", trip("Rome"))],
        [("Book Paris on 5 May. For Rome I don't know yet.", trip("Paris")), ("Make it Rome too", trip("Rome"))],
        [ROSES, ("one salami for the tulips", call("water", zone="tulips", minutes=10))],
        [ROSES, ("the same for the tulips, only less", call("water", zone="tulips", minutes=10))],
    ],
)
def test_what_the_call_before_did_not_have(turns: list[tuple[str, AIMessage]]) -> None:
    held(*turns)
    assert len(RAN) == 1


def test_a_chain_goes_on_from_the_last_call() -> None:
    held(FIRST, ("same for Rome, but on 6 May", trip("Rome", "2027-05-06")), ("make it Oslo", trip("Oslo")))
    assert RAN == [PARIS, ("book", "Rome", "2027-05-06")]
    RAN.clear()
    tulips = ("Sorry, I meant the tulips", call("water", zone="tulips", minutes=10))
    held(ROSES, tulips, ("make it 12", call("water", zone="roses", minutes=12)))
    assert RAN == [("water", "roses", 10), ("water", "tulips", 10)]


def test_which_end_of_a_way_is_changed_is_asked() -> None:
    first = ("From Bonn to Kiel on 5 May", call("travel", origin="Bonn", destination="Kiel", day="2027-05-05"))
    held(first, ("I meant Ulm", call("travel", origin="Ulm", destination="Kiel", day="2027-05-05")))
    assert len(RAN) == 1


@pytest.mark.parametrize("reply", ["I don't know yet", "neither", "no", "Hmm, not sure"])
def test_between_what_was_said_and_what_was_drafted_no_answer_decides(reply: str) -> None:
    state = held(("Book Rome on 5 May", trip("Rome", "2027-06-09")))
    assert [question.between for question in _asked(state)] == [True]
    graph = agent(*(trip("Rome") for _ in range(4)), tools=[book])
    graph.invoke({"messages": [*state["messages"], HumanMessage(reply)]}, THREAD)
    assert RAN == []
    graph = agent(trip("Rome"), AIMessage("done"), tools=[book])
    graph.invoke({"messages": [*state["messages"], HumanMessage("5 May, as I said")]}, THREAD)
    assert RAN == [("book", "Rome", "2027-05-05")]


def _asked(state: Any) -> Any:
    from sml_agents.agents.asking import asked_by

    return asked_by(state["messages"][-1])
