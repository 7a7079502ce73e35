"""An ordinary agent that books trips, and a model for it that guesses the date unless something makes it ask."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from sml_agents.testing import ScriptedModel

VAGUE = "Book me a trip to Paris."
CLEAR = "Book me a trip to Paris on 5 May."
ANSWER = "On 5 May, please."
QUESTION = "On which date do you want to travel?"
BOOKED = "Booked Paris for 5 May."


class Trip(BaseModel):
    """What must be known before a trip is booked."""

    date: dt.date = Field(json_schema_extra={"question": QUESTION})


@tool
def book(city: str, date: str) -> str:
    """Book a trip."""
    return f"Booked {city} for {date}."


class Agent(ScriptedModel):
    """Calls `book` at once. Only a policy in its system prompt makes it ask for a date that was not told."""

    replies: Any = ("unused",)

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        if isinstance(messages[-1], ToolMessage) and messages[-1].name == "book":
            return AIMessage(f"{messages[-1].text} Have a nice trip!")
        told = " ".join(m.text for m in messages if isinstance(m, HumanMessage | ToolMessage))
        dates = re.findall(r"\d+ May", told)
        policy = " ".join(m.text for m in messages if isinstance(m, SystemMessage))
        if not dates and "do not guess" in policy:
            if "ask_user" in [offered["function"]["name"] for offered in kwargs.get("tools", [])]:
                call = {"name": "ask_user", "args": {"questions": [QUESTION]}, "id": f"ask-{len(messages)}"}
                return AIMessage("", tool_calls=[call])
            return AIMessage(QUESTION)
        date = dates[-1] if dates else "1 January"
        call = {"name": "book", "args": {"city": "Paris", "date": date}, "id": f"book-{len(messages)}"}
        return AIMessage("", tool_calls=[call])


def booked(messages: list[BaseMessage]) -> list[str]:
    """What the tool did in a conversation."""
    return [message.text for message in messages if isinstance(message, ToolMessage) and message.name == "book"]
