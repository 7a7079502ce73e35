"""Is an answer equal to the reference? The fast path: exact fractions, no process, no algebra.

Policies, all of them here:

several answers   `12 or 13`, lists, sets, intervals and bounds never equal one number
equations         all sides must agree (`6 * 7 = 42`); a name on the left (`x = 42`) is only a label
rounding          a decimal with at least three places equals a value that rounds to it; with fewer it must be exact
percent           `50%` equals 0.5 and also 50, because data sets write percentages both ways
units             a unit counts only where both sides have one: then they must share a word (`mile`, `miles`)
fractions         1/2, 0.5, 3 1/2, \\frac{7}{2} and three and a half are what they are worth
words             compared without case, spaces and punctuation
"""

from __future__ import annotations

import re
from fractions import Fraction

from sml_agents.text.answers import Kind, Reading, plain, read
from sml_agents.text.questions import stem

__all__ = ["answers_equal", "same_unit", "same_value"]

_MIN_PLACES = 3
_MATHS = re.compile(r"[\d\\^_{}+*/=<>|&%$#~()\[\]]|(?<![^\W\d_]{2})-|-(?![^\W\d_]{2})")
_ONE_WORD = re.compile(r"[(\[]([^\W\d_]+)[)\]]\.?")
_NOT_A_LETTER = re.compile(r"[\W_]+")
_ABBREVIATED = {
    "kilometer": "km kilometre",
    "meter": "m metre",
    "centimeter": "cm centimetre",
    "kilogram": "kg kilo",
    "gram": "g",
    "hour": "h hr",
    "minute": "min",
    "second": "s sec",
    "pound": "lb",
    "foot": "ft",
    "dollar": "usd",
}
_UNIT_OF = {stem(short): stem(unit) for unit, shorts in _ABBREVIATED.items() for short in shorts.split()}


def answers_equal(reference: str, answer: str) -> bool | None:
    """True or False where the rules of this module decide, None where only algebra can (`x^2 + 1`, sets)."""
    if _letters(reference) == _letters(answer) and _letters(reference):
        return True
    gold, given = read(reference), read(answer)
    if gold.kind is Kind.VALUE:
        if given.kind is Kind.VALUE:
            return same_value(gold, given) and same_unit(gold, given)
        return None if given.kind is Kind.FORMULA else False
    if gold.kind is Kind.WORDS:
        return None if given.kind is Kind.FORMULA else False
    if gold.kind in (Kind.FORMULA, Kind.SEVERAL, Kind.BOUND):
        return False if given.kind in (Kind.EMPTY, Kind.TOO_LONG, Kind.CONTRADICTION, Kind.WORDS) else None
    return None


def same_value(gold: Reading, given: Reading) -> bool:
    """Whether two quantities have the same value, units aside."""
    if gold.value is None or given.value is None:
        return False
    scales = (1, 100, Fraction(1, 100)) if gold.percent != given.percent else (1,)
    return any(_equal(gold.value * scale, given.value, gold.decimals, given.decimals) for scale in scales)


def same_unit(gold: Reading, given: Reading) -> bool:
    """Whether the units of two quantities can be the same; a missing one fits any."""
    if not gold.unit or not given.unit:
        return True
    return bool(_units(gold.unit) & _units(given.unit))


def _equal(gold: Fraction, given: Fraction, gold_places: int | None, given_places: int | None) -> bool:
    if gold == given:
        return True
    for value, rounded, places in ((gold, given, given_places), (given, gold, gold_places)):
        if places is not None and places >= _MIN_PLACES and abs(value - rounded) * 10**places * 2 <= 1:
            return True
    return False


def _units(words: str) -> set[str]:
    return {_UNIT_OF.get(form, form) for form in map(stem, words.split())}


def _letters(text: str) -> str:
    """`text` for a comparison as written; punctuation counts only where it may be mathematics."""
    spelled = plain(text).casefold()
    if (bracketed := _ONE_WORD.fullmatch(spelled)) is not None:
        return bracketed[1]
    return "".join(spelled.split()) if _MATHS.search(spelled) else _NOT_A_LETTER.sub("", spelled)
