"""Values of arguments: what an argument of a kind may hold, its JSON schema, and how a person says it.

The kinds of the banks, as they are written there:

    int LOW HIGH [STEP]       a whole number              num LOW HIGH DIGITS   a number with decimals
    money LOW HIGH [STEP]     an amount in dollars        percent LOW HIGH      a percentage
    minutes LOW HIGH STEP     a length of time            bool                  told by one of two phrases
    date [past]               a day to come, or one that is over
    time FROM TO              a time of day between two full hours
    enum A; B=said so         one of a few, some said in other words
    one A; B; C               a text, drawn from these    pool NAME             a text out of a list of the split
    code ORD-####             # a digit, @ a capital letter, * a small letter or a digit
    list LOW HIGH KIND        several of a kind
"""

from __future__ import annotations

import datetime as dt
import random
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sml_agents.text.numbers import in_words

__all__ = ["Kind", "Manner", "Said", "read_kind"]

_YEARS = range(2022, 2030)
"""Of a day said without its year, where the clock is not told."""
_DRAWS = {"#": string.digits, "@": string.ascii_uppercase, "*": string.ascii_lowercase + string.digits}
_CLASSES = {"#": r"\d", "@": "[A-Z]", "*": "[a-z0-9]"}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = ("twelve", *(in_words(hour) for hour in range(1, 12)))
_MOST_SPELLED = 100


@dataclass(frozen=True)
class Manner:
    """How a person speaks in one request."""

    spell: bool = False
    """Numbers as words."""
    today: dt.date | None = None
    """The day it is, where the request tells it: only then are days said as `tomorrow`."""
    year: int = 2026
    """Of days, where the request does not tell what day it is."""


@dataclass(frozen=True)
class Said:
    """A value, and the words for it."""

    value: Any
    """As the schema wants it."""
    words: str
    """As the person says it; of a yes or no, empty: its phrase says it."""
    others: tuple[Any, ...] = ()
    """Other values that these words may mean."""

    @property
    def accepted(self) -> tuple[Any, ...]:
        return (self.value, *self.others)


@dataclass(frozen=True)
class Kind:
    """What an argument takes."""

    sort: str
    numbers: tuple[float, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    """The values of a choice, each with the words for it."""
    pattern: str = ""
    inner: Kind | None = None
    """Of a list: what it holds."""

    def schema(self, rng: random.Random, description: str) -> dict[str, Any]:
        """A JSON schema. Days and times say their form in words or as a `format`."""
        types = {"int": "integer", "minutes": "integer", "bool": "boolean"}
        types |= dict.fromkeys(("num", "money", "percent"), "number")
        if self.sort == "list":
            assert self.inner is not None
            return {"type": "array", "description": description, "items": self.inner.schema(rng, "")}
        made: dict[str, Any] = {"type": types.get(self.sort, "string")}
        if self.sort in ("date", "time"):
            if rng.random() < 0.5:
                made["format"] = self.sort
            else:
                form = "YYYY-MM-DD" if self.sort == "date" else "24-hour time as HH:MM"
                description = f"{description.rstrip('.')}, {form}." if description else form
        elif self.sort == "enum":
            made["enum"] = [value for value, _ in self.texts]
        elif self.sort == "code":
            parts = (_CLASSES.get(sign) or re.escape(sign) for sign in self.pattern)
            made["pattern"] = f"^{''.join(parts)}$"
        return {**made, "description": description} if description else made

    def draw(self, rng: random.Random, manner: Manner) -> Said:
        """A value, and words for it."""
        if self.sort == "list":
            assert self.inner is not None
            size = rng.randint(*map(int, self.numbers))
            found: dict[str, Said] = {}
            while len(found) < size:
                one = self.inner.draw(rng, manner)
                found.setdefault(str(one.value), one)
            parts = [one.words for one in found.values()]
            words = " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]
            return Said([one.value for one in found.values()], words)
        return getattr(self, f"_{self.sort}")(rng, manner)  # type: ignore[no-any-return]

    def _whole(self, rng: random.Random) -> int:
        low, high, step = (*map(int, self.numbers), 1)[:3]
        return rng.randrange(low, high + 1, step)

    def _int(self, rng: random.Random, manner: Manner) -> Said:
        value = self._whole(rng)
        if manner.spell and 0 <= value < _MOST_SPELLED:
            return Said(value, in_words(value))
        return Said(value, f"{value:,}" if value >= 10_000 and rng.random() < 0.5 else str(value))

    def _num(self, rng: random.Random, manner: Manner) -> Said:
        low, high, digits = self.numbers
        value = round(rng.uniform(low, high), int(digits))
        return Said(value, f"{value:.{int(digits)}f}")

    def _money(self, rng: random.Random, manner: Manner) -> Said:
        value = self._whole(rng)
        if manner.spell:
            return Said(value, f"{in_words(value)} dollars")
        told = f"{value:,}" if value >= 1000 and rng.random() < 0.6 else str(value)
        return Said(value, rng.choice((f"${told}", f"${told}", f"{told} dollars")))

    def _percent(self, rng: random.Random, manner: Manner) -> Said:
        value = self._whole(rng)
        if manner.spell:
            return Said(value, f"{in_words(value)} percent", (value / 100,))
        return Said(value, rng.choice((f"{value}%", f"{value} percent")), (value / 100,))

    def _minutes(self, rng: random.Random, manner: Manner) -> Said:
        value = self._whole(rng)
        hours, rest = divmod(value, 60)
        whole = {1: "an hour"}.get(hours, f"{in_words(hours) if manner.spell else hours} hours")
        if hours and rest == 30:
            halves = "an hour and a half" if hours == 1 else f"{in_words(hours) if manner.spell else hours} and a half"
            return Said(value, halves if hours == 1 else f"{halves} hours")
        if hours and not rest:
            return Said(value, whole)
        return Said(value, f"{in_words(value) if manner.spell and value < _MOST_SPELLED else value} minutes")

    def _bool(self, rng: random.Random, manner: Manner) -> Said:
        return Said(rng.random() < 0.5, "")

    def _date(self, rng: random.Random, manner: Manner) -> Said:
        today, past = manner.today, self.pattern == "past"
        ahead = dt.timedelta(rng.randint(1, 300))
        day = (today - ahead if past else today + ahead) if today else dt.date(manner.year, 1, 1) + ahead
        if today is not None and rng.random() < 0.5:
            return _past(today, rng) if past else _near(today, rng)
        month, number = f"{day:%B}", day.day
        short = f"{day:%b}" if month != "May" else month
        wholly = [
            f"{number} {month} {day.year}",
            f"{month} {number}, {day.year}",
            f"{month} {_nth(number)}, {day.year}",
            day.isoformat(),
        ]
        if rng.random() < (0.35 if today is None else 0.3):
            return Said(day.isoformat(), rng.choice(wholly))
        plain = [f"{number} {month}", f"{month} {number}", f"{month} {_nth(number)}", f"the {_nth(number)} of {month}"]
        words = rng.choice([*plain, f"{short} {number}"])
        if today is not None:  # the coming one, or the last
            return Said(day.isoformat(), words)
        years = [year for year in _YEARS if (day.month, day.day) != (2, 29)] or [2024, 2028]
        others = [day.replace(year=year).isoformat() for year in years]
        return Said(day.isoformat(), words, tuple(other for other in others if other != day.isoformat()))

    def _time(self, rng: random.Random, manner: Manner) -> Said:
        low, high = (*map(int, self.numbers), 8, 20)[:2]
        hour, minute = rng.randint(low, high), rng.choice((0, 0, 0, 15, 30, 30, 45))
        value = f"{hour:02}:{minute:02}"
        half = "am" if hour < 12 else "pm"
        twelve = hour % 12 or 12
        part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening"
        if manner.spell:
            name, following = _HOURS[hour % 12], _HOURS[(hour + 1) % 12]
            told = {
                0: f"{name} o'clock {part}",
                15: f"quarter past {name} {part}",
                30: f"half past {name} {part}",
                45: f"quarter to {following} {part}",
            }
            if minute == 0 and rng.random() < 0.5:
                return Said(value, f"{name} {half}")
            if not (minute == 45 and hour in (11, 17)):
                return Said(value, told[minute])
        if value == "12:00":
            return Said(value, "noon")
        short = f"{twelve} {half}" if not minute else f"{twelve}:{minute:02} {half}"
        return Said(value, rng.choice((short, short.replace(" ", ""), f"{twelve}:{minute:02} {half}", value)))

    def _enum(self, rng: random.Random, manner: Manner) -> Said:
        return Said(*rng.choice(self.texts))

    _one = _enum

    def _code(self, rng: random.Random, manner: Manner) -> Said:
        value = "".join(rng.choice(_DRAWS[sign]) if sign in _DRAWS else sign for sign in self.pattern)
        return Said(value, value)


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _near(today: dt.date, rng: random.Random) -> Said:
    """A day of the next two weeks. `next Friday` may be the coming one or that of the week after."""
    ahead = rng.randint(1, 6)
    day = today + dt.timedelta(ahead)
    week = dt.timedelta(7)
    name = _WEEKDAYS[day.weekday()]
    if ahead == 1 and rng.random() < 0.7:
        return Said(day.isoformat(), "tomorrow")
    if ahead == 2 and rng.random() < 0.4:
        return Said(day.isoformat(), "the day after tomorrow")
    if rng.random() < 0.4:
        return Said(day.isoformat(), f"next {name}", ((day + week).isoformat(),))
    return Said(day.isoformat(), rng.choice((name, f"this {name}")))


def _past(today: dt.date, rng: random.Random) -> Said:
    """A day of the last week. `last Friday` may be that of the week before."""
    ago = rng.randint(1, 6)
    day = today - dt.timedelta(ago)
    if ago == 1 and rng.random() < 0.7:
        return Said(day.isoformat(), "yesterday")
    name = _WEEKDAYS[day.weekday()]
    return Said(day.isoformat(), f"last {name}", ((day - dt.timedelta(7)).isoformat(),))


def read_kind(text: str, pools: Mapping[str, Sequence[str]]) -> Kind:
    """The kind that a bank writes so. Raises ValueError for what is none, KeyError for an unknown list."""
    sort, _, rest = text.strip().partition(" ")
    if sort == "list":
        low, high, inner = rest.split(" ", 2)
        return Kind("list", (float(low), float(high)), inner=read_kind(inner, pools))
    if sort == "pool":
        return Kind("one", texts=tuple((value, value) for value in pools[rest.strip()]))
    if sort in ("enum", "one"):
        choices = [choice.strip().partition("=") for choice in rest.split(";") if choice.strip()]
        spaced = {value: value.replace("_", " ") if sort == "enum" else value for value, _, _ in choices}
        return Kind(sort, texts=tuple((value, said or spaced[value]) for value, _, said in choices))
    if sort in ("code", "date"):
        return Kind(sort, pattern=rest.strip())
    if sort not in ("int", "num", "money", "percent", "minutes", "bool", "time"):
        raise ValueError(f"{text!r} is no kind of value")
    return Kind(sort, tuple(map(float, rest.split())))
