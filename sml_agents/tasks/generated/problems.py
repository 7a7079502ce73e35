"""Problems from schemas: seeded, unlimited, and split into train and held-out schemas.

A schema (see `schemas`) keeps its program beside its sentences, so the answer is computed, never written down. The
facts that the program names are needed; the others are distractors, and so is all noise. The underspecified form
keeps one needed fact back (no clause for it, one without a number, a vague word for its number, or none), and tells a
fact that nobody needs in its stead. The full form tells the needed fact and keeps that stand-in back in the same style;
nothing else differs. So numerals, sentences and vague words are as many on both sides of a pair.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from sml_agents.errors import TaskSpecError
from sml_agents.tasks.generated.naming import choose_keywords
from sml_agents.tasks.generated.plan import Exchange, Hide, Plan, Value, draw_plan
from sml_agents.tasks.generated.program import Result, Unfit
from sml_agents.tasks.generated.schemas import Bank, FactTemplate, Schema, load_bank
from sml_agents.tasks.generated.standins import choose_exchange, fitting_asides, kind_of
from sml_agents.tasks.generated.wording import questions_for, render, statement
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.types import Fact, Form, Private, Task, stable_hash

__all__ = ["Family", "Limits", "Problem", "RunsOnFacts"]

_DRAWS, _TRIAL_DRAWS = 4000, 300
_WEIGHTS: Mapping[Hide, int] = {"omit": 4, "reword": 2, "vague": 2, "drop": 2}
_GOLDEN = 0.6180339887498949
"""Its multiples lie evenly between 0 and 1, so that any run of problems has its share of spelled numbers."""


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
    """Of all facts, the stand-in too."""
    result: Result
    plan: Plan
    facts: Mapping[str, Fact]
    """The needed facts in the order in which they are told."""

    @property
    def missing(self) -> str:
        """The needed fact that the underspecified form keeps back."""
        return self.plan.exchange.missing

    def prompt(self, form: Form) -> str:
        """The public statement in this form."""
        if form is Form.SHARDED:
            return render(self.plan, only_question=True)
        return render(self.plan, self.plan.exchange.hidden(complete=form is Form.FULL))

    def numbers(self, form: Form) -> str:
        """How the prompt tells its numbers: in `words` or in `digits`."""
        plain = replace(self, plan=replace(self.plan, spell=False))
        return "digits" if self.prompt(form) == plain.prompt(form) else "words"


@dataclass(frozen=True)
class Family:
    """A generator: its bank of schemas, how its programs are read and how a fact's value is drawn."""

    name: str
    verifier: str
    compile: Callable[[str], RunsOnFacts]
    draw_value: Callable[[FactTemplate, Bank, random.Random], Value]
    spelled: float = 0.375
    """Share of problems whose numbers are written as words; those that have none at all are made up for."""

    def make(self, spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
        """Tasks of a spec, one problem after the other, without end; a problem that came before is passed over."""
        seen: set[str] = set()
        limits = Limits(spec.integer("steps", 1), spec.integer("largest", 1))
        for problem, rng in self.problems(splits=spec.splits, seed=spec.seed, offset=spec.offset, limits=limits):
            tasks = tuple(self.task(problem, form) for form in choose_forms(spec.form, tuple(Form), rng))
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
        numbered = [self._has_numbers(schema) for _, schema in pool]
        share = self.spelled * len(pool) / max(1, sum(numbered))
        index = offset
        while True:
            turn = list(range(len(pool)))
            random.Random(stable_hash(self.name, splits, seed, index // len(pool))).shuffle(turn)
            bank, schema = pool[turn[index % len(pool)]]
            rng = random.Random(stable_hash(self.name, splits, seed, index, "problem"))
            done = index // len(pool) * sum(numbered) + sum(numbered[k] for k in turn[: index % len(pool)])
            spell = (done + seed) * _GOLDEN % 1 < share
            yield self.draw(schema, bank, rng, limits, spell=spell), rng
            index += 1

    def _has_numbers(self, schema: Schema) -> bool:
        facts = [schema.facts[name] for name in self.compile(schema.answer).names]
        return any(fact.n or any(isinstance(value, int) for value in fact.pick) for fact in facts)

    def _can_be(self, schema: Schema, bank: Bank, limits: Limits) -> bool:
        """Whether values within the limits are easily found."""
        rng = random.Random(schema.id)
        return limits == _OPEN or self._draw_values(schema, bank, rng, limits, _TRIAL_DRAWS) is not None

    def draw(
        self, schema: Schema, bank: Bank, rng: random.Random, limits: Limits = _OPEN, *, spell: bool = False
    ) -> Problem:
        """Draw values and wording. All values of a problem differ from each other and from the answer.

        `spell`: numbers are written as words.
        """
        program = self.compile(schema.answer)
        drawn = self._draw_values(schema, bank, rng, limits, _DRAWS)
        assert drawn is not None, f"schema {schema.id} has no fitting values"
        values, result = drawn
        missing, stand_in = choose_exchange(schema, bank, values, program.names, _WEIGHTS, rng)
        kind = kind_of(missing.fact, missing.phrase, values[missing.fact.name])
        taken = {item for value in (*values.values(), result.answer) for item in str(value).split(", ")}

        def another(fact: FactTemplate) -> Value:
            like = fact if fact.name in schema.facts else schema.facts[missing.fact.name]
            return self._another_value(like, bank, taken, limits, rng)

        facts = dict(schema.facts)
        values = dict(values)
        told = [name for name in schema.facts if name in program.names]
        spare = [name for name in schema.facts if name not in program.names and name != stand_in.fact.name]
        if stand_in.fact.name not in facts:
            facts[stand_in.fact.name] = stand_in.fact
            values[stand_in.fact.name] = another(stand_in.fact)
        if rng.random() < 0.5:
            if spare:
                told.append(rng.choice(spare))
            elif more := [fact for fact in fitting_asides(schema, bank, kind) if fact.name not in facts]:
                extra = rng.choice(more)
                facts[extra.name], values[extra.name] = extra, another(extra)
                told.append(extra.name)
        plan = draw_plan(
            replace(schema, facts=facts),
            bank,
            values,
            sorted(told, key=list(facts).index),
            Exchange(missing.fact.name, stand_in.fact.name, missing.style),
            {missing.fact.name: missing.phrase, stand_in.fact.name: stand_in.phrase},
            rng,
            spell=spell,
        )
        return Problem(schema, program, values, result, plan, _facts(plan, program.names, rng))

    def _another_value(
        self, like: FactTemplate, bank: Bank, taken: set[str], limits: Limits, rng: random.Random
    ) -> Value:
        """A value as a fact like this one has it, of which no part is `taken` already where that can be had."""
        if isinstance(next(iter(like.pick), 0), str):  # `smallest` can be said of nothing but an order
            like = FactTemplate("", (), kind="word")
        largest = limits.largest or 10**9
        for _ in range(_TRIAL_DRAWS):
            value = self.draw_value(like, bank, rng)
            if not set(str(value).split(", ")) & taken and (isinstance(value, str) or value <= largest):
                break
        else:  # a narrow range of which everything is told already, or that lies above the limit
            free = [number for number in range(2, min(largest, 40) + 1) if str(number) not in taken]
            value = rng.choice(free[:5]) if isinstance(value, int) and free else value
        taken |= set(str(value).split(", "))
        return value

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

    def task(self, problem: Problem, form: Form) -> Task:
        """The problem in one form. All forms of a problem have the same `pair`."""
        hidden: tuple[Fact, ...] = ()
        prompt = problem.prompt(form)
        exchange = problem.plan.exchange
        meta: dict[str, str | int] = {"steps": len(problem.result.steps), "numbers": problem.numbers(form)}
        if form is Form.UNDERSPECIFIED:
            hidden = (problem.facts[problem.missing],)
            meta |= {"missing": problem.missing, "hidden": exchange.style}
        elif form is Form.SHARDED:
            hidden = tuple(problem.facts.values())
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
            pair=stable_hash(self.name, "pair", problem.prompt(Form.FULL), answer),
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
