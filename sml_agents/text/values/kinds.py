"""What sort of value an argument takes, from its JSON schema, name and value."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sml_agents.text.schemas import type_of
from sml_agents.text.values.date_phrases import Clock
from sml_agents.text.values.dates import as_date
from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.numbers import as_number
from sml_agents.text.values.times import as_time
from sml_agents.text.values.words import Span, fold, label, listed, split_name
from sml_agents.text.words import stem

__all__ = ["PARTS", "PEOPLE", "Kind", "Mention", "kind_of"]

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
    """Of a number that is the day, month or year of a date, or the hour of a time."""
    limits: Literal["", "lower", "upper", "either"] = ""
    """Which limit of what is wanted it is itself: `max_price` and `before` the upper one, `range` either."""

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
        return bool(self.name & PEOPLE)

    @property
    def counts_things(self) -> bool:
        return self.counts_people or bool(self.name & _THINGS)

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
PEOPLE = frozenset(
    map(stem, listed("people person guest rider passenger traveler traveller adult diner attendee visitor party seat"))
)
_THINGS = frozenset(
    map(stem, listed("quantity count qty copies items units pieces shares tickets replicas rooms nights boxes"))
)
_LOWER, _UPPER, _EITHER = (
    frozenset(map(stem, listed(words)))
    for words in (
        "min minimum least lower above over after start earliest",
        "max maximum most budget cap ceiling upper below under until before deadline due end latest expiry expires"
        " maturity",
        "limit threshold bound range window radius latitude longitude lat lon lng",
    )
)
_LOW, _HIGH = _LOWER | {"low", "from"}, _UPPER | {"high", "to", "by", stem("closing")}
"""In a name, where they are said of what a value is to others."""
_NAME_WORDS = frozenset(map(stem, listed("name title")))
_TEMPERATURES = frozenset(map(stem, listed("temp temperature")))
_LENGTHS = frozenset(
    map(stem, listed("length distance depth height width radius altitude diameter elevation thickness wavelength size"))
)
_UNIT_AT_THE_END: dict[str, tuple[str, frozenset[str] | None]] = {
    "s": ("seconds", None),
    "min": ("minutes", None),
    "h": ("hours", None),
    "k": ("kelvin", _TEMPERATURES),
    "c": ("celsius", _TEMPERATURES),
    "f": ("fahrenheit", _TEMPERATURES),
    "m": ("meters", _LENGTHS),
    "pct": ("percent", None),
}
"""What the end of a name says of its unit; some only behind words for what is measured in it."""


@dataclass(frozen=True)
class Mention:
    """A value in a text."""

    value: Any
    span: Span
    denied: bool = False
    derived: bool = field(default=False, compare=False)


_DATE_WORDS = frozenset(map(stem, listed("date day when departure arrival checkin checkout deadline birthday due")))
_TIME_WORDS = frozenset(map(stem, listed("time hour clock alarm")))
PARTS = ("day", "month", "year")
_TYPES = {"integer": "number", "number": "number", "float": "number", "boolean": "bool"}


def kind_of(schema: Mapping[str, Any], name: str = "", value: Any = None) -> Kind:
    """The kind of an argument. Strings that hold dates, times or numbers are told by format, then by name and value."""
    description = str(schema.get("description", ""))
    last = (split_name(name) or [""])[-1]
    own = _by_its_unit(split_name(name))
    words: Any = {"words": label(" ".join(own), description), "name": label(" ".join(own)), "description": description}
    words["words"] |= {"percent"} & set(own)
    words["part"] = last if last in (*PARTS, "hour") else ""
    words["limits"] = _limit_of(words["words"], frozenset(map(stem, split_name(name))))
    if last in ("no", "nr", "num", "number", "id", "code", "ref"):
        words["words"] |= {"identity"}
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


def _limit_of(words: frozenset[str], name: frozenset[str]) -> Literal["", "lower", "upper", "either"]:
    """By the name, then by the description. `before` is no word of meaning in what is said, but is one in a name."""
    for found, low, high in ((name, _LOW, _HIGH), (words, _LOWER, _UPPER)):
        lower, upper = bool(found & low), bool(found & high)
        if lower != upper:
            return "lower" if lower else "upper"
        if lower or found & _EITHER:
            return "either"
    return ""


def _by_its_unit(name: list[str]) -> list[str]:
    """The words of a name, its last part as the unit that it stands for: `duration_s`, `temp_k`, `length_m`; `min` is
    a minute there alone, and no word of `min_temp`. Of `km_per_year` kilometres are counted."""
    if "per" in name[1:]:
        name = name[: name.index("per", 1)]
    *before, last = name
    words = [word for word in before if word != "min"]
    for letter, (unit, counted) in _UNIT_AT_THE_END.items():
        if last == letter and before and (counted is None or {stem(word) for word in before} & counted):
            return [*words, unit]
    return [*words, last]


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
