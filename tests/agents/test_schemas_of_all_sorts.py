"""Whatever the form of a tool's schema: what was told runs, and what nobody told does not."""

from __future__ import annotations

from typing import Any

import pytest

from sml_agents.agents.slots import filled, slots_of
from tests.agents.test_wanted import AMOUNT, NUMBER, TEXT, asked_for, tool
from tests.pace import within

ASKED = "Please book a table at Luigi's for 4 people in Oslo, in red."


def needs(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def of(schema: Any) -> dict[str, Any]:
    return {"name": "do", "parameters": schema}


CITY, SEATS = needs(city=TEXT), needs(n=NUMBER)
NAMED = {"$ref": "#/$defs/place"}
PLACE = {"$defs": {"place": CITY}}
LIST = {"type": "array", "items": TEXT}
CARD = needs(kind={"const": "card"}, card_number=TEXT)
PAYPAL = needs(kind={"const": "paypal"}, email=TEXT)
BY_CARD, BY_PAYPAL = "By card, number 4111 1111 1111 1111", "By paypal, anna@b.de"

Case = tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]
"""A tool, a right call, a call on a guess, and what was said."""
CASES: dict[str, Case] = {
    "all of several": (of({"allOf": [CITY, SEATS]}), {"city": "Oslo", "n": 4}, {"city": "Oslo", "n": 9}, ASKED),
    "all of it beside its own": (
        of({**CITY, "allOf": [SEATS]}), {"city": "Oslo", "n": 4}, {"city": "Oslo", "n": 9}, ASKED,
    ),
    "all of several, inside": (
        tool("do", at={"allOf": [CITY, SEATS]}),
        {"at": {"city": "Oslo", "n": 4}}, {"at": {"city": "Oslo", "n": 9}}, ASKED,
    ),
    "required in another part": (
        of({"properties": CITY["properties"], "allOf": [{"required": ["city"]}]}),
        {"city": "Oslo"}, {"city": "Rome"}, ASKED,
    ),
    "a reference behind a description": (
        of({**needs(at={"allOf": [{"description": "Where"}, NAMED]}), **PLACE}),
        {"at": {"city": "Oslo"}}, {"at": {"city": "Rome"}}, ASKED,
    ),
    "a reference with more beside it": (
        of({**needs(at={**NAMED, **SEATS}), **PLACE}),
        {"at": {"city": "Oslo", "n": 4}}, {"at": {"city": "Oslo", "n": 9}}, ASKED,
    ),
    "one of two objects": (
        tool("pay", by={"oneOf": [CARD, PAYPAL]}),
        {"by": {"kind": "card", "card_number": "4111 1111 1111 1111"}},
        {"by": {"kind": "card", "card_number": "4111 1111 1111 1112"}}, BY_CARD,
    ),
    "the other of two objects": (
        tool("pay", by={"anyOf": [CARD, PAYPAL]}),
        {"by": {"kind": "paypal", "email": "anna@b.de"}}, {"by": {"kind": "paypal", "email": "eve@b.de"}}, BY_PAYPAL,
    ),
    "one of two sets of arguments": (of({"oneOf": [CITY, SEATS]}), {"n": 4}, {"n": 9}, ASKED),
    "a text or a list": (tool("do", at={"anyOf": [TEXT, LIST]}), {"at": ["Oslo"]}, {"at": ["Oslo", "Rome"]}, ASKED),
    "one of two words": (
        tool("do", color={"anyOf": [{"const": "red"}, {"const": "blue"}]}), {"color": "red"}, {"color": "blue"}, ASKED,
    ),
    "null among the choices": (tool("do", of={"enum": [None, "red"]}), {"of": None}, {"of": "blue"}, ASKED),
    "a pair of numbers": (
        tool("look", at={"type": "array", "prefixItems": [AMOUNT, AMOUNT]}),
        {"at": [59.9, 10.7]}, {"at": [59.9, 10.8]}, "What is at 59.9 and 10.7?",
    ),
    "a list of whatever": (tool("do", at={"type": "array"}), {"at": ["Oslo"]}, {"at": ["Oslo", "Rome"]}, ASKED),
    "an object of whatever": (
        tool("do", at={"type": "object"}), {"at": {"city": "Oslo", "zip": ""}}, {"at": {"city": "Rome"}}, ASKED,
    ),
    "so many of each": (
        tool("buy", what={"type": "object", "additionalProperties": NUMBER}),
        {"what": {"widget": 3}}, {"what": {"gadget": 3}}, "I want 3 widgets.",
    ),
    "required as an older draft has it": (
        of({"properties": {"city": {"type": "string", "required": True}}}), {"city": "Oslo"}, {"city": "Rome"}, ASKED,
    ),
    "deeper than schemas are read": (
        tool("do", a=needs(b=needs(c=needs(d=needs(e=CITY))))),
        {"a": {"b": {"c": {"d": {"e": {"city": "Oslo"}}}}}}, {"a": {"b": {"c": {"d": {"e": {"city": "Rome"}}}}}}, ASKED,
    ),
    "more than fifty in a list": (
        tool("invite", names=LIST),
        {"names": [f"name{k}" for k in range(60)]}, {"names": [*(f"name{k}" for k in range(59)), "Zoe"]},
        f"Invite {', '.join(f'name{k}' for k in range(60))}.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_told_runs_and_a_guess_does_not(case: str) -> None:
    wanted, right, guess, said = CASES[case]
    assert asked_for(wanted, right, said) == set()
    assert asked_for(wanted, guess, said)


def test_of_several_objects_none_of_which_is_there_the_whole_is_asked_for() -> None:
    assert asked_for(tool("pay", by={"oneOf": [CARD, PAYPAL]}), {}, ASKED) == {"by"}


def test_more_values_than_are_looked_for_do_not_run() -> None:
    found = filled(slots_of(tool("invite", names=LIST)), {"names": ["Oslo"] * 5000})
    assert len(found) < 500 and not found[-1].given


def test_a_value_that_holds_itself_ever_deeper_and_a_schema_that_does_are_read() -> None:
    deep: Any = "Rome"
    for _ in range(500):
        deep = [deep]
    node = {"$ref": "#/$defs/node"}
    tree = {"anyOf": [TEXT, needs(left=node, right=node), {"type": "array", "items": node}], "allOf": [node, node]}
    assert asked_for(tool("do", at={"type": "array"}), {"at": deep}, ASKED)
    assert asked_for(of({**needs(at=node), "$defs": {"node": tree}}), {"at": {"left": "Oslo", "right": "Rome"}}, ASKED)


def test_a_pattern_that_would_run_for_ever_is_passed_over() -> None:
    wanted = tool("do", code={"type": "string", "pattern": "^(a+)+$"})
    with within(5):
        assert asked_for(wanted, {"code": "a" * 40}, f"Do {'a' * 60}b, please.") == {"code"}


def test_an_enum_of_hundreds_is_read_in_no_time() -> None:
    wanted = tool("do", of={"enum": [f"item number {k}" for k in range(600)]})
    with within(5):
        assert asked_for(wanted, {"of": "item number 3"}, "Take item number 3, then, if that is convenient.") == set()
