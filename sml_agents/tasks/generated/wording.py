"""From a plan to prose: the prompt with some facts hidden, and each fact as a sentence and as a question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sml_agents.tasks.generated.plan import AUTO_SLOT, Hide, Plan, Value
from sml_agents.tasks.generated.schemas import Person
from sml_agents.text.numbers import in_words, ordinal

__all__ = ["questions_for", "render", "statement"]

_OBJECT = re.compile(r"\b(?:for|from|of|with|by|to|than|takes?) $")
"""What makes a person after it an object: him, not he."""


def _number(value: Value, style: str, plan: Plan | None) -> str:
    spells = plan is not None and plan.spell
    if isinstance(value, str):
        return re.sub(r"\d+", lambda found: in_words(int(found.group())), value) if spells else value
    word = in_words(value) if spells else str(value)
    if style == "$":
        return f"${value}" if plan is not None and plan.dollar and not spells else f"{word} dollars"
    if style == "nth":
        return ordinal(value)
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

    if number is None and plan.spell and not private:
        text = text.replace("{n}%", "{n} percent")
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
    coin = int(plan.coins[f"fact {name}"] * 997)
    if hide == "reword":
        return _fill(fact.vague[coin % len(fact.vague)], plan)
    if hide == "drop":
        return _fill(chosen.replace("{n} ", "", 1), plan)
    clause = next(say for say in (chosen, *phrases) if AUTO_SLOT.search(say))
    pool = plan.bank.vague_money if "{n:$}" in clause else plan.bank.vague
    if re.search(r"\{n\} (more|of|fewer|less)\b", clause):
        pool = tuple(word for word in pool if not word.endswith(" of"))
    return _fill(clause, plan, number=pool[coin % len(pool)])


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
    condition = _join(clauses(block[3:]), 0.9)
    if not condition:
        return question
    if block[2] == "if-first":
        return f"If {condition}, {_lower_first(question)}"
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
