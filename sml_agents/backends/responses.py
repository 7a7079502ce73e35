"""OpenAI's Responses API: the same conversation and the same messages in another form.

Nothing is left on the server (`store: false`): the whole conversation goes with each request, and a model's reasoning
goes back encrypted beside its tool calls. The API has no `seed` and no `stop`; a reply is cut at a stop text here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk

from sml_agents.backends.replies import (
    as_text,
    finish_of,
    raise_error_in,
    read_calls,
    server_message,
    usage_of,
    whole_pieces,
    words,
)
from sml_agents.backends.retries import Transient
from sml_agents.backends.text import deep_clean
from sml_agents.errors import EndpointError

__all__ = ["PATH", "REASONING_ITEMS", "ResponseStream", "message_from", "request"]

PATH = "/responses"
REASONING_ITEMS = "reasoning_items"
"""Where a message keeps the reasoning that goes back as it came."""

_ABSENT = ("stop", "seed", "n", "return_token_ids", "stream_options", "frequency_penalty", "presence_penalty")


def request(payload: dict[str, Any], reasoning: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """A chat completion's request as one of this API. `reasoning`: the items kept of each message, in their order."""
    written = {name: value for name, value in payload.items() if name not in _ABSENT and name != "messages"}
    items: list[Any] = []
    for entry, kept in zip(payload["messages"], reasoning, strict=True):
        items += kept
        items += _items(entry)
    written |= {"input": items, "store": False, "include": ["reasoning.encrypted_content"], **written}
    for name in ("max_tokens", "max_completion_tokens"):
        if name in written:
            written["max_output_tokens"] = written.pop(name)
    if "tools" in written:
        written["tools"] = [_flat(tool) for tool in written["tools"]]
    if isinstance(choice := written.get("tool_choice"), dict):
        written["tool_choice"] = _flat(choice)
    if (form := written.pop("response_format", None)) is not None:
        schema = form.get("json_schema", {})
        written["text"] = {**written.get("text", {}), "format": {"type": form["type"], **schema}}
    if (effort := written.pop("reasoning_effort", None)) is not None:
        written["reasoning"] = {"effort": effort, **written.get("reasoning", {})}
    return written


def _flat(tool: dict[str, Any]) -> dict[str, Any]:
    """`{"type": "function", "function": {...}}` with the inner fields beside the type."""
    inner = tool.get("function")
    return {"type": "function", **inner} if isinstance(inner, dict) else tool


def _items(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if entry["role"] == "tool":
        output = entry["content"]
        if not isinstance(output, str):
            output = "".join(words(output) or ())
        yield {"type": "function_call_output", "call_id": entry["tool_call_id"], "output": output}
        return
    calls = entry.get("tool_calls") or ()
    content = entry.get("content")
    if isinstance(content, list):
        content = [_part(part, entry["role"]) for part in content]
    if content or not calls:
        yield {"role": entry["role"], "content": content or ""}
    for call in calls:
        function = call["function"]
        yield {
            "type": "function_call",
            "call_id": call["id"],
            **{name: function[name] for name in ("name", "arguments")},
        }


def _part(part: Any, role: str) -> Any:
    if not isinstance(part, dict):
        return part
    if part.get("type") == "text":
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part["text"]}
    if part.get("type") == "image_url":
        image = part["image_url"]
        return {"type": "input_image", "image_url": image["url"] if isinstance(image, dict) else image}
    return part


def message_from(answer: dict[str, Any], model: str, finish_reasons: Collection[str] = ()) -> AIMessage:
    """The message in a response. Raises `EndpointError` if there is none or it was withheld, and `Transient` if it was
    broken off."""
    if "status" not in answer:
        raise_error_in(answer, "answered with an error")
    output = answer.get("output")
    if not isinstance(output, list):
        raise EndpointError("The endpoint's answer holds no output.")
    items = [item for item in output if isinstance(item, dict)]
    texts = [words(item.get("content") or "") for item in items if item.get("type") == "message"]
    calls = [_call(item) for item in items if item.get("type") == "function_call"]
    reasoning = [item for item in items if item.get("type") == "reasoning"]
    finish = _finish(answer, finish_reasons)
    if not texts and not calls and not reasoning and finish != "length":
        raise EndpointError("The endpoint's answer holds no message.")
    tool_calls, invalid = read_calls(calls)
    return AIMessage(
        content="".join(text[0] for text in texts if text),
        tool_calls=tool_calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage_of(answer),
        response_metadata={
            "model_name": as_text(answer.get("model")) or model,
            "model_provider": "openai",
            "finish_reason": "tool_calls" if calls and finish == "stop" else finish,
        },
        additional_kwargs=_kept(reasoning),
    )


def _call(item: dict[str, Any]) -> dict[str, Any]:
    named = {"name": item.get("name"), "arguments": item.get("arguments")}
    return {"id": item.get("call_id") or item.get("id"), "function": named}


def _kept(reasoning: list[dict[str, Any]]) -> dict[str, Any]:
    if not reasoning:
        return {}
    said = [item.get(name) or "" for item in reasoning for name in ("summary", "content")]
    kept: dict[str, Any] = {REASONING_ITEMS: deep_clean([_sendable(item) for item in reasoning])}
    if thought := "".join(words(said) or ()):
        kept["reasoning_content"] = thought
    return kept


def _sendable(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "status" and value is not None}


def _finish(answer: dict[str, Any], finish_reasons: Collection[str]) -> str:
    status = answer.get("status") or "completed"
    if status == "incomplete":
        details = answer.get("incomplete_details")
        status = (details.get("reason") if isinstance(details, dict) else None) or status
    return finish_of(status, finish_reasons, answer.get("error"))


class ResponseStream:
    """Reads the events of one streamed response: text as it comes, everything else from the response at its end."""

    def __init__(self, model: str, finish_reasons: Collection[str] = ()) -> None:
        self._model, self._reasons = model, finish_reasons
        self._said = self._thought = False
        self._whole: AIMessage | None = None

    def read(self, event: dict[str, Any]) -> Iterator[AIMessageChunk]:
        """The chunk that one event brings, if it brings text. Raises as `message_from` does."""
        kind = as_text(event.get("type"))
        if kind == "response.failed" or (kind == "error" and not event.get("error")):
            response = event.get("response")
            said = server_message(response if isinstance(response, dict) else event) or "unnamed error"
            raise Transient(f"The endpoint broke off its stream: {said}")
        raise_error_in(event, "broke off its stream")
        delta = as_text(event.get("delta"))
        if kind in ("response.output_text.delta", "response.refusal.delta") and delta:
            self._said = True
            yield AIMessageChunk(content=delta)
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta") and delta:
            self._thought = True
            yield AIMessageChunk(content="", additional_kwargs={"reasoning_content": delta})
        elif kind in ("response.completed", "response.incomplete"):
            response = event.get("response")
            if not isinstance(response, dict):
                raise EndpointError("The endpoint's stream ended without a response.")
            self._whole = message_from(response, self._model, self._reasons)

    def end(self, done: bool) -> Iterator[AIMessageChunk]:
        """What is left to say at the end. Raises `Transient` when the stream ended before the response did."""
        whole = self._whole
        if whole is None:
            raise Transient("The endpoint's stream ended in the middle of the reply")
        kept = dict(whole.additional_kwargs)
        if self._thought:
            kept.pop("reasoning_content", None)
        made = [*whole.tool_calls, *whole.invalid_tool_calls]
        calls = [{"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in made]
        yield AIMessageChunk(
            content="" if self._said else whole.text,
            tool_call_chunks=list(whole_pieces(calls)),
            additional_kwargs=kept,
            usage_metadata=whole.usage_metadata,
            response_metadata=whole.response_metadata,
        )
