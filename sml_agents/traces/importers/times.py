"""Times in logs, in every form that they have, as one number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["moment"]

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?(?::\d\d)?)?(?:\[.*\])?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
"""Below the first number a time is in units of the second one, in nanoseconds: 10^11 seconds are the year 5138."""


def moment(value: Any) -> int | None:
    """Nanoseconds since 1970, UTC; None when `value` is no time.

    Takes ISO 8601 of any precision and zone (without one: UTC), the form of mail headers, seconds, milli-, micro- and
    nanoseconds as numbers or in a text, `{"seconds", "nanos"}`, `[seconds, nanoseconds]`, and `datetime`.
    """
    if isinstance(value, bool) or value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return _of_text(value.strip())
        if isinstance(value, int):
            return _scaled(value)
        if isinstance(value, float | Decimal):
            return _scaled(Decimal(str(value)))
        if isinstance(value, datetime):
            nanoseconds = int(getattr(value, "nanosecond", 0))
            return _since_epoch(value if value.tzinfo else value.replace(tzinfo=UTC)) + nanoseconds
        if isinstance(value, date):
            return _since_epoch(datetime(value.year, value.month, value.day, tzinfo=UTC))
        if isinstance(value, Mapping):
            seconds = value.get("seconds", value.get("_seconds"))
            nanos = value.get("nanos", value.get("nanoseconds", value.get("_nanoseconds", 0)))
            return None if seconds is None else int(seconds) * 10**9 + int(nanos or 0)
        if isinstance(value, Sequence) and len(value) == 2:
            return int(value[0]) * 10**9 + int(value[1])
    except (ValueError, TypeError, OverflowError, ArithmeticError):
        return None
    return None


def _of_text(text: str) -> int | None:
    if _NUMBER.fullmatch(text) and len(text) < 40:
        return _scaled(int(text) if text.isdecimal() else Decimal(text))
    found = _ISO.fullmatch(text)
    if found is None:
        return _since_epoch(parsedate_to_datetime(text)) if len(text) < 60 else None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    # A leap second is the one after it.
    at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), tzinfo=_zone(zone))
    return _since_epoch(at) + int(second or 0) * 10**9 + int((fraction or "0")[:9].ljust(9, "0"))


def _zone(text: str | None) -> timezone:
    if not text or text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4] or 0))
    return timezone(-offset if text[0] == "-" else offset)


def _since_epoch(at: datetime) -> int:
    passed = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 10**9 + passed.microseconds * 1000


def _scaled(number: int | Decimal) -> int:
    unit = next((unit for below, unit in _UNITS if -below < number < below), 1)
    return int(number * unit)
