"""Where sentences begin and end: the one splitter of the package.

A sentence ends at `.`, `!` or `?` (or their like in other scripts) before white space or the end of the text, closing
quotes and brackets included, and at every line break. A full stop after an abbreviation or an initial, inside a number
or inside a word ends nothing.
"""

from __future__ import annotations

import re

__all__ = ["sentence_spans", "sentences"]

_CLOSING = r"[\"'\u201d\u2019\u00bb)\]}*_]*"
_END = re.compile(
    rf"(?P<mark>[.!?\u2026\u061f\u06d4\u0964]+){_CLOSING}(?=\s|$)"
    r"|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\u2019\uff09\"')]*|\n"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?P<short>mr|mrs|ms|dr|prof|st|vs|etc|cf|resp|approx|fig|lbs?|sq|ft|oz"
    r"|mins?|hrs?|yrs?|gal|tbsp|tsp|(?:[a-z]\.)+[a-z])\.$",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"(?:^|[A-Z][\w.]* |[.!?] )[B-HJ-Z]\.$")
_NUMBERED = re.compile(r"(?:^|[\s(])(?:no|nr|eq|pp?)\.$", re.IGNORECASE)
_ENDS_TOO = frozenset(
    {"etc", "a.m", "p.m", "lb", "lbs", "sq", "ft", "oz", "min", "mins", "hr", "hrs", "yr", "yrs", "gal", "tbsp", "tsp"}
)
"""Abbreviations with which a sentence may end."""
_OPENER = re.compile(
    r"\s+[\"'(]*(?:he|she|it|they|we|i|you|if|how|what|when|where|which|who|why|the|a|an|there|this|that|these|in|on|at|each"
    r"|every|all|so|then|but|and|after|before|to|for|his|her|their|find|let)\b",
    re.IGNORECASE,
)
_SPEECH = re.compile(r"[\"\u201d\u00bb]$")
_SAID = re.compile(r"\s*[a-z]")
_LONGEST_ABBREVIATION = 12
_BEGINS = re.compile(r"\s*[\"'(\u201c\u00ab*_]*[A-Z\d$]")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of every sentence in order, white space around it left out. Linear in the length of the text."""
    spans: list[tuple[int, int]] = []
    start = 0
    for found in _END.finditer(text):
        if found["mark"] == "." and _goes_on(text, found.start() + 1, found.end()):
            continue
        if _SPEECH.search(found.group()) and _SAID.match(text, found.end()):
            continue  # "How many?" he asks.
        _add(spans, text, start, found.end())
        start = found.end()
    _add(spans, text, start, len(text))
    return spans


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order, white space around them left out."""
    return [text[start:end] for start, end in sentence_spans(text)]


def _goes_on(text: str, stop: int, end: int) -> bool:
    """Whether the full stop before `stop` belongs to an abbreviation inside a sentence."""
    before = text[max(0, stop - _LONGEST_ABBREVIATION) : stop]
    if (found := _ABBREVIATION.search(before)) is not None:
        if found["short"].casefold() in _ENDS_TOO:
            return not _BEGINS.match(text, end)
        return end < len(text)
    if _NUMBERED.search(before) is not None:
        return re.match(r"\s*\d", text[end : end + 4]) is not None
    return end < len(text) and _INITIAL.search(before) is not None and not _OPENER.match(text, end)


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))
