"""Many dialogues at once, on one event loop.

A fixed number of workers pull dialogues from a lazily read stream of tasks, so that memory depends on `concurrency` and
not on the number of dialogues. A dialogue that fails is a record and stops nobody; what would fail all of them
(the store, a used-up budget, a missing extra, an unusable model) ends the run, with all that was finished kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from sml_agents.errors import BackendSpecError, BudgetExceeded, InputError, MissingExtra, StoreError
from sml_agents.rollout.heap import settled_heap
from sml_agents.rollout.identity import dialogue_id
from sml_agents.rollout.summary import Progress, RunSummary, Tally
from sml_agents.traces import AsyncWriter, TraceStore
from sml_agents.types import StopReason, Task, Trace

__all__ = ["Dialogue", "hold_dialogues"]

_GRACE_SECONDS = 5.0
"""How long a cancelled dialogue may take to let go before the run ends without it."""
_ENDS_THE_RUN = (StoreError, BudgetExceeded, MissingExtra, BackendSpecError)


class Dialogue(Protocol):
    """Holds one dialogue: a compiled graph, bound."""

    async def __call__(self, task: Task, sample: int, id: str, journal: Any) -> Trace: ...


class _Wanted(NamedTuple):
    id: str
    task: Task
    sample: int
    position: int


async def hold_dialogues(
    tasks: Iterable[Task],
    dialogue: Dialogue,
    store: TraceStore,
    *,
    settings: Mapping[str, Any],
    seed: int,
    samples: int,
    concurrency: int,
    retry_failed: bool,
    total: int | None,
    on_progress: Callable[[Progress], None] | None,
    stop: asyncio.Event | None,
) -> RunSummary:
    """Hold the dialogues that `store`, claimed by `start_run`, does not hold yet. See `run_dialogues` for the rest."""
    if samples < 1 or concurrency < 1:
        raise InputError("samples and concurrency must be at least 1")
    run = _Run(dialogue, AsyncWriter(store), settings, Tally(total), on_progress)
    wanted = _missing(tasks, samples, settings, seed, run.tally, store, retry_failed)
    run.report()
    with settled_heap():
        running = await _work(run, wanted, concurrency, stop or asyncio.Event())
    return run.tally.summary(interrupted=running)


async def _work(run: _Run, wanted: Iterator[_Wanted], concurrency: int, stop: asyncio.Event) -> bool:
    """Hold all of `wanted`; whether `stop` ended it before."""
    workers = [asyncio.create_task(run.work(wanted)) for _ in range(concurrency)]
    stopping = asyncio.create_task(stop.wait())
    running: set[asyncio.Task[Any]] = set(workers)
    try:
        while running and not stopping.done():
            finished, _ = await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            running -= finished
            for worker in finished:
                worker.result()
    finally:
        stopping.cancel()
        await _let_go(workers)
        await run.writer.drain()
        run.report()
    return bool(running)


def _missing(
    tasks: Iterable[Task],
    samples: int,
    settings: Mapping[str, Any],
    seed: int,
    tally: Tally,
    store: TraceStore,
    retry_failed: bool,
) -> Iterator[_Wanted]:
    """Wanted minus finished, counting the finished; a task that comes twice is held once."""
    finished = store.finished()
    seen: set[str] = set()
    for number, task in enumerate(tasks):
        for sample in range(samples):
            id = dialogue_id(task, sample, settings, seed)
            if id in seen:
                continue
            seen.add(id)
            known = finished.pop(id, None)
            if known is not None and not (retry_failed and known.stop == StopReason.FAILED):
                tally.add_resumed(known)
            else:
                yield _Wanted(id, task, sample, number * samples + sample)


async def _let_go(workers: list[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()
    done, _ = await asyncio.wait(workers, timeout=_GRACE_SECONDS)
    for worker in done:
        if not worker.cancelled():
            worker.exception()  # the first one is on its way up already


class _Run:
    def __init__(
        self,
        dialogue: Dialogue,
        writer: AsyncWriter,
        settings: Mapping[str, Any],
        tally: Tally,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.dialogue = dialogue
        self.writer = writer
        self.settings = settings
        self.tally = tally
        self.on_progress = on_progress

    def report(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self.tally.progress())

    async def work(self, wanted: Iterator[_Wanted]) -> None:
        for item in wanted:
            await self.writer.start(item.id, item.task, item.position)
            trace = await self._hold(item)
            if self.writer.failure is not None:  # a graph may have taken it for a failure of the model
                raise self.writer.failure
            await self.writer.finish(trace, item.position)
            self.tally.add(trace)
            self.report()

    async def _hold(self, item: _Wanted) -> Trace:
        """The dialogue's trace; that of a failure when it raised."""
        journal = self.writer.journal(item.id)
        try:
            trace = await self.dialogue(item.task, item.sample, item.id, journal)
        except _ENDS_THE_RUN:
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return self._failed(item, error)  # something inside cancelled itself: not the end of the run
        except Exception as error:
            return self._failed(item, error)
        return trace if trace.id == item.id else trace.model_copy(update={"id": item.id})

    def _failed(self, item: _Wanted, error: BaseException) -> Trace:
        words = str(error).strip().split("\n")[0][:500]
        return Trace(
            id=item.id,
            task=item.task,
            sample=item.sample,
            stop=StopReason.FAILED,
            error=f"{type(error).__name__}: {words}".rstrip(": "),
            settings=dict(self.settings),
        )
