"""Conversations out of single model calls, for logs that hold calls and not conversations (spans, runs, generations).

Each call of an agent's model carries the history so far. Calls of one thread (or trace) are put in the order of time;
one whose input goes on from a conversation that is known extends it, any other begins a new one: a sub-agent, or a
prompt that does not carry the history. All calls are held in memory until the file ends, because those of a
conversation may stand anywhere in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sml_agents.traces.importers.about import UNTOLD, About
from sml_agents.traces.importers.parts import Said
from sml_agents.traces.importers.record import Log, Loss, OnLoss, Score
from sml_agents.traces.importers.times import moment
from sml_agents.types import Usage

__all__ = ["Gathered", "ModelCall", "conversations", "thread_in"]

_THREAD_NAMES = ("thread_id", "session_id", "conversation_id", "sessionId", "conversationId", "threadId", "chat_id")


@dataclass(slots=True)
class ModelCall:
    """One call of a chat model, as a log tells of it."""

    thread: str
    """The thread, session or conversation that it belongs to; the trace where the log names none of these."""
    order: Any
    """When it began, in any form that `times.moment` reads; a call without a time follows the one before it."""
    given: list[Said]
    answered: list[Said]
    where: str
    model: str = ""
    usage: Usage | None = None
    error: str = ""
    tools: Sequence[dict[str, Any]] = ()
    about: About = UNTOLD


@dataclass(slots=True)
class _Conversation:
    said: list[Said]
    where: str
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = ""
    tools: Sequence[dict[str, Any]] = ()
    asked: bytes = b""
    """The history that its last call was given, as one number."""
    last_usage: Usage | None = None
    """Of that call."""
    untold: bool = False
    """Its calls are told to no later call: see `_cut_short`."""
    about: About = UNTOLD


@dataclass
class Gathered:
    """What a log of single calls tells, in whatever order it does: its calls, threads and scores.

    A trace is one run of an agent. What only the trace as a whole says (its outermost span) counts where none of its
    model calls is there.
    """

    calls: list[tuple[str, ModelCall]] = field(default_factory=list)
    """With the trace of each."""
    wholes: dict[str, ModelCall | Loss] = field(default_factory=dict)
    """What the traces as a whole say, by trace; a loss where that cannot be read."""
    thread_of: dict[str, str] = field(default_factory=dict)
    """The threads of the traces that tell theirs."""
    scores: list[tuple[str, Score]] = field(default_factory=list)
    """With the trace or thread of each."""
    about: dict[str, About] = field(default_factory=dict)
    """What is said about the traces as a whole."""
    lost: set[str] = field(default_factory=set)
    """Traces with a call that could not be read: what they say as a whole would hide the loss."""

    def belongs(self, trace: str, thread: str) -> None:
        """Note the thread of a trace, if it has one and none is known."""
        if thread:
            self.thread_of.setdefault(trace, thread)

    def tells(self, trace: str, about: About) -> None:
        """Note what is said about a trace as a whole."""
        self.about[trace] = self.about.get(trace, UNTOLD).joined(about)

    def conversations(self, on_loss: OnLoss) -> Iterator[Log]:
        """All that was gathered, put together."""
        known = {trace for trace, _ in self.calls}
        calls = list(self.calls)
        for trace, whole in self.wholes.items():
            if trace in known:
                continue
            if isinstance(whole, Loss):
                if trace not in self.lost:
                    on_loss(whole)
            else:
                calls.append((trace, whole))
        self._put_inputs(calls)
        for trace, call in calls:
            call.thread = self.thread_of.get(trace, trace)
            call.about = call.about.within(self.about.get(trace, UNTOLD))
        scores: dict[str, list[Score]] = {}
        for place, score in self.scores:
            scores.setdefault(self.thread_of.get(place, place), []).append(score)
        yield from conversations((call for _, call in calls), scores)

    def _put_inputs(self, calls: list[tuple[str, ModelCall]]) -> None:
        """Where no call of a trace tells what it was given and the trace as a whole does, they answer that in turn."""
        by_trace: dict[str, list[ModelCall]] = {}
        for trace, call in calls:
            by_trace.setdefault(trace, []).append(call)
        for trace, of_trace in by_trace.items():
            whole = self.wholes.get(trace)
            if not isinstance(whole, ModelCall) or any(call.given for call in of_trace):
                continue
            given = list(whole.given)
            for call in _in_time(of_trace):
                call.given = list(given)
                given += call.answered


def conversations(calls: Iterable[ModelCall], scores: Mapping[str, Sequence[Score]] | None = None) -> Iterator[Log]:
    """The conversations that `calls` belong to; `scores` are by thread."""
    threads: dict[str, list[ModelCall]] = {}
    for call in calls:
        threads.setdefault(call.thread, []).append(call)
    for thread, of_thread in threads.items():
        found: list[_Conversation] = []
        by_history: dict[bytes, _Conversation] = {}
        for call in _in_time(of_thread):
            _extend(found, by_history, call)
        for number, one in enumerate(found):
            usage = Usage(prompt_tokens=one.prompt_tokens, completion_tokens=one.completion_tokens)
            yield Log(
                thread if not number else f"{thread}#{number + 1}",
                one.said,
                one.where,
                source=thread,
                model=one.model,
                scores=(scores or {}).get(thread, ()),
                usage=usage if usage.prompt_tokens or usage.completion_tokens else None,
                error=one.error,
                tools=one.tools,
                about=one.about,
            )


def _in_time(calls: list[ModelCall]) -> list[ModelCall]:
    times: list[int] = []
    for call in calls:
        at = moment(call.order)
        times.append(at if at is not None else times[-1] if times else 0)
    # Of two that began at once the one with the shorter history is the earlier one.
    order = sorted(range(len(calls)), key=lambda at: (times[at], len(calls[at].given)))
    return [calls[at] for at in order]


def _extend(found: list[_Conversation], by_history: dict[bytes, _Conversation], call: ModelCall) -> None:
    """Put a call to the conversation with the longest history that it goes on from, or begin a new one."""
    histories = _histories(call.given)
    known = next((history for history in reversed(histories) if history in by_history), None)
    best = by_history.pop(known) if known is not None else None
    before: list[Said] = []
    told = [*call.given, *call.answered]
    if best is not None and best.untold:
        before, call.given = best.said, _after(call.given, histories.index(known or b""))
    if best is None and (best := _interrupted(found, call.given)) is not None:
        by_history.pop(_histories(best.said)[-1], None)
        before = best.said
        call.given = [said for said in call.given if said.speaker not in ("system", "assistant")]
    if best is None and (best := _cut_short(found, histories[-1], call)) is not None:
        for history in [history for history, one in by_history.items() if one is best]:
            del by_history[history]
        before, call.given, best.untold = best.said, [], True
    if best is None:
        best = _Conversation([], call.where)
        found.append(best)
    has_system = bool(before) or any(said.speaker == "system" for said in call.given)
    system = [said for said in best.said if said.speaker == "system" and not has_system]
    thoughts = {_words(said): said.thought for said in best.said if said.thought}
    if thoughts:
        for said in call.given:  # a history is sent without the reasoning
            if said.speaker == "assistant" and not said.thought:
                said.thought = thoughts.get(_words(said), "")
    best.said = [*system, *before, *call.given, *call.answered]
    by_history[_histories(told if best.untold else best.said)[-1]] = best
    best.asked, best.last_usage = histories[-1], call.usage
    best.model = call.model or best.model
    best.error = call.error
    best.tools = call.tools or best.tools
    best.about = best.about.joined(call.about)
    if call.usage is not None:
        best.prompt_tokens += call.usage.prompt_tokens
        best.completion_tokens += call.usage.completion_tokens


def _interrupted(found: list[_Conversation], given: Sequence[Said]) -> _Conversation | None:
    """The conversation whose last calls of tools `given` gives the results of, without the history before them: a
    server that keeps the history is sent no more."""
    said = [one for one in given if one.speaker != "system"]
    if not said or (said[0].speaker == "user" and not said[0].results):
        return None
    ids = {result.id for one in said for result in one.results if result.id}
    for conversation in reversed(found):
        last = conversation.said[-1] if conversation.said else None
        if last is not None and last.speaker == "assistant" and ids & {call.id for call in last.calls}:
            return conversation
    return None


def _cut_short(found: list[_Conversation], asked: bytes, call: ModelCall) -> _Conversation | None:
    """The conversation whose last call was given the very history that this one was, and answered it with calls of
    tools alone: an instrumentation that drops the calls and their results from what the next call is given
    (opentelemetry-python-genai#651). The results are nowhere then; that more was read tells it from a second try."""
    for conversation in reversed(found):
        last = conversation.said[-1] if conversation.said else None
        if asked and conversation.asked == asked and last is not None and last.calls and not last.text:
            before, now = conversation.last_usage, call.usage
            known = before is not None and now is not None and now.prompt_tokens > 0
            return None if known and now.prompt_tokens <= before.prompt_tokens else conversation  # type: ignore[union-attr]
    return None


def _after(said: Sequence[Said], count: int) -> list[Said]:
    """What follows the first `count` of those messages that `_histories` counts."""
    for at, one in enumerate(said):
        if not count:
            return list(said[at:])
        count -= _counts(one)
    return []


def _counts(one: Said) -> bool:
    return one.speaker not in ("system", "tool") and bool(one.text or one.calls)


def _histories(said: Sequence[Said]) -> list[bytes]:
    """What was said up to each message, as one number each, from the empty history on.

    System messages do not count: a graph's state holds none, its model calls do. Neither does how what one side said is
    cut into messages, nor where the results of tools stand among them: an answer of several calls comes back as one
    message, or as each call with its result.
    """
    histories = [b""]
    runs, speaker = b"", ""
    words, calls = blake2b(digest_size=16), blake2b(digest_size=16)
    for one in said:
        if not _counts(one):
            continue
        if one.speaker != speaker:
            runs, speaker = histories[-1], one.speaker
            words, calls = blake2b(digest_size=16), blake2b(digest_size=16)
        words.update("".join(one.text.split()).encode("utf-8", "surrogatepass"))
        for call in one.calls:  # ids may be written anew
            calls.update(f"{call.name}{sorted(map(str, call.arguments.items()))}".encode("utf-8", "surrogatepass"))
        whole = blake2b(runs, digest_size=16)
        whole.update(speaker.encode() + words.digest() + calls.digest())
        histories.append(whole.digest())
    return histories


def _words(said: Said) -> tuple[str, int]:
    return "".join(said.text.split()), len(said.calls)


def thread_in(*holders: Any) -> str:
    """The thread's name under one of its usual names in any of `holders`; empty when there is none."""
    for holder in holders:
        if isinstance(holder, Mapping):
            for name in _THREAD_NAMES:
                if isinstance(holder.get(name), str | int) and holder[name] != "":
                    return str(holder[name])
    return ""
