"""A stubborn model that makes up what it was not told: a part of `benchmarks/guard.py`, on SQLite."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

COMBINATIONS = [(delivery, asynchronous) for delivery in ("end_turn", "interrupt", "tool") for asynchronous in (0, 1)]
N = 72
"""Each combination of delivery and kind of call holds all twelve kinds of conversation, on one tool or another."""


@pytest.fixture(scope="module")
def bench(repository: Path) -> Iterator[Any]:
    sys.path.insert(0, str(repository / "benchmarks"))
    try:
        import guard

        yield guard
    finally:
        sys.path.remove(str(repository / "benchmarks"))


@pytest.fixture(scope="module")
def served(bench: Any) -> Iterator[tuple[Any, str]]:
    made = bench.scripts(N, seed=7)
    with bench.served(made) as url:
        yield made, url


@pytest.mark.parametrize(
    "number", range(len(COMBINATIONS)), ids=[f"{d}-{'async' if a else 'sync'}" for d, a in COMBINATIONS]
)
def test_no_call_runs_on_a_guess_and_the_right_ones_run(number: int, bench: Any, served: Any, tmp_path: Path) -> None:
    made, url = served
    delivery, asynchronous = COMBINATIONS[number]
    mine = made[number * 12 : number * 12 + 12]
    outcomes = [
        one
        for script in mine
        for one in bench.talk(script, url, delivery, bool(asynchronous), str(tmp_path / "a.sqlite"))
    ]
    assert {one.kind for one in outcomes} == set(bench.scripts(12, 0)[k].kind for k in range(12))
    for one in outcomes:
        assert not one.wrong, one.log
        assert one.right or one.cancelled, one.log
        assert not (one.cancelled and one.ran), one.log
        assert one.questions <= 2 and (not one.complete or not one.questions), one.log


@pytest.mark.slow
def test_a_question_outlives_the_process(bench: Any, served: Any, tmp_path: Path) -> None:
    """Each turn is held by a process of its own, which ends before the person answers."""
    made, url = served
    script = next(one for one in made if one.kind == "partial")
    with _Processes() as pool:
        (outcome,) = bench.talk(script, url, "interrupt", False, str(tmp_path / "a.sqlite"), pool)
    assert outcome.right and not outcome.wrong and outcome.questions == 2, outcome.log


class _Processes:
    """Submits each call to a new process, forked from one that has loaded what all of them need."""

    def __init__(self) -> None:
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(
            ["sml_agents.agents", "langchain.agents", "langgraph.checkpoint.sqlite.aio"]
        )

    def __enter__(self) -> _Processes:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def submit(self, function: Any, *arguments: Any) -> Any:
        with ProcessPoolExecutor(1, mp_context=self.context) as pool:
            done = pool.submit(function, *arguments)
            done.result()
            return done
