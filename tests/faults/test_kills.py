"""Kill -9 at any moment, then resume: the store ends equal to an unbroken run's, and no answered call is made again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sml_agents.traces import TraceStore
from tests.faults.killable import DIALOGUES, POINTS, Order, Runner, runner

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def process() -> Iterator[Runner]:
    with runner() as process:
        yield process


@pytest.fixture(scope="module")
def unbroken(process: Runner, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("unbroken")
    order = Order(str(folder / "traces.db"), str(folder / "log"))
    assert process.live(order) == 0, output(order)
    calls = begun(order)
    assert max(calls.values()) == 1 and 300 < len(calls) < 2000
    return content(order)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(str(tmp_path / "traces.db"), str(tmp_path / "log"))


def again(order: Order, **changes: object) -> Order:
    return Order(**{"store": order.store, "log": order.log, "resume": True, **changes})  # type: ignore[arg-type]


def output(order: Order) -> str:
    return Path(f"{order.log}.out").read_text()


def content(order: Order) -> list[tuple[str, str]]:
    """Every trace, byte for byte, in order; checks on the way that nothing else is left."""
    with TraceStore.open(order.store, read_only=True) as store:
        assert store.verify() == []
        assert store.counts().finished == DIALOGUES and store.counts().unfinished == 0
        assert store.ids_with_replies() == set()
    with closing(sqlite3.connect(order.store)) as database:
        return list(database.execute("SELECT id, trace FROM dialogues ORDER BY position"))


def begun(order: Order) -> Counter[int]:
    """How often each model call was begun. The call's seed names it."""
    lines = Path(order.log).read_text().splitlines() if Path(order.log).exists() else []
    return Counter(int(line.split()[1]) for line in lines if line.startswith("begin"))


def committed(order: Order) -> set[int]:
    """The calls whose replies are in the store: in the journal, or in a finished trace."""
    with TraceStore.open(order.store) as store:
        assert store.verify() == []
        calls = {reply.call for id in store.ids_with_replies() for reply in store.replies_of(id).values()}
        calls |= {turn.call for trace in store.traces() for turn in trace.turns}
    return {call.seed for call in calls if call is not None and call.seed is not None}


def assert_no_answered_call_repeated(order: Order, before: Counter[int], answered: set[int]) -> None:
    repeated = {seed for seed, count in begun(order).items() if count > before[seed]} & answered
    assert not repeated


def wait_for_calls(order: Order, count: int, pid: int) -> None:
    """Until `count` calls have begun, or the process has ended."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if begun(order).total() >= count or not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.001)
    raise AssertionError(f"{begun(order).total()} of {count} calls in a minute: {output(order)}")


def test_twenty_kills_at_random_moments(process: Runner, order: Order, unbroken: list[tuple[str, str]]) -> None:
    draw = random.Random(20)
    for killed in range(20):
        before, answered = begun(order), committed(order) if Path(order.store).exists() else set()
        pid = process.start(again(order, resume=killed > 0))
        wait_for_calls(order, before.total() + draw.randrange(0, 40), pid)
        time.sleep(draw.random() * 0.004)
        os.kill(pid, signal.SIGKILL)
        assert process.ended() == KILLED, output(order)
        assert_no_answered_call_repeated(order, before, answered)
    before, answered = begun(order), committed(order)
    assert len(answered) > 50, "the kills fell into the run, not before it"
    assert process.live(again(order)) == 0, output(order)
    assert_no_answered_call_repeated(order, before, answered)
    assert content(order) == unbroken


@pytest.mark.parametrize("nth", [1, 37])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point(
    process: Runner, order: Order, unbroken: list[tuple[str, str]], point: str, nth: int
) -> None:
    if point == "before the first call":
        nth = 1
    assert process.live(Order(order.store, order.log, point=point, nth=nth)) == KILLED
    before, answered = begun(order), committed(order)
    assert process.live(again(order)) == 0, output(order)
    assert_no_answered_call_repeated(order, before, answered)
    assert content(order) == unbroken


@pytest.mark.parametrize("point", POINTS)
def test_killed_twice_the_second_time_in_resume(
    process: Runner, order: Order, unbroken: list[tuple[str, str]], point: str
) -> None:
    assert process.live(Order(order.store, order.log, point="committed not used", nth=50)) == KILLED
    before, answered = begun(order), committed(order)
    assert process.live(again(order, point=point, nth=1)) == KILLED
    assert_no_answered_call_repeated(order, before, answered)
    before, answered = begun(order), committed(order)
    assert process.live(again(order)) == 0, output(order)
    assert_no_answered_call_repeated(order, before, answered)
    assert content(order) == unbroken


def test_a_killed_run_needs_resume_to_go_on(process: Runner, order: Order) -> None:
    assert process.live(Order(order.store, order.log, point="after append", nth=3)) == KILLED
    assert process.live(order) == 70
    assert "already holds a run: add --resume" in output(order)


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_one_ends_the_run_cleanly(
        self, process: Runner, order: Order, unbroken: list[tuple[str, str]], number: signal.Signals
    ) -> None:
        pid = process.start(order)
        wait_for_calls(order, 60, pid)
        os.kill(pid, number)
        began = time.monotonic()
        assert process.ended() == 130, output(order)
        assert time.monotonic() - began < 120
        assert '"interrupted": true, "failed": 0' in output(order)
        assert sorted(file.name for file in Path(order.store).parent.iterdir()) == ["log", "log.out", "traces.db"]
        before, answered = begun(order), committed(order)
        assert process.live(again(order)) == 0
        assert_no_answered_call_repeated(order, before, answered)
        assert content(order) == unbroken

    def test_a_slow_model_holds_nothing_up(self, process: Runner, order: Order) -> None:
        pid = process.start(Order(order.store, order.log, latency=600))
        wait_for_calls(order, 8, pid)
        os.kill(pid, signal.SIGINT)
        began = time.monotonic()
        assert process.ended() == 130
        assert time.monotonic() - began < 300, "a call takes ten minutes"

    def test_two_end_the_process_at_once(self, process: Runner, order: Order, unbroken: list[tuple[str, str]]) -> None:
        pid = process.start(order)
        wait_for_calls(order, 60, pid)
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
        assert process.ended() in (128 + signal.SIGINT, 128 + signal.SIGTERM), output(order)
        assert process.live(again(order)) == 0
        assert content(order) == unbroken
