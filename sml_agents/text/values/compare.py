"""Comparing what was said with what is to be done: by value, under the argument's schema.

kind_of(...)         what sort of value an argument takes, from its JSON schema, name and value
mentions(...)        every value of a kind that a text says
find(...)            where a text says one given value
same(...)            whether two values are one
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from sml_agents.text.schemas import type_of
from sml_agents.text.values.dates import Clock, as_date, find_dates
from sml_agents.text.values.lengths import UNITS, find_lengths
from sml_agents.text.values.numbers import as_number, find_numbers
from sml_agents.text.values.times import as_time, find_times
from sml_agents.text.values.words import Span, clause_of, find_words, fold, is_denied, label, listed, tokens
from sml_agents.text.words import stem

__all__ = ["Kind", "Mention", "find", "kind_of", "mentions", "same"]

Sort = Literal["text", "number", "bool", "enum", "date", "time", "datetime", "pattern"]


@dataclass(frozen=True)
class Kind:
    """What sort of value an argument takes."""

    sort: Sort
    members: tuple[Any, ...] = ()
    """Of an enum."""
    pattern: str = ""
    words: frozenset[str] = frozenset()
    """Stems of the argument's name and description, by which people speak of it."""
    name: frozenset[str] = frozenset()
    """Stems of its name alone."""
    description: str = ""
    part: str = ""
    """Of a number that is the day, month or year of a date."""

    @property
    def family(self) -> str:
        """Kinds of one family are told by the same words: a code may be a name."""
        return "text" if self.sort == "pattern" else self.sort

    @property
    def has_mentions(self) -> bool:
        """Whether a text's values of this kind can be told without knowing which is wanted."""
        return self.sort not in ("text", "bool")

    @property
    def counts_people(self) -> bool:
        return bool(self.name & _PEOPLE)

    @property
    def about_past(self) -> bool:
        return bool(self.words & _PAST)

    @property
    def unit(self) -> float | None:
        """Days in the unit that a number of this kind counts; None for what is no length of time."""
        for words in (self.name, self.words):
            for word, days in UNITS.items():
                if len(word) > 1 and stem(word) in words:
                    return days
        return None


_PAST = frozenset(
    map(stem, listed("birth born birthday birthdate dob incident occurred purchase purchased since past"))
)
_PEOPLE = frozenset(
    map(stem, listed("people person guest rider passenger traveler traveller adult diner attendee visitor party seat"))
)
_NAME_WORDS = frozenset(map(stem, listed("name title")))


@dataclass(frozen=True)
class Mention:
    """A value in a text."""

    value: Any
    span: Span
    denied: bool = False
    derived: bool = field(default=False, compare=False)


_DATE_WORDS = frozenset(map(stem, listed("date day when departure arrival checkin checkout deadline birthday due")))
_TIME_WORDS = frozenset(map(stem, listed("time hour clock alarm")))
_PARTS = ("day", "month", "year")
_TYPES = {"integer": "number", "number": "number", "float": "number", "boolean": "bool"}


def kind_of(schema: Mapping[str, Any], name: str = "", value: Any = None) -> Kind:
    """The kind of an argument. Strings that hold dates, times or numbers are told by format, then by name and value."""
    description = str(schema.get("description", ""))
    last = re.split(r"[_\W]+", name.casefold().strip("_"))[-1]
    words: Any = {"words": label(name, description), "name": label(name), "description": description}
    words["part"] = last if last in _PARTS else ""
    members = schema.get("enum")
    if isinstance(members, list | tuple) and members and all(_is_said(member) for member in members):
        if all(as_number(member) is not None for member in members):
            return Kind("number", **words)
        if {fold(str(member)) for member in members} <= {"true", "false"}:
            return Kind("bool", **words)
        return Kind("enum", tuple(members), **words)
    if (kind := type_of(schema)) in _TYPES:
        return Kind(_TYPES[kind], **words)  # type: ignore[arg-type]
    format = schema.get("format")
    if format in ("date", "time"):
        return Kind(format, **words)
    if format == "date-time":
        return Kind("datetime", **words)
    if pattern := schema.get("pattern"):
        return Kind("pattern", pattern=str(pattern), **words)
    return Kind(_sort_by_value(value, words["words"], words["name"]), **words)


def _is_said(value: Any) -> bool:
    """Whether people can say a value in words: no object and no list."""
    return not isinstance(value, Mapping | list | tuple)


def _sort_by_value(value: Any, words: frozenset[str], name: frozenset[str]) -> Sort:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    text = str(value or "").strip()
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}\S*", text):
        return "datetime"
    dated = (
        as_date(text, Clock(dt.datetime(2026, 1, 1)))
        if words & _DATE_WORDS or re.match(r"\d{4}-\d\d?-\d\d?$", text)
        else ()
    )
    if dated:
        return "date"
    if re.fullmatch(r"\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?", text, re.IGNORECASE):
        return "time"
    if words & _TIME_WORDS and as_time(text):
        return "time"
    if as_number(text) is not None and not re.match(r"0\d|\d{6}", text) and not name & _NAME_WORDS:
        return "number"
    return "text"


@lru_cache(maxsize=8192)
def _mentions(kind: Kind, text: str, clock: Clock) -> tuple[Mention, ...]:
    if kind.sort == "date":
        found = [
            Mention(mention, mention.span)
            for mention in find_dates(text, clock)
            if kind.about_past or not mention.story
        ]
    elif kind.sort == "time":
        found = [Mention(mention, mention.span) for mention in find_times(text)]
    elif kind.sort == "number":
        found = _numbers(kind, text, clock)
    elif kind.sort == "enum":
        found = [Mention(member, span) for member in kind.members for span in _members(member, text, kind)]
        found = [one for one in found if not any(_inside(one.span, other.span) for other in found)]
    elif kind.sort == "pattern":
        found = _matches(kind.pattern, text)
    else:
        found = []
    found = [Mention(one.value, one.span, is_denied(text, one.span)) for one in found]
    return tuple(sorted(found, key=lambda mention: mention.span))


def mentions(kind: Kind, text: str, clock: Clock) -> tuple[Mention, ...]:
    """Every value of a kind that a text says, denied ones marked. Empty for free text and yes-or-no."""
    return _mentions(kind, text, clock)


def _inside(one: Span, other: Span) -> bool:
    return one != other and other.start <= one.start and one.end <= other.end


def _matches(pattern: str, text: str) -> list[Mention]:
    bare = pattern.removeprefix("^").removesuffix("$")
    try:
        return [
            Mention(found.group(), Span(*found.span()))
            for found in re.finditer(rf"(?<!\w)(?:{bare})(?!\w)", text)
            if found.group()
        ]
    except re.error:
        return []


def _numbers(kind: Kind, text: str, clock: Clock) -> list[Mention]:
    """Numbers that are no part of a date or a time, and `a` before a word of the argument's name."""
    dates = find_dates(text, clock)
    taken = [m.span for m in dates] + [m.span for m in find_times(text)]
    found: list[Mention] = []
    if kind.part:  # of a date that is said in words; each part has a place of its own in it
        at = _PARTS.index(kind.part)
        spans = [Span(m.span.start + at, min(m.span.start + at + 1, m.span.end)) for m in dates]
        found.extend(Mention(float(getattr(m.day, kind.part)), span) for m, span in zip(dates, spans, strict=True))
    for mention in find_numbers(text):
        if any(mention.span.overlaps(span) for span in taken):
            continue
        after = tokens(text[mention.span.end : mention.span.end + 40])
        unit = UNITS.get(after[0].plain) if after else None
        if unit is not None and kind.unit is None and stem(after[0].plain) not in kind.words:
            continue  # three nights are no three guests
        if _names_a_thing(kind, text, mention.span):
            continue
        found.extend(Mention(value, mention.span) for value in sorted(mention.values))
    for match in re.finditer(r"\b(?:an?|just me|by myself|alone|only me)\b", text, re.IGNORECASE):
        word = tokens(text[match.end() : match.end() + 30])
        if match.group().casefold() not in ("a", "an") or (word and stem(word[0].plain) in kind.words):
            found.append(Mention(1.0, Span(*match.span())))
    return found


_LABELS = frozenset(
    map(
        stem,
        listed(
            "invoice ticket case room gate flight bus line number no nr apartment flat platform booking"
            " reservation card pin code zip postcode id ref reference page chapter season episode bestellung auftrag"
            " rechnung zimmer flug linie nummer hausnummer pedido factura habitacion vuelo numero commande facture"
            " chambre vol"
        ),
    )
)
"""Words before a number that make a name of it: `order 4711`."""
_STREET = re.compile(
    r"\s+(?:\w+\s+){0,2}(?:street|st|road|rd|avenue|ave|lane|drive|boulevard|blvd|square|way|rue)\b", re.IGNORECASE
)
_PHONE = re.compile(r"\+?\d[\d\s()/-]{5,}\d")


def _names_a_thing(kind: Kind, text: str, span: Span) -> bool:
    """Whether a number tells nothing that is counted: `order 4711`, `4 Elm Street`, a part of `555 0199`."""
    if not text[span.start : span.end].isdigit():
        return False
    before, after = tokens(text[: span.start])[-1:], tokens(text[span.end : span.end + 40])[:1]
    short = span.end - span.start < 3
    counts = after and (after[0].plain.endswith("s") or stem(after[0].plain) in kind.words | _PEOPLE)
    labels = _LABELS if short else _LABELS | {"order"}  # to order 2 pizza
    if before and stem(before[0].plain) in labels - kind.words and not (short and counts):
        return not text[before[0].end : span.start].strip(" #.:")
    if _STREET.match(text, span.end):
        return True
    return any(
        Span(*one.span()).overlaps(span) and len(re.findall(r"\d+", one.group())) > 1 for one in _PHONE.finditer(text)
    )


_SIZES = {"xs": ("extra small",), "s": ("small",), "m": ("medium",), "l": ("large",), "xl": ("extra large",)}
_ORDINAL = re.compile(r"^(?:first|second|third|last)$")


def _members(member: Any, text: str, kind: Kind) -> list[Span]:
    """Where a text says a member of an enum: its words, the long form of a size, its stems."""
    name = str(member)
    plain = fold(name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ")
    if len(plain) == 1 and plain.isalpha():
        spans = [Span(t.start, t.end) for t in tokens(text) if t.text == name.upper() and (plain != "i" or name == "I")]
        if plain == "a":
            spans = [span for span in spans if span.start and text[span.start - 2 : span.start - 1] not in ".!?"]
    else:
        spans = find_words(spaced, text)
    for long in _SIZES.get(plain, ()):
        spans = [*spans, *find_words(long, text)]
    for short, longs in _SIZES.items():
        if plain in longs:
            spans = [*spans, *(Span(t.start, t.end) for t in tokens(text) if t.text == short.upper())]
    if _ORDINAL.match(plain):
        spans = [span for span in spans if _is_choice(text, span, kind)]
    return spans


def _is_choice(text: str, span: Span, kind: Kind) -> bool:
    """`first` as a choice: beside a word of the argument's name, after `in`, or the whole answer; not `First of"
    " all`."""
    if len(tokens(text)) <= 2:
        return True
    after = tokens(text[span.end : span.end + 20])
    before = tokens(text[: span.start])
    beside = bool(after) and (stem(after[0].plain) in kind.words or after[0].plain in ("class", "one"))
    return beside or (
        bool(before)
        and before[-1].plain in ("in", "the", "take")
        and not (after and after[0].plain in ("of", "time", "week", "day"))
    )


def find(kind: Kind, value: Any, text: str, clock: Clock) -> list[Mention]:
    """Where `text` says `value`, denied mentions left out."""
    if value is None or value == "":
        return []
    if glossed := _by_gloss(kind, value, text):
        return glossed
    if kind.sort in ("text", "enum") and fold(str(value)).replace(" ", "").replace("_", "") in _WILDCARDS:
        return [Mention(value, Span(*found.span())) for found in _NO_PREFERENCE.finditer(text)]
    if kind.sort in ("date", "time", "datetime", "number", "enum", "pattern"):
        found = [one for one in _typed(kind, value, text, clock) if not one.denied]
        if found or kind.sort != "enum" or _is_member(kind, value):
            return found
    if kind.sort == "bool":
        return _yes_or_no(kind, value, text)
    return [Mention(value, span) for span in find_words(str(value), text) if not is_denied(text, span)]


def _is_member(kind: Kind, value: Any) -> bool:
    return any(same(kind, member, value, Clock(dt.datetime.min, known=False)) for member in kind.members)


_WILDCARDS = frozenset({"any", "all", "dontcare", "doesntmatter", "anything", "nopreference", "egal", "beliebig"})
_NO_PREFERENCE = re.compile(
    r"\b(?:any(?:thing|where|one|time)?|some(?:thing|where)?|whatever|whichever|all|no preference|(?:do not"
    r"|don['\u2019]t|does not|doesn['\u2019]t) "
    r"(?:care|mind|matter)|(?:is|are) fine|egal|irgend\w+|beliebig\w*)\b",
    re.IGNORECASE,
)


def _by_gloss(kind: Kind, value: Any, text: str) -> list[Mention]:
    """What the description says a value stands for: `1 for Bangkok`, `'X' (express)`, `Music (concert, gig)`."""
    if not kind.description or not str(value).strip():
        return []
    stands = rf"(?<![\w.])['\"]?{re.escape(str(value))}['\"]?\s*(?:(?:stands |is )?for\b|means\b|=|:|(?=\())\s*"
    spans = []
    for found in re.finditer(stands, kind.description):
        rest = kind.description[found.end() : found.end() + 160]
        gloss = re.match(r"\(([^)]{3,})\)", rest)
        if gloss:
            said_as = re.split(r"[,;/]|\bor\b", gloss[1])
        else:
            said_as = re.split(r"[,.;)]", re.sub(r"\([^)]*\)", " ", rest), maxsplit=1)[:1]
        for words in (one.strip(" '\"") for one in said_as):
            if len(words) >= 3:
                spans.extend(find_words(words, text))
    return [Mention(value, span) for span in spans if not is_denied(text, span)]


def _typed(kind: Kind, value: Any, text: str, clock: Clock) -> list[Mention]:
    if kind.sort == "datetime":
        days, at = as_date(value, clock), as_time(value)
        dates = [
            m
            for m in _mentions(Kind("date", words=kind.words), text, clock)
            if any(m.value.fits(day, clock) for day in days)
        ]
        times = [m for m in _mentions(Kind("time"), text, clock) if at is not None and m.value.fits(at)]
        if at in (None, dt.time(0, 0)) and not times:
            return dates if at is None else []
        return [Mention(value, d.span, d.denied) for d in dates] if dates and times else []
    return [one for one in _mentions(kind, text, clock) if same(kind, one.value, value, clock)] + (
        _lengths(kind, value, text) if kind.sort == "number" else []
    )


def _lengths(kind: Kind, value: Any, text: str) -> list[Mention]:
    """A number of minutes for `an hour and a half`."""
    number, unit = as_number(value), kind.unit
    if number is None or unit is None:
        return []
    return [
        Mention(value, length.span, is_denied(text, length.span), derived=True)
        for length in find_lengths(text)
        if abs(length.days - number * unit) < 1e-6 * max(1.0, length.days)
    ]


def same(kind: Kind, said: Any, value: Any, clock: Clock) -> bool:
    """Whether what was said is the value. `said` is a mention's value, or a plain value of either side."""
    if kind.sort == "date":
        days = as_date(value, clock)
        if hasattr(said, "fits"):
            return any(said.fits(day, clock) for day in days)
        return bool(days & as_date(said, clock))
    if kind.sort == "time":
        at = as_time(value)
        return at is not None and (said.fits(at) if hasattr(said, "fits") else as_time(said) == at)
    if kind.sort == "datetime":
        return bool(as_date(said, clock) & as_date(value, clock)) and as_time(said) == as_time(value)
    if kind.sort in ("number", "bool"):
        one, other = as_number(said), as_number(value)
        if one is not None and other is not None:
            return abs(one - other) <= 1e-9 * max(1.0, abs(one))
        return fold(str(said)) == fold(str(value))
    if kind.sort in ("enum", "pattern"):
        return " ".join(fold(str(said)).replace("_", " ").split()) == " ".join(
            fold(str(value)).replace("_", " ").split()
        )
    return bool(find_words(str(value), str(said))) and bool(find_words(str(said), str(value)))


_YES = frozenset(listed("yes true yeah yep y ja oui si on"))
_NO = frozenset(listed("no false nope nah n nein non off"))


def as_bool(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = fold(str(value)).strip()
    return True if word in _YES else False if word in _NO else None


def _yes_or_no(kind: Kind, value: Any, text: str) -> list[Mention]:
    """A yes-or-no is said by naming the thing: `gift wrapped, please` is yes, `no gift wrap` is no."""
    wanted = as_bool(value)
    if wanted is None:
        return []
    names = kind.name - _FILLER
    if not names:
        return []
    said = [(token, stem(token.plain)) for token in tokens(text)]
    hits = [token for token, form in said if form in names or any(len(n) > 3 and form.startswith(n) for n in names)]
    need = len(names) if len(names) < 3 else len(names) - 1
    if len({n for n in names for t in hits if stem(t.plain).startswith(n[:4]) or stem(t.plain) == n}) < need:
        return []
    span = Span(hits[0].start, hits[-1].end)
    clause = clause_of(text, span)
    negative = is_denied(text, Span(hits[0].start, hits[0].end)) or bool(
        re.search(r"\b(?:not|no|n['\u2019]t|without|off)\b", text[span.end : clause.end])
    )
    return [Mention(value, span)] if negative != wanted else []


_FILLER = frozenset(
    map(stem, listed("is has have with include includes included want wants needs add allow enable enabled good for"))
)
