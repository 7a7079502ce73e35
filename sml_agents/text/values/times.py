"""Times of day in a text: half past seven, at 7 pm, 19 Uhr, noon."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache

from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.numbers import find_numbers
from sml_agents.text.values.words import Span, covers, fold, listed, tokens

__all__ = ["TimeMention", "as_time", "find_times"]


@dataclass(frozen=True)
class TimeMention:
    """A time of day in a text. `halves`: it may be before or after noon, as `at seven` may."""

    at: dt.time
    span: Span
    halves: bool = False

    def fits(self, at: dt.time) -> bool:
        mine, other = (t.hour * 60 + t.minute for t in (self.at, at))
        return mine == other or (self.halves and mine % 720 == other % 720)


_OF_A_CLOCK = r"\s?(?:[ap]\.?m\b|uhr|(?:in the|this) (?:morning|afternoon|evening))"
_CLOCK_TIME = re.compile(
    rf"(?<![\d.:])(?P<h>\d{{1,2}})(?![.,]\d{{1,3}}\b(?!{_OF_A_CLOCK}))"
    rf"(?:[:h](?P<m>\d{{2}})|\sh\s(?P<m3>\d{{2}})(?!\d)|[.](?P<m2>\d{{2}})(?={_OF_A_CLOCK}))?"
    r"(?:\s?(?P<half>[ap])\.?\s?m\b\.?|\s?(?P<clock>o['\"\u2019]?\s?clock|uhr|heures?|h\b(?!\s*=)))?",
    re.IGNORECASE,
)
_NAMED = {
    "noon": 12,
    "midday": 12,
    "midnight": 0,
    "mittag": 12,
    "mittags": 12,
    "mitternacht": 0,
    "midi": 12,
    "minuit": 0,
}
_PARTS = re.compile(
    r"\b(?:in the |this |am |de la |du )?(?P<part>morning|afternoon|evening|night|tonight|morgens|fr\u00fch"
    r"|vormittags|nachmittags?|abends?|nachts|(?<=la )(?:ma\u00f1ana|tarde|noche)|matin|soir|apr\u00e8s-midi"
    r"|mattina|sera)\b",
    re.IGNORECASE,
)
_MORNINGS = ("morning", "morgens", "fruh", "vormittags", "manana", "matin", "mattina")
_ROMANCE = re.compile(
    r"\b(?:(?P<las>a las?|alle|\u00e0s)|\u00e0|vers|pour)\s+(?P<hour>[^\W\d_]+|\d{1,2})"
    r"(?P<heures>\s?(?:heures?|horas?|h\b))?"
    r"(?:\s+(?P<part>y media|et demie|e mezza|e meia|y cuarto|et quart|e un quarto|menos cuarto|moins le quart))?"
    r"(?![^\W_]|:|\s?\d)",
    re.IGNORECASE,
)
_TO_HALF = re.compile(
    r"(?<![\d.:])(?P<h>\d{1,2})(?=\s?(?:to|until|till|-|\u2013)\s?\d{1,2}(?::\d{2})?\s?(?P<half>[ap])\.?m\b)",
    re.IGNORECASE,
)
"""The 5 of `5 to 6pm`."""
_MINUTES = re.compile(
    r"\b(?:at|by|um|gegen|around)\s+(?P<n>[^\W_]+)\s+(?:minutes\s+)?(?P<side>past|to|vor|nach)\s+(?P<hour>[^\W\d_]+|\d{1,2})\b"
    r"(?!\s+(?:people|guests|persons))",
    re.IGNORECASE,
)
"""`At twenty to seven`."""
_QUARTERS = {"media": 30, "demie": 30, "mezza": 30, "meia": 30, "menos cuarto": -15, "moins le quart": -15}
_HOURS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_FRACTION = re.compile(
    rf"\b(?:(?P<part>half past|half(?= (?:\d{{1,2}}|{_HOURS})\b)|quarter past|quarter to|quarter after|halb"
    r"|viertel nach|viertel vor|dreiviertel)\s+)(?P<hour>\w+)",
    re.IGNORECASE,
)
_AT = re.compile(
    r"\b(?:morning|afternoon|evening|night|at|by|around|um|gegen|before|after|until|till|from|to|\u00e0|a las)\s+$",
    re.IGNORECASE,
)
_HALF_AFTER = re.compile(r"\s?([ap])\.?m\b", re.IGNORECASE)
"""Behind a time in words: `quarter past 3 pm`."""
_DAYTIME = re.compile(r"\b(?:morning|afternoon|evening|night|morgens|abends|nachmittags),?\s+$", re.IGNORECASE)
_OFFSET = {
    "half past": 30,
    "half": 30,
    "quarter past": 15,
    "quarter after": 15,
    "quarter to": -15,
    "viertel nach": 15,
    "viertel vor": -15,
    "halb": -30,
    "dreiviertel": -15,
}


def as_time(value: object) -> dt.time | None:
    """The time of day that an argument holds."""
    if isinstance(value, dt.datetime):
        return value.time()
    if isinstance(value, dt.time):
        return value
    text = str(value).strip()
    if match := re.search(r"(?:^|[T ])(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$", text):
        return _time(int(match[1]), int(match[2]))
    found = [mention for mention in find_times(text) if covers(text, mention.span)]
    return found[0].at if found else None


def _time(hour: int, minute: int) -> dt.time | None:
    return dt.time(hour % 24, minute) if 0 <= hour <= 24 and 0 <= minute < 60 else None


@lru_cache(maxsize=2048)
def find_times(text: str) -> tuple[TimeMention, ...]:
    """Every time of day of a text, in order."""
    found: list[TimeMention] = []

    def add(hour: int, minute: int, start: int, end: int, half: str = "", sure: bool = False) -> None:
        if not half and (after := _HALF_AFTER.match(text, end)):
            half, end = after[1].casefold(), after.end()
        span = Span(start, end)
        near = _PARTS.search(text[max(0, start - 12) : end + 18])
        if not half and near:
            half = "a" if fold(near["part"]) in _MORNINGS else "p"
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        at = _time(hour, minute)
        if at is not None and not any(span.overlaps(other.span) for other in found):
            found.append(TimeMention(at, span, halves=not half and not sure and 1 <= hour <= 12))

    for match in _FRACTION.finditer(text):
        hours = [next(iter(m.values)) for m in find_numbers(match["hour"])]
        if hours and 1 <= hours[0] <= 24:
            minutes = int(hours[0]) * 60 + _OFFSET[match["part"].casefold()]
            add(minutes // 60, minutes % 60, *match.span())
    for match in _ROMANCE.finditer(text):
        hours = [next(iter(m.values)) for m in find_numbers(match["hour"])]
        if hours and 1 <= hours[0] <= 24 and (match["las"] or match["heures"] or match["part"]):
            quarter = fold(match["part"] or "")
            shift = next((n for words, n in _QUARTERS.items() if quarter.endswith(words)), 15 if quarter else 0)
            minutes = int(hours[0]) * 60 + shift
            add(minutes // 60, minutes % 60, *match.span())
    for match in _TO_HALF.finditer(text):
        add(int(match["h"]), 0, *match.span("h"), half=match["half"].casefold())
    for match in _MINUTES.finditer(text):
        counts = [next(iter(m.values)) for word in ("n", "hour") for m in find_numbers(match[word])[:1]]
        if len(counts) == 2 and 1 <= counts[0] < 30 and 1 <= counts[1] <= 12:
            sign = -1 if fold(match["side"]) in ("to", "before", "vor") else 1
            minutes = int(counts[1]) * 60 + sign * int(counts[0])
            add(minutes // 60, minutes % 60, match.start("n"), match.end("hour"))
    for token in tokens(text):
        if token.plain in _NAMED:
            add(_NAMED[token.plain], 0, token.start, token.end, sure=True)
    for match in _CLOCK_TIME.finditer(text):
        minute = match["m"] or match["m2"] or match["m3"]
        named = match["half"] or match["clock"]
        bare = not minute and not named
        rest = text[match.end() :]
        part = bare and re.match(r"\s+(?:in the|at) (?:morning|afternoon|evening|night)", rest, re.IGNORECASE)
        before = text[: match.start()]
        alone = int(match["h"]) <= 24 and (
            (_AT.search(before) and _ends_there(text, match.end())) or (_DAYTIME.search(before) and not _counts(rest))
        )
        if bare and not part and not alone:
            continue
        german = bool(match["clock"]) and not fold(match["clock"]).startswith("o")
        sure = german or bool(minute and match["h"].startswith("0")) or int(match["h"]) > 12
        add(int(match["h"]), int(minute or 0), *match.span(), half=(match["half"] or "").casefold(), sure=sure)
    for number in find_numbers(text):
        word = text[number.span.start : number.span.end]
        value = next(iter(number.values))
        clock = re.match(r"\s+(?:o['\u2019]?clock|uhr|[ap]\.?m\b)", text[number.span.end :], re.IGNORECASE)
        at = _AT.search(text[: number.span.start]) and _ends_there(text, number.span.end)
        of_day = _IN_PART.match(text, number.span.end)
        if word.isalpha() and 1 <= value <= 12 and of_day:
            minute = next((int(min(one.values)) for one in find_numbers(of_day["minute"] or "")), 0)
            add(int(value), minute, number.span.start, of_day.end("minute") if minute else number.span.end)
        elif word.isalpha() and 1 <= value <= 12 and (clock or at):
            half = re.match(r"\s+([ap])\.?m\b", text[number.span.end :], re.IGNORECASE)
            end = number.span.end + (clock.end() if clock else 0)
            add(int(value), 0, number.span.start, end, half=half[1].casefold() if half else "")
    return tuple(sorted(found, key=lambda mention: mention.span))


def _ends_there(text: str, end: int) -> bool:
    """After a bare number at `at`: nothing that it could count."""
    follows = re.match(r"[^\S\n]*(?:(?P<stop>[.,;!?\n]|$)|(?P<word>\w+))", text[end:])
    if follows is None:
        return False
    word = fold(follows["word"] or "")
    return follows["stop"] is not None or word in _FOLLOWS


def _counts(rest: str) -> bool:
    """Whether a number is followed by what it counts: a noun in the plural, a unit."""
    word = re.match(r"\s*([^\W\d_]+)", rest)
    return word is not None and (fold(word[1]) in UNITS or (fold(word[1]).endswith("s") and fold(word[1]) != "thanks"))


_IN_PART = re.compile(
    r"(?:\s+(?P<minute>(?:ten|fifteen|twenty|thirty|forty|fifty)(?:[- ]five)?))?"
    r"\s+(?:in the (?:morning|afternoon|evening)|at night)\b",
    re.IGNORECASE,
)
"""Behind an hour in words: `six thirty in the morning`, `four in the afternoon`."""
_FOLLOWS = frozenset(
    listed(
        "on in for please and tomorrow today tonight this at with sharp to or until am bitte und morgen heute fur"
        " mit bis "
        "next"
    )
)
