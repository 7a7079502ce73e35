"""Stand-ins in problems of a data set: what is told in place of a fact that is kept back.

A text with a fact taken out is shorter by a number, often by a sentence. So something that no problem needs is told in
its stead: an aside without persons, which shares no word of meaning with the problem, with a number of the same size
and form, and about as long as what was taken out. Where the number alone is kept back, the complete form keeps back
that of the aside, in the same way.
"""

from __future__ import annotations

import random
import re
from typing import Literal, NamedTuple

from sml_agents.tasks.generated.schemas import FactTemplate, load_asides
from sml_agents.tasks.static.givens import number_value, numbers_in
from sml_agents.text.numbers import in_words
from sml_agents.text.words import content_words, stem

__all__ = ["StandIn", "draw_stand_in", "spell_numbers"]

_OFFERED = 4
_PLAIN = re.compile(r"(?<![\w.,$:/#-])\d{1,3}(?![\w%:/-]|[.,]\d)")
_SLOT = re.compile(r"\{n(?::[^}]*)?\}(%?)")
_MEASURES = {stem(word) for word in ("cost", "pay", "dollar", "people", "number", "year", "time", "day")}


class StandIn(NamedTuple):
    """Clauses without capital and full stop."""

    told: str
    kept_back: str
    """The same without its number: vague, or left out."""


def draw_stand_in(
    removed: str, token: str, style: str, rest: str, split: Literal["train", "heldout"], rng: random.Random
) -> StandIn | None:
    """A stand-in for `removed`, of which `token` is the number; None where no aside fits.

    `style` as in `underspecify.STYLES`. `rest` is the problem, of which it may not speak.
    """
    spoken = {stem(word) for word in content_words(f"{rest} {removed}")} - _MEASURES
    kind = "money" if token.startswith("$") else "percent" if token.endswith("%") else "number"
    taken = {value for *_, value in numbers_in(f"{rest} {removed}")}
    number = _another(token, taken, rng)
    ways: list[StandIn] = []
    for aside in load_asides(split):
        if aside.kind == kind and not spoken & _stems(aside):
            ways += [way for say in aside.say if "{P" not in say and (way := _way(say, aside, number, style, kind))]
    if not ways:
        return None
    few = rng.sample(ways, min(_OFFERED, len(ways)))
    return min(few, key=lambda way: abs(len(way.told) - len(removed)))


def spell_numbers(text: str) -> str:
    """The text with its whole numbers below 1,000 in words; money, percentages, times and names keep their digits."""
    words = _PLAIN.sub(lambda found: in_words(int(found.group())), text)
    return re.sub(r"(?:^|(?<=[.!?] ))[a-z]", lambda found: found.group().upper(), words)


def _way(say: str, aside: FactTemplate, number: str, style: str, kind: str) -> StandIn | None:
    told = _SLOT.sub(number, say)
    if style in ("sentence", "clause"):
        return StandIn(told, "")
    if kind == "money":
        return StandIn(told, _SLOT.sub("a certain amount", say))
    if not aside.auto or re.match(r".*\{n\} [a-z]", say) is None:
        return None
    if style == "vague":
        return StandIn(told, _SLOT.sub("some", say))
    return None if say.startswith("{n}") else StandIn(told, say.replace("{n} ", "", 1))


def _another(token: str, taken: set[str], rng: random.Random) -> str:
    """A number of the same size and form as `token`."""
    value = number_value(token)
    whole, point, part = value.partition(".")
    size = max(2, int(whole or 0))
    for _ in range(40):
        drawn = str(rng.randint(max(2, size // 2), size * 2 + 3)) + point + part
        if drawn not in taken:
            break
    if token[:1].isalpha():
        return in_words(int(drawn.partition(".")[0]))
    grouped = f"{int(drawn.partition('.')[0]):,}" + point + part if "," in token else drawn
    return f"{'$' * token.startswith('$')}{grouped}{'%' * token.endswith('%')}"


def _stems(aside: FactTemplate) -> set[str]:
    plain = re.sub(r"\{[^{}]*\}", " ", " ".join((*aside.say, *aside.vague)))
    return {stem(word) for word in content_words(plain)} - _MEASURES
