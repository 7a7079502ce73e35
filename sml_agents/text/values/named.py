"""Values that a person gives by the name of what they are: `zone: the herb corner`, `Napa for the region`, `6 beds`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import Span, is_denied, listed, tokens

__all__ = ["Named", "named_values"]


class Named(NamedTuple):
    """A value and its name."""

    name: str
    """As the person says it: one to four words."""
    span: Span
    """Of the value's words."""
    end: int
    """Where both end, value and name."""
    loose: bool
    """Whether the words may say something else of what is named: `2 rooms for the guests`, `a cake for the event`."""


_WORD = r"[^\W\d_][\w'\u2019-]*"
_OWN = rf"(?!(?:the|my|our|with)\b){_WORD}"
_NEXT = rf"\s{{1,9}}and (?:(?:the|my|our|an?) )?{_WORD}(?: {_WORD}){{0,3}}?(?: (?:is|are|of)\b| ?[:=])"
_VALUE = rf"(?P<value>(?:[^,;\n(]|,(?=\d)){{1,200}}?)(?=[.!?](?:\s|$)|,(?!\d)|[;)\n]|\s[-\u2013\u2014]\s|$|{_NEXT})"
_LISTED = re.compile(
    rf"(?:^|[,;\n]\s{{0,9}}(?:[-*\u2022] )?|[.!?]\s{{1,9}}|(?<!\w)\(|\b(?:the|my|our|with|and)\s)"
    rf"(?P<name>{_OWN}(?: {_OWN}){{0,3}})[ \t]?[:=][ \t]?(?![\s/\\<\[{{]|\$[^\W\d]|n/a\b){_VALUE}",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"(?:^|[.,;:!?\n(]\s{{0,9}}|\b(?:and|so|but|then|please|you(?: to)?|let['\u2019]s)\s)"
    rf"(?:(?:make|set|put) (?:the|my|our) (?P<name>{_WORD}(?: {_WORD}){{0,2}}?)(?: to| at| as)?"
    rf"|(?:the|my|our) (?P<of>{_WORD}(?: {_WORD}){{0,2}}?) (?:is|are|will be|should be|shall be|must be|has to be))"
    rf" {_VALUE}",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    rf"(?<!\s)\s+(?P<how>for|as) (?:the|my|our) (?P<name>{_WORD}(?: {_WORD}){{0,2}})(?=[.,;!?\n)]|$)", re.IGNORECASE
)
_BEFORE = re.compile(
    r"(?P<end>[.,;:!?\n(]\s)|\b(?:want|need|take|taken|use|have|like|prefer|put|set|choose|chosen|pick|picked|select"
    r"|selected|make|say|got|with|please|it|be|is|me|us|enter)\s",
    re.IGNORECASE,
)
"""Where a value that stands before its name may begin."""
_OF_COUNTED = re.compile(
    rf"[ -](?P<name>(?P<of>{_WORD}))"
    r"(?=[.,;:!?)\n]|$|\s(?:on|at|in|of|for|to|from|by|with|and|or|but|please|is|are|will|as)\b)"
)
_UNCOUNTED = re.compile(
    r"(?:\b(?:least|most|under|over|above|below|than|about|around|roughly|up to|every|each|within|in|last|past|next"
    r"|first|previous|other|another|more|extra|or|to|and|no)|[-\u2013\u2014#$\u20ac\u00a3:/.])\s{0,3}$",
    re.IGNORECASE,
)
"""What stands before a number that counts something else than what is wanted, or only bounds it."""
_FAR = 200
"""Characters, of a value at most."""
_OPEN = frozenset(
    listed("""
    any anything whatever whichever unknown undecided open tbd tba later decide decided sure know flexible same usual i
    you we me us him her them it please find need choose one some something someone somewhere what which where when who
    whoever how not no none nobody nothing yet or either if maybe perhaps probably between depends depending pending see
    above below attached always as like near enough since soon asap now coming hmm your hello hi hey noch nicht egal
    offen pas encore default current latest ditto unchanged ask
    is are was were would could might
    """)
)
_OPEN_ENDINGS = ("n't", "'ll", "'d", "'re", "'ve", "'m")
"""Words, and endings of words, of what is no value, but that there is none, or of a sentence: `Paris is too far`."""
_TAKEN_BACK = re.compile(
    r"[\W_]*(?:no|not|nay|sorry|or|actually|rather|wait|scratch|forget|i mean|make (?:it|that))\b|\s*\?"
    r"|[\s,(-]+(?:but|then|if|unless|maybe|perhaps|right|why|whichever|depending|is|are|would|could|can|does"
    r"|i (?:think|guess|believe|suppose|hope)|i['\u2019]d|they say)\b"
    r"|[^.;:!?\n]{0,80}\bor\b|\s+[-\u2013\u2014]\s+\d|,\s*\d+\s*(?:[,.;]|$)",
    re.IGNORECASE,
)
"""What follows a value that is taken back, doubted or asked about, or one of several: `Rome, Milan or Naples`."""
_OF_ELSE = re.compile(
    r"(?:his|hers?|its|it['\u2019]s|their|your|whose|this|that|to|for|as|in|on|at|from|by|if|about|no|not|what|which|how"
    r"|before|after|hello|hi|hey|dear|thanks)\b.*|.*\b(?:was|were)",
    re.IGNORECASE,
)
"""A name of what is somebody else's, was before, or is spoken to or about: `his party size`, `To the doctor: ...`."""
_ASIDE = re.compile(
    r"\b(?:if|when|whenever|whether|how|why|who|what|which|unless|until|suppose|supposing|he|she|they|his|her|its|their"
    r"|last(?! name\b)|previous|old|former|yesterday|was|were|says?|said|wrote|writes|answer|reply|forward|paper|cites?"
    r"|errors?|exception|traceback|logs?|(?:my|the) (?:code|script)|import|def)\b"
    r"|\b(?:to|for|as|in|on|from|by|about|over|than|of|is|are)\s+(?:the|my|our)\s+$",
    re.IGNORECASE,
)
"""What stands before a value, in its sentence, where that is supposed, past, or said by others."""


def named_values(text: str) -> Iterator[Named]:
    """Every value of a text that is given by a name, but for what is said to be open (`day: to be decided`), is denied,
    asked about or taken back by the next words, or stands where something is supposed, past, or said by others."""
    given = list(_given(text))
    yield from given
    for number in find_numbers(text):
        if any(number.span.overlaps(one.span) for one in given):  # the `40 dollars` of a budget are no `dollars`
            continue
        counted = _OF_COUNTED.match(text, number.span.end)
        near = text[max(0, number.span.start - 20) : number.span.start]
        if counted and not _UNCOUNTED.search(near) and not _is_aside(text, number.span.start):
            yield from _closed(text, counted, number.span, loose=True)


def _given(text: str) -> Iterator[Named]:
    """Values with a name beside them."""
    for found in _LISTED.finditer(text):
        if not _is_aside(text, found.start("name")) and not _is_denied(text, Span(*found.span("name"))):
            yield from _closed(text, found, Span(*found.span("value")), loose=False)
    for found in _STATED.finditer(text):
        if not _is_aside(text, max(found.start("name"), found.start("of"))):
            yield from _closed(text, found, Span(*found.span("value")), loose=True)
    for found in _BEHIND.finditer(text):
        far = max(0, found.start() - _FAR)
        *_, last = [None, *_BEFORE.finditer(text, far, found.start())]
        chosen = last is not None and last["end"] is None
        if (chosen or found["how"].casefold() == "for") and not _is_aside(text, found.start()):
            span = Span(far if last is None else last.end(), found.start())
            yield from _closed(text, found, span, loose=found["how"].casefold() == "for")


def _is_aside(text: str, end: int) -> bool:
    """Whether the sentence, up to here, speaks of what is supposed or past, or of what others say."""
    return bool(_ASIDE.search(re.split(r"[.!?]\s", text[max(0, end - _FAR) : end])[-1]))


def _is_denied(text: str, span: Span) -> bool:
    """Whether the words around a value deny it; of a long text only those near it are read."""
    far = max(0, span.start - _FAR)
    return is_denied(text[far : span.end + _FAR], Span(span.start - far, span.end - far))


def _closed(text: str, found: re.Match[str], span: Span, loose: bool) -> Iterator[Named]:
    value = text[span.start : span.end]
    name = found["name"] or found["of"]
    words = {one.plain for one in tokens(value)}
    is_open = words != {"no"} and (words & _OPEN or any(word.endswith(_OPEN_ENDINGS) for word in words))
    if not words or _OF_ELSE.fullmatch(name) or (is_open and value[0] not in '"\u201c'):
        return
    if not _TAKEN_BACK.match(text, found.end()) and not _is_denied(text, span):
        yield Named(name, span, found.end(), loose)
