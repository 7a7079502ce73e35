"""Problems from schemas: seeded, unlimited, and split into train and held-out schemas.

A schema (see `schemas`) keeps its program beside its sentences, so the answer is computed, never written down. The
facts that the program names are needed; the others are distractors, and so is all noise. The underspecified form
hides one needed fact (no clause for it, a vague word for its number, or no number); the full form of the same problem
differs from it by nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.generated.naming import choose_keywords
from sml_agents.tasks.generated.plan import Hide, Plan, Value, draw_plan, hiding_styles
from sml_agents.tasks.generated.program import Result, Unfit
from sml_agents.tasks.generated.schemas import Bank, FactTemplate, Schema, load_bank
from sml_agents.tasks.generated.wording import questions_for, render, statement
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.types import Fact, Form, Private, Task, stable_hash

__all__ = ["Family", "Limits", "Problem", "RunsOnFacts"]

_DRAWS, _TRIAL_DRAWS = 4000, 300
_WEIGHTS: Mapping[Hide, int] = {"omit": 4, "vague": 3, "drop": 2}


class RunsOnFacts(Protocol):
    @property
    def names(self) -> tuple[str, ...]:
        """The facts that the answer needs."""

    def run(self, values: Mapping[str, Value]) -> Result:
        """Raises Unfit when the values make no good problem."""


@dataclass(frozen=True)
class Limits:
    """Keeps a generator to its easier problems; the spec's keys `steps` and `largest`. None leaves a side open."""

    steps: int | None = None
    """The most steps of a worked solution."""
    largest: int | None = None
    """The largest number that may be told or come up."""

    def __str__(self) -> str:
        told = {"steps": self.steps, "largest": self.largest}
        return " and ".join(f"{key}={value}" for key, value in told.items() if value is not None)

    def allow(self, values: Mapping[str, Value], result: Result) -> bool:
        numbers = [result.largest, *(value for value in values.values() if isinstance(value, int))]
        return (self.steps is None or len(result.steps) <= self.steps) and (
            self.largest is None or max(numbers) <= self.largest
        )


_OPEN = Limits()


@dataclass(frozen=True)
class Problem:
    """One problem before it is given a form."""

    schema: Schema
    program: RunsOnFacts
    values: Mapping[str, Value]
    result: Result
    plan: Plan
    missing: str
    """The needed fact that the underspecified form hides."""
    facts: Mapping[str, Fact]
    """The needed facts in the order in which they are told."""


@dataclass(frozen=True)
class Family:
    """A generator: its bank of schemas, how its programs are read and how a fact's value is drawn."""

    name: str
    verifier: str
    compile: Callable[[str], RunsOnFacts]
    draw_value: Callable[[FactTemplate, Bank, random.Random], Value]

    def make(self, spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
        """Tasks of a spec, one problem after the other, without end; a problem that came before is passed over."""
        seen: set[str] = set()
        limits = Limits(spec.integer("steps", 1), spec.integer("largest", 1))
        for problem, rng in self.problems(splits=spec.splits, seed=spec.seed, offset=spec.offset, limits=limits):
            tasks = tuple(self.task(problem, form, rng) for form in choose_forms(spec.form, tuple(Form), rng))
            if tasks[0].id not in seen:
                seen.add(tasks[0].id)
                report.read += 1
                yield tasks

    def problems(
        self, *, splits: tuple[str, ...], seed: int = 0, offset: int = 0, limits: Limits = _OPEN
    ) -> Iterator[tuple[Problem, random.Random]]:
        """Problems from number `offset` on, without end, each with a generator of its own for further choices.

        Problem `i` depends on `seed`, `splits`, `limits` and `i` only. Every round over the schemas takes each of them
        once, except those that the limits rule out. Raises TaskSpecError when they rule out all.
        """
        banks = [load_bank(self.name, split) for split in splits]
        pool = [(bank, schema) for bank in banks for schema in bank.schemas if self._can_be(schema, bank, limits)]
        if not pool:
            raise TaskSpecError(f"No problem of {self.name} has {limits}: allow more steps or larger numbers.")
        index = offset
        while True:
            turn = list(range(len(pool)))
            random.Random(stable_hash(self.name, splits, seed, index // len(pool))).shuffle(turn)
            bank, schema = pool[turn[index % len(pool)]]
            rng = random.Random(stable_hash(self.name, splits, seed, index, "problem"))
            yield self.draw(schema, bank, rng, limits), rng
            index += 1

    def _can_be(self, schema: Schema, bank: Bank, limits: Limits) -> bool:
        """Whether values within the limits are easily found."""
        rng = random.Random(schema.id)
        return limits == _OPEN or self._draw_values(schema, bank, rng, limits, _TRIAL_DRAWS) is not None

    def draw(self, schema: Schema, bank: Bank, rng: random.Random, limits: Limits = _OPEN) -> Problem:
        """Draw values and wording. All values of a problem differ from each other and from the answer."""
        program = self.compile(schema.answer)
        extra = {name for name in schema.facts if name not in program.names and rng.random() < 0.5}
        told = [name for name in schema.facts if name in program.names or name in extra]
        drawn = self._draw_values(schema, bank, rng, limits, _DRAWS)
        assert drawn is not None, f"schema {schema.id} has no fitting values"
        values, result = drawn
        plan = draw_plan(schema, bank, values, told, rng)
        facts = _facts(plan, program.names, rng)
        return Problem(schema, program, values, result, plan, rng.choice(list(facts)), facts)

    def _draw_values(
        self, schema: Schema, bank: Bank, rng: random.Random, limits: Limits, draws: int
    ) -> tuple[dict[str, Value], Result] | None:
        program = self.compile(schema.answer)
        for _ in range(draws):
            values = {name: self.draw_value(fact, bank, rng) for name, fact in schema.facts.items()}
            told = [item for value in values.values() for item in str(value).split(", ")]
            if len(set(told)) < len(told):
                continue
            try:
                result = program.run(values)
            except Unfit:
                continue
            if result.answer in {str(value) for value in values.values()}:
                continue
            if result.largest <= schema.limit and limits.allow(values, result):
                return values, result
        return None

    def task(self, problem: Problem, form: Form, rng: random.Random) -> Task:
        """The problem in one form. All forms of a problem have the same `pair`."""
        hidden: tuple[Fact, ...] = ()
        meta: dict[str, str | int] = {"steps": len(problem.result.steps)}
        if form is Form.UNDERSPECIFIED:
            styles = hiding_styles(problem.schema.facts[problem.missing])
            style = rng.choices(styles, [_WEIGHTS[style] for style in styles])[0]
            prompt = render(problem.plan, {problem.missing: style})
            hidden = (problem.facts[problem.missing],)
            meta |= {"missing": problem.missing, "hidden": style}
        elif form is Form.SHARDED:
            prompt = render(problem.plan, only_question=True)
            hidden = tuple(problem.facts.values())
        else:
            prompt = render(problem.plan)
        answer = problem.result.answer
        return Task(
            id=stable_hash(self.name, form.value, prompt, answer, [fact.statement for fact in hidden]),
            family=self.name,
            form=form,
            prompt=prompt,
            private=Private(answer=answer, facts=hidden, solution=problem.result.solution),
            verifier=self.verifier,
            split=problem.schema.split,
            template=problem.schema.id,
            pair=stable_hash(self.name, "pair", render(problem.plan), answer),
            meta=meta,
        )


def _facts(plan: Plan, needed: tuple[str, ...], rng: random.Random) -> dict[str, Fact]:
    two = plan.schema.has_two_people
    asks = {name: questions_for(name, plan, names=two) for name in plan.schema.facts if name in needed}
    facts = {}
    for name, own in asks.items():
        others = tuple(ask for other, known in asks.items() if other != name for ask in known)
        words = choose_keywords(own, others)
        question = rng.choice(questions_for(name, plan))
        facts[name] = Fact(name=name, statement=statement(name, plan), keywords=words, question=question)
    return facts
