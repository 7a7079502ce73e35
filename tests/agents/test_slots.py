"""Slots out of the tools' own schemas."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import pytest
from langchain_core.tools import InjectedToolArg, StructuredTool, tool
from pydantic import BaseModel, Field

from sml_agents.agents.slots import Slot, filled, is_read_only, slots_of
from sml_agents.errors import InputError


class Trip(BaseModel):
    departure: dt.date = Field(description="Day of departure.")
    back: dt.date | None
    cabin: Literal["economy", "first"] = "economy"


class Person(BaseModel):
    name: str
    age: int


@tool
def book(
    trip: Trip,
    people: list[Person],
    vip: bool,
    tags: dict[str, str],
    user: Annotated[str, InjectedToolArg],
    note: str = "",
    mode: Literal["a", "b"] | None = None,
) -> str:
    """Book."""
    return ""


JSON = {
    "type": "object",
    "properties": {
        "_from": {"type": "string", "description": "City to leave from, in the format 'City, ST'."},
        "when": {"$ref": "#/$defs/day"},
        "seats": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "level": {"type": ["string", "null"], "enum": ["low", "high"]},
        "extra": {"type": "string"},
    },
    "required": ["_from", "when", "seats", "level"],
    "$defs": {"day": {"type": "string", "format": "date"}},
}


def test_required_arguments_of_a_pydantic_tool_nested_ones_by_their_path() -> None:
    slots = {slot.name: slot for slot in slots_of(book)}
    assert list(slots) == ["trip.departure", "trip.back", "people[].name", "people[].age", "vip", "tags[]"]
    assert slots["trip.back"].nullable and not slots["trip.departure"].nullable
    assert [slot.kind().sort for slot in slots.values()] == ["date", "date", "text", "number", "bool", "text"]


def test_json_schemas_and_what_providers_write() -> None:
    made = StructuredTool.from_function(lambda **_: "", name="fly", description="Fly.", args_schema=JSON)
    openai = {"type": "function", "function": {"name": "fly", "parameters": JSON}}
    bfcl = {"name": "fly", "parameters": {**JSON, "type": "dict"}}
    for given in (made, openai, bfcl, {"name": "fly", "inputSchema": JSON}):
        slots = slots_of(given)
        assert [slot.name for slot in slots] == ["_from", "when", "seats", "level"]
        assert [slot.kind().sort for slot in slots] == ["text", "date", "number", "enum"]
        assert [slot.nullable for slot in slots] == [False, False, True, True]
    assert slots[0].question().text == "What is the city to leave from?"
    assert slots[3].question().options == ("low", "high")


def test_values_of_a_call_are_found_in_lists_and_objects() -> None:
    call: dict[str, Any] = {
        "trip": {"departure": "2027-05-05", "back": None},
        "people": [{"name": "Ada", "age": 3}, {"name": "Ben"}],
        "tags": {"a": "x"},
    }
    found = [(fill.slot.name, fill.value, fill.given) for fill in filled(slots_of(book), call)]
    assert found == [
        ("trip.departure", "2027-05-05", True),
        ("trip.back", None, True),
        ("people[].name", "Ada", True),
        ("people[].name", "Ben", True),
        ("people[].age", 3, True),
        ("people[].age", None, False),
        ("vip", None, False),
        ("tags[]", "x", True),
    ]
    assert [fill.given for fill in filled(slots_of(book), {"people": []}) if fill.slot.path[0] == "people"] == [
        False
    ] * 2


def test_a_model_refines_and_adds() -> None:
    class Better(BaseModel):
        extra_day: dt.date
        vip: bool = Field(description="whether you are a guest of honour")

    slots = {slot.name: slot for slot in slots_of(book, Better, frozenset({"vip"}))}
    assert slots["vip"].question().text == "Please tell me, yes or no: whether you are a guest of honour?"
    assert slots["vip"].guessable and slots["vip"].in_call
    assert not slots["extra_day"].in_call


def test_read_only_by_the_hint_of_mcp() -> None:
    hint = {"readOnlyHint": True}
    for metadata in (hint, {"annotations": hint}):
        made = StructuredTool.from_function(lambda: "", name="look", description="Look.", metadata=metadata)
        assert is_read_only(made)
    assert is_read_only({"name": "look", "annotations": hint})
    assert not is_read_only(book) and not is_read_only({"name": "x", "annotations": {"readOnlyHint": False}})


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"anyOf": {"type": "string"}}, "anyOf that is no list of schemas, at day;"),
        ({"oneOf": "string"}, "oneOf that is no list of schemas, at day;"),
        ({"allOf": [7]}, "an argument that is no schema, at day;"),
        ({"enum": 5}, "an enum that is no list, at day;"),
        ({"type": {"name": "string"}}, "a type that is no name, at day;"),
        ({"type": []}, "a type that is no name, at day;"),
        ({"$ref": 5}, "a reference that is no text, at day;"),
        ({"$ref": "#/$defs/day"}, "an enum that is no list, at day;"),
        ({"type": "array", "items": {"properties": ["a"]}}, r"properties that are no object, at day\[\];"),
        ({"properties": {"of": {"pattern": 1}}}, r"a pattern that is no text, at day\.of;"),
        ("tomorrow", "an argument that is no schema, at day;"),
    ],
)
def test_a_schema_that_cannot_be_read_is_named_by_tool_and_argument(schema: Any, said: str) -> None:
    parameters = {"properties": {"day": schema}, "required": ["day"], "$defs": {"day": {"enum": "Monday"}}}
    with pytest.raises(InputError, match=f"^The parameters of 'book' cannot be read: {said}"):
        slots_of({"name": "book", "parameters": parameters})


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "whenever", "enum": None, "anyOf": None, "items": None},
        {"anyOf": [True, {"type": "null"}]},
        {"allOf": [True]},
        {"allOf": [], "anyOf": []},
        {"required": True},
        {"$ref": "#/$defs/nothing"},
        {"$ref": "#/$defs/loop"},
        {"type": "string", "pattern": "(?<day>[a-z"},
    ],
)
def test_a_schema_that_is_odd_and_can_be_read_has_its_slot(schema: Any) -> None:
    loop = {"anyOf": [{"$ref": "#/$defs/loop"}]}
    parameters = {"properties": {"day": schema}, "required": ["day"], "$defs": {"loop": loop}}
    assert [slot.name for slot in slots_of({"name": "book", "parameters": parameters})] == ["day"]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("minutes", "integer", "How many minutes?"),
        ("num_minutes", "integer", "How many minutes?"),
        ("in_minutes", "integer", "How many minutes?"),
        ("numberOfGuests", "integer", "How many guests?"),
        ("delay_minutes", "integer", "What is the delay in minutes?"),
        ("amount_eur", "number", "What is the amount in EUR?"),
        ("weight_kg", "number", "What is the weight in kg?"),
        ("children", "integer", "How many children?"),
        ("price_in_usd", "number", "What is the price in USD?"),
        ("is_gift", "boolean", "Please tell me, yes or no: gift?"),
        ("when", "string", "What is the value of \u201cwhen\u201d?"),
        # What only looks like a count or a unit.
        ("no_fees", "integer", "What is the no fees?"),
        ("number_plates", "integer", "What is the number plates?"),
        ("opening_hours", "number", "What is the opening hours?"),
        ("num_class", "integer", "What is the num class?"),
        ("if_match", "string", "What is the if match?"),
        ("square_feet", "number", "What is the square feet?"),
        ("price_min", "number", "What is the price min?"),
        ("birth_year", "integer", "What is the birth year?"),
        ("radius", "number", "What is the radius?"),
        ("phone_number", "string", "What is the phone number?"),
        ("minutes", "string", "What is the minutes?"),
    ],
)
def test_a_question_from_a_name_alone_reads_as_one(name: str, kind: str, text: str) -> None:
    tool = {"name": "t", "parameters": {"properties": {name: {"type": kind}}, "required": [name]}}
    [slot] = slots_of(tool)
    assert str(slot.question()) == text
    described = {"name": "t", "parameters": {"properties": {name: {"type": kind, "description": "how long it lasts"}}}}
    described["parameters"]["required"] = [name]  # type: ignore[index]
    assert kind == "boolean" or str(slots_of(described)[0].question()) == "Can you tell me how long it lasts?"


@pytest.mark.parametrize(
    ("description", "first", "again"),
    [
        ("For how many days", "For how many days?", "I cannot go on without this. For how many days?"),
        ("To which city", "To which city?", "I cannot go on without this. To which city?"),
    ],
)
def test_a_description_that_asks_is_the_question(description: str, first: str, again: str) -> None:
    slot = Slot(("value",), {"type": "string", "description": description})
    assert (slot.question().text, slot.question(again=True).text) == (first, again)


def test_a_place_named_by_a_preposition_is_quoted() -> None:
    assert Slot(("to", "postcode"), {"type": "string"}).question().text == "What is the postcode of \u201cto\u201d?"
    assert Slot(("sender", "postcode"), {"type": "string"}).question().text == "What is the postcode of the sender?"


@pytest.mark.parametrize(
    ("name", "description", "text"),
    [
        ("weight", "kg", "What is the weight in kg?"),
        ("stay", "days", "What is the stay in days?"),
        ("price", "EUR", "What is the price in EUR?"),
        ("weight_kg", "kg", "What is the weight in kg?"),
        ("weight", "weight in kg", "What is the weight in kg?"),
        ("place", "spa", "What is the spa?"),
    ],
)
def test_a_description_that_is_a_unit_says_what_a_value_is_told_in(name: str, description: str, text: str) -> None:
    assert Slot((name,), {"type": "number", "description": description}).question().text == text
