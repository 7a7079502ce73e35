"""What a server answered: read, checked, cleaned. The pieces that every API's answers have in common."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterator
from typing import Any

import orjson
from langchain_core.messages import InvalidToolCall, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, invalid_tool_call, tool_call, tool_call_chunk

from sml_agents.backends.retries import Transient, retryable
from sml_agents.backends.text import clean, deep_clean
from sml_agents.errors import EndpointError
from sml_agents.text.printable import printable

__all__ = [
    "as_text",
    "decode",
    "finish_of",
    "integers",
    "raise_error_in",
    "read_calls",
    "refusal_in",
    "server_message",
    "total_tokens",
    "usage_of",
    "whole_pieces",
    "words",
]

_FINISH = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "end_of_turn", "stop_sequence", "stop_token"), "stop"),
    **dict.fromkeys(("complete", "completed", "done", "finished", "success", "refusal"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length"), "length"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call", "function_calls"), "tool_calls"),
}
_WITHHELD = ("content_filter", "safety", "sensitive", "recitation", "blocklist", "prohibited_content", "spii")

_USAGE_NAMES = (
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("promptTokenCount", "candidatesTokenCount"),
    ("prompt_eval_count", "eval_count"),
    ("prompt_n", "predicted_n"),
)
_NO_CALLS: tuple[list[ToolCall], list[InvalidToolCall]] = ([], [])


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


def refusal_in(body: bytes) -> Any:
    """What a server says beside another status than 200: JSON of any kind, a text, or None for a page."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body[:4000].decode("utf-8", "replace").strip()
        return None if text.startswith("<") else text or None


def server_message(answer: Any) -> str:
    """The server's own words on an error, shortened; empty if it had none."""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    error = answer
    if isinstance(answer, dict):
        error = answer.get("error", answer.get("detail", answer.get("message")))
    for _ in range(3):  # {"error": {"message": {"detail": [...]}}}
        if isinstance(error, dict):
            error = error.get("message") or error.get("detail") or error.get("code") or error.get("type") or str(error)
    if isinstance(error, list):
        error = "; ".join(_complaint(item) for item in error)
    text = printable(error if isinstance(error, str) else "" if error is None else str(error))
    return text if len(text) <= 300 else text[:297] + "..."


def _complaint(item: Any) -> str:
    """One entry of FastAPI's `detail`: where, and what."""
    if not isinstance(item, dict) or "msg" not in item:
        return str(item)
    where = item.get("loc")
    return f"{'.'.join(map(str, where))}: {item['msg']}" if isinstance(where, list) else str(item["msg"])


def raise_error_in(answer: dict[str, Any], where: str) -> None:
    """Raise the error that stands in an answer or an event with status 200; one that may pass is `Transient`."""
    error = answer.get("error")
    if not error and answer.get("object") != "error" and answer.get("type") != "error":
        return
    said = f"The endpoint {where}: {server_message(answer) or 'unnamed error'}"
    code = next((error[name] for name in ("code", "status") if name in error), None) if isinstance(error, dict) else 0
    if isinstance(code, int) and retryable(code, answer):
        raise Transient(said, status=code)
    raise EndpointError(f"{said}.")


def finish_of(reason: Any, more: Collection[str] = (), error: Any = None) -> str:
    """`stop`, `length` or `tool_calls`. A reply that ended for another reason is not whole, and raises: `Transient`
    where the server broke it off, `EndpointError` where a filter withheld it.

    `more`: further reasons of whole replies. `error`: what the server said beside the reason.
    """
    if reason in more or reason is None or reason == "":
        return "stop"
    name = reason.lower() if isinstance(reason, str) else ""
    known = _FINISH.get(name)
    if known is not None:
        return known
    if name in _WITHHELD:
        raise EndpointError("The endpoint's content filter withheld the reply.")
    said = server_message({"error": error})
    raise Transient(f"The endpoint broke off its reply ({printable(str(reason))[:80]}{': ' if said else ''}{said})")


def words(content: Any) -> tuple[str, str] | None:
    """Text and reasoning in a message's content: a text, a part, a list of either. None: it is something else."""
    if isinstance(content, str):
        return clean(content), ""
    if isinstance(content, list):
        read = [words(part) for part in content if part is not None]
        if None in read:
            return None
        return "".join(part[0] for part in read if part), "".join(part[1] for part in read if part)
    if not isinstance(content, dict):
        return None
    for name in ("thinking", "reasoning", "summary"):
        if content.get("type") == name or (name == "thinking" and name in content):
            inner = words(content.get(name) or content.get("text") or content.get("summary") or "")
            return "", "".join(inner or ())
    for name in ("text", "output_text", "refusal", "content"):
        inner = content.get(name)
        if inner is not None:
            return words(inner.get("value") if isinstance(inner, dict) and "value" in inner else inner)
    return "", ""


def read_calls(raw: Any) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """A server's tool calls: those that can be made, and those whose name or arguments cannot be read."""
    if not raw:
        return _NO_CALLS
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in raw if isinstance(raw, list) else [raw]:
        call = call if isinstance(call, dict) else {"function": call}
        function = call.get("function", call)
        known = function if isinstance(function, dict) else {"arguments": function}
        given = known.get("arguments", known.get("parameters", known.get("input")))
        name, id = as_text(known.get("name")), as_text(call.get("id")) or f"call_{uuid.uuid4().hex[:24]}"
        arguments = _arguments(given)
        if name and arguments is not None:
            good.append(tool_call(name=name, args=arguments, id=id))
        else:
            why = "it is not said which tool" if not name else "the arguments are no JSON object"
            text = given if isinstance(given, str) else json.dumps(given)
            bad.append(invalid_tool_call(name=name or None, args=clean(text), id=id, error=why))
    return good, bad


def _arguments(given: Any) -> dict[str, Any] | None:
    """Arguments as an object, its JSON text, or that text as JSON once more; nothing at all is no arguments."""
    for _ in range(3):
        if given is None or given == "":
            return {}
        if isinstance(given, dict):
            return dict(deep_clean(given))
        if not isinstance(given, str):
            return None
        try:
            given = orjson.loads(given)
        except ValueError:
            try:
                given = json.loads(given, strict=False)
            except (ValueError, RecursionError):
                return None
    return None


def whole_pieces(raw: Any) -> Iterator[ToolCallChunk]:
    """Streamed tool calls, each in one piece. LangChain completes arguments that were cut; a call whose arguments
    cannot be read must not be made with half of them, so they become a JSON text, which it takes for invalid."""
    good, bad = read_calls(raw)
    for index, call in enumerate(good):
        yield tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
    for index, broken in enumerate(bad, start=len(good)):
        yield tool_call_chunk(name=broken["name"], args=json.dumps(broken["args"]), id=broken["id"], index=index)


def usage_of(answer: dict[str, Any]) -> UsageMetadata | None:
    """Tokens of prompt and reply, wherever the server says so; None when it does not say both."""
    raw = answer.get("usage")
    if isinstance(raw, dict):
        prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens")
        if type(prompt) is int and type(completion) is int and prompt >= 0 and completion >= 0:
            return _usage(prompt, completion, raw)
    own = answer.get("x_groq")
    places = [raw, own.get("usage") if isinstance(own, dict) else None]
    places += [answer.get(name) for name in ("usageMetadata", "usage_metadata", "timings")] + [answer]
    for place in places:
        if not isinstance(place, dict):
            continue
        for prompt_name, completion_name in _USAGE_NAMES:
            counted = _count(place.get(prompt_name)), _count(place.get(completion_name))
            total = _count(place.get("total_tokens", place.get("totalTokenCount")))
            if counted[0] is not None and counted[1] is None and total is not None and total >= counted[0]:
                counted = counted[0], total - counted[0]
            if counted[0] is not None and counted[1] is not None:
                return _usage(counted[0], counted[1], place)
    return None


def _usage(prompt: int, completion: int, raw: dict[str, Any]) -> UsageMetadata:
    usage = UsageMetadata(input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion)
    if len(raw) <= 3:
        return usage
    for side, name, kept, kept_as in (
        ("prompt_tokens_details", "cached_tokens", "input_token_details", "cache_read"),
        ("input_tokens_details", "cached_tokens", "input_token_details", "cache_read"),
        ("completion_tokens_details", "reasoning_tokens", "output_token_details", "reasoning"),
        ("output_tokens_details", "reasoning_tokens", "output_token_details", "reasoning"),
    ):
        details = raw.get(side)
        if isinstance(details, dict) and (count := _count(details.get(name))) is not None:
            usage[kept] = {kept_as: count}  # type: ignore[literal-required]
    return usage


def _count(value: Any) -> int | None:
    whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return int(value) if whole and value >= 0 else None


def total_tokens(usage: UsageMetadata | None) -> int:
    return usage["total_tokens"] if usage else 0


def integers(value: Any) -> list[int] | None:
    """Token ids, if `value` is a list of them."""
    return value if isinstance(value, list) and all(type(token) is int for token in value) else None


def as_text(value: Any) -> str:
    """`value` cleaned if it is a text, else an empty one."""
    return clean(value) if isinstance(value, str) else ""
