"""Manners of model servers, each seen at a real one, for `sml_agents.testing.servers`."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sml_agents.testing.loopback import Exchange, completion

__all__ = ["KINDS", "Kind"]

Refuse = Callable[[dict[str, Any]], "tuple[int, Any] | None"]
"""The status and body with which a request is refused; None: it is not."""


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Kind:
    """A manner of servers. Each field is a function of what a server after OpenAI's would take or send."""

    refuses: Refuse = lambda request: None
    message: Callable[[dict[str, Any]], Any] = _same
    """The message of a whole completion, and what a stream puts together."""
    answer: Callable[[dict[str, Any]], Any] = _same
    """A whole completion."""
    events: Callable[[list[Any]], list[Any]] = _same
    """The events of a stream."""
    first: Callable[[Exchange], Awaitable[None]] | None = None
    """Answers the first request in place of the server."""


# -- what is refused ---------------------------------------------------------------------------------------------------


def _field(name: str, status: int, body: Any) -> Kind:
    """Refuses requests that have the field `name`."""
    return Kind(refuses=lambda request: (status, body) if name in request else None)


def _messages(wrong: Callable[[list[dict[str, Any]]], bool], status: int, body: Any) -> Kind:
    """Refuses conversations that are `wrong`."""
    return Kind(refuses=lambda request: (status, body) if wrong(request["messages"]) else None)


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def _extra(name: str) -> dict[str, Any]:
    return {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}


def _empty(entries: list[dict[str, Any]]) -> bool:
    return any(not entry.get("content") and not entry.get("tool_calls") for entry in entries)


def _without_thoughts(entries: list[dict[str, Any]]) -> bool:
    return any(entry.get("tool_calls") and "reasoning_content" not in entry for entry in entries)


def _unturned(entries: list[dict[str, Any]]) -> bool:
    roles = [entry["role"] for entry in entries if entry["role"] != "system"]
    return any(one == other != "tool" for one, other in pairwise(roles))


def _role(role: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda entries: any(entry["role"] == role for entry in entries)


_LENGTH = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
_ONLY = (
    "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported."
)
_BACK = "The `reasoning_content` in the thinking mode must be passed back to the API."
_MISSING = "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"
_BOTH = "Assistant message must have either content or tool_calls, but not both."
_TURNS = "After the optional system message, conversation roles must alternate user/assistant/user/assistant/..."

_REFUSING = {
    "refuses seed, FastAPI": _field("seed", 422, {"detail": [_extra("seed")]}),
    "refuses seed, Mistral": _field("seed", 422, {"object": "error", "message": {"detail": [_extra("seed")]}}),
    "refuses seed, Azure": _field("seed", 400, _error("Unrecognized request argument supplied: seed")),
    "refuses seed, Gemini": _field(
        "seed",
        400,
        [{"error": {"code": 400, "message": 'Invalid JSON: Unknown name "seed": Cannot find field.'}}],
    ),
    "refuses seed, plain text": _field("seed", 400, b"seed: unknown field"),
    "refuses max_tokens, OpenAI": _field("max_tokens", 400, _error(_LENGTH, param="max_tokens")),
    "refuses max_tokens, a proxy": _field("max_tokens", 400, {"message": f"litellm.BadRequestError: {_LENGTH}"}),
    "refuses max_completion_tokens": _field(
        "max_completion_tokens", 422, {"detail": [_extra("max_completion_tokens")]}
    ),
    "refuses stop": _field("stop", 400, {"code": "Client", "error": "Argument not supported on this model: stop"}),
    "refuses stop, reasoning model": _field(
        "stop", 400, _error("Unsupported parameter: 'stop' is not supported with this model.", param="stop")
    ),
    "refuses temperature, OpenAI": _field("temperature", 400, _error(_ONLY, param="temperature")),
    "refuses temperature, Moonshot": _field(
        "temperature", 400, _error("invalid temperature: only 1 is allowed for this model")
    ),
    "refuses top_p": _field("top_p", 400, _error("`temperature` and `top_p` cannot both be specified", param="top_p")),
    "refuses stream_options": _field("stream_options", 422, {"detail": [_extra("stream_options")]}),
    "refuses names, Groq": _messages(
        lambda entries: any("name" in entry for entry in entries),
        400,
        _error("'messages.1' : for 'role:user' the following must be satisfied [property 'name' is unsupported]"),
    ),
    "refuses empty turns, mistral-common": _messages(_empty, 400, {"object": "error", "message": _BOTH}),
    "refuses empty turns, Anthropic": _messages(
        _empty, 400, _error("messages: text content blocks must be non-empty", type="invalid_request_error")
    ),
    "refuses empty turns, FastAPI": _messages(
        _empty,
        422,
        {"detail": [{"type": "string_too_short", "loc": ["body", "messages", 1, "content"], "msg": "too short"}]},
    ),
    "refuses system, Gemma": _messages(
        _role("system"), 400, {"object": "error", "message": "System role not supported"}
    ),
    "refuses system, OpenAI": _messages(
        _role("system"),
        400,
        _error(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.", param="messages[0].role"
        ),
    ),
    "refuses system, Google": _messages(
        _role("system"), 400, [{"error": {"code": 400, "message": "Developer instruction is not enabled for gemma"}}]
    ),
    "refuses neighbours": _messages(_unturned, 400, {"object": "error", "message": _TURNS, "code": 400}),
    "wants reasoning back, DeepSeek": Kind(
        refuses=lambda request: (400, _error(_BACK)) if _without_thoughts(request["messages"]) else None,
        message=lambda message: {"reasoning_content": "They want the weather.", **message},
    ),
    "wants reasoning back, Moonshot": Kind(
        refuses=lambda request: (
            (
                400,
                _error(
                    "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"
                ),
            )
            if _without_thoughts(request["messages"])
            else None
        ),
        message=lambda message: {"reasoning_content": "", **message},
    ),
    "refuses reasoning": Kind(
        refuses=lambda request: (
            (400, _error("Additional properties are not allowed ('reasoning_content' was unexpected)"))
            if any("reasoning_content" in entry for entry in request["messages"])
            else None
        ),
        message=lambda message: {"reasoning_content": "Hm.", **message},
    ),
}

# -- how replies are put -----------------------------------------------------------------------------------------------


def _with_arguments(change: Callable[[str], Any]) -> Kind:
    def message(message: dict[str, Any]) -> dict[str, Any]:
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = change(call["function"]["arguments"])
        return message

    return Kind(message=message)


def _with_calls(change: Callable[[list[Any]], Any], name: str = "tool_calls") -> Kind:
    def message(message: dict[str, Any]) -> dict[str, Any]:
        calls = message.pop("tool_calls", None)
        return message if calls is None else {**message, name: change(calls)}

    return Kind(message=message)


def _with_content(change: Callable[[str], Any]) -> Kind:
    return Kind(message=lambda message: {**message, "content": change(message["content"])})


def _with_usage(change: Callable[[dict[str, int]], dict[str, Any]]) -> Kind:
    """Replaces the usage, in whole answers and in streams, by what `change` makes of it."""

    def renewed(answer: Any) -> Any:
        return {name: value for name, value in answer.items() if name != "usage"} | change(answer["usage"])

    def events(events: list[Any]) -> list[Any]:
        return [renewed(event) if "usage" in event else event for event in events]

    return Kind(answer=renewed, events=events)


def _text_part(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": word} for word in re.findall(r"\S+\s*", text)]


def _each_with_usage(events: list[Any]) -> list[Any]:
    counts = [{"prompt_tokens": 7, "completion_tokens": min(n, 3), "total_tokens": 7 + min(n, 3)} for n in range(99)]
    return [{**event, "usage": counts[n]} for n, event in enumerate(events[:-1])] + events[-1:]


def _with_pings(events: list[Any]) -> list[Any]:
    pings: list[Any] = [{"type": "ping"}, {"usage": None}, {"choices": None}, {"object": "x"}, b": still here\n\n"]
    return [item for pair in zip(events, (pings * len(events))[: len(events)], strict=True) for item in pair]


_PUTTING = {
    "arguments as an object": _with_arguments(json.loads),
    "arguments as JSON in JSON": _with_arguments(json.dumps),
    "arguments with a raw line break": _with_arguments(lambda text: text.replace('{"', '{\n"')),
    "a single call, no list": _with_calls(lambda calls: calls[0]),
    "calls without ids": _with_calls(lambda calls: [{"function": call["function"]} for call in calls]),
    "calls with empty ids": _with_calls(lambda calls: [{**call, "id": "", "type": None} for call in calls]),
    "the older function_call": _with_calls(lambda calls: calls[0]["function"], "function_call"),
    "signed calls, Gemini": _with_calls(
        lambda calls: [{**call, "extra_content": {"google": {"thought_signature": "c2lnbmVk"}}} for call in calls]
    ),
    "content null beside calls": _with_content(lambda text: text or None),
    "content in parts": _with_content(_text_part),
    "content in one part": _with_content(lambda text: {"type": "text", "text": text}),
    "content in thinking parts": _with_content(
        lambda text: [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, *_text_part(text)]
    ),
    "content in parts with values": _with_content(
        lambda text: [{"type": "text", "text": {"value": text, "annotations": []}}]
    ),
    "reasoning, vLLM": Kind(message=lambda message: {"reasoning": "Hm.", **message}),
    "reasoning in details, OpenRouter": Kind(
        message=lambda message: {
            "reasoning": "Hm.",
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "index": 0}],
            **message,
        }
    ),
    "usage repeated": Kind(events=_each_with_usage),
    "usage of the Responses API": _with_usage(lambda usage: {"usage": {"input_tokens": 7, "output_tokens": 3}}),
    "usage with a total alone": _with_usage(lambda usage: {"usage": {"prompt_tokens": 7, "total_tokens": 10}}),
    "usage as floats": _with_usage(lambda usage: {"usage": {"prompt_tokens": 7.0, "completion_tokens": 3.0}}),
    "usage, Groq": _with_usage(lambda usage: {"x_groq": {"usage": usage}}),
    "usage, llama.cpp": _with_usage(lambda usage: {"timings": {"prompt_n": 7, "predicted_n": 3}}),
    "usage, Ollama": _with_usage(lambda usage: {"prompt_eval_count": 7, "eval_count": 3}),
    "events without choices": Kind(events=_with_pings),
    "event streams in CRLF": Kind(
        events=lambda events: [b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events]
    ),
    "events on several lines": Kind(
        events=lambda events: [
            b"".join(b"data: " + line + b"\n" for line in json.dumps(event, indent=1).encode().split(b"\n")) + b"\n"
            for event in events
        ]
    ),
    "the finish reason of Anthropic": Kind(
        answer=lambda answer: _finished(answer, "end_turn"),
        events=lambda events: [_finished(event, "end_turn") for event in events],
    ),
}


def _finished(answer: Any, reason: str) -> Any:
    for choice in answer["choices"]:
        if choice["finish_reason"] == "stop":
            choice["finish_reason"] = reason
    return answer


# -- what happens to the first request ---------------------------------------------------------------------------------


def _ends(reason: str, **more: Any) -> Kind:
    """The first reply is broken off with a finish reason that says so; streamed, before the first word."""

    async def first(exchange: Exchange) -> None:
        choice = {"index": 0, "finish_reason": reason, **more}
        if exchange.json.get("stream"):
            await exchange.stream({"choices": [{**choice, "delta": {}}]})
            return
        await exchange.answer(completion(choices=[{**choice, "message": {"role": "assistant", "content": "Hel"}}]))

    return Kind(first=first)


async def _cut_gzip(exchange: Exchange) -> None:
    packed = gzip.compress(json.dumps(completion("Hello " * 500)).encode())[:-20]
    await exchange.answer(packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})


async def _error_event(exchange: Exchange) -> None:
    error = {"error": {"message": "the worker is gone", "code": 502}}
    if exchange.json.get("stream"):
        await exchange.stream(error)
    else:
        await exchange.answer(error)


async def _slow_down(exchange: Exchange) -> None:
    await exchange.answer({"error": {"message": "slow down"}}, 429, {"Retry-After": "0"})


_FAILING = {
    "breaks off, error": _ends("error"),
    "breaks off, error with words": _ends("error", error={"code": 502, "message": "upstream is gone"}),
    "breaks off, abort": _ends("abort"),
    "breaks off, DeepSeek": _ends("insufficient_system_resource"),
    "breaks off, Zhipu": _ends("network_error"),
    "breaks off, cancelled": _ends("cancelled"),
    "breaks off a compressed body": Kind(first=_cut_gzip),
    "says an error with status 200": Kind(first=_error_event),
    "is asked too much": Kind(first=_slow_down),
}

KINDS: dict[str, Kind] = {"OpenAI": Kind(), **_REFUSING, **_PUTTING, **_FAILING}
"""Manners of servers by name, each of which a model of ours has to get on with, whole and streamed."""
