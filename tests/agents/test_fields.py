"""RequiredFields: a pydantic model of what must be known, as a decider and at a glance."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import Any, Literal

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel, Field

from sml_agents.agents import AgentView, RequiredFields
from sml_agents.errors import InputError
from sml_agents.testing import ScriptedModel


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Order(BaseModel):
    day: dt.date
    at: dt.time
    moment: dt.datetime
    count: int
    size: Size
    kind: Literal["tea", "coffee"]
    code: str = Field(pattern=r"^[A-Z]{2}\d{3}$")


def call(**arguments: Any) -> Any:
    return {"name": "order", "args": arguments, "id": "1", "type": "tool_call"}


def view(words: str, *calls: Any) -> AgentView:
    return AgentView([HumanMessage(words)], tuple(calls), acting=True)


async def missing(rules: RequiredFields, seen: AgentView) -> list[str]:
    return [question.about for question in await rules.questions(seen)]


@pytest.mark.parametrize(
    ("field", "words", "told"),
    [
        ("day", "on 5 May", True),
        ("day", "next Tuesday", True),
        ("day", "in two weeks", True),
        ("day", "on Christmas Eve", True),
        ("day", "for 5 people", False),
        ("day", "Last Friday I was ill", False),
        ("day", "not on Monday", False),
        ("at", "at 5 pm", True),
        ("at", "half past seven", True),
        ("at", "on 5 May", False),
        ("moment", "5 May at noon", True),
        ("moment", "5 May", False),
        ("count", "seven of them", True),
        ("count", "on 5 May at 5 pm", False),
        ("size", "a LARGE one", True),
        ("size", "enlarged", False),
        ("kind", "coffee!", True),
        ("kind", "anything but coffee", False),
        ("code", "take AB123 please", True),
        ("code", "take AB12", False),
    ],
)
async def test_a_field_that_no_call_holds_is_told_by_its_kind(field: str, words: str, told: bool) -> None:
    assert (field not in await missing(RequiredFields(Order), view(words))) is told


async def test_a_field_that_a_call_holds_is_told_by_its_value() -> None:
    class City(BaseModel):
        city: str

    rules = RequiredFields(City)
    assert await missing(rules, view("A trip to Paris.", call(city="paris"))) == []
    assert await missing(rules, view("A trip to Paris.", call(trip={"city": "Paris"}))) == []
    for wrong in ({"city": "Par"}, {"city": "Rome"}, {}):
        assert await missing(rules, view("A trip to Paris.", call(**wrong))) == ["city"]
    found = [HumanMessage("Where they live."), ToolMessage("They live in Rome.", tool_call_id="0", name="look")]
    assert await missing(rules, AgentView(found, (call(city="Rome"),), acting=True)) == []


async def test_each_date_needs_its_own_words() -> None:
    class Two(BaseModel):
        departure: dt.date
        back: dt.date

    rules = RequiredFields(Two, now=dt.datetime(2026, 11, 26))
    assert await missing(rules, view("Leave on 5 May", call(departure="2027-05-05", back="2027-05-05"))) == ["back"]
    assert await missing(rules, view("Leave on 5 May, back on 9 May")) == []


async def test_questions_come_from_the_fields() -> None:
    class Trip(BaseModel):
        day: dt.date = Field(description="Day of departure.")
        kind: Literal["train", "bus"] = Field(json_schema_extra={"question": "Train or bus?"})
        seat_row: int
        note: str = ""

    asked = await RequiredFields(Trip).questions(view("Hi."))
    assert [str(question) for question in asked] == [
        "What is the day of departure?",
        "Train or bus? (train, bus)",
        "What is the seat row?",
    ]


async def test_it_asks_only_before_the_tools_it_is_for() -> None:
    class Trip(BaseModel):
        day: dt.date

    rules = RequiredFields(Trip, tools=["order"])
    hello = [HumanMessage("Hello.")]
    assert await rules.questions(AgentView(hello)) == []
    assert await rules.questions(AgentView(hello, ({**call(), "name": "look"},), acting=True)) == []
    assert len(await rules.questions(AgentView(hello, (call(),), acting=True))) == 1
    with pytest.raises(InputError, match="No tool is named order"):
        await rules.questions(AgentView(hello, (call(),), acting=True, tools={"look": None}))
    with pytest.raises(InputError, match="not one text"):
        RequiredFields(Trip, tools="order")


class Reader(ScriptedModel):
    """Structured output, as a provider's model gives it."""

    found: Any = None

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        return RunnableLambda(lambda messages: schema(**self.found))


async def test_values_read_by_a_model_or_a_function() -> None:
    class Trip(BaseModel):
        city: str
        day: dt.date

    model: BaseChatModel = Reader(replies=["unused"], found={"city": "Paris"})
    readers: list[Any] = [model, lambda told: {"city": told.split()[1].strip(".")}]
    for reader in readers:
        rules = RequiredFields(Trip, extract=reader)
        assert await missing(rules, view("To Paris.")) == ["day"]
        assert await missing(rules, view("To Paris.", call(city="Rome", day="2027-05-05"))) == ["city", "day"]


def test_a_model_without_required_fields_is_refused() -> None:
    class Empty(BaseModel):
        note: str = ""

    with pytest.raises(InputError, match="no required field"):
        RequiredFields(Empty)
