"""Shares with their intervals, as results hold them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sml_agents.evaluation.bootstrap import share_of

__all__ = ["counted", "share"]


def share(hits: Iterable[bool]) -> dict[str, Any]:
    """How many are true."""
    every = list(hits)
    return counted(sum(every), len(every))


def counted(count: int, n: int) -> dict[str, Any]:
    """`count` of `n`: value, n and Wilson's 95 % interval; of none the value is unknown."""
    found = share_of(count, n).model_dump()
    return {name: round(number, 4) if isinstance(number, float) else number for name, number in found.items()}
