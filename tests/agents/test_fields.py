"""Rules over required fields: what counts as told, and what is asked."""

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
from sml_agents.agents.fields import is_told
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
    city: str


def call(**arguments: Any) -> Any:
    return {"name": "order", "args": arguments, "id": "1", "type": "tool_call"}


@pytest.mark.parametrize(
    ("field", "words", "told"),
    [
        ("day", "on 5 May", True),
        ("day", "on May 5th", True),
        ("day", "2026-05-05", True),
        ("day", "next Tuesday", True),
        ("day", "tomorrow, please", True),
        ("day", "in two weeks", True),
        ("day", "on the 5th", True),
        ("day", "for 5 people", False),
        ("day", "I may come", False),
        ("at", "at 5 pm", True),
        ("at", "at 17:30", True),
        ("at", "on 5 May", False),
        ("moment", "5 May at noon", True),
        ("moment", "5 May", False),
        ("count", "seven of them", True),
        ("count", "on 5 May at 5 pm", False),
        ("count", "1,000 pieces", True),
        ("size", "a LARGE one", True),
        ("size", "enlarged", False),
        ("kind", "coffee!", True),
        ("kind", "coffees", False),
        ("code", "take AB123 please", True),
        ("code", "take AB12", False),
    ],
)
def test_what_counts_as_told(field: str, words: str, told: bool) -> None:
    view = AgentView([HumanMessage(words)], acting=True)
    assert is_told(field, Order.model_fields[field], view, [], alone=True) is told


def test_an_argument_that_nobody_said_is_a_guess() -> None:
    field = Order.model_fields["city"]
    view = AgentView([HumanMessage("A trip to Paris.")], acting=True)
    assert is_told("city", field, view, [call(city="paris")], alone=True)
    assert not is_told("city", field, view, [call(city="Par")], alone=True)
    assert not is_told("city", field, view, [call(city="Rome")], alone=True)
    assert not is_told("city", field, view, [call()], alone=True)
    found = AgentView([*view.messages, ToolMessage("They live in Rome.", tool_call_id="0", name="look")], acting=True)
    assert is_told("city", field, found, [call(city="Rome")], alone=True), "a tool has told it"


async def test_each_number_needs_its_own_words() -> None:
    class Party(BaseModel):
        guests: int = Field(description="number of guests")
        tables: int

    rules = RequiredFields(Party)

    async def missing(words: str) -> list[str]:
        return [question.about for question in await rules.questions(AgentView([HumanMessage(words)], acting=True))]

    assert await missing("8 guests") == ["tables"]
    assert await missing("8 guests and 2 tables") == []
    assert await missing("8") == ["guests", "tables"]


async def test_questions_come_from_the_fields() -> None:
    class Trip(BaseModel):
        day: dt.date = Field(description="Day of departure.")
        kind: Literal["train", "bus"] = Field(json_schema_extra={"question": "Train or bus?"})
        seat_row: int
        note: str = ""

    asked = await RequiredFields(Trip).questions(AgentView([HumanMessage("Hi.")], acting=True))
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


class Reader(ScriptedModel):
    """Structured output, as a provider's model gives it."""

    found: Any = None

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Any:
        return RunnableLambda(lambda messages: schema(**self.found))


async def test_values_read_by_a_model_or_a_function() -> None:
    class Trip(BaseModel):
        city: str
        day: dt.date

    view = AgentView([HumanMessage("To Paris.")], acting=True)
    model: BaseChatModel = Reader(replies=["unused"], found={"city": "Paris"})
    readers: list[Any] = [model, lambda told: {"city": told.split()[1]}]
    for reader in readers:
        assert [question.about for question in await RequiredFields(Trip, extract=reader).questions(view)] == ["day"]


async def test_what_no_rule_can_tell_is_refused() -> None:
    class Odd(BaseModel):
        tags: list[str]

    class Empty(BaseModel):
        note: str = ""

    with pytest.raises(InputError, match="No rule tells whether `tags`"):
        RequiredFields(Odd)
    with pytest.raises(InputError, match="no required field"):
        RequiredFields(Empty)

    class City(BaseModel):
        city: str

    with pytest.raises(InputError, match="can only be judged by a tool call"):
        await RequiredFields(City).questions(AgentView([HumanMessage("Hi.")], acting=True))
