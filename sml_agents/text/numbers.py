"""Numbers written as English words: the one table of the package, words to values and values to words.

spelled_numbers(text)    every number in words with its place: `forty-two`, `one hundred and five`, `three quarters`
leading_number(words)    the number that a list of words begins with
word_value(word)         the value of a single word: `seven`, `dozen`, `half`
in_words(7)              `seven`; ordinal(7) `seventh`
NUMBER_WORDS             all words of cardinal numbers, for lists of words that name no thing
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from sml_agents.text.letters import folded, words_in

__all__ = [
    "NUMBER_WORDS",
    "ORDINALS",
    "PARTS",
    "SCALES",
    "in_words",
    "leading_number",
    "ordinal",
    "spelled_numbers",
    "word_value",
]

_BELOW_TWENTY = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS_BELOW_TWENTY = (
    *("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth"),
    "nineteenth",
)

_UNITS = {word: value for value, word in enumerate(_BELOW_TWENTY)}
_TENS = {word: 10 * value for value, word in enumerate(_TENS_WORDS, 2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
"""What multiplies all that stands before it."""
ORDINALS = {word: value for value, word in enumerate(_ORDINALS_BELOW_TWENTY)}
ORDINALS |= {word.removesuffix("y") + "ieth": value for word, value in _TENS.items()}
PARTS = {word: value for word, value in ORDINALS.items() if value > 2}
PARTS |= {"half": 2, "quarter": 4, "hundredth": 100, "thousandth": 1000}
PARTS |= {"halves" if word == "half" else word + "s": value for word, value in PARTS.items()}
"""The denominators of fractions: `half`, `third`, `quarters`."""
NUMBER_WORDS = frozenset((*_UNITS, *_TENS, *SCALES, "hundred", "dozen"))
"""Every word of a cardinal number."""

_SIZES = ((10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_SIZE_OF = {"hundred": 100, "dozen": 12, **SCALES}
_SIGNS = ("minus", "negative")
_WORDS = frozenset((*NUMBER_WORDS, *PARTS, *_SIGNS, "point"))
_WORD = re.compile(r"[a-z]{3,}")
_GAP = re.compile(r"[\s\-\u2010-\u2015]{1,3}|,?\s{1,2}and\s(?:a\s)?")
_MOST_WORDS = 24


def spelled_numbers(text: str) -> Iterator[tuple[int, int, Fraction]]:
    """Every spelled number with its start and end in `text`, in linear time; `a`, `once` and `twice` don't count."""
    text = folded(text)
    if _WORDS.isdisjoint(words_in(text)):
        return
    run: list[tuple[int, int, str]] = []
    for found in _WORD.finditer(text):
        if found.group() not in _WORDS:
            continue
        if run and (len(run) > _MOST_WORDS or not _GAP.fullmatch(text, run[-1][1], found.start())):
            yield from _parsed(run)
            run = []
        if run and "and" in text[run[-1][1] : found.start()]:
            run.append((found.start(), found.start(), "and"))
        run.append((found.start(), found.end(), found.group()))
    yield from _parsed(run)


def _parsed(run: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, Fraction]]:
    """Splits a run of number words where a new number begins (`two three`)."""
    at = 0
    while at < len(run):
        words = [word for _, _, word in run[at:]]
        signed = words[0] in _SIGNS
        value, count = leading_number(words[signed:])
        if value is None:
            at += 1
            continue
        count += signed
        yield run[at][0], run[at + count - 1][1], -value if signed else value
        at += count


def leading_number(words: Sequence[str]) -> tuple[Fraction | None, int]:
    """The value of the longest unsigned number that `words` (lower case) begin with, and how many words it takes.

    `and` may stand among them, `a` may not: `two and half` is two and a half. (None, 0) when they begin otherwise.
    """
    total, group, last, at = 0, 0, "", 0
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
        elif word in SCALES and last != "scale":
            total, group, last = total + (group or 1) * SCALES[word], 0, "scale"
        elif not (word == "and" and last in ("hundred", "scale") and _begins_rest(words, at + 1)):
            break
        at += 1
    if at == 0:
        return (Fraction(1, 2), 1) if words and words[0] == "half" else (None, 0)
    value, end = _with_part(Fraction(total + group), words, at)
    while end > at and end < len(words) and words[end] in _SIZE_OF:
        value, end = value * _SIZE_OF[words[end]], end + 1  # two point five million, one and a half dozen
    return value, end


def _begins_rest(words: Sequence[str], at: int) -> bool:
    """Whether the number goes on here after an `and`: one hundred and five, but not: one hundred and one half."""
    return at < len(words) and (words[at] in _UNITS or words[at] in _TENS) and not _is_part(words, at + 1)


def _is_part(words: Sequence[str], at: int) -> bool:
    return at < len(words) and words[at] in PARTS


def _with_part(value: Fraction, words: Sequence[str], at: int) -> tuple[Fraction, int]:
    """The decimals or the fraction that follow a whole number: `two point five`, `three quarters`, `two and a half`."""
    if at + 1 < len(words) and words[at] == "point" and _UNITS.get(words[at + 1], 10) < 10:
        place, at = Fraction(1, 10), at + 1
        while at < len(words) and _UNITS.get(words[at], 10) < 10:
            value, place, at = value + place * _UNITS[words[at]], place / 10, at + 1
    elif _is_part(words, at) and value < 20:
        value, at = value / PARTS[words[at]], at + 1
    elif at + 1 < len(words) and words[at] == "and":
        if words[at + 1] in ("half", "quarter"):
            value, at = value + Fraction(1, PARTS[words[at + 1]]), at + 2
        elif _UNITS.get(words[at + 1], 0) and _is_part(words, at + 2):
            value, at = value + Fraction(_UNITS[words[at + 1]], PARTS[words[at + 2]]), at + 3
    return value, at


def word_value(word: str) -> Fraction | None:
    """The value of one word of a number, in any case: `Seven`, `dozen`, `half`; None for any other word."""
    return leading_number([word.lower()])[0]


def in_words(value: int) -> str:
    """A whole number from 0 to 999,999,999 in words: `forty-two`, `one hundred and five`. Raises ValueError."""
    if not 0 <= value < 10**9:
        raise ValueError(f"{value} has no words here: 0 to 999,999,999 have.")
    if value < 20:
        return _BELOW_TWENTY[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS_WORDS[tens - 2] + (f"-{_BELOW_TWENTY[ones]}" if ones else "")
    size, name = next((size, name) for size, name in _SIZES if value >= size)
    many, rest = divmod(value, size)
    joint = " and " if rest and rest < 100 else " " if rest else ""
    return f"{in_words(many)} {name}{joint}{in_words(rest) if rest else ''}"


def ordinal(value: int) -> str:
    """`seventh` for 7, from 0 to 99. Raises ValueError."""
    if not 0 <= value < 100:
        raise ValueError(f"{value} has no ordinal here: 0 to 99 have.")
    if value < 20:
        return _ORDINALS_BELOW_TWENTY[value]
    tens, ones = divmod(value, 10)
    word = _TENS_WORDS[tens - 2]
    return f"{word}-{_ORDINALS_BELOW_TWENTY[ones]}" if ones else word.removesuffix("y") + "ieth"
