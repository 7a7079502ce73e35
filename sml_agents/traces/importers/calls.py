"""Conversations out of single model calls, for logs that hold calls and not conversations (spans, runs, generations).

Each call of an agent's model carries the history so far. Calls of one thread (or trace) are put in the order of time;
one whose input goes on from a conversation that is known extends it, any other begins a new one: a sub-agent, or a
prompt that does not carry the history. All calls are held in memory until the file ends, because those of a
conversation may stand anywhere in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sml_agents.traces.importers.messages import BadRecord, Said, read_messages
from sml_agents.traces.importers.record import Log, Score
from sml_agents.types import Usage

__all__ = ["ModelCall", "chat_of", "conversations", "thread_in"]

_THREAD_NAMES = ("thread_id", "session_id", "conversation_id", "sessionId", "chat_id")


@dataclass(slots=True)
class ModelCall:
    """One call of a chat model, as a log tells of it."""

    thread: str
    """The thread, session or conversation that it belongs to; the trace where the log names none of these."""
    order: Any
    """Sorts calls of a thread by time."""
    given: list[Said]
    answered: list[Said]
    where: str
    model: str = ""
    usage: Usage | None = None
    error: str = ""


@dataclass(slots=True)
class _Conversation:
    said: list[Said]
    where: str
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str = ""


def conversations(calls: Iterable[ModelCall], scores: Mapping[str, Sequence[Score]] | None = None) -> Iterator[Log]:
    """The conversations that `calls` belong to; `scores` are by thread."""
    threads: dict[str, list[ModelCall]] = {}
    for call in calls:
        threads.setdefault(call.thread, []).append(call)
    for thread, of_thread in threads.items():
        found: list[_Conversation] = []
        by_history: dict[int, _Conversation] = {}
        for call in sorted(of_thread, key=lambda call: str(call.order)):
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
            )


def _extend(found: list[_Conversation], by_history: dict[int, _Conversation], call: ModelCall) -> None:
    """Put a call to the conversation with the longest history that it goes on from, or begin a new one."""
    histories = _histories(call.given)
    known = next((history for history in reversed(histories) if history in by_history), None)
    if known is None:
        best = _Conversation([], call.where)
        found.append(best)
    else:
        best = by_history.pop(known)
    system = [said for said in best.said if said.speaker == "system"]
    has_system = any(said.speaker == "system" for said in call.given)
    best.said = [*(() if has_system else system), *call.given, *call.answered]
    by_history[_histories(best.said)[-1]] = best
    best.model = call.model or best.model
    best.error = call.error
    if call.usage is not None:
        best.prompt_tokens += call.usage.prompt_tokens
        best.completion_tokens += call.usage.completion_tokens


def _histories(said: Sequence[Said]) -> list[int]:
    """What was said up to each message, as one number each, from the empty history on.

    System messages do not count: a graph's state holds none, its model calls do.
    """
    histories = [0]
    for one in said:
        if one.speaker != "system":
            histories.append(hash((histories[-1], _key(one))))
    return histories


def _key(said: Said) -> Any:
    """What makes a message the same when it comes again as history; ids may be written anew."""
    calls = tuple((call.name, *sorted(map(str, call.arguments.items()))) for call in said.calls)
    return said.speaker, said.text.strip(), calls, tuple(text.strip() for _, text in said.results)


def thread_in(*holders: Any) -> str:
    """The thread's name under one of its usual names in any of `holders`; empty when there is none."""
    for holder in holders:
        if isinstance(holder, Mapping):
            for name in _THREAD_NAMES:
                if isinstance(holder.get(name), str | int) and holder[name] != "":
                    return str(holder[name])
    return ""


def chat_of(value: Any, speaker: str) -> list[Said]:
    """The messages in what a platform keeps as the input or output of a call, whatever it wraps them in.

    A bare text is what `speaker` said. Raises BadRecord when there is nothing of the kind.
    """
    for _ in range(8):
        if isinstance(value, str):
            return read_messages([{"role": speaker, "content": value}]) if value else []
        if isinstance(value, list):
            if value and (isinstance(value[0], list) or (len(value) == 1 and isinstance(value[0], str))):
                value = value[0]  # LangChain's batches, the one argument of a function
                continue
            if value and isinstance(value[0], Mapping) and not _has_speaker(value[0]) and speaker == "assistant":
                value = value[0]  # generations
                continue
            return read_messages(value)
        if not isinstance(value, Mapping):
            break
        if _has_speaker(value):
            return read_messages([value])
        inner = next((value[name] for name in _WRAPPERS if value.get(name) is not None), None)
        if inner is None:
            break
        value = inner
    raise BadRecord(f"its {'input' if speaker == 'user' else 'output'} holds no messages")


_WRAPPERS = (
    "messages",
    "contents",
    "candidates",
    "generations",
    "choices",
    "message",
    "output",
    "outputs",
    "input",
    "inputs",
    "text",
    "content",
    "question",
    "answer",
    "args",
)
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")
"""Of OpenAI's responses API."""


def _has_speaker(value: Mapping[str, Any]) -> bool:
    return (
        "role" in value
        or "from" in value
        or value.get("type") in _ITEMS
        or ("type" in value and ("content" in value or "data" in value))
        or ("lc" in value and isinstance(value.get("kwargs"), Mapping))
    )
