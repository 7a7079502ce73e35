"""The seam of all verifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sml_agents.types import Task, ToolCall, Verdict

__all__ = ["Attempt", "AttemptVerifier", "Verifier"]


@runtime_checkable
class Verifier(Protocol):
    """Scores one attempt at a task.

    Outcomes: `correct`; `incorrect`; `unparseable` (no answer found or read: not correct); `timeout` and `error` (not
    scored: the task's own answer or the machine is at fault, never the text).
    `Verdict.diagnosis` is for the teacher: whole sentences on what is wrong that do not state the answer.
    """

    name: str

    async def verify(self, task: Task, text: str) -> Verdict:
        """The verdict on `text`, a student's turn. Must come to an end whatever the text is."""
        ...


@dataclass(frozen=True)
class Attempt:
    """A student's turn that is to be scored, and what had been said before it."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    heard: Sequence[str] = ()
    """What the teacher had said and tools had returned, the prompt first."""
    told: frozenset[str] = frozenset()
    """Names of the facts that the teacher had told."""
    done: tuple[ToolCall, ...] = ()
    """Calls of earlier turns that were run."""


@runtime_checkable
class AttemptVerifier(Verifier, Protocol):
    """A verifier that has to see more than the text of an attempt: what it called, and what had been said by then."""

    async def verify_attempt(self, task: Task, attempt: Attempt) -> Verdict:
        """As `verify`."""
        ...
