"""An agent's own model learns to ask before it acts, measured before and after.

    python -m tests.e2e.agent_whole_way OUT [MODEL [STEPS]]

Simulated users, who know what they did not say, talk to a LangGraph agent that books tables. Where it guesses,
Q-priming writes the question, or the call where nothing is missing; a low-rank adapter is trained on that. Then users
with other wishes talk to the same graph with the trained model, and nobody helps. The same command again goes on where
it was cut.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool

from sml_agents import (
    DialogueSettings,
    OracleTeacher,
    TraceStore,
    resolve,
    run_dialogues_sync,
    train_sft,
    training_rows,
)
from sml_agents.data.export import export
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.run import evaluate
from sml_agents.files import write_whole
from sml_agents.roles import OraclePrimer, Student, student_from
from sml_agents.training import SFTSettings
from sml_agents.types import AcceptedCall, Fact, Form, Private, Task, Trace
from tests.e2e.requests_whole_way import finished

SYSTEM = "You book tables. Ask for what you were not told."
LIMITS = "?temperature=0&max_tokens=48&dtype=fast"
PLACES = ("Luigi's", "Sakura", "the Old Mill", "Chez Marie", "Blue Door", "Taverna Nikos", "Casa Pepe", "the Anchor")
TURNS = 3
FIGURES = ("asks_when_needed", "names_missing", "needless_questions", "guessed_arguments", "exact_call")
WISHES = [(PLACES[k % 8], f"{k % 28 + 1} {('May', 'June', 'July')[k % 3]}", k % 6 + 2) for k in range(64)]


@tool(return_direct=True)
def book_table(place: str, day: str, guests: int) -> str:
    """Reserve a table in a restaurant."""
    return f"Booked {place} on {day} for {guests}."


def graph() -> Any:
    return create_agent(
        resolve(os.environ["AGENT_MODEL"] + os.environ.get("AGENT_LIMITS", LIMITS)), [book_table], system_prompt=SYSTEM
    )


def request(place: str, day: str, guests: int, missing: str) -> Task:
    told = {"day": f" on {day}", "guests": f" for {guests} people"}
    tells = f"It is{told.pop(missing, '')}."
    fact = Fact(name=missing, statement=tells, question=f"What is missing is the {missing}?", keywords=(missing,))
    call = AcceptedCall(name="book_table", arguments={"place": (place,), "day": (day,), "guests": (guests,)})
    private = Private(answer="book_table", calls=(call,), facts=(fact,) if missing else ())
    given: Any = {"family": "tables", "verifier": "call", "tools": (convert_to_openai_tool(book_table),), "pair": day}
    form, prompt = Form.UNDERSPECIFIED if missing else Form.FULL, f"A table at {place}{''.join(told.values())}, please."
    return Task(id=f"{place} {day} {missing}", form=form, prompt=prompt, private=private, **given)


def requests(wishes: list[Any]) -> list[Task]:
    """Two for each wish: one lacks the day or the number of guests."""
    gaps = ((wish, gap) for k, wish in enumerate(wishes) for gap in (("day", "guests")[k % 2], ""))
    return [request(place, day, guests, gap) for (place, day, guests), gap in gaps]


def agent(model: str) -> Student:
    os.environ["AGENT_MODEL"] = model
    return student_from(f"agent:{__file__}:graph")


def learnt(store: Path, model: str, wishes: list[Any]) -> list[Trace]:
    with TraceStore.open(store) as kept:
        settings, writer = DialogueSettings(max_turns=TURNS, q_priming=1.0), OraclePrimer(demonstrate=True)
        tasks = requests(wishes)
        run_dialogues_sync(tasks, agent(model), OracleTeacher(), kept, settings=settings, primer=writer, resume=True)
        return list(kept.traces())


def main(model: str, steps: int, out: Path, learn: int = 40, measure: int = 12) -> Summary:
    traces = learnt(out / "learnt.sqlite", model, WISHES[:learn])
    export(traces, "trl", out / "rows.jsonl", system=SYSTEM)
    sft = SFTSettings(
        model=model, method="lora", max_steps=steps, batch_size=4, learning_rate=2e-3,
        checkpoint_seconds=120, resume=True,
    )  # fmt: skip
    rows = training_rows(traces, "q_primed", system=SYSTEM)
    tuned = finished(out / "model", lambda to: train_sft(rows, sft, to))
    lines = [task.model_dump_json(exclude_defaults=True) + "\n" for task in requests(WISHES[-measure:])]
    write_whole(out / "measured.jsonl", "".join(lines))
    students = {"before": agent(model), "after": agent(f"transformers:{tuned.path}")}
    tasks = f"tasks:{out / 'measured.jsonl'}"
    return evaluate(students, [tasks], out / "evaluation", max_turns=TURNS, resume=True)


if __name__ == "__main__":
    out, model, steps = (*sys.argv[1:], *("embedded:", "40")[len(sys.argv) - 2 :])
    summary = main(model, int(steps), Path(out))
    for name, found in {**summary.students, **summary.baselines}.items():
        metrics = found.model_dump()["metrics"]
        for figure in ("success_at", *FIGURES):
            metric = metrics[figure][str(TURNS)] if figure == "success_at" else metrics[figure]
            print(f"{name:20} {figure:20} {metric}")
