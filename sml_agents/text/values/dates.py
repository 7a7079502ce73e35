"""Where dates stand in a text; what a phrase means is told by `sml_agents.text.values.date_phrases`.

A date that the text gives without its year or only as a weekday stays open in that part: `fits` says whether a calendar
day is one that it may mean. Past days that only tell a story ("born on", "last Friday I was ill") are marked.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sml_agents.text.numerals import ENGLISH_TOO
from sml_agents.text.values.date_phrases import (
    EDGE,
    FEAST,
    ORDINALS,
    Clock,
    coming,
    coming_feast,
    coming_nth,
    days_of,
    edge_of,
    languages_of,
    meaning,
    signal_words,
)
from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import Span, clause_of, covers, is_english, listed, tokens

__all__ = ["DateMention", "as_date", "find_dates"]


@dataclass(frozen=True)
class DateMention:
    """A date in a text."""

    day: dt.date
    """What it most likely means."""
    span: Span
    open_year: bool = False
    weekday_only: bool = False
    relative: bool = False
    """Counted from today."""
    next: bool = False
    """`next Friday` is this week's to some and next week's to others."""
    swapped: bool = False
    """`5/6/2027` has two readings."""
    story: bool = False
    """Told about the past, as in a birthday: no date for what is to be done."""

    def fits(self, day: dt.date, clock: Clock) -> bool:
        """Whether `day` is what the words may mean."""
        if self.weekday_only and not clock.known:
            return day.weekday() == self.day.weekday()
        if self.relative and not clock.known:
            return False
        if self.next and day == self.day + dt.timedelta(days=7):
            return True
        if self.swapped and self.day.day <= 12 and (day.month, day.day) == (self.day.day, self.day.month):
            return self.open_year or day.year == self.day.year
        if self.open_year and (day.month, day.day) == (self.day.month, self.day.day):
            return not clock.known or day.year == self.day.year or day.year == clock.today.year
        return day == self.day


_ISO = re.compile(r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?!\d)")
_NUMERIC = re.compile(r"(?<![\d.])\d{1,2}([./-])\d{1,2}(?:\1(?:\d{4}|\d{2})|\.)?(?![\d%]|[.,]\d)")
_NTH = re.compile(
    r"\b(?:(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,? )?[Tt]he (?P<day>\d{1,2})(?:st|nd|rd|th)\b"
    r"(?! of\b| [A-Z])|(?P<day2>\d{1,2})(?:st|nd|rd|th)? of (?P<which>this"
    r"|the|next|the next) month\b)"
)
_TODAY = re.compile(
    r"\b(?:tonight|this (?:morning|afternoon|evening)|heute abend|ce soir|esta noche|stasera)\b", re.IGNORECASE
)
_STORY = re.compile(
    r"\b(?:born|birthday|birth|dob|geboren|geburtstag|n[e\u00e9]e? le|nac[ii\u00ed]|was|were|had|went|bought|ordered"
    r"|arrived|came|got"
    r"|happened|war|hatte|kam)\b",
    re.IGNORECASE,
)
_LAST_YEAR = re.compile(
    r"\b(?:last year|years? ago|letzte[sn]? jahr|vor \w+ jahr(?:en)?|a\u00f1o pasado"
    r"|l['\u2019]ann\u00e9e derni\u00e8re|l['\u2019]an dernier"
    r"|anno scorso|ano passado|vorig jaar)\b",
    re.IGNORECASE,
)
_BEING = re.compile(
    r"\b(?:was|were|went|flew|war(?:en)?|estuv\w+|estaba\w*|fui|fuimos|\u00e9tai\w+|\u00e9tions"
    r"|sono stat\w|ero|estive)\b"
    r"(?! (?:thinking|hoping|planning|wondering|looking))",
    re.IGNORECASE,
)
"""Says of a day without its year that it lies in the past: `on 5 May I was in Rome`."""
_NEXT = frozenset(
    listed(
        "next following coming nachste nachsten nachster nachstes kommende kommenden prochain prochaine proximo"
        " proxima "
        "prossimo volgende"
    )
)
_ASKS = re.compile(r"\s+(?:I|i|we|you|he|she|they|it|be|not|have|also|well)\b")
"""What follows `may` where it is no month."""
_RELATIVE_UNITS = ("day", "week", "month", "year", "tag", "woche", "monat", "jahr", "jour", "semaine", "mois")
_VERBS = re.compile(r"\b(?:to|i|you|we|he|she|it|they|that|who|there|this)\s+$|^\W*$", re.IGNORECASE)


def as_date(value: object, clock: Clock) -> frozenset[dt.date]:
    """The days that an argument may mean: two for `03/04/2027`, none for what is no date."""
    if isinstance(value, dt.datetime):
        return frozenset({value.date()})
    if isinstance(value, dt.date):
        return frozenset({value})
    text = str(value).strip()
    if match := re.match(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?:$|[T ])", text):
        return days_of([(int(match[1]), int(match[2]), int(match[3]))])
    if match := re.fullmatch(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})", text):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        return days_of([(year, first, second), (year, second, first)])
    return frozenset(day for found in find_dates(text, clock) for day in [found.day] if covers(text, found.span))


@lru_cache(maxsize=2048)
def find_dates(text: str, clock: Clock) -> tuple[DateMention, ...]:
    """Every date of a text, in order."""
    found: list[DateMention] = []

    def add(mention: DateMention) -> None:
        if not any(mention.span.overlaps(other.span) for other in found):
            found.append(mention)

    for match in _ISO.finditer(text):
        for iso in as_date(match.group(), clock):
            add(DateMention(iso, Span(*match.span())))
    for match in EDGE.finditer(text):
        add(DateMention(edge_of(match, clock.today), Span(*match.span()), relative=True))
    for match in _TODAY.finditer(text) if clock.known else ():
        add(DateMention(clock.today, Span(*match.span()), relative=True))
    for match in FEAST.finditer(fold_keeping_places(text)):
        add(DateMention(coming_feast(match.group(1), clock.today), Span(*match.span()), open_year=True))
    for match in _NTH.finditer(text):
        day_of_month, later = int(match["day"] or match["day2"]), "next" in (match["which"] or "")
        if (nth := coming_nth(day_of_month, clock.today, later)) and not _by_words_at(text, match.start(), clock):
            add(DateMention(nth, Span(*match.span()), relative=True))
    for match in _NUMERIC.finditer(text):
        piece = match.group()
        numbers = [int(part) for part in re.findall(r"\d+", piece)]
        if len(numbers) == 2 and match.group(1) == "-":
            continue
        if len(numbers) == 2 and match.group(1) == "." and (not piece.endswith(".") or is_english(text)):
            continue  # 12.50 is an amount, in English also where a sentence ends behind it
        year = (numbers[2] + 2000 if numbers[2] < 100 else numbers[2]) if len(numbers) == 3 else None
        first, second = numbers[:2]
        orders = [(second, first)] if match.group(1) == "." else [(first, second), (second, first)]
        days = [day for order in orders for day in days_of([(year or clock.today.year, *order)])]
        if days:
            day = days[0] if year else coming(days[0].month, days[0].day, clock.today)
            add(DateMention(day, Span(*match.span()), open_year=not year, swapped=len(set(days)) > 1))
    for mention in _by_words(text, clock):
        add(_shifted(text, mention))
    for of_range in (_first_of_range, _last_of_range):
        found.extend([other for mention in found if (other := of_range(text, mention)) is not None])
    found = [_after_another(text, mention, found) for mention in found]
    return tuple(sorted((_told(text, mention, clock) for mention in found), key=lambda mention: mention.span))


def _after_another(text: str, mention: DateMention, others: list[DateMention]) -> DateMention:
    """`From 10 January until the 14th`: the 14th that comes after the day before it."""
    if not (only := _NTH.fullmatch(text, mention.span.start, mention.span.end)) or not only["day"]:
        return mention
    before = [one for one in others if one.open_year and one.span.end <= mention.span.start]
    later = coming_nth(int(only["day"]), max(before, key=lambda one: one.span).day) if before else None
    return replace(mention, day=later) if later else mention


_SHIFT = re.compile(r"(an?|one|two|three|\d+) (days?|weeks?) (from|after|before) (?:the )?$", re.IGNORECASE)


def _shifted(text: str, mention: DateMention) -> DateMention:
    """`a week from Friday` is seven days after Friday."""
    before = _SHIFT.search(text[: mention.span.start])
    if before is None:
        return mention
    number = 1.0 if before[1].casefold() in ("a", "an") else next(iter(find_numbers(before[1])[0].values))
    days = dt.timedelta(days=number * UNITS[before[2].casefold()] * (-1 if before[3].casefold() == "before" else 1))
    changes = {"day": mention.day + days, "span": Span(before.start(), mention.span.end), "weekday_only": False}
    return DateMention(**{**mention.__dict__, **changes})


_RANGE = re.compile(
    r"(?<![\d.:])(\d{1,2})(?:st|nd|rd|th|\.)?\s?(?:to|-|\u2013|until|till|and|bis|und|al|au)\s?(?:the )?$",
    re.IGNORECASE,
)


def _first_of_range(text: str, mention: DateMention) -> DateMention | None:
    """The 3 June of `from 3 to 7 June`."""
    before = _RANGE.search(text[: mention.span.start])
    starts = re.match(r"\d{1,2}\D", text[mention.span.start : mention.span.end])
    if before is None or not starts or mention.weekday_only or mention.relative:
        return None
    days = days_of([(mention.day.year, mention.day.month, int(before[1]))])
    span = Span(before.start(1), before.end(1))
    return next((DateMention(day, span, open_year=mention.open_year) for day in days), None)


_TO_THE = re.compile(
    r"(?:st|nd|rd|th)?\s?(?:to|-|\u2013|until|till|through)\s?(?:the )?(\d{1,2})(?:st|nd|rd|th)?"
    r"(?![\d:/]|\.\d|\s?[ap]m\b)"
)


def _last_of_range(text: str, mention: DateMention) -> DateMention | None:
    """The 7 June of `June 3 to 7`."""
    after = _TO_THE.match(text, mention.span.end)
    ends = re.search(r"[^\W\d_]\s?\d{1,2}(?:st|nd|rd|th)?$", text[mention.span.start : mention.span.end])
    if after is None or not ends or mention.weekday_only or not mention.open_year or mention.day.day >= int(after[1]):
        return None
    days = days_of([(mention.day.year, mention.day.month, int(after[1]))])
    return next((DateMention(day, Span(after.start(1), after.end(1)), open_year=True) for day in days), None)


def fold_keeping_places(text: str) -> str:
    return text.lower().replace("\u2019", "'") if len(text.lower()) == len(text) else text


def _told(text: str, mention: DateMention, clock: Clock) -> DateMention:
    """Marks a date of the past that a story tells."""
    clause = clause_of(text, mention.span)
    around = text[clause.start : clause.end]
    birth = re.search(
        r"\b(?:born|birthday|birth|dob|geboren|geburtstag|n\u00e9e? le|nac\u00ed)\b", around, re.IGNORECASE
    )
    past = clock.known and mention.relative and mention.day < clock.today
    if (
        birth
        or (past and _STORY.search(around))
        or _LAST_YEAR.search(around)
        or (mention.open_year and _BEING.search(around))
    ):
        return DateMention(**{**mention.__dict__, "story": True})
    return mention


def _by_words_at(text: str, at: int, clock: Clock) -> bool:
    found = [mention.span for mention in _by_words(text, clock)]
    return any(span.start <= at + 12 and at < span.end and span.end - span.start > 9 for span in found)


_UNSPACED_DATE = re.compile(
    r"(?:\d{4}\s?\u5e74)?\d{1,2}\s?\u6708\d{1,2}\s?[\u65e5\u53f7]"
    r"|\u660e\u5929|\u540e\u5929|\u4eca\u5929|\u660e\u65e5|\u4eca\u65e5"
)


@lru_cache(maxsize=2048)
def _by_words(text: str, clock: Clock) -> tuple[DateMention, ...]:
    """Dates with a name in them: a month, a weekday, `tomorrow`, `in two weeks`."""
    languages = languages_of(text, clock)
    words = signal_words(languages)
    said = tokens(text)
    found: list[DateMention] = []
    k = 0
    for token in said:
        for match in _UNSPACED_DATE.finditer(token.text) if not token.text.isascii() else ():
            if day := meaning(match.group(), clock, languages):
                relative = not re.search(r"\d", match.group())
                span = Span(token.start + match.start(), token.start + match.end())
                found.append(DateMention(day, span, open_year="\u5e74" not in match.group(), relative=relative))
    while k < len(said):
        best = None
        for n in range(min(8, len(said) - k), 0, -1):
            window = said[k : k + n]
            if not _likely(text, window, words):
                continue
            piece = text[window[0].start : window[-1].end]
            if day := meaning(piece, clock, languages):
                best = (n, window, piece, day)
                break
        if best is None:
            k += 1
            continue
        n, window, piece, day = best
        plain = [token.plain for token in window]
        has_month = any(word in words["months"] for word in plain)
        has_weekday = any(word in words["weekdays"] for word in plain)
        only_weekday = not has_month and has_weekday and not re.search(r"\d", piece)
        before = said[k - 1].plain if k else ""
        found.append(
            DateMention(
                day,
                Span(window[0].start, window[-1].end),
                open_year=has_month and not re.search(r"\d{4}", piece),
                weekday_only=only_weekday,
                relative=not has_month,
                next=only_weekday and bool({before, *plain} & _NEXT),
            )
        )
        k += n
    return tuple(found)


def _is_another_word(text: str, plain: list[str], word: str, numbers: list[bool]) -> bool:
    """`Set 2 alarms`, `2 out of 3`, `3 sun hats`: a short word beside a number that is a month or a day in another
    language, which writes the day first, or in no language in this order."""
    english = signal_words(("en",))
    if word in english["weekdays"]:
        return len(plain) == 2 and numbers[0]
    if word in english["months"]:
        return False
    return plain[0] == word or is_english(text)


def _holds_together(text: str, window: tuple[Any, ...], numbers: list[bool], words: dict[str, frozenset[str]]) -> bool:
    """Whether the numbers of a run of words are its day and its year: not `1 July, forty`, `two on Thursday`, `Monday 8
    am`, `19 May, in on 21`."""
    plain = [token.plain for token in window]
    if any(word in UNITS or word.startswith(_RELATIVE_UNITS) for word in plain):
        return True  # `in two weeks`
    at = [k for k, word in enumerate(plain) if word in words["strong"]]
    named = [k for k in at if plain[k] in words["months"]] or [k for k in at if plain[k] in words["weekdays"]]
    figures = [k for k, is_number in enumerate(numbers) if is_number and k not in at]
    if not figures:
        return True
    if not named:
        return False  # `in 33 tomorrow`
    if re.match(r"(?::\d|\s?[ap]\.?m\b|\s?o['\u2019]?clock|\s?(?:uhr|h)\b)", text[window[-1].end :], re.IGNORECASE):
        return figures[-1] != len(plain) - 1
    years = [k for k in figures if re.fullmatch(r"(?:1[89]|20|21)\d\d", plain[k])]
    if any(re.search(r"[^\W_]-$", text[: window[k].start]) for k in figures):
        return False  # `RM-9083 on 4 December`
    days = [k for k in figures if k not in years]
    if len(years) > 1 or len(days) > 1 or any(k < named[0] for k in years if days and k < days[0]):
        return False
    if not days:
        return True
    (day,) = days
    spelled = not re.match(r"\d", plain[day])
    if plain[named[0]] not in words["months"]:
        return day == named[0] + 1 and not spelled  # `Friday 13`
    return day < named[0] if spelled else day <= named[-1] + 2


def _likely(text: str, window: tuple[Any, ...], words: dict[str, frozenset[str]]) -> bool:
    """Whether a run of words can be a date: all of them known to the parser, one of them a day, month or unit."""
    plain = [token.plain for token in window]
    if any(token.text == "may" and _ASKS.match(text, token.end) for token in window):
        return False  # `Gate 12, may I go?`
    numbers = [bool(re.match(r"\d", word)) or word in ORDINALS or bool(find_numbers(word)) for word in plain]
    known = [n or w in words["strong"] or w in words["weak"] for n, w in zip(numbers, plain, strict=True)]
    if not all(known):
        return False
    if any(re.fullmatch(r"\d+k", word) for word in plain):
        return False  # `10k in an hour`
    first, last = plain[0], plain[-1]
    if {"at", "um"} & set(plain) or any(re.fullmatch(r"\d{1,2}(?:[ap]m|h)", word) for word in plain):
        return False  # a time
    filler = set(listed("the a of at on for um am der den le el and to from after before"))
    if last == "in" or (first in filler and len(plain) > 1 and first not in ("a",)) or last in filler:
        return False
    between = [text[a.end : b.start] for a, b in pairwise(window)]
    if any(re.search(r"[;:!?\n]", gap) for gap in between):
        return False
    if ENGLISH_TOO & set(plain) and is_english(text):
        return False  # `due 31 December`
    pairs = zip(between, numbers, numbers[1:], plain[1:], strict=False)
    if any(
        "," in gap and one and not (other and word.isdigit()) and word not in words["months"]
        for gap, one, other, word in pairs
    ):
        return False  # `1,200, in 30 days`
    if {"and", "und", "et", "y"} & set(plain) and sum(word in words["strong"] for word in plain) > 1:
        return False  # two days
    if any("." in gap and len(word) > 5 and word.isalpha() for gap, word in zip(between, plain, strict=False)):
        return False  # a sentence ends behind a name that is not cut short
    strong = [w for w in plain if w in words["strong"]]
    months = [w for w in strong if w in words["months"]]
    if strong and not _holds_together(text, window, numbers, words):
        return False
    if "from" in plain and (set(plain) & set(UNITS) or numbers[0]):
        return False  # `two weeks from today`: see `_shifted`; `for 2 from 5 May`
    if not months and any("," in gap and other for gap, other in zip(between, numbers[1:], strict=False)):
        return False  # `yesterday, 46.50`
    if (
        not months
        and set(plain) & words["weekdays"]
        and any(re.match(r"\d{1,2}(?:st|nd|rd|th)$", word) for word in plain)
    ):
        return False  # `Sunday the 6th`: see `_NTH`
    if strong:
        if any(_is_another_word(text, plain, word, numbers) for word in strong if len(word) <= 3):
            return False
        if len(plain) == 1:
            if len(plain[0]) <= 3 and not window[0].text[0].isupper():
                return False  # "mon" in French, "sat" and "sun" in English
            return not months
        if strong in (["may"], ["march"]) or strong in (["mar"], ["sun"], ["sat"], ["dec"]):
            token = next(t for t in window if t.plain in strong)
            rest = text[window[-1].start :]
            follows = re.match(r"\s*\w+\s*(?:km|miles?|meters?|people|hours?|minutes?|kilo\w*)\b", rest)
            nth = any(re.match(r"\d{1,2}(?:st|nd|rd|th)$", word) for word in plain)
            if token.text.islower() and not nth and (follows or _VERBS.search(text[: token.start])):
                return False
        return any(numbers) or not months or any(w not in words["months"] for w in strong)
    units = [w for w in plain if w in UNITS or w.startswith(_RELATIVE_UNITS)]
    marked = set(plain) & set(listed("in ago vor dans en tra from now nach next prochain il hace over"))
    return bool(units) and bool(marked) and len(plain) > 1
