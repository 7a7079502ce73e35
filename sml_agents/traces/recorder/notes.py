"""What a recorder notes of a thread while it runs, at no more cost than that of appending to a list."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

__all__ = ["Recorded", "Seen", "now"]

Happening = Literal["began", "state", "update", "model", "tool", "paused", "resumed"]
"""`state`: all messages of a graph's state; `update`: those that a node leaves behind, which has ended."""


class Seen(NamedTuple):
    """Something that happened in a thread."""

    kind: Happening
    value: Any
    more: Any = None


@dataclass
class Recorded:
    """Notes of one thread. Messages are kept as they were given and read when they are written."""

    thread: str
    parent: str = ""
    """The thread whose tool call runs this agent; empty for the outermost one."""
    call: str = ""
    """The id of that tool call."""
    seen: deque[Seen] = field(default_factory=deque)
    error: str = ""
    running: int = 0
    """Outermost runs of the thread that have not ended."""
    about: dict[str, Any] = field(default_factory=dict)
    """Tags, metadata and name of the run."""
    started: str = ""
    ended: str = ""
    given: dict[UUID, tuple[list[Any], Any]] = field(default_factory=dict)
    """Model calls that have not been answered: messages and tools."""
    log: Any = None
    """The conversation so far, as `trace_of_thread` keeps it."""

    def note(self, kind: Happening, value: Any, more: Any = None) -> None:
        """Note what happened. Called by the host's threads: it only appends."""
        self.seen.append(Seen(kind, value, more))
        self.ended = now()
        self.started = self.started or self.ended


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
