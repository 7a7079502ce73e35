"""Durable writes from asyncio, grouped: all that many dialogues write at one moment is one transaction.

    writer = AsyncWriter(store)
    await writer.start(id, task, position)
    context = DialogueContext(journal=writer.journal(id))     # every model reply is committed before it is used
    await writer.finish(trace, position)

Each method returns when its row is committed. An SQLite store is written to on the event loop itself: a commit takes
less (some 0.05 ms) than handing it to a thread would. A server is written to from one thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TypeVar

from sml_agents.errors import StoreError
from sml_agents.traces.claims import Claimed
from sml_agents.traces.handover import quick_handover
from sml_agents.traces.store import Batch, TraceStore
from sml_agents.types import Reply, Task, Trace

__all__ = ["AsyncWriter", "ReplyJournal"]

T = TypeVar("T")
_Write = tuple[Batch, "asyncio.Future[None]"]


class AsyncWriter:
    """Groups the writes of one event loop. Use it from that loop only."""

    def __init__(self, store: TraceStore) -> None:
        self.store = store
        self.failure: StoreError | None = None
        """The first write that failed: the store is full, gone or locked, and the run cannot go on."""
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Write] = []
        self._busy = False
        self._thread = ThreadPoolExecutor(1, "trace-store") if store.is_server else None
        self._unfinished = store.ids_with_replies()
        self._open = ExitStack()
        if self._thread is not None:
            self._open.enter_context(quick_handover())

    async def start(self, id: str, task: Task, position: int) -> None:
        """Record that a dialogue begins."""
        await self._commit(Batch(started=[self.store.started_row(id, task, position)]))

    async def finish(self, trace: Trace, position: int) -> None:
        """Write a finished dialogue."""
        await self._commit(Batch(done=[self.store.done_row(trace, position)]))

    async def put_reply(self, id: str, key: str, reply: Reply) -> None:
        """Write one model reply."""
        await self._commit(Batch(replies=[self.store.reply_row(id, key, reply)]))

    async def claim(
        self, items: Sequence[tuple[str, Task, int]], want: int, *, seconds: float, again: Mapping[str, str]
    ) -> Claimed:
        """`TraceStore.claim` for dialogues given as id, task and position; they need no `start`."""
        rows = [self.store.started_row(*item) for item in items]
        found = await self._aside(partial(self.store.claim, rows, want, seconds=seconds, again=again))
        self._unfinished = (self._unfinished - found.mine) | found.begun
        return found

    async def renew_claims(self, seconds: float) -> None:
        """`TraceStore.renew_claims`."""
        await self._aside(partial(self.store.renew_claims, seconds))

    async def release_claims(self) -> None:
        """`TraceStore.release_claims`."""
        await self._aside(self.store.release_claims)

    async def _aside(self, work: Callable[[], T]) -> T:
        try:
            return await self._loop.run_in_executor(self._thread, work)
        except StoreError as error:
            self.failure = self.failure or error
            raise

    def journal(self, id: str) -> ReplyJournal:
        """The journal of a dialogue, with the replies that an earlier process left, read once, now."""
        known = self.store.replies_of(id) if id in self._unfinished else {}
        return ReplyJournal(self, id, known)

    async def drain(self) -> None:
        """Wait for the writes under way and let go of the thread. The store stays open."""
        while self._busy or self._waiting:
            await asyncio.sleep(0.001)
        if self._thread is not None:
            self._thread.shutdown()
        self._open.close()

    async def _commit(self, batch: Batch) -> None:
        written: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((batch, written))
        if not self._busy:
            self._busy = True
            # After the callbacks that are ready now: what they write joins this transaction.
            self._loop.call_soon(self._flush)
        await written

    def _flush(self) -> None:
        writes, self._waiting = self._waiting, []
        if self._thread is None:
            self._settle(writes, _write(self.store, writes))
        else:
            work = self._loop.run_in_executor(self._thread, _write, self.store, writes)
            work.add_done_callback(lambda done: self._settle(writes, done.result()))

    def _settle(self, writes: list[_Write], errors: list[Exception | None]) -> None:
        for (_, written), error in zip(writes, errors, strict=True):
            if isinstance(error, StoreError) and self.failure is None:
                self.failure = error
            if written.done():  # the dialogue was cancelled meanwhile
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)
        self._busy = bool(self._waiting)
        if self._busy:
            self._loop.call_soon(self._flush)


class ReplyJournal:
    """The replies of one dialogue: what `DialogueContext.journal` takes."""

    def __init__(self, writer: AsyncWriter, id: str, known: dict[str, Reply]) -> None:
        self._writer = writer
        self._id = id
        self._known = known

    def get(self, key: str) -> Reply | None:
        return self._known.get(key)

    async def put(self, key: str, reply: Reply) -> None:
        await self._writer.put_reply(self._id, key, reply)


def _write(store: TraceStore, writes: list[_Write]) -> list[Exception | None]:
    """Write all in one transaction, or, when that fails, each alone: one bad row must not take others with it."""
    merged = Batch()
    for batch, _ in writes:
        merged.started += batch.started
        merged.replies += batch.replies
        merged.done += batch.done
    try:
        store.write(merged)
    except Exception as error:
        return [error] if len(writes) == 1 else [_write(store, [write])[0] for write in writes]
    return [None] * len(writes)
