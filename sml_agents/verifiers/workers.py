"""Killable worker processes for algebra.

`Workers.ask(job, ...)` runs one job in a warm child process, which ends when the job has had its processor time: no
thread is left running, no signal handler is used, and a worker that died or was killed is replaced. Processor time, so
that a verdict does not depend on how busy the machine is. Works from any number of event loops: the waiting is done by
one plain thread per worker, each wait bounded by a multiple of the deadline.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sml_agents.errors import VerifierError

__all__ = ["WorkerTimeout", "Workers", "shared_workers"]

_SCRIPT = Path(__file__).with_name("worker.py")
_START = 60.0
"""Seconds that a new worker has to start and load its libraries, even on a busy machine."""
_PATIENCE = 10.0
"""How long a job is waited for, as a multiple of the processor time that it may take."""
_OUT_OF_TIME = -getattr(signal, "SIGPROF", 0)
"""How a worker has ended that used up its processor time; where there is no such signal, only patience counts."""


class WorkerTimeout(VerifierError):
    """A job did not finish before its deadline; its worker was killed."""


class _WorkerDied(VerifierError):
    pass


class _Worker:
    """One child process and the pipes to it. Used by one thread at a time."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.process = self._spawn()
        self.ready = False
        self.received = b""

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {
            name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ
        }
        times = str(self.deadline), str(self.deadline * _PATIENCE)
        command = [sys.executable, "-I", "-B", str(_SCRIPT), json.dumps(sys.path), *times]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the parent
        )

    def ask(self, request: dict[str, Any]) -> Any:
        """The result of one job. Raises WorkerTimeout or VerifierError; the worker is dead after a WorkerTimeout."""
        self.start()
        reply = self._exchange(request, self.deadline * _PATIENCE)
        if "error" in reply:
            raise VerifierError(f"The comparison failed: {reply['error']}.")
        return reply["result"]

    def start(self) -> None:
        """Waits until the process has loaded its libraries."""
        if not self.ready:
            self._exchange({"job": "ready"}, _START)
            self.ready = True

    def _exchange(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        pipe_in, pipe_out = self.process.stdin, self.process.stdout
        if pipe_in is None or pipe_out is None:
            raise VerifierError("The verifier's worker has no pipes.")
        until = time.monotonic() + seconds
        try:
            pipe_in.write(json.dumps(request).encode() + b"\n")
            pipe_in.flush()
            while b"\n" not in self.received:
                if not _readable(pipe_out.fileno(), until - time.monotonic()):
                    self.kill()
                    raise WorkerTimeout(f"The comparison was waited for for {seconds:g} seconds.")
                piece = os.read(pipe_out.fileno(), 1 << 16)
                if not piece:
                    raise BrokenPipeError
                self.received += piece
        except OSError as error:
            self.kill()
            if self.process.returncode == _OUT_OF_TIME:
                took = f"The comparison took more than {self.deadline:g} seconds of processor time."
                raise WorkerTimeout(took) from error
            raise _WorkerDied("The verifier's worker died over the comparison.") from error
        line, _, self.received = self.received.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """Ends the process and gives back its pipes; may be called again."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _readable(descriptor: int, seconds: float) -> bool:
    if seconds <= 0:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(seconds))


class Workers:
    """At most `count` warm workers; the jobs of any number of callers queue for them.

    `deadline` is the seconds of processor time that a job may take. Workers start at the first job.
    """

    def __init__(self, count: int = 2, *, deadline: float = 3.0) -> None:
        self.deadline = deadline
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="sml-verifier")
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._process = os.getpid()
        atexit.register(self.close)

    async def ask(self, job: str, **request: Any) -> Any:
        """The result of one job. Raises WorkerTimeout when it takes too long, VerifierError when it fails.

        A caller that is cancelled does not leave its job running: the worker is killed and replaced.
        """
        at_work: list[_Worker] = []
        left = threading.Event()
        try:
            waiting = self._threads.submit(self._run, {"job": job, **request}, at_work, left)
        except RuntimeError as error:
            raise VerifierError("The verifier's workers are closed.") from error
        try:
            return await asyncio.wrap_future(waiting)
        except asyncio.CancelledError:
            left.set()
            for worker in list(at_work):
                worker.process.kill()
            raise

    def _run(self, request: dict[str, Any], at_work: list[_Worker], left: threading.Event) -> Any:
        try:
            return self._ask_worker(request, at_work)
        except _WorkerDied:
            if left.is_set():  # killed because nobody waits any more: the job must not start again
                raise
            return self._ask_worker(request, at_work)  # it died of something else, it may be: a full memory

    def _ask_worker(self, request: dict[str, Any], at_work: list[_Worker]) -> Any:
        worker = self._take()
        at_work.append(worker)
        try:
            return worker.ask(request)
        finally:
            at_work.clear()
            self._give_back(worker)

    def _take(self) -> _Worker:
        with self._lock:
            if self._closed.is_set():
                raise VerifierError("The verifier's workers are closed.")
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                self._drop(worker)
        worker = _Worker(self.deadline)
        with self._lock:
            self._all.add(worker)
            if self._closed.is_set():
                self._drop(worker)
        return worker

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            if worker.alive and not self._closed.is_set():
                self._idle.append(worker)
                return
            self._drop(worker)
            if not self._closed.is_set():
                with contextlib.suppress(RuntimeError):  # the interpreter is going down
                    self._threads.submit(self._warm)

    def _warm(self) -> None:
        """Replaces a worker that was killed, so that the next job need not wait for a start."""
        with contextlib.suppress(VerifierError):
            worker = self._take()
            try:
                worker.start()
            finally:
                self._give_back(worker)

    def _drop(self, worker: _Worker) -> None:
        worker.kill()
        self._all.discard(worker)

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are alive."""
        with self._lock:
            return [worker.process.pid for worker in self._all if worker.alive]

    def close(self) -> None:
        """Kills all workers; may be called again. Called at exit."""
        self._closed.set()
        atexit.unregister(self.close)
        if os.getpid() != self._process:
            return  # a forked child must not end its parent's workers
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for worker in self._all:
                worker.kill()
            self._all.clear()


_shared: dict[tuple[int, float], Workers] = {}


def shared_workers(deadline: float = 3.0) -> Workers:
    """The process's own workers with this deadline: two, shared by all verifiers; a forked child gets its own."""
    key = (os.getpid(), deadline)
    if key not in _shared:
        _shared[key] = Workers(deadline=deadline)
    return _shared[key]
