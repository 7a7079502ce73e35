"""For builders of agents: how often does your agent act on a value that nobody gave?

    python examples/agent_on_requests.py [--agent agent:my_app.agents:graph] [--out runs/requests]

Simulated users ask an agent for the same trip, with and without the date. What it called is checked against what they
want, what it guessed is counted, and the dialogues are exported as training rows with tools, calls and results. Without
--agent two scripted agents are compared, one of them guarded; their model books Christmas Eve when it knows no better.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

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


@tool
def book_trip(city: str, date: str) -> str:
    """Book a trip to a city on a date."""
    return f"Booked {city} for {date}."


def requests() -> list[Task]:
    """A trip with its date and one without, and the call that serves both."""
    call = AcceptedCall(name="book_trip", arguments={"city": ("Paris",), "date": ("2027-05-05", "5 May")})
    date = Fact(name="date", statement="I leave on 5 May.", keywords=("date",), question="On which date?")
    told = {Form.FULL: "Book me a trip to Paris on 5 May.", Form.UNDERSPECIFIED: "Book me a trip to Paris."}
    return [
        Task(
            id=f"trip-{form}",
            family="trips",
            form=form,
            prompt=prompt,
            private=Private(answer="book_trip", calls=(call,), facts=() if form is Form.FULL else (date,)),
            tools=(convert_to_openai_tool(book_trip),),
            verifier="call",
            pair="trip",
        )
        for form, prompt in told.items()
    ]


def stand_in(guarded: bool) -> AgentStudent:
    calls = [{"name": "book_trip", "args": {"city": "Paris", "date": date}} for date in ("5 May", "24 December")]
    replies = [{"when": when, "reply": "", "calls": [call]} for when, call in zip(("5 May", ""), calls, strict=True)]
    model = ScriptedModel.model_validate({"replies": [{"when": "Booked", "reply": "It is booked."}, *replies]})
    guard = [ClarifyMiddleware()] if guarded else []
    return AgentStudent(create_agent(model, [book_trip], middleware=guard), name="guarded" if guarded else "unguarded")


def main(students: dict[str, Student], out: Path) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, student in students.items():
        with TraceStore.open(out / f"{name}.sqlite") as store:
            run_dialogues_sync(requests(), student, OracleTeacher(), store, resume=True)
            traces = list(store.traces())
        metrics = compute(traces)
        figures[name] = {"guessed": metrics.guessed_arguments.value, "asked": metrics.asks_when_needed.value}
        export(traces, "openai", out / f"{name}.jsonl")
        print(f"{name}: {json.dumps(figures[name])}, training rows in {out / name}.jsonl")
    return figures


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--agent", help="agent:MODULE:GRAPH, a compiled LangGraph agent of yours")
    options.add_argument("--out", type=Path, default=Path("runs/requests"))
    given = options.parse_args()
    both: dict[str, Student] = {"unguarded": stand_in(False), "guarded": stand_in(True)}
    figures = main({"agent": student_from(given.agent)} if given.agent else both, given.out)
