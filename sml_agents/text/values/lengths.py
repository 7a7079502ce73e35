"""Lengths of time in a text: three nights, an hour and a half, two weeks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import Span, fold

__all__ = ["UNITS", "Length", "find_lengths"]

_UNITS = {
    "second sec sekunde sekunden": 1 / 86400, "minute minutes min mins minuten": 1 / 1440,
    "hour hours hr hrs h stunde stunden heure heures": 1 / 24,
    "day days tag tage tagen jour jours dia dias giorni": 1.0,
    "night nights nacht nachte nachten nuit nuits noches notti": 1.0, "week weeks woche wochen semaine semaines": 7.0,
    "fortnight": 14.0, "month months monat monate monaten mois": 30.0, "year years jahr jahre jahren": 365.0,
}  # fmt: skip
UNITS = {word: days for words, days in _UNITS.items() for word in words.split()}
"""Days in a unit of time; months count 30."""


@dataclass(frozen=True)
class Length:
    """A length of time or other quantity with its unit."""

    days: float
    """In days; months count 30."""
    span: Span


_JOINED = re.compile(r"\s*(?:and|und|et|y|,)?\s*")
"""Between the parts of one length: `an hour and five minutes`."""


@lru_cache(maxsize=1024)
def find_lengths(text: str) -> tuple[Length, ...]:
    """Lengths of time: `three nights`, `90 minutes`, `an hour and a half`, `half an hour`, `two weeks`."""
    found: list[Length] = []
    for number in find_numbers(text):
        unit = re.match(r"[\s-]*(?:more |full |weitere )?([^\W\d_]+)", text[number.span.end :])
        if unit and fold(unit[1]) in UNITS:
            span = Span(number.span.start, number.span.end + unit.end())
            found.append(Length(min(number.values) * UNITS[fold(unit[1])], span))
    for match in re.finditer(r"\b(half )?(?:an?|eine?n?)( halbe)? (\w+)( and a half)?", text, re.IGNORECASE):
        if fold(match[3]) in UNITS:
            count = 0.5 if match[1] or match[2] else 1.5 if match[4] else 1.0
            span = Span(*match.span())
            found = [one for one in found if not one.span.overlaps(span)]
            found.append(Length(count * UNITS[fold(match[3])], span))
    for match in re.finditer(r"\b(?:(a|one|three) )?quarters? of an hour\b", text, re.IGNORECASE):
        span = Span(*match.span())
        found = [one for one in found if not one.span.overlaps(span)]
        found.append(Length((3 if fold(match[1] or "") == "three" else 1) / 96, span))
    found.sort(key=lambda length: length.span)
    for one, other in pairwise(list(found)):
        if _JOINED.fullmatch(text[one.span.end : other.span.start]) and one.days > other.days and one in found:
            found.append(Length(one.days + other.days, Span(one.span.start, other.span.end)))
            found = [length for length in found if length not in (one, other)]
    return tuple(sorted(found, key=lambda length: length.span))
