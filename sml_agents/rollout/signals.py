"""Runs a coroutine to its end, or to the first SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, TypeVar

__all__ = ["in_thread", "run_until_signal"]

T = TypeVar("T")


def run_until_signal(main: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
    """Run `main(stop)` on a fresh event loop and return its result; inside a running loop, in a thread.

    A first SIGINT or SIGTERM sets `stop` if somebody waits for it, and is a KeyboardInterrupt if nobody does, as while
    tasks are made. A second ends the process at once, with 128 + its number as the exit code. Threads that work for the
    loop are then not waited for.
    Signals that the process ignores stay ignored, and outside the main thread signals are left alone.
    """
    stopper = _Stopper()

    async def start() -> T:
        return await main(stopper.attach())

    def run() -> T:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            try:
                return runner.run(start())
            finally:
                if stopper.signals:  # the loop waits at its end for the threads of the executor that it has then
                    runner.get_loop().set_default_executor(ThreadPoolExecutor(1))

    with _handled(stopper):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return run()
        return in_thread(run, "dialogues")


class _Stop(asyncio.Event):
    """An event that knows whether somebody waits for it."""

    waiting = 0

    async def wait(self) -> Literal[True]:
        self.waiting += 1
        try:
            return await super().wait()
        finally:
            self.waiting -= 1


class _Stopper:
    """Sets an event of a loop from a signal handler."""

    def __init__(self) -> None:
        self.signals = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: _Stop | None = None

    def attach(self) -> asyncio.Event:
        self._loop, self._event = asyncio.get_running_loop(), _Stop()
        if self.signals:
            self._event.set()
        return self._event

    def handle(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals > 1:
            if sys.stderr.isatty():
                os.write(2, b"\x1b[?25h\n")  # a progress bar may have hidden the cursor
            os._exit(128 + number)  # nothing is lost: what was committed is durable
        if self._loop is None or self._event is None:
            return  # `attach` sets it
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event.set)  # also for a loop in a thread that goes on without us
        if not self._event.waiting:
            raise KeyboardInterrupt


@contextmanager
def _handled(stopper: _Stopper) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stopper.handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def in_thread(run: Callable[[], T], name: str) -> T:
    """What `run` returns or raises, in a thread of that name, which a signal to this one leaves behind."""
    results: list[T] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            results.append(run())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop where it is installed: 15 to 50 % less CPU for each request."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
