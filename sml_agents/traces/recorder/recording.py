"""What a recorder notes of a thread, and the trace that it makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sml_agents.errors import InputError
from sml_agents.traces import Redactor, TraceStore
from sml_agents.traces.importers.calls import ModelCall, conversations
from sml_agents.traces.importers.checkpoints import plain_message, said_by_interrupt
from sml_agents.traces.importers.messages import read_messages
from sml_agents.traces.importers.parts import Said
from sml_agents.traces.importers.record import trace_of
from sml_agents.types import Failure, Role, StopReason, Trace, Usage, stable_hash

__all__ = ["Aside", "Recorded", "trace_of_thread"]

FORMAT = "recorded"

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
    tokens: list[int] = field(default_factory=lambda: [0, 0])
    """Of all calls: of the prompts, and of what was answered."""
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
        if given is None:
            return
        told = getattr(message, "usage_metadata", None) or {}
        self.tokens[0] += told.get("input_tokens", 0)
        self.tokens[1] += told.get("output_tokens", 0)
        self._add(given, message)
        self.error = ""

    def failed(self, run_id: UUID) -> None:
        """A model call that will not be answered: what it was given was said all the same."""
        given = self._open.pop(run_id, None)
        if given is not None:
            self._add(given, None)

    def _add(self, given: list[Any], message: Any) -> None:
        """Note a call, in place of an earlier one that it goes on from: its history holds that one's words."""
        self.state = None
        for at in range(len(self.calls) - 1, max(-1, len(self.calls) - 5), -1):
            if _goes_on(self.calls[at][0], given):
                self.calls[at] = given, message
                return
        self.calls.append((given, message))

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
        ModelCall(note.thread, f"{number:09}", _read(given), _read([answer] if answer else []), "")
        for number, (given, answer) in enumerate(list(note.calls))
    ]
    if note.state is not None:
        calls.append(ModelCall(note.thread, f"{len(calls):09}", _read(note.state), [], ""))
    found = next(conversations(calls), None)
    base = note.base
    if found is None:
        if base is None or not note.error:
            return None
        return base.model_copy(update={"stop": StopReason.FAILED, "error": Failure(boundary="log", message=note.error)})
    kept = [Aside(*one) for one in (base.tags.get("asides", ()) if base is not None else ())]
    asides = [*kept, *_placed(note.asides, kept, redact)]
    found.said = _spliced(list(found.said), asides)
    found.usage = Usage(prompt_tokens=note.tokens[0], completion_tokens=note.tokens[1]) if any(note.tokens) else None
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


def _goes_on(before: list[Any], given: list[Any]) -> bool:
    """Whether `given` begins with the very messages of `before`, system messages apart."""
    old = [message for message in before if getattr(message, "type", None) != "system"]
    new = [message for message in given if getattr(message, "type", None) != "system"]
    return len(old) < len(new) and all(one is other for one, other in zip(old, new, strict=False))
