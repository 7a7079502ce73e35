"""The seam of all verifiers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from sml_agents.types import Task, Verdict

__all__ = ["Verifier"]


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
