"""A decider of one's own, for `sml-agents eval --decider tests.cli.deciding:sure`."""

from __future__ import annotations

from typing import Any


def sure(case: Any) -> float:
    """Surer where something is missing, and not equally sure everywhere."""
    return 0.25 + 0.5 * bool(case.missing) + sum(map(ord, case.thread)) % 3 / 10
