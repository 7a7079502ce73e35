"""What a client gets: a chat model's reply, and an error, in OpenAI's form."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from langchain_core.messages import AIMessage, AIMessageChunk, ToolCallChunk

from sml_agents.backends.text import clean
from sml_agents.serving.request import ChatRequest
from sml_agents.text.tools import json_text

__all__ = ["Answer", "error_body", "refused"]

_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def error_body(status: int, message: str, *, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    kind = _KINDS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refused(
    status: int, message: str, *, code: str | None = None, param: str | None = None, retry: bool = False
) -> web.Response:
    """The same as a whole response; with `retry` a client is told to come again in a second."""
    return web.Response(
        status=status,
        body=orjson.dumps(error_body(status, message, code=code, param=param)),
        content_type="application/json",
        headers={"Retry-After": "1"} if retry else None,
    )


@dataclass
class Answer:
    """The frame of one answer: the parts that all its choices and chunks share."""

    request: ChatRequest
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, replies: Sequence[AIMessage]) -> bytes:
        """A chat completion with a choice for each of `replies`."""
        answer = self._head("chat.completion")
        answer["choices"] = [self._choice(index, reply) for index, reply in enumerate(replies)]
        answer["usage"] = _usage(replies)
        ids = replies[0].response_metadata.get("prompt_ids")
        if self.request.return_token_ids and ids is not None:
            answer["prompt_token_ids"] = ids
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)

    def piece(self, index: int, chunk: AIMessageChunk, *, first: bool) -> bytes | None:
        """The event that one chunk of a reply is; None where it says nothing new."""
        delta: dict[str, Any] = {"role": "assistant"} if first else {}
        if chunk.text or first:
            delta["content"] = clean(chunk.text)
        if chunk.tool_call_chunks:
            delta["tool_calls"] = [_call_delta(place, call) for place, call in enumerate(chunk.tool_call_chunks)]
        logprobs = chunk.response_metadata.get("logprobs") if self.request.logprobs else None
        if not delta and logprobs is None:
            return None
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None}
        return self._event([choice])

    def end(self, index: int, reply: AIMessage) -> bytes:
        """The event with which a choice ends."""
        return self._event([{"index": index, "delta": {}, "logprobs": None, "finish_reason": _finish(reply)}])

    def usage(self, replies: Sequence[AIMessage]) -> bytes:
        """The event with the usage of all choices."""
        return self._event([], usage=_usage(replies))

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.request.model}

    def _event(self, choices: list[Any], **more: Any) -> bytes:
        event = {**self._head("chat.completion.chunk"), "choices": choices, **more}
        return b"data: " + orjson.dumps(event) + b"\n\n"

    def _choice(self, index: int, reply: AIMessage) -> dict[str, Any]:
        text = clean(reply.text)
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        calls = [(call["name"], json_text(call["args"])) for call in reply.tool_calls]
        # Arguments that are no JSON are the client's to see: as OpenAI gives them, and as they are streamed.
        calls += [(call["name"] or "", clean(call["args"] or "")) for call in reply.invalid_tool_calls]
        if calls:
            message["content"] = text or None
            message["tool_calls"] = [
                {"id": _call_id(), "type": "function", "function": {"name": name, "arguments": arguments}}
                for name, arguments in calls
            ]
        meta = reply.response_metadata
        choice = {
            "index": index,
            "message": message,
            "logprobs": meta.get("logprobs") if self.request.logprobs else None,
            "finish_reason": _finish(reply),
        }
        if self.request.return_token_ids and meta.get("completion_ids") is not None:
            choice["token_ids"] = meta["completion_ids"]
        return choice


def _call_delta(place: int, call: ToolCallChunk) -> dict[str, Any]:
    """A call, or a piece of one: only its first has id and name."""
    index = call.get("index")
    piece: dict[str, Any] = {"index": place if index is None else index}
    if call["name"]:
        piece |= {"id": _call_id(), "type": "function"}
    name = {"name": call["name"]} if call["name"] else {}
    return {**piece, "function": {**name, "arguments": clean(call["args"] or "")}}


def _call_id() -> str:
    """Unlike any other's, so that a client's graph never takes one turn's call for another's; nine characters and no
    sign, as templates of Mistral's demand."""
    return uuid.uuid4().hex[:9]


def _finish(reply: AIMessage) -> str:
    if reply.tool_calls or reply.invalid_tool_calls:
        return "tool_calls"
    return str(reply.response_metadata.get("finish_reason") or "stop")


def _usage(replies: Sequence[AIMessage]) -> dict[str, int] | None:
    """What all replies to one prompt took together; None where a model does not say."""
    known = [reply.usage_metadata for reply in replies if reply.usage_metadata is not None]
    if len(known) < len(replies) or not known:
        return None
    prompt, completion = known[0]["input_tokens"], sum(usage["output_tokens"] for usage in known)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
