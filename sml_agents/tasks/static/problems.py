"""Static problems as tasks: one problem of a data set in each form that a spec asks for.

The rules that take a fact out, or deal all facts out, are in `underspecify`. A problem that they refuse gives no task
in that form; the reason is counted in the report.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.static.givens import additive_numbers, given_numbers, sentences
from sml_agents.tasks.static.underspecify import STYLES, Refusal, Underspecified, shard, underspecify
from sml_agents.types import Fact, Form, Private, Task, stable_hash

__all__ = ["STATIC_KEYS", "StaticProblem", "make_tasks", "task"]

STATIC_KEYS = ("hide", "full")
"""Keys of the specs of static data: `hide=sentence,vague` names the ways in which a fact may be taken out (all), and
`full=original|restored|either` the complete half of a pair. A *restored* problem has the fact back in another
place: complete, but as odd to read as the one without it, so that a learner cannot go by looks."""


@dataclass(frozen=True)
class StaticProblem:
    """A fully specified problem of a data set."""

    prompt: str
    answer: str
    solution: str = ""
    """The worked solution that a student is to write, if known."""
    reasoning: str = ""
    """The worked solution as the data set has it: tells which numbers are needed."""
    verifier: str = "math"
    split: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def solution_numbers(self) -> tuple[str, ...]:
        return given_numbers(self.reasoning or self.solution)


def make_tasks(problems: Iterable[StaticProblem], spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """The tasks of each problem past the spec's offset; refused problems and repeated ones are counted and left out."""
    styles, full = _choices(spec)
    seen: set[str] = set()
    for index, problem in enumerate(problems):
        if index < spec.offset:
            continue
        pair = stable_hash(spec.family, "pair", problem.prompt, problem.answer)
        if pair in seen:
            report.refused["the same problem again"] += 1
            continue
        seen.add(pair)
        rng = random.Random(stable_hash(spec.family, spec.seed, pair))
        forms = choose_forms(spec.form, tuple(Form), rng)
        made = _in_forms(problem, forms, spec, pair, rng, styles, full)
        if isinstance(made, Refusal):
            report.refused[made.reason] += 1
        else:
            yield made


def _in_forms(
    problem: StaticProblem,
    forms: tuple[Form, ...],
    spec: TaskSpec,
    pair: str,
    rng: random.Random,
    styles: tuple[str, ...],
    complete: str,
) -> tuple[Task, ...] | Refusal:
    full = problem.prompt
    made: list[Task] = []
    for form in forms:
        if form is Form.UNDERSPECIFIED:
            numbers = problem.solution_numbers
            additive = additive_numbers(problem.reasoning)
            cut = underspecify(problem.prompt, problem.answer, numbers, rng, additive=additive, styles=styles)
            if isinstance(cut, Refusal):
                return cut
            again = complete == "restored" or (complete == "either" and rng.random() < 0.5)
            full = _restored(cut, rng) if again else cut.full_prompt
            made.append(task(problem, spec.family, form, pair, cut.prompt, (cut.fact,), {"hidden": cut.style}))
        elif form is Form.SHARDED:
            dealt = shard(problem.prompt, problem.answer, problem.solution_numbers)
            if isinstance(dealt, Refusal):
                return dealt
            made.append(task(problem, spec.family, form, pair, dealt.prompt, dealt.facts))
        else:
            made.append(task(problem, spec.family, form, pair, full))
    return tuple(made)


def _choices(spec: TaskSpec) -> tuple[tuple[str, ...], str]:
    styles = tuple(spec.extra.get("hide", ",".join(STYLES)).split(","))
    if unknown := [style for style in styles if style not in STYLES]:
        raise TaskSpecError(f"hide={unknown[0]!r} in {spec.text!r} is not known: choose from {', '.join(STYLES)}.")
    full = spec.extra.get("full", "original")
    if full not in ("original", "restored", "either"):
        raise TaskSpecError(f"full={full!r} in {spec.text!r} is not known: choose original, restored or either.")
    return styles, full


def _restored(cut: Underspecified, rng: random.Random) -> str:
    parts = sentences(cut.prompt)
    parts.insert(rng.randrange(1, len(parts) + 1), cut.fact.statement)
    return " ".join(parts)


def task(
    problem: StaticProblem,
    family: str,
    form: Form,
    pair: str,
    prompt: str,
    facts: tuple[Fact, ...] = (),
    meta: dict[str, Any] | None = None,
) -> Task:
    """A task of `problem` with this prompt; `facts` are what the prompt lacks."""
    return Task(
        id=stable_hash(family, form.value, prompt, problem.answer, [fact.statement for fact in facts]),
        family=family,
        form=form,
        prompt=prompt,
        private=Private(answer=problem.answer, facts=facts, solution=problem.solution),
        verifier=problem.verifier,
        split=problem.split,
        pair=pair,
        meta={**problem.meta, **(meta or {})},
    )


def no_column(family: str, names: Iterable[str], columns: Iterable[str]) -> TaskSpecError:
    """The error for a data set whose first row lacks the columns that the spec names."""
    return TaskSpecError(
        f"{family}: no column {', '.join(map(repr, names))} in the data: the columns are {', '.join(columns)}."
    )
