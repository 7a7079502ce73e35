"""Many dialogues at once: bounded, resumed, failures recorded, ended cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from sml_agents.dialogue import dialogue_id
from sml_agents.errors import BudgetExceeded, EndpointError, InputError, MissingExtra, StoreError
from sml_agents.rollout import Progress
from sml_agents.traces import TraceStore
from sml_agents.types import StopReason, Task
from tests.rollout.talk import SETTINGS, Talk, hold, stops
from tests.traces.samples import make_task

ROOT = Path(__file__).parents[2]
TASKS = [make_task(number) for number in range(40)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TraceStore]:
    with TraceStore.open(tmp_path / "traces.db") as store:
        yield store


class TestIds:
    def test_an_id_is_the_same_in_every_process(self) -> None:
        code = (
            "from tests.traces.samples import make_task; from sml_agents.dialogue import dialogue_id\n"
            "print(dialogue_id(make_task(1, meta={'b': 'x'}), 0, {'b': 1, 'a': [None, 2.5]}, 0), end='')"
        )
        here = dialogue_id(make_task(1, meta={"b": "x"}), 0, {"a": [None, 2.5], "b": 1}, 0)
        for seed in ("1", "2"):
            environ = {**os.environ, "PYTHONHASHSEED": seed}
            assert subprocess.check_output([sys.executable, "-c", code], env=environ, cwd=ROOT, text=True) == here

    def test_all_that_shapes_a_dialogue_shapes_its_id(self) -> None:
        task = make_task(1)
        private = task.private.model_copy(update={"answer": "9"})
        ids = {
            dialogue_id(*given)
            for given in [
                (task, 0, SETTINGS, 0),
                (task, 1, SETTINGS, 0),
                (task, 0, SETTINGS, 1),
                (task, 0, {"student": {"model": "other"}}, 0),
                (task.model_copy(update={"private": private}), 0, SETTINGS, 0),
                (task.model_copy(update={"prompt": "\ud800"}), 0, SETTINGS, 0),
            ]
        }
        assert len(ids) == 6

    def test_how_fast_it_is_run_does_not(self) -> None:
        quick = {"student": {"model": "m", "timeout": 1}, "concurrency": 2}
        slow = {"student": {"model": "m", "timeout": 9, "max_retries": 3}}
        assert dialogue_id(make_task(), 0, quick, 0) == dialogue_id(make_task(), 0, slow, 0)


async def test_every_task_is_held_and_counted(store: TraceStore) -> None:
    seen: list[Progress] = []
    summary = await hold(TASKS, Talk(), store, samples=3, total=120, on_progress=seen.append)
    assert (summary.n, summary.solved, summary.asked, summary.failed) == (120, 120, 120, 0)
    assert summary.stops == {"solved": 120}
    assert summary.tokens == 120 * 10
    assert (summary.interrupted, summary.exit_code) == (False, 0)
    assert [progress.done for progress in seen] == [0, *range(1, 121), 120]
    assert seen[-1].eta == 0 and seen[60].eta is not None and seen[0].eta is None
    assert store.counts().finished == 120 and store.counts().unfinished == 0
    assert [(trace.task.id, trace.sample) for trace in store.traces()] == [
        (task.id, sample) for task in TASKS for sample in range(3)
    ], "in the order of the tasks, whichever finished first"


@pytest.mark.parametrize("concurrency", [1, 5, 100])
async def test_concurrency_is_a_bound_and_is_reached(store: TraceStore, concurrency: int) -> None:
    talk = Talk(latency=0.001)
    await hold(TASKS, talk, store, concurrency=concurrency)
    assert talk.most == min(concurrency, len(TASKS))


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"samples": 0}])
async def test_senseless_numbers_are_refused(store: TraceStore, options: dict[str, int]) -> None:
    with pytest.raises(InputError):
        await hold(TASKS, Talk(), store, **options)


async def test_no_task_at_all(store: TraceStore) -> None:
    assert (await hold([], Talk(), store)).n == 0


async def test_a_task_that_comes_twice_is_held_once(store: TraceStore) -> None:
    talk = Talk()
    summary = await hold([*TASKS, *TASKS], talk, store)
    assert summary.n == 40 and len(talk.calls) == 80


async def test_resume_holds_what_is_missing(store: TraceStore) -> None:
    await hold(TASKS[:25], Talk(), store)
    talk = Talk()
    summary = await hold(TASKS, talk, store, resume=True)
    assert len(talk.calls) == 2 * 15
    assert (summary.n, summary.resumed, summary.solved, summary.tokens) == (40, 25, 40, 150)
    again = Talk()
    assert (await hold(TASKS, again, store, resume=True)).resumed == 40
    assert again.calls == []


async def test_replies_that_were_committed_are_not_asked_for_again(store: TraceStore) -> None:
    first = Talk(trouble=lambda task: None if task.id.endswith("1") else _raise(ValueError("broken")))
    summary = await hold(TASKS, first, store)
    assert summary.failed == 36
    second = Talk()
    summary = await hold(TASKS, second, store, resume=True, retry_failed=True)
    assert second.calls == [], "both replies of every dialogue were there"
    assert (summary.failed, summary.resumed) == (0, 4)
    assert store.ids_with_replies() == set()


def _raise(error: BaseException) -> None:
    raise error


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "recorded"),
        [
            (EndpointError("HTTP 500 after 3 tries", status=500), "EndpointError: HTTP 500 after 3 tries"),
            (ValueError(""), "ValueError"),
            (KeyError("x"), "KeyError: 'x'"),
            (RecursionError("two\nlines"), "RecursionError: two"),
            (asyncio.CancelledError(), "CancelledError"),
            (TimeoutError(), "TimeoutError"),
            (MemoryError("a" * 9999), f"MemoryError: {'a' * 497}..."),
        ],
        ids=lambda value: type(value).__name__,
    )
    async def test_a_failure_is_a_record_and_stops_nobody(
        self, store: TraceStore, error: BaseException, recorded: str
    ) -> None:
        talk = Talk(trouble=lambda task: _raise(error) if task.id == TASKS[3].id else None)
        summary = await hold(TASKS, talk, store)
        assert (summary.n, summary.failed, summary.solved, summary.exit_code) == (40, 1, 39, 1)
        (trace,) = store.traces(stop="failed")
        assert (trace.task, str(trace.error), trace.solved, trace.settings) == (
            TASKS[3],
            f"graph: {recorded}",
            None,
            SETTINGS,
        )

    async def test_failed_dialogues_stay_unless_they_are_to_be_tried_again(self, store: TraceStore) -> None:
        broken = Talk(trouble=lambda task: _raise(EndpointError("down")))
        await hold(TASKS, broken, store)
        summary = await hold(TASKS, Talk(), store, resume=True)
        assert (summary.failed, summary.resumed) == (40, 40)
        summary = await hold(TASKS, Talk(), store, resume=True, retry_failed=True)
        assert (summary.failed, summary.solved) == (0, 40)
        assert set(stops(store).values()) == {StopReason.SOLVED}

    @pytest.mark.parametrize("error", [BudgetExceeded("1,000 calls are used up"), MissingExtra("a model", "local")])
    async def test_what_would_fail_all_ends_the_run(self, store: TraceStore, error: Exception) -> None:
        talk = Talk(latency=0.001, trouble=lambda task: _raise(error) if task.id == TASKS[20].id else None)
        with pytest.raises(type(error)):
            await hold(TASKS, talk, store, concurrency=4)
        assert talk.running == 0
        finished = store.counts().finished
        assert 16 <= finished < 40 and store.counts().failed == 0
        assert (await hold(TASKS, Talk(), store, resume=True)).resumed == finished

    async def test_tasks_that_cannot_be_read_end_the_run(self, store: TraceStore) -> None:
        def tasks() -> Iterator[Task]:
            yield from TASKS[:10]
            raise InputError("row 11 has no answer")

        with pytest.raises(InputError, match="row 11"):
            await hold(tasks(), Talk(), store, concurrency=2)
        assert store.counts().finished >= 8

    async def test_a_thousand_dialogues_with_mixed_faults(self, store: TraceStore) -> None:
        tasks = [make_task(number) for number in range(1000)]
        draw = random.Random(7)
        errors = [
            EndpointError("429"),
            TimeoutError("30 s"),
            ValueError("cut JSON"),
            asyncio.CancelledError(),
            OSError(5),
        ]
        faults = {tasks[n].id: draw.choice(errors) for n in draw.sample(range(1000), 50)}
        talk = Talk(trouble=lambda task: _raise(faults[task.id]) if task.id in faults else None)
        summary = await hold(tasks, talk, store, concurrency=64)
        assert (summary.n, summary.failed, summary.solved) == (1000, 50, 950)
        assert {id for id, stop in stops(store).items() if stop == StopReason.FAILED} == set(faults)
        assert store.verify() == []


class TestEnding:
    async def test_stop_cancels_what_is_running_and_says_so(self, store: TraceStore) -> None:
        stop = asyncio.Event()
        talk = Talk(latency=0.01)

        def watch(progress: Progress) -> None:
            if progress.done == 10:
                stop.set()

        summary = await hold(TASKS, talk, store, concurrency=4, on_progress=watch, stop=stop)
        assert summary.interrupted and summary.exit_code == 130
        assert summary.n == store.counts().finished and 10 <= summary.n <= 14
        assert talk.running == 0
        assert summary.failed == 0, "a cancelled dialogue is unfinished, not failed"
        summary = await hold(TASKS, Talk(), store, resume=True)
        assert (summary.n, summary.interrupted) == (40, False)

    async def test_stop_before_the_start(self, store: TraceStore) -> None:
        stop = asyncio.Event()
        stop.set()
        assert (await hold(TASKS, Talk(latency=1), store, stop=stop)).interrupted

    async def test_cancelling_the_run_lets_go_of_the_dialogues(self, store: TraceStore) -> None:
        talk = Talk(latency=0.01)
        run = asyncio.create_task(hold(TASKS, talk, store, concurrency=4))
        while talk.running < 4 or store.counts().finished < 4:
            await asyncio.sleep(0.001)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert talk.running == 0
        assert len(asyncio.all_tasks()) == 1
        assert store.verify() == []

    async def test_a_dialogue_that_does_not_let_go_holds_nothing_up(
        self, store: TraceStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sml_agents.rollout.engine._GRACE_SECONDS", 0.05)
        free = asyncio.Event()

        class Stubborn(Talk):
            async def reply(self, id: str, key: str, journal: object) -> str:
                while not free.is_set():
                    try:
                        await asyncio.sleep(10)
                    except asyncio.CancelledError:
                        continue
                return ""

        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        summary = await asyncio.wait_for(hold(TASKS, Stubborn(), store, stop=stop), timeout=60)
        assert summary.interrupted and summary.n == 0
        free.set()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    async def test_a_store_that_goes_away_ends_the_run(self, tmp_path: Path) -> None:
        path = tmp_path / "gone" / "traces.db"
        store = TraceStore.open(path)
        talk = Talk(trouble=lambda task: path.unlink() if task.id == TASKS[20].id else None)
        with pytest.raises(StoreError, match="moved, removed or replaced"):
            await hold(TASKS, talk, store, concurrency=2)
        assert talk.running == 0
        store.close()

    async def test_a_graph_that_hides_a_failed_write_does_not_hide_it(self, tmp_path: Path) -> None:
        path = tmp_path / "gone" / "traces.db"
        store = TraceStore.open(path)

        class Hiding(Talk):
            async def reply(self, id: str, key: str, journal: object) -> str:
                path.unlink(missing_ok=True)
                try:
                    return await super().reply(id, key, journal)
                except StoreError:
                    return "never mind"

        with pytest.raises(StoreError, match="moved, removed or replaced"):
            await hold(TASKS, Hiding(), store)
        store.close()

    async def test_a_progress_callback_that_fails_is_heard(self, store: TraceStore) -> None:
        def fail(progress: Progress) -> None:
            if progress.done == 5:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await hold(TASKS, Talk(), store, on_progress=fail)
        assert store.counts().finished >= 5


async def test_memory_is_flat_in_the_number_of_dialogues(store: TraceStore) -> None:
    """What stays of a dialogue is its id: 100,000 of them take some 15 MB."""
    gc.collect()
    tracemalloc.start()
    levels = []

    def measure(progress: Progress) -> None:
        if progress.done in (400, 1600):
            levels.append(tracemalloc.get_traced_memory()[0])

    await hold((make_task(number) for number in range(1600)), Talk(), store, on_progress=measure)
    tracemalloc.stop()
    assert (levels[1] - levels[0]) / 1200 < 400
