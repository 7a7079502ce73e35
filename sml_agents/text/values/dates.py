"""Dates in a text. Words for days and months are dateparser's, in its languages.

A date that the text gives without its year or only as a weekday stays open in that part: `fits` says whether a calendar
day is one that it may mean. Past days that only tell a story ("born on", "last Friday I was ill") are marked.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sml_agents.errors import MissingExtra
from sml_agents.text.numerals import ENGLISH_TOO
from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import Span, clause_of, covers, fold, is_english, listed, tokens

__all__ = ["LANGUAGES", "Clock", "DateMention", "as_date", "find_dates"]

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")


@dataclass(frozen=True)
class Clock:
    """What "tomorrow" is counted from. `known=False`: only what needs no clock is compared."""

    now: dt.datetime
    known: bool = True
    languages: tuple[str, ...] = LANGUAGES

    @property
    def today(self) -> dt.date:
        return self.now.date()


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
_EDGE = re.compile(
    r"\b(?P<edge>end|beginning|start|first day|last day|ende|anfang)(?: of| des| der)?(?: the)?(?: (?P<which>this"
    r"|next|n\w+chste[nrs]?))?"
    r" (?P<unit>month|year|week|monats?|jahre?s?|woche)\b",
    re.IGNORECASE,
)
_FEASTS = {
    "christmas eve": (12, 24), "heiligabend": (12, 24), "christmas day": (12, 25), "christmas": (12, 25),
    "boxing day": (12, 26), "new year's eve": (12, 31), "silvester": (12, 31), "new year's day": (1, 1),
    "new year": (1, 1), "neujahr": (1, 1), "valentine's day": (2, 14), "halloween": (10, 31), "weihnachten": (12, 25),
}  # fmt: skip
_FEAST = re.compile(r"\b(" + "|".join(sorted(map(re.escape, _FEASTS), key=len, reverse=True)) + r")\b")
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
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)", re.IGNORECASE)
_RELATIVE_UNITS = ("day", "week", "month", "year", "tag", "woche", "monat", "jahr", "jour", "semaine", "mois")
_VERBS = re.compile(r"\b(?:to|i|you|we|he|she|it|they|that|who|there|this)\s+$|^\W*$", re.IGNORECASE)
_MONTHS = listed("january february march april may june july august september october november december")
_WEEKDAYS = listed("monday tuesday wednesday thursday friday saturday sunday")


@lru_cache(maxsize=1)
def _dateparser() -> Any:
    try:
        import dateparser
    except ImportError as error:
        raise MissingExtra("Reading dates", "agents") from error
    return dateparser


@lru_cache(maxsize=1)
def _signal_words(languages: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Words of dateparser's languages: `strong` ones stand for a date alone, `weak` ones beside others."""
    _dateparser()
    from dateparser.languages.loader import default_loader

    strong: set[str] = set()
    weak: set[str] = set()
    weekdays: set[str] = set()
    months: set[str] = set()
    for locale in default_loader.get_locales(languages=list(languages)):
        info = locale.info
        for key in _MONTHS:
            months.update(fold(word).strip(".") for word in info.get(key, ()) if len(word) > 2 or not word.isascii())
        for key in _WEEKDAYS:
            days = {fold(word).strip(".") for word in info.get(key, ()) if len(word) > 2 or not word.isascii()}
            strong.update(days)
            weekdays.update(days)
        for phrases in info.get("relative-type", {}).values():
            for phrase in phrases:
                words = [token.plain for token in tokens(phrase)]
                weak.update(words)
                if len(words) == 1 and len(words[0]) > 3:
                    strong.add(words[0])
        for key in listed("year month week day in ago decade hour minute"):
            weak.update(fold(word) for word in info.get(key, ()) if len(word) > 1)
        weak.update(fold(word) for word in info.get("skip", ()) if word.isalpha())
    weak.update(("after", "before"))  # the day after tomorrow
    strong |= months
    return {
        "strong": frozenset(strong - {"now", "jetzt", "second", "minute", "hour"}),
        "weak": frozenset(weak),
        "weekdays": frozenset(weekdays),
        "months": frozenset(months),
    }


def _languages(text: str, clock: Clock) -> tuple[str, ...]:
    """The clock's languages, and those whose script the text is in."""
    scripts = {
        "\u0400": ("\u04ff", "ru"),
        "\u3040": ("\u30ff", "ja"),
        "\u4e00": ("\u9fff", "zh"),
        "\u0600": ("\u06ff", "ar"),
        "\uac00": ("\ud7a3", "ko"),
    }
    more = [code for low, (high, code) in scripts.items() if any(low <= sign <= high for sign in text)]
    return tuple(dict.fromkeys([*clock.languages, *more]))


@lru_cache(maxsize=8192)
def _parse(text: str, now: dt.datetime, languages: tuple[str, ...]) -> dt.datetime | None:
    settings = {
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "PREFER_DATES_FROM": "future",
        "RETURN_AS_TIMEZONE_AWARE": False,
        "PREFER_DAY_OF_MONTH": "first",
    }
    try:
        found: dt.datetime | None = _dateparser().parse(text, languages=list(languages), settings=settings)
    except (ValueError, OverflowError, RecursionError):
        return None
    return found


def as_date(value: object, clock: Clock) -> frozenset[dt.date]:
    """The days that an argument may mean: two for `03/04/2027`, none for what is no date."""
    if isinstance(value, dt.datetime):
        return frozenset({value.date()})
    if isinstance(value, dt.date):
        return frozenset({value})
    text = str(value).strip()
    if match := re.match(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})(?:$|[T ])", text):
        return _days([(int(match[1]), int(match[2]), int(match[3]))])
    if match := re.fullmatch(r"(\d{1,2})[-./](\d{1,2})[-./](\d{4})", text):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        return _days([(year, first, second), (year, second, first)])
    return frozenset(day for found in find_dates(text, clock) for day in [found.day] if covers(text, found.span))


def _days(parts: list[tuple[int, int, int]]) -> frozenset[dt.date]:
    days = set()
    for year, month, day in parts:
        try:
            days.add(dt.date(year, month, day))
        except ValueError:
            continue
    return frozenset(days)


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
    for match in _EDGE.finditer(text):
        add(DateMention(_edge(match, clock.today), Span(*match.span()), relative=True))
    for match in _TODAY.finditer(text) if clock.known else ():
        add(DateMention(clock.today, Span(*match.span()), relative=True))
    for match in _FEAST.finditer(fold_keeping_places(text)):
        month, number = _FEASTS[match.group(1)]
        add(DateMention(_coming(month, number, clock.today), Span(*match.span()), open_year=True))
    for match in _NTH.finditer(text):
        day_of_month, later = int(match["day"] or match["day2"]), "next" in (match["which"] or "")
        if (nth := _nth(day_of_month, clock.today, later)) and not _by_words_at(text, match.start(), clock):
            add(DateMention(nth, Span(*match.span()), relative=True))
    for match in _NUMERIC.finditer(text):
        piece = match.group()
        numbers = [int(part) for part in re.findall(r"\d+", piece)]
        if len(numbers) == 2 and match.group(1) == "-":
            continue
        if len(numbers) == 2 and match.group(1) == "." and not piece.endswith("."):
            continue  # 12.50 is an amount
        year = (numbers[2] + 2000 if numbers[2] < 100 else numbers[2]) if len(numbers) == 3 else None
        first, second = numbers[:2]
        orders = [(second, first)] if match.group(1) == "." else [(first, second), (second, first)]
        days = [day for order in orders for day in _days([(year or clock.today.year, *order)])]
        if days:
            day = days[0] if year else _coming(days[0].month, days[0].day, clock.today)
            add(DateMention(day, Span(*match.span()), open_year=not year, swapped=len(set(days)) > 1))
    for mention in _by_words(text, clock):
        add(_shifted(text, mention))
    for of_range in (_first_of_range, _last_of_range):
        found.extend([other for mention in found if (other := of_range(text, mention)) is not None])
    return tuple(sorted((_told(text, mention, clock) for mention in found), key=lambda mention: mention.span))


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
    if before is None or not starts or mention.weekday_only or not mention.open_year:
        return None
    days = _days([(mention.day.year, mention.day.month, int(before[1]))])
    return next((DateMention(day, Span(before.start(1), before.end(1)), open_year=True) for day in days), None)


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
    days = _days([(mention.day.year, mention.day.month, int(after[1]))])
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


def _coming(month: int, day: int, today: dt.date) -> dt.date:
    for year in range(today.year, today.year + 9):
        if days := _days([(year, month, day)]):
            (found,) = days
            if found >= today:
                return found
    return today


def _nth(day: int, today: dt.date, later: bool = False) -> dt.date | None:
    """The next day of that number; `later`: in the month after this one."""
    year, month = divmod(today.year * 12 + today.month - 1 + later, 12)
    month += 1
    for _ in range(14):
        if days := _days([(year, month, day)]):
            (found,) = days
            if found >= today:
                return found
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return None


def _edge(match: re.Match[str], today: dt.date) -> dt.date:
    unit, edge = match["unit"].casefold(), match["edge"].casefold()
    step = 1 if (match["which"] or "").casefold().startswith(("next", "n\u00e4ch", "nach")) else 0
    if unit.startswith(("week", "woche")):
        monday = today - dt.timedelta(days=today.weekday()) + dt.timedelta(weeks=step)
        first, last = monday, monday + dt.timedelta(days=6)
    elif unit.startswith(("year", "jahr")):
        first, last = dt.date(today.year + step, 1, 1), dt.date(today.year + step, 12, 31)
    else:
        year, month = divmod(today.year * 12 + today.month - 1 + step, 12)
        first = dt.date(year, month + 1, 1)
        year, month = divmod(first.year * 12 + first.month, 12)
        last = dt.date(year, month + 1, 1) - dt.timedelta(days=1)
    return last if edge.startswith(("end", "last")) else first


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
    languages = _languages(text, clock)
    words = _signal_words(languages)
    said = tokens(text)
    found: list[DateMention] = []
    k = 0
    for token in said:
        for match in _UNSPACED_DATE.finditer(token.text) if not token.text.isascii() else ():
            if day := _parse(match.group(), clock.now, languages):
                relative = not re.search(r"\d", match.group())
                span = Span(token.start + match.start(), token.start + match.end())
                found.append(DateMention(day.date(), span, open_year="\u5e74" not in match.group(), relative=relative))
    while k < len(said):
        best = None
        for n in range(min(8, len(said) - k), 0, -1):
            window = said[k : k + n]
            if not _likely(text, window, words):
                continue
            piece = text[window[0].start : window[-1].end]
            if day := _parse(piece, clock.now, languages) or _spelled(piece, clock, languages):
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
                day.date(),
                Span(window[0].start, window[-1].end),
                open_year=has_month and not re.search(r"\d{4}", piece),
                weekday_only=only_weekday,
                relative=not has_month,
                next=only_weekday and bool({before, *plain} & _NEXT),
            )
        )
        k += n
    return tuple(found)


def _spelled(piece: str, clock: Clock, languages: tuple[str, ...]) -> dt.datetime | None:
    """Numbers written as words (`in two weeks`, `in zwei Wochen`) and ordinals, given to the parser as digits."""
    said = list(find_numbers(piece))
    if not said or all(piece[m.span.start : m.span.end].isdigit() for m in said):
        return None
    for mention in reversed(said):
        number = next(iter(mention.values))
        piece = piece[: mention.span.start] + f"{number:g}" + piece[mention.span.end :]
    return _parse(piece, clock.now, languages)


def _is_another_word(text: str, plain: list[str], word: str, numbers: list[bool]) -> bool:
    """`Set 2 alarms`, `2 out of 3`, `3 sun hats`: a short word beside a number that is a month or a day in another
    language, which writes the day first, or in no language in this order."""
    english = _signal_words(("en",))
    if word in english["weekdays"]:
        return len(plain) == 2 and numbers[0]
    if word in english["months"]:
        return False
    return plain[0] == word or is_english(text)


def _likely(text: str, window: tuple[Any, ...], words: dict[str, frozenset[str]]) -> bool:
    """Whether a run of words can be a date: all of them known to the parser, one of them a day, month or unit."""
    plain = [token.plain for token in window]
    numbers = [bool(re.match(r"\d", word)) or bool(find_numbers(word)) for word in plain]
    known = [n or w in words["strong"] or w in words["weak"] for n, w in zip(numbers, plain, strict=True)]
    if not all(known):
        return False
    first, last = plain[0], plain[-1]
    if {"at", "um"} & set(plain) or any(re.fullmatch(r"\d{1,2}(?:[ap]m|h)", word) for word in plain):
        return False  # a time
    filler = set(listed("the a of at on for um am der den le el and to from after before"))
    if last == "in" or (first in filler and len(plain) > 1 and first not in ("a",)) or last in filler:
        return False
    between = [text[a.end : b.start] for a, b in pairwise(window)]
    if any(re.search(r"[;:!?\n]", gap) for gap in between):
        return False
    if is_english(text) and ENGLISH_TOO & set(plain):
        return False  # `due 31 December`
    pairs = zip(between, numbers, numbers[1:], plain[1:], strict=False)
    if any("," in gap and one and not other and word not in words["months"] for gap, one, other, word in pairs):
        return False  # `1,200, in 30 days`
    if {"and", "und", "et", "y"} & set(plain) and sum(word in words["strong"] for word in plain) > 1:
        return False  # two days
    if any("." in gap and len(word) > 5 and word.isalpha() for gap, word in zip(between, plain, strict=False)):
        return False  # a sentence ends behind a name that is not cut short
    strong = [w for w in plain if w in words["strong"]]
    months = [w for w in strong if w in words["months"]]
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
