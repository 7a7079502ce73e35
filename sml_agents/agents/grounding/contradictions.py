"""Where the person gave another value than the call holds, or took the call's value back."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.grounding.places import Place, is_near, is_wanted, words_beside
from sml_agents.agents.grounding.states import Ground, State
from sml_agents.text.values import Kind, Span, mentions, tokens
from sml_agents.text.values.lengths import find_lengths
from sml_agents.text.values.numbers import find_numbers, same_unit
from sml_agents.text.values.words import is_denied
from sml_agents.text.words import stem

__all__ = ["after_corrections", "said_instead"]

_SHORT = 8
"""In a correction of more words names are not looked for: too much is said to tell what it corrects."""
_LED_BY = 4
"""So many words at most stand between the beginning of a correction and its number: `oh no, make that 40`."""


def said_instead(draft: Draft, k: int, used: Collection[Place]) -> str:
    """Another value of the kind of argument `k` that the person named and no argument takes; empty if there is none."""
    kind = draft.kinds[k]
    shape = _shape(draft.fills[k].value)
    for number, piece in reversed(list(draft.said)):
        if kind.has_mentions and kind.sort not in ("number", "datetime"):
            said = [one for one in mentions(kind, piece.text, draft.clock) if not one.denied]
            found = [one.span for one in said if is_wanted(draft, k, piece, one)]
            if draft.rivals(k) and kind.sort in ("date", "time"):
                found = [span for span in found if is_near(kind, piece.text, span)]
        elif shape:
            words = re.finditer(r"[^\s,;!?]*\d[^\s,;!?]*", piece.text)
            found = [Span(*word.span()) for word in words if _shape(_bare(word.group())) == shape]
        else:
            return ""
        if free := [span for span in found if _is_free(number, span, used)]:
            return _bare(piece.text[free[0].start : free[0].end])
    return ""


def after_corrections(draft: Draft, k: int, ground: Ground, places: Sequence[Place], used: Collection[Place]) -> Ground:
    """The ground of argument `k`, unless a later correction names another value of its kind that no argument takes.

    `places`: where its value stands; `used`: what the arguments of the call take.
    """
    corrected = max((number for number, piece in enumerate(draft.pieces) if piece.correction), default=-1)
    spoken = (State.SAID, State.ACCEPTED, State.DERIVED)
    held = [one for one in places if one.state in spoken or one.state is ground.state]
    last = max((one.piece for one in held), default=-1)
    if ground.state in (State.SAID, State.ACCEPTED) and (moved := _moved(draft, k, last)):
        return replace(ground, state=State.CONTRADICTED, span=moved, corrected=True)
    if corrected < 0 or ground.state not in (*spoken, State.RETURNED) or last >= corrected:
        return ground
    for number, piece in draft.said:
        if not piece.correction or number <= last or (piece.about and ground.slot.name not in piece.about):
            continue
        for span in _values_in(draft, k, number, held):
            if _is_free(number, span, used) and not _is_unit(number, piece.text, span, used):
                words = piece.text[span.start : span.end]
                return replace(ground, state=State.CONTRADICTED, span=words, corrected=True)
    return ground


_LATER = re.compile(
    r"[\s-]*(?:later|earlier|sooner|sp\u00e4ter|fr\u00fcher|plus (?:tard|t\u00f4t)|m\u00e1s (?:tarde|temprano))\b",
    re.IGNORECASE,
)


def _moved(draft: Draft, k: int, last: int) -> str:
    """The words that move a day or an hour that had been said: `half an hour later, please`."""
    sort = draft.kinds[k].sort
    if sort not in ("date", "time", "datetime"):
        return ""
    for number, piece in draft.said:
        for length in find_lengths(piece.text) if number > last >= 0 else ():
            later = _LATER.match(piece.text, length.span.end)
            if later and (sort == "datetime" or (length.days >= 1) == (sort == "date")):
                return piece.text[length.span.start : later.end()]
    return ""


def _is_free(number: int, span: Span, used: Collection[Place]) -> bool:
    mine = Place(number, span, State.SAID)
    return not any(mine.clashes(other) for other in used)


def _is_unit(number: int, text: str, span: Span, used: Collection[Place]) -> bool:
    """Whether words belong to a number right before them that an argument takes: the `Grad` of `nein, 18 Grad`."""
    return any(one.span.end + 1 == span.start and not _is_free(number, one.span, used) for one in find_numbers(text))


def _values_in(draft: Draft, k: int, number: int, held: Collection[Place]) -> list[Span]:
    """Everything in a correction that may be a value of argument `k`. `held`: where its own value stands."""
    kind, text = draft.kinds[k], draft.pieces[number].text
    if kind.sort == "text":
        return _names_in(draft, text)
    if kind.sort == "datetime":
        kind = Kind("date")
    found = [one.span for one in mentions(kind, text, draft.clock) if not one.denied]
    if kind.sort == "number":
        beside = [(span, words_beside(text, span)) for span in found]
        return [
            span
            for span, words in beside
            if not words
            or words & kind.words
            or any(_restates(draft, old, Place(number, span, old.state)) for old in held)
        ]
    return found


def _restates(draft: Draft, old: Place, new: Place) -> bool:
    """`30 euros, no, 40 euros`: whether a number at the head of a correction takes the place of the last one before it,
    of the same unit. In the same message either may stand without, in a later one neither."""
    pieces = draft.pieces[old.piece : new.piece + 1]
    first, last = pieces[0].text, pieces[-1].text
    head = last[: new.span.start]
    if len(tokens(head)) > _LED_BY or find_numbers(head):
        return False
    if pieces[0].at != pieces[-1].at:
        return same_unit(first, old.span, last, new.span, both=True)
    between = [first[old.span.end :], *(one.text for one in pieces[1:-1])]
    return not any(map(find_numbers, between)) and same_unit(first, old.span, last, new.span)


def _names_in(draft: Draft, text: str) -> list[Span]:
    """Names with a capital that are no date, no time and no word for an argument."""
    if len(tokens(text)) > _SHORT:
        return []
    other = [one.span for kind in (Kind("date"), Kind("time")) for one in mentions(kind, text, draft.clock)]
    labels = {word for kind in draft.kinds for word in kind.words}
    names = []
    for found in re.finditer(
        r"(?<=[^\s.!?]\s)[A-Z\u00c0-\u00de][\w-]+(?:\s[A-Z\u00c0-\u00de][\w-]+)*(?!['\u2019\w])", text
    ):
        span = Span(*found.span())
        known = {stem(token.plain) for token in tokens(found.group())} <= labels
        if not known and not any(span.overlaps(one) for one in other) and not is_denied(text, span):
            names.append(span)
    return names


def _bare(word: str) -> str:
    return word.strip(".:\"'()")


def _shape(value: Any) -> str:
    """`AAA-9999` of `ORD-4711`: codes of one shape are values of one kind. Empty for what has no digit."""
    text = str(value)
    if not re.search(r"\d", text) or not re.search(r"[^\W\d_]", text) or " " in text:
        return ""
    return re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", text)))
