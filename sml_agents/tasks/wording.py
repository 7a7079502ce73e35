"""From a schema and drawn values to prose.

`draw_plan` makes every choice of wording once (phrasings, order, joins, pronouns, noise); `render` then writes the
prompt from it, with some facts hidden. The full and the underspecified form of a problem come from one plan, so they
differ by the hidden fact and by nothing else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sml_agents.tasks.schemas import Bank, FactTemplate, Person, Schema

__all__ = ["Hide", "Plan", "Value", "draw_plan", "hiding_styles", "questions_for", "render", "statement"]

Value = int | str
Hide = Literal["omit", "vague", "drop"]
"""How a fact is kept back: no clause for it, a vague word in the number's place, or the number left out."""

_NUMBER_WORDS = [
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
]
_ORDINALS = ["zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
_AUTO_SLOT = re.compile(r"\{n\}(?= [a-z{])|\{n:\$\}")
_SHORT_VAGUE = ("some", "a few", "several", "many", "quite a few")
"""Vague words that may stand before `more` and `of`."""
_OBJECT = re.compile(r"\b(?:for|from|of|with|by|to|than|takes?) $")
"""What makes a person after it an object: him, not he."""


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
    automatic = fact.auto and any(_AUTO_SLOT.search(say) for say in fact.say)
    if automatic or fact.vague:
        styles.append("vague")
    if fact.auto and any(_droppable(say) for say in fact.say):
        styles.append("drop")
    return tuple(styles)


def _droppable(clause: str) -> bool:
    """Does the clause still read when its number is left out?"""
    return re.search(r"(?<!^)(?<!\bis )(?<!\bby )\{n\} (?!of\b|dollars\b|\S+ more\b)[a-z{]", clause) is not None


def _number(value: Value, style: str, plan: Plan | None) -> str:
    if isinstance(value, str):
        return value
    word = _NUMBER_WORDS[value] if plan is not None and plan.spell and value < len(_NUMBER_WORDS) else str(value)
    if style == "$":
        return f"${value}" if plan is not None and plan.dollar else f"{value} dollars"
    if style == "nth":
        return _ORDINALS[value]
    if style == "times":
        return "twice" if value == 2 else f"{word} times"
    return word


def _fill(
    text: str, plan: Plan, number: str | None = None, value: Value | None = None, *, private: bool = False
) -> str:
    """Fill every slot but the persons': {n} by `number` as it is, or by `value` in the style of the problem."""

    def slot(match: re.Match[str]) -> str:
        key, _, style = match.group(1).partition(":")
        if key == "n":
            if number is not None:
                return number
            assert value is not None, text
            return _number(value, style, None if private else plan)
        if key in ("P", "P's", "Q", "Q's"):
            return match.group(0)
        if key in plan.vary:
            return plan.vary[key].partition("/")[0]
        singular, _, plural = plan.vary[key.removesuffix("s")].partition("/")
        return plural or singular + "s"

    return re.sub(r"\{([^{}]+)\}", slot, text)


def _clause(name: str, plan: Plan, hide: Hide | None, *, tail: bool = False) -> str:
    """One fact as a clause without capital and full stop; empty when omitted. A `tail` is part of a compound."""
    fact = plan.schema.facts[name]
    if hide == "omit":
        return ""
    phrases = (fact.tail,) if tail else fact.say
    chosen = phrases[plan.phrases[name] % len(phrases)]
    if hide is None:
        return _fill(chosen, plan, value=plan.values[name])
    coin = plan.coins[f"fact {name}"]
    if hide == "drop":
        can_drop = [say for say in (chosen, *phrases) if tail or _droppable(say)]
        clause = can_drop[0]
        return _fill(clause.replace("{n} ", "", 1), plan)
    can = fact.auto and [say for say in (chosen, *phrases) if _AUTO_SLOT.search(say)]
    if not tail and fact.vague and (coin < 0.6 or not can):
        return _fill(fact.vague[int(coin * 997) % len(fact.vague)], plan)
    assert can
    clause = can[0]
    pool = plan.bank.vague_money if "{n:$}" in clause else plan.bank.vague
    if re.search(r"\{n\} (more|of|fewer|less)\b", clause):
        pool = tuple(word for word in pool if word in _SHORT_VAGUE)
    return _fill(clause, plan, number=pool[int(coin * 997) % len(pool)])


def _join(parts: list[str], coin: float) -> str:
    """Clauses into one sentence; a repeated subject may be left out of the second."""
    parts = [part for part in parts if part]
    if len(parts) < 2:
        return "".join(parts)
    first, second = parts
    if first.startswith("{P} ") and second.startswith("{P} ") and coin < 0.5 and " and " not in first:
        return f"{first} and {second.removeprefix('{P} ')}"
    return f"{first}, and {second}" if coin < 0.8 or " and " in first + second else f"{first} and {second}"


def _series(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _sentence(block: tuple[str, ...], plan: Plan, hidden: Mapping[str, Hide], coin: float) -> str:
    """One block as a sentence with its full stop, persons still as slots; empty when all of it is hidden."""
    schema, kind = plan.schema, block[0]

    def clauses(names: Sequence[str], tail: bool = False) -> list[str]:
        made = [_clause(name, plan, hidden.get(name), tail=tail) for name in names]
        return [clause for clause in made if clause]

    if kind in ("scene", "given", "noise"):
        pool: tuple[str, ...] = getattr(schema, kind)
        return _fill(pool[int(block[1])], plan)
    if kind == "facts":
        text = _join(clauses(block[1:]), coin)
        return f"{text}." if text else ""
    if kind == "list":
        parts = clauses(block[2:], tail=True)
        return f"{_fill(schema.lead[int(block[1])], plan)} {_series(parts)}." if parts else ""
    question = _fill(schema.question[int(block[1])], plan)
    aside = [name for name in block[3:] if hidden.get(name) == "vague" and schema.facts[name].vague]
    condition = _join(clauses([name for name in block[3:] if name not in aside]), 0.9)
    if aside:
        # 'If the boys arrive by bus, how many ...' would be odd: what names no number gets a sentence of its own.
        question = f"{_join(clauses(aside), coin)}. {_upper_first(question)}"
    if not condition:
        return question
    if block[2] == "if-first":
        before, _, last = question.rpartition(". ")
        return f"{before}{'. ' if before else ''}If {condition}, {_lower_first(last)}"
    return f"{question[:-1]}{', if ' if coin < 0.7 else ', given that '}{condition}{question[-1]}"


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _people(sentences: list[tuple[str, float]], plan: Plan) -> list[str]:
    """Put names and pronouns in: the name first, later pronouns where only one person is in the problem."""
    texts = [text for text, _ in sentences]
    alone = not any("{Q" in text for text in texts)
    named = False
    done: list[str] = []
    for text, coin in sentences:
        here = False

        def person(match: re.Match[str], text: str = text, coin: float = coin) -> str:
            nonlocal named, here
            form = match.group(1)
            if form[0] == "Q":
                return plan.other.name + ("'s" if "'" in form else "")
            pronoun = named and (here or coin < 0.8) if alone else here and form == "P's" and "{Q" not in text
            named = here = True
            if form == "P" and _OBJECT.search(text, 0, match.start()):
                form = "P:o"
            return _person_word(plan.person, form, pronoun)

        done.append(_upper_first(re.sub(r"\{([PQ](?:'s|:o)?)\}", person, text)))
    return done


def _person_word(person: Person, form: str, pronoun: bool) -> str:
    if not pronoun:
        return person.name + ("'s" if form == "P's" else "")
    if form == "P":
        return "she" if person.she else "he"
    if form == "P's":
        return "her" if person.she else "his"
    return "her" if person.she else "him"


def render(plan: Plan, hidden: Mapping[str, Hide] | None = None, *, only_question: bool = False) -> str:
    """The prompt, with the `hidden` facts kept back; `only_question` leaves out every fact (sharded form)."""
    quiet: dict[str, Hide] = dict.fromkeys(plan.quiet, "vague")
    hidden = {**quiet, **(hidden or {})}
    blocks = plan.blocks
    if only_question:
        hidden = dict.fromkeys(plan.schema.facts, "omit")
        scene = (("scene", "0"),) if plan.schema.scene else ()
        blocks = (*scene, *(block for block in blocks if block[0] in ("given", "question")))
    sentences = []
    for k, block in enumerate(blocks):
        coin = plan.coins[str(k % 12)]
        if text := _sentence(block, plan, hidden, coin):
            sentences.append((text, coin))
    return re.sub(r"  +", " ", " ".join(_people(sentences, plan)))


def _named(text: str, plan: Plan) -> str:
    """Text that stands alone: names, never pronouns."""
    text = text.replace("{P's}", plan.person.name + "'s").replace("{P:o}", plan.person.name)
    text = text.replace("{Q's}", plan.other.name + "'s").replace("{Q}", plan.other.name)
    return text.replace("{P}", plan.person.name)


def statement(name: str, plan: Plan) -> str:
    """The fact as a sentence that stands alone, in its first phrasing, with the number in digits."""
    fact = plan.schema.facts[name]
    clause = _fill(fact.say[0], plan, value=plan.values[name], private=True)
    return _upper_first(_named(clause, plan)) + "."


def questions_for(name: str, plan: Plan, *, names: bool = True) -> tuple[str, ...]:
    """Every phrasing of the question for the fact; with `names=False` persons stay slots."""
    asks = [_fill(ask, plan) for ask in plan.schema.facts[name].ask]
    return tuple(_upper_first(_named(ask, plan)) if names else ask for ask in asks)
