"""Running to the end or to a signal, from any kind of code."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sml_agents.rollout import run_until_signal

ROOT = Path(__file__).parents[2]


async def name_of_thread(stop: asyncio.Event) -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def until_stopped(stop: asyncio.Event) -> str:
    await asyncio.wait_for(stop.wait(), timeout=300)
    return "stopped"


def test_from_plain_code() -> None:
    assert run_until_signal(name_of_thread) == "MainThread"


async def test_inside_a_running_loop() -> None:
    assert run_until_signal(name_of_thread) == "dialogues"


async def test_inside_a_running_loop_errors_come_through() -> None:
    async def fail(stop: asyncio.Event) -> None:
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        run_until_signal(fail)


def test_from_another_thread() -> None:
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(run_until_signal(name_of_thread)), name="other")
    thread.start()
    thread.join()
    assert results == ["other"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_stop(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), number))
    timer.start()
    assert run_until_signal(until_stopped) == "stopped"
    assert signal.getsignal(number) is before, "and the handlers are put back"


async def test_a_signal_reaches_a_run_in_a_thread() -> None:
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert run_until_signal(until_stopped) == "stopped"


def test_a_signal_before_the_loop_runs_is_not_lost() -> None:
    async def main(stop: asyncio.Event) -> bool:
        return stop.is_set()

    code = (
        "import os, signal, sml_agents.rollout.signals as s\n"
        "factory = s._loop_factory\n"
        "def early():\n    os.kill(os.getpid(), signal.SIGINT)\n    return factory()\n"
        "s._loop_factory = early\n"
        "async def main(stop): return stop.is_set()\n"
        "print(s.run_until_signal(main))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "True\n"


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:

        async def main(stop: asyncio.Event) -> bool:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.05)
            return stop.is_set()

        assert run_until_signal(main) is False
    finally:
        signal.signal(signal.SIGINT, before)


def test_without_uvloop_it_runs_on_asyncios_own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    async def loop_module(stop: asyncio.Event) -> str:
        return type(asyncio.get_running_loop()).__module__

    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_until_signal(loop_module).startswith("asyncio")
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert run_until_signal(until_stopped) == "stopped"


def test_a_signal_for_which_nobody_waits_is_an_interrupt() -> None:
    async def busy(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the work goes on")

    with pytest.raises(KeyboardInterrupt):
        run_until_signal(busy)


def test_a_thread_that_works_for_the_loop_holds_nothing_up() -> None:
    done = threading.Event()

    async def at_work(stop: asyncio.Event) -> str:
        work = asyncio.get_running_loop().run_in_executor(None, done.wait, 300)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)
        await stopping
        return "done" if work.done() else "at work"

    try:
        assert run_until_signal(at_work) == "at work"
        assert not done.is_set()
    finally:
        done.set()
