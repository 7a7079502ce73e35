"""Calls against what a request accepts: what is right in any spelling, what is wrong and how it is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.types import AcceptedCall, Form, Outcome, Private, Task, ToolCall, Verdict
from sml_agents.verifiers import Attempt, get_verifier
from sml_agents.verifiers.call import CallVerifier
from tests.tool_requests import FLIGHT_REQUEST, PROMPTS, RIGHT, TABLE, TABLE_CALL, TOOLS, UNSERVED, request, tool

DAY = "The visit is on 5 May 2027."


async def judged(task: Task, *calls: tuple[str, dict[str, Any]], said: tuple[str, ...] = (), **more: Any) -> Verdict:
    made = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in calls)
    attempt = Attempt(more.pop("text", ""), made, (task.prompt, *said), **more)
    return await CallVerifier().verify_attempt(task, attempt)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"day": "5 May 2027"},
        {"day": "May 5th, 2027"},
        {"guests": "4"},
        {"guests": 4.0},
        {"city": "rome"},
        {"seating": "inside"},
        {"seating": None, "note": ""},
        {"note": None},
    ],
)
async def test_a_call_is_right_by_value(changes: dict[str, Any]) -> None:
    verdict = await judged(request(), ("book_table", {**RIGHT, **changes}))
    assert verdict.outcome is Outcome.CORRECT and not verdict.faults and not verdict.guessed and not verdict.diagnosis


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"day": "2027-05-06"}, ["guessed:day"]),
        ({"guests": 5}, ["guessed:guests"]),
        ({"guests": None}, ["missing:guests"]),
        ({"city": ""}, ["missing:city"]),
        ({"city": "Oslo", "guests": 9}, ["guessed:city", "guessed:guests"]),
        ({"note": "by the window"}, ["extra:note"]),
        ({"seating": "terrace"}, ["wrong:seating"]),
        ({"colour": "red"}, ["extra:colour"]),
        ({"day": {"year": 2027}}, ["wrong:day"]),
        ({"guests": [4]}, ["wrong:guests"]),
        ({"guests": float("inf")}, ["guessed:guests"]),
        ({"guests": float("nan")}, ["guessed:guests"]),
        ({"guests": 10**400}, ["guessed:guests"]),
        ({"guests": "9" * 400}, ["guessed:guests"]),
        ({"guests": 1.7e308}, ["guessed:guests"]),
        ({"city": "\ud800"}, ["guessed:city"]),
        ({"": "by the window"}, ["extra:"]),
        ({"[0]": "by the window"}, ["extra:"]),
    ],
)
async def test_what_is_wrong_is_named_and_no_value_is_told(changes: dict[str, Any], faults: list[str]) -> None:
    verdict = await judged(request(), ("book_table", {**RIGHT, **changes}))
    assert verdict.outcome is Outcome.INCORRECT and sorted(verdict.faults) == sorted(faults)
    assert verdict.guessed == tuple(one.partition(":")[2] for one in verdict.faults if one.startswith("guessed"))
    assert verdict.diagnosis and not any(value in verdict.diagnosis for value in ("Rome", "4", "2027", "May"))


async def test_guessed_until_it_is_told_by_the_record_or_by_words() -> None:
    task = request("day")
    call = ("book_table", RIGHT)
    assert (await judged(task, call)).guessed == ("day",)
    assert (await judged(task, call, said=("What a nice day.",))).guessed == ("day",)
    assert (await judged(task, call, told=frozenset({"day"}))).correct
    assert (await judged(task, call, said=(DAY,))).correct
    other = {**RIGHT, "day": "2019-05-05"}
    assert (await judged(task, ("book_table", other), said=("It was 5 May 2019.",))).guessed == ("day",)
    assert (await judged(task, ("book_table", other), said=(DAY,), told=frozenset({"day"}))).correct is False


async def test_the_diagnosis_of_a_guess_is_the_same_whether_it_is_right_or_wrong() -> None:
    task = request("day", "guests")
    said = {
        (await judged(task, ("book_table", {**RIGHT, "day": day, "guests": guests}))).diagnosis
        for day in ("2027-05-05", "2027-05-06")
        for guests in (4, 5)
    }
    assert len(said) == 1


async def test_nested_arguments() -> None:
    right = {"origin": "Oslo", "departure": "2027-06-07"}
    told: dict[str, Any] = {"told": frozenset({"trip.departure"})}
    assert (await judged(FLIGHT_REQUEST, ("find_flight", {"trip": right}), **told)).correct
    assert (await judged(FLIGHT_REQUEST, ("find_flight", {"trip": {**right, "cabin": None}}), **told)).correct
    assert (await judged(FLIGHT_REQUEST, ("find_flight", {"trip": right}))).guessed == ("trip.departure",)
    for trip, fault in (
        ({"origin": "Oslo"}, "missing:trip.departure"),
        ({**right, "cabin": "business"}, "wrong:trip.cabin"),
        ("Oslo", "wrong:trip"),
    ):
        verdict = await judged(FLIGHT_REQUEST, ("find_flight", {"trip": trip}), **told)
        assert fault in verdict.faults or "guessed:trip" in verdict.faults, (trip, verdict)


async def test_paths_lists_sets_and_arguments_that_may_have_any_value() -> None:
    plan = tool(
        "plan",
        "Plan.",
        ("stops", "body"),
        stops={"type": "array", "items": {"type": "string"}},
        tags={"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        body={"type": "string"},
        who={"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    )
    arguments = {"stops": (["Rome", "Oslo"],), "tags": (["a1", "b2"],), "body": (), "who.name": ("Ann", "Anna")}
    private = Private(answer="plan()", calls=(AcceptedCall(name="plan", arguments=arguments),))
    task = Task(id="p", family="f", prompt="Rome, then Oslo, for Ann: a1 b2", private=private, tools=(plan,))
    right = {"stops": ["Rome", "Oslo"], "tags": ["b2", "a1"], "body": "anything at all", "who": {"name": "Anna"}}
    assert (await judged(task, ("plan", right))).correct
    for changes, fault in (
        ({"stops": ["Oslo", "Rome"]}, "wrong:stops"),
        ({"stops": ["Rome"]}, "wrong:stops"),
        ({"tags": ["a1", "a1"]}, "wrong:tags"),
        ({"body": ""}, "missing:body"),
        ({"who": {}}, "missing:who.name"),
    ):
        assert fault in (await judged(task, ("plan", {**right, **changes}))).faults, (changes, fault)


async def test_tools_that_are_wrong_unknown_too_many_or_too_few() -> None:
    flight = ("find_flight", {"trip": {"origin": "Rome", "departure": "2027-05-05"}})
    assert (await judged(request(), flight)).faults == ("tool:find_flight",)
    assert (await judged(request(), ("buy_boat", {}))).faults == ("unknown:buy_boat",)
    assert (await judged(request(), ("book_table", RIGHT), ("book_table", RIGHT))).faults == ("surplus:book_table",)
    assert (await judged(UNSERVED, ("book_table", RIGHT))).faults == ("tool:book_table",)
    both = request(
        private=Private(answer="two", calls=(TABLE_CALL, TABLE_CALL.model_copy(update={"arguments": {
            **TABLE_CALL.arguments, "city": ("Oslo",)}}))),
        prompt=PROMPTS[()] + " And the same in Oslo.",
    )  # fmt: skip
    oslo = {**RIGHT, "city": "Oslo"}
    assert (await judged(both, ("book_table", oslo), ("book_table", RIGHT))).correct
    assert (await judged(both, ("book_table", RIGHT))).faults == ("incomplete",)
    done = (ToolCall(name="book_table", arguments=oslo, result="Booked."),)
    assert (await judged(both, ("book_table", RIGHT), done=done)).correct


async def test_refused_calls_and_those_that_only_look_are_no_attempt() -> None:
    look = {
        **tool("search", "Look for places.", ("what",), what={"type": "string"}),
        "annotations": {"readOnlyHint": True},
    }
    task = request(tools=(*TOOLS, look))
    assert (await judged(task, ("search", {"what": "anything"}), ("book_table", RIGHT))).correct
    refused = ToolCall(name="book_table", arguments={}, result="Not run: nobody said the city.")
    verdict = await CallVerifier().verify_attempt(task, Attempt("Which city?", (refused,), (task.prompt,)))
    assert verdict.outcome is Outcome.UNPARSEABLE and verdict.diagnosis == "No tool is called."


DEEP: dict[str, Any] = {}
for _ in range(30):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "book_table", "arguments": {city: Rome}}</tool_call>',
        "<tool_call>book_table(city='Rome')</tool_call>",
        "<tool_call>",
        '<tool_call>{"name": "book_table", "arguments": ' + '{"a":' * 3000 + "</tool_call>",
        '<tool_call>{"name": "book_table", "arguments": '
        + json.dumps({str(k): k for k in range(600)})
        + "}</tool_call>",
        "<tool_call>" + json.dumps([{"name": "book_table", "arguments": {}}] * 51) + "</tool_call>",
    ],
)
async def test_arguments_that_cannot_be_read(text: str) -> None:
    verdict = await get_verifier("call").verify(request(), text)
    assert verdict.outcome is Outcome.UNPARSEABLE and verdict.faults == ("unreadable",)


@pytest.mark.parametrize(("text", "right"), [("I cannot water plants.", True), ("...", False), ("", False)])
async def test_words_where_no_tool_serves(text: str, right: bool) -> None:
    assert (await get_verifier("call").verify(UNSERVED, text)).correct is right
    assert (await get_verifier("call").verify(request(), text)).outcome is Outcome.UNPARSEABLE


async def test_a_call_in_words_is_judged_as_one_that_was_made() -> None:
    text = f"Gladly. <tool_call>{json.dumps({'name': 'book_table', 'arguments': RIGHT})}</tool_call>"
    assert (await get_verifier("call").verify(request(), text)).correct
    assert (await judged(UNSERVED, text=text)).correct is False
    assert (await judged(request(), text=text)).correct


async def test_values_of_any_size_and_a_task_that_contradicts_itself() -> None:
    long = {**RIGHT, "city": "Rome" * 50_000, "note": ["x"] * 400}
    assert (await judged(request(), ("book_table", long))).outcome is Outcome.INCORRECT
    assert (await judged(request(), ("book_table", {**RIGHT, "day": DEEP}))).correct is False
    torn = request(tools=(TABLE,), private=Private(answer="", calls=(AcceptedCall(name="find_flight"),)))
    assert (await judged(torn, ("book_table", RIGHT))).outcome is Outcome.ERROR
    odd = tool("odd", "Odd.", ("x",), x={"$ref": "#/properties/x"}, y={"type": ["string", "null"]})
    looped = Task(
        id="o", family="f", form=Form.FULL, prompt="x is 3", tools=(odd,), verifier="call",
        private=Private(answer="odd", calls=(AcceptedCall(name="odd", arguments={"x": (3,)}),)),
    )  # fmt: skip
    assert (await judged(looped, ("odd", {"x": 3}))).correct


def test_the_name_is_known() -> None:
    assert get_verifier("call").name == "call"
    with pytest.raises(TaskSpecError, match="call"):
        get_verifier("calls")
