"""Arithmetic word problems from schemas: seeded, unlimited, and split into train and held-out schemas.

A schema (see `schemas`) keeps its program beside its sentences, so the answer is computed, never written down. The
facts that the program names are needed; the others are distractors, and so is all noise. The underspecified form
hides one needed fact in one of three ways (no clause, a vague word, no number); the full form of the same problem
differs from it by nothing else.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sml_agents.tasks.naming import choose_keywords
from sml_agents.tasks.program import Program, Result, Unfit, compile_program
from sml_agents.tasks.schemas import Bank, FactTemplate, Schema, load_bank
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.wording import Plan, draw_plan, hiding_styles, questions_for, render, statement
from sml_agents.types import Fact, Form, Private, Task, stable_hash

__all__ = ["FAMILY", "Problem", "draw_problem", "make", "problems", "program_of", "task_of"]

FAMILY = "arithmetic"
_DRAWS = 4000


@dataclass(frozen=True)
class Problem:
    """One problem before it is given a form."""

    schema: Schema
    program: Program
    values: Mapping[str, int]
    result: Result
    plan: Plan
    missing: str
    """The needed fact that the underspecified form hides."""
    facts: Mapping[str, Fact]
    """The needed facts in the order in which they are told."""


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    """Tasks of a spec, one problem after the other, without end."""
    seen: set[str] = set()
    for problem, rng in problems(splits=spec.splits, seed=spec.seed, offset=spec.offset):
        tasks = tuple(task_of(problem, form, rng) for form in choose_forms(spec.form, tuple(Form), rng))
        if tasks[0].id not in seen:
            seen.add(tasks[0].id)
            report.read += 1
            yield tasks


def program_of(schema: Schema) -> Program:
    return compile_program(schema.answer)


def problems(*, splits: tuple[str, ...], seed: int, offset: int = 0) -> Iterator[tuple[Problem, random.Random]]:
    """Problems from number `offset` on, without end, each with a generator of its own for further choices.

    Problem `i` depends on `seed`, `splits` and `i` only. Every round over the schemas takes each of them once.
    """
    banks = [load_bank(FAMILY, split) for split in splits]
    pool = [(bank, schema) for bank in banks for schema in bank.schemas]
    index = offset
    while True:
        turn = list(range(len(pool)))
        random.Random(stable_hash(FAMILY, splits, seed, index // len(pool))).shuffle(turn)
        bank, schema = pool[turn[index % len(pool)]]
        rng = random.Random(stable_hash(FAMILY, splits, seed, index, "problem"))
        yield draw_problem(schema, bank, rng), rng
        index += 1


def draw_problem(schema: Schema, bank: Bank, rng: random.Random) -> Problem:
    """Draw numbers and wording. All numbers of a problem differ from each other and from the answer."""
    program = program_of(schema)
    distractors = [name for name in schema.facts if name not in program.names]
    told_extra = {name for name in distractors if rng.random() < 0.5}
    told = [name for name in schema.facts if name in program.names or name in told_extra]
    values, result = _draw_values(schema, program, rng)
    plan = draw_plan(schema, bank, values, told, rng)
    facts = _facts(plan, program.names, rng)
    return Problem(schema, program, values, result, plan, rng.choice(list(facts)), facts)


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


def _draw_values(schema: Schema, program: Program, rng: random.Random) -> tuple[dict[str, int], Result]:
    for _ in range(_DRAWS):
        values = {name: _draw(fact, rng) for name, fact in schema.facts.items()}
        if len(set(values.values())) < len(values):
            continue
        try:
            result = program.run(values)
        except Unfit:
            continue
        reached = [int(step.rpartition("= ")[2]) for step in result.steps]
        if max(reached) <= schema.limit and result.answer not in values.values():
            return values, result
    raise AssertionError(f"schema {schema.id} has no fitting numbers")


def _draw(fact: FactTemplate, rng: random.Random) -> int:
    if fact.pick:
        return int(rng.choice(fact.pick))
    low, high, *step = fact.n
    return rng.randrange(low, high + 1, *step)


def task_of(problem: Problem, form: Form, rng: random.Random) -> Task:
    """The problem in one form. Both forms of a problem have the same `pair`."""
    hidden: tuple[Fact, ...] = ()
    style = ""
    if form is Form.UNDERSPECIFIED:
        style = rng.choice(_weighted(hiding_styles(problem.schema.facts[problem.missing])))
        prompt = render(problem.plan, {problem.missing: style})  # type: ignore[dict-item]
        hidden = (problem.facts[problem.missing],)
    elif form is Form.SHARDED:
        prompt = render(problem.plan, only_question=True)
        hidden = tuple(problem.facts.values())
    else:
        prompt = render(problem.plan)
    answer = str(problem.result.answer)
    return Task(
        id=stable_hash(FAMILY, form.value, prompt, answer),
        family=FAMILY,
        form=form,
        prompt=prompt,
        private=Private(answer=answer, facts=hidden, solution=problem.result.solution),
        verifier="math",
        split=problem.schema.split,
        template=problem.schema.id,
        pair=stable_hash(FAMILY, "pair", render(problem.plan), answer),
        meta={"steps": len(problem.result.steps), **({"missing": problem.missing, "hidden": style} if style else {})},
    )


def _weighted(styles: tuple[str, ...]) -> list[str]:
    weight = {"omit": 4, "vague": 3, "drop": 2}
    return [style for style in styles for _ in range(weight[style])]
