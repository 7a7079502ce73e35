"""OpenAI's Chat Completions API, as OpenAI and the many servers after it speak it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import UsageMetadata

from sml_agents.backends.replies import (
    as_text,
    finish_of,
    integers,
    raise_error_in,
    read_calls,
    usage_of,
    whole_pieces,
    words,
)
from sml_agents.backends.retries import Transient
from sml_agents.backends.text import REASONING_FIELDS, clean, deep_clean
from sml_agents.errors import EndpointError

__all__ = ["PATH", "CompletionStream", "message_from"]

PATH = "/chat/completions"

_CALL_FIELDS = {"id", "type", "index", "function", "custom"}


def message_from(answer: dict[str, Any], model: str, finish_reasons: Collection[str] = ()) -> AIMessage:
    """The first choice of a chat completion.

    Raises `EndpointError` if it is none, or was withheld, and `Transient` if it was broken off.
    """
    raise_error_in(answer, "answered with an error")
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise EndpointError("The endpoint's answer holds no choice with a message.")
    finish = finish_of(choice.get("finish_reason"), finish_reasons, choice.get("error"))
    calls = _calls(message)
    tool_calls, invalid = read_calls(calls)
    content = message.get("content")
    kept = _reasoning(message) if len(message) > 2 else {}  # beside role and content
    if isinstance(content, str):
        text = clean(content)
    else:
        text, thought = _other_content(message, finish, bool(tool_calls or invalid or kept))
        if thought:
            kept.setdefault("reasoning_content", thought)
    if calls and (signed := _signed(calls)):
        kept["tool_call_extras"] = signed
    metadata: dict[str, Any] = {
        "model_name": as_text(answer.get("model")) or model,
        "model_provider": "openai",
        "finish_reason": finish,
    }
    for name, ids in (
        ("prompt_ids", answer.get("prompt_token_ids") or choice.get("prompt_token_ids")),
        ("completion_ids", choice.get("token_ids")),
    ):
        if ids is not None and (checked := integers(ids)) is not None:
            metadata[name] = checked
    # The answer's id is no id for the message: some servers give the same to many, and LangGraph then takes one message
    # for another.
    return AIMessage(
        content=text,
        tool_calls=tool_calls,
        invalid_tool_calls=invalid,
        usage_metadata=usage_of(answer) or _usage_in(choice),
        response_metadata=metadata,
        additional_kwargs=kept,
    )


def _other_content(message: dict[str, Any], finish: str, has_more: bool) -> tuple[str, str]:
    """Text and reasoning of a message whose content is no text: parts, or nothing."""
    content = message.get("content")
    if content is None:
        refusal = message.get("refusal")
        if isinstance(refusal, str):
            return clean(refusal), ""
        # Reasoning that used up all tokens leaves no content; that is a short reply, not a broken one.
        if has_more or finish == "length":
            return "", ""
        raise EndpointError("The endpoint's message has no content.")
    read = words(content)
    if read is None:
        raise EndpointError(f"The endpoint's message has content of type {type(content).__name__}, not text.")
    return read


def _reasoning(message: dict[str, Any]) -> dict[str, Any]:
    """The reasoning beside a message's text: under the names that the server has for it, and under LangChain's."""
    kept: dict[str, Any] = {}
    for name in REASONING_FIELDS:
        if value := message.get(name):
            kept[name] = deep_clean(value)
    if kept and "reasoning_content" not in kept:
        read = words(kept.get("reasoning", kept.get("reasoning_details")))
        kept["reasoning_content"] = "".join(read or ())
    return kept


def _calls(message: dict[str, Any]) -> list[Any]:
    """The tool calls of a message, the single one of the older form included."""
    calls = message.get("tool_calls")
    if not calls and (older := message.get("function_call")):
        return [{"function": older}]
    return calls if isinstance(calls, list) else [calls] if calls else []


def _signed(calls: list[Any]) -> dict[str, Any]:
    """What calls carry beside the call, by id: Gemini's signatures of its reasoning, which it wants back."""
    extras = {
        as_text(call.get("id")): {name: value for name, value in call.items() if name not in _CALL_FIELDS}
        for call in calls
        if isinstance(call, dict)
    }
    return {id: deep_clean(extra) for id, extra in extras.items() if id and extra}


def _usage_in(choice: dict[str, Any]) -> UsageMetadata | None:
    return usage_of(choice) if "usage" in choice else None


class CompletionStream:
    """Reads the events of one streamed chat completion.

    Text and reasoning are passed on as they come. Finish reason, usage (servers repeat it, each time for all so far)
    and tool calls come at the end, whole.
    """

    def __init__(self, model: str, finish_reasons: Collection[str] = ()) -> None:
        self._model, self._reasons = model, finish_reasons
        self._finish = ""
        self._usage: UsageMetadata | None = None
        self._calls: list[dict[str, Any]] = []
        self._open: dict[int, dict[str, Any]] = {}
        self._thoughts_in = len(REASONING_FIELDS)

    def read(self, event: dict[str, Any]) -> Iterator[AIMessageChunk]:
        """The chunk that one event brings, if it brings text. Raises as `message_from` does."""
        raise_error_in(event, "broke off its stream")
        self._usage = usage_of(event) or self._usage
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices:
            return  # usage, a ping, or another event that is none of the reply
        choice = choices[0]
        delta = choice.get("delta", choice.get("message")) if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(delta, dict | None):
            raise EndpointError("The endpoint streamed a choice without a delta.")
        self._model = as_text(event.get("model")) or self._model
        self._usage = _usage_in(choice) or self._usage
        delta = delta or {}
        kept = self._thoughts(delta)
        content = delta.get("content")
        read = words(content if content is not None else delta.get("refusal") or "")
        if read is None:
            raise EndpointError(f"The endpoint streamed content of type {type(content).__name__}, not text.")
        text, thought = read
        if thought:
            kept.setdefault("reasoning_content", thought)
        for piece in _calls(delta):
            self._add(piece)
        if text or kept:
            yield AIMessageChunk(content=text, additional_kwargs=kept)
        if (reason := choice.get("finish_reason")) not in (None, ""):
            self._finish = finish_of(reason, self._reasons, choice.get("error"))

    def _thoughts(self, delta: dict[str, Any]) -> dict[str, Any]:
        """The reasoning in a delta. LangChain's name for it is filled from one of the server's: some send it twice."""
        kept = _reasoning(delta)
        place = next((at for at, name in enumerate(REASONING_FIELDS) if delta.get(name)), self._thoughts_in)
        self._thoughts_in = min(place, self._thoughts_in)
        if place > self._thoughts_in:
            kept.pop("reasoning_content", None)
        return kept

    def _add(self, piece: Any) -> None:
        """Put a piece of a tool call to the call that it belongs to."""
        piece = piece if isinstance(piece, dict) else {"function": piece}
        function = piece.get("function", {})
        known = function if isinstance(function, dict) else {"arguments": function}
        id, name, arguments = as_text(piece.get("id")), as_text(known.get("name")), known.get("arguments")
        index = piece.get("index")
        place = index if type(index) is int else max(self._open, default=0)
        call = self._open.get(place)
        if call is None or _begins_another(call, id, name):
            call = self._open[place] = {"id": id, "function": {"name": name, "arguments": ""}}
            self._calls.append(call)
        call["id"] = call["id"] or id
        call.update({key: value for key, value in piece.items() if key not in _CALL_FIELDS})
        function = call["function"]
        function["name"] = function["name"] or name
        if not isinstance(arguments, str | None):
            function["arguments"] = arguments  # whole, as an object
        elif arguments and isinstance(function["arguments"], str):
            function["arguments"] += arguments

    def end(self, done: bool) -> Iterator[AIMessageChunk]:
        """What is left to say at the end of the stream. `done`: it ended as it should.

        Raises `Transient` when it ended in the middle of the reply.
        """
        if not self._finish and not done:
            raise Transient("The endpoint's stream ended in the middle of the reply")
        signed = _signed(self._calls)
        yield AIMessageChunk(
            content="",
            tool_call_chunks=list(whole_pieces(self._calls)),
            additional_kwargs={"tool_call_extras": signed} if signed else {},
            usage_metadata=self._usage,
            response_metadata={
                "finish_reason": self._finish or ("tool_calls" if self._calls else "stop"),
                "model_name": self._model,
                "model_provider": "openai",
            },
        )


def _begins_another(call: dict[str, Any], id: str, name: str) -> bool:
    """Whether a piece with `id` and `name` is the first of another call than `call`, though it has its place."""
    if id and call["id"]:
        return bool(id != call["id"])
    function = call["function"]
    if not name or not function["name"]:
        return False
    return bool(name != function["name"] or (function["arguments"] and read_calls([call])[0]))
