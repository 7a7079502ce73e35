"""Units of measure: which are the same, and what one is worth in another."""

from __future__ import annotations

import re
from fractions import Fraction

from sml_agents.text.words import stem

__all__ = ["same_unit", "scale_between", "size_of"]

_DIMENSIONS: dict[str, dict[str, tuple[Fraction | int, str]]] = {
    "time": {
        "second": (1, "s sec"),
        "minute": (60, "min"),
        "hour": (3600, "h hr"),
        "day": (86_400, ""),
        "week": (604_800, ""),
    },
    "months": {"month": (1, ""), "year": (12, "yr")},
    "feet": {"inch": (1, "in inches"), "foot": (12, "ft feet"), "yard": (36, "yd"), "mile": (63_360, "mi")},
    "meters": {
        "millimeter": (1, "mm millimetre"),
        "centimeter": (10, "cm centimetre"),
        "meter": (1_000, "m metre"),
        "kilometer": (1_000_000, "km kilometre"),
    },
    "pounds": {"ounce": (1, "oz"), "pound": (16, "lb")},
    "grams": {"milligram": (1, "mg"), "gram": (1_000, "g"), "kilogram": (1_000_000, "kg kilo")},
    "dollars": {"cent": (1, ""), "dollar": (100, "usd buck")},
    "liters": {"milliliter": (1, "ml millilitre"), "liter": (1_000, "l litre")},
}
_SAME = {
    stem(form): stem(unit)
    for units in _DIMENSIONS.values()
    for unit, (_, forms) in units.items()
    for form in forms.split()
}
_SIZES = {
    stem(unit): (dimension, Fraction(size))
    for dimension, units in _DIMENSIONS.items()
    for unit, (size, _) in units.items()
}
_POWER_WORDS = {"sq": "square", "squared": "square", "cubic": "cube", "cubed": "cube"}
_POWERS = {stem("square"), stem("cube")}
_DOTTED = re.compile(r"\b([a-z])\.\s?([a-z])\b\.?")


def _forms(words: str) -> set[str]:
    forms = (_POWER_WORDS.get(word, word) for word in _DOTTED.sub(r"\1\2", words.lower()).split())
    return {_SAME.get(form, form) for form in map(stem, forms)}


def same_unit(one: str, other: str) -> bool:
    """Whether two units, each a few words, can be the same.

    An empty one fits any; else they share a word (`miles per hour` and `miles`), and both are squares or neither is.
    """
    if not one or not other:
        return True
    ours, theirs = _forms(one), _forms(other)
    return bool((ours & theirs) - _POWERS) and ours & _POWERS == theirs & _POWERS


def size_of(unit: str) -> tuple[str, Fraction] | None:
    """The dimension of a single unit and its size in the smallest unit of that; None for other words."""
    forms = _forms(unit)
    return _SIZES.get(next(iter(forms))) if len(forms) == 1 else None


def scale_between(one: str, other: str) -> Fraction | None:
    """How many of `other` one of `one` is (60 for hour and minute); None when they do not measure the same."""
    ours, theirs = size_of(one), size_of(other)
    return ours[1] / theirs[1] if ours and theirs and ours[0] == theirs[0] else None
