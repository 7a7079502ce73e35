"""An agent's own model learns to ask before it acts, measured before and after.

    python -m tests.e2e.agent_whole_way OUT [MODEL [STEPS]]

Simulated users, who know what they did not say, talk to a LangGraph agent that books tables. Where it guesses,
Q-priming writes the question, or the call where nothing is missing; a low-rank adapter is trained on that. Then users
with other wishes talk to the same graph with the trained model, and nobody helps.
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
from sml_agents.evaluation.metrics import compute
from sml_agents.roles import OraclePrimer, student_from
from sml_agents.training import SFTSettings
from sml_agents.types import AcceptedCall, Fact, Form, Private, Task, Trace

SYSTEM = "You book tables. Ask for what you were not told."
LIMITS = "?temperature=0&max_tokens=48&dtype=fast"
PLACES = ("Luigi's", "Sakura", "the Old Mill", "Chez Marie", "Blue Door", "Taverna Nikos", "Casa Pepe", "the Anchor")
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


def talk(store: Path, model: str, wishes: list[Any], q_priming: float | None = None) -> list[Trace]:
    os.environ["AGENT_MODEL"] = model
    agent, settings = student_from(f"agent:{__file__}:graph"), DialogueSettings(max_turns=3, q_priming=q_priming)
    tasks = [request(*wish, gap) for k, wish in enumerate(wishes) for gap in (("day", "guests")[k % 2], "")]
    with TraceStore.open(store) as kept:
        writer = OraclePrimer(demonstrate=True)
        run_dialogues_sync(tasks, agent, OracleTeacher(), kept, settings=settings, primer=writer, resume=True)
        return list(kept.traces())


def main(model: str, steps: int, out: Path, learn: int = 40, measure: int = 12) -> dict[str, Any]:
    learnt = talk(out / "learnt.sqlite", model, WISHES[:learn], q_priming=1.0)
    export(learnt, "trl", out / "rows.jsonl", system=SYSTEM)
    sft = SFTSettings(model=model, method="lora", max_steps=steps, batch_size=4, learning_rate=2e-3)
    tuned = train_sft(training_rows(learnt, "q_primed", system=SYSTEM), sft, out / "model")
    specs = {"before": model, "after": f"transformers:{tuned.path}"}
    return {name: compute(talk(out / f"{name}.sqlite", spec, WISHES[-measure:])) for name, spec in specs.items()}


if __name__ == "__main__":
    out, model, steps = (*sys.argv[1:], *("embedded:", "40")[len(sys.argv) - 2 :])
    for name, found in main(model, int(steps), Path(out)).items():
        for figure in ("asks_when_needed", "needless_questions", "guessed_arguments", "exact_call"):
            print(f"{name:7} {figure:20} {getattr(found, figure)}")
