"""Looking figures up in a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sml_agents.evaluation.bootstrap import Metric

if TYPE_CHECKING:
    from sml_agents.evaluation.compare import Figures, Summary

__all__ = ["last_turn", "metric_of"]


def metric_of(figures: Figures, name: str, turn: str = "") -> Metric:
    """A metric by name, and by turn where it has turns; unknown when the figures have none."""
    found = figures.get(name)
    if isinstance(found, dict):
        return found.get(turn, Metric())
    return found or Metric()


def last_turn(summary: Summary) -> str:
    """The largest k of success@k that every student has; empty when there is none."""
    found = [student.metrics.get("success_at") for student in summary.students.values()]
    last = min((len(by_turn) if isinstance(by_turn, dict) else 0 for by_turn in found), default=0)
    return str(last) if last else ""
