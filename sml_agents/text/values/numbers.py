"""Numbers in a text: digits of any script with their separators, number words, amounts with a unit of money."""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from sml_agents.text.numbers import spelled_numbers
from sml_agents.text.numerals import ENGLISH_TOO, numbers_abroad, one_word_numbers
from sml_agents.text.values.words import Span, fold, is_english, label, tokens

__all__ = ["NumberMention", "as_number", "find_numbers", "same_unit"]


class NumberMention(NamedTuple):
    """A number in a text. `values`: what it may mean, since `1.234` is read in two ways."""

    values: frozenset[float]
    span: Span


WORDS = {
    **{fold(word): number for word, number in one_word_numbers().items()},
    "couple": 2,
    "pair": 2,
    "zweit": 2,
    "dritt": 3,
    "viert": 4,
}
"""Number words of other languages, one word each, without accents; English has `sml_agents.text.numbers`."""
_SCALES = {"hundred": 100, "thousand": 1000, "k": 1000, "million": 1_000_000, "m": 1_000_000}
_DIGITS = re.compile(r"(?<![\w.,-])-?(?:\d+(?:[.,'\u2019\u202f\u00a0]\d+)*|\.\d+)|(?<=\bx)\d+\b", re.IGNORECASE)
_SPACED = re.compile(r"(?<![\w.,-])(?<!\d )\d{1,3}(?: \d{3})+(?![\w.,]*\d| \d)")
"""`12 480`, beside its parts."""
_HALVES = re.compile(r" and a half\b", re.IGNORECASE)
_SIX = re.compile(r"\bhalf a dozen\b", re.IGNORECASE)
_GLUED = re.compile(r"[^\W_]|-\d")
_COUNTED = re.compile(
    r"(?:st|nd|rd|th|x|[kcm]?m|[km]?g|lbs?|oz|ft|[mcd]?l|h|min|m?s|secs?|px|dpi|[kmgt]i?b|k?wh?|k?hz|v|mol|pm|am|er)\b",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\s?(k|thousand|hundred|million|m)\b", re.IGNORECASE)


def as_number(value: object) -> float | None:
    """The number that an argument holds, as a number or as text; None for what is none, or endless (`1e999`)."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) <= sys.float_info.max else None
    found = _DIGITS.search(str(value))
    rest = re.sub(r"[\s$\u20ac\u00a3\u00a5%]|\b(?:eur|usd|gbp|chf|euros?|dollars?)\b", "", fold(str(value)))
    if found and len(rest) == len(found.group()):
        number = min(_readings(found.group()))
        return number if math.isfinite(number) else None
    return None


def _readings(digits: str) -> frozenset[float]:
    """`12,50` is 12.5; `1.234` may be 1.234 or 1234; `1,234.56` is one number."""
    text = "".join(str(unicodedata.digit(sign, -1)) if sign.isdigit() else sign for sign in digits)
    text = re.sub(r"['\u2019\u202f\u00a0]", "", text)
    text = re.sub(r"^(-?)\.", r"\g<1>0.", text)
    readings: set[float] = set()
    for point, group in ((".", ","), (",", ".")):
        head, _, tail = text.partition(point)
        grouped = re.fullmatch(rf"-?\d{{1,3}}(?:\{group}\d{{3}})+|-?\d+", head)
        if grouped and re.fullmatch(r"\d*", tail):
            readings.add(float(f"{head.replace(group, '')}.{tail or 0}"))
    return frozenset(readings or {float("nan")})


def same_unit(text: str, span: Span, later: str, again: Span, both: bool = False) -> bool:
    """Whether a number that is said after another may be of its unit, or count the same: either may stand without, as
    in `30 euros, no, 40` and `30, no, 40 euros`, unless `both` have to say it, or be cut short, as in `30 eur, no, 40
    euros`."""
    behind, first, second = label(text[span.end :]), _unit_behind(text, span), _unit_behind(later, again)
    if both and not (first and second):
        return False
    return not first or all(any(unit.startswith(word) or word.startswith(unit) for word in behind) for unit in second)


def _unit_behind(text: str, span: Span) -> frozenset[str]:
    """The stem of the word that belongs to a number, as its unit or what it counts: none in `40 to Ann` and `40 %`."""
    rest = text[span.end : span.end + 40]
    after = tokens(rest)[:1]
    return label(after[0].plain) if after and rest[: after[0].start] in ("", " ", "-") else frozenset()


@lru_cache(maxsize=1024)
def find_numbers(text: str) -> tuple[NumberMention, ...]:
    """Every number of a text, dates and times among them: the caller leaves those out."""
    found: list[NumberMention] = []
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        values = _readings(match.group())
        if scale := _AFTER.match(text, end):
            times = _SCALES[scale.group(1).casefold()]
            scaled = frozenset(value * times for value in values)
            values = scaled | values if scale.group(1) in ("m", "M") else scaled  # `5 m` may be metres
            end = scale.end()
        elif _GLUED.match(text, end) and not _COUNTED.match(text, end):
            continue  # part of a code
        found.append(NumberMention(values, Span(start, end)))
    for match in _SPACED.finditer(text):
        found.append(NumberMention(frozenset({float(match.group().replace(" ", ""))}), Span(*match.span())))
    for start, end, value in spelled_numbers(text):
        found.append(NumberMention(frozenset({float(value)}), Span(start, end)))
    for start, end, whole_number in numbers_abroad(text):
        if not any(one.span.overlaps(Span(start, end)) for one in found):
            found.append(NumberMention(frozenset({float(whole_number)}), Span(start, end)))
    for match in _HALVES.finditer(text):
        whole = next((one for one in found if one.span.end == match.start()), None)
        if whole is not None:
            span = Span(whole.span.start, match.end())
            found = [one for one in found if not one.span.overlaps(span)]
            found.append(NumberMention(frozenset(value + 0.5 for value in whole.values), span))
    found += [NumberMention(frozenset({6.0}), Span(*match.span())) for match in _SIX.finditer(text)]
    english = is_english(text)
    for token in tokens(text):
        if token.plain in WORDS and not (english and token.plain in ENGLISH_TOO):
            found.append(NumberMention(frozenset({float(WORDS[token.plain])}), Span(token.start, token.end)))
    return tuple(sorted(found, key=lambda mention: mention.span))
