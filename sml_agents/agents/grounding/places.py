"""Where the words of a conversation hold a call's values, and which argument each of them is for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sml_agents.agents.grounding.answers import answer_is, holds_an_answer, names_it, picked_beside, picks, picks_name
from sml_agents.agents.grounding.asides import (
    is_aside,
    is_how_it_stands,
    is_in_passing,
    is_left_behind,
    is_one_of_several,
)
from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.grounding.limits import is_change, is_limit
from sml_agents.agents.grounding.meanings import meant_by
from sml_agents.agents.grounding.others import is_of_another
from sml_agents.agents.grounding.proposals import PREPOSITIONS, is_proposed
from sml_agents.agents.grounding.states import State
from sml_agents.agents.grounding.unsettled import is_unsettled
from sml_agents.agents.pieces import Piece
from sml_agents.agents.replies import answers_nothing
from sml_agents.text.values import Kind, Mention, Span, find, fold, label, mentions, same, tokens
from sml_agents.text.values.compare import spans_of
from sml_agents.text.values.dates import as_date, find_dates
from sml_agents.text.values.kinds import PEOPLE
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.times import as_time, find_times
from sml_agents.text.values.words import clause_of, find_part, is_denied, listed, split_name
from sml_agents.text.words import stem

__all__ = ["Place", "is_near", "is_wanted", "places_of", "seated", "words_beside"]


@dataclass(frozen=True)
class Place:
    """A mention of a value: in which piece, and where in its text."""

    piece: int
    span: Span
    state: State

    def clashes(self, other: Place) -> bool:
        return self.piece == other.piece and self.span.overlaps(other.span)


_STATE = {"said": State.SAID, "offered": State.ACCEPTED, "returned": State.RETURNED, "given": State.GIVEN}
_ORDER = {State.SAID: 0, State.ACCEPTED: 1, State.RETURNED: 2, State.GIVEN: 3, State.DERIVED: 4}
_AROUND = 40
"""Characters around a value in which a word may say that it is meant for several arguments."""
_SHARED = re.compile(
    r"\b(?:both|each|same|beide\w*|jeweils|gleich\w*|selben?|ambos"
    r"|(?:just|only) (?:for |on )?(?:today|tomorrow|one day|that day|(?:mon|tues|wednes|thurs|fri|satur|sun)day))\b",
    re.IGNORECASE,
)
_FROM = frozenset(
    map(
        stem,
        listed(
            "from origin departure depart source start pickup sender leaving begin checkin check-in since old previous"
            " existing"
        ),
    )
)
_TO = frozenset(
    map(
        stem,
        listed("to destination arrival target recipient end dropoff return going checkout until receiver back new"),
    )
)
_BEFORE = {
    **dict.fromkeys(listed("from von ab aus out leaving departing starting beginning abflug hinflug hinfahrt"), _FROM),
    **dict.fromkeys(
        listed("to nach bis until into back home returning return ending zuruck heim ruckflug ruckfahrt"), _TO
    ),
}
_SMALL = frozenset(listed("on at in by the again am um im den der wieder"))
"""Words that may stand between a role and its value: `coming back on 17 March`."""
_AT_HOME = frozenset(listed("stay staying at work working from am are be being"))
"""Before a `home` that is no way back."""
_SPOKEN = (State.SAID, State.ACCEPTED)
_NOW = frozenset(map(stem, listed("now today current timestamp")))


def places_of(draft: Draft, k: int) -> list[Place]:
    """The places that hold the value of argument `k`, the best first: an answer, then words near its name."""
    fill, kind = draft.fills[k], draft.kinds[k]
    since, back = max(_since(draft, k), draft.request.doubted.get(fill.slot.name, -1)), _taken_back(draft, k)
    places: list[tuple[int, Place]] = []
    for number, piece in enumerate(draft.pieces):
        old = piece.at < since or (piece.at == since and piece.source == "offered")
        if (piece.source in ("said", "offered") and (old or number < back[0])) or not _usable(draft, k, piece):
            continue
        answering = fill.slot.name in piece.about
        for mention in _mentions(draft, k, piece, answering):
            if not piece.tells(kind, fill.value, mention.span):
                continue
            if (number, mention.span.start) < back and piece.source == "said":
                continue
            if not is_wanted(draft, k, piece, mention) or not _role_fits(draft, k, piece, mention):
                continue
            if not answering and not (_unit_fits(draft, k, piece, mention) and _row_fits(draft, k, piece, mention)):
                continue
            near = is_near(kind, piece.text, mention.span)
            asked = answering or names_it(kind, piece.question)
            if piece.source == "said" and not (asked or near) and is_in_passing(kind, piece.text, mention.span):
                continue
            state = State.DERIVED if mention.derived else _STATE[piece.source]
            nearness = 0 if answering else 1 if near else 2
            places.append((nearness, Place(number, mention.span, state)))
    return [place for _, place in sorted(places, key=lambda one: (one[0], _ORDER[one[1].state], -one[1].piece))]


def _usable(draft: Draft, k: int, piece: Piece) -> bool:
    """Whether a piece may ground argument `k` at all."""
    slot, kind = draft.fills[k].slot, draft.kinds[k]
    if piece.source == "offered":
        return piece.accepted and (not piece.about or slot.name in piece.about)
    if piece.source == "said":
        elsewhere = piece.about & draft.names - {slot.name}
        return not elsewhere or kind.sort in ("date", "pattern", "text")
    fresh = piece.at >= draft.request.begins or piece.at < 0
    if kind.sort in ("number", "bool", "enum", "date", "time", "datetime") and not fresh:
        return False  # what an earlier request's tools returned
    if kind.sort in ("number", "bool") and (piece.key or piece.source == "given"):
        return bool(label(piece.key) & kind.name)
    if kind.sort == "enum" and piece.source == "given":
        return bool(piece.key) and bool(label(piece.key) & kind.words)
    if piece.source == "given" and kind.sort in ("date", "datetime"):
        return bool(piece.key) or bool(kind.name & _NOW)
    return not piece.echoes or kind.sort == "text"


def _since(draft: Draft, k: int) -> int:
    """The first message whose words count for argument `k`: the last answer about it, once there is a real one."""
    name, kind = draft.fills[k].slot.name, draft.kinds[k]
    answers = [piece for _, piece in draft.said if name in piece.about]
    return max((one.at for one in answers if holds_an_answer(kind, one.text, draft.clock)), default=-1)


def _taken_back(draft: Draft, k: int) -> tuple[int, int]:
    """The piece that takes the value of argument `k` back, and where in it: `no, not Paris`. What was said before does
    not count, in the same words (`digoxin. Actually not digoxin`) or in those of another message."""
    fill, kind = draft.fills[k], draft.kinds[k]
    if not fill.given or kind.sort not in ("text", "enum", "pattern", "date", "time", "number"):
        return -1, 0
    found = (-1, 0)
    for number, piece in draft.said:
        if kind.has_mentions:
            spans = [
                (one.span, one.denied)
                for one in mentions(kind, piece.text, draft.clock)
                if same(kind, one.value, fill.value, draft.clock)
            ]
        else:
            value = str(fill.value)
            words = spans_of(kind, value, piece.text, draft.clock)
            words = [one for one in words if not _is_in_address(value, piece.text, one)]
            spans = [(span, is_denied(piece.text, span)) for span in words]
        gone = [span.start for span, denied in spans if denied and not _counts_another(draft, k, piece.text, span)]
        if gone:
            found = (number, max(gone))
        if _is_moved_away(draft, k, piece):
            found = (number, len(piece.text))
    return found


def _is_in_address(value: str, text: str, span: Span) -> bool:
    """Whether a name stands in an address alone: Ann Lee in `ann@lee.org`."""
    return "@" in text[span.start : span.end] and "@" not in value


def _counts_another(draft: Draft, k: int, text: str, span: Span) -> bool:
    """`3 rooms, not 3 beds`."""
    beside = words_beside(text, span)
    return draft.kinds[k].sort == "number" and bool(beside) and not beside & draft.kinds[k].words


_NOT_THAT_MANY = re.compile(
    r"\b(?:fewer(?! than)|not (?:nearly |quite |exactly )?(?:that|so|as) (?:many|much)"
    r"|(?:well |far )?(?:below|above|under)"
    r" that|(?:less|more) than that|too many)\b|n['\u2019]t (?:\w+ )?(?:nearly |quite )?(?:that|so) (?:many|much)\b",
    re.IGNORECASE,
)


def _is_moved_away(draft: Draft, k: int, piece: Piece) -> bool:
    """`I don't need nearly that many`, `six won't do`: away from a number or an hour that was named before."""
    kind, text = draft.kinds[k], piece.text
    if kind.sort == "number":
        return bool(_NOT_THAT_MANY.search(text)) and not find(kind, draft.fills[k].value, text, draft.clock)
    at = as_time(draft.fills[k].value) if kind.sort == "time" else None
    return at is not None and any(
        at.minute == 0 and value % 12 == at.hour % 12 and is_denied(text, one.span)
        for one in find_numbers(text)
        for value in one.values
    )


def _mentions(draft: Draft, k: int, piece: Piece, answering: bool) -> list[Mention]:
    fill, kind, text, clock = draft.fills[k], draft.kinds[k], piece.text, draft.clock
    if fill.slot.in_call:
        found = find(kind, fill.value, text, clock)
        told = answering or (kind.sort == "bool" and names_it(kind, piece.question))
        if not found and told and answer_is(kind, fill.value, text, clock, piece.question):
            found = [Mention(fill.value, Span(0, len(text)))]
        if (
            not found
            and kind.has_mentions
            and piece.source == "said"
            and picks(kind, fill.value, _offer_before(draft, piece), text, clock)
        ):
            found = [Mention(fill.value, Span(0, len(text)))]
        named = not found and kind.sort in ("text", "enum", "pattern") and piece.source == "said"
        if named and picks_name(str(fill.value), _offer_before(draft, piece), text):
            found = [Mention(fill.value, Span(0, len(text)))]
        beside = not found and kind.sort != "bool" and piece.source == "said"
        if beside and (words := picked_beside(kind, fill.value, _offer_before(draft, piece), text, clock)):
            found = [Mention(fill.value, words)]
        if not found and kind.sort == "text" and piece.source == "said":
            offers = [one.text for one in draft.pieces if one.source in ("offered", "returned") and one.at < piece.at]
            found = [Mention(fill.value, span) for span in find_part(str(fill.value), text, offers)]
        return found or meant_by(draft, k, piece)
    if kind.sort == "datetime":
        days = mentions(replace(kind, sort="date"), text, clock)
        return [one for one in days if not one.denied and find_times(text)]
    if kind.has_mentions:
        found = [one for one in mentions(kind, text, clock) if not one.denied]
        if not answering and kind.sort == "date":
            found = [one for one in found if kind.about_past or one.value.day >= clock.today]
        return found
    return [Mention(text, Span(0, len(text)))] if answering and not answers_nothing(text) else []


def _offer_before(draft: Draft, piece: Piece) -> str:
    """What the agent said last before a piece, if the person had said nothing since."""
    offers = [one for one in draft.pieces if one.source == "offered" and not one.accepted and one.at < piece.at]
    last = max((one.at for _, one in draft.said if one.at < piece.at), default=-1)
    if not offers or offers[-1].at <= last:
        return ""
    return "".join(one.text for one in offers if one.at == offers[-1].at)  # a long one is in parts


def is_wanted(draft: Draft, k: int, piece: Piece, mention: Mention) -> bool:
    """Whether words that hold a value mean it, and not one near it, one of several, or something else."""
    kind, text, span = draft.kinds[k], piece.text, mention.span
    if is_aside(kind, piece, span, draft.looks_up):
        return False
    if piece.source != "said":
        return True
    return not (
        is_of_another(draft, k, piece, span)
        or is_unsettled(draft, k, piece, span)
        or is_how_it_stands(kind, piece, span, " ".join(one.text for _, one in draft.said if one.at == piece.at))
        or is_one_of_several(kind, piece, mention, draft.clock)
        or (is_left_behind(kind, text, span) and not (kind.sort != "text" and draft.rivals(k)))
        or is_change(kind, text, span)
        or (is_limit(kind, text, span) and not _has_ends(draft, k, text, span))
        or _is_of_a_day(draft, k, text, span)
    )


def _is_of_a_day(draft: Draft, k: int, text: str, span: Span) -> bool:
    """Whether a number is part of a day that is asked for too: `in 4 days` says when, and not for how many days."""
    kind = draft.kinds[k]
    if kind.sort != "number" or kind.part:
        return False
    asked = [
        fill.value for fill, other in zip(draft.fills, draft.kinds, strict=True) if other.sort in ("date", "datetime")
    ]
    days = {day for value in asked for day in as_date(value, draft.clock)}
    return any(
        one.span.start <= span.start and span.end <= one.span.end and any(one.fits(day, draft.clock) for day in days)
        for one in find_dates(text, draft.clock)
    )


def _has_ends(draft: Draft, k: int, text: str, span: Span) -> bool:
    """Whether a day or an hour is one end of what is wanted: by the argument's name, or since another is asked for."""
    if draft.kinds[k].sort not in ("date", "time", "datetime"):
        return False
    return bool(draft.rivals(k) or _role_before(text, span) & _name_words(draft, k))


def _role_fits(draft: Draft, k: int, piece: Piece, mention: Mention) -> bool:
    """`from Paris` is no destination, `back on 17 March` no departure where a day of return is asked for too."""
    text, kind = piece.text, draft.kinds[k]
    if kind.sort in ("text", "date", "enum", "time") and piece.source in ("said", "offered"):
        said = _role_before(text, mention.span)
        other = _TO if said is _FROM else _FROM
        names = _name_words(draft, k)
        if kind.sort == "date" and _is_stay(draft):
            return True
        if said and names & other and not names & said:
            return not any(_name_words(draft, j) & said for j in range(len(draft.fills)) if j != k)
    return True


def _is_stay(draft: Draft) -> bool:
    """Whether one arrives first and departs later: a stay goes from its arrival to its departure, unlike a trip."""
    days = {
        role: as_date(fill.value, draft.clock)
        for k, fill in enumerate(draft.fills)
        for role in ("arrival", "departure")
        if stem(role) in draft.kinds[k].name and draft.kinds[k].sort == "date"
    }
    return len(days) == 2 and all(days.values()) and min(days["arrival"]) < min(days["departure"])


def _unit_fits(draft: Draft, k: int, piece: Piece, mention: Mention) -> bool:
    """`3 nights` are no guests where nights are asked for too."""
    text, kind = piece.text, draft.kinds[k]
    if kind.sort == "number" and not mention.derived:
        if piece.source in ("offered", "returned") and not piece.key and not is_near(kind, text, mention.span):
            return piece.source == "offered" and is_proposed(draft, k, piece, mention.span)
        near = words_beside(text, mention.span)
        own = _counted(kind)
        before = tokens(text[: mention.span.start])[-1:]
        if before and not text[before[0].end : mention.span.start].strip(" #"):  # `season 2 episode 9`
            if stem(before[0].plain) in own:
                return True
            if not near & own and any(stem(before[0].plain) in draft.kinds[j].name - own for j in draft.rivals(k)):
                return False
        if near and not near & own and any(near & _counted(draft.kinds[j]) - own for j in draft.rivals(k)):
            return False
    return True


def _counted(kind: Kind) -> frozenset[str]:
    """Stems of what a number of the kind counts."""
    return kind.name | PEOPLE if kind.counts_people else kind.name


def _row_fits(draft: Draft, k: int, piece: Piece, mention: Mention) -> bool:
    """`two pizzas and three ramen`: what belongs to one row of a list stands beside that row's own words."""
    row, text = _row(draft, k), piece.text
    if row is None or draft.kinds[k].sort == "text":
        return True
    named = [
        (one.span, _row(draft, j) == row)
        for j, fill in enumerate(draft.fills)
        if draft.kinds[j].sort == "text" and fill.given and (other := _row(draft, j)) and other[:-1] == row[:-1]
        for one in find(draft.kinds[j], fill.value, text, draft.clock)
    ]
    if {own for _, own in named} != {True, False}:
        return True
    values = [one.span for one in mentions(draft.kinds[k], text, draft.clock)] or [mention.span]
    ahead = min(values) < min(span for span, _ in named)  # the number first, as in `two pizzas`, or the name
    beside = [one for one in named if (one[0].start >= mention.span.end) is ahead] or named
    return min(beside, key=lambda one: abs(one[0].start - mention.span.start))[1]


def _row(draft: Draft, k: int) -> tuple[str | int, ...] | None:
    """The place of the innermost row of a list that an argument stands in."""
    place = draft.fills[k].place
    at = max((n for n, part in enumerate(place) if isinstance(part, int)), default=-1)
    return place[: at + 1] if at >= 0 else None


def _role_before(text: str, span: Span) -> frozenset[str]:
    """The words for the role that a value has by the word before it: `from Paris`, `back on 17 March`."""
    before = [token.plain for token in tokens(text[: span.start])[-4:]]
    while before and before[-1] in _SMALL:
        before.pop()
    if before[-1:] == ["home"] and before[-2:-1] and before[-2] in _AT_HOME:
        return frozenset()
    return _BEFORE.get(before[-1], frozenset()) if before else frozenset()


def _name_words(draft: Draft, k: int) -> set[str]:
    return {stem(part) for part in split_name(draft.fills[k].slot.own_name) if part}


def words_beside(text: str, span: Span) -> frozenset[str]:
    """The stems of the two words after a span."""
    after = re.match(r"[^,.;:!?\n]*", text[span.end : span.end + 40])
    return frozenset(stem(token.plain) for token in tokens(after.group() if after else "")[:2])


def is_near(kind: Kind, text: str, span: Span) -> bool:
    """Whether a word of the argument's name stands near a span, or what it counts: `for 2 people`."""
    around = text[max(0, span.start - 25) : span.start] + " " + text[span.end : span.end + 25]
    if kind.name & {stem(token.plain) for token in tokens(around)}:
        return True
    return kind.counts_people and _of_people(text, span)


def _of_people(text: str, span: Span) -> bool:
    """`for 2 people`, `a table for 2`."""
    after = tokens(text[span.end : span.end + 20])[:1]
    if after and Kind("number", name=frozenset({stem(after[0].plain)})).counts_people:
        return True
    ends = not after or not text[span.end : after[0].start].isspace() or after[0].plain in PREPOSITIONS
    return ends and bool(re.search(r"\bfor $", text[: span.start], re.IGNORECASE))


def seated(draft: Draft, places: Mapping[int, list[Place]]) -> dict[int, Place]:
    """One value, one argument: each mention grounds one, unless the person speaks of both or the same.

    A value that is said again in other pieces is one mention still: see `_is_repeated`.
    """
    taken: dict[int, Place] = {}

    def rivals(k: int, place: Place) -> list[int]:
        text = draft.pieces[place.piece].text
        around = text[max(0, place.span.start - _AROUND) : place.span.end + _AROUND]
        if draft.kinds[k].sort in ("bool", "datetime") or _SHARED.search(around):
            return []
        against = [j for j in draft.rivals(k) if j in taken]
        return [j for j in against if taken[j].clashes(place) or _is_repeated(draft, (j, taken[j]), (k, place))]

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
    return taken


def _is_repeated(draft: Draft, *two: tuple[int, Place]) -> bool:
    """Whether two mentions of one value, which two arguments would take, are one that was said again.

    They are two where both are meant for their arguments, or one is and the words around them are others; in one
    message, and of numbers, which are said with what they count, other words are enough.
    """
    (_, one), (k, other) = two
    if one.state not in _SPOKEN or other.state not in _SPOKEN or not _is_one_value(draft, *two):
        return False
    together = one.piece == other.piece
    clause, elsewhere = _clause(draft, one), _clause(draft, other)
    if together and clause == elsewhere:
        return False
    around, beside = _words_around(draft, one, clause), _words_around(draft, other, elsewhere)
    in_same_words = bool(around and beside) and (around <= beside or beside <= around)
    meant = sum(_is_meant(draft, *seat) for seat in two)
    if together or draft.kinds[k].sort == "number":
        return in_same_words and meant < 2
    return meant == 0 or (meant == 1 and in_same_words)


def _is_one_value(draft: Draft, *two: tuple[int, Place]) -> bool:
    (j, _), (k, _) = two
    first, second = draft.fills[j], draft.fills[k]
    if first.given and second.given:
        return same(draft.kinds[k], first.value, second.value, draft.clock)
    words, others = (draft.pieces[place.piece].text[place.span.start : place.span.end] for _, place in two)
    return fold(words) == fold(others)  # no call holds them


def _is_meant(draft: Draft, k: int, place: Place) -> bool:
    """Whether a mention answers the question about argument `k`, or stands by a word for it."""
    piece = draft.pieces[place.piece]
    return (
        draft.fills[k].slot.name in piece.about
        or is_near(draft.kinds[k], piece.text, place.span)
        or bool(_role_before(piece.text, place.span) & _name_words(draft, k))
    )


def _clause(draft: Draft, place: Place) -> Span:
    return clause_of(draft.pieces[place.piece].text, place.span)


def _words_around(draft: Draft, place: Place, clause: Span) -> frozenset[str]:
    """The words of meaning in a mention's clause, without its own."""
    text = draft.pieces[place.piece].text
    return label(text[clause.start : place.span.start] + " " + text[place.span.end : clause.end])
