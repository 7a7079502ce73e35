"""Which tasks come next: each once an epoch, or those that are neither always nor never solved.

A group of dialogues that all end alike teaches nothing (its rewards do not differ), so by default half the work may be
wasted on tasks that are too easy or too hard. The curriculum draws tasks with a probability that rises with p (1 - p),
the variance of success at the solve rate p measured so far (the paper names a curriculum as future work).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from sml_agents.types import Task, stable_hash

__all__ = ["TaskOrder"]

_FLOOR = 0.05
"""Chance of a task that was always or never solved, against 1 for one solved half the time: students change."""
_FADING = 0.5
"""What an earlier group counts when the next one on the same task is recorded."""


class TaskOrder:
    """Draws tasks; the same seed and the same records give the same tasks, in every process."""

    def __init__(self, tasks: Sequence[Task], seed: int, *, curriculum: bool) -> None:
        self.tasks = list(tasks)
        self.seed = seed
        self.curriculum = curriculum
        self.drawn = 0
        self.rates: dict[str, tuple[float, float]] = {}
        """By task id: dialogues solved and held, earlier ones faded."""

    def next(self, count: int) -> list[Task]:
        """The next `count` tasks."""
        if self.curriculum:
            rng = random.Random(stable_hash(self.seed, "curriculum", self.drawn))
            # Efraimidis and Spirakis' keys: the largest are a weighted sample without replacement.
            keys = [rng.random() ** (1 / self.weight(task)) for task in self.tasks]
            order = sorted(range(len(self.tasks)), key=lambda place: -keys[place])
            chosen = [self.tasks[order[at % len(order)]] for at in range(count)]
        else:
            chosen = [self._in_turn(place) for place in range(self.drawn, self.drawn + count)]
        self.drawn += count
        return chosen

    def record(self, task: Task, solved: int, held: int) -> None:
        """Count a group of `held` scored dialogues on `task`."""
        earlier_solved, earlier_held = self.rates.get(task.id, (0.0, 0.0))
        self.rates[task.id] = (_FADING * earlier_solved + solved, _FADING * earlier_held + held)

    def weight(self, task: Task) -> float:
        """Between 0 and 1; a task never tried has 1."""
        solved, held = self.rates.get(task.id, (0.0, 0.0))
        rate = (solved + 0.5) / (held + 1)
        return max(_FLOOR, 4 * rate * (1 - rate))

    def _in_turn(self, place: int) -> Task:
        epoch, at = divmod(place, len(self.tasks))
        order = list(range(len(self.tasks)))
        random.Random(stable_hash(self.seed, "order", epoch)).shuffle(order)
        return self.tasks[order[at]]

    def state(self) -> dict[str, Any]:
        """For a checkpoint; JSON-able."""
        return {"drawn": self.drawn, "rates": {id: list(rate) for id, rate in self.rates.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.drawn = state["drawn"]
        self.rates = {id: (solved, held) for id, (solved, held) in state["rates"].items()}
