"""Taking one value out of a request, by rule: where it stands literally once, with the words that lead to it.

`base of 10 and height of 5` without the base is `height of 5`; what would not read afterwards is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sml_agents.text.numbers import in_words
from sml_agents.text.words import stem

__all__ = ["place_of", "without"]

_LEADS = frozenset(
    [
        *("in", "at", "for", "on", "to", "from", "with", "of", "by", "is", "are", "as", "called", "named", "titled"),
        *("about", "than", "the", "a", "an", "under", "over", "around", "until", "till", "into", "using", "being"),
        *("equal", "equals", "set", "within", "worth", "my", "your", "its", "their", "our", "per", "that", "which"),
        *("be", "was", "were", "has", "have", "having"),
    ]
)
_KEPT_BEFORE_AND = frozenset(["with", "given", "using", "where", "if", "having"])
_UNITS = (
    "units?|%|percent|meters?|metres?|m/s|m|km|kilometers?|cm|mm|inch(?:es)?|feet|foot|ft|miles?|years?|months?|weeks?|"
    "days?|hours?|minutes?|seconds?|kgs?|kilograms?|grams?|g|lbs?|pounds?|dollars?|usd|euros?|degrees?|celsius|"
    "fahrenheit|°\\s?[CFK]|K|atm|liters?|volts?|ohms?|amperes?|people|persons|coulombs?|joules?|newtons?|mol"
)
_UNIT = re.compile(rf"\s*-?(?:{_UNITS})(?![\w/])(?:\^?[\d²³])?", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"(?<![A-Za-z'])([A-Za-z']{1,40})[\s:=(,\"'`$-]*$")
_NEAR = 80
"""Characters before a value in which the word that leads to it begins."""
_DANGLING = re.compile(
    r"\b(?:in|at|for|from|with|of|by|and|or|the|a|an|between|than|to)\s*(?:[.?!,;]|$)", re.IGNORECASE
)
_CLASH = re.compile(
    r"\b(?:with|given|using|at|of|for|from|carrying|in|to|than)\s+(?:where|with|and|or|of|is|are|if|who|meters?|in)\b",
    re.IGNORECASE,
)
"""Two little words that do not stand side by side."""
_GOES_ON = re.compile(r"\s*,\s*(?:please|thanks|then|so|but|with|for|in|on|at|to|from|by|using|if|when|where)\b", re.I)
"""After a comma: another part of the sentence, not another member of a list."""
_LEAST_WORDS = 3


def _forms(value: Any) -> list[str]:
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        whole = int(value) if value == value // 1 else None
        return [f"{whole:,}", str(whole)] if whole is not None else [str(value)]
    return [value.strip()] if isinstance(value, str) and value.strip() else []


@lru_cache(maxsize=1024)
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,^/-]){re.escape(form)}(?![\w^/]|[.,]\d)", re.IGNORECASE)


def _found(text: str, form: str) -> list[tuple[int, int]]:
    return [found.span() for found in _pattern(form).finditer(text)]


def place_of(text: str, value: Any) -> tuple[int, int] | None:
    """Where the value stands literally, if it does so once and is told in no other way; None otherwise."""
    spans = {span for form in _forms(value) for span in _found(text, form)}
    if len(spans) != 1:
        return None
    if isinstance(value, int) and 0 <= value < 1000 and _found(text, in_words(value)):
        return None
    return spans.pop()


def without(text: str, name: str, value: Any, others: Iterable[Any] = ()) -> str | None:
    """The text without the value of the argument `name`; None where that cannot be done safely.

    `others` are values that have to stay where they are.
    """
    place = place_of(text, value)
    if place is None or re.search(r"\brespectively\b", text, re.IGNORECASE):
        return None
    start, end = place
    own = {stem(word) for word in re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())}
    left, first = text[:start], ""
    while (word := _WORD_BEFORE.search(left, max(0, len(left) - _NEAR))) and (
        word[1].lower() in _LEADS or stem(word[1].lower()) in own
    ):
        if re.search(r"[.?!]\s", left[word.start() :]):
            break
        left, first = left[: word.start()], word[1].lower()
    left = left.rstrip(" \"'`$(:=")
    right = text[end:].lstrip("\"'`)")
    if unit := _UNIT.match(right):
        right = right[unit.end() :]
    if (
        not isinstance(value, str)
        and (counted := re.match(r"\s*([A-Za-z]+)", right))
        and stem(counted[1].lower()) in own
    ):
        right = right[counted.end() :]  # 3 nights
    if re.search(r"\bbetween\b[^.?!]{0,40}$", left, re.IGNORECASE):
        return None
    if joined := re.search(r"(?:,\s*)?\b(?:and|or)\s*$|,\s*$", left):
        if re.match(r"\s*(?:,|and\b|or\b)", right) or not re.match(r"\s*(?:[.?!;]|$|[a-z])", right):
            return None
        left = left[: joined.start()]
    elif following := re.match(r"\s*(?:,\s*)?(?:and|or)\s+|\s*,\s*", right):
        if first and first not in _KEPT_BEFORE_AND and re.match(r"\s*(?:and|or)\b", right) and first != "the":
            kept = re.match(r"\s*(?:and|or)\s+(?:in|at|for|on|to|from|with|by|as|until)\b", right)
            if kept is None:
                return None
        left += f" {first}" if first in _KEPT_BEFORE_AND else ""
        if not _GOES_ON.match(right):
            right = f" {right[following.end() :]}"
    made = re.sub(r"\s+([.?!,;])", r"\1", " ".join(f"{left} {right}".split()))
    made = re.sub(r",\s*([.?!])", r"\1", made).strip(" ,")
    if len(made.split()) < _LEAST_WORDS or _DANGLING.search(made) or not made[0].isalnum():
        return None
    if len(_CLASH.findall(made)) > len(_CLASH.findall(text)):
        return None
    if any(_found(made, form) for form in _forms(value)):
        return None
    if any(place_of(text, other) and not place_of(made, other) for other in others):
        return None
    return made[0].upper() + made[1:] if text[0].isupper() else made
