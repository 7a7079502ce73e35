"""What a date phrase means: `5 May`, `tomorrow`, `in two weeks`, `the end of next month`, Christmas.

Words for days and months are dateparser's, in its languages; what it does not know is reckoned here. Where a phrase
stands in a text is found in `sml_agents.text.values.dates`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sml_agents.errors import MissingExtra
from sml_agents.text.numbers import ordinal
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import Span, fold, listed, tokens

__all__ = [
    "EDGE",
    "FEAST",
    "LANGUAGES",
    "Clock",
    "coming",
    "coming_feast",
    "coming_nth",
    "days_of",
    "edge_of",
    "find_months",
    "languages_of",
    "meaning",
    "signal_words",
    "unknown_languages",
]

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


EDGE = re.compile(
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
FEAST = re.compile(r"\b(" + "|".join(sorted(map(re.escape, _FEASTS), key=len, reverse=True)) + r")\b")
_MONTHS = listed("january february march april may june july august september october november december")
_WEEKDAYS = listed("monday tuesday wednesday thursday friday saturday sunday")


@lru_cache(maxsize=1)
def _dateparser() -> Any:
    try:
        import dateparser
    except ImportError as error:
        raise MissingExtra("Reading dates", "agents") from error
    return dateparser


def unknown_languages(codes: Iterable[object]) -> list[object]:
    """Those of some codes that stand for no language whose dates can be read."""
    _dateparser()
    from dateparser.data.languages_info import language_order

    return [code for code in codes if code not in language_order]


@lru_cache(maxsize=1)
def signal_words(languages: tuple[str, ...]) -> dict[str, frozenset[str]]:
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


@lru_cache(maxsize=16)
def _months(languages: tuple[str, ...]) -> dict[str, int]:
    _dateparser()
    from dateparser.languages.loader import default_loader

    return {
        fold(word).strip("."): number
        for locale in default_loader.get_locales(languages=list(languages))
        for number, month in enumerate(_MONTHS, 1)
        for word in locale.info.get(month, ())
        if len(word) > 2 or not word.isascii()
    }


def find_months(text: str, clock: Clock) -> list[tuple[int, Span]]:
    """Months by their names, with a day beside them or without; `may` and `march` only behind a preposition."""
    names = _months(languages_of(text, clock))
    return [
        (names[one.plain], Span(one.start, one.end))
        for one in tokens(text)
        if one.plain in names and (one.plain not in _VERBS or _IN_A_MONTH.search(text[: one.start]))
    ]


_VERBS = ("may", "march", "mar")
_IN_A_MONTH = re.compile(
    r"\b(?:in|of|for|during|since|until|till|by|from|to|next|last|this|early|late|mid|every)[ -]$", re.IGNORECASE
)


def languages_of(text: str, clock: Clock) -> tuple[str, ...]:
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


ORDINALS = {ordinal(day): day for day in range(1, 32)}
"""Days of a month as English words."""
_ORDINAL = re.compile(rf"\b(?:{'|'.join(sorted(ORDINALS, key=len, reverse=True))})\b", re.IGNORECASE)


def _spelled(piece: str, clock: Clock, languages: tuple[str, ...]) -> dt.datetime | None:
    """Numbers written as words (`in two weeks`, `in zwei Wochen`) and ordinals, given to the parser as digits."""
    piece = _ORDINAL.sub(lambda found: str(ORDINALS[found[0].casefold()]), piece)
    said = list(find_numbers(piece))
    if not said:
        return None
    for mention in reversed(said):
        number = next(iter(mention.values))
        piece = piece[: mention.span.start] + f"{number:g}" + piece[mention.span.end :]
    return _parse(piece, clock.now, languages)


def meaning(piece: str, clock: Clock, languages: tuple[str, ...]) -> dt.date | None:
    """The day that a phrase with a name or a unit in it means; None for what is no date."""
    found = _parse(piece, clock.now, languages) or _spelled(piece, clock, languages)
    return found.date() if found else None


def days_of(parts: list[tuple[int, int, int]]) -> frozenset[dt.date]:
    """The days of (year, month, day) that exist."""
    days = set()
    for year, month, day in parts:
        try:
            days.add(dt.date(year, month, day))
        except ValueError:
            continue
    return frozenset(days)


def coming_feast(name: str, today: dt.date) -> dt.date:
    """The next day of a feast that `FEAST` has found."""
    return coming(*_FEASTS[name], today)


def coming(month: int, day: int, today: dt.date) -> dt.date:
    """The next such day, today included."""
    for year in range(today.year, today.year + 9):
        if days := days_of([(year, month, day)]):
            (found,) = days
            if found >= today:
                return found
    return today


def coming_nth(day: int, today: dt.date, later: bool = False) -> dt.date | None:
    """The next day of that number; `later`: in the month after this one."""
    year, month = divmod(today.year * 12 + today.month - 1 + later, 12)
    month += 1
    for _ in range(14):
        if days := days_of([(year, month, day)]):
            (found,) = days
            if found >= today:
                return found
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return None


def edge_of(match: re.Match[str], today: dt.date) -> dt.date:
    """The first or last day of the week, month or year that `EDGE` has found."""
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
