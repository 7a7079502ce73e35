"""For builders of agents: simulated users try your agent before real ones do.

    python examples/try_your_agent.py [--agent agent:my_app.agents:graph]

Four users want the same trip and leave out the date; printed is what they were asked and what ran. `sml-agents run
--student agent:my_app.agents:graph` holds more dialogues and keeps them. Without --agent a guarded agent is tried whose
model, a script, books Christmas Eve when it does not know better.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool

from sml_agents import DialogueSettings, Task, build_dialogue
from sml_agents.agents import AgentStudent, ClarifyMiddleware
from sml_agents.roles import Student, student_from
from sml_agents.testing import ScriptedModel
from sml_agents.types import Form, Private, Reply
from sml_agents.views import TeacherView

ANSWERS = {
    "brief": "5 May",
    "chatty": "Oh, let me look. My sister was born on 3 March, and we always travel in spring, so on 5 May, please!",
    "changes their mind": "On 9 May. No wait, on 5 May.",
    "gives up": "Never mind, cancel that.",
}


class SimulatedUser:
    def __init__(self, persona: str) -> None:
        self.persona = persona
        self.settings: dict[str, Any] = {"persona": persona}

    async def reply(self, view: TeacherView, *, seed: int) -> Reply:
        return Reply(text=ANSWERS[self.persona])


@tool
def book(city: str, date: str) -> str:
    """Book a trip."""
    return f"Booked {city} for {date}."


def stand_in() -> AgentStudent:
    calls = [{"name": "book", "args": {"city": "Paris", "date": date}} for date in ("5 May", "24 December")]
    replies = [{"when": when, "reply": "", "calls": [call]} for when, call in zip(("5 May", ""), calls, strict=True)]
    model = ScriptedModel.model_validate({"replies": [{"when": "Booked", "reply": "It is booked."}, *replies]})
    return AgentStudent(create_agent(model, [book], middleware=[ClarifyMiddleware()]), name="travel")


async def main(student: Student) -> None:
    task = Task(id="trip", family="mine", form=Form.FULL, prompt="Book me a trip to Paris.", private=Private(answer=""))
    for persona in ANSWERS:
        graph = build_dialogue(student, SimulatedUser(persona), settings=DialogueSettings(max_turns=2))
        trace = (await graph.ainvoke({"task": task}))["trace"]
        calls = [call for turn in trace.student_turns for call in turn.tool_calls or ()]
        ran = [f"{one.name} {one.arguments}" for one in calls if not (one.result or "Not run").startswith("Not run")]
        print(f"{persona}: asked {trace.student_turns[0].text!r}, ran {', '.join(ran) or 'nothing'}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--agent", help="agent:MODULE:GRAPH, a compiled LangGraph agent of yours")
    named = options.parse_args().agent
    asyncio.run(main(student_from(named) if named else stand_in()))
