"""Is an answer equal to the reference? Exact fractions and structure here; single expressions are left to algebra.

Policies, all of them here:

several answers   `12 or 13`, lists, sets, intervals and bounds never equal one number
lists             a list or set in any order; tuples, points and intervals in order and between the same brackets
equations         all sides must agree (`6 * 7 = 42`); a name on the left (`x = 42`) is only a label, `x^2 = 12` is none
rounding          a decimal with three places and three significant digits equals a value that rounds to it; any other
                  must be exact. Against a value with roots or powers of e and pi it needs six significant digits
percent           `50%` equals 0.5 and also 50, because data sets write percentages both ways
units             a unit counts only where both sides have one: then they must share a word (`mile`, `miles`), or
                  measure the same (`2 hours 30 minutes`, `150 minutes`)
decimal comma     `3,5` equals 3.5 where the reference is that, and else is the list 3, 5
words             compared without case, spaces and punctuation; so is mathematics that algebra cannot read (matrices of
                  words, `x \\equiv 3 \\pmod 7`), by its signs
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from sml_agents.text.answers import Kind, Reading, plain, read
from sml_agents.text.answers.algebra import for_algebra
from sml_agents.text.answers.shapes import Form, Shape, shape_of
from sml_agents.text.answers.units import same_unit, scale_between

__all__ = ["Pair", "answers_equal", "compare", "same_quantity", "same_value"]

_MIN_DIGITS = 3
_MIN_DIGITS_OF_ALGEBRA = 6
_MOST_PAIRS = 100
_MATHS = re.compile(r"[\d\\^_{}+*/=<>|&%$#~()\[\]']|(?<![^\W\d_]{2})-|-(?![^\W\d_]{2})")
_ONE_WORD = re.compile(r"[(\[]([^\W\d_]+)[)\]]\.?")
_NOT_A_LETTER = re.compile(r"[\W_]+")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_APART = re.compile(r"(?<=\d) (?=\d)")
_NO_POINT = re.compile(r"\.(?!\d)")


class Pair(NamedTuple):
    """Two expressions in LaTeX that algebra is asked about."""

    reference: str
    answer: str
    tolerance: float = 0.0
    """Relative; 0: they must be equal."""
    multiple: bool = False
    """Whether one need only be a constant times the other, as the differences of the sides of two equations."""


Leaf = Callable[[Pair], bool | None]


def answers_equal(reference: str, answer: str) -> bool | None:
    """True or False where the rules of this module decide, None where only algebra can (`x^2 + 1`, sets of roots)."""
    return compare(reference, answer, lambda pair: None)


def compare(reference: str, answer: str, algebra: Leaf) -> bool | None:
    """Whether two answers are equal, with `algebra` for single expressions; None where that does not know."""
    if (letters := _letters(reference)) and letters == _letters(answer):
        return True
    gold, given = read(reference), read(answer)
    if given.kind in (Kind.EMPTY, Kind.TOO_LONG, Kind.CONTRADICTION, Kind.UNREAD):
        return False
    if gold.kind is Kind.VALUE and given.kind is Kind.VALUE:
        return same_quantity(gold, given)
    if gold.kind is Kind.VALUE and given.kind is Kind.SEVERAL and given.value is not None:
        return same_value(gold, given) and same_unit(gold.unit, given.unit)
    if Kind.WORDS in (gold.kind, given.kind) and Kind.SEVERAL not in (gold.kind, given.kind):
        pieces = shape_of(gold.text).form, shape_of(given.text).form
        if pieces == (Form.ONE, Form.ONE):
            return False
    if gold.kind is Kind.VALUE and given.kind in (Kind.SEVERAL, Kind.BOUND):
        return False
    return _shapes_equal(_shape(gold), _shape(given), algebra)


def _shape(reading: Reading) -> Shape:
    return Shape(Form.ONE, (reading.text,)) if reading.kind is Kind.VALUE else shape_of(reading.text)


def _shapes_equal(gold: Shape, given: Shape, algebra: Leaf) -> bool | None:
    if gold.form is Form.ONE and given.form is Form.ONE:
        return _expressions_equal(gold.parts[0], given.parts[0], algebra)
    if {gold.form, given.form} == {Form.ONE, Form.SET} and len(gold.parts) == len(given.parts) == 1:
        return _expressions_equal(gold.parts[0], given.parts[0], algebra)
    gold, given = _as_equation(gold, given), _as_equation(given, gold)
    if len(gold.parts) != len(given.parts):
        return False

    def parts_equal(one: str, other: str) -> bool | None:
        return compare(one, other, algebra)

    loose = (Form.LIST, Form.SET, Form.UNION)
    if gold.form in loose and given.form in loose and Form.UNION not in {gold.form, given.form} - {gold.form}:
        return _matched(gold.parts, given.parts, parts_equal)
    if gold.form is Form.LIST and given.form is Form.ROW and given.detail == "()":
        return _all(map(parts_equal, gold.parts, given.parts))
    if gold.form is not given.form:
        return False
    if gold.form is Form.RELATION:
        return _relations_equal(gold, given, algebra)
    return gold.detail == given.detail and _all(map(parts_equal, gold.parts, given.parts))


def _as_equation(shape: Shape, other: Shape) -> Shape:
    """`y = 2x + 3` as the equation that it is, where the other side is one without a lone name: `y - 2x = 3`."""
    if shape.form is Form.ONE and shape.detail and other.form is Form.RELATION and other.detail == "=":
        return Shape(Form.RELATION, (shape.detail, *shape.parts), "=")
    return shape


def _expressions_equal(one: str, other: str, algebra: Leaf) -> bool | None:
    if _letters(one) == _letters(other):
        return True
    gold, given = read(one), read(other)
    if gold.kind is Kind.VALUE and given.kind is Kind.VALUE:
        return same_quantity(gold, given)
    pair = _pair(gold, given) if same_unit(gold.unit, given.unit) else None
    return algebra(pair) if pair is not None else False


def _pair(gold: Reading, given: Reading) -> Pair | None:
    """What algebra has to decide about two expressions; None when it cannot read all of one."""
    ours, theirs = _latex(gold), _latex(given)
    if ours is None or theirs is None:
        return None
    tolerance = max(
        (
            0.5 / float(abs(reading.value) * 10**reading.decimals)
            for reading in (gold, given)
            if reading.kind is Kind.VALUE
            and reading.value
            and reading.decimals
            and _significant(reading.value, reading.decimals) >= _MIN_DIGITS_OF_ALGEBRA
        ),
        default=0.0,
    )
    return Pair(ours, theirs, tolerance)


def _latex(reading: Reading) -> str | None:
    if reading.kind is not Kind.VALUE:
        return for_algebra(reading.text)
    value = reading.value if not reading.percent or reading.value is None else reading.value / 100
    return f"({value})"


def _relations_equal(gold: Shape, given: Shape, algebra: Leaf) -> bool | None:
    """Equations also when they say the same with other sides (`x + y = 5` and `y = 5 - x`)."""
    if gold.detail != given.detail:
        return False

    def sides_equal(one: str, other: str) -> bool | None:
        return compare(one, other, algebra)

    straight = _all(map(sides_equal, gold.parts, given.parts))
    if straight or gold.detail not in ("=", "!="):
        return straight
    if _all(map(sides_equal, gold.parts, given.parts[::-1])):
        return True
    ours, theirs = (for_algebra(f"({s.parts[0]})-({s.parts[1]})") for s in (gold, given))
    return algebra(Pair(ours, theirs, multiple=True)) if ours is not None and theirs is not None else straight


def _all(results: object) -> bool | None:
    found = list(results)  # type: ignore[call-overload]
    return False if False in found else None if None in found else True


def _matched(gold: Sequence[str], given: Sequence[str], equal: Callable[[str, str], bool | None]) -> bool | None:
    """Whether each entry has one of its own on the other side."""
    if len(gold) * len(given) > _MOST_PAIRS:
        return _all(map(equal, sorted(gold), sorted(given)))
    left, unknown = list(given), False
    for one in gold:
        results = [equal(one, other) for other in left]
        if True in results:
            left.pop(results.index(True))
        elif None in results:
            unknown = True
        else:
            return False
    return None if unknown else True


def same_quantity(gold: Reading, given: Reading) -> bool:
    """Whether two values with their units are the same quantity."""
    if (scale := scale_between(given.unit, gold.unit)) is not None and given.value is not None:
        return given.value * scale == gold.value if scale != 1 else same_value(gold, given)
    return same_value(gold, given) and same_unit(gold.unit, given.unit)


def same_value(gold: Reading, given: Reading) -> bool:
    """Whether two quantities have the same value, units aside."""
    if gold.value is None or given.value is None:
        return False
    if gold.percent == given.percent:
        return _equal(gold.value, given.value, gold.decimals, given.decimals)
    scales = (1, 100, Fraction(1, 100))
    return any(_equal(gold.value * scale, given.value, gold.decimals, given.decimals) for scale in scales)


def _equal(gold: Fraction, given: Fraction, gold_places: int | None, given_places: int | None) -> bool:
    if gold == given:
        return True
    for value, rounded, places in ((gold, given, given_places), (given, gold, gold_places)):
        if places is None or min(places, _significant(rounded, places)) < _MIN_DIGITS:
            continue
        if abs(value - rounded) * 10**places * 2 <= 1:
            return True
    return False


def _significant(value: Fraction, places: int) -> int:
    """How many digits of a decimal count: those after the leading zeros."""
    scaled = abs(value) * 10**places
    return len(str(int(scaled))) if scaled >= 1 else 0


def _letters(text: str) -> str:
    """`text` for a comparison as written; punctuation counts only where it may be mathematics."""
    spelled = plain(text)
    if (bracketed := _ONE_WORD.fullmatch(spelled)) is not None:
        return bracketed[1].casefold()
    if not _MATHS.search(spelled):
        return _NOT_A_LETTER.sub("", spelled).casefold()
    spelled = _WORD.sub(lambda found: found[0].casefold(), _NO_POINT.sub("", spelled.replace("...", "\u2026")))
    return "".join(_APART.sub("_", spelled).split())
