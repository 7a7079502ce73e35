"""Numbers written as English words: `forty-two`, `one hundred and five`, `three quarters`, `two point five`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

__all__ = ["spelled_numbers"]

_UNITS = {
    word: value
    for value, word in enumerate(
        [
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
            *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
        ]
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fifth": 5, "fifths": 5}
_PARTS |= {"sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10}
_WORDS = {*_UNITS, *_TENS, *_SCALES, "hundred", "dozen", "point", "minus", "negative", "half"}

_WORD = re.compile(rf"(?<![a-z])(?:{'|'.join(sorted(_WORDS | set(_PARTS)))})(?![a-z])", re.IGNORECASE)
_GAP = re.compile(r"[\s\-\u2010-\u2015]{1,3}|,?\s{1,2}and\s(?:a\s)?", re.IGNORECASE)


def spelled_numbers(text: str) -> Iterator[tuple[int, int, Fraction]]:
    """Every spelled number with its start and end in `text`, in linear time; `a`, `once` and `twice` don't count."""
    run: list[tuple[int, int, str]] = []
    for found in _WORD.finditer(text):
        if run and not _GAP.fullmatch(text, run[-1][1], found.start()):
            yield from _parsed(run)
            run = []
        run.append((found.start(), found.end(), found.group().lower()))
        if len(run) > 24:
            yield from _parsed(run)
            run = []
    yield from _parsed(run)


def _parsed(run: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, Fraction]]:
    """Splits a run of number words where a new number begins (`two three`)."""
    at = 0
    while at < len(run):
        value, after = _one([word for _, _, word in run[at:]])
        if value is None or after == 0:
            at += 1
            continue
        yield run[at][0], run[at + after - 1][1], value
        at += after


def _one(words: list[str]) -> tuple[Fraction | None, int]:
    """The value of the longest number that `words` begin with, and how many words it takes."""
    at = 1 if words[0] in ("minus", "negative") else 0
    total, group, last, begun = 0, 0, "", False
    while at < len(words):
        word = words[at]
        if (
            word in _UNITS
            and last in ("", "tens", "hundred", "scale")
            and not (last == "tens" and not 0 < _UNITS[word] < 10)
        ):
            group, last = group + _UNITS[word], "unit"
        elif word in _TENS and last in ("", "hundred", "scale"):
            group, last = group + _TENS[word], "tens"
        elif word == "hundred" and last in ("", "unit", "tens"):
            group, last = (group or 1) * 100, "hundred"
        elif word == "dozen" and last in ("", "unit", "tens"):
            group, last = (group or 1) * 12, "unit"
        elif word in _SCALES and last != "scale":
            total, group, last = total + (group or 1) * _SCALES[word], 0, "scale"
        else:
            break
        begun = True
        at += 1
    value = Fraction(total + group)
    sign = -1 if words[0] in ("minus", "negative") else 1
    if not begun:
        if at < len(words) and words[at] == "half":
            return Fraction(sign, 2), at + 1
        return None, 0
    if at + 1 < len(words) and words[at] == "point" and words[at + 1] in _UNITS:
        place = Fraction(1, 10)
        at += 1
        while at < len(words) and _UNITS.get(words[at], 10) < 10:
            value, place, at = value + place * _UNITS[words[at]], place / 10, at + 1
    elif at < len(words) and words[at] in _PARTS:
        value, at = (value / _PARTS[words[at]], at + 1) if value < 20 else (value, at)
        if words[at - 1] == "half" and value * 2 > 1:
            value = value * 2 + Fraction(1, 2)  # two and a half
    return sign * value, at
