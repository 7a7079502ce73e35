"""Records any LangChain runnable or LangGraph graph into a trace store while it runs.

    with TraceRecorder("logs.sqlite") as recorder:
        agent.invoke(given, {"callbacks": [recorder], "configurable": {"thread_id": "7"}})

One trace a thread (a run without a thread is one of its own), written after every model call and at the end of every
run, so that a killed process leaves what was said until then. What a graph paused with and what it was resumed with are
turns, like any question and answer. Secrets are taken out as for any other trace.

The host never waits and never sees an error: the callbacks only note what they were given, and a thread of the
recorder's own reads, redacts and writes it (`traces.recorder.background`). Not promised: the last moments before the
process is killed, and messages that the host changes in place after it has handed them over.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec
from uuid import UUID

from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langgraph.callbacks import GraphCallbackHandler, GraphInterruptEvent
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from sml_agents.traces import Redactor
from sml_agents.traces.importers.checkpoints import messages_in
from sml_agents.traces.recorder.background import BackgroundWriter
from sml_agents.traces.recorder.recording import Recorded

__all__ = ["TraceRecorder"]

P = ParamSpec("P")

_MOST_RUNS = 100_000


def _safe(callback: Callable[P, None]) -> Callable[P, None]:
    """Nothing that goes wrong in a callback reaches the host."""

    @functools.wraps(callback)
    def quiet(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception as error:
            recorder: Any = args[0]
            recorder.writer.failed(error)

    return quiet


class TraceRecorder(GraphCallbackHandler):
    """A callback handler that records what it sees; see the module.

    Args:
        store: path or URL of the trace store, made when missing.
        redactor: takes out secrets; None takes the default one. `Redactor(personal=True, hook=...)` takes out more.
        every: seconds between writes; what happens meanwhile is one transaction.
    """

    run_inline = True  # in asyncio, too: handing a call to an executor costs more than the call
    raise_error = False

    def __init__(self, store: str | Path, *, redactor: Redactor | None = None, every: float = 0.5) -> None:
        self.writer = BackgroundWriter(store, redactor, every)
        """Says how it went: `written`, `lost`, `failure`."""
        self._lock = threading.Lock()
        self._notes: dict[str, Recorded] = {}
        """Of the threads that run now."""
        self._runs: OrderedDict[UUID, tuple[Recorded, bool]] = OrderedDict()
        """Running now: what they belong to, and whether they are outermost."""

    def flush(self, seconds: float = 10.0) -> bool:
        """Wait until all that was seen is written; False when that fails, or takes longer than `seconds`."""
        return self.writer.flush(seconds)

    def close(self) -> None:
        """Write what waits, let go of the store, and record nothing more. Never raises."""
        self.writer.close()

    def __enter__(self) -> TraceRecorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @_safe
    def on_chain_start(
        self,
        serialized: dict[str, Any] | None,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **more: Any,
    ) -> None:
        note = self._begin(run_id, parent_run_id, more.get("metadata"))
        if parent_run_id is None and isinstance(inputs, Command) and inputs.resume is not None:
            note.resumed(inputs.resume)

    @_safe
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        note = self._end(run_id)
        if note is not None:
            note.ended(messages_in(outputs))
            self.writer.put(note)

    @_safe
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        note = self._end(run_id)
        if note is not None:
            if not isinstance(error, GraphBubbleUp):
                note.error = f"{type(error).__name__}: {error}"
            self.writer.put(note)

    @_safe
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **more: Any,
    ) -> None:
        self._begin(run_id, parent_run_id, more.get("metadata")).asked(run_id, messages[0] if messages else [])

    @_safe
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        known = self._runs.get(run_id)
        message = _message(response)
        if known is not None and message is not None:
            known[0].answered(run_id, message)
            self.writer.put(known[0])
        self._end(run_id)

    @_safe
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        known = self._runs.get(run_id)
        if known is not None:
            known[0].failed(run_id)
        note = self._end(run_id)
        if note is not None:
            note.error = f"{type(error).__name__}: {error}"
            self.writer.put(note)

    @_safe
    def on_tool_start(
        self, serialized: Any, input_str: str, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any
    ) -> None:
        self._begin(run_id, parent_run_id, more.get("metadata"))

    @_safe
    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        self._end(run_id)

    @_safe
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        self._end(run_id)

    @_safe
    def on_interrupt(self, event: GraphInterruptEvent) -> None:
        known = self._runs.get(event.run_id) if event.run_id is not None else None
        if known is not None:
            for one in event.interrupts:
                known[0].paused(one.id, one.value)
            self.writer.put(known[0])

    def _begin(self, run_id: UUID, parent: UUID | None, metadata: dict[str, Any] | None) -> Recorded:
        with self._lock:
            known = self._runs.get(parent) if parent is not None else None
            if known is not None:
                note = known[0]
            else:
                thread = str((metadata or {}).get("thread_id") or run_id)
                note = self._notes.setdefault(thread, Recorded(thread))
                note.running += 1
            self._runs[run_id] = note, known is None
            if len(self._runs) > _MOST_RUNS:  # runs whose end nobody told
                self._runs.popitem(last=False)
            return note

    def _end(self, run_id: UUID) -> Recorded | None:
        """Forget a run; if it was an outermost one, what was noted of it."""
        with self._lock:
            note, outermost = self._runs.pop(run_id, (None, False))
            if note is None or not outermost:
                return None
            note.running -= 1
            if not note.running:
                self._notes.pop(note.thread, None)
            return note


def _message(response: LLMResult) -> Any:
    if not response.generations or not response.generations[0]:
        return None
    return getattr(response.generations[0][0], "message", None)
