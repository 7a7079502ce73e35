"""Many dialogues at once, on one event loop.

A fixed number of workers pull dialogues from a lazily read stream, so that memory depends on `concurrency` and not on
the number of dialogues. A dialogue that fails is a record and stops nobody; what would fail all of them
(`errors.EndsTheRun`: the store, a used-up budget, a missing extra, an unusable model) ends the run, with all that was
finished kept. Runs into a store, the dialogues of a step of reinforcement learning and those that a person teaches are
run by it alike: they differ in where the traces go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sml_agents.errors import EndsTheRun, InputError
from sml_agents.rollout.heap import settled_heap
from sml_agents.types import Failure, StopReason, Task, Trace

if TYPE_CHECKING:
    from sml_agents.dialogue import Journal

__all__ = ["Dialogue", "Item", "Sink", "run_all"]

_GRACE_SECONDS = 5.0
"""How long a cancelled dialogue may take to let go before the run ends without it."""


class Item(NamedTuple):
    """A dialogue to run."""

    id: str
    task: Task
    sample: int
    position: int
    """Its place among all dialogues of the run."""


class Dialogue(Protocol):
    """Runs one dialogue: a compiled graph, bound."""

    async def __call__(self, item: Item, journal: Journal | None) -> Trace: ...


class Sink(AbstractAsyncContextManager["Sink", None], Protocol):
    """Where dialogues go. It is entered before the first one, and left when all have ended or were cancelled."""

    async def start(self, item: Item) -> Journal | None:
        """A dialogue begins; its replies are kept in the journal, if there is one."""
        ...

    async def finish(self, item: Item, trace: Trace) -> None:
        """A dialogue has ended, well or not."""
        ...


async def run_all(
    items: Iterable[Item] | AsyncIterator[Item],
    dialogue: Dialogue,
    sink: Sink,
    *,
    concurrency: int,
    record: Mapping[str, Any],
    stop: asyncio.Event | None = None,
) -> bool:
    """Run the dialogues of `items`, at most `concurrency` at once. Whether `stop` was set before all had ended.

    Args:
        items: read as needed; of an asynchronous one several workers ask for the next at once.
        record: the settings that the trace of a dialogue that raised gets.

    Raises:
        InputError: concurrency below 1.
        EndsTheRun: whatever of that kind a dialogue or the sink raised.
    """
    if concurrency < 1:
        raise InputError("samples and concurrency must be at least 1")
    stream = items if isinstance(items, AsyncIterator) else _InTurn(items)
    stop = stop or asyncio.Event()
    async with sink:
        with settled_heap():
            workers = [asyncio.create_task(_work(stream, dialogue, sink, record)) for _ in range(concurrency)]
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
    return bool(running)


async def _let_go(workers: list[asyncio.Task[None]]) -> None:
    for worker in workers:
        worker.cancel()
    done, _ = await asyncio.wait(workers, timeout=_GRACE_SECONDS)
    for worker in done:
        if not worker.cancelled():
            worker.exception()  # the first one is on its way up already


class _InTurn:
    """Items one by one for all workers; an asynchronous generator could not be asked by several at once."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        for item in self._items:
            return item
        raise StopAsyncIteration


async def _work(stream: AsyncIterator[Item], dialogue: Dialogue, sink: Sink, record: Mapping[str, Any]) -> None:
    async for item in stream:
        journal = await sink.start(item)
        await sink.finish(item, await _run(item, dialogue, journal, record))


async def _run(item: Item, dialogue: Dialogue, journal: Journal | None, record: Mapping[str, Any]) -> Trace:
    """The dialogue's trace; that of a failure when it raised."""
    try:
        trace = await dialogue(item, journal)
    except EndsTheRun:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return _failed(item, error, record)  # something inside cancelled itself: not the end of the run
    except Exception as error:
        return _failed(item, error, record)
    return trace if trace.id == item.id else trace.model_copy(update={"id": item.id})


def _failed(item: Item, error: BaseException, record: Mapping[str, Any]) -> Trace:
    return Trace(
        id=item.id,
        task=item.task,
        sample=item.sample,
        stop=StopReason.FAILED,
        error=Failure.of("graph", error),
        settings=dict(record),
    )
