"""Messages as a recorder reads them: what names one, whether a turn tells it already, what a tool's schema is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages
from langchain_core.utils.function_calling import convert_to_openai_tool

from sml_agents.traces.importers.checkpoints import plain_message
from sml_agents.traces.importers.messages import read_messages
from sml_agents.traces.importers.parts import Call, Result, Said
from sml_agents.types import Role, Trace, stable_hash

__all__ = [
    "goes_on",
    "holds",
    "jsonable",
    "keys_of",
    "messages_in",
    "name_of",
    "once",
    "read",
    "said_in",
    "schema_of",
    "tells",
]


def once(said: list[Said]) -> list[Said]:
    """Of several results of one call the first alone: what the tool returned, not what was made of it."""
    known: set[str] = set()
    kept: list[Said] = []
    for one in said:
        results = [result for result in one.results if not result.id or result.id not in known]
        known.update(result.id for result in results)
        if results or not one.results or one.text:
            kept.append(replace(one, results=results))
    return kept


def said_in(trace: Trace) -> list[Said]:
    """The turns of a trace as messages again."""
    said: list[Said] = []
    for turn in trace.turns:
        if turn.role is Role.TEACHER:
            said.append(Said("user", turn.text))
            continue
        calls = [Call(call.name, dict(call.arguments), call.id) for call in turn.tool_calls or ()]
        said.append(Said("assistant", turn.text, calls, model=turn.call.model if turn.call else ""))
        results = [Result(call.id, call.result) for call in turn.tool_calls or () if call.result is not None]
        if results:
            said.append(Said("tool", results=results))
    return said


def messages_in(given: Iterable[Any]) -> list[BaseMessage]:
    """Messages of any form that LangChain takes; what is none is left out."""
    found: list[BaseMessage] = []
    for one in given:
        if isinstance(one, BaseMessage):
            found.append(one)
            continue
        try:
            found += convert_to_messages([one])
        except Exception:  # whatever a custom state holds beside messages
            continue
    return found


def keys_of(messages: list[BaseMessage]) -> list[str]:
    """What names each message: its id, or else what it says and how often that was said before in this list."""
    keys: list[str] = []
    times: dict[str, int] = {}
    for message in messages:
        if message.id:
            keys.append(message.id)
            continue
        key = stable_hash(message.type, message.content, getattr(message, "tool_calls", None))
        times[key] = times.get(key, 0) + 1
        keys.append(f"{key}#{times[key]}")
    return keys


def read(messages: Iterable[Any]) -> list[Said]:
    return read_messages([plain_message(message) for message in messages])


def tells(turn: Said, message: Said) -> bool:
    """Whether a turn that was recorded holds this message; of the person's it is the whole turn."""
    if turn.speaker != message.speaker:
        return False
    text = _words(message.text)
    if message.speaker == "user":
        return text == _words(turn.text)
    made = [(call.name, jsonable(call.arguments)) for call in turn.calls]
    calls = [(call.name, jsonable(call.arguments)) for call in message.calls]
    return bool(text or calls) and text in _words(turn.text) and all(call in made for call in calls)


def _words(text: str) -> str:
    return " ".join(line.strip().removeprefix("- ") for line in text.split("\n")).strip()


def holds(text: str, words: str) -> bool:
    """Whether `text` says all lines of `words`."""
    lines = [_words(line) for line in words.split("\n") if line.strip()]
    whole = _words(text)
    return bool(lines) and all(line in whole for line in lines)


def schema_of(tool: Any) -> dict[str, Any] | None:
    """A tool as a model was given it, in the form of OpenAI's chat API; None when it is nothing of the kind."""
    try:
        made: dict[str, Any] = jsonable(convert_to_openai_tool(tool))
    except Exception:  # a provider's own kind of tool
        made = jsonable(tool)
    if isinstance(made, dict) and isinstance(made.get("function"), dict) and made["function"].get("name"):
        return {"type": "function", "function": made["function"]}
    return None


def name_of(tool: Mapping[str, Any]) -> str:
    return str(tool.get("function", {}).get("name", ""))


def jsonable(value: Any) -> Any:
    return json.loads(json.dumps(value, default=_dumped, skipkeys=True))


def _dumped(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def goes_on(before: list[Any], given: list[Any]) -> bool:
    """Whether `given` begins with the very messages of `before`, system messages apart."""
    old = [message for message in before if getattr(message, "type", None) != "system"]
    new = [message for message in given if getattr(message, "type", None) != "system"]
    return len(old) < len(new) and all(one is other for one, other in zip(old, new, strict=False))
