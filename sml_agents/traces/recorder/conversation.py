"""The conversation of a thread as it grows, put together from what was noted.

A graph's own state says what belongs to the conversation: what its nodes are given and leave behind is read in the
order of time, a message once. So drafts that a middleware threw away, the calls of deciders and summarisers and the
summaries themselves are no part of it, and what a summary replaced stays. Where there is no such state (a chain, a
chat model alone) the conversation is put together from the model calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage

from sml_agents.errors import InputError
from sml_agents.traces import TraceStore
from sml_agents.traces.importers.calls import ModelCall, conversations
from sml_agents.traces.importers.parts import Call, Result, Said, text_of
from sml_agents.traces.importers.record import Log, trace_of
from sml_agents.traces.recorder.notes import Recorded, Seen
from sml_agents.traces.recorder.reading import (
    goes_on,
    holds,
    jsonable,
    keys_of,
    messages_in,
    name_of,
    once,
    read,
    said_in,
    schema_of,
    tells,
)
from sml_agents.traces.recorder.words import Decided, asked_words, decisions
from sml_agents.types import StopReason, Trace, Usage, stable_hash

__all__ = ["Conversation", "trace_of_thread"]

FORMAT = "recorded"


def trace_of_thread(note: Recorded, store: TraceStore) -> Trace | None:
    """The trace of a thread, after what earlier runs left of it; None when nothing was said yet.

    Raises ValueError when its messages cannot be read.
    """
    log = note.log = note.log or Conversation(_stored(note.thread, store), note.thread)
    while note.seen:
        log.take(note.seen.popleft())
    return log.trace(note)


@dataclass(eq=False)
class Entry:
    """One message of the conversation, or a pause's question or answer."""

    said: Said
    id: str = ""
    nested: bool = False
    """Seen in the state of a graph inside a node only: the agent's once the agent's own state holds it."""
    echo: bool = False
    """Said outside the messages; the graph may yet write it into them."""


class Conversation:
    """The conversation of a thread as it grows."""

    def __init__(self, base: Trace | None, thread: str) -> None:
        self.thread = thread
        self.base = base
        tags = dict(base.tags) if base is not None else {}
        kept = tags.get("recorder")
        kept = kept if isinstance(kept, dict) else {}
        self.last_id = str(kept.get("last_id") or "")
        self.pauses: dict[str, Any] = dict(kept.get("waiting") or {})
        self.reviews: list[dict[str, Any]] = list(tags.get("reviews") or ())
        self.entries = [Entry(one) for one in said_in(base)] if base is not None else []
        if self.entries and any(holds(self.entries[-1].said.text, asked_words(one)) for one in self.pauses.values()):
            self.entries[-1].echo = True
        self.known = {str(id): Entry(Said("system")) for id in kept.get("told") or ()}
        self.system = base.system if base is not None else ""
        self.tools: dict[str, dict[str, Any]] = {name_of(tool): tool for tool in (base.tools if base else ())}
        self.calls: list[tuple[list[Any], Any]] = []
        self.answered: dict[str, tuple[list[Any], Any]] = {}
        self.usage = [0, 0]
        self.has_state = False
        self.fresh = True
        """Nothing of the present run was seen yet."""

    def take(self, one: Seen) -> None:
        match one.kind:
            case "began":
                self.fresh = True
                if not one.more:  # the person wrote anew: nothing that was said before will be said again
                    for entry in self.entries:
                        entry.echo = False
            case "state" | "update":
                self._state(one.value, nested=bool(one.more), whole=one.kind == "state")
                if one.kind == "update" and not one.more:  # what the node kept to itself was not the agent's
                    self.entries = [entry for entry in self.entries if not entry.nested]
            case "model":
                self._model(*one.value)
            case "tool":
                self._result(str(one.value), one.more)
            case "paused":
                self._paused(str(one.value), one.more)
            case "resumed":
                self._resumed(one.value)

    # --- what the graph's state tells ---------------------------------------------------------------------------

    def _state(self, given: list[Any], *, nested: bool, whole: bool) -> None:
        messages = [message for message in messages_in(given) if message.type != "remove"]
        if not whole:  # those without an id get one when the state takes them up, and are seen there
            messages = [message for message in messages if message.id]
        if not messages:
            return
        self.has_state = self.has_state or not nested
        keys = keys_of(messages)
        if self.fresh and whole and not nested:
            self.fresh = False
            self._recognise(messages, keys)
        for message, key in zip(messages, keys, strict=True):
            known = self.known.get(key)
            if known is not None:
                if known.nested and not nested:
                    known.nested = False
                    self.entries += [] if known in self.entries else [known]
                continue
            if message.type == "system":
                self.system = text_of(message.content) or self.system
                continue
            if message.type == "human" and (nested or isinstance(message.additional_kwargs.get("lc_source"), str)):
                continue  # what another agent is told; a summary, or news from the agent's harness
            (said,) = read([message])
            entry = self._echoed(said)
            if entry is None:
                entry = Entry(said, nested=nested)
                self.entries.append(entry)
            entry.echo, entry.id = False, key
            self.known[key] = entry
            if not nested:
                self.last_id = key
            if key in self.answered:
                self._adopt(*self.answered.pop(key))

    def _recognise(self, messages: list[BaseMessage], keys: list[str]) -> None:
        """Find in the first state of a run what an earlier run told already, under other ids or none."""
        if self.last_id in keys:
            for key in keys[: keys.index(self.last_id) + 1]:
                self.known.setdefault(key, Entry(Said("system")))
        if not self.entries or any(key in self.known for key in keys):
            return
        for key in keys[: self._told(read(messages))]:
            self.known[key] = Entry(Said("system"))

    def _told(self, messages: list[Said]) -> int:
        """How many of a run's first messages only repeat the conversation so far; 0 when they carry no history."""
        spoken = [one for one in self.entries if one.said.text.strip() or one.said.calls]
        at, found = -1, 0
        for said in messages:
            if said.speaker in ("user", "assistant"):
                begin = at if said.speaker == "assistant" and at >= 0 else at + 1  # several messages, one turn
                there = next((k for k in range(begin, len(spoken)) if tells(spoken[k].said, said)), None)
                if there is None:
                    break
                at = there
            found += 1
        return found if 0 <= at == len(spoken) - 1 else 0

    def _echoed(self, said: Said) -> Entry | None:
        """The pause's question or answer that the graph now writes into its messages."""
        if said.calls or said.speaker not in ("user", "assistant"):
            return None
        for entry in reversed(self.entries):
            same = entry.echo and entry.said.speaker == said.speaker
            if same and (holds(said.text, entry.said.text) or holds(entry.said.text, said.text)):
                return entry
            if not entry.echo and entry.said.speaker == "assistant" and entry.said.text.strip():
                return None
        return None

    # --- pauses, decisions, results -----------------------------------------------------------------------------

    def _paused(self, id: str, value: Any) -> None:
        if id in self.pauses:
            return
        self.pauses[id] = jsonable(value)
        words = asked_words(value)
        if not words:
            return
        for entry in reversed(self.entries):
            if entry.said.speaker == "user":
                break
            if entry.said.speaker == "assistant" and holds(entry.said.text, words):
                return  # the message that asks stands there already
        self.entries.append(Entry(Said("assistant", words), echo=True))

    def _resumed(self, value: Any) -> None:
        said: list[str] = []
        for one in decisions(value, self.pauses):
            self._reviewed(one)
            if one.words:
                said.append(one.words)
        self.pauses.clear()
        if said:
            self.entries.append(Entry(Said("user", "\n".join(said)), echo=True))

    def _reviewed(self, one: Decided) -> None:
        request = one.request
        if request is None or one.decision is None or request.asks:
            return
        call = self._call_of(request.call, request.name, request.args)
        review: dict[str, Any] = {"call": call.id if call else request.call, "name": request.name}
        review |= {"decision": one.decision, "proposed": jsonable(request.args)}
        if one.words:
            review["words"] = one.words
        self.reviews.append(review)
        if one.decision == "edit" and call is not None:  # what ran is what the reviewer wrote
            call.name, call.arguments = one.name or call.name, dict(one.args or {})

    def _call_of(self, id: str, name: str, args: Mapping[str, Any]) -> Call | None:
        """The call that a reviewer decided on: by id, else the first of these arguments that still waits."""
        calls = [call for entry in self.entries for call in entry.said.calls]
        if id:
            return next((call for call in calls if call.id == id), None)
        done = {result.id for entry in self.entries for result in entry.said.results}
        done |= {str(review.get("call")) for review in self.reviews}
        alike = [call for call in calls if call.name == name and jsonable(call.arguments) == jsonable(args)]
        waiting = [call for call in alike if not call.id or call.id not in done]
        return next(iter(waiting), alike[-1] if alike else None)

    def _result(self, id: str, output: Any) -> None:
        """What a tool returned, before a middleware adds its own words to it."""
        content = getattr(output, "content", None)
        if not id or content is None:
            return
        (said,) = read([output])
        if any(call.id == id for entry in self.entries for call in entry.said.calls):
            results = [Result(id, one.text) for one in said.results]
            self.entries.append(Entry(Said("tool", results=results)))

    # --- model calls --------------------------------------------------------------------------------------------

    def _model(self, given: list[Any], message: Any, tools: Any) -> None:
        told = getattr(message, "usage_metadata", None) or {}
        self.usage[0] += told.get("input_tokens", 0)
        self.usage[1] += told.get("output_tokens", 0)
        key = str(getattr(message, "id", None) or "")
        if key in self.known:
            self._adopt(given, tools)
        elif key:
            self.answered[key] = given, tools
        if not self.has_state:
            self._add_call(given, message)

    def _adopt(self, given: list[Any], tools: Any) -> None:
        """Take system prompt and tools from a call that became the agent's own message."""
        for message in given:
            if getattr(message, "type", "") == "system":
                self.system = text_of(message.content)
                break
        for tool in tools if isinstance(tools, list | tuple) else ():
            if (schema := schema_of(tool)) is not None:
                self.tools[name_of(schema)] = schema

    def _add_call(self, given: list[Any], message: Any) -> None:
        """Note a call, in place of an earlier one that it goes on from: its history holds that one's words."""
        for at in range(len(self.calls) - 1, max(-1, len(self.calls) - 5), -1):
            if goes_on(self.calls[at][0], given):
                self.calls[at] = given, message
                return
        self.calls.append((given, message))

    # --- the trace ----------------------------------------------------------------------------------------------

    def trace(self, note: Recorded) -> Trace | None:
        base = self.base
        entries = self.entries
        if not self.has_state:
            if note.parent:
                return None  # a tool that asks a model something is no agent
            entries = [*entries, *self._from_calls()]
        said = once([entry.said for entry in entries if not entry.nested or note.running or self.pauses])
        if not said:
            return None
        used = [int((base.tags.get("usage") or {}).get(name, 0)) if base else 0 for name in Usage.model_fields]
        used = [before + now for before, now in zip(used, self.usage, strict=True)]
        log = Log(note.thread, said, note.thread, source=note.thread, error=note.error)
        if any(used):
            log.usage = Usage(prompt_tokens=used[0], completion_tokens=used[1])
        trace = trace_of(log, FORMAT)
        meta = dict(trace.task.meta)
        system = self.system or str(meta.get("system") or "")
        if system:
            meta["system"] = system
        return trace.model_copy(
            update={
                "task": trace.task.model_copy(update={"meta": meta}),
                "system": system,
                "tools": tuple(self.tools.values()),
                "stop": StopReason.FAILED if note.error else StopReason.RECORDED,
                "tags": {**trace.tags, **self._tags(note)},
            }
        )

    def _tags(self, note: Recorded) -> dict[str, Any]:
        before = self.base.tags if self.base is not None else {}
        tags: dict[str, Any] = {"started": before.get("started") or note.started, "ended": note.ended}
        if about := {**(before.get("run") or {}), **note.about}:
            tags["run"] = jsonable(about)
        if note.parent:
            tags["parent"] = {"thread": note.parent, "call": note.call}
        if self.reviews:
            tags["reviews"] = self.reviews
        nested = [entry.id for entry in self.entries if entry.nested] if self.pauses else []
        kept = {"last_id": self.last_id, "waiting": self.pauses, "told": nested}
        tags["recorder"] = {name: value for name, value in kept.items() if value}
        return tags

    def _from_calls(self) -> list[Entry]:
        calls = [
            ModelCall(self.thread, f"{number:09}", read(given), read([answer] if answer is not None else []), "")
            for number, (given, answer) in enumerate(self.calls)
        ]
        for given, _ in self.calls:
            self._adopt(given, ())
        for tools in (tools for _, tools in self.answered.values()):
            self._adopt([], tools)
        found = next(conversations(calls), None)
        said = [one for one in (found.said if found is not None else ()) if one.speaker != "system"]
        return [Entry(one) for one in said[self._told(said) :]]


def _stored(thread: str, store: TraceStore) -> Trace | None:
    try:
        return store.get(stable_hash("log", FORMAT, thread))
    except InputError:
        return None
