"""Rows set aside from training, to see when it stops helping."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

from sml_agents.errors import InputError

__all__ = ["set_aside"]


class OfProblem(Protocol):
    """What comes from a problem that others may come from, too."""

    @property
    def pair(self) -> str: ...


R = TypeVar("R", bound=OfProblem)


def set_aside(rows: Sequence[R], share: float, seed: int) -> tuple[list[R], list[R]]:
    """`rows` to train on, and those set aside: all rows of about `share` of the problems, drawn by `seed`.

    A problem with a fact missing and the same problem complete are never parted, or the one would tell of the other.

    Raises:
        InputError: one of the two would be empty.
    """
    if not share:
        return list(rows), []
    problem_of = [row.pair or f"row {at}" for at, row in enumerate(rows)]
    problems = sorted(set(problem_of))
    random.Random(f"set aside {seed}").shuffle(problems)
    chosen = set(problems[: max(1, round(share * len(problems)))])
    aside = [row for row, problem in zip(rows, problem_of, strict=True) if problem in chosen]
    kept = [row for row, problem in zip(rows, problem_of, strict=True) if problem not in chosen]
    if not kept or not aside:
        raise InputError(f"eval_share {share:g} of {len(problems)} problems leaves nothing to train on: take less")
    return kept, aside
