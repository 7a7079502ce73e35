"""Where asynchronous code meets threads: things kept per event loop, and one loop for synchronous callers."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

__all__ = ["PerLoop", "iterate_sync", "run_sync"]

T = TypeVar("T")


class PerLoop(Generic[T]):
    """One `T` for each running event loop, made on first use and closed with its loop.

    The value is held by an asynchronous generator: `asyncio.run` closes the generators of its loop before the loop,
    and with them the value, without anybody having to remember it.
    """

    def __init__(self, make: Callable[[], AsyncGenerator[T, None]]) -> None:
        self._make = make
        self._values: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[T, None]]] = {}

    async def get(self) -> T:
        loop = asyncio.get_running_loop()
        held = self._values.get(loop)
        if held is None:
            for closed in [other for other in list(self._values) if other.is_closed()]:
                self._values.pop(closed, None)
            generator = self._make()
            held = self._values[loop] = (await anext(generator), generator)
        return held[0]


class _Background:
    """An event loop in a thread of its own, for callers that have none or must block the one they have."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="sml-agents-loop", daemon=True)
        self.thread.start()
        atexit.register(self.close)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def close(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(timeout=5)


_background: _Background | None = None
_lock = threading.Lock()


def _background_loop() -> asyncio.AbstractEventLoop:
    global _background
    with _lock:
        if _background is None or not _background.thread.is_alive():
            _background = _Background()
    return _background.loop


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run `coroutine` on the background loop and wait for it; also safe inside a running loop, which it blocks."""
    future = asyncio.run_coroutine_threadsafe(coroutine, _background_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def iterate_sync(items: AsyncIterator[T]) -> Iterator[T]:
    """The items of an asynchronous iterator, one by one, for a synchronous caller."""

    async def advance() -> tuple[bool, T | None]:
        try:
            return True, await anext(items)
        except StopAsyncIteration:
            return False, None

    async def close() -> None:
        if isinstance(items, AsyncGenerator):
            await items.aclose()

    try:
        while True:
            more, item = run_sync(advance())
            if not more:
                return
            yield item  # type: ignore[misc]
    finally:
        run_sync(close())
