"""Which fact of a problem is kept back, in which words, and what stands in for it.

A stand-in is a distractor of the schema, or an aside of the bank that shares no word of meaning with the problem. It is
chosen so that keeping it back changes a text about as much as keeping the needed fact back: the same kind of number,
and about as many words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sml_agents.tasks.generated.plan import Hide, Value, phrase_styles
from sml_agents.tasks.generated.schemas import Bank, FactTemplate, Schema
from sml_agents.text.words import content_words, stem

__all__ = ["Told", "choose_exchange", "fitting_asides", "kind_of"]

_SLOT = re.compile(r"\{n(?::(\$|times|nth))?\}(%| percent)?")
_KINDS = {"$": "money", "times": "times", "nth": "nth"}
_MEASURES = ("cost", "pay", "dollar", "people", "number", "year", "time", "day", "today")
"""Words in which anything is told: sharing one of them makes no aside speak of a problem's own matters."""
_OFFERED = 6
"""Stand-ins of which the one nearest in length is taken: with fewer, lengths tell; with more, the choice is poor."""


@dataclass(frozen=True)
class Told:
    """A fact in one of its phrasings, and the style in which it may be kept back."""

    fact: FactTemplate
    phrase: int
    style: Hide

    @property
    def letters(self) -> float:
        """By how many letters the text is shorter when the fact is kept back."""
        said = len(self.fact.say[self.phrase])
        if self.style == "omit":
            return said
        if self.style == "reword":
            return said - sum(map(len, self.fact.vague)) / len(self.fact.vague)
        return 0


def choose_exchange(
    schema: Schema,
    bank: Bank,
    values: Mapping[str, Value],
    needed: Sequence[str],
    weights: Mapping[Hide, int],
    rng: random.Random,
) -> tuple[Told, Told]:
    """The needed fact that is kept back, and its stand-in."""
    fact = schema.facts[rng.choice([name for name in schema.facts if name in needed])]
    phrase = rng.randrange(len(fact.say))
    kind = kind_of(fact, phrase, values[fact.name])
    own = [told for name in schema.facts if name not in needed for told in _tellings(schema.facts[name], kind)]
    asides = [told for aside in fitting_asides(schema, bank, kind) for told in _tellings(aside, kind)]
    possible = {told.style for told in (*own, *asides)}
    styles = [style for style in phrase_styles(fact, phrase) if style in possible]
    assert styles, f"nothing can stand in for {fact.name} in {schema.id}"
    missing = Told(fact, phrase, rng.choices(styles, [weights[style] for style in styles])[0])
    own, asides = ([told for told in pool if told.style == missing.style] for pool in (own, asides))
    pool = own if own and (not asides or rng.random() < 0.5) else asides
    few = rng.sample(pool, min(_OFFERED, len(pool)))
    return missing, min(few, key=lambda told: abs(told.letters - missing.letters))


def fitting_asides(schema: Schema, bank: Bank, kind: str) -> list[FactTemplate]:
    """Asides of this kind that say nothing of what the schema speaks of, and share no name with a fact of it."""
    spoken = _stems(
        *(*schema.scene, *schema.given, *schema.question, *schema.lead),
        *(word for words in schema.vary.values() for word in words),
        *(text for fact in schema.facts.values() for text in (*fact.say, *fact.vague, *fact.ask)),
    )
    return [
        aside
        for aside in bank.asides
        if aside.kind == kind and aside.name not in schema.facts and not spoken & _stems(*aside.say, *aside.vague)
    ]


def kind_of(fact: FactTemplate, phrase: int, value: Value) -> str:
    """What sort of number stands in this phrasing, in the words of the bank of asides."""
    if isinstance(value, str):
        return "text"
    found = _SLOT.search(fact.say[phrase])
    assert found is not None, fact
    return "percent" if found.group(2) else _KINDS.get(found.group(1) or "", "number")


def _tellings(fact: FactTemplate, kind: str) -> list[Told]:
    """Every way of telling and keeping back this fact in which its number is of this kind."""
    value: Value = "" if kind == "text" else 0
    return [
        Told(fact, phrase, style)
        for phrase in range(len(fact.say))
        if kind_of(fact, phrase, value) == kind and (fact.kind == "text") == (kind == "text")
        for style in phrase_styles(fact, phrase)
    ]


def _stems(*texts: str) -> set[str]:
    plain = re.sub(r"\{[^{}]*\}|/", " ", " ".join(texts))
    return {stem(word) for word in content_words(plain)} - {stem(word) for word in _MEASURES}
