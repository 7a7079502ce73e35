"""What a text says, in the form in which a call has it: `8:30 pm` as 20:30, `an hour` as 60 of minutes.

The comparison of a guard (`sml_agents.text.values.compare`) asks whether a text says a given value, and is strict. Here
none is given: every date, time, number or code of the text is one that may be meant.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sml_agents.text.values.compare import mentions
from sml_agents.text.values.counts import names_a_thing
from sml_agents.text.values.date_phrases import Clock
from sml_agents.text.values.dates import find_dates
from sml_agents.text.values.kinds import Kind, kind_of
from sml_agents.text.values.lengths import UNITS, Length, find_lengths
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.times import find_times
from sml_agents.text.values.words import Span

__all__ = ["Formed", "formed", "kind_by_form", "today_in"]


class Formed(NamedTuple):
    """A value that a text says."""

    span: Span
    value: Any
    """In the form of the schema."""


_DATE_FORM = re.compile(r"\bY{2,4}[-/.]M{1,2}[-/.]D{1,2}\b")
_TIME_FORM = re.compile(r"\bHH:MM\b", re.IGNORECASE)
_SORTS_BY_FORM = ("date", "time", "datetime", "number", "pattern")


def kind_by_form(schema: Mapping[str, Any], name: str) -> Kind:
    """The kind of an argument by its schema alone: of a string also by the form that its description states, such as
    `YYYY-MM-DD` or `HH:MM`."""
    about = str(schema.get("description", ""))
    day, hour = bool(_DATE_FORM.search(about)), bool(_TIME_FORM.search(about))
    if "format" not in schema and (day or hour):
        schema = {**schema, "format": "date-time" if day and hour else "date" if day else "time"}
    return kind_of(schema, name)


def formed(kind: Kind, text: str, clock: Clock) -> list[Formed] | None:
    """Every value of this kind that a text says, in order. None: values of the kind have no form, any words may be one.

    Of a day without its year the coming one is taken, of a number that may be read in two ways the larger: 1,050 is a
    thousand and fifty.
    """
    if kind.sort not in _SORTS_BY_FORM:
        return None
    if kind.sort == "date":
        return _days(text, clock)
    if kind.sort == "time":
        return [Formed(one.span, f"{one.at:%H:%M}") for one in find_times(text)]
    if kind.sort == "datetime":
        return _moments(text, clock)
    if kind.sort == "pattern":
        return [Formed(one.span, one.value) for one in mentions(kind, text, clock) if not one.denied]
    return _numbers(kind, text, clock)


def _days(text: str, clock: Clock) -> list[Formed]:
    return [Formed(one.span, one.value.day.isoformat()) for one in mentions(_ANY_DAY, text, clock) if not one.denied]


_ANY_DAY = Kind("date", words=frozenset({"birth"}))
"""Also a day that is over."""


def _moments(text: str, clock: Clock) -> list[Formed]:
    """A day and the time that is said nearest to it."""
    times, found = find_times(text), []
    for day in _days(text, clock):
        if times:
            near = min(times, key=lambda one: abs(one.span.start - day.span.start))
            whole = Span(min(day.span.start, near.span.start), max(day.span.end, near.span.end))
            found.append(Formed(whole, f"{day.value}T{near.at:%H:%M}:00"))
    return found


def _numbers(kind: Kind, text: str, clock: Clock) -> list[Formed]:
    """Numbers that belong to no day, no time and no thing's name; where the kind counts a unit of time, lengths in that
    unit."""
    unit = kind.unit
    found = [Formed(one.span, _in_units(one, unit)) for one in find_lengths(text)] if unit else []
    elsewhere = [one.span for some in (found, find_dates(text, clock), find_times(text)) for one in some]
    elsewhere += [Span(*one.span()) for one in _SOME_ONE.finditer(text)]
    for one in find_numbers(text):
        values = [value for value in one.values if math.isfinite(value)]
        if names_a_thing(kind, text, one.span):
            continue
        if values and not any(one.span.overlaps(other) for other in elsewhere):
            said = text[one.span.start : one.span.end]
            if re.search(r"m$|\sM$", said):  # metres, no millions
                values = [value for value in values if value < 1e6] or values
            if re.match(r"\D*0[.,]", said):  # no thousands begin with a nought
                values = [min(values)]
            found.append(Formed(one.span, _number(max(values))))
    spans = {one.span for one in found}
    return sorted(one for one in found if not any(one.span.lies_in(other) for other in spans - {one.span}))


_SOME_ONE = re.compile(
    r"\b(?:(?:an)?other|this|that|which|no|every|each|any) one\b"
    r"|\bone (?:thing|of|another|(?:more|last) (?:thing|fav|quest))",
    re.IGNORECASE,
)
"""Where `one` stands for a thing, and counts nothing."""


def _in_units(length: Length, unit: float) -> float | int:
    if length.months is not None and unit in (UNITS["month"], UNITS["year"]):
        return _number(length.months / (1 if unit == UNITS["month"] else 12))
    return _number(length.days / unit)


def _number(value: float) -> float | int:
    value = round(value, 9)
    return int(value) if value == int(value) else value


_TODAY = re.compile(
    r"\b(?:today(?:['\u2019]s date)?|(?:current|present) (?:date|day))\s*(?:is\b|:)?"
    r"|\b(?:it is|it['\u2019]s)(?=\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day\b)",
    re.IGNORECASE,
)
_NEAR = 14
"""Characters at most between such words and the day, whose own words may begin with them."""
_NO_CLOCK = Clock(dt.datetime(2000, 1, 1), known=False)


def today_in(texts: Sequence[str]) -> tuple[int, Span, dt.date] | None:
    """Where one of these texts says what day it is (`Today is Monday, 5 April 2027`): place, words, day."""
    for place, text in enumerate(texts):
        said = list(_TODAY.finditer(text))
        for one in find_dates(text, _NO_CLOCK) if said else ():
            whole = not (one.open_year or one.relative or one.weekday_only)
            words = next((words for words in said if _is_of(words, one.span)), None)
            if whole and words is not None:
                return place, Span(min(words.start(), one.span.start), max(words.end(), one.span.end)), one.day
    return None


def _is_of(words: re.Match[str], day: Span) -> bool:
    """Whether such words stand before a day, at its beginning, or right behind it."""
    return words.start() - 1 == day.end or words.start() <= day.start <= words.end() + _NEAR
