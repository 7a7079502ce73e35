"""When another attempt may help, and how long to wait before it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sml_agents.errors import EndpointError

__all__ = ["Refusal", "Transient", "pause_before", "retryable", "wanted_wait"]

_LONGEST_PAUSE = 30.0


class Transient(EndpointError):
    """A failure that may pass. `wait`: seconds the server asked for, or None."""

    def __init__(self, message: str, *, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(message, status=status)
        self.wait = wait


class Refusal(EndpointError):
    """The server will not have a request as it is (400 or 422). `answer`: what it said, as JSON where it was."""

    def __init__(self, message: str, *, status: int, answer: Any) -> None:
        super().__init__(message, status=status)
        self.answer = answer


def retryable(status: int, answer: Any) -> bool:
    """Whether HTTP `status` may pass: 408, 409, 429 (unless the account is out of money) and 5xx."""
    if status == 429 and isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        return "insufficient_quota" not in (answer["error"].get("code"), answer["error"].get("type"))
    return status in (408, 409, 429) or 500 <= status < 600


def wanted_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds asked for by `Retry-After` (seconds or a date, RFC 9110) or `retry-after-ms`; None if unreadable."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("Retry-After", "").strip()
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None


def pause_before(attempt: int, wait: float | None, scale: float) -> float:
    """Seconds before the attempt after number `attempt` (from 0); random, so that many clients spread out."""
    if wait is not None:
        return wait + random.uniform(0, min(scale, 0.1 * wait))
    return random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE, scale * 2.0**attempt)
