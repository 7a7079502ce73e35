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


_WORD = r"[^\W\d_][\w'\u2019-]*"
_NEXT = rf"\s+and (?:(?:the|my|our|an?) )?{_WORD}(?: {_WORD}){{0,3}}?(?: (?:is|are|of)\b| ?[:=])"
_END = rf"(?=[.!?](?:\s|$)|[,;)\n]|\s[-\u2013\u2014]\s|$|{_NEXT})"
_FIGURE = r"(?P<value>[\"\u201c$\u20ac\u00a3\d][^,;\n]{0,199}?)"
"""A number, or words in quotation marks."""
_LISTED = re.compile(
    rf"(?:^|[.,;(\n]\s*|\b(?:the|my|our|with|and)\s)(?P<name>{_WORD}(?: {_WORD}){{0,3}})"
    rf"\s?[:=]\s?(?![/\\])(?P<value>[^,;\n]{{1,200}}?){_END}",
    re.IGNORECASE,
)
_SET = re.compile(
    rf"\b(?:make|set|put) (?:the|my|our) (?P<name>{_WORD}(?: {_WORD}){{0,2}}?) (?:to |at |as )?{_FIGURE}{_END}",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"\b(?:the|my|our) (?P<name>{_WORD}(?: {_WORD}){{0,2}}?) (?:is|are|will be|should be|shall be|must be|has to be) "
    rf"{_FIGURE}{_END}",
    re.IGNORECASE,
)
"""What else is said so, may be about it: `the hotel is near the lake`."""
_BEHIND = re.compile(
    rf"\s+(?:for|as) (?:the|my|our) (?P<name>{_WORD}(?: {_WORD}){{0,2}})(?=[.,;!?\n)]|$)", re.IGNORECASE
)
_BEFORE = re.compile(
    r"[.,;:!?\n(]\s|\b(?:want|need|take|taken|use|have|had|like|prefer|put|set|choose|chosen|pick|picked|selected|make|say"
    r"|got|with|please|it|be|is|me|us|enter)\s",
    re.IGNORECASE,
)
"""Where such a value may begin."""
_FAR = 200
"""Characters, of a value at most."""
_OPEN = frozenset(
    listed("""
    any anything whatever whichever unknown undecided open tbd tba later decide decided sure know flexible same usual
    """)
)
"""Words of what is no value, but that there is none."""

_TAKEN_BACK = re.compile(
    r"[\W_]*(?:no|not|nay|sorry|or|actually|rather|wait|scratch|forget|i mean|make (?:it|that))\b", re.IGNORECASE
)


def named_values(text: str) -> Iterator[Named]:
    """Every value of a text that is given by a name, but for what is said to be open (`day: to be decided`), is denied
    or is taken back by the next words."""
    for pattern in (_LISTED, _SET, _STATED):
        for found in pattern.finditer(text):
            yield from _closed(text, found["name"], Span(*found.span("value")))
    for found in _BEHIND.finditer(text):
        far = max(0, found.start() - _FAR)
        begins = max((one.end() for one in _BEFORE.finditer(text, far, found.start())), default=far)
        yield from _closed(text, found["name"], Span(begins, found.start()))


def _closed(text: str, name: str, span: Span) -> Iterator[Named]:
    words = {one.plain for one in tokens(text[span.start : span.end])}
    is_open = words & _OPEN or any(word.endswith("n't") or word in ("not", "no") for word in words)
    if words and not is_open and not _TAKEN_BACK.match(text, span.end) and not is_denied(text, span):
        yield Named(name, span)
