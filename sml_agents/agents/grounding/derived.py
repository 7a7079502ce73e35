"""What follows from other values: an end from a start and a length, nights from two dates, a sum of what is counted."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from sml_agents.agents.grounding.draft import Draft
from sml_agents.text.values import Clock, Kind, mentions
from sml_agents.text.values.dates import as_date
from sml_agents.text.values.lengths import find_lengths
from sml_agents.text.values.numbers import as_number
from sml_agents.text.values.times import as_time, find_times

__all__ = ["derivation"]

_ADDED = re.compile(r"\s+[^\W\d]+(?:\s[^\W\d]+)?\s*(?:,|\band\b|\bund\b|\bplus\b|&|\+)\s*", re.IGNORECASE)
"""Between two counts of one sum: `2 adults and 1 child`."""


def derivation(draft: Draft, k: int) -> str:
    """The words that argument `k` follows from; empty when it does not follow from what was said."""
    kind, value = draft.kinds[k], draft.fills[k].value
    said = [piece.text for piece in draft.pieces if piece.source in ("said", "returned") or piece.accepted]
    if kind.sort == "date":
        return _day(value, said, draft.clock)
    if kind.sort in ("time", "datetime"):
        return _time(kind, value, said, draft.clock)
    if kind.sort == "number":
        return _nights(kind, value, said, draft.clock) or _sum(kind, value, said, draft.clock)
    return ""


def _lengths(said: Sequence[str]) -> list[tuple[float, str]]:
    return [(one.days, text[one.span.start : one.span.end]) for text in said for one in find_lengths(text)]


def _day(value: Any, said: Sequence[str], clock: Clock) -> str:
    """A day that lies a length of time after or before one that was said."""
    wanted, lengths = as_date(value, clock), _lengths(said)
    for text in said:
        for one in mentions(Kind("date"), text, clock):
            for days, words in lengths:
                step = dt.timedelta(days=round(days))
                starts = [day + sign * step for day in wanted for sign in (-1, 1)]
                if not one.denied and days >= 1 and any(one.value.fits(day, clock) for day in starts):
                    return f"{text[one.span.start : one.span.end]} and {words}"
    return ""


def _time(kind: Kind, value: Any, said: Sequence[str], clock: Clock) -> str:
    """A time that lies a length of time after or before one that was said, on a day that was said."""
    at = as_time(value)
    if at is None or (kind.sort == "datetime" and not _day_said(value, said, clock)):
        return ""
    minutes, lengths = at.hour * 60 + at.minute, _lengths(said)
    for text in said:
        for mention in find_times(text):
            for days, words in lengths:
                step = round(days * 1440)
                for start in (minutes - step, minutes + step):
                    if days < 1 and 0 <= start < 1440 and mention.fits(dt.time(start // 60, start % 60)):
                        return f"{text[mention.span.start : mention.span.end]} and {words}"
    return ""


def _day_said(value: Any, said: Sequence[str], clock: Clock) -> bool:
    found = [one for text in said for one in mentions(Kind("date"), text, clock) if not one.denied]
    return any(one.value.fits(day, clock) for one in found for day in as_date(value, clock))


def _nights(kind: Kind, value: Any, said: Sequence[str], clock: Clock) -> str:
    """A number of days or nights that lies between two dates."""
    number = as_number(value)
    if number is None or kind.unit is None or kind.unit < 1:
        return ""
    days = [one.value.day for text in said for one in mentions(Kind("date"), text, clock) if not one.denied]
    for one in days:
        for other in days:
            if other > one and abs((other - one).days - number * kind.unit) < 0.5:
                return f"{one} to {other}"
    return ""


def _sum(kind: Kind, value: Any, said: Sequence[str], clock: Clock) -> str:
    """The sum of what one sentence counts."""
    number = as_number(value)
    if number is None or kind.unit is not None or kind.part:
        return ""
    for text in said:
        counts = [one for one in mentions(kind, text, clock) if not one.denied]
        for start in range(len(counts)):
            total = float(counts[start].value)
            for last in range(start + 1, min(start + 3, len(counts))):
                if not _ADDED.fullmatch(text[counts[last - 1].span.end : counts[last].span.start]):
                    break
                total += float(counts[last].value)
                if abs(total - number) < 1e-9:
                    return text[counts[start].span.start : counts[last].span.end]
    return ""
