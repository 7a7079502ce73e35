"""What a message is made of: its parts, calls and results, whatever the dialect calls them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from sml_agents.text.thinking import as_thought
from sml_agents.text.tools import UNPARSED
from sml_agents.traces.importers.json_text import loaded

__all__ = [
    "BadRecord",
    "Call",
    "Result",
    "Said",
    "Speaker",
    "as_text",
    "kind_of",
    "read_arguments",
    "read_call",
    "read_content",
    "text_in",
    "text_of",
    "thought_in",
]

Speaker = Literal["system", "user", "assistant", "tool"]

_HIDDEN = frozenset(
    {"thinking", "redacted_thinking", "reasoning", "reasoning_content", "reasoning_text", "summary_text", "thought"}
)
_SILENT = frozenset({"step_start", "step_finish", "start_step", "finish_step", "cache_point", "cachepoint"})
"""Parts that only say where something begins or ends."""
_TEXTS = ("text", "content", "refusal", "input_text", "value", "transcript")
_CALL_IDS = ("call_id", "tool_call_id", "toolCallId", "tool_use_id", "toolUseId", "id")
_ARGUMENTS = ("args", "arguments", "input", "parameters", "action", "queries", "code", "rawInput")
_RESULTS = ("content", "response", "result", "output", "outputs", "results", "errorText", "error", "tools")
_HELD = ("functionCall", "function_call", "toolUse", "toolInvocation", "functionResponse", "function_response")
_LONGEST_LITERAL = 100_000
_MARKS = frozenset({"type", "kind", "part_kind", "text", "json", "image", "document", *_HELD, "toolResult"})
"""A content part has one of these."""


class BadRecord(ValueError):
    """A record of a log that cannot be read; the message says why."""


class Result(NamedTuple):
    """What a tool gave back."""

    id: str
    """Of the call; empty when unknown."""
    text: str
    name: str = ""
    """Of the tool; empty when unknown."""


@dataclass(slots=True)
class Call:
    """A tool call in a message."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


@dataclass(slots=True)
class Said:
    """What one message says."""

    speaker: Speaker
    text: str = ""
    calls: list[Call] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    """Of tools."""
    thought: str = ""
    """Reasoning that was written before the text, marks included."""
    model: str = ""
    act: str = ""
    """What the log says that an agent's message does, by a model's judgement."""
    trained: bool | None = None
    """Whether the log marks the message as one to train on; None where it marks nothing."""
    unread: tuple[str, ...] = ()
    """What the message holds and this does not, by name."""

    def left(self, name: str) -> None:
        """Note that something in the message is not read."""
        self.unread = (*self.unread, name)


def read_content(content: Any, said: Said) -> str:
    """The words in a message's content; the calls, results and reasoning in it go to `said`."""
    if isinstance(content, str):
        if content.startswith("[{'") and (parts := _shown_parts(content)) is not None:
            return read_content(parts, said)
        return content
    if isinstance(content, dict):
        if isinstance(content.get("parts"), list):
            content = content["parts"]
        elif not _MARKS.isdisjoint(content) or isinstance(content.get("content"), str):
            content = [content]
    if not isinstance(content, list):
        return as_text(content)
    texts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            if text := _part(part, said):
                texts.append(text)
        else:
            raise BadRecord(f"a part of its content is {kind_of(part)}")
    return "\n".join(texts) if len(texts) > 1 else "".join(texts)


def _shown_parts(text: str) -> list[Any] | None:
    """Content parts as Python shows them, which some exporters write for JSON; None when it is no such thing."""
    try:
        parts = ast.literal_eval(text) if len(text) < _LONGEST_LITERAL else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    known = isinstance(parts, list) and all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in parts)
    return parts if known else None


def text_in(value: Any, said: Said) -> str:
    """What a tool gave back as text: content parts, or any other value as JSON."""
    if isinstance(value, dict):
        if value.keys() <= {"type", "value", "providerOptions"} and "value" in value:  # the Vercel AI SDK's
            return text_in(value["value"], said)
        if not (isinstance(value.get("type"), str) and isinstance(value.get("text"), str)):
            return as_text(value)
    if isinstance(value, list) and not all(_is_part(part) for part in value):
        return as_text(value)
    return read_content(value, said)


def text_of(content: Any) -> str:
    """The text in a message's content, whatever its shape; what is not text is named, such as `[image]`."""
    return read_content(content, Said("user"))


def _is_part(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and not _MARKS.isdisjoint(part))


def _part(part: Mapping[str, Any], said: Said) -> str:
    kind = part.get("type") or part.get("kind") or part.get("part_kind")
    if kind is not None and not isinstance(kind, str):
        raise BadRecord("a part of its content has no type")
    name = (kind or "").lower().replace("-", "_")
    if name == "non_standard" and isinstance(part.get("value"), dict):
        return _part(part["value"], said)
    if name in _HIDDEN or part.get("thought") is True or "reasoningContent" in part:
        if thought := thought_in(part):
            said.thought += as_thought(thought)
        elif any(part.get(key) for key in ("data", "encrypted_content", "signature", "reasoningContent")):
            said.left("encrypted reasoning")
        return ""
    if isinstance(held := part.get("toolResult"), dict):  # Bedrock
        return _take_result(held, said)
    held = next((held for key in _HELD if isinstance(held := part.get(key), dict)), None)
    if held is not None and ("function_response" in part or "functionResponse" in part):
        return _take_result(held, said)
    if held is not None:
        return _take_call(held, said)
    if name.endswith(("_call_output", "_call_response", "_result", "_response", "tool_return")) and "text" not in part:
        return _take_result(part, said)
    if _is_call(name, part):
        return _take_call(part, said)
    if name in _SILENT or part.keys() <= {"cachePoint"}:
        return ""
    for key in _TEXTS:
        if isinstance(part.get(key), str):
            return str(part[key])
    if "json" in part:  # Bedrock
        return as_text(part["json"])
    shown = _shown(name, part)
    said.left(shown or "a part without type")
    return f"[{shown}]" if shown else ""


def _is_call(name: str, part: Mapping[str, Any]) -> bool:
    return (
        name.endswith(("tool_use", "_call", "tool_invocation", "dynamic_tool"))
        or (name == "function" and isinstance(part.get("function"), dict))
        or (name.startswith("tool_") and "toolCallId" in part)
    )


def _take_call(part: Mapping[str, Any], said: Said) -> str:
    call = read_call(part)
    said.calls.append(call)
    if any(part.get(key) is not None for key in ("output", "outputs", "result", "results", "errorText")):
        _take_result({**part, "id": call.id, "content": None}, said, call.name)  # both in one
    return ""


def _take_result(part: Mapping[str, Any], said: Said, name: str = "") -> str:
    id = next((as_text(part[key]) for key in ("tool_use_id", *_CALL_IDS) if part.get(key) is not None), "")
    name = name or next((part[key] for key in ("name", "toolName", "tool_name") if isinstance(part.get(key), str)), "")
    given = next((part[key] for key in _RESULTS if part.get(key) is not None), None)
    inner = Said("tool")
    text = text_in(given, inner)
    if inner.calls or inner.results:  # findings of a search are what the tool gave back, not results of other calls
        text = as_text(given)
    said.unread += inner.unread
    said.results.append(Result(id, text, name))
    return ""


def _shown(name: str, part: Mapping[str, Any]) -> str:
    """What stands for a part that is no text, such as `image`."""
    if isinstance(part.get("modality"), str):
        return str(part["modality"])[:40]
    if name:
        return name.removesuffix("_url").removeprefix("input_")[:40]
    return next((str(key).removesuffix("Data").removesuffix("_data")[:40] for key in part), "")


def thought_in(value: Any) -> str:
    """The reasoning in a part or field, whatever it is wrapped in; empty where it is encrypted."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(thought_in, value)))
    if isinstance(value, dict):
        names = ("thinking", "reasoning", "text", "content", "reasoningContent", "reasoningText", "summary", "value")
        return next((found for name in names if value.get(name) and (found := thought_in(value[name]))), "")
    return ""


def read_call(call: Any) -> Call:
    """A tool call of any dialect, also as JSON in a text. Raises BadRecord when it has no name."""
    call = loaded(call)
    if not isinstance(call, dict):
        raise BadRecord(f"a tool call is {kind_of(call)}")
    inner = next((call[key] for key in ("function", "custom", *_HELD) if isinstance(call.get(key), dict)), None)
    body: Mapping[str, Any] = call if inner is None else inner
    names: tuple[Any, ...] = (body.get("name"), body.get("toolName"), body.get("tool_name"), call.get("function"))
    name: str = next((one for one in names if isinstance(one, str) and one), "")
    if not name and isinstance(kind := call.get("type"), str):
        low = kind.replace("-", "_")
        if low.startswith("tool_") and "toolCallId" in call:  # the Vercel AI SDK's messages for a page
            name = kind[len("tool-") :]
        elif low.endswith("_call") and low not in ("function_call", "tool_call", "mcp_call"):  # a hosted tool
            name = low.removesuffix("_call")
    if not name:
        raise BadRecord("a tool call has no name")
    given = next((body[key] for key in _ARGUMENTS if body.get(key) is not None), None)
    id = next((as_text(one[key]) for one in (call, body) for key in _CALL_IDS if one.get(key)), "")
    return Call(name, read_arguments(given), id)


def read_arguments(given: Any) -> dict[str, Any]:
    """A call's arguments as a dictionary; a model's broken JSON is kept under `unparsed`."""
    if isinstance(given, str):
        if not given.strip():
            return {}
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            return {UNPARSED: given}
        if isinstance(given, str):  # JSON in JSON
            return read_arguments(given) if given[:1] == "{" else {"value": given}
    if given is None:
        return {}
    return dict(given) if isinstance(given, dict) else {"value": given}


def as_text(value: Any) -> str:
    """`value` as text: itself, or its JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        return str(value)


def kind_of(value: Any) -> str:
    """What `value` is, in words."""
    return {"dict": "an object", "list": "a list", "str": "a text", "NoneType": "null", "bool": "true or false"}.get(
        type(value).__name__, "a number" if isinstance(value, int | float) else f"a {type(value).__name__}"
    )
