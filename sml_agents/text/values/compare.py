"""Comparing what was said with what is to be done: by value, under the argument's schema.

mentions(...)        every value of a kind that a text says
find(...)            where a text says one given value
spans_of(...)        the same of free text, where it is denied, too
same(...)            whether two values are one
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

from sml_agents.text.values.choices import find_choice, is_every, is_once
from sml_agents.text.values.codes import find_code, is_of_codes
from sml_agents.text.values.counts import find_counts
from sml_agents.text.values.date_phrases import Clock, find_months
from sml_agents.text.values.dates import as_date, find_dates
from sml_agents.text.values.kinds import Kind, Mention
from sml_agents.text.values.lengths import find_lengths, find_rhythms
from sml_agents.text.values.numbers import as_number
from sml_agents.text.values.patterns import repeats_repeats
from sml_agents.text.values.times import as_time, find_times
from sml_agents.text.values.words import Span, clause_of, find_words, fold, is_denied, listed, tokens
from sml_agents.text.words import content_words, stem

__all__ = ["as_bool", "find", "mentions", "same", "spans_of"]


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
        found = find_counts(kind, text, clock)
    elif kind.sort == "enum":
        found = [Mention(member, span) for member in kind.members for span in _members(member, text, kind)]
        found = [
            one for one in found if not any(one.span != other.span and one.span.lies_in(other.span) for other in found)
        ]
    elif kind.sort == "pattern":
        found = _matches(kind.pattern, text)
    else:
        found = []
    found = [Mention(one.value, one.span, is_denied(text, one.span)) for one in found]
    return tuple(sorted(found, key=lambda mention: mention.span))


def mentions(kind: Kind, text: str, clock: Clock) -> tuple[Mention, ...]:
    """Every value of a kind that a text says, denied ones marked. Empty for free text and yes-or-no."""
    return _mentions(kind, text, clock)


def _matches(pattern: str, text: str) -> list[Mention]:
    bare = pattern.removeprefix("^").removesuffix("$")
    if repeats_repeats(bare):  # on some texts it would run for ever
        return []
    try:
        return [
            Mention(found.group(), Span(*found.span()))
            for found in re.finditer(rf"(?<!\w)(?:{bare})(?!\w)", text)
            if found.group()
        ]
    except re.error:
        return []


_SIZES = {"xs": ("extra small",), "s": ("small",), "m": ("medium",), "l": ("large",), "xl": ("extra large",)}
_ORDINAL = re.compile(r"^(?:first|second|third|last)$")
_CLASSES = ("class", "one", "klasse", "classe", "clase")


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
        spans = [one for one in find_words(spaced, text) if plain not in _EVERYWHERE or _is_meant(text, one)]
    spans = [*spans, *find_code(kind, name, text)]
    for long in _SIZES.get(plain, ()):
        spans = [*spans, *find_words(long, text)]
    if len(plain) > 6:
        spans = [*spans, *_cut_short(plain, kind, text)]
    if len(plain) > 2 and plain in _folded(kind.members):
        spans = [*spans, *(Span(t.start, t.end) for t in tokens(text) if t.plain == f"{plain}est")]
    for short, longs in _SIZES.items():
        if plain in longs:
            spans = [*spans, *(Span(t.start, t.end) for t in tokens(text) if t.text == short.upper())]
    spans = [*([] if plain == "once" else spans), *find_choice(member, kind.members, text)]
    if _ORDINAL.match(plain.removesuffix(" class")):
        spans = [span for span in spans if _is_choice(text, span, kind)]
    return list(dict.fromkeys(spans))


_EVERYWHERE = frozenset(
    listed("in at or me us it is as to so by of if am an he we my do go hi be and the de la le el un es en")
)
"""Names of choices (inches, Oregon, Hindi) that stand in most texts and mean something else there."""
_ALONE = re.compile(r"(?:[:=]|\bthe|^|[\"'\u201c])\s*$", re.IGNORECASE)
"""What stands before such a word where it is a choice after all: `unit: in`, `the us`."""


def _is_meant(text: str, span: Span) -> bool:
    """Whether one of these words is the choice: in capitals, or where no other word of its kind would stand."""
    word = text[span.start : span.end]
    if word.isupper() and not text.isupper():
        return True
    alone = _ALONE.search(text[: span.start])
    return alone is not None and (bool(alone.group().strip()) or not text[span.end :].strip(" .!"))


def _cut_short(member: str, kind: Kind, text: str) -> list[Span]:
    """`prod` for production: the beginning of one choice and of no other, and much shorter."""
    members = _folded(kind.members)
    return [
        Span(token.start, token.end)
        for token in tokens(text)
        if 4 <= len(token.plain) <= len(member) - 3
        and member.startswith(token.plain)
        and all(one == member for one in members if one.startswith(token.plain))
    ]


@lru_cache(maxsize=256)
def _folded(members: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(fold(str(member)) for member in members)


def _is_choice(text: str, span: Span, kind: Kind) -> bool:
    """`first` as a choice: beside a word of the argument's name, after `in`, or the whole answer; not `First of
    all`."""
    if len(tokens(text)) <= 2 or tokens(text[span.start : span.end])[-1].plain in _CLASSES:
        return True
    after = tokens(text[span.end : span.end + 20])
    before = tokens(text[: span.start])
    beside = bool(after) and (stem(after[0].plain) in kind.words or after[0].plain in _CLASSES)
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
    return [Mention(value, span) for span in spans_of(kind, value, text, clock) if not is_denied(text, span)]


def spans_of(kind: Kind, value: Any, text: str, clock: Clock) -> list[Span]:
    """Where a text says the value of free text, denied or not: its words, what else it is called, what a code or a
    month in figures stands for."""
    if found := _MONTH.fullmatch(str(value)):
        return _months(int(found["year"]), int(found["month"]), text, clock)
    words = find_words(str(value), text)
    if is_of_codes(kind) and fold(str(value)) in _EVERYWHERE | {"no"}:  # the code `us` is not said by `for us`
        words = [span for span in words if _is_meant(text, span)]
    return words or find_choice(value, (value,), text) or find_code(kind, str(value), text)


_MONTH = re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])")
_THE_MONTH = re.compile(r"\b(?:(?P<next>next)|(?P<last>last)|this|the current) month(?:['\u2019]s)?\b", re.IGNORECASE)


def _months(year: int, month: int, text: str, clock: Clock) -> list[Span]:
    """`2026-07` for `July 2026`, `next month`; without a year, where the day is known, for the coming July."""
    spans = [Span(*one.span()) for one in re.finditer(rf"\b(?:{year}-{month:02}|0?{month}[/.]{year})\b", text)]
    for number, span in find_months(text, clock):
        said = re.match(r",? (?:of )?(?P<year>(?:19|20)\d\d)\b", text[span.end :])
        coming = clock.today.year + (number < clock.today.month)
        if number == month and (int(said["year"]) == year if said else clock.known and year == coming):
            spans.append(Span(span.start, span.end + (said.end() if said else 0)))
    if clock.known:
        for one in _THE_MONTH.finditer(text):
            months = clock.today.year * 12 + clock.today.month + bool(one["next"]) - bool(one["last"])
            if months == year * 12 + month:
                spans.append(Span(*one.span()))
    return spans


def _is_member(kind: Kind, value: Any) -> bool:
    return any(same(kind, member, value, Clock(dt.datetime.min, known=False)) for member in kind.members)


_WILDCARDS = frozenset({"any", "all", "dontcare", "doesntmatter", "anything", "nopreference", "egal", "beliebig"})
_NO_PREFERENCE = re.compile(
    r"\b(?:any(?:thing|where|one|time)?|some(?:thing|where)?|whatever|whichever|all|no preference|(?:do not"
    r"|don['\u2019]t|does not|doesn['\u2019]t) "
    r"(?:care|mind|matter)|(?:is|are) fine|egal|irgend\w+|beliebig\w*)\b",
    re.IGNORECASE,
)


_GLOSSES = re.compile(r"(?:^|[,;:] (?:or |and )?)(?:\d{1,3}(?:\.\d)?|[a-z]) [a-z]{3,}", re.IGNORECASE)


def _by_gloss(kind: Kind, value: Any, text: str) -> list[Mention]:
    """What the description says a value stands for: `1 for Bangkok`, `'X' (express)`, `Music (concert, gig)`, and in a
    list of such `1 lawn, 2 beds`."""
    if not kind.description or not str(value).strip():
        return []
    short = len(str(value)) < 4 and len(_GLOSSES.findall(kind.description)) > 1
    stands = (
        rf"(?<![\w.])['\"]?{re.escape(str(value))}['\"]?\s*(?:(?:stands |is )?for\b|means\b|=|:|(?=\()"
        rf"{'|(?= )' if short else ''})\s*"
    )
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
        for length in (*find_lengths(text), *(find_rhythms(text) if kind.words & _INTERVALS else ()))
        if length.is_(number, unit)
    ]


_INTERVALS = frozenset(map(stem, listed("interval refresh step every frequency repeat poll rhythm")))


def same(kind: Kind, said: Any, value: Any, clock: Clock) -> bool:
    """Whether what was said is the value. `said` is a mention's value, or a plain value of either side."""
    if kind.sort == "date":
        days = as_date(value, clock)
        if hasattr(said, "fits"):
            if kind.about_past and said.weekday_only and said.day - dt.timedelta(days=7) in days:
                return True
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
    if found := _how_often(kind, wanted, value, text) or _opposite(kind, wanted, value, text):
        return found
    if switch := next((one for words, one in _SWITCHES if kind.name & words and kind.name <= words | _FILLER), None):
        return _switched(switch, wanted, value, text)
    names = kind.name - _FILLER
    if kind.name & _AVOIDING and (names := names - _AVOIDING):
        return _avoided(names, wanted, value, text)
    undone = [t for t in tokens(text) if (one := _UNDONE.match(t.plain)) and stem(one[1]) in names]
    if undone:  # `unrecorded`
        return [] if wanted else [Mention(value, Span(token.start, token.end)) for token in undone]
    by_name = _named(names, len(names) if len(names) < 3 else len(names) - 1, wanted, value, text) if names else None
    if by_name is None and (asked := _WHETHER.match(kind.description)):
        about = frozenset(map(stem, content_words(asked[1]))) - _FILLER
        by_name = _named(about, len(about), wanted, value, text) if 0 < len(about) < 4 else None
    return by_name or []


_WHETHER = re.compile(r"(?:whether|(?:set to )?true (?:if|to|when))\b(?: or not\b)?([^.,;:(]*)", re.IGNORECASE)
"""What a description says is asked with yes or no: its words say it, too. `Whether to add pictures`: `no pictures`."""


def _named(names: frozenset[str], need: int, wanted: bool, value: Any, text: str) -> list[Mention] | None:
    """A yes or no by so many of the words that name the thing; None where they do not stand there."""
    said = [(token, stem(token.plain)) for token in tokens(text)]
    hits = [token for token, form in said if form in names or any(len(n) > 3 and form.startswith(n) for n in names)]
    if len({n for n in names for t in hits if stem(t.plain).startswith(n[:4]) or stem(t.plain) == n}) < need:
        return None
    span = Span(hits[0].start, hits[-1].end)
    clause = clause_of(text, span)
    negative = (
        is_denied(text, Span(hits[0].start, hits[0].end))
        or bool(_SKIPPED.search(text[: hits[0].start]))
        or bool(re.search(r"\b(?:not|no|n['\u2019]t|without|off)\b", text[span.end : clause.end]))
    )
    return [Mention(value, span)] if negative != wanted else []


_UNDONE = re.compile(r"(?:un|non)-?(\w{4,})$")
_TURNED = r"(?:turn|switch|power|put)\w*(?: (?!off\b|on\b)[^\s.,;!?]+){0,5}?"
_SWITCHES = (
    (
        frozenset(map(stem, listed("on enabled enable active activated"))),
        (rf"{_TURNED} on|enable|activate|goes? live", rf"{_TURNED} off|off with|shut off|disable|deactivate|kill|stop"),
    ),
    (
        frozenset(map(stem, listed("visible shown"))),
        (rf"{_TURNED} on|show|unhide|display", rf"{_TURNED} off|hide|remove|take out"),
    ),
    (
        frozenset(map(stem, listed("allowed permitted"))),
        (
            r"allow|permit|let(?! (?:me|us) (?:know|see|ask))(?!['\u2019]s)|may(?= \w+ (?:use|see|know|access|read))",
            r"deny|forbid|block|revoke|disallow",
        ),
    ),
)
"""Of names that only say that something is on: what puts it on, and off."""


def _switched(ways: tuple[str, str], wanted: bool, value: Any, text: str) -> list[Mention]:
    """Of `enabled`: `turn on roaming` is yes, `kill it` no; where both are said, neither."""
    told = [
        (Span(*one.span()), on != is_denied(text, Span(*one.span())))
        for on, words in zip((True, False), ways, strict=True)
        for one in re.finditer(rf"\b(?:{words})\b", text, re.IGNORECASE)
    ]
    return [Mention(value, span) for span, on in told if on == wanted] if len({on for _, on in told}) == 1 else []


_SKIPPED = re.compile(r"\b(?:skip|omit|drop|leave out|spare|save) (?:the |that |any )?$", re.IGNORECASE)
_REPEATS = frozenset(
    map(stem, listed("repeat repeats repeating recurring recurs recurrence daily weekly monthly yearly"))
)


def _how_often(kind: Kind, wanted: bool, value: Any, text: str) -> list[Mention]:
    """Of `repeat_daily`: `every single day` is yes, `just this once` no."""
    if not kind.name & _REPEATS:
        return []
    unit = next((one for one in ("daily", "weekly", "monthly", "yearly") if stem(one) in kind.name), "")
    said = [(span, True) for span in is_every(text, unit)] + [(span, False) for span in is_once(text)]
    return [Mention(value, span) for span, every in said if (every != is_denied(text, span)) == wanted]


_ALSO = {"duplex": "double sided"}
_OPPOSITES = (("delivery", "pickup"), ("duplex", "simplex"), ("public", "private"))


def _opposite(kind: Kind, wanted: bool, value: Any, text: str) -> list[Mention]:
    """Of `delivery`: `I'll pick it up` is no."""
    for pair in _OPPOSITES:
        for one, other in (pair, pair[::-1]):
            if kind.name in ({stem(one)}, {stem(word) for word in _ALSO.get(one, "").split()}):
                spans = [
                    *find_choice(one if wanted else other, pair, text),
                    *find_words(one if wanted else other, text),
                ]
                return [Mention(value, span) for span in spans if not is_denied(text, span)]
    return []


_AVOIDING = frozenset(map(stem, listed("avoid exclude skip without omit no hide disable ignore")))
_AVOIDED = re.compile(
    r"\b(?:avoid|exclud|skip|omit|hide|disabl|ignor|without|no|not|vermeid|ohne|sans|sin)\w*\W+(?:\w+\W+){0,2}$",
    re.IGNORECASE,
)
_TAKEN = re.compile(r"\s+(?:is|are) (?:fine|ok(?:ay)?|good|all right|no problem)\b", re.IGNORECASE)
_WITH = re.compile(r"\b(?:with|use|take|allow|include|via)\s+(?:\w+\s+)?$", re.IGNORECASE)


def _avoided(names: frozenset[str], wanted: bool, value: Any, text: str) -> list[Mention]:
    """Of `avoid_tolls`: `without tolls` is yes, `tolls are fine` and `with tolls` no; tolls alone say neither."""
    for token in tokens(text):
        if stem(token.plain) in names:
            before, after = text[: token.start], text[token.end :]
            avoids = bool(_AVOIDED.search(before))
            if (avoids and wanted) or (not avoids and not wanted and (_TAKEN.match(after) or _WITH.search(before))):
                return [Mention(value, Span(token.start, token.end))]
    return []


_FILLER = frozenset(
    map(
        stem,
        listed(
            "is has have with include includes included want wants needs add allow enable enabled good for show"
            " display draw"
        ),
    )
)
