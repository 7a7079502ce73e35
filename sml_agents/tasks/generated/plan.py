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

__all__ = ["AUTO_SLOT", "Exchange", "Hide", "Plan", "Value", "draw_plan", "droppable", "hiding_styles", "phrase_styles"]

Value = int | str
Hide = Literal["omit", "reword", "vague", "drop"]
"""How a fact is kept back: no clause for it, a clause that names no number, a vague word in the number's place, or the
number left out."""

AUTO_SLOT = re.compile(r"\{n\}(?= [a-z{])|\{n:\$\}")
"""Where a vague word may take the number's place."""


@dataclass(frozen=True)
class Exchange:
    """What tells the two forms of a problem apart: one fact is kept back, and a stand-in that nobody needs told.

    The complete form tells the missing fact and keeps the stand-in back; the underspecified form, the other way round.
    Both are kept back in the same style, so that no count of numerals, sentences or vague words gives the form away.
    """

    missing: str
    stand_in: str
    style: Hide

    def hidden(self, *, complete: bool) -> dict[str, Hide]:
        """What one of the two forms keeps back."""
        return {self.stand_in if complete else self.missing: self.style}


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
    exchange: Exchange


def draw_plan(
    schema: Schema,
    bank: Bank,
    values: Mapping[str, Value],
    told: Sequence[str],
    exchange: Exchange,
    phrases: Mapping[str, int],
    rng: random.Random,
    *,
    spell: bool,
) -> Plan:
    """Choose the wording of one problem in which the facts `told` occur (needed ones and distractors).

    `phrases` are phrasings that are settled, those of the facts of the exchange.
    """
    person, other = rng.sample(bank.people, 2)
    order = list(told)
    if schema.free:
        rng.shuffle(order)
    blocks: list[tuple[str, ...]] = []
    if schema.scene and rng.random() < 0.8:
        blocks.append(("scene", str(rng.randrange(len(schema.scene)))))
    if schema.given:
        blocks.append(("given", str(rng.randrange(len(schema.given)))))
    facts = _with_stand_in(_fact_blocks(schema, order, exchange.missing, rng), exchange, rng)
    mode = "plain"
    conditional: tuple[str, ...] = ()
    if len(facts) > 1 and _can_be_condition(schema, facts[-1], exchange.missing) and rng.random() < 0.25:
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
        phrases={name: rng.randrange(len(schema.facts[name].say)) for name in schema.facts} | dict(phrases),
        coins={key: rng.random() for key in (*(f"fact {name}" for name in schema.facts), *map(str, range(12)))},
        quiet=frozenset(name for name in distractors if rng.random() < 0.4 and not schema.facts[name].ask),
        spell=spell,
        dollar=rng.random() < 0.5,
        exchange=exchange,
    )


def _with_stand_in(facts: list[tuple[str, ...]], exchange: Exchange, rng: random.Random) -> list[tuple[str, ...]]:
    """The fact blocks with the stand-in: in the place of a fact that is omitted, else in a sentence of its own.

    Beside a stand-in in a sentence of its own the missing fact has one, too: told without its number, either of them is
    then a sentence without a number.
    """
    if exchange.style == "omit":
        return [(*block, exchange.stand_in) if exchange.missing in block else block for block in facts]
    parts: list[tuple[str, ...]] = []
    for block in facts:
        parts += [("facts", name) for name in block[1:]] if exchange.missing in block else [block]
    place = rng.randint(0, len(parts))
    return [*parts[:place], ("facts", exchange.stand_in), *parts[place:]]


def _can_be_condition(schema: Schema, block: tuple[str, ...], missing: str) -> bool:
    """Only needed facts (those with a question) stand in an if-clause, and never the one that is kept back."""
    return (
        schema.joins
        and block[0] == "facts"
        and missing not in block
        and all(schema.facts[name].ask for name in block[1:])
    )


def _can_be_quiet(fact: FactTemplate) -> bool:
    return "vague" in hiding_styles(fact) and not fact.tail


def _fact_blocks(schema: Schema, order: list[str], missing: str, rng: random.Random) -> list[tuple[str, ...]]:
    """Group the facts into sentences: one fact, two joined by `and`, or the schema's compound sentence.

    What is kept back is never part of a compound: the clause that takes its place could not stand there.
    """
    blocks: list[tuple[str, ...]] = []
    listed = [name for name in order if schema.facts[name].tail and name != missing]
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
    found = dict.fromkeys(style for phrase in range(len(fact.say)) for style in phrase_styles(fact, phrase))
    return tuple(found)


def phrase_styles(fact: FactTemplate, phrase: int) -> tuple[Hide, ...]:
    """The same for one of its phrasings."""
    say = fact.say[phrase]
    styles: list[Hide] = [] if fact.keep else ["omit"]
    if fact.vague:
        styles.append("reword")
    if fact.auto and AUTO_SLOT.search(say):
        styles.append("vague")
    if fact.auto and droppable(say):
        styles.append("drop")
    return tuple(styles)


def droppable(clause: str) -> bool:
    """Does the clause still read when its number is left out?"""
    return re.search(r"(?<!^)(?<!\bis )(?<!\bby )\{n\} (?!of\b|dollars\b|\S+ more\b)[a-z{]", clause) is not None
