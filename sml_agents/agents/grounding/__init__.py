"""Where each argument of a drafted call comes from.

`ground(...)` gives every slot of a call a state with the words that ground it. A call may run only if all of its states
are in `GROUNDED`. Nothing here asks a model.

states           what is known of one argument
draft            the call, its schema, and everything that may hold its values
places           where words hold a value, and which argument they are for
asides           what is said and not meant: quoted, of the past, one of several, how things stand, left behind
limits           what a value is bounded or changed by
answers          what only an answer to a question may mean
derived          what follows from other values
contradictions   what was said instead, or taken back
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sml_agents.agents.evidence import Piece, Request
from sml_agents.agents.grounding.contradictions import after_corrections, said_instead
from sml_agents.agents.grounding.derived import derivation
from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.grounding.places import Place, places_of, seated
from sml_agents.agents.grounding.states import GROUNDED, Ground, State
from sml_agents.agents.slots import WRITTEN, Filled, Slot, filled
from sml_agents.text.values import Clock, find, label, mentions, tokens
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.words import find_phrase, free

__all__ = ["GROUNDED", "Ground", "State", "as_told", "ground", "may_be_told", "value_in_words"]


def ground(
    arguments: Mapping[str, Any],
    slots: Sequence[Slot],
    request: Request,
    clock: Clock,
    given: Sequence[Piece] = (),
    written: Collection[str] = WRITTEN,
) -> tuple[Ground, ...]:
    """The state of each required argument of a call. `given`: what stands outside of the conversation."""
    draft = Draft(tuple(filled(slots, arguments)), (*request.pieces, *given), request, clock)
    found = {k: _without_words(draft, fill, written) for k, fill in enumerate(draft.fills)}
    places = {k: places_of(draft, k) for k, one in found.items() if one is None}
    taken = seated(draft, places)
    for k in places:
        found[k] = _by_words(draft, k, taken.get(k))
    used = list(taken.values())
    whole = [one or _missing(draft, k, used) for k, one in found.items()]
    return tuple(after_corrections(draft, k, one, places.get(k, ()), used) for k, one in enumerate(whole))


def _without_words(draft: Draft, fill: Filled, written: Collection[str]) -> Ground | None:
    """What needs no words: a default, what the schema leaves no choice in, and text that the model composes."""
    slot, value, schema = fill.slot, fill.value, fill.slot.schema
    if not slot.in_call:
        return None
    if not fill.given:
        if "default" in schema:
            return Ground(slot, State.DEFAULT, schema["default"])
        told = slot.kind().sort == "bool" and _told_either_way(draft, slot)
        return Ground(slot, State.SAID if told else State.UNKNOWN)  # what was told is for the model to fill in
    members = schema.get("enum")
    if (
        (value is None and slot.nullable)
        or ("default" in schema and schema["default"] == value)
        or ("const" in schema and schema["const"] == value)
        or (isinstance(members, list) and members == [value])
    ):
        return Ground(slot, State.DEFAULT, value)
    if slot.is_free_text and isinstance(value, str):
        names = {slot.name, slot.own_name, slot.own_name.strip("_").rsplit("_", 1)[-1].casefold()}
        return Ground(slot, State.COMPOSED, value) if names & set(written) else None
    return None


def _told_either_way(draft: Draft, slot: Slot) -> bool:
    said = [piece.text for _, piece in draft.said]
    return any(find(slot.kind(), value, text, draft.clock) for text in said for value in (True, False))


def _by_words(draft: Draft, k: int, place: Place | None) -> Ground | None:
    """By the place that argument `k` takes; without one, by what it follows from."""
    fill = draft.fills[k]
    value = fill.value if fill.slot.in_call else None  # the words stand for a value that no call holds
    if place is not None:
        words = draft.pieces[place.piece].text[place.span.start : place.span.end].strip()
        return Ground(fill.slot, place.state, value, words)
    words = derivation(draft, k) if fill.slot.in_call else ""
    return Ground(fill.slot, State.DERIVED, value, words) if words else None


def _missing(draft: Draft, k: int, used: Sequence[Place]) -> Ground:
    fill = draft.fills[k]
    if fill.given and (said := said_instead(draft, k, used)):
        return Ground(fill.slot, State.CONTRADICTED, fill.value, said)
    if fill.given and fill.slot.guessable and draft.request.went_on:
        return Ground(fill.slot, State.ASSUMED, fill.value)
    return Ground(fill.slot, State.UNKNOWN, fill.value if fill.given else None)


def may_be_told(one: Ground) -> bool:
    """Whether a person may have said the value in words that no rule knows: a choice, a text, never a date or code."""
    return one.state is State.UNKNOWN and one.value is not None and one.slot.kind(one.value).sort in ("enum", "text")


def as_told(grounds: Sequence[Ground], words: Mapping[str, str], request: Request) -> tuple[Ground, ...]:
    """The grounds with what somebody has read in the person's words, by the arguments' names.

    Words count if they stand in what the person said, nothing denies them, no other argument takes them, and they are
    more than the argument's own name.
    """
    said = [piece.text for piece in request.pieces if piece.source == "said"]
    taken = [one.span for one in grounds if one.ok and one.span]

    def read(one: Ground) -> Ground:
        quoted = words.get(one.slot.name, "")
        if not quoted or not may_be_told(one) or any(find_phrase(quoted, span) for span in taken):
            return one
        if label(quoted) <= one.slot.kind(one.value).name or not any(
            free(text, find_phrase(quoted, text)) for text in said
        ):
            return one
        return replace(one, state=State.SAID, span=quoted)

    return tuple(map(read, grounds))


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
