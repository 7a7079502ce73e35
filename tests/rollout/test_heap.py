"""The garbage collector during a run."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from sml_agents.rollout.heap import settled_heap


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """As a program finds it that does not freeze its heap itself, which the tests do."""
    gc.unfreeze()
    yield
    gc.freeze()


class Node:
    """A cycle: only the collector frees it."""

    def __init__(self) -> None:
        self.me = self


def test_what_was_there_before_is_passed_over_and_what_comes_is_collected() -> None:
    gc.collect()
    thawed = gc.get_freeze_count()
    old = weakref.ref(Node())
    with settled_heap():
        assert gc.get_freeze_count() > thawed
        with settled_heap():  # a second run in the same process
            new = weakref.ref(Node())
        assert gc.get_freeze_count() > thawed
        gc.collect()
        assert new() is None
        assert old() is not None
    assert gc.get_freeze_count() <= thawed
    gc.collect()
    assert old() is None


def test_a_heap_that_the_program_froze_stays_frozen() -> None:
    kept = [[] for _ in range(20_000)]  # type: ignore[var-annotated]
    gc.freeze()
    try:
        with settled_heap():
            pass
        assert gc.get_freeze_count() >= len(kept)
    finally:
        gc.unfreeze()


def test_a_run_that_fails_thaws() -> None:
    thawed = gc.get_freeze_count()
    try:
        with settled_heap():
            raise RuntimeError
    except RuntimeError:
        pass
    assert gc.get_freeze_count() <= thawed


@pytest.mark.parametrize(("before", "within"), [((700, 10, 10), 10_000), ((0, 10, 10), 0), ((50_000, 5, 5), 50_000)])
def test_the_collector_comes_by_less_often_unless_the_program_chose(before: Any, within: int) -> None:
    usual = gc.get_threshold()
    gc.set_threshold(*before)
    try:
        with settled_heap():
            with settled_heap():
                pass
            assert gc.get_threshold() == (within, *before[1:])
        assert gc.get_threshold() == before
    finally:
        gc.set_threshold(*usual)
