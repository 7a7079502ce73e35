"""One chat message of any dialect as what was said in it.

`read_message` understands the messages of OpenAI's chat API and the items of its responses API, of LangChain (as
objects' dictionaries, plain or in the `lc` form), of Anthropic's content blocks, of Gemini's `contents`, of the
OpenTelemetry GenAI conventions (`parts`), and ShareGPT's `from` and `value`. Reasoning is left out: it is no part of
what the other side was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

__all__ = ["DAMAGE", "BadRecord", "Call", "Said", "read_arguments", "read_message", "read_messages", "text_of", "why"]

Speaker = Literal["system", "user", "assistant", "tool"]

_SPEAKERS: dict[str, Speaker] = {
    **dict.fromkeys(("user", "human", "HumanMessage", "HumanMessageChunk"), "user"),
    **dict.fromkeys(("assistant", "ai", "gpt", "chatgpt", "bing", "bard", "model", "function_call"), "assistant"),
    **dict.fromkeys(("AIMessage", "AIMessageChunk"), "assistant"),
    **dict.fromkeys(("system", "developer", "SystemMessage"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "ToolMessage", "FunctionMessage"), "tool"),
    "function_call_output": "tool",
}
_HIDDEN = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_content"})
_CALLS = frozenset({"tool_use", "tool_call", "function_call", "server_tool_use"})
_RESULTS = frozenset({"tool_result", "tool_call_response", "function_call_output"})
_MARKS = frozenset({"type", "text", "function_call", "functionCall", "function_response", "functionResponse"})
"""A content part has one of these."""


class BadRecord(ValueError):
    """A record of a log that cannot be read; the message says why."""


DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading a damaged record may raise; BadRecord is among them."""


def why(error: Exception) -> str:
    """The reason of a loss, in one line."""
    if isinstance(error, BadRecord):
        return str(error)
    return f"its shape is not that of the format ({type(error).__name__}: {error})".split("\n")[0][:300]


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
    results: list[tuple[str, str]] = field(default_factory=list)
    """Of tools: the call's id (empty when unknown) and what came back."""
    model: str = ""
    act: str = ""
    """What the log says that an agent's message does, by a model's judgement."""


def read_messages(messages: Any) -> list[Said]:
    """All of a conversation. Raises BadRecord when it is no list, or one of its messages cannot be read."""
    if isinstance(messages, dict | str) or not isinstance(messages, Iterable):
        raise BadRecord(f"its messages are {_kind(messages)}, not a list")
    said = []
    for number, message in enumerate(messages):
        if isinstance(message, dict) and message.get("type") in _HIDDEN and "role" not in message:
            continue  # an item of the responses API
        try:
            said.append(read_message(message))
        except BadRecord as error:
            raise BadRecord(f"message {number}: {error}") from None
    return said


def read_message(message: Any) -> Said:
    """What one message says. Raises BadRecord."""
    if not isinstance(message, dict):
        raise BadRecord(f"it is {_kind(message)}, not an object")
    if "role" not in message and isinstance(message.get("kwargs"), dict):  # LangChain's `lc` form
        kind = message.get("id")
        message = {"type": kind[-1] if isinstance(kind, list) and kind else None, **message["kwargs"]}
    elif isinstance(message.get("data"), dict) and "content" not in message:  # `message_to_dict`
        message = {**message["data"], "type": message.get("type")}
    name = message.get("role") or message.get("from") or message.get("type")
    speaker = _SPEAKERS.get(name) if isinstance(name, str) else None
    if speaker is None:
        raise BadRecord(f"there is no role {name!r:.40}" if name else "it has no role")
    said = Said(speaker)
    for key in ("content", "parts", "value", "output"):
        if message.get(key) is not None:
            told = speaker == "tool" and not _are_parts(message[key])
            said.text = _text(message[key]) if told else _content(message[key], said)
            break
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        said.calls = [_call(call) for call in calls]
    elif isinstance(extra := message.get("additional_kwargs"), dict) and isinstance(extra.get("tool_calls"), list):
        said.calls = [_call(call) for call in extra["tool_calls"]]
    if isinstance(old := message.get("function_call"), dict):
        said.calls.append(_call(old))
    if name == "function_call":  # in ShareGPT the call is the text
        said.calls, said.text = [_call(message if "name" in message else _json(said.text))], ""
    if speaker == "tool" and said.calls:  # Koog gives calls back under this role
        said.speaker = "assistant"
    elif speaker == "tool" and not said.results:
        given = message.get("tool_call_id") or message.get("call_id") or message.get("id")
        said.results, said.text = [(_text(given), said.text)], ""
    about = message.get("response_metadata")
    if isinstance(about, dict) and isinstance(model := about.get("model_name") or about.get("model"), str):
        said.model = model
    return said


def text_of(content: Any) -> str:
    """The text in a message's content, whatever its shape; what is not text is named, such as `[image]`."""
    return _content(content, Said("user"))


def read_arguments(given: Any) -> dict[str, Any]:
    """A call's arguments as a dictionary; a model's broken JSON is kept under `unparsed`."""
    if isinstance(given, str):
        if not given.strip():
            return {}
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            return {"unparsed": given}
    if given is None:
        return {}
    return dict(given) if isinstance(given, dict) else {"value": given}


def _content(content: Any, said: Said) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return _text(content)
    texts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            if text := _part(part, said):
                texts.append(text)
        else:
            raise BadRecord(f"a part of its content is {_kind(part)}")
    return "\n".join(texts) if len(texts) > 1 else "".join(texts)


def _are_parts(content: Any) -> bool:
    """Whether a list is one of content parts; what a tool returns may be any other."""
    if not isinstance(content, list):
        return True
    return all(isinstance(part, str) or (isinstance(part, dict) and not _MARKS.isdisjoint(part)) for part in content)


def _part(part: Mapping[str, Any], said: Said) -> str:
    kind = part.get("type")
    if kind is not None and not isinstance(kind, str):
        raise BadRecord("a part of its content has no type")
    if kind in _HIDDEN or part.get("thought") is True:
        return ""
    if kind is None and isinstance(call := part.get("function_call") or part.get("functionCall"), dict):  # Gemini
        said.calls.append(_call(call))
        return ""
    if kind is None and isinstance(back := part.get("function_response") or part.get("functionResponse"), dict):
        said.results.append((_text(back.get("id")), text_of(back.get("response"))))
        return ""
    if kind in _CALLS or (kind == "function" and isinstance(part.get("function"), dict)):
        said.calls.append(_call(part))
        return ""
    if kind in _RESULTS:
        for name in ("content", "response", "result", "output"):
            if part.get(name) is not None:
                given = part.get("tool_use_id") or part.get("call_id") or part.get("id")
                said.results.append((_text(given), text_of(part[name])))
                break
        return ""
    for name in ("text", "content", "refusal", "input_text"):
        if isinstance(part.get(name), str):
            return str(part[name])
    if isinstance(kind, str) and kind not in ("text", "output_text"):
        return f"[{kind.removesuffix('_url').removeprefix('input_')[:40]}]"
    raise BadRecord("a part of its content has neither text nor type")


def _call(call: Any) -> Call:
    if not isinstance(call, dict):
        raise BadRecord(f"a tool call is {_kind(call)}")
    inner = call.get("function")
    body: Mapping[str, Any] = inner if isinstance(inner, dict) else call
    name = body.get("name") or (inner if isinstance(inner, str) else None)
    if not isinstance(name, str) or not name:
        raise BadRecord("a tool call has no name")
    given = next((body[key] for key in ("args", "arguments", "input") if key in body), None)
    return Call(name, read_arguments(given), _text(call.get("call_id") or call.get("id")))


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRecord("a function call is not JSON") from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        return str(value)


def _kind(value: Any) -> str:
    return {"dict": "an object", "list": "a list", "str": "a text", "NoneType": "null", "bool": "true or false"}.get(
        type(value).__name__, "a number" if isinstance(value, int | float) else f"a {type(value).__name__}"
    )
