"""The thread that writes what a recorder notes.

What cannot be written (a full disk) is tried again, and counted in `lost` when it had to be given up.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sml_agents.traces import Redactor, TraceStore
from sml_agents.traces.recorder.conversation import trace_of_thread
from sml_agents.traces.recorder.notes import Recorded
from sml_agents.traces.store import Batch

__all__ = ["BackgroundWriter"]

log = logging.getLogger("sml_agents.agents")

_MOST_WAITING = 1_000
"""Notes that wait to be written; beyond these the oldest are given up."""
_RETRY_SECONDS = 5.0


class BackgroundWriter:
    """Writes notes from a thread of its own, which opens the store; nothing in it raises into the host."""

    def __init__(self, store: str | Path, redactor: Redactor | None, every: float) -> None:
        self.store = store
        self.written = 0
        """Traces written, each time one is written anew counted."""
        self.lost = 0
        """Notes that had to be given up."""
        self.failure: Exception | None = None
        """Why the last write failed; None when it did not."""
        self._redactor = redactor or Redactor()
        self._every = every
        self._lock = threading.Condition()
        self._waiting: OrderedDict[int, Recorded] = OrderedDict()
        self._closing = self._busy = False
        self._thread: threading.Thread | None = None

    def put(self, note: Recorded) -> None:
        """Have `note` written soon. Returns at once."""
        with self._lock:
            if self._closing:
                return
            self._waiting[id(note)] = note
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.popitem(last=False)
                self.lost += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="trace-recorder", daemon=True)
                self._thread.start()
                atexit.register(self.close)
            self._lock.notify_all()

    def flush(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with self._lock:
            while self._waiting or self._busy:
                left = deadline - time.monotonic()
                if left <= 0 or self.failure is not None:
                    return False
                self._lock.wait(left)
        return self.failure is None

    def close(self, seconds: float = 10.0) -> None:
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        atexit.unregister(self.close)

    def failed(self, error: Exception) -> None:
        if self.failure is None:
            log.warning("a trace is not recorded: %s: %s", type(error).__name__, error)
        self.failure = error

    def _run(self) -> None:
        store: TraceStore | None = None
        pause = self._every
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._waiting or self._closing)
                self._lock.wait_for(lambda: self._closing, pause)
                if not self._waiting:
                    break
                taken, self._waiting = self._waiting, OrderedDict()
                self._busy = True
            try:
                store = store or TraceStore.open(self.store, redactor=self._redactor)
                self._write(store, list(taken.values()))
                self.failure, pause = None, self._every
            except Exception as error:
                self.failed(error)
                pause = max(self._every, _RETRY_SECONDS)
                _close(store)
                store = None
            with self._lock:
                self._busy = False
                if self.failure is not None:
                    self._waiting = OrderedDict({**taken, **self._waiting})
                    if self._closing:
                        self.lost += len(self._waiting)
                        self._waiting.clear()
                self._lock.notify_all()
        _close(store)

    def _write(self, store: TraceStore, notes: Sequence[Recorded]) -> None:
        """In their order; two of one thread in two transactions, because the second goes on from the first."""
        rows: dict[str, dict[str, Any]] = {}
        for note in notes:
            if note.thread in rows:
                self._commit(store, rows)
            try:
                trace = trace_of_thread(note, store)
            except ValueError as error:  # nothing was said in it, or nothing that can be read
                log.debug("thread %s is not recorded: %s", note.thread, error)
                continue
            if trace is not None:
                rows[note.thread] = store.done_row(trace)
        self._commit(store, rows)

    def _commit(self, store: TraceStore, rows: dict[str, dict[str, Any]]) -> None:
        if rows:
            store.write(Batch(done=list(rows.values())))
            self.written += len(rows)
            rows.clear()


def _close(store: TraceStore | None) -> None:
    try:
        if store is not None:
            store.close()
    except Exception as error:
        log.debug("closing the store failed: %s", error)
