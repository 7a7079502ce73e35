"""Where each argument of a drafted call comes from.

`ground(...)` gives every slot of a call a state with the words that ground it, `ground_together(...)` those of several
calls of one tool. A call may run only if all of its states are in `GROUNDED`. Nothing here asks a model.

states           what is known of one argument
draft            the call, its schema, and everything that may hold its values
places           where words hold a value, and which argument they are for
proposals        a number in the agent's own offer
asides           what is said and not meant: quoted, of the past, one of several, how things stand, left behind
limits           what a value is bounded or changed by
meanings         a choice that is told by another word: a concert for Music
answers          what only an answer to a question may mean
derived          what follows from other values
carried          what the call before had, where the person's words only change something in it
contradictions   what was said instead, or taken back
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding.carried import carried_over
from sml_agents.agents.grounding.contradictions import after_corrections, said_instead
from sml_agents.agents.grounding.derived import derivation
from sml_agents.agents.grounding.draft import Draft
from sml_agents.agents.grounding.places import Place, places_of, seated
from sml_agents.agents.grounding.states import GROUNDED, Ground, State
from sml_agents.agents.pieces import Piece
from sml_agents.agents.slots import EACH, WRITTEN, Filled, Slot, filled
from sml_agents.text.values import Clock, Span, find, label, mentions, same, tokens
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.numbers import as_number
from sml_agents.text.values.words import denied, find_phrase, free, split_name
from sml_agents.text.words import content_words

__all__ = ["GROUNDED", "Ground", "State", "as_told", "ground", "ground_together", "may_be_told", "value_in_words"]


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
    grounds = tuple(after_corrections(draft, k, one, places.get(k, ()), used) for k, one in enumerate(whole))
    return grounds if all(one.ok for one in grounds) else _with_carried(draft, grounds, arguments, slots, written)


def ground_together(
    calls: Sequence[Mapping[str, Any]],
    slots: Sequence[Slot],
    request: Request,
    clock: Clock,
    given: Sequence[Piece] = (),
    written: Collection[str] = WRITTEN,
) -> list[tuple[Ground, ...]]:
    """The same of several calls of one tool that are drafted together. What is another call's, read as one list with
    it, is unknown: of `30 euros to Ann and 20 to Ben` nobody said 20 to Ann. What the calls share may be said once.
    """
    alone = [ground(one, slots, request, clock, given, written) for one in calls]
    if len(calls) < 2:
        return alone
    listed = {"calls": list(calls)}
    each = tuple(replace(slot, path=("calls", EACH, *slot.path)) for slot in slots)
    together = ground(listed, each, request, clock, given, written)
    places = [fill.place[1] if len(fill.place) > 1 else -1 for fill in filled(each, listed)]
    found = []
    for at, grounds in enumerate(alone):
        beside = [one for one, place in zip(together, places, strict=True) if place == at]
        shared = [other.value for k, some in enumerate(alone) if k != at for other in some]
        found.append(
            tuple(
                replace(one, state=other.state, span=other.span)
                if one.state is State.SAID and not other.ok and one.value not in shared
                else one
                for one, other in zip(grounds, beside, strict=True)
            )
            if len(beside) == len(grounds)
            else grounds
        )
    return found


def _with_carried(
    draft: Draft, grounds: tuple[Ground, ...], arguments: Mapping[str, Any], slots: Sequence[Slot],
    written: Collection[str],
) -> tuple[Ground, ...]:  # fmt: skip
    """The grounds with what the call before had and the person said, where their words only change something in it."""
    request = draft.request
    made = next((one for one in reversed(request.last) if one.tool == request.tool), None)
    if made is None:
        return grounds
    kept = carried_over(draft, {fill.place: fill for fill in filled(slots, made.arguments)})
    if not kept:
        return grounds
    told = ground(arguments, slots, request.from_the_start(), draft.clock, (), written)
    return tuple(told[k] if k in kept and not one.ok and told[k].ok else one for k, one in enumerate(grounds))


def _without_words(draft: Draft, fill: Filled, written: Collection[str]) -> Ground | None:
    """What needs no words: a default, what the schema leaves no choice in, and text that the model composes."""
    slot, value, schema = fill.slot, fill.value, fill.slot.schema
    if not slot.in_call:
        return None
    if not fill.given:
        if "default" in schema or slot.optional:
            return Ground(slot, State.DEFAULT, schema.get("default"))
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
        last = {split_name(slot.own_name)[-1]} - {"code"}  # a `product_code` is no program
        return Ground(slot, State.COMPOSED, value) if {slot.name, slot.own_name, *last} & set(written) else None
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
    if not fill.given:
        return Ground(fill.slot, State.UNKNOWN)
    return Ground(fill.slot, State.UNKNOWN, fill.value, _turned_down(draft, k))


def _turned_down(draft: Draft, k: int) -> str:
    """Words of the conversation that hold the value of argument `k` and are not meant for it, deny it, or belong to an
    earlier request."""
    kind, value, clock = draft.kinds[k], draft.fills[k].value, draft.clock
    for piece in draft.pieces:
        if piece.source in ("said", "offered"):
            denied = [one for one in mentions(kind, piece.text, clock) if same(kind, one.value, value, clock)]
            for one in (*find(kind, value, piece.text, clock), *denied):
                return piece.text[one.span.start : one.span.end]
    for message in draft.request.messages[: draft.request.begins]:
        for one in find(kind, value, message.text, clock):
            return message.text[one.span.start : one.span.end]
    return ""


def may_be_told(one: Ground) -> bool:
    """Whether a person may have said the value in words that no rule knows: a choice, a text, a yes-or-no, a count;
    never a day, an hour or a code, nor what they contradicted, nor what stands there and the rules turned down."""
    if one.state is not State.UNKNOWN or one.value is None or one.span:
        return False
    sort = one.slot.kind(one.value).sort
    return sort in ("enum", "bool", "number") or (sort == "text" and not re.search(r"\d", str(one.value)))


def as_told(
    grounds: Sequence[Ground], words: Mapping[str, str | None], request: Request, clock: Clock
) -> tuple[Ground, ...]:
    """The grounds with what somebody has read in the person's words, by the arguments' names.

    Words count if they stand in what the person said, nothing denies them, they share nothing with those of another
    argument, mean more than the argument's own name, and hold no value of its kind: those the rules have judged. For a
    number they must be a list of so many. Where they are None a decider answers for it, unless the person was asked
    whether it is right and did not say so.
    """
    wanted = {one.slot.name for one in grounds if may_be_told(one)}
    quoted = {name: text for name, text in words.items() if name in wanted and text and content_words(text)}

    def is_free(name: str, own: str) -> bool:
        others = [one.span for one in grounds if one.slot.name != name and one.span]
        others += [text for other, text in quoted.items() if other != name]
        return not any(find_phrase(own, other) or find_phrase(other, own) for other in others)

    def read(one: Ground) -> Ground:
        answered = one.slot.name in words and words[one.slot.name] is None
        if answered and may_be_told(one) and one.slot.name not in request.doubted:
            return replace(one, state=State.READ)
        own = quoted.get(one.slot.name, "")
        if not own or not may_be_told(one) or not is_free(one.slot.name, own):
            return one
        kind, since = one.slot.kind(one.value), request.doubted.get(one.slot.name, -1)
        named = label(own) & kind.name
        if label(own) <= kind.name or (kind.sort == "bool" and named):
            return one
        if mentions(kind, own, clock) or find(kind, one.value, own, clock) or denied(own, _words(own)):
            return one
        if kind.sort == "number" and not _lists(own, one.value):
            return one
        said = [piece.text for piece in request.pieces if piece.source == "said" and piece.at >= since]
        return replace(one, state=State.SAID, span=own) if any(free(t, find_phrase(own, t)) for t in said) else one

    return tuple(map(read, grounds))


def _words(text: str) -> list[Span]:
    return [Span(token.start, token.end) for token in tokens(text)]


_AND = re.compile(r"\s*(?:,\s*(?:and\b|und\b)?|\band\b|\bund\b|\bet\b|\by\b|\be\b|\bplus\b|&|\+|\n)\s*", re.IGNORECASE)


def _lists(words: str, value: Any) -> bool:
    """Whether words are a list of so many things: `me, Priya and the intern` are three."""
    parts = [part for part in _AND.split(words) if part]
    return len(parts) > 1 and as_number(value) == len(parts)


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
