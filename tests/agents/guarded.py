"""A guarded agent with a scripted model, three tools that note what they did, and a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field, PrivateAttr

from sml_agents.agents import (
    ClarifyMiddleware,
)
from sml_agents.agents.asking import asked_by

NOW = dt.datetime(2026, 11, 26, 12)
THREAD: Any = {"configurable": {"thread_id": "1"}}
RAN: list[tuple[Any, ...]] = []


@tool
def book(city: str, date: str) -> str:
    """Book a trip."""
    RAN.append(("book", city, date))
    return f"Booked {city} for {date}."


@tool
def refund(order: str, reason: str) -> str:
    """Refund an order."""
    RAN.append(("refund", order, reason))
    return f"Refunded {order}."


@tool
def find_order(product: str) -> str:
    """Find the number of an order."""
    RAN.append(("find_order", product))
    return f"The order of {product} is ORD-4711."


class Day(BaseModel):
    date: dt.date


class Refund(BaseModel):
    order: str = Field(
        pattern=r"ORD-\d{4}", json_schema_extra={"question": "What is the order number (like ORD-1234)?"}
    )
    reason: Literal["damaged", "late"]


class Fake(GenericFakeChatModel):
    """Says what it is told to, one after another, and keeps what it was given."""

    _seen: list[Any] = PrivateAttr(default_factory=list)
    _tools: list[Any] = PrivateAttr(default_factory=list)

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        self._tools.append([getattr(one, "name", one) for one in tools])
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> Any:
        self._seen.append(messages)
        return super()._generate(messages, *args, **kwargs)


def call(name: str, **arguments: Any) -> AIMessage:
    call.number += 1  # type: ignore[attr-defined]
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"c{call.number}"}])  # type: ignore[attr-defined]


call.number = 0  # type: ignore[attr-defined]


def guess() -> AIMessage:
    return call("book", city="Paris", date="2026-12-24")


def agent(*replies: Any, decider: Any = None, tools: Sequence[Any] = (book, refund), **options: Any) -> Any:
    built = {name: options.pop(name) for name in ("store", "system_prompt", "response_format") if name in options}
    model = options.pop("model", None) or Fake(messages=iter(replies))
    before = options.pop("before", [])
    guard = ClarifyMiddleware(decider, **{"now": NOW, **options})
    return create_agent(model, list(tools), middleware=[*before, guard], checkpointer=InMemorySaver(), **built)


def say(graph: Any, text: str) -> Any:
    return graph.invoke({"messages": [HumanMessage(text)]}, THREAD)


def asks(state: Any) -> list[str]:
    return [question.about for question in asked_by(state["messages"][-1])]


def stored(order: str) -> InMemoryStore:
    """A store that knows an order."""
    store = InMemoryStore()
    store.put(("orders",), "last", {"order": order})
    return store
