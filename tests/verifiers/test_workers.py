"""Killable workers: deadlines, deaths, many callers, several event loops, a clean exit."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sml_agents.errors import VerifierError
from sml_agents.verifiers.workers import Workers, WorkerTimeout
from tests.processes import gone

HANGS = {"pairs": [("1", "9^{9^{9^{9}}}", 0.0, False)]}
EQUAL = {"pairs": [("x+1", "1+x", 0.0, False)]}


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """One pool for the module: a worker takes seconds to load its libraries. It survives what the tests do to it."""
    pool = Workers(1, deadline=30.0)
    yield pool
    pool.close()


@pytest.fixture
def impatient() -> Iterator[Workers]:
    pool = Workers(1, deadline=1.0)
    yield pool
    pool.close()


async def test_a_job_past_its_deadline_is_killed_and_the_next_one_runs(impatient: Workers) -> None:
    await impatient.ask("ready")
    (first,) = impatient.pids
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with pytest.raises(WorkerTimeout, match="more than 1 seconds of processor time"):
        await impatient.ask("equal", **HANGS)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert spent >= 1
    assert gone(first)
    assert await impatient.ask("ready") is True
    assert len(impatient.pids) == 1 and impatient.pids != [first]


async def test_a_job_that_had_to_wait_for_the_processor_has_its_time_all_the_same(impatient: Workers) -> None:
    await impatient.ask("ready")
    (worker,) = impatient.pids
    os.kill(worker, signal.SIGSTOP)
    job = asyncio.create_task(impatient.ask("equal", **EQUAL))
    await asyncio.sleep(1.5 * impatient.deadline)
    os.kill(worker, signal.SIGCONT)
    assert await job == [True]
    assert impatient.pids == [worker]


async def test_one_that_never_gets_the_processor_is_given_up(
    impatient: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sml_agents.verifiers.workers._PATIENCE", 1.5)
    await impatient.ask("ready")
    (worker,) = impatient.pids
    os.kill(worker, signal.SIGSTOP)
    with pytest.raises(WorkerTimeout, match="waited for"):
        await impatient.ask("equal", **EQUAL)
    assert gone(worker)


async def test_a_worker_that_was_killed_is_replaced_unnoticed(workers: Workers) -> None:
    assert await workers.ask("equal", **EQUAL) == [True]
    os.kill(workers.pids[0], signal.SIGKILL)
    assert await workers.ask("equal", **EQUAL) == [True]


async def test_a_failing_job_is_an_error_and_leaves_the_worker_alive(workers: Workers) -> None:
    assert await workers.ask("equal", **EQUAL) == [True]
    before = workers.pids
    with pytest.raises(VerifierError, match="cannot be read"):
        await workers.ask("equal", pairs=[("\\frac{", "1", 0.0, False)])
    assert workers.pids == before


async def test_a_cancelled_caller_leaves_no_job_behind(workers: Workers) -> None:
    assert await workers.ask("equal", **EQUAL) == [True]
    job = asyncio.create_task(workers.ask("equal", **HANGS))
    await asyncio.sleep(0.2)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    began = time.perf_counter()
    assert await workers.ask("equal", **EQUAL) == [True]
    assert time.perf_counter() - began < workers.deadline  # the job that nobody wanted did not start again


async def test_closed_workers_refuse_jobs(impatient: Workers) -> None:
    await impatient.ask("ready")
    (first,) = impatient.pids
    impatient.close()
    impatient.close()
    assert gone(first) and impatient.pids == []
    with pytest.raises(VerifierError, match="closed"):
        await impatient.ask("equal", **EQUAL)


async def test_many_callers_share_few_workers(workers: Workers) -> None:
    results = await asyncio.gather(
        *(workers.ask("equal", pairs=[(f"x+{k}", f"{k + k % 2}+x", 0.0, False)]) for k in range(60))
    )
    assert results == [[k % 2 == 0] for k in range(60)]
    assert len(workers.pids) == 1


def test_one_pool_serves_several_event_loops(workers: Workers) -> None:
    results: list[list[bool]] = []

    def loop() -> None:
        results.append(asyncio.run(workers.ask("equal", **EQUAL)))

    threads = [threading.Thread(target=loop) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    loop()
    assert results == [[True]] * 4


PROGRAM = """
import asyncio, os, sys
from sml_agents.types import Private, Task
from sml_agents.verifiers import get_verifier
from sml_agents.verifiers.workers import shared_workers

async def main():
    task = Task(id="t", family="f", prompt="p", private=Private(answer="x+1"))
    verdict = await get_verifier("math").verify(task, "The answer is $1+x$.")
    print(verdict.outcome.value, *shared_workers().pids, flush=True)

asyncio.run(main())
if sys.argv[1:]:
    os.kill(os.getpid(), int(sys.argv[1]))
"""


@pytest.mark.parametrize("end", [[], [str(int(signal.SIGKILL))], [str(int(signal.SIGTERM))], [str(int(signal.SIGINT))]])
def test_no_process_outlives_the_program(end: list[str], repository: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *end]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=repository)
    outcome, *pids = done.stdout.split()
    assert outcome == "correct" and pids
    if not end:
        assert (done.returncode, done.stderr) == (0, "")
    until = time.monotonic() + 10
    while not all(gone(int(pid)) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert all(gone(int(pid)) for pid in pids)
