"""An agent that asks before it acts and never acts on a guess: it puts things into a calendar on the day you say.

Change the tool, and `Needed`, which says more about its arguments, to make it yours. Set in the environment:

    SML_STUDENT   the agent's model, which must call tools: openai:MODEL@URL, anthropic:MODEL, ... (embedded, which
                  only talks)
    SML_ASKER     who asks beside the guard: rules, from the fields of `Needed`; self, the agent's own model; or the
                  model of a separate asker, such as transformers:runs/asker (rules)
    SML_DELIVERY  interrupt, end_turn or tool (interrupt)

Input: `{"messages": [{"role": "user", "content": "Put the dentist into my calendar."}]}`. A question pauses the run;
agent-chat-ui shows it as a form. Resume with `"on 5 May"`, `{"answers": ["on 5 May"]}`, or the decisions of
such a form; an answer that does not fit pauses again and says why. Needs the `agents` extra.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from sml_agents.agents import ClarifyMiddleware
from sml_agents.backends import resolve


class Needed(BaseModel):
    """What the person must have told before anything is scheduled."""

    day: dt.date = Field(json_schema_extra={"question": "On which day?"})


@tool
def schedule(what: str, day: str) -> str:
    """Put something into the calendar."""
    return f"Scheduled {what} on {day}."


asker: Any = {"rules": Needed, "self": None}
spec = os.environ.get("SML_ASKER") or "rules"
delivery: Any = os.environ.get("SML_DELIVERY") or "interrupt"

graph = create_agent(
    resolve(os.environ.get("SML_STUDENT") or "embedded"),
    [schedule],
    system_prompt="You keep the person's calendar.",
    middleware=[ClarifyMiddleware(asker.get(spec, spec), delivery=delivery)],
    name="clarifying_agent",
)
