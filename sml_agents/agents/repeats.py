"""A guarded call that a model would make again although the person has asked for it once.

A model that loops books nine times. So a call that has succeeded since the request began is not run again in it: the
same tool, its arguments equal as the guard compares them. Words that ask for nothing (`Thanks!`) leave it done. A call
that came back as an error may be tried again, and so may one that the person asks for again; where they asked for
several (`book it twice`, `two tickets` of a tool `create_ticket`) as many are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import ToolCall

from sml_agents.agents.evidence import Made, Request
from sml_agents.agents.guard import Guard
from sml_agents.agents.slots import Slot, filled, is_read_only, schema_of
from sml_agents.text.values import Clock, Kind, Span, kind_of, label, same, tokens
from sml_agents.text.values.numbers import as_number, find_numbers
from sml_agents.text.values.words import clause_of, is_denied, split_name
from sml_agents.text.words import content_words, stem

__all__ = ["repeated"]

_TIMES = re.compile(
    r"\b(?:(?P<two>twice|zweimal|zwei mal)|(?P<three>thrice|dreimal)"
    r"|(?P<number>\w+) ?(?:times|x|mal|fois|veces|volte))\b(?! (?:a|an|per|as|the|this|each|every|pro|am)\b)",
    re.IGNORECASE,
)
_TOLD_BEFORE = re.compile(
    r"\b(?:told|asked|said|tried|called|wrote|already|was|were|been|had|did|gesagt)\b", re.IGNORECASE
)
_MOST = 20
"""More than so many of one thing are meant by no such words."""
_FEW = 3
"""Texts of so few words of meaning are one if the guard finds each in the other."""


def repeated(calls: Sequence[ToolCall], talk: Request, tools: Mapping[str, Any], guard: Guard) -> dict[str, str | None]:
    """The calls of a draft, by their ids, that are made already as often as the person asked for.

    The value is what the call came back with; None where its equal stands before it in the same draft. Tools that are
    marked as changing nothing are left out.
    """
    found: dict[str, str | None] = {}
    kept: list[Made] = []
    over = talk.last if talk.is_over else ()
    for call in calls:
        name, arguments = call["name"], call["args"]
        if is_read_only(tool := tools[name]):
            continue
        slots, clock = guard.slots(name, tool), guard.clock()
        equal = [
            one
            for one in (*over, *talk.made, *kept)
            if one.tool == name and _is_same(tool, slots, one.arguments, arguments, guard, clock)
        ]
        if equal and len(equal) >= _wanted(name, arguments, talk):
            found[call["id"] or ""] = next((one.result for one in reversed(equal) if one.result is not None), None)
        else:
            kept.append(Made(name, arguments))
    return found


def _is_same(
    tool: Any, slots: Sequence[Slot], one: Mapping[str, Any], other: Mapping[str, Any], guard: Guard, clock: Clock
) -> bool:
    required = {fill.place: fill.slot for arguments in (one, other) for fill in filled(slots, arguments)}
    properties = schema_of(tool).get("properties") or {}

    def alike(a: Any, b: Any, place: tuple[str | int, ...]) -> bool:
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            return all(alike(_value(a, key, place), _value(b, key, place), (*place, key)) for key in {*a, *b})
        if isinstance(a, list | tuple) and isinstance(b, list | tuple):
            return len(a) == len(b) and all(alike(*two, (*place, k)) for k, two in enumerate(zip(a, b, strict=True)))
        if a == b or (_is_empty(a) and _is_empty(b)):
            return True
        if _is_empty(a) or _is_empty(b):
            return False
        slot, name = required.get(place), str(next((part for part in reversed(place) if isinstance(part, str)), ""))
        kind = slot.kind(b) if slot else kind_of({}, name, b)
        return _alike(kind, a, b, clock, composed=bool(slot and slot.is_free_text) and name in guard.written)

    def _value(at: Mapping[str, Any], key: str, place: tuple[str | int, ...]) -> Any:
        schema = properties.get(key) if not place else None
        return at.get(key, schema.get("default") if isinstance(schema, Mapping) else None)

    return alike(one, other, ())


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _alike(kind: Kind, one: Any, other: Any, clock: Clock, composed: bool) -> bool:
    """As the guard compares them; texts that nobody composed must agree in every word if they have many."""
    if kind.sort == "text" and not composed:
        words, others = ([token.plain for token in tokens(str(text))] for text in (one, other))
        if words == others:
            return True
        if max(len(content_words(str(text))) for text in (one, other)) > _FEW:
            return False
    return same(kind, one, other, clock)


def _wanted(tool: str, arguments: Mapping[str, Any], talk: Request) -> int:
    """How often the person asked for a call: once, or by a number that no argument of it takes."""
    taken = set(_numbers(arguments))
    texts = [piece.text for piece in talk.pieces if piece.source == "said"]
    return max((n for text in texts for n in _several(tool, text) if n not in taken and n <= _MOST), default=1)


def _several(tool: str, text: str) -> Iterator[int]:
    for found in _TIMES.finditer(text):
        span = Span(*found.span())
        clause = clause_of(text, span)
        if is_denied(text, span) or _TOLD_BEFORE.search(text, clause.start, clause.end):
            continue
        said = [one.values for one in find_numbers(found["number"] or "")]
        yield 2 if found["two"] else 3 if found["three"] else int(min(said[0])) if said else 1
    things, words = label(tool), set(split_name(tool))
    for number in find_numbers(text):
        after = tokens(text[number.span.end : clause_of(text, number.span).end])[:3]
        several = any(stem(one.plain) in things and one.plain not in words for one in after)  # `tickets`, not `book`
        if several and not is_denied(text, number.span):
            yield int(min(number.values))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _numbers(inner)
    elif (number := as_number(value)) is not None:
        yield number
