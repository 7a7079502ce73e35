"""Lengths of time in a text: three nights, an hour and a half, two weeks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import Span, fold

__all__ = ["UNITS", "Length", "find_lengths", "find_rhythms"]

_UNITS = {
    "second seconds sec secs sekunde sekunden secondes segundos secondi": 1 / 86400,
    "minute minutes min mins minuten minuto minutos minuti": 1 / 1440,
    "hour hours hr hrs h stunde stunden heure heures hora horas": 1 / 24,
    "day days tag tage tagen jour jours dia dias giorni": 1.0,
    "night nights nacht nachte nachten nuit nuits noches notti": 1.0,
    "week weeks woche wochen semaine semaines semana semanas settimane": 7.0,
    "fortnight": 14.0, "month months monat monate monaten mois meses mesi": 30.0, "year years jahr jahre jahren": 365.0,
}  # fmt: skip
UNITS = {word: days for words, days in _UNITS.items() for word in words.split()}
"""Days in a unit of time; months count 30."""
_MONTHS = {UNITS["month"]: 1, UNITS["year"]: 12}
_PARTS = {"half": 1 / 2, "quarter": 1 / 4, "three quarters": 3 / 4}
_AND_A_PART = re.compile(
    rf"\s+(?:and|und)\s+(?:an? )?({'|'.join(_PARTS)})\b(?!\s+(?:of|{'|'.join(UNITS)})\b)", re.IGNORECASE
)
"""Behind a unit: `an hour and a quarter`."""


@dataclass(frozen=True)
class Length:
    """A length of time or other quantity with its unit."""

    days: float
    """In days; months count 30."""
    span: Span
    months: float | None = None
    """Of one that was said in months or years: a year has twelve."""

    def is_(self, number: float, unit: float) -> bool:
        """Whether it is as long as `number` units of so many days."""
        per = _MONTHS.get(unit)
        if per is not None and self.months is not None:
            return abs(self.months - number * per) < 1e-6 * max(1.0, self.months)
        return abs(self.days - number * unit) < 1e-6 * max(1.0, self.days)


def _length(count: float, unit: str, span: Span) -> Length:
    days = UNITS[fold(unit)]
    return Length(count * days, span, count * _MONTHS[days] if days in _MONTHS else None)


_THE_PAST = re.compile(
    r"\b(?:in|over|for|during|within|of|from) the (?:past|last) (hour|day|week|month|year)\b(?! and an? )",
    re.IGNORECASE,
)
_RHYTHMS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
_EACH = re.compile(
    rf"\b(?:({'|'.join(_RHYTHMS)})|(?:each|every|per|once an?) ({'|'.join(_RHYTHMS.values())}))\b", re.IGNORECASE
)
_JOINED = re.compile(r"\s*(?:and|und|et|y|,)?\s*")
"""Between the parts of one length: `an hour and five minutes`."""


@lru_cache(maxsize=1024)
def find_lengths(text: str) -> tuple[Length, ...]:
    """Lengths of time: `three nights`, `90 minutes`, `an hour and a half`, `half an hour`, `two weeks`."""
    found: list[Length] = []

    def add(count: float, unit: str, span: Span) -> None:
        if more := _AND_A_PART.match(text, span.end):
            count, span = count + _PARTS[fold(more[1])], Span(span.start, more.end())
        found[:] = [one for one in found if not one.span.overlaps(span)]
        found.append(_length(count, unit, span))

    for number in find_numbers(text):
        unit = re.match(r"[\s-]*(?:more |full |weitere )?([^\W\d_]+)", text[number.span.end :])
        if unit and fold(unit[1]) in UNITS:
            add(min(number.values), unit[1], Span(number.span.start, number.span.end + unit.end()))
    for match in re.finditer(r"\b(half )?(?:an?|eine?[nms]?)( halbe[ns]?)? (\w+)", text, re.IGNORECASE):
        if fold(match[3]) in UNITS:
            add(0.5 if match[1] or match[2] else 1.0, match[3], Span(*match.span()))
    for match in re.finditer(r"\b(?:(a|one|three) )?quarters? of an? (\w+)\b", text, re.IGNORECASE):
        if fold(match[2]) in UNITS:
            add(0.75 if fold(match[1] or "") == "three" else 0.25, match[2], Span(*match.span()))
    for match in re.finditer(
        r"(?<!\w[ -])(?<!\w)(hour|minute|day|week|month|year)(?= and a (?:half|quarter)\b)", text, re.IGNORECASE
    ):
        add(1.0, match[1], Span(*match.span()))
    for match in _THE_PAST.finditer(text):
        add(1.0, match[1], Span(match.start(1), match.end(1)))
    found.sort(key=lambda length: length.span)
    for one, other in pairwise(list(found)):
        if _JOINED.fullmatch(text[one.span.end : other.span.start]) and one.days > other.days and one in found:
            months = None if one.months is None or other.months is None else one.months + other.months
            found.append(Length(one.days + other.days, Span(one.span.start, other.span.end), months))
            found = [length for length in found if length not in (one, other)]
    return tuple(sorted(found, key=lambda length: length.span))


def find_rhythms(text: str) -> list[Length]:
    """One unit as how often something comes: `hourly`, `every day`, `once a week`."""
    return [_length(1.0, one[2] or _RHYTHMS[fold(one[1])], Span(*one.span())) for one in _EACH.finditer(text)]
