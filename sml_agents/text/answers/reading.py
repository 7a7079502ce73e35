"""What an answer says: one quantity, several, a bound, words, or something that needs algebra.

read("$1,250.50")         Reading(VALUE, 2501/2, unit "dollar")
read("6 * 7 = 42 apples") Reading(VALUE, 42, unit "apples"): all sides of an equation must agree
read("12 or 13")          Reading(SEVERAL)
read("at least 12")       Reading(BOUND)
read("1 = 2 = 42")        Reading(CONTRADICTION)
read("Paris")             Reading(WORDS)
read("x^2 + 1")           Reading(FORMULA)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from sml_agents.text.answers.plain import MAX_CHARS, NUMBER, evaluate, number, plain
from sml_agents.text.answers.words import spelled_numbers

__all__ = ["Kind", "Reading", "read"]


class Kind(StrEnum):
    VALUE = "value"
    """One quantity."""
    SEVERAL = "several"
    """Several quantities: a list, a set, an interval, `12 or 13`."""
    BOUND = "bound"
    """`at least 12`, `> 12`, `not 12`."""
    CONTRADICTION = "contradiction"
    """An equation whose sides differ."""
    WORDS = "words"
    """Text without a quantity."""
    FORMULA = "formula"
    """Symbols that only algebra can compare."""
    TOO_LONG = "too long"
    EMPTY = "empty"


@dataclass(frozen=True)
class Reading:
    kind: Kind
    text: str
    """The answer in plain spelling."""
    value: Fraction | None = None
    unit: str = ""
    """The words that follow the number, `dollar` for `$`; empty when there are none."""
    percent: bool = False
    decimals: int | None = None
    """Digits after the point of a value written as a decimal; None for integers, fractions and calculations."""
    values: tuple[Fraction, ...] = ()
    """Of several quantities."""


_CURRENCY = {"$": "dollar", "\u20ac": "euro", "\u00a3": "pound", "\u00a5": "yen", "\u20b9": "rupee"}
_MONEY = "".join(_CURRENCY)
_SIMPLE = re.compile(
    rf"(?P<sign>[+-]?) ?(?P<money>[{_MONEY}]?) ?(?P<sign2>-?)(?P<number>{NUMBER})"
    rf"(?: ?/ ?(?P<below>\d+)(?![\d.]))? ?(?P<percent>%|percent(?![a-z]))? ?(?P<rest>[^\d=<>]*(?:\^[23])?)",
    re.IGNORECASE,
)
_ARITHMETIC = re.compile(rf"(?P<money>[{_MONEY}]?)(?P<sum>[-+*/^()\d., ]*\d[)\d., ]*)(?P<rest>[^\d=<>]*)")
_ALTERNATIVES = re.compile(
    r"\b(?:or|between|either|through|versus|vs)\b|(?<=\d) to (?=\d)|\\(?:pm|mp|cup|cap|infty|lor)(?![a-z])",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"<|>|!=|\\(?:neq|ne|lt|gt)(?![a-z])"
    r"|\b(?:at least|at most|(?:more|less|fewer|greater) than|no more|no less|up to|under|over|not|isn't|n't)\b",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"(?<![<>!=:])=(?!=)")
_REMARK = re.compile(r"\([^()\d]*[A-Za-z][^()]*\)$")
_LEAD = re.compile(
    r"^(?:(?:about|approximately|approx\.?|roughly|around|exactly|only|just|equal to|equals|simply|therefore|thus|so"
    r"|i think|a total of|the total is|it is|it's|there are|there is|~|:)\s*)+",
    re.IGNORECASE,
)
_ANY_NUMBER = re.compile(NUMBER)
_SYMBOLS = re.compile(
    r"\\[A-Za-z]+|[\^_{}!]|[A-Za-z0-9)] ?[*/+] ?[A-Za-z(]|\b[a-z] ?[-+*/^=] ?\w|\w ?[-+*/^] ?[a-z]\b"
    r"|\d[a-z]\b|, ?[a-z]$"
)
_MEASURE = re.compile(r"(?:sq\.? ?)?[A-Za-z]{1,12}(?: ?/ ?[A-Za-z]{1,12})?(?:(?<=[mtndi])\^?[23])?\.?")
_MATHS = re.compile(r"[\\^_{}!*/+,;|&()\[\]]|^-")
_VARIABLE = re.compile(r"[abceiknpqrtuvwxyz]|pi|[a-z]?[xyz]")
_LETTERS = re.compile(r"[^\W\d_]+")
_LABEL = re.compile(r"[^\d=<>\\^]*")
_BRACKETED = re.compile(r"[\[({\\].*,.*[\])}]", re.DOTALL)


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """What `text`, an answer without the words around it, says. Linear in the length of the text."""
    if len(text) > MAX_CHARS:
        return Reading(Kind.TOO_LONG, "")
    spelled = plain(text).strip(" \"'*_,;:").removesuffix(".").strip(" \"'*_$" if text.count("$") > 1 else " \"'*_")
    if not spelled:
        return Reading(Kind.EMPTY, "")
    if _BRACKETED.fullmatch(spelled):
        spelled = spelled.replace(",", ", ")  # in a list a comma parts, it does not group digits
    if (simple := _quantity(spelled)) is not None:
        return simple
    return _read_plain(_LEAD.sub("", _REMARK.sub("", spelled)).strip() or spelled)


def _read_plain(text: str) -> Reading:
    if _ALTERNATIVES.search(text) and (_ANY_NUMBER.search(text) or "\\" in text):
        return Reading(Kind.SEVERAL, text, values=_values(text))
    if _BOUND.search(text) and _ANY_NUMBER.search(text):
        return Reading(Kind.BOUND, text, values=_values(text))
    sides = [side.strip() for side in _EQUALS.split(text)]
    if len(sides) > 1:
        return _read_equation(text, sides)
    return _quantity(text) or _read_loose(text)


def _read_equation(text: str, sides: list[str]) -> Reading:
    """`6 * 7 = 42`: the last side, if every other side has the same value or is a mere label such as `x` or `total`."""
    readings = [_quantity(side) or _read_loose(side) for side in sides if side]
    if not readings:
        return Reading(Kind.EMPTY, text)
    last = readings[-1]
    if len(readings) > 1 and readings[0].kind in (Kind.WORDS, Kind.FORMULA) and _LABEL.fullmatch(readings[0].text):
        readings = readings[1:]
    valued = [reading for reading in readings if reading.kind is Kind.VALUE]
    if any(not _near(reading, valued[-1]) for reading in valued):
        return Reading(Kind.CONTRADICTION, text, values=_values(text))
    return last if len(valued) == len(readings) else Reading(Kind.FORMULA, text, values=_values(text))


def _near(one: Reading, other: Reading) -> bool:
    """Whether two sides agree, to the last decimal written."""
    if one.value is None or other.value is None:
        return False
    places = min((r.decimals for r in (one, other) if r.decimals is not None), default=None)
    if one.percent != other.percent and one.value in (100 * other.value, other.value / 100):
        return True
    return one.value == other.value or (places is not None and abs(one.value - other.value) * 10**places < 1)


def _quantity(text: str) -> Reading | None:
    """One number or calculation with an optional currency before it and unit after it."""
    found = _SIMPLE.fullmatch(text)
    if found:
        rest = found["rest"].strip()
        value = number(found["number"])
        if value is None:
            return Reading(Kind.TOO_LONG, "")
        if found["below"]:
            if int(found["below"][:400]) == 0:
                return None
            value /= int(found["below"][:400])
        if found["percent"] or not _is_symbolic(rest):
            sign = -1 if "-" in (found["sign"], found["sign2"]) else 1
            decimals = None if found["below"] or "e" in found["number"].lower() else _decimals(found["number"])
            unit = _unit(f"{_CURRENCY.get(found['money'], '')} {rest}")
            return Reading(Kind.VALUE, text, sign * value, unit, bool(found["percent"]), decimals)
    if found := _ARITHMETIC.fullmatch(text):
        rest = found["rest"].strip()
        value = evaluate(found["sum"].strip(" ,."))
        if value is not None and not _is_symbolic(rest):
            unit = _unit(f"{_CURRENCY.get(found['money'], '')} {rest}")
            return Reading(Kind.VALUE, text, value, unit, rest.startswith("%"))
    return None


def _read_loose(text: str) -> Reading:
    """Words around a number, a list, words alone, or symbols."""
    values = _values(text)
    if len(values) > 1 and (not _SYMBOLS.search(text) or _BRACKETED.fullmatch(text)):
        return Reading(Kind.VALUE if len(set(values)) == 1 else Kind.SEVERAL, text, values[0], values=values)
    if _SYMBOLS.search(text):
        return Reading(Kind.FORMULA, text, values=values)
    if len(values) == 1:
        spot = _ANY_NUMBER.search(text)
        if spot is None:
            return Reading(Kind.VALUE, text, values[0])
        before, tail = text[: spot.start()].rstrip(), text[spot.end() :]
        inner = _quantity((before[-1:] if before[-1:] in f"-{_MONEY}" else "") + spot.group() + tail)
        if inner is not None:
            return inner
        return Reading(Kind.VALUE, text, -values[0] if before.endswith("-") else values[0], _unit(tail))
    return Reading(Kind.WORDS, text)


def _values(text: str) -> tuple[Fraction, ...]:
    found = [value for value in map(number, _ANY_NUMBER.findall(text)[:64]) if value is not None]
    return tuple(found or [value for _, _, value in spelled_numbers(text)][:64])


def _decimals(digits: str) -> int | None:
    return len(digits.partition(".")[2]) or None


def _is_symbolic(rest: str) -> bool:
    """Whether mathematics (`x`, `\\pi`, `!`) follows a number and not a unit (`km/h`, `m^2`, `dollars each`)."""
    if not rest or (_MEASURE.fullmatch(rest) and not _VARIABLE.fullmatch(rest)):
        return False
    return _MATHS.search(rest) is not None or _VARIABLE.fullmatch(rest) is not None


def _unit(rest: str) -> str:
    return " ".join(_LETTERS.findall(rest.lower())[:6])
