"""Traces of requests with damage in their tools, calls and turns."""

from __future__ import annotations

import pytest

from tests.faults.damaged_requests import hold


@pytest.mark.parametrize("seed", [0, 1])
def test_a_damaged_trace_is_refused_or_goes_through_all_that_reads_traces(seed: int) -> None:
    became = hold(120, seed)
    assert became["refused"] > 10 and became["read"] > 10 and became["rows done"] and became["export done"]
    assert became["read"] + became["refused"] == 120
