"""What follows from other values: an end from a start and a length, nights from two dates, a sum, `a shirt` for one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sml_agents.agents.grounding.draft import Draft
from sml_agents.text.values import Clock, Kind, find, mentions
from sml_agents.text.values.dates import as_date
from sml_agents.text.values.lengths import find_lengths
from sml_agents.text.values.numbers import as_number
from sml_agents.text.values.times import as_time, find_times
from sml_agents.text.values.words import clause_of, listed
from sml_agents.text.words import stem

__all__ = ["derivation"]

_ADDED = re.compile(r"\s+[^\W\d]+(?:\s[^\W\d]+)?\s*(?:,|\band\b|\bund\b|\bplus\b|&|\+)\s*", re.IGNORECASE)
"""Between two counts of one sum: `2 adults and 1 child`."""
_FROM_NOW = re.compile(r"\b(?:in|dans|en|tra) $", re.IGNORECASE)
_UNTIL = re.compile(
    r"(?:\s+in the (?:morning|afternoon|evening))?\s*(?:-|\u2013|to|until|till|bis|a|\u00e0)\s*", re.IGNORECASE
)
_COUNTS = frozenset(map(stem, listed("quantity count number qty copies items units amount menge anzahl cantidad")))
_SINGLE = re.compile(
    r"\b(?:an?|one|eine?n?|une?|una)\s+(?:(?!(?:few|couple|dozen|lot|pair|bunch|of|or|and)\b)[\w-]+\s+){0,3}$",
    re.IGNORECASE,
)


def derivation(draft: Draft, k: int) -> str:
    """The words that argument `k` follows from; empty when it does not follow from what was said."""
    kind, value = draft.kinds[k], draft.fills[k].value
    said = [piece.text for piece in draft.pieces if piece.source in ("said", "returned") or piece.accepted]
    if kind.sort == "date":
        return _day(value, said, draft.clock)
    if kind.sort in ("time", "datetime"):
        return _time(kind, value, said, draft.clock)
    if kind.sort == "number":
        return (
            _nights(kind, value, said, draft.clock)
            or _between_times(kind, value, said)
            or _sum(kind, value, said, draft.clock)
            or _one(draft, k)
        )
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
    for text in said if clock.known and kind.sort == "time" else ():
        for one in find_lengths(text):
            then = clock.now + dt.timedelta(days=one.days)
            if (
                one.days < 1
                and _FROM_NOW.search(text[: one.span.start])
                and then.time().replace(second=0, microsecond=0) == at
            ):
                return text[one.span.start : one.span.end]
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


def _between_times(kind: Kind, value: Any, said: Sequence[str]) -> str:
    """A number of minutes or hours for `from 3 to 4 pm`."""
    number = as_number(value)
    if number is None or kind.unit is None or kind.unit >= 1:
        return ""
    for text in said:
        for one, other in pairwise(find_times(text)):
            minutes = (other.at.hour - one.at.hour) * 60 + other.at.minute - one.at.minute
            minutes %= 720 if one.halves else 1440
            together = _UNTIL.fullmatch(text[one.span.end : other.span.start])
            if together and abs(minutes / 1440 - number * kind.unit) < 1e-6:
                return text[one.span.start : other.span.end]
    return ""


def _one(draft: Draft, k: int) -> str:
    """One, where the thing that is counted is said with `a`: `a blue shirt`."""
    kind = draft.kinds[k]
    if as_number(draft.fills[k].value) != 1 or not kind.name & _COUNTS or _is_named(draft, kind):
        return ""
    for j, fill in enumerate(draft.fills):
        if j == k or not fill.given or draft.kinds[j].sort not in ("text", "enum"):
            continue
        for _, piece in draft.said:
            for thing in find(draft.kinds[j], fill.value, piece.text, draft.clock):
                clause = clause_of(piece.text, thing.span)
                if single := _SINGLE.search(piece.text[clause.start : thing.span.start]):
                    return piece.text[clause.start + single.start() : thing.span.end]
    return ""


def _is_named(draft: Draft, kind: Kind) -> bool:
    """Whether the person names a value of the kind."""
    return any(mentions(kind, piece.text, draft.clock) for _, piece in draft.said)


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
