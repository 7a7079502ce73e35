"""What a recorder notes of a thread, the trace that it makes of it, and the thread that writes it.

What cannot be written (a full disk) is tried again, and counted in `lost` when it had to be given up.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sml_agents.errors import InputError
from sml_agents.traces import Redactor, TraceStore
from sml_agents.traces.importers.calls import ModelCall, conversations
from sml_agents.traces.importers.checkpoints import plain_message, said_by_interrupt
from sml_agents.traces.importers.messages import Said, read_messages
from sml_agents.traces.importers.record import trace_of
from sml_agents.traces.store import Batch
from sml_agents.types import Role, StopReason, Trace, Usage, stable_hash

__all__ = ["Aside", "BackgroundWriter", "Recorded", "trace_of_thread"]

FORMAT = "recorded"

log = logging.getLogger("sml_agents.agents")

_MOST_WAITING = 1_000
"""Notes that wait to be written; beyond these the oldest are given up."""
_RETRY_SECONDS = 5.0


_LAST, _WITH_QUESTION = -2, -1


class Aside(NamedTuple):
    """What was said outside the messages: a pause of the graph, or what it was resumed with."""

    after: int
    """Messages, system messages apart, that stood before it."""
    speaker: str
    value: Any


@dataclass
class Recorded:
    """Notes of one thread. Messages are kept as they were given and read when they are written."""

    thread: str
    calls: list[tuple[list[Any], Any]] = field(default_factory=list)
    """What each model call was given, and what it answered."""
    state: list[Any] | None = None
    """The messages that the graph ended with."""
    asides: list[Aside] = field(default_factory=list)
    error: str = ""
    running: int = 0
    """Outermost runs of the thread that have not ended."""
    base: Trace | None = None
    """What the store held of the thread when this was first written."""
    based: bool = False
    _open: dict[UUID, list[Any]] = field(default_factory=dict)
    _pauses: set[str] = field(default_factory=set)

    def asked(self, run_id: UUID, messages: list[Any]) -> None:
        self._open[run_id] = list(messages)

    def answered(self, run_id: UUID, message: Any) -> None:
        given = self._open.pop(run_id, None)
        if given is not None:
            self.calls.append((given, message))
            self.state, self.error = None, ""

    def failed(self, run_id: UUID) -> None:
        """A model call that will not be answered: what it was given was said all the same."""
        given = self._open.pop(run_id, None)
        if given is not None:
            self.calls.append((given, None))
            self.state = None

    def ended(self, messages: list[Any] | None) -> None:
        if messages:
            self.state, self.error = messages, ""
        # Only now is it known which messages stand before a pause.
        self.asides = [one if one.after != _LAST else one._replace(after=self.length) for one in self.asides]

    def paused(self, id: str, value: Any) -> None:
        if id not in self._pauses:
            self._pauses.add(id)
            self.asides.append(Aside(_LAST, "assistant", value))

    def resumed(self, value: Any) -> None:
        self.asides.append(Aside(_WITH_QUESTION, "user", value))

    @property
    def length(self) -> int:
        """Messages so far, system messages apart."""
        if self.state is not None:
            return _count(self.state)
        return _count(self.calls[-1][0]) + 1 if self.calls else 0


def trace_of_thread(note: Recorded, store: TraceStore, redact: Redactor) -> Trace | None:
    """The trace of a thread, after what earlier runs left of it; None when nothing was said yet.

    An agent that carries its history gives all of it again; what one without history says comes after what is there.
    `redact` is the store's: what is there was redacted. Raises ValueError when its messages cannot be read.
    """
    if not note.based:
        note.base, note.based = _stored(note.thread, store), True
    calls = [
        ModelCall(
            note.thread, f"{number:09}", _read(given), _read([answer] if answer else []), "", usage=_usage(answer)
        )
        for number, (given, answer) in enumerate(list(note.calls))
    ]
    if note.state is not None:
        calls.append(ModelCall(note.thread, f"{len(calls):09}", _read(note.state), [], ""))
    found = next(conversations(calls), None)
    base = note.base
    if found is None:
        if base is None or not note.error:
            return None
        return base.model_copy(update={"stop": StopReason.FAILED, "error": note.error})
    kept = [Aside(*one) for one in (base.tags.get("asides", ()) if base is not None else ())]
    asides = [*kept, *_placed(note.asides, kept, redact)]
    found.said = _spliced(list(found.said), asides)
    found.key, found.source, found.error = note.thread, note.thread, note.error
    trace = trace_of(found, FORMAT)
    if base is not None and base.task.prompt != redact(trace.task.prompt) and trace.turns[0].role is Role.TEACHER:
        trace = trace.model_copy(update={"task": base.task, "turns": (*base.turns, *trace.turns)})
    if not asides:
        return trace
    words = [[one.after, one.speaker, said_by_interrupt(one.value)] for one in asides]
    return trace.model_copy(update={"tags": {**trace.tags, "asides": words}})


def _placed(asides: list[Aside], kept: list[Aside], redact: Redactor) -> list[Aside]:
    """Answers stand where their question does; those that an earlier process kept are left out."""
    placed: list[Aside] = []
    known = {(one.after, one.speaker, said_by_interrupt(one.value)) for one in kept}
    for one in asides:
        before = [*kept, *placed]
        after = one.after
        if after == _WITH_QUESTION:
            after = before[-1].after if before else 0
        if (after, one.speaker, redact(said_by_interrupt(one.value))) not in known:
            placed.append(Aside(after, one.speaker, one.value))
    return placed


def _spliced(said: list[Said], asides: list[Aside]) -> list[Said]:
    """`said` with the asides in their places, those left out that stand there as messages already."""
    texts = {(one.speaker, one.text.strip()) for one in said}
    places = [at for at, one in enumerate(said) if one.speaker != "system"]
    for one in reversed(asides):
        text = said_by_interrupt(one.value)
        if not text or (one.speaker, text.strip()) in texts:
            continue
        at = places[one.after] if 0 <= one.after < len(places) else len(said)
        said.insert(at, Said("user" if one.speaker == "user" else "assistant", text))
    return said


def _stored(thread: str, store: TraceStore) -> Trace | None:
    try:
        return store.get(stable_hash("log", FORMAT, thread))
    except InputError:
        return None


def _read(messages: list[Any]) -> list[Said]:
    return read_messages([plain_message(message) for message in messages])


def _count(messages: list[Any]) -> int:
    return sum(getattr(message, "type", None) != "system" for message in messages)


def _usage(message: Any) -> Usage | None:
    told = getattr(message, "usage_metadata", None)
    if not isinstance(told, dict):
        return None
    return Usage(prompt_tokens=told.get("input_tokens", 0), completion_tokens=told.get("output_tokens", 0))


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
                trace = trace_of_thread(note, store, self._redactor)
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
