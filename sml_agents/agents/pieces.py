"""Stretches of text that may hold a call's values: what was said, offered, given, and what a tool returned.

Of a tool's result only what its own call did not hold is a source: an echo of a guess is none.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import ToolMessage

from sml_agents.text.sentences import sentence_spans
from sml_agents.text.values import Clock, Kind, Span, find, fold, kind_of, tokens
from sml_agents.text.words import content_words, stem

__all__ = ["Piece", "pieces_of_data", "returned", "stretches"]

Source = Literal["said", "offered", "returned", "given"]
_LONG = 1500
"""Characters of a text that is looked at as a whole."""


@dataclass(frozen=True)
class Piece:
    """A stretch of text that may hold values."""

    source: Source
    text: str
    at: int
    """Index of its message; -1 for what stands outside of the conversation."""
    about: frozenset[str] = frozenset()
    """Names of the arguments that it answers a question about, or confirms."""
    key: str = ""
    """In structured data: the keys above the value."""
    correction: bool = False
    """It takes back something that was said before."""
    accepted: bool = False
    """An offer that the person took."""
    question: str = ""
    """The agent's question in its own words that the person's words follow."""
    echoes: tuple[str, ...] = ()
    """In a tool's result: the words that only repeat its call's own arguments. They are no source."""

    def tells(self, kind: Kind, value: Any, span: Span) -> bool:
        """Whether a value says more than the call that this came of: `Anna Kowalski`, found for `Anna`. It begins a
        line or an item, and what it has more is a name, and not what the argument is (`Flight LX318`)."""
        if not self.echoes:
            return True
        words = self.text[span.start : span.end]
        for echo in self.echoes:
            words = words.replace(echo, " ")
        more = [token for token in tokens(words) if token.text[:1].isupper() and stem(token.plain) not in kind.words]
        rest = fold(str(value))
        for echo in self.echoes:
            rest = rest.replace(fold(echo), " ")
        begins = re.search(r"(?:^|[\n,;|(\u2022]|[-:]\s)\s*$", self.text[: span.start])
        return bool(more and content_words(rest) and begins)


def stretches(text: str) -> Iterator[str]:
    """A long text in parts that end with a sentence, or else with a word: what a value means is told near it, and to
    look at all of the text for each of its values would take minutes."""
    if len(text) <= _LONG:
        yield text
        return
    start = end = 0
    for _, stop in sentence_spans(text):
        if stop - start > _LONG and end > start:
            yield text[start:end]
            start = end
        while stop - start > _LONG:
            cut = text.rfind(" ", start, start + _LONG)
            cut = cut if cut > start else start + _LONG
            yield text[start:cut]
            start = cut
        end = stop
    if text[start:].strip():
        yield text[start:]


def returned(message: ToolMessage, at: int, arguments: Mapping[str, Any]) -> Iterator[Piece]:
    """A tool's result, without what only repeats the call's own arguments: an echo is no source."""
    echoes = [value for value in _values(arguments) if str(value).strip()]
    clock = Clock(dt.datetime.min, known=False)
    missed = bool(_NOT_THERE.search(message.text))
    for key, text in _flat(_data(message.text)):
        spans = [one.span for value in echoes for one in find(kind_of({}, "", value), value, text, clock)]
        spans = [one for one in spans if not _within_a_word(text, one)]
        if missed:  # `ORD-4711 not found`, looked for as 4711
            sought = [str(value).casefold() for value in echoes]
            words = (Span(*word.span()) for word in re.finditer(r"[^\s,;:()]+", text))
            spans += [one for one in words if any(echo in text[one.start : one.end].casefold() for echo in sought)]
        repeated = _apart(spans)
        whole = text
        for span in repeated:
            text = f"{text[: span.start]} \u2026 {text[span.end :]}"
        if text.strip(" \u2026"):
            yield from (Piece("returned", part, at, key=key) for part in stretches(text))
            own = tuple(dict.fromkeys(whole[span.start : span.end] for span in repeated))
            if own and not _FOUND_NOTHING.search(message.text):
                yield from (Piece("returned", part, at, key=key, echoes=own) for part in stretches(whole))


_FOUND_NOTHING = re.compile(
    r"\b(?:no|not|none|nobody|nothing|neither|unknown|0|zero|invalid|error|failed|left|former|nicht|kein\w*|aucun\w*"
    r"|ning\w+)\b|n['\u2019]t\b|\[\]",
    re.IGNORECASE,
)
"""A result that says that there is no such thing, with the words of the call around it."""


_NOT_THERE = re.compile(
    r"\b(?:not found|no such|unknown|does(?:n['\u2019]t| not) exist|nobody|no (?:match\w*|results?|entr\w+)|invalid"
    r"|nicht gefunden|unbekannt)\b",
    re.IGNORECASE,
)
"""A result that says that what was looked for is not there: nothing in it that holds a word of the call is a find."""


def _apart(spans: Iterable[Span]) -> list[Span]:
    """The last first, of overlapping ones the longest."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start - one.end):
        if not any(span.overlaps(other) for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda one: -one.start)


def _within_a_word(text: str, span: Span) -> bool:
    """Whether a span is part of something longer, as a name is of an address."""
    around = text[span.start - 1 : span.start] + text[span.end : span.end + 2]
    return bool(re.search(r"[@/_-]|[.:]\w", around)) and not re.fullmatch(r"\s?[.:,]?\s?", around)


def _values(at: Any) -> Iterator[Any]:
    if isinstance(at, Mapping):
        for value in at.values():
            yield from _values(value)
    elif isinstance(at, list | tuple):
        for value in at:
            yield from _values(value)
    elif at is not None and not isinstance(at, bool):
        yield at


def _data(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


_MOST_LEAVES = 2000


def _flat(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The values of structured data with the keys above them."""
    stack: list[tuple[str, Any]] = [(key, data)]
    seen = 0
    while stack and seen < _MOST_LEAVES:
        path, at = stack.pop()
        if isinstance(at, Mapping):
            stack.extend((f"{path} {name}".strip(), value) for name, value in at.items())
        elif isinstance(at, list | tuple | set | frozenset):
            stack.extend((path, value) for value in at)
        elif isinstance(at, str) or (at is not None and not callable(at)):
            seen += 1
            text = at.isoformat() if hasattr(at, "isoformat") else str(at)
            yield (path, text)


def pieces_of_data(data: Any) -> tuple[Piece, ...]:
    """What stands outside of the conversation: a text, or structured data such as the state."""
    if hasattr(data, "model_dump"):
        data = data.model_dump()
    elif hasattr(data, "__dataclass_fields__"):
        data = {name: getattr(data, name) for name in data.__dataclass_fields__}
    return tuple(Piece("given", text, -1, key=key) for key, text in _flat(data) if text.strip())
