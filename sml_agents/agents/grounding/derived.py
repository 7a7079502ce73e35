"""What follows from other values: an end from a start and a length, nights from two dates, a sum, `a shirt` for one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from operator import add, mul
from typing import Any

from sml_agents.agents.grounding.draft import Draft
from sml_agents.text.values import Clock, Kind, Span, find, label, mentions
from sml_agents.text.values.dates import as_date
from sml_agents.text.values.lengths import find_lengths
from sml_agents.text.values.numbers import as_number, find_numbers
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
    """The words that argument `k` follows from; empty when it does not follow from what was said.

    Where the person did not confirm what had been understood, it has to rest on something that they said since.
    """
    since = draft.request.doubted.get(draft.fills[k].slot.name)
    if since is not None:
        earlier = tuple(p for p in draft.pieces if p.source not in ("said", "offered") or p.at < since)
        if _derivation(replace(draft, pieces=earlier), k):
            return ""
    return _derivation(draft, k)


def _derivation(draft: Draft, k: int) -> str:
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
            or _changed(draft, k)
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


_TIMES = {"double": 2.0, "twice": 2.0, "triple": 3.0, "halve": 0.5, "half": 0.5, "verdopple": 2.0, "halbiere": 0.5}
_BY_FACTOR = re.compile(
    r"\b(?P<times>double|twice|triple|halve|half|verdopple|halbiere)\s+(?:(?:that|it|this|both|them|those|das|es|beide\w*)\b"
    r"|(?:of )?the (?P<what>\w+))",
    re.IGNORECASE,
)
_UP = re.compile(
    r"(?:\s+[^\W\d_]+)?\s+(?:more|additional|extra|higher|warmer|hotter|louder|brighter|up|mehr|w\u00e4rmer)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"(?:\s+[^\W\d_]+)?\s+(?:less|fewer|lower|cooler|colder|quieter|darker|down|away|weniger|k\u00e4lter)\b",
    re.IGNORECASE,
)
_IT_STANDS = re.compile(
    r"\b(?:is|are|it['\u2019]s|at|has|have|had|runs?|running|to|on|with|and|currently|now)\s+"
    r"(?:currently |now |only |about |at |on )?$",
    re.IGNORECASE,
)


_PUT_BY = re.compile(
    r"\b(?:(?P<down>down|lower|reduce|decrease|drop|cut|turn down)"
    r"|up|raise|increase|bump|add)\b(?: \w+){0,4}? (?:by|um)\s+$",
    re.IGNORECASE,
)


def _changed(draft: Draft, k: int) -> str:
    """How things stand and what they are changed by: `it runs on 4, double that`, `it's 17 now` and `2 warmer`."""
    kind, wanted = draft.kinds[k], as_number(draft.fills[k].value)
    if wanted is None:
        return ""
    told = [piece for piece in draft.pieces if piece.source in ("said", "offered")]
    stands = [
        (piece.at, one)
        for piece in told
        for one in mentions(kind, piece.text, draft.clock)
        if (piece.source == "offered" or _IT_STANDS.search(piece.text[: one.span.start]))
        and _stands_for(draft, k, piece.text, one.span)
    ]
    for _, piece in draft.said:
        for shift, span in _changes(kind, piece.text, draft.clock):
            for at, base in stands:
                together = at == piece.at and base.span.overlaps(span)
                if at <= piece.at and not together and abs(shift(float(base.value)) - wanted) < 1e-9:
                    return f"{base.value:g}, {piece.text[span.start : span.end]}"
    return ""


def _stands_for(draft: Draft, k: int, text: str, span: Span) -> bool:
    """Whether a number is of argument `k`: by its words, where there are others."""
    around = label(text[max(0, span.start - 25) : span.start] + " " + text[span.end : span.end + 25])
    after = label(text[span.end : span.end + 12])
    if not draft.rivals(k):
        return True
    return bool(after & draft.kinds[k].words) or (
        bool(around & draft.kinds[k].name) and not any(after & draft.kinds[j].words for j in draft.rivals(k))
    )


def _changes(kind: Kind, text: str, clock: Clock) -> Iterator[tuple[Callable[[float], float], Span]]:
    for found in _BY_FACTOR.finditer(text):
        what = label(found["what"] or "")
        if not what or what & kind.words:
            yield partial(mul, _TIMES[found["times"].casefold()]), Span(*found.span())
    for number in find_numbers(text):
        amount = min(number.values)
        if by := _PUT_BY.search(text[: number.span.start]):
            yield partial(add, -amount if by["down"] else amount), number.span
        if _UP.match(text, number.span.end):
            yield partial(add, amount), number.span
        elif _DOWN.match(text, number.span.end):
            yield partial(add, -amount), number.span


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
