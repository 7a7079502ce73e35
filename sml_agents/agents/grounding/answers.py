"""What only an answer may mean: `5` is five o'clock where a time was asked for, `yes` a flag that was asked about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from sml_agents.agents.grounding.asides import is_statement
from sml_agents.agents.replies import accepts, answers_nothing, only_agrees
from sml_agents.text.sentences import sentences
from sml_agents.text.values import Clock, Kind, Span, find, fold, mentions, same, tokens
from sml_agents.text.values.compare import as_bool
from sml_agents.text.values.dates import as_date
from sml_agents.text.values.words import clause_of, find_phrase, is_denied
from sml_agents.text.words import content_words, stem

__all__ = ["answer_is", "holds_an_answer", "names_it", "picked_beside", "picks", "picks_name"]

_ALL = re.compile(
    r"(?:(?:just |please )?(?:all|everything)(?: of (?:it|them|that))?"
    r"|the (?:whole|full|entire) (?:amount|sum|thing|balance|lot)|the lot|alles|tout|todo|tutto)(?: please| thanks?)?"
)
_EITHER_SIDE = re.compile(r"\b(?:with or without|mit oder ohne|avec ou sans|con o sin|con o senza)\b", re.IGNORECASE)
_SIDE = re.compile(
    r"\W*(?:(?:oh|ok|yes|no|please|bitte),? )?(?:(?P<without>without|ohne|sans|sin|senza)|with|mit|avec|con)\b"
    r"(?! (?:a|an|the|my|our|ein\w*|un\w*)\b)",
    re.IGNORECASE,
)
_ONE_OF_DAY = re.compile(
    r"(?:(?:we|i)(?:'ll| will)? (?:take|want|prefer)|yes|ok|okay|please|rather|let's (?:take|do)|then|,|\s)*the"
    r" (?P<part>morning|afternoon|evening|night) (?:one|slot|appointment|time)(?: (?:please|is (?:fine|good)|works))*"
)
_PART_OF_DAY = {"morning": (5, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (19, 24)}
_HOUR_SUITS = re.compile(
    r"\b(?P<hour>\d{1,2}) (?:works|suits|is|would be|sounds|looks)(?: \w+){0,2}?"
    r" (?:better|best|fine|good|great|perfect|ok|okay)\b"
    r"|\b(?P<hour2>\d{1,2}) (?:works|suits me)\b"
)
_OTHER_ONE = re.compile(r"\bthe other(?: one)?\b|\b(?:den|die|das) ander\w+\b|\bl'autre\b|\b(?:el otro|la otra)\b")
_PICKED = re.compile(
    r"(?:(?:yes|ok|okay|i'?ll take|i'?d (?:like|prefer)|let'?s (?:take|do|say)|make it|better|rather) )*(?:the )?"
    r"(?P<which>first|former|earlier|second|latter|later|third|last)(?: (?:one|option|of them))?"
    r"(?: please| thanks?| works?| is (?:fine|good|better))*"
)
_PLACE = {"first": 0, "former": 0, "second": 1, "third": 2, "last": -1}


def names_it(kind: Kind, question: str) -> bool:
    """Whether a question of the agent's names the thing: `Would you like trip protection?`"""
    return bool(kind.name) and kind.name <= {stem(token.plain) for token in tokens(question)}


def holds_an_answer(kind: Kind, text: str, clock: Clock) -> bool:
    """Whether an answer holds a value of the kind, if only in a form that an answer may have."""
    if answers_nothing(text) or (kind.sort != "bool" and only_agrees(text)):
        return False
    if not kind.has_mentions or mentions(kind, text, clock):
        return True
    if kind.sort in ("time", "number"):
        return bool(re.search(r"\d", text)) or bool(mentions(Kind("number"), text, clock))
    return kind.sort == "date" and bool(re.search(r"\b\d{1,2}(?:st|nd|rd|th|\.)?\b", text))


def picks(kind: Kind, value: Any, offer: str, text: str, clock: Clock) -> bool:
    """Whether a whole reply picks a value out of what the agent has just named: `all of it`, `the latter`."""
    said = " ".join(fold(text).strip(" .!").replace(",", "").split())
    named = sorted({one.span: one for one in mentions(kind, offer, clock) if not one.denied}.items())
    values = [one.value for _, one in named]
    if _ALL.fullmatch(said):
        return kind.sort == "number" and len(values) == 1 and same(kind, values[0], value, clock)
    if kind.sort in ("time", "datetime") and (hours := _hours_picked(said, values)):
        return len(hours) == 1 and same(kind, hours[0], value, clock)
    if _OTHER_ONE.search(said) and len(values) == 2:
        left = [one for one in values if not any(m.denied and m.value == one for m in mentions(kind, text, clock))]
        return len(left) == 1 and same(kind, left[0], value, clock)
    chosen = _place_picked(text, len(values))
    return chosen is not None and same(kind, values[chosen], value, clock)


def picks_name(value: str, offer: str, text: str) -> bool:
    """Whether a reply picks a name out of those that the agent has just listed: `the second one`, `the latter`."""
    for sentence in sentences(offer):
        names = [part for part in _LISTED.split(sentence) if content_words(part) and not _ASKS_WHICH.match(part)]
        holds = [k for k, part in enumerate(names) if find_phrase(value, part)]
        if len(holds) == 1:
            return _place_picked(text, len(names)) == holds[0]
    return False


def picked_beside(kind: Kind, value: Any, offer: str, text: str, clock: Clock) -> Span | None:
    """The words of a reply that pick one of several things that the agent has just named, by what stands beside it.

    Of `S-12 (back) and S-19 (shoulder)` `the shoulder`, of `Jo has 9:00 and Al has 11:30` `Al, please`.
    """
    for sentence in sentences(offer):
        parts = [part for part in _LISTED.split(sentence) if content_words(part) and not _ASKS_WHICH.match(part)]
        parts = [part for part in parts if _may_hold(kind, value, part, clock)]
        own = {k for k, part in enumerate(parts) if find(kind, value, part, clock)}
        named = _named_in(parts, text, clock) if len(parts) > 1 and len(own) in (1, len(parts)) else {}
        if len(named) == 1 and own.issuperset(named):  # what all of them have comes with any
            return next(iter(named.values()))
    return None


def _may_hold(kind: Kind, value: Any, part: str, clock: Clock) -> bool:
    """Whether a part of a list holds a value like this one: of its kind, or a code of the same form."""
    if kind.has_mentions:
        return bool(mentions(kind, part, clock))
    form = re.sub(r"[^\W\d_]+", r"[^\\W\\d_]+", re.sub(r"\d+", "0", re.escape(str(value)))).replace("0", r"\d+")
    return not re.search(r"\d", str(value)) or bool(re.search(rf"(?<!\w){form}(?!\w)", part))


def _named_in(parts: Sequence[str], text: str, clock: Clock) -> dict[int, Span]:
    """The parts of a list of which a reply names something that no other part has, and the words that do."""
    words = [{stem(word) for word in content_words(part)} for part in parts]
    found: dict[int, Span] = {}

    def add(at: set[int], span: Span) -> None:
        if len(at) == 1 and not _is_only_told(text, span):
            found.setdefault(at.pop(), span)

    for token in tokens(text):
        add({k for k, one in enumerate(words) if stem(token.plain) in one}, Span(token.start, token.end))
    for sort in _MOMENTS:
        for said in mentions(Kind(sort), text, clock):
            here = [[one.value for one in mentions(Kind(sort), part, clock)] for part in parts]
            add(
                {
                    k
                    for k, some in enumerate(here)
                    if any(said.value.fits(one.at) if sort == "time" else one.day == said.value.day for one in some)
                },
                said.span,
            )
    return found


_MOMENTS: tuple[Literal["time", "date"], ...] = ("time", "date")
_TELLS = re.compile(r"\W*(?:my|our|his|her|their|its?|i|we|he|she|they|there|this|that)\b", re.IGNORECASE)


def _is_only_told(text: str, span: Span) -> bool:
    """Whether words are denied, asked about, or stand in a sentence that only says how things are; `the shoulder` by
    itself says nothing of it."""
    clause, end = clause_of(text, span), re.search(r"[.!?]|$", text[span.end :])
    words = text[clause.start : clause.end]
    fragment = len(tokens(words)) < 5 and not _TELLS.match(words)
    asked = bool(end and end.group() == "?") and not _MAY_I.search(words)
    return asked or is_denied(text, span) or (not fragment and is_statement(text, span))


_MAY_I = re.compile(r"\b(?:can|could|may|shall) (?:i|we|you)\b|\bplease\b", re.IGNORECASE)
_LISTED = re.compile(r"\s*(?:,\s*(?:or|and|oder|und|so)?\b|\b(?:or|and|oder|und|ou|et|o|y)\b|/|;)\s*", re.IGNORECASE)
_ASKS_WHICH = re.compile(r"\s*(?:which|what|welche\w*|quel\w*|cu\u00e1l\w*)\b", re.IGNORECASE)


def _place_picked(text: str, n: int) -> int | None:
    """Which of `n` things a clause of a reply picks by its place; None where none does, or several."""
    clauses = [" ".join(fold(part).strip(" .!").split()) for part in re.split(r"[,;.!?\n]", text)]
    picked = {found["which"] for clause in clauses if (found := _PICKED.fullmatch(clause))}
    if len(picked) != 1 or n < 2:
        return None
    (which,) = picked
    if which in ("earlier", "later", "latter"):
        return (0 if which == "earlier" else 1) if n == 2 else None
    place = _PLACE[which]
    return place % n if place < n else None


def _hours_picked(said: str, values: list[Any]) -> list[Any]:
    """Those of the hours that were named which a reply picks: `the morning one`, `5 works better`."""
    if part := _ONE_OF_DAY.fullmatch(said):
        first, last = _PART_OF_DAY[part["part"]]
        return [
            one
            for one in values
            if first <= one.at.hour < last or (one.halves and first <= (one.at.hour + 12) % 24 < last)
        ]
    if suits := _HOUR_SUITS.search(said):
        hour = int(suits["hour"] or suits["hour2"])
        return [one for one in values if one.at.minute == 0 and one.at.hour % 12 == hour % 12]
    return []


def answer_is(kind: Kind, value: Any, text: str, clock: Clock, question: str = "") -> bool:
    """Whether an answer to a question about the argument means the value."""
    words = [token.plain for token in tokens(text)]
    if not words or answers_nothing(text):
        return False
    if kind.sort == "bool":
        said = {"yes": True, "no": False}.get(accepts(text), as_bool(words[0]))
        if _EITHER_SIDE.search(question) and (side := _SIDE.match(text)):
            said = not side["without"]
        return said is not None and said == as_bool(value)
    if kind.sort == "enum":
        return " ".join(words) == " ".join(token.plain for token in tokens(str(value).replace("_", " ")))
    if kind.sort == "time":
        hours = [f"at {one.value:g}" for one in mentions(Kind("number"), text, clock)]
        return any(same(kind, one.value, value, clock) for hour in hours for one in mentions(kind, hour, clock))
    if kind.sort == "date":
        found = re.search(r"\b(\d{1,2})(?:st|nd|rd|th|\.)?(?=\W*$)", text)
        days = mentions(kind, f"the {found[1]}th", clock) if found else ()
        return any(one.value.fits(day, clock) for one in days for day in as_date(value, clock))
    if kind.sort == "text":
        return fold(str(value)).strip(" .!") == fold(text).strip(" .!")
    return False
