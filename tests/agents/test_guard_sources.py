"""What grounds a value: the person, an offer, a tool, the prompt, the state, the clock; and what does not."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool, tool
from langgraph.types import Command
from pydantic import BaseModel

from sml_agents.agents import (
    ClarifyMiddleware,
)
from sml_agents.errors import InputError
from tests.agents.guarded import (
    RAN,
    THREAD,
    agent,
    asks,
    book,
    call,
    find_order,
    guess,
    refund,
    say,
    stored,
)


def test_unguarded_calls_of_the_message_run_first() -> None:
    both = AIMessage(
        "",
        tool_calls=[
            *call("find_order", product="the lamp").tool_calls,
            *call("refund", order="?", reason="late").tool_calls,
        ],
    )
    graph = agent(
        both,
        call("refund", order="ORD-4711", reason="late"),
        AIMessage("done"),
        tools=[refund, find_order],
        read_only=[find_order],
    )
    state = say(graph, "Refund the lamp, it was late")
    assert RAN == [("find_order", "the lamp"), ("refund", "ORD-4711", "late")]
    assert state["clarify_values"]["sources"] == {"order": "returned", "reason": "said"}


def test_what_a_tool_only_repeats_grounds_nothing() -> None:
    @tool
    def available(date: str) -> str:
        """Look whether a date is free."""
        return f"{date} is free."

    graph = agent(
        call("available", date="2026-12-24"),
        guess(),
        AIMessage("done"),
        tools=[book, available],
        read_only=["available"],
    )
    assert asks(say(graph, "Book Paris")) == ["date"] and RAN == []


@pytest.mark.parametrize(
    ("found", "name", "runs"),
    [
        ("Anna Kowalski, since 2019", "Anna Kowalski", True),
        ('[{"name": "Anna Kowalski"}, {"name": "Anna Lee"}]', "Anna Lee", True),
        ("Dr. Anna Kowalski", "Dr. Anna Kowalski", True),
        ("found: Anna Kowalski", "Anna Kowalski", True),
        ("Anna Kowalski, since 2019", "Anna", False),
        ("Nobody called Anna Kowalski here", "Anna Kowalski", False),
        ("Searching for Anna. 0 results.", "Anna. 0 results", False),
        ("Full Anna", "Full Anna", False),
        ("the member Anna", "the member Anna", False),
        ("Greeted Anna Happily", "Anna Happily", False),
        ('{"filter": "name contains Anna Kowalski", "hits": []}', "Anna Kowalski", False),
        ("Anna Kowalski left the club in 2019. Anna Lee is a member.", "Anna Kowalski", False),
        ("Nobody is called Anna.", "Anna", False),
        ('{"query": "Anna", "found": []}', "Anna Kowalski", False),
    ],
)
def test_a_longer_name_that_a_tool_found_is_its_own(found: str, name: str, runs: bool) -> None:
    @tool
    def look_up(query: str) -> str:
        """Look somebody up."""
        return found

    @tool
    def invite(full_name: str) -> str:
        """Invite somebody."""
        RAN.append(("invite", full_name))
        return "Invited."

    graph = agent(
        call("look_up", query="Anna"), call("invite", full_name=name), AIMessage("done"), tools=[invite, look_up],
        read_only=["look_up"],
    )  # fmt: skip
    state = say(graph, "Invite somebody from the club")
    assert ([("invite", name)] if runs else []) == RAN and asks(state) == ([] if runs else ["full_name"])


@pytest.mark.parametrize(
    ("found", "runs"),
    [
        ("ORD-4711, not shipped yet", True),
        ("ORD-4711 not found", False),
        ("There is no such order: ORD-4711", False),
        ("4711: unknown. Did you mean ORD-4711?", False),
    ],
)
def test_what_a_tool_did_not_find_is_not_found_in_its_words(found: str, runs: bool) -> None:
    @tool
    def look_up(number: str) -> str:
        """Look an order up."""
        return found

    graph = agent(
        call("look_up", number="4711"), call("refund", order="ORD-4711", reason="late"), AIMessage("done"),
        tools=[refund, look_up], read_only=["look_up"],
    )  # fmt: skip
    say(graph, "Refund my order, it was late")
    assert bool(RAN) is runs


def test_only_trusted_tools_ground() -> None:
    replies = (
        call("find_order", product="the lamp"),
        call("refund", order="ORD-4711", reason="late"),
        AIMessage("done"),
    )
    tools = [refund, find_order]
    graph = agent(*replies, tools=tools, read_only=[find_order], trust=[])
    assert asks(say(graph, "Refund the lamp, it was late")) == ["order"]


@pytest.mark.parametrize("name", ["guard", "read_only", "trust"])
def test_unknown_tools_are_said_at_the_first_call(name: str) -> None:
    with pytest.raises(InputError, match="No tool is named refnd: the agent's tools are book, refund"):
        say(agent(AIMessage("done"), **{name: ["refnd"]}), "Hi.")
    with pytest.raises(InputError, match="not one text"):
        ClarifyMiddleware(**{name: "refund"})


def test_tools_may_be_given_as_objects_and_the_rest_is_unguarded() -> None:
    say(agent(guess(), AIMessage("done"), guard=[refund]), "Book Paris")
    assert RAN == [("book", "Paris", "2026-12-24")]


def test_what_is_given_by_prompt_state_store_and_data() -> None:
    right = call("refund", order="ORD-4711", reason="late")
    for options in (
        {"system_prompt": "The person's order is ORD-4711."},
        {"given": {"order": "ORD-4711"}},
        {"given": lambda: "The order is ORD-4711."},
        {"store": stored("ORD-4711"), "store_namespace": ("orders",)},
    ):
        RAN.clear()
        state = say(agent(right.model_copy(), AIMessage("done"), **options), "Refund it, it was late")
        assert RAN == [("refund", "ORD-4711", "late")], options
        assert state["clarify_values"]["sources"]["order"] == "given"


def test_an_offer_counts_when_it_is_taken() -> None:
    offer = AIMessage("I can offer 24 December. Shall I book it?")
    graph = agent(offer, guess(), AIMessage("done"))
    say(graph, "Book Paris")
    state = say(graph, "Yes, please.")
    assert RAN == [("book", "Paris", "2026-12-24")] and state["clarify_values"]["sources"]["date"] == "accepted"
    RAN.clear()
    graph = agent(offer, guess(), AIMessage("done"))
    say(graph, "Book Paris")
    assert asks(say(graph, "No, something else.")) == ["date"] and RAN == []


class Leg(BaseModel):
    start: dt.date
    end: dt.date


@tool
def stay(leg: Leg, guests: int, body: str) -> str:
    """Book a stay and write to the host."""
    RAN.append(("stay", str(leg.start), str(leg.end), guests))
    return "ok"


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("From 5 May for a week, 2 adults and 1 child", []),
        ("From 5 May until 12 May for three", []),
        ("From 5 May, three of us", ["leg.end"]),
        ("On 12 May for three people", ["leg.start"]),
        ("From 5 May for a week", ["guests"]),
    ],
)
def test_nested_derived_and_composed(words: str, missing: list[str]) -> None:
    leg = {"start": "2027-05-05", "end": "2027-05-12"}
    state = say(agent(call("stay", leg=leg, guests=3, body="Dear host"), AIMessage("done"), tools=[stay]), words)
    assert asks(state) == missing and bool(RAN) is not bool(missing)


def test_one_date_fills_one_field() -> None:
    leg = {"start": "2027-05-05", "end": "2027-05-05"}
    draft = call("stay", leg=leg, guests=2, body="Dear host")
    assert asks(say(agent(draft, tools=[stay]), "On 5 May for two people")) == ["leg.end"]
    words = "First of all, I stay for two people, and leave on 5 May"
    assert asks(say(agent(draft.model_copy(), tools=[stay]), words)) != [], "`all` shares nothing"
    say(
        agent(draft.model_copy(), AIMessage("done"), tools=[stay]), "Come and go on the same day, 5 May, for two people"
    )
    assert RAN == [("stay", "2027-05-05", "2027-05-05", 2)]


def test_a_date_that_is_said_again_fills_one_field() -> None:
    leg = {"start": "2027-05-05", "end": "2027-05-05"}
    drafts = [call("stay", leg=leg, guests=2, body="Dear host") for _ in range(3)]
    guest = agent(*drafts, AIMessage("done"), tools=[stay])
    assert asks(say(guest, "Two people, and we travel on 5 May")) == ["leg.end"]
    assert asks(say(guest, "and we travel on 5 May")) == ["leg.start"] and RAN == [], "it is the same day again"
    say(guest, "We come on 5 May, too")
    assert RAN == [("stay", "2027-05-05", "2027-05-05", 2)]


def test_relative_dates_are_counted_from_the_given_clock() -> None:
    say(agent(call("book", city="Paris", date="2026-11-28"), AIMessage("done")), "Book Paris the day after tomorrow")
    assert RAN == [("book", "Paris", "2026-11-28")]
    zone = dt.timezone(dt.timedelta(hours=14))
    later = ClarifyMiddleware(time_zone=zone).guard.clock().now
    assert later.utcoffset() == dt.timedelta(hours=14)


class Wrap(BaseModel):
    gift_wrap: bool
    size: Literal["S", "M"]


@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
@pytest.mark.parametrize(("words", "value"), [("yes please", True), ("no", False), ("no", True)])
def test_a_bare_answer_belongs_to_its_question(delivery: Any, words: str, value: bool) -> None:
    @tool(args_schema=Wrap)
    def order(gift_wrap: bool, size: str) -> str:
        """Order a shirt."""
        RAN.append(("order", gift_wrap, size))
        return "ok"

    drafts = [call("order", gift_wrap=value, size="M") for _ in range(4)]
    graph = agent(*drafts, AIMessage("done"), tools=[order], delivery=delivery)
    assert asks(say(graph, "A medium shirt")) == ["gift_wrap"]
    say(graph, words) if delivery == "end_turn" else graph.invoke(Command(resume=words), THREAD)
    assert bool(RAN) is (value is (words != "no"))


@pytest.mark.parametrize(("words", "value"), [("Yes, please.", True), ("No, thank you.", False)])
def test_a_yes_or_a_no_answers_the_agents_own_question(words: str, value: bool) -> None:
    @tool(args_schema=Wrap)
    def order(gift_wrap: bool, size: str) -> str:
        """Order a shirt."""
        RAN.append(("order", gift_wrap, size))
        return "ok"

    for drafted in (True, False):
        RAN.clear()
        made = [
            AIMessage("Sure. Would you like gift wrap?"),
            *(call("order", gift_wrap=drafted, size="M") for _ in range(4)),
        ]
        graph = agent(*made, AIMessage("done"), tools=[order])
        say(graph, "Order a medium shirt")
        say(graph, words)
        assert bool(RAN) is (drafted is value)


def test_a_made_up_schema_is_guarded_too() -> None:
    schema = {"type": "object", "properties": {"_from": {"type": "string"}}, "required": ["_from"]}

    def fly(**arguments: Any) -> str:
        RAN.append(("fly", arguments))
        return "ok"

    made = StructuredTool.from_function(fly, name="fly", description="Fly.", args_schema=schema)
    assert asks(say(agent(call("fly", _from="Rome"), tools=[made]), "I want to fly to Paris")) == ["_from"]
    say(agent(call("fly", _from="Rome"), AIMessage("done"), tools=[made]), "I want to fly from Rome")
    assert RAN == [("fly", {"_from": "Rome"})]
