"""Where each argument of a drafted call comes from.

`ground(...)` gives every slot of a call a state with the words that ground it. A call may run only if all of its states
are in `GROUNDED`. Nothing here asks a model.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sml_agents.agents.evidence import Piece, Request, accepts, answers_nothing
from sml_agents.agents.slots import WRITTEN, Filled, Slot, filled
from sml_agents.text.values import Clock, Kind, Mention, Span, find, fold, label, mentions, same, tokens
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.dates import as_date, as_time, find_lengths, find_times
from sml_agents.text.values.numbers import as_number
from sml_agents.text.values.words import is_denied, listed
from sml_agents.text.words import stem

__all__ = ["GROUNDED", "Ground", "State", "ground", "value_in_words"]


class State(StrEnum):
    """Where an argument's value comes from."""

    SAID = "said"
    """The person said it in this request."""
    ACCEPTED = "accepted"
    """The agent offered it and the person took it."""
    RETURNED = "returned"
    """A tool returned it, and did not merely repeat what it was called with."""
    DEFAULT = "default"
    """The schema's default, its only member, or null where null is allowed."""
    GIVEN = "given"
    """It stands in the system prompt, the state, the store or the run's context."""
    DERIVED = "derived"
    """Reckoned from grounded values: an end from a start and a length, a sum, another unit."""
    COMPOSED = "composed"
    """Text that the model is there to write."""
    ASSUMED = "assumed"
    """Nobody gave it; the person said to go on and the policy marks the argument as one that may be guessed."""
    UNKNOWN = "unknown"
    """Nobody gave it."""
    CONTRADICTED = "contradicted"
    """The person gave another value."""


GROUNDED = frozenset(State) - {State.UNKNOWN, State.CONTRADICTED}


@dataclass(frozen=True)
class Ground:
    """The state of one argument."""

    slot: Slot
    state: State
    value: Any = None
    span: str = ""
    """The words that ground it; of a contradicted one, what was said instead."""
    corrected: bool = False
    """Of a contradicted one: the person took this value back."""

    @property
    def ok(self) -> bool:
        return self.state in GROUNDED


@dataclass(frozen=True)
class _Place:
    """A mention of a value: in which piece, and where in its text."""

    piece: int
    span: Span
    state: State

    def clashes(self, other: _Place) -> bool:
        return self.piece == other.piece and self.span.overlaps(other.span)


_AROUND = 40
"""Characters around a value in which a word may say that it is meant for several arguments."""
_SHARED = re.compile(r"\b(?:both|each|same|beide\w*|jeweils|gleich\w*|selben?|ambos)\b", re.IGNORECASE)
_FROM = frozenset(
    map(stem, listed("from origin departure source start pickup sender leaving begin checkin check-in since"))
)
_TO = frozenset(
    map(stem, listed("to destination arrival target recipient end dropoff return going checkout until receiver back"))
)
_BEFORE = {
    "from": _FROM,
    "von": _FROM,
    "ab": _FROM,
    "aus": _FROM,
    "leaving": _FROM,
    "to": _TO,
    "nach": _TO,
    "bis": _TO,
    "until": _TO,
    "into": _TO,
}
_ADDED = re.compile(r"\s+[^\W\d]+(?:\s[^\W\d]+)?\s*(?:,|\band\b|\bund\b|\bplus\b|&|\+)\s*", re.IGNORECASE)
"""Between two counts of one sum: `2 adults and 1 child`."""
_NOW = frozenset(map(stem, listed("now today current timestamp")))
_VALUED = ("date", "time", "datetime", "number", "enum", "pattern")


def ground(
    arguments: Mapping[str, Any],
    slots: Sequence[Slot],
    request: Request,
    clock: Clock,
    given: Sequence[Piece] = (),
    written: Collection[str] = WRITTEN,
) -> tuple[Ground, ...]:
    """The state of each required argument of a call. `given`: what stands outside of the conversation."""
    return _Grounding(filled(slots, arguments), request, clock, (*request.pieces, *given), written).all()


def value_in_words(ground: Ground, clock: Clock) -> Any:
    """The value that the words of a grounded argument stand for, as its JSON schema has it."""
    kind, words = ground.slot.kind(), ground.span
    found = mentions(kind, words, clock)
    if kind.sort == "date" and found:
        return found[0].value.day.isoformat()
    if kind.sort == "time" and found:
        return found[0].value.at.isoformat()
    if kind.sort == "number" and found:
        return int(found[0].value) if float(found[0].value).is_integer() else found[0].value
    if kind.sort in ("enum", "pattern") and found:
        return found[0].value
    if kind.sort == "bool":
        return as_bool(tokens(words)[0].plain) if tokens(words) else None
    return words


class _Grounding:
    def __init__(
        self, fills: Sequence[Filled], request: Request, clock: Clock, pieces: Sequence[Piece], written: Collection[str]
    ) -> None:
        self.fills = fills
        self.request = request
        self.clock = clock
        self.pieces = pieces
        self.written = written
        self.names = frozenset(fill.slot.name for fill in fills)
        self.kinds = [fill.slot.kind(fill.value) for fill in fills]
        self.corrected = max((k for k, piece in enumerate(pieces) if piece.correction), default=-1)

    def all(self) -> tuple[Ground, ...]:
        found: list[Ground | None] = [self._without_words(fill) for fill in self.fills]
        open_ones = [k for k, ground in enumerate(found) if ground is None]
        places = {k: self._places(k) for k in open_ones}
        taken = self._assigned(places)
        for k in open_ones:
            found[k] = self._derived(k) if k not in taken else self._by_place(k, taken[k])
        used = [place for place in taken.values()]
        grounds = [ground or self._missing(k, used) for k, ground in enumerate(found)]
        return tuple(self._against_corrections(k, ground, used) for k, ground in enumerate(grounds))

    # What needs no words

    def _without_words(self, fill: Filled) -> Ground | None:
        slot, value = fill.slot, fill.value
        if not slot.in_call:
            return None
        schema = slot.schema
        if not fill.given:
            if "default" in schema:
                return Ground(slot, State.DEFAULT, schema["default"])
            told = slot.kind().sort == "bool" and self._told_either_way(slot)
            return Ground(slot, State.SAID if told else State.UNKNOWN)  # what was told is for the model to fill in
        if value is None and slot.nullable:
            return Ground(slot, State.DEFAULT, value)
        if ("default" in schema and schema["default"] == value) or schema.get("const", schema) == value:
            return Ground(slot, State.DEFAULT, value)
        if isinstance(members := schema.get("enum"), list) and len(members) == 1 and members[0] == value:
            return Ground(slot, State.DEFAULT, value)
        if slot.is_free_text and isinstance(value, str) and self._is_written(slot):
            return Ground(slot, State.COMPOSED, value)
        return None

    def _told_either_way(self, slot: Slot) -> bool:
        said = [piece.text for piece in self.pieces if piece.source == "said"]
        return any(find(slot.kind(), value, text, self.clock) for text in said for value in (True, False))

    def _is_written(self, slot: Slot) -> bool:
        names = {slot.name, slot.own_name, slot.own_name.strip("_").rsplit("_", 1)[-1].casefold()}
        return bool(names & set(self.written))

    # Words that hold the value

    def _usable(self, k: int, piece: Piece) -> bool:
        """Whether a piece may ground slot `k` at all."""
        slot, kind = self.fills[k].slot, self.kinds[k]
        if piece.source == "offered":
            return piece.accepted
        if piece.source == "said":
            elsewhere = piece.about & self.names - {slot.name}
            return not elsewhere or kind.sort in ("date", "pattern", "text")
        fresh = piece.at >= self.request.begins or piece.at < 0
        if kind.sort in ("number", "bool", "enum", "date", "time", "datetime") and not fresh:
            return False  # what an earlier request's tools returned
        if kind.sort in ("number", "bool") and (piece.key or piece.source == "given"):
            return bool(label(piece.key) & kind.name)
        if kind.sort == "enum" and piece.source == "given":
            return bool(piece.key) and bool(label(piece.key) & kind.words)
        if piece.source == "given" and kind.sort in ("date", "datetime"):
            return bool(piece.key) or bool(kind.name & _NOW)
        return True

    def _since(self, k: int) -> int:
        """The first message whose words count for slot `k`: the last answer about it, once there is a real one."""
        name, kind = self.fills[k].slot.name, self.kinds[k]
        last = -1
        for piece in self.pieces:
            text = piece.text
            if piece.source != "said" or name not in piece.about or answers_nothing(text):
                continue
            if kind.sort not in _VALUED or mentions(kind, text, self.clock) or _bare(kind, text, self.clock):
                last = piece.at
        return last

    def _places(self, k: int) -> list[_Place]:
        fill, kind = self.fills[k], self.kinds[k]
        since = self._since(k)
        places: list[tuple[int, _Place]] = []
        for number, piece in enumerate(self.pieces):
            if (piece.source in ("said", "offered") and piece.at < since) or not self._usable(k, piece):
                continue
            answering = fill.slot.name in piece.about
            found = self._mentions(kind, fill, piece, answering)
            for mention in found:
                if not answering and not self._role_fits(k, piece, mention):
                    continue
                state = State.DERIVED if mention.derived else _STATE[piece.source]
                nearness = 0 if answering else 1 if self._is_near(kind, piece.text, mention.span) else 2
                places.append((nearness, _Place(number, mention.span, state)))
        return [place for _, place in sorted(places, key=lambda one: (one[0], _ORDER[one[1].state], -one[1].piece))]

    def _mentions(self, kind: Kind, fill: Filled, piece: Piece, answering: bool) -> list[Mention]:
        text = piece.text
        if fill.slot.in_call:
            found = find(kind, fill.value, text, self.clock)
            told = answering or (kind.sort == "bool" and _names(kind, piece.question))
            if not found and told and _answer_is(kind, fill.value, text, self.clock):
                found = [Mention(fill.value, Span(0, len(text)))]
            return found
        if kind.sort in _VALUED and kind.sort != "datetime":
            found = [one for one in mentions(kind, text, self.clock) if not one.denied]
            if not answering and kind.sort == "date":
                found = [one for one in found if kind.about_past or one.value.day >= self.clock.today]
            return found
        if kind.sort == "datetime":
            days = mentions(replace(kind, sort="date"), text, self.clock)
            return [one for one in days if not one.denied and find_times(text)]
        return [Mention(text, Span(0, len(text)))] if answering and not answers_nothing(text) else []

    def _role_fits(self, k: int, piece: Piece, mention: Mention) -> bool:
        """`from Paris` is no destination, `3 nights` are no guests where nights are asked for too."""
        text, kind = piece.text, self.kinds[k]
        before = tokens(text[: mention.span.start])
        if before and kind.sort in ("text", "date", "enum", "time") and piece.source == "said":
            said = _BEFORE.get(before[-1].plain)
            other = _TO if said is _FROM else _FROM
            names = {stem(part) for part in re.split(r"[_\W]+", self.fills[k].slot.own_name) if part}
            if said and names & other and not names & said:
                return not any(
                    j != k and {stem(p) for p in re.split(r"[_\W]+", self.fills[j].slot.own_name) if p} & said
                    for j in range(len(self.fills))
                )
        if kind.sort == "number" and not mention.derived:
            near = self._beside(text, mention.span)
            if (
                piece.source in ("offered", "returned")
                and not piece.key
                and not self._is_near(kind, text, mention.span)
            ):
                return False  # `one such hotel`, `with 1 transfer`
            rivals = [self.kinds[j] for j in range(len(self.fills)) if j != k and self.kinds[j].sort == "number"]
            if near and not near & kind.name and any(near & rival.name - kind.name for rival in rivals):
                return False
        return True

    @staticmethod
    def _beside(text: str, span: Span) -> frozenset[str]:
        after = [token.plain for token in tokens(text[span.end : span.end + 40])[:2]]
        return frozenset(stem(word) for word in after)

    def _is_near(self, kind: Kind, text: str, span: Span) -> bool:
        around = text[max(0, span.start - 25) : span.start] + " " + text[span.end : span.end + 25]
        return bool(kind.name & {stem(token.plain) for token in tokens(around)})

    def _assigned(self, places: Mapping[int, list[_Place]]) -> dict[int, _Place]:
        """One value, one slot: each mention grounds one argument, unless the person speaks of both or the same."""
        owner: dict[tuple[int, int, int], int] = {}
        taken: dict[int, _Place] = {}

        def rivals(k: int, place: _Place) -> list[int]:
            text = self.pieces[place.piece].text
            around = text[max(0, place.span.start - _AROUND) : place.span.end + _AROUND]
            if self.kinds[k].sort in ("bool", "datetime") or _SHARED.search(around):
                return []
            return [
                j
                for j, other in taken.items()
                if j != k and other.clashes(place) and _family(self.kinds[j]) == _family(self.kinds[k])
            ]

        def seat(k: int, tried: set[int]) -> bool:
            for place in places[k]:
                against = rivals(k, place)
                if not against:
                    taken[k] = place
                    return True
                if len(against) == 1 and against[0] not in tried:
                    (j,) = against
                    held = taken.pop(j)
                    taken[k] = place
                    if seat(j, {*tried, k, j}):
                        return True
                    del taken[k]
                    taken[j] = held
            return False

        for k in sorted(places, key=lambda k: len(places[k])):
            seat(k, {k})
        del owner
        return taken

    def _by_place(self, k: int, place: _Place) -> Ground:
        text = self.pieces[place.piece].text
        fill = self.fills[k]
        if not fill.slot.in_call:  # the words stand for a value that no call holds
            return Ground(fill.slot, place.state, None, text[place.span.start : place.span.end].strip())
        return Ground(fill.slot, place.state, fill.value, text[place.span.start : place.span.end].strip())

    # What follows from other values

    def _derived(self, k: int) -> Ground | None:
        fill, kind = self.fills[k], self.kinds[k]
        if not fill.slot.in_call:
            return None
        said = [piece.text for piece in self.pieces if piece.source in ("said", "returned") or piece.accepted]
        if kind.sort in ("date", "time", "datetime"):
            reason = self._end_of(kind, fill.value, said)
        elif kind.sort == "number":
            reason = self._reckoned(kind, fill.value, said)
        else:
            reason = ""
        return Ground(fill.slot, State.DERIVED, fill.value, reason) if reason else None

    def _lengths(self, said: Sequence[str]) -> list[tuple[float, str]]:
        return [(one.days, text[one.span.start : one.span.end]) for text in said for one in find_lengths(text)]

    def _end_of(self, kind: Kind, value: Any, said: Sequence[str]) -> str:
        """A day or time that lies a length of time after or before one that was said."""
        lengths = self._lengths(said)
        if kind.sort == "date":
            wanted = as_date(value, self.clock)
            for text in said:
                for one in mentions(Kind("date"), text, self.clock):
                    for days, words in lengths:
                        days_later = dt.timedelta(days=round(days))
                        starts = [day + sign * days_later for day in wanted for sign in (-1, 1)]
                        if not one.denied and days >= 1 and any(one.value.fits(day, self.clock) for day in starts):
                            return f"{text[one.span.start : one.span.end]} and {words}"
            return ""
        at = as_time(value)
        if at is None:
            return ""
        minutes = at.hour * 60 + at.minute
        for text in said:
            for mention in find_times(text):
                for days, words in lengths:
                    step = round(days * 1440)
                    for start in (minutes - step, minutes + step):
                        if days < 1 and 0 <= start < 1440 and mention.fits(dt.time(start // 60, start % 60)):
                            if kind.sort == "datetime" and not self._day_said(value, said):
                                continue
                            return f"{text[mention.span.start : mention.span.end]} and {words}"
        return ""

    def _day_said(self, value: Any, said: Sequence[str]) -> bool:
        days = as_date(value, self.clock)
        return any(
            not one.denied and one.value.fits(day, self.clock)
            for text in said
            for one in mentions(Kind("date"), text, self.clock)
            for day in days
        )

    def _reckoned(self, kind: Kind, value: Any, said: Sequence[str]) -> str:
        """Nights between two dates, or the sum of what one sentence counts."""
        number = as_number(value)
        if number is None:
            return ""
        if kind.unit is not None and kind.unit >= 1:
            days = [one for text in said for one in mentions(Kind("date"), text, self.clock) if not one.denied]
            for one in days:
                for other in days:
                    if (
                        abs((other.value.day - one.value.day).days - number * kind.unit) < 0.5
                        and other.value.day > one.value.day
                    ):
                        return f"{one.value.day} to {other.value.day}"
        if kind.unit is not None or kind.part:
            return ""
        for text in said:
            counts = [one for one in mentions(kind, text, self.clock) if not one.denied]
            for start in range(len(counts)):
                total = float(counts[start].value)
                for last in range(start + 1, min(start + 3, len(counts))):
                    if not _ADDED.fullmatch(text[counts[last - 1].span.end : counts[last].span.start]):
                        break
                    total += float(counts[last].value)
                    if abs(total - number) < 1e-9:
                        return text[counts[start].span.start : counts[last].span.end]
        return ""

    # What is missing

    def _missing(self, k: int, used: Sequence[_Place]) -> Ground:
        fill, kind = self.fills[k], self.kinds[k]
        said = self._said_instead(k, used) if fill.given else ""
        if said:
            return Ground(fill.slot, State.CONTRADICTED, fill.value, said)
        if self.request.went_on and fill.slot.guessable and fill.given:
            return Ground(fill.slot, State.ASSUMED, fill.value)
        del kind
        return Ground(fill.slot, State.UNKNOWN, fill.value if fill.given else None)

    def _said_instead(self, k: int, used: Sequence[_Place]) -> str:
        """Another value of the kind that the person named and no other argument takes."""
        fill, kind = self.fills[k], self.kinds[k]
        rivals = [j for j, other in enumerate(self.kinds) if j != k and _family(other) == _family(kind)]
        if kind.sort in _VALUED and kind.sort not in ("number", "datetime"):
            for number, piece in reversed(list(enumerate(self.pieces))):
                if piece.source != "said":
                    continue
                for one in mentions(kind, piece.text, self.clock):
                    place = _Place(number, one.span, State.SAID)
                    if not one.denied and not any(place.clashes(other) for other in used):
                        if rivals and kind.sort in ("date", "time") and not self._is_near(kind, piece.text, one.span):
                            continue
                        return piece.text[one.span.start : one.span.end]
            return ""
        shape = _shape(fill.value)
        for number, piece in reversed(list(enumerate(self.pieces))):
            if piece.source == "said" and shape:
                for found in re.finditer(r"[^\s,;!?]*\d[^\s,;!?]*", piece.text):
                    word = found.group().strip(".:\"'()")
                    place = _Place(number, Span(*found.span()), State.SAID)
                    if _shape(word) == shape and not any(place.clashes(other) for other in used):
                        return word
        return ""

    def _against_corrections(self, k: int, ground: Ground, used: Sequence[_Place]) -> Ground:
        """A value that was said before a correction that names another value of its kind, which no argument takes."""
        if self.corrected < 0 or ground.state not in (State.SAID, State.ACCEPTED, State.DERIVED, State.RETURNED):
            return ground
        kind = self.kinds[k]
        place = next((one for one in used if self._is_mine(ground, one, k)), None)
        if place is not None and place.piece >= self.corrected:
            return ground
        for number, piece in enumerate(self.pieces):
            if not piece.correction or (place is not None and number <= place.piece) or piece.source != "said":
                continue
            if piece.about and ground.slot.name not in piece.about:
                continue
            for words, span in self._values_in(kind, piece.text):
                mine = _Place(number, span, State.SAID)
                if not any(mine.clashes(other) for other in used):
                    return replace(ground, state=State.CONTRADICTED, span=words, corrected=True)
        return ground

    def _is_mine(self, ground: Ground, place: _Place, k: int) -> bool:
        text = self.pieces[place.piece].text
        return text[place.span.start : place.span.end].strip() == ground.span and _family(self.kinds[k]) is not None

    def _values_in(self, kind: Kind, text: str) -> list[tuple[str, Span]]:
        if kind.sort == "number":
            counted = [
                (one, self._beside(text, one.span)) for one in mentions(kind, text, self.clock) if not one.denied
            ]
            return [
                (text[one.span.start : one.span.end], one.span)
                for one, near in counted
                if not near or near & kind.words
            ]
        if kind.sort in ("date", "time", "enum", "pattern"):
            return [
                (text[one.span.start : one.span.end], one.span)
                for one in mentions(kind, text, self.clock)
                if not one.denied
            ]
        if kind.sort == "datetime":
            return [
                (text[m.span.start : m.span.end], m.span)
                for m in mentions(Kind("date"), text, self.clock)
                if not m.denied
            ]
        if kind.sort != "text":
            return []
        if len(tokens(text)) > _SHORT:
            return []  # too much is said to tell what it corrects
        other = [one.span for kind in (Kind("date"), Kind("time")) for one in mentions(kind, text, self.clock)]
        labels = {word for kind in self.kinds for word in kind.words}
        names = []
        for found in re.finditer(r"(?<=[^\s.!?]\s)[A-Z\u00c0-\u00de][\w-]+(?:\s[A-Z\u00c0-\u00de][\w-]+)*", text):
            span = Span(*found.span())
            known = {stem(token.plain) for token in tokens(found.group())} <= labels
            if not known and not any(span.overlaps(one) for one in other) and not is_denied(text, span):
                names.append((found.group(), span))
        return names


_SHORT = 8
_STATE = {"said": State.SAID, "offered": State.ACCEPTED, "returned": State.RETURNED, "given": State.GIVEN}
_ORDER = {State.SAID: 0, State.ACCEPTED: 1, State.RETURNED: 2, State.GIVEN: 3, State.DERIVED: 4}


def _family(kind: Kind) -> str:
    return "text" if kind.sort in ("text", "pattern") else kind.sort


def _shape(value: Any) -> str:
    """`AAA-9999` of `ORD-4711`: codes of one shape are values of one kind. Empty for what has no digit."""
    text = str(value)
    if not re.search(r"\d", text) or not re.search(r"[^\W\d_]", text) or " " in text:
        return ""
    return re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", text)))


def _bare(kind: Kind, text: str, clock: Clock) -> bool:
    """Whether a short answer holds a value of the kind in a form that only an answer may have."""
    if kind.sort in ("time", "number"):
        return bool(re.search(r"\d", text)) or bool(mentions(Kind("number"), text, clock))
    return kind.sort == "date" and bool(re.search(r"\b\d{1,2}(?:st|nd|rd|th|\.)?\b", text))


def _names(kind: Kind, question: str) -> bool:
    """Whether a question of the agent's names the thing: `Would you like trip protection?`"""
    return bool(kind.name) and kind.name <= {stem(token.plain) for token in tokens(question)}


def _answer_is(kind: Kind, value: Any, text: str, clock: Clock) -> bool:
    """Whether an answer to a question about the argument means the value, in forms that only an answer has."""
    words = [token.plain for token in tokens(text)]
    if not words or answers_nothing(text):
        return False
    if kind.sort == "bool":
        said = {"yes": True, "no": False}.get(accepts(text), as_bool(words[0]))
        return said is not None and said == as_bool(value)
    if kind.sort == "enum":
        return " ".join(words) == " ".join(token.plain for token in tokens(str(value).replace("_", " ")))
    if kind.sort == "time":
        numbers = mentions(Kind("number"), text, clock)
        return any(
            same(kind, one, value, clock)
            for n in numbers
            for one in [m.value for m in mentions(kind, f"at {n.value:g}", clock)]
        )
    if kind.sort == "date":
        found = re.search(r"\b(\d{1,2})(?:st|nd|rd|th|\.)?(?=\W*$)", text)
        days = mentions(kind, f"the {found[1]}th", clock) if found else ()
        return any(one.value.fits(day, clock) for one in days for day in as_date(value, clock))
    if kind.sort == "text":
        return fold(str(value)).strip(" .!") == fold(text).strip(" .!")
    return False
