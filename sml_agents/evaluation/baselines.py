"""Students that understand nothing: what a figure has to exceed before it says that somebody learnt something.

always ask          asks in every turn, for nothing in particular
never ask           calculates with two of the numbers that it was told, by lot
surface features    asks first where the classifier of surface features says so, then calculates by lot
reads nothing       halves the interval from 1 to 1,000, by whatever the teacher seems to say of the last number
repeats the prompt  hands the problem back as a question
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from sml_agents.evaluation.surface import surface_scores
from sml_agents.roles.student import GuessingStudent, Student
from sml_agents.types import Reply, Role, Task
from sml_agents.views import StudentView

__all__ = ["BASELINES", "baseline_students"]

BASELINES = ("always ask", "never ask", "surface features", "reads nothing", "repeats the prompt")
_VAGUE = "What else do I need to know?"
_MORE = re.compile(r"\b(?:larger|higher|greater|more|bigger|too (?:low|small))\b", re.IGNORECASE)
_LESS = re.compile(r"\b(?:smaller|lower|less|fewer|too (?:high|large|big|much))\b", re.IGNORECASE)
_LARGEST = 1000


class _Script:
    """A student whose turn is a function of what it sees and of the seed."""

    def __init__(self, name: str, say: Callable[[StudentView, int], str]) -> None:
        self.settings: dict[str, Any] = {"model": name}
        self._name, self._say = name, say

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        return Reply(text=self._say(view, seed), model=self._name, seed=seed)


class _SurfaceStudent:
    """Asks in its first turn on the prompts in `asked`, for nothing in particular, and then goes by lot."""

    def __init__(self, asked: frozenset[str]) -> None:
        self.settings: dict[str, Any] = {"model": "surface features"}
        self._asked = asked
        self._guesses = GuessingStudent()

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        if len(view.history) == 1 and view.history[0][1] in self._asked:
            return Reply(text=_VAGUE, model="surface features", seed=seed)
        return await self._guesses.reply(view, seed=seed)


def baseline_students(spec: str, tasks: Sequence[Task]) -> dict[str, Student]:
    """The baselines by name, for the `tasks` of `spec`. The surface classifier is fitted here, on the train split."""
    asks = surface_scores(spec, tasks).asks
    asked = frozenset(task.prompt for task, asking in zip(tasks, asks, strict=True) if asking)
    students: tuple[Student, ...] = (
        _Script("always ask", lambda view, seed: _VAGUE),
        GuessingStudent(),
        _SurfaceStudent(asked),
        _Script("reads nothing", lambda view, seed: _halved(view, seed)),
        _Script("repeats the prompt", lambda view, seed: f"{view.history[0][1].rstrip(' ?.!')}?"),
    )
    return dict(zip(BASELINES, students, strict=True))


def _halved(view: StudentView, seed: int) -> str:
    low, high = 1, _LARGEST
    said: int | None = None
    for role, text in view.history[1:]:
        if role is Role.STUDENT:
            found = re.search(r"\d+", text)
            said = int(found.group()) if found else None
        elif said is not None and (_MORE.search(text) or _LESS.search(text)):
            low, high = (said + 1, high) if _MORE.search(text) else (low, said - 1)
    if low > high:
        low, high = 1, _LARGEST
    heard = any(role is Role.TEACHER for role, _ in view.history[1:])
    guess = (low + high) // 2 if heard and (low, high) != (1, _LARGEST) else random.Random(seed).randint(low, high)
    return f"The answer is {guess}."
