"""What an OpenAI-compatible server answered: read, checked, cleaned, and made a LangChain message."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson
from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call

from sml_agents.backends.text import clean, deep_clean
from sml_agents.errors import EndpointError

__all__ = ["decode", "message_chunks", "message_from", "server_message", "total_tokens"]

_NO_TOOLS: tuple[list[ToolCall], list[InvalidToolCall]] = ([], [])


def decode(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises `EndpointError` for anything else: HTML, cut JSON, a list."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        # orjson refuses lone surrogates and bytes that are not UTF-8; some servers send both.
        try:
            value = deep_clean(json.loads(body.decode("utf-8", "replace")))
        except (ValueError, RecursionError):
            start = body[:60].decode("utf-8", "replace").strip()
            hint = "an HTML page: check base_url" if start[:1] == "<" else f"{start!r}..." if start else "nothing"
            raise EndpointError(f"The endpoint's answer is not JSON but {hint}.") from None
    if not isinstance(value, dict):
        raise EndpointError(f"The endpoint's answer is a JSON {type(value).__name__}, not an object.")
    return value


def server_message(answer: Any) -> str:
    """The server's own words on an error, shortened; empty if it had none."""
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error", answer.get("detail", answer.get("message")))
    if isinstance(error, dict):
        error = error.get("message") or error.get("code") or error.get("type")
    text = error if isinstance(error, str) else "" if error is None else str(error)
    text = " ".join(clean(text).split())
    return text if len(text) <= 300 else text[:297] + "..."


def total_tokens(usage: UsageMetadata | None) -> int:
    return usage["total_tokens"] if usage else 0


def message_from(answer: dict[str, Any], model: str) -> AIMessage:
    """The first choice of a chat completion. Raises `EndpointError` if it is none, or was withheld."""
    if answer.get("error") is not None:
        raise EndpointError(f"The endpoint answered with an error: {server_message(answer) or 'unnamed'}.")
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise EndpointError("The endpoint's answer holds no choice with a message.")
    finish = _finish(choice.get("finish_reason"))
    tool_calls, invalid = _tool_calls(message.get("tool_calls"))
    text = _text(message, finish, bool(tool_calls or invalid))
    metadata: dict[str, Any] = {
        "model_name": _string(answer.get("model")) or model,
        "model_provider": "openai",
        "finish_reason": finish,
    }
    for name, ids in (
        ("prompt_ids", answer.get("prompt_token_ids") or choice.get("prompt_token_ids")),
        ("completion_ids", choice.get("token_ids")),
    ):
        if isinstance(ids, list) and all(type(token) is int for token in ids):
            metadata[name] = ids
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    return AIMessage(
        content=text,
        id=_string(answer.get("id")) or None,
        tool_calls=tool_calls,
        invalid_tool_calls=invalid,
        usage_metadata=_usage(answer.get("usage")),
        response_metadata=metadata,
        additional_kwargs={"reasoning_content": clean(reasoning)} if isinstance(reasoning, str) and reasoning else {},
    )


def message_chunks(event: dict[str, Any], model: str) -> Iterator[AIMessageChunk]:
    """The chunks in one event of a stream: some text, a piece of a tool call, the reason to stop, the usage."""
    if event.get("error") is not None:
        raise EndpointError(f"The endpoint broke off its stream: {server_message(event) or 'unnamed error'}.")
    usage = _usage(event.get("usage"))
    choices = event.get("choices")
    if not isinstance(choices, list):
        raise EndpointError("The endpoint streamed an event without choices.")
    for choice in choices[:1]:
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(delta, dict | None):
            raise EndpointError("The endpoint streamed a choice without a delta.")
        text = (delta or {}).get("content") or ""
        if not isinstance(text, str):
            raise EndpointError(f"The endpoint streamed content of type {type(text).__name__}, not text.")
        finish = _finish(choice.get("finish_reason")) if choice.get("finish_reason") is not None else None
        name = _string(event.get("model")) or model
        yield AIMessageChunk(
            content=clean(text),
            tool_call_chunks=[_tool_piece(piece) for piece in _dicts((delta or {}).get("tool_calls"))],
            response_metadata={"finish_reason": finish, "model_name": name, "model_provider": "openai"}
            if finish
            else {},
        )
    if usage is not None:
        yield AIMessageChunk(content="", usage_metadata=usage)


def _finish(reason: Any) -> str:
    if reason == "content_filter":
        raise EndpointError("The endpoint's content filter withheld the reply.")
    return reason if reason in ("length", "tool_calls") else "stop"


def _text(message: dict[str, Any], finish: str, has_tools: bool) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return clean(content)
    if content is None:
        refusal = message.get("refusal")
        if isinstance(refusal, str):
            return clean(refusal)
        # Reasoning that used up all tokens leaves no content; that is a short reply, not a broken one.
        if has_tools or finish == "length" or message.get("reasoning_content"):
            return ""
        raise EndpointError("The endpoint's message has no content.")
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return clean("".join(_string(part.get("text")) for part in content))
    raise EndpointError(f"The endpoint's message has content of type {type(content).__name__}, not text.")


def _tool_calls(raw: Any) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    if not raw:
        return _NO_TOOLS
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in _dicts(raw):
        try:
            parsed = parse_tool_call(call, return_id=True)
        except Exception as error:
            bad.append(make_invalid_tool_call(call, str(error)))
            continue
        if parsed is not None:
            good.append(ToolCall(name=parsed["name"], args=parsed["args"], id=parsed["id"], type="tool_call"))
    return deep_clean(good), bad


def _tool_piece(piece: dict[str, Any]) -> Any:
    function = piece.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments")
    return tool_call_chunk(
        name=_string(function.get("name")) or None,
        args=clean(arguments) if isinstance(arguments, str) else None,
        id=_string(piece.get("id")) or None,
        index=piece["index"] if isinstance(piece.get("index"), int) else 0,
    )


def _usage(raw: Any) -> UsageMetadata | None:
    if not isinstance(raw, dict):
        return None
    prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens", 0)
    if type(prompt) is not int or type(completion) is not int or prompt < 0 or completion < 0:
        return None
    return UsageMetadata(input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _string(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""
