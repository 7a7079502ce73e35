"""Records any LangChain runnable or LangGraph graph into a trace store while it runs.

    with TraceRecorder("logs.sqlite") as recorder:
        agent.invoke(given, {"callbacks": [recorder], "configurable": {"thread_id": "7"}})

One trace a thread (a run without a thread is one of its own), written after every model call and every node of a graph,
so that a killed process leaves what was said until then. What a graph paused with and what it was resumed with are
turns, like any question and answer; what a reviewer decided about a tool call is in `tags["reviews"]`. The trace holds
the system prompt and the tools that the agent's own model was given, and in its tags times, the tags and the metadata
of the run. Secrets are taken out as for any other trace.

Model calls that middlewares make for themselves (summaries, deciders; marked by `nostream`, `lc_source` or
`lc_internal_call`) are no part of the conversation. An agent that runs inside a tool has a trace of its own, with
`tags["parent"]`.

The host never waits and never sees an error: the callbacks only note what they were given, and a thread of the
recorder's own reads, redacts and writes it (`traces.recorder.background`). Not promised: the last moments before the
process is killed, and messages that the host changes in place after it has handed them over.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, ParamSpec
from uuid import UUID

from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from langgraph.callbacks import GraphCallbackHandler, GraphInterruptEvent
from langgraph.constants import TAG_NOSTREAM
from langgraph.errors import GraphBubbleUp
from langgraph.types import Command

from sml_agents.traces import Redactor
from sml_agents.traces.importers.about import own_metadata, own_tags
from sml_agents.traces.importers.checkpoints import messages_in
from sml_agents.traces.recorder.background import BackgroundWriter
from sml_agents.traces.recorder.notes import Recorded

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
        self._runs: OrderedDict[UUID, _Run] = OrderedDict()
        """Running now."""

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
        run = self._begin(run_id, parent_run_id, more)
        if run.outermost:
            resumed = isinstance(inputs, Command) and inputs.resume is not None
            run.note.note("began", None, resumed)
            if resumed:
                run.note.note("resumed", inputs.resume)
        if run.is_node:
            self._state(run, "state", inputs)

    @_safe
    def on_chain_end(self, outputs: Any, *, run_id: UUID, **_: Any) -> None:
        run = self._end(run_id)
        if run is None:
            return
        if run.is_node or run.is_graph:
            self._state(run, "update" if run.is_node else "state", outputs)
        if run.outermost:
            run.note.error = ""
        if run.outermost or run.is_node:
            self.writer.put(run.note)

    @_safe
    def on_chain_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        run = self._end(run_id)
        if run is not None and run.outermost:
            self._failed(run, error)

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
        run = self._begin(run_id, parent_run_id, more)
        if not run.internal:
            tools = (more.get("invocation_params") or {}).get("tools")
            run.note.given[run_id] = list(messages[0]) if messages else [], tools

    @_safe
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        run = self._end(run_id)
        if run is None:
            return
        given, message = run.note.given.pop(run_id, None), _message(response)
        if given is not None and message is not None:
            run.note.note("model", (given[0], message, given[1]))
            self.writer.put(run.note)

    @_safe
    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        run = self._end(run_id)
        if run is None:
            return
        given = run.note.given.pop(run_id, None)
        if given is not None:  # it will not be answered; what it was given was said all the same
            run.note.note("model", (given[0], None, given[1]))
        if run.outermost:
            self._failed(run, error)

    @_safe
    def on_tool_start(
        self, serialized: Any, input_str: str, *, run_id: UUID, parent_run_id: UUID | None = None, **more: Any
    ) -> None:
        self._begin(run_id, parent_run_id, more, tool=str(more.get("tool_call_id") or run_id))

    @_safe
    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        run = self._end(run_id)
        if run is not None:
            run.note.note("tool", run.tool, output)
            self._agent_ended(run)

    @_safe
    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        run = self._end(run_id)
        if run is not None:
            self._agent_ended(run)

    @_safe
    def on_interrupt(self, event: GraphInterruptEvent) -> None:
        run = self._runs.get(event.run_id) if event.run_id is not None else None
        if run is not None and not run.note.parent:  # the outermost graph pauses, too, with the same
            for one in event.interrupts:
                run.note.note("paused", one.id, one.value)
            self.writer.put(run.note)

    def _state(self, run: _Run, kind: Literal["state", "update"], values: Any) -> None:
        nested = run.depth > 1 or (run.depth == 1 and not run.is_node)
        messages = messages_of(values)
        if messages or (kind == "update" and not nested):
            run.note.note(kind, messages or [], nested)

    def _failed(self, run: _Run, error: BaseException) -> None:
        if not isinstance(error, GraphBubbleUp):
            run.note.error = f"{type(error).__name__}: {error}"
        self.writer.put(run.note)

    def _agent_ended(self, run: _Run) -> None:
        """The agent in a tool has ended with the tool."""
        if run.inner is not None:
            run.inner.running -= 1
            self.writer.put(run.inner)

    def _begin(self, run_id: UUID, parent: UUID | None, more: dict[str, Any], tool: str = "") -> _Run:
        metadata = more.get("metadata") or {}
        tags = more.get("tags") or ()
        node = any(tag.startswith(_NODE_TAG) for tag in tags)
        with self._lock:
            above = self._runs.get(parent) if parent is not None else None
            if above is None:
                thread = str(metadata.get("thread_id") or run_id)
                note = self._notes.setdefault(thread, Recorded(thread))
                note.running += 1
                note.about = _about(more.get("name"), tags, metadata) or note.about
                run = _Run(note, outermost=True)
            elif above.tool:
                if above.inner is None:
                    outer = above.note
                    above.inner = Recorded(f"{outer.thread}#{above.tool}", parent=outer.thread, call=above.tool)
                    above.inner.running = 1
                    above.inner.about = _about(more.get("name"), (), {})
                run = _Run(above.inner)
            else:
                run = _Run(above.note, depth=above.depth, internal=above.internal)
                if node:
                    above.is_graph = run.is_node = True
                    run.depth += 1
            run.tool = tool
            run.internal = run.internal or _is_internal(tags, metadata)
            self._runs[run_id] = run
            if len(self._runs) > _MOST_RUNS:  # runs whose end nobody told
                self._runs.popitem(last=False)
            return run

    def _end(self, run_id: UUID) -> _Run | None:
        with self._lock:
            run = self._runs.pop(run_id, None)
            if run is not None and run.outermost:
                run.note.running -= 1
                if not run.note.running:
                    self._notes.pop(run.note.thread, None)
            return run


@dataclass(slots=True)
class _Run:
    """A run that has not ended."""

    note: Recorded
    outermost: bool = False
    depth: int = 0
    """Nodes of graphs that it is in, itself included; those outside a tool that runs an agent do not count."""
    is_node: bool = False
    is_graph: bool = False
    internal: bool = False
    """A model call of a middleware or decider: no part of the conversation."""
    tool: str = ""
    """Of a tool's run: the id of the call."""
    inner: Recorded | None = None
    """Of a tool's run: what the agent in it does."""


_NODE_TAG = "graph:step:"
"""By this LangGraph marks the run of a node."""
_INTERNAL = ("lc_source", "lc_internal_call")


def _is_internal(tags: Sequence[str], metadata: Mapping[str, Any]) -> bool:
    return TAG_NOSTREAM in tags or any(metadata.get(name) for name in _INTERNAL)


def _about(name: Any, tags: Sequence[str], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller said about a run; what the framework adds is left out."""
    about = {"name": name, "tags": own_tags(tags), "metadata": own_metadata(metadata)}
    return {key: value for key, value in about.items() if value}


def messages_of(values: Any) -> list[Any] | None:
    """The messages in a graph's state, or in what a node gives back for it."""
    if isinstance(values, Command):
        return messages_of(values.update)
    if isinstance(values, list | tuple):
        found = [one for value in values for one in messages_of(value) or ()]
        return found or None
    if values is not None and not isinstance(values, Mapping) and hasattr(values, "messages"):
        values = {"messages": values.messages}
    return messages_in(values)


def _message(response: LLMResult) -> Any:
    if not response.generations or not response.generations[0]:
        return None
    return getattr(response.generations[0][0], "message", None)
