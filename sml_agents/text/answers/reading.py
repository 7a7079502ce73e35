"""What an answer says: one quantity, several, a bound, words, or something that needs algebra.

read("$1,250.50")         Reading(VALUE, 2501/2, unit "dollar")
read("6 * 7 = 42 apples") Reading(VALUE, 42, unit "apples"): all sides of an equation must agree
read("half of 7")         Reading(VALUE, 7/2)
read("12 or 13")          Reading(SEVERAL)
read("at least 12")       Reading(BOUND)
read("1 = 2 = 42")        Reading(CONTRADICTION)
read("Paris")             Reading(WORDS)
read("x^2 + 1")           Reading(FORMULA)
read("12 short of 100")   Reading(UNREAD)

Never a part of what is said: words beside a number are its unit, or they are read as what they do to it, or nothing is
read. A comma between digits that may be a decimal comma or part a list (`3,5`) is SEVERAL, with the decimal as `value`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from sml_agents.text.answers.arithmetic import evaluate
from sml_agents.text.answers.phrases import changes_a_number, phrase
from sml_agents.text.answers.plain import MAX_CHARS, NUMBER, number, plain
from sml_agents.text.answers.units import scale_between, size_of
from sml_agents.text.numbers import spelled_numbers

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
    UNREAD = "unread"
    """A quantity with words that change it in a way that is not understood."""
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
_COIN = re.compile(rf"(-?) ?([{_MONEY}]) ?(?=[-\d(.])")
_ALTERNATIVES = re.compile(
    r"\b(?:or|between|either|through|versus|vs)\b|(?<=\d) to (?=\d)|\.\.\.|->"
    r"|\\(?:pm|mp|cup|cap|infty|to|rightarrow|mapsto)(?![a-z])",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"<|>|!="
    r"|\b(?:at least|at most|(?:more|less|fewer|greater) than|no more|no less|up to|under|(?<!\d )over(?= \d))\b"
    r"|\b(?:not|isn't|n't)\b",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"(?<![<>!=:])=(?!=)")
_REMARK = re.compile(r"\([^()\d]*[A-Za-z][^()\d]*\)$")
_LEAD = re.compile(
    r"^(?:(?:about|approximately|approx\.?|roughly|around|exactly|only|just|equal to|equals|simply|therefore|thus|so"
    r"|i think|it is|it's|there are|there is|~|:)\s*)+",
    re.IGNORECASE,
)
_ANY_NUMBER = re.compile(NUMBER)
_SYMBOLS = re.compile(
    r"\\[A-Za-z{}]+|[\^_{}!|]|[A-Za-z0-9)] ?[*/+] ?[A-Za-z(]|\b[a-z] ?[-+*/^=] ?\w|\w ?[-+*/^] ?[a-z]\b|\d[a-z]\b"
    r"|, ?[a-z]$|\d\(|[\])]\(|\b[A-Za-z]'"
)
_MEASURE = re.compile(
    r"(?:sq\.? ?)?[A-Za-z]{1,12}(?: ?/ ?[A-Za-z]{1,12})?(?:(?<=[mtndi])\^?[23]|(?<=[A-Za-z]{2})\^[23])?\.?"
)
_MATHS = re.compile(r"[\\^_{}!*/+|&()\[\]]|^-|^[,;] ?[A-Za-z]$")
_VARIABLE = re.compile(r"[abceiknpqrtuvwxyz]|pi|[a-z]?[xyz]")
_SQUARED = re.compile(r"(?<=[a-z])\^?([23])\b")
_UNIT_WORDS = re.compile(r"(?:(?<=[\d)}\]])|(?<=\\pi))(?: [A-Za-z]{2,12}(?:\^[23])?){1,4}$")
_LETTERS = re.compile(r"[^\W\d_]+")
_DOTTED = re.compile(r"\b([A-Za-z])\.\s?([A-Za-z])\b\.?")
_NAME = re.compile(r"\\?[A-Za-z]{1,12}(?:_\w|_\{\w{1,8}\})?'?(?:\(\w{1,3}(?:, ?\w{1,3}){0,2}\))?")
_LABEL = re.compile(r"[A-Za-z][A-Za-z' ]*[A-Za-z]")
_BRACKETED = re.compile(r"[\[({\\].*,.*[\])}]", re.DOTALL)
_TWICE = re.compile(r"([^()]{1,80}?) ?\(([^()]{1,80})\)|([^()]{1,80}?),? or ([^()]{1,80})")
_COMMA = re.compile(r"(-?)(\d+),(\d+)(?: ?([^\d,]*))?")
_PARTS = re.compile(rf"({NUMBER}) ?([A-Za-z]+)\.?(?:,? and |,? )?")


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """What `text`, an answer without the words around it, says. Linear in the length of the text."""
    if len(text) > MAX_CHARS:
        return Reading(Kind.TOO_LONG, "")
    spelled = plain(text).strip(" \"'*,;:").removesuffix(".").strip(" \"'*$" if text.count("$") > 1 else " \"'*")
    if not spelled:
        return Reading(Kind.EMPTY, "")
    if _BRACKETED.fullmatch(spelled):
        spelled = spelled.replace(",", ", ")  # in a list a comma parts, it does not group digits
    if (simple := _simple(spelled)) is not None:
        return simple
    if (remark := _REMARK.search(spelled)) is not None and spelled[: remark.start()].strip():
        if _ALTERNATIVES.search(remark[0]) or changes_a_number(remark[0]):
            return Reading(Kind.UNREAD, spelled, values=_values(spelled))
        if all(value == 1 for _, _, value in spelled_numbers(remark[0])):
            spelled = spelled[: remark.start()].strip() or spelled
    return _read_plain(_LEAD.sub("", spelled).strip() or spelled)


def _read_plain(text: str) -> Reading:
    if (comma := _COMMA.fullmatch(text)) is not None and not _ANY_NUMBER.fullmatch(f"{comma[2]},{comma[3]}"):
        value = number(f"{comma[2]}.{comma[3]}")
        if value is not None and not _is_symbolic(comma[4] or ""):
            value = -value if comma[1] else value
            return Reading(
                Kind.SEVERAL, text, value, _unit(comma[4] or ""), decimals=len(comma[3]), values=_values(text)
            )
    if (restated := _restated(text)) is not None:
        return restated
    if _ALTERNATIVES.search(text) and (_ANY_NUMBER.search(text) or "\\" in text or _values(text)):
        return Reading(Kind.SEVERAL, text, values=_values(text))
    if _BOUND.search(text) and (_ANY_NUMBER.search(text) or _values(text)):
        return Reading(Kind.BOUND, text, values=_values(text))
    sides = [side.strip() for side in _EQUALS.split(text)]
    if len(sides) > 1:
        return _read_equation(text, sides)
    return _read_side(text)


def _restated(text: str) -> Reading | None:
    """`12 (twelve)`, `0.5 or 1/2`: one value said twice."""
    found = _TWICE.fullmatch(text)
    if found is None:
        return None
    one, other = _read_side(found[1] or found[3]), _read_side(found[2] or found[4])
    same = one.kind is other.kind is Kind.VALUE and one.value == other.value and one.percent == other.percent
    return one if same else None


def _read_equation(text: str, sides: list[str]) -> Reading:
    """`6 * 7 = 42`: the last side, if every other side has the same value or is a mere name such as `x` or `total`."""
    if not all(sides):
        return Reading(Kind.UNREAD if any(sides) else Kind.EMPTY, text)
    if _NAME.fullmatch(sides[0]) or _LABEL.fullmatch(sides[0]):
        sides = sides[1:]
    readings = [_read_side(side) for side in sides]
    last = readings[-1]
    if len(readings) == 1:
        return Reading(Kind.FORMULA, text, values=last.values) if last.kind in (Kind.WORDS, Kind.FORMULA) else last
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


def _simple(text: str) -> Reading | None:
    """One number with an optional currency before it and a unit after it: the common case, by one pattern."""
    found = _SIMPLE.fullmatch(text)
    if not found:
        return None
    rest = found["rest"].strip()
    value = number(found["number"])
    if value is None:
        return Reading(Kind.TOO_LONG, "")
    if _is_symbolic(rest) or _is_scaled(rest) or changes_a_number(rest, behind=True) or _ALTERNATIVES.search(rest):
        return None
    if _BOUND.search(rest) or (found["percent"] and rest) or next(spelled_numbers(rest), None):
        return None
    if found["below"]:
        if int(found["below"][:400]) == 0:
            return None
        value /= int(found["below"][:400])
    sign = -1 if ("-" in found["sign"]) != ("-" in found["sign2"]) else 1
    decimals = None if found["below"] or "e" in found["number"].lower() else _decimals(found["number"])
    unit = _unit(f"{_CURRENCY.get(found['money'], '')} {rest}")
    return Reading(Kind.VALUE, text, sign * value, unit, bool(found["percent"]), decimals)


def _read_side(text: str) -> Reading:
    """One side of an equation, or an answer without one."""
    if (simple := _simple(text)) is not None:
        return simple
    if (value := evaluate(text)) is not None:
        return Reading(Kind.VALUE, text, value)
    if (compound := _compound(text)) is not None:
        return compound
    coin = _COIN.search(text)
    money = _CURRENCY[coin[2]] if coin else ""
    bare = _COIN.sub(r"\1", text) if coin else text
    values = _values(bare)
    found = phrase(bare)
    if found is not None and not _is_symbolic(found.after) and not _symbolic_words(found.before):
        value = evaluate(found.sum)
        if not _values(found.after):
            decimals = _decimals(found.literal) if found.literal else None
            if value is not None:
                unit = _unit(f"{money} {found.after}")
                return Reading(Kind.VALUE, text, value, unit, found.percent, decimals)
            if not found.before and not found.after:
                return Reading(Kind.FORMULA, found.sum, values=values)
    if _SYMBOLS.search(text) and not _BRACKETED.fullmatch(text):
        return _formula(text, values)
    if len(values) > 1:
        return Reading(Kind.SEVERAL, text, values=values)
    if values:
        return Reading(Kind.UNREAD, text, values=values)
    return Reading(Kind.WORDS, text)


def _formula(text: str, values: tuple[Fraction, ...]) -> Reading:
    """Symbols, and the unit behind them: `16\\pi square inches`."""
    words = _UNIT_WORDS.search(text)
    if (
        words is None
        or "degrees" in words[0]
        or changes_a_number(words[0], behind=True)
        or _ALTERNATIVES.search(words[0])
    ):
        return Reading(Kind.FORMULA, text, values=values)
    if size_of(_unit(words[0])) is None and any(len(word) < 3 for word in words[0].split()):
        return Reading(Kind.FORMULA, text, values=values)
    return Reading(Kind.FORMULA, text[: words.start()].strip(), unit=_unit(words[0]), values=values)


def _compound(text: str) -> Reading | None:
    """`2 hours and 30 minutes`, `12 feet 6 inches`: one quantity, in the first unit."""
    spots = list(_PARTS.finditer(text))
    if len(spots) < 2 or len(spots) > 4 or spots[0].start() != 0 or spots[-1].end() != len(text):
        return None
    if any(one.end() != other.start() for one, other in pairwise(spots)):
        return None
    total, scale = Fraction(0), Fraction(1)
    for spot in spots:
        value = number(spot[1])
        worth = scale_between(spot[2], spots[0][2])
        if value is None or worth is None or (spot is not spots[0] and worth >= scale):
            return None
        total, scale = total + value * worth, worth
    return Reading(Kind.VALUE, text, total, _unit(spots[0][2]))


def _values(text: str) -> tuple[Fraction, ...]:
    found = [value for value in map(number, _ANY_NUMBER.findall(text)[:64]) if value is not None]
    return tuple(found + [value for _, _, value in spelled_numbers(text)][:64])


def _decimals(digits: str) -> int | None:
    return (
        len(digits.rpartition("," if digits.rfind(",") > digits.rfind(".") >= 0 else ".")[2]) if "." in digits else None
    )


def _is_scaled(rest: str) -> bool:
    """Whether a letter that multiplies follows a number: 120k."""
    return rest in ("k", "K", "M", "B")


def _is_symbolic(rest: str) -> bool:
    """Whether mathematics (`x`, `\\pi`, `!`) follows a number and not a unit (`km/h`, `m^2`, `dollars each`)."""
    if not rest or (_MEASURE.fullmatch(rest) and not _VARIABLE.fullmatch(rest)):
        return False
    return _MATHS.search(rest) is not None or _VARIABLE.fullmatch(rest) is not None


def _symbolic_words(before: str) -> bool:
    """Whether mathematics stands before a number, and not words."""
    return bool(before) and (_MATHS.search(before) is not None or _VARIABLE.fullmatch(before.split()[-1]) is not None)


def _unit(rest: str) -> str:
    if not rest or rest.isspace():
        return ""
    words = _SQUARED.sub(lambda found: " square" if found[1] == "2" else " cube", rest.lower())
    return " ".join(_LETTERS.findall(_DOTTED.sub(r"\1\2", words))[:6])
