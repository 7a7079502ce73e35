"""Values that a person gives by the name of what they are: `zone: the herb corner`, `Napa for the region`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sml_agents.text.values.words import Span, is_denied, listed, tokens

__all__ = ["Named", "named_values"]


class Named(NamedTuple):
    """A value and its name."""

    name: str
    """As the person says it: one to four words."""
    span: Span
    """Of the value's words."""
    loose: bool
    """Whether the words may say something else of what is named: `2 rooms for the guests`, `a cake for the event`."""


_WORD = r"[^\W\d_][\w'\u2019-]*"
_NEXT = rf"\s+and (?:(?:the|my|our|an?) )?{_WORD}(?: {_WORD}){{0,3}}?(?: (?:is|are|of)\b| ?[:=])"
_VALUE = rf"(?P<value>[^,;\n]{{1,200}}?)(?=[.!?](?:\s|$)|[,;)\n]|\s[-\u2013\u2014]\s|$|{_NEXT})"
_LISTED = re.compile(
    rf"(?:^|[.,;!?(\n]\s*|\b(?:the|my|our|with|and)\s)(?P<name>{_WORD}(?: {_WORD}){{0,3}})\s?[:=]\s?(?![/\\]){_VALUE}",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"\b(?:(?:make|set|put) (?:the|my|our) (?P<name>{_WORD}(?: {_WORD}){{0,2}}?)(?: to| at| as)?"
    rf"|(?:the|my|our) (?P<of>{_WORD}(?: {_WORD}){{0,2}}?) (?:is|are|will be|should be|shall be|must be|has to be))"
    rf" {_VALUE}",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    rf"\s+(?P<how>for|as) (?:the|my|our) (?P<name>{_WORD}(?: {_WORD}){{0,2}})(?=[.,;!?\n)]|$)", re.IGNORECASE
)
_BEFORE = re.compile(
    r"(?P<end>[.,;:!?\n(]\s)|\b(?:want|need|take|taken|use|have|had|like|prefer|put|set|choose|chosen|pick|picked|select"
    r"|selected|make|say|got|with|please|it|be|is|me|us|enter)\s",
    re.IGNORECASE,
)
"""Where a value that stands before its name may begin."""
_FAR = 200
"""Characters, of a value at most."""
_OPEN = frozenset(
    listed("""
    any anything whatever whichever unknown undecided open tbd tba later decide decided sure know flexible same usual i
    you we me us him her them it please find need choose one some something someone somewhere what which where when who
    how not no
    """)
)
"""Words of what is no value, but that there is none."""
_TAKEN_BACK = re.compile(
    r"[\W_]*(?:no|not|nay|sorry|or|actually|rather|wait|scratch|forget|i mean|make (?:it|that))\b|\s*\?", re.IGNORECASE
)


def named_values(text: str) -> Iterator[Named]:
    """Every value of a text that is given by a name, but for what is said to be open (`day: to be decided`), is denied,
    asked about or taken back by the next words."""
    for found in _LISTED.finditer(text):
        yield from _closed(text, found["name"], Span(*found.span("value")), loose=False)
    for found in _STATED.finditer(text):
        yield from _closed(text, found["name"] or found["of"], Span(*found.span("value")), loose=True)
    for found in _BEHIND.finditer(text):
        far = max(0, found.start() - _FAR)
        *_, last = [None, *_BEFORE.finditer(text, far, found.start())]
        chosen = last is not None and last["end"] is None
        if chosen or found["how"].casefold() == "for":
            span = Span(far if last is None else last.end(), found.start())
            yield from _closed(text, found["name"], span, loose=found["how"].casefold() == "for")


def _closed(text: str, name: str, span: Span, loose: bool) -> Iterator[Named]:
    value = text[span.start : span.end]
    words = {one.plain for one in tokens(value)}
    is_open = words & _OPEN or any(word.endswith("n't") for word in words)
    if not words or (is_open and value[0] not in '"\u201c'):
        return
    if not _TAKEN_BACK.match(text, span.end) and not is_denied(text, span):
        yield Named(name, span, loose)
