"""Looking figures up in a summary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.definitions import WHERE_KNOWN
from sml_agents.evaluation.suites import ASKING, Figure

if TYPE_CHECKING:
    from sml_agents.evaluation.compare import Counts, Figures, Summary

__all__ = ["is_shown", "last_turn", "metric_of", "of_part"]


def metric_of(figures: Figures, name: str, turn: str = "") -> Metric:
    """A metric by name, and by turn where it has turns; unknown when the figures have none."""
    found = figures.get(name)
    if isinstance(found, dict):
        return found.get(turn, Metric())
    return found or Metric()


def last_turn(students: Iterable[Counts]) -> str:
    """The largest k of success@k that each of `students` has of whom success is known at all; empty when it is of none.

    Args:
        students: their counts, those included all of whose dialogues failed.
    """
    found = [student.metrics.get("success_at") for student in students]
    turns = [len(by_turn) for by_turn in found if isinstance(by_turn, dict) and by_turn]
    return str(min(turns)) if turns else ""


def is_shown(name: str, students: Iterable[Counts]) -> bool:
    """Whether a figure has a line: most always, those of some dialogues alone where anybody has them."""
    key = "unreliability" if name == "averaged_performance" else name
    return key not in WHERE_KNOWN or any(metric_of(one.metrics, key).n for one in students)


def of_part(summary: Summary, title: str, counts: Iterable[Counts]) -> list[Figure]:
    """The figures that say most of a part, with the turn of those that have turns."""
    counts = list(counts)
    last = last_turn(counts)
    named = [Figure(*one.partition(".")[::2]) for one in summary.shown.get(title, ())] or list(ASKING)
    dated = [Figure(one.name, one.turn or last) if one.name == "success_at" else one for one in named]
    return [one for one in dict.fromkeys(dated) if any(metric_of(part.metrics, *one).n for part in counts)]
