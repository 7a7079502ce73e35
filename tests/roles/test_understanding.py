"""How often the person by rule understands a question that others wrote: it may not get worse unseen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sml_agents.tasks import load_tasks
from sml_agents.text.questions import asked_facts
from sml_agents.types import Task

QUESTIONS = Path(__file__).parents[2] / "benchmarks" / "simulator_questions.jsonl"
NATURAL = "asks for what is missing"


@cache
def rows(domain: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    return [row for row in found if row["spec"].startswith(f"{domain}?")]


def tasks(of: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Task]:
    return {(spec, task.id): task for spec in {row["spec"] for row in of} for task in load_tasks(spec)}


@pytest.mark.parametrize(
    ("domain", "understood", "misunderstood"),
    [("requests", 0.7, 0.03), ("arithmetic", 0.57, 0.12), ("lists", 0.4, 0.1)],
)
def test_the_person_understands_who_asks_and_tells_nobody_else(
    domain: str, understood: float, misunderstood: float
) -> None:
    """Questions by a language model, half of which ask for what is missing."""
    told: dict[str, list[bool]] = defaultdict(list)
    known = tasks(rows(domain))
    for row in rows(domain):
        task = known[row["spec"], row["task"]]
        for kind, question in [*((NATURAL, one) for one in row["right"]), *row["wrong"].items()]:
            first = asked_facts(question, task.private.facts, (task.prompt,), task.tools)[:1]
            told[kind].append(any(fact.name == row["fact"] for fact in first))
    assert len(told[NATURAL]) > 100
    assert share(told.pop(NATURAL)) >= understood
    assert share([one for some in told.values() for one in some]) <= misunderstood


@pytest.mark.parametrize(
    "question",
    [
        "When?",
        "Where is it?",
        "Who is it for?",
        "How many?",
        "Which one?",
        "What is its name?",
        "What else do I need to know?",
        "What did you have in mind?",
    ],
)
def test_a_question_that_speaks_of_nothing_is_told_nothing(question: str) -> None:
    some = load_tasks("requests?form=underspecified&split=heldout&n=120&seed=3")
    assert share([bool(asked_facts(question, one.private.facts, (one.prompt,), one.tools)) for one in some]) <= 0.1


def share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)
