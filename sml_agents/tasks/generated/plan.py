"""Every choice of wording for one problem, made once: phrasings, order, joins, noise.

The full and the underspecified form of a problem are rendered from one plan (`wording`), so they differ by the hidden
fact and by nothing else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sml_agents.tasks.generated.schemas import Bank, FactTemplate, Person, Schema

__all__ = ["AUTO_SLOT", "Hide", "Plan", "Value", "draw_plan", "droppable", "hiding_styles"]

Value = int | str
Hide = Literal["omit", "vague", "drop"]
"""How a fact is kept back: no clause for it, a vague word in the number's place, or the number left out."""

AUTO_SLOT = re.compile(r"\{n\}(?= [a-z{])|\{n:\$\}")
"""Where a vague word may take the number's place."""


@dataclass(frozen=True)
class Plan:
    schema: Schema
    bank: Bank
    values: Mapping[str, Value]
    vary: Mapping[str, str]
    person: Person
    other: Person
    blocks: tuple[tuple[str, ...], ...]
    """Sentences in order: ("scene", i), ("given", i), ("noise", i), ("facts", name, ...), ("list", lead, name, ...),
    ("question", i, mode, name, ...) with mode in plain, if-first, if-last."""
    phrases: Mapping[str, int]
    """Index of the phrasing of each fact."""
    coins: Mapping[str, float]
    """A number in [0, 1) for each lesser choice, by name."""
    quiet: frozenset[str]
    """Distractors that are told in vague words."""
    spell: bool
    """Small numbers are written as words."""
    dollar: bool
    """Money is written as $5, else as 5 dollars."""


def draw_plan(schema: Schema, bank: Bank, values: Mapping[str, Value], told: Sequence[str], rng: random.Random) -> Plan:
    """Choose the wording of one problem in which the facts `told` occur (needed ones and distractors)."""
    person, other = rng.sample(bank.people, 2)
    order = list(told)
    if schema.free:
        rng.shuffle(order)
    blocks: list[tuple[str, ...]] = []
    if schema.scene and rng.random() < 0.8:
        blocks.append(("scene", str(rng.randrange(len(schema.scene)))))
    if schema.given:
        blocks.append(("given", str(rng.randrange(len(schema.given)))))
    facts = _fact_blocks(schema, order, rng)
    mode = "plain"
    conditional: tuple[str, ...] = ()
    if len(facts) > 1 and _can_be_condition(schema, facts[-1]) and rng.random() < 0.25:
        mode, conditional = rng.choice(["if-first", "if-last", "if-last"]), facts.pop()[1:]
    if schema.noise and rng.random() < 0.45:
        facts.insert(rng.randint(0, len(facts)), ("noise", str(rng.randrange(len(schema.noise)))))
    question = ("question", str(rng.randrange(len(schema.question))), mode, *conditional)
    ahead = mode == "plain" and not schema.given and rng.random() < 0.12
    blocks += [question, *facts] if ahead else [*facts, question]
    distractors = [name for name in told if _can_be_quiet(schema.facts[name])]
    return Plan(
        schema=schema,
        bank=bank,
        values=values,
        vary={key: rng.choice(words) for key, words in schema.vary.items()},
        person=person,
        other=other,
        blocks=tuple(blocks),
        phrases={name: rng.randrange(len(schema.facts[name].say)) for name in schema.facts},
        coins={key: rng.random() for key in (*(f"fact {name}" for name in schema.facts), *map(str, range(12)))},
        quiet=frozenset(name for name in distractors if rng.random() < 0.4 and not schema.facts[name].ask),
        spell=rng.random() < 0.18,
        dollar=rng.random() < 0.5,
    )


def _can_be_condition(schema: Schema, block: tuple[str, ...]) -> bool:
    """Only needed facts (those with a question) stand in an if-clause."""
    return schema.joins and block[0] == "facts" and all(schema.facts[name].ask for name in block[1:])


def _can_be_quiet(fact: FactTemplate) -> bool:
    return "vague" in hiding_styles(fact)


def _fact_blocks(schema: Schema, order: list[str], rng: random.Random) -> list[tuple[str, ...]]:
    """Group the facts into sentences: one fact, two joined by `and`, or the schema's compound sentence."""
    blocks: list[tuple[str, ...]] = []
    listed = [name for name in order if schema.facts[name].tail]
    if schema.lead and len(listed) > 1 and rng.random() < 0.6:
        blocks.append(("list", str(rng.randrange(len(schema.lead))), *listed))
        first = order.index(listed[0])
        rest = [name for name in order if name not in listed]
        before = [name for name in rest if order.index(name) < first]
        rest = [name for name in rest if name not in before]
        return [*(("facts", name) for name in before), *blocks, *(("facts", name) for name in rest)]
    k = 0
    while k < len(order):
        size = 2 if schema.joins and k + 1 < len(order) and rng.random() < 0.35 else 1
        blocks.append(("facts", *order[k : k + size]))
        k += size
    return blocks


def hiding_styles(fact: FactTemplate) -> tuple[Hide, ...]:
    """The ways in which this fact can be kept back so that a careful reader still notices."""
    styles: list[Hide] = [] if fact.keep else ["omit"]
    automatic = fact.auto and any(AUTO_SLOT.search(say) for say in fact.say)
    if automatic or fact.vague:
        styles.append("vague")
    if fact.auto and any(droppable(say) for say in fact.say):
        styles.append("drop")
    return tuple(styles)


def droppable(clause: str) -> bool:
    """Does the clause still read when its number is left out?"""
    return re.search(r"(?<!^)(?<!\bis )(?<!\bby )\{n\} (?!of\b|dollars\b|\S+ more\b)[a-z{]", clause) is not None
