"""Traces of requests with damage in their tools, calls and turns, and damaged rows of function-calling data."""

from __future__ import annotations

import pytest

from tests.faults.damaged_requests import hold, hold_rows


@pytest.mark.parametrize("seed", [0, 1])
def test_a_damaged_trace_is_refused_or_goes_through_all_that_reads_traces(seed: int) -> None:
    became = hold(120, seed)
    assert became["refused"] > 10 and became["read"] > 10 and became["rows done"] and became["export done"]
    assert became["read"] + became["refused"] == 120


def test_damaged_rows_are_counted_or_become_tasks_that_can_be_talked_about() -> None:
    became = hold_rows(600)
    assert became["tools-jsonl read"] > 30 and became["sgd read"] > 30
    assert len([reason for reason in became if reason.startswith("tools-jsonl left out")]) > 10
    assert became.total() == 1200
