"""For builders of agents: how often does your agent act on a value that nobody gave?

    python examples/agent_on_requests.py [--agent agent:my_app.agents:graph]

A simulated user asks for a trip, with the date and without it. What the agent calls is checked, what it guessed is
counted, and the dialogues become training rows. Without --agent two scripted agents are compared, one of them guarded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool

from sml_agents import OracleTeacher, Task, TraceStore, run_dialogues_sync
from sml_agents.agents import AgentStudent, ClarifyMiddleware
from sml_agents.data.export import export
from sml_agents.evaluation.metrics import compute
from sml_agents.roles import Student, student_from
from sml_agents.testing import ScriptedModel
from sml_agents.types import AcceptedCall, Fact, Form, Private

OUT = Path("runs/requests")


@tool
def book_trip(city: str, date: str) -> str:
    """Book a trip to a city on a date."""
    return f"Booked {city} for {date}."


def requests() -> list[Task]:
    call = AcceptedCall(name="book_trip", arguments={"city": ("Paris",), "date": ("2027-05-05", "5 May")})
    date = Fact(name="date", statement="I leave on 5 May.", keywords=("date",), question="On which date?")
    tools = (convert_to_openai_tool(book_trip),)
    whole = Private(answer="book_trip", calls=(call,))
    lacks = whole.model_copy(update={"facts": (date,)})
    prompt, given = "Book me a trip to Paris.", {"family": "trips", "verifier": "call", "tools": tools, "pair": "trip"}
    return [
        Task(id="whole", form=Form.FULL, prompt="Book me a trip to Paris on 5 May.", private=whole, **given),
        Task(id="no date", form=Form.UNDERSPECIFIED, prompt=prompt, private=lacks, **given),
    ]


def stand_in(*guard: ClarifyMiddleware) -> AgentStudent:
    calls = [{"name": "book_trip", "args": {"city": "Paris", "date": date}} for date in ("5 May", "24 December")]
    replies = [{"when": when, "reply": "", "calls": [call]} for when, call in zip(("5 May", ""), calls, strict=True)]
    model = ScriptedModel.model_validate({"replies": [{"when": "Booked", "reply": "It is booked."}, *replies]})
    return AgentStudent(create_agent(model, [book_trip], middleware=guard), name="guarded" if guard else "unguarded")


def main(name: str, student: Student) -> tuple[float | None, float | None]:
    with TraceStore.open(OUT / f"{name}.sqlite") as store:
        run_dialogues_sync(requests(), student, OracleTeacher(), store, resume=True)
        export(store.traces(), "openai", OUT / f"{name}.jsonl")
        found = compute(store.traces())
    print(f"{name}: guessed in {found.guessed_arguments.value} of its calls, asked in {found.asks_when_needed.value}")
    return found.guessed_arguments.value, found.asks_when_needed.value


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--agent", help="agent:MODULE:GRAPH, a compiled LangGraph agent of yours")
    named = options.parse_args().agent
    both = {"unguarded": stand_in(), "guarded": stand_in(ClarifyMiddleware())}
    figures = [main(*one) for one in ({"agent": student_from(named)} if named else both).items()]
