"""Numbers in a text: digits of any script with their separators, number words, amounts with a unit of money."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from sml_agents.text.values.words import Span, fold, tokens

__all__ = ["NumberMention", "as_number", "find_numbers"]


class NumberMention(NamedTuple):
    """A number in a text. `values`: what it may mean, since `1.234` is read in two ways."""

    values: frozenset[float]
    span: Span


_ONES = {
    "zero null": 0, "one ein eine einen einer eins un une uno una": 1, "two zwei zwo deux dos due twee": 2,
    "three drei trois tres tre drie": 3, "four vier quatre cuatro quattro": 4, "five funf cinq cinco cinque vijf": 5,
    "six sechs seis sei zes": 6, "seven sieben sept siete sette zeven": 7, "eight acht huit ocho otto": 8,
    "nine neun neuf nueve nove negen": 9, "ten zehn dix diez dieci tien": 10, "eleven elf onze once undici": 11,
    "twelve zwolf douze doce dodici twaalf dozen dutzend": 12, "thirteen dreizehn": 13, "fourteen vierzehn": 14,
    "fifteen funfzehn": 15, "sixteen sechzehn": 16, "seventeen siebzehn": 17, "eighteen achtzehn": 18,
    "nineteen neunzehn": 19, "couple pair paar": 2,
}  # fmt: skip
_TENS = {
    "twenty zwanzig": 20, "thirty dreissig": 30, "forty vierzig": 40, "fifty funfzig": 50, "sixty sechzig": 60,
    "seventy siebzig": 70, "eighty achtzig": 80, "ninety neunzig": 90,
}  # fmt: skip
_SCALES = {"hundred hundert": 100, "thousand tausend k": 1000, "million millionen m": 1_000_000}


def _table(rows: dict[str, int]) -> dict[str, int]:
    return {word: number for words, number in rows.items() for word in words.split()}


ONES, TENS, SCALES = _table(_ONES), _table(_TENS), _table(_SCALES)
_ARTICLES = frozenset({"ein", "eine", "einen", "einer", "un", "une", "una", "uno"})
_DIGITS = re.compile(r"(?<![\w.,-])-?\d+(?:[.,'\u2019\u202f\u00a0]\d+)*")
_GLUED = re.compile(r"[^\W_]|-\d")
_COUNTED = re.compile(r"(?:st|nd|rd|th|x|km|kg|h|min|m|g|l|pm|am|er)\b", re.IGNORECASE)
_AFTER = re.compile(r"\s?(k|thousand|hundred|million|m)\b", re.IGNORECASE)


def as_number(value: object) -> float | None:
    """The number that an argument holds, as a number or as text; None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    found = _DIGITS.search(str(value))
    rest = re.sub(r"[\s$\u20ac\u00a3\u00a5%]|\b(?:eur|usd|gbp|chf|euros?|dollars?)\b", "", fold(str(value)))
    if found and len(rest) == len(found.group()):
        return min(_readings(found.group()))
    return None


def _readings(digits: str) -> frozenset[float]:
    """`12,50` is 12.5; `1.234` may be 1.234 or 1234; `1,234.56` is one number."""
    text = "".join(str(unicodedata.digit(sign, -1)) if sign.isdigit() else sign for sign in digits)
    text = re.sub(r"['\u2019\u202f\u00a0]", "", text)
    readings: set[float] = set()
    for point, group in ((".", ","), (",", ".")):
        head, _, tail = text.partition(point)
        grouped = re.fullmatch(rf"-?\d{{1,3}}(?:\{group}\d{{3}})+|-?\d+", head)
        if grouped and re.fullmatch(r"\d*", tail):
            readings.add(float(f"{head.replace(group, '')}.{tail or 0}"))
    return frozenset(readings or {float("nan")})


@lru_cache(maxsize=1024)
def find_numbers(text: str) -> tuple[NumberMention, ...]:
    """Every number of a text, dates and times among them: the caller leaves those out."""
    found: list[NumberMention] = []
    for match in _DIGITS.finditer(text):
        start, end = match.span()
        values = _readings(match.group())
        if scale := _AFTER.match(text, end):
            times = SCALES[scale.group(1).casefold()]
            values = frozenset(value * times for value in values)
            end = scale.end()
        elif _GLUED.match(text, end) and not _COUNTED.match(text, end):
            continue  # part of a code
        found.append(NumberMention(values, Span(start, end)))
    said = tokens(text)
    k = 0
    while k < len(said):
        total, part, n = 0, 0, 0
        while k + n < len(said) and (n == 0 or text[said[k + n - 1].end : said[k + n].start].strip() in ("", "-")):
            word = said[k + n].plain
            if word in TENS:
                part += TENS[word]
            elif word in ONES and (n == 0 or said[k + n - 1].plain in TENS or said[k + n - 1].plain in SCALES):
                part += ONES[word]
            elif word in SCALES and n and len(word) > 1:
                total, part = total + (part or 1) * SCALES[word], 0
            else:
                break
            n += 1
        if n:
            found.append(NumberMention(frozenset({float(total + part)}), Span(said[k].start, said[k + n - 1].end)))
        k += max(1, n)
    return tuple(sorted(found, key=lambda mention: mention.span))


def outside(mentions: Collection[NumberMention], taken: Collection[Span]) -> list[NumberMention]:
    """Those that overlap none of `taken`."""
    return [mention for mention in mentions if not any(mention.span.overlaps(span) for span in taken)]
