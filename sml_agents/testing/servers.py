"""A model's server for tests, in every manner that real ones have: real HTTP on loopback, no model behind it.

    from sml_agents.testing.loopback import serve
    from sml_agents.testing.servers import KINDS, ModelServer

    async with serve(ModelServer(KINDS["refuses seed, FastAPI"])) as server:
        model = resolve(f"openai:m@{server.url}")

`ModelServer()` without a kind does as OpenAI's does. It speaks Chat Completions and Responses, whole and streamed,
calls the first tool that it is offered, with arguments that fit, and says "Hello there." once it has the result. A
`Kind` changes one thing: what it refuses, how it puts its replies, or what it does to the first request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sml_agents.testing.kinds import KINDS, Kind
from sml_agents.testing.loopback import Exchange, completion

__all__ = ["KINDS", "Kind", "ModelServer"]

TEXT = "Hello there."


@dataclass
class ModelServer:
    """A scenario for `loopback.serve`."""

    kind: Kind = field(default_factory=Kind)

    async def __call__(self, exchange: Exchange) -> None:
        request = exchange.json
        if self.kind.first is not None and exchange.number == 1:
            await self.kind.first(exchange)
            return
        refusal = self.kind.refuses(request)
        if refusal is not None:
            await exchange.answer(refusal[1], refusal[0])
        elif exchange.path.partition("?")[0].endswith("/responses"):
            await _respond(exchange, request)
        else:
            await self._complete(exchange, request)

    async def _complete(self, exchange: Exchange, request: dict[str, Any]) -> None:
        message, finish = _reply(request)
        message = self.kind.message(message)
        answer = completion(finish=finish, model=request["model"])
        answer["choices"][0]["message"] = message
        if not request.get("stream"):
            await exchange.answer(self.kind.answer(answer))
            return
        head = {"id": answer["id"], "model": answer["model"]}
        events: list[Any] = [
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in _deltas(message)
        ]
        events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if (request.get("stream_options") or {}).get("include_usage"):
            events.append({**head, "choices": [], "usage": answer["usage"]})
        await exchange.stream(*self.kind.events(events))


def _reply(request: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The message to a chat completion's request, and its finish reason."""
    messages, tools = request["messages"], request.get("tools") or []
    choice = request.get("tool_choice", "auto")
    message: dict[str, Any] = {"role": "assistant", "content": TEXT}
    if tools and messages[-1]["role"] != "tool" and choice != "none":
        wanted = choice["function"]["name"] if isinstance(choice, dict) else tools[0]["function"]["name"]
        function = next(tool["function"] for tool in tools if tool["function"]["name"] == wanted)
        said = next(entry["content"] for entry in reversed(messages) if entry["role"] == "user")
        schema = function.get("parameters", {})
        arguments = _example(schema, said if isinstance(said, str) else json.dumps(said), schema.get("$defs", {}))
        call = {"name": wanted, "arguments": json.dumps(arguments or {})}
        message |= {"content": "", "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
        return message, "tool_calls"
    for stop in request.get("stop") or ():
        message["content"] = message["content"].partition(stop)[0]
    return message, "stop"


def _example(schema: dict[str, Any], said: str, definitions: dict[str, Any]) -> Any:
    """A value that fits a JSON schema: 3 for numbers, what the user put in quotes for texts."""
    if "$ref" in schema:
        return _example(definitions[schema["$ref"].rsplit("/", 1)[1]], said, definitions)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], said, definitions)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: _example(part, said, definitions) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(schema["items"], said, definitions)]
    quoted = re.search(r"[\"'“]([^\"'”]+)[\"'”]", said)
    return {"integer": 3, "number": 3.0, "boolean": True}.get(kind or "", quoted[1] if quoted else "text")


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A message in the pieces in which it is streamed: words, parts, and seven characters of arguments at a time."""
    yield {"role": "assistant", "content": ""}
    for name, value in message.items():
        if isinstance(value, str) and name != "role":
            for word in re.findall(r"\S*\s*", value):
                if word:
                    yield {name: word}
        elif name == "tool_calls" and isinstance(value, list):
            for index, call in enumerate(value):
                yield from _call_deltas(index, call)
        elif isinstance(value, list):
            for part in value:
                yield {name: [part]}
        elif name != "role":
            yield {name: value}


def _call_deltas(index: int, call: Any) -> Iterator[dict[str, Any]]:
    function = call.get("function") if isinstance(call, dict) else None
    arguments = function.get("arguments") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(arguments, str):
        yield {"tool_calls": [{**call, "index": index} if isinstance(call, dict) else call]}
        return
    yield {"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]}
    for start in range(0, len(arguments), 7):
        yield {"tool_calls": [{"index": index, "function": {"arguments": arguments[start : start + 7]}}]}


async def _respond(exchange: Exchange, request: dict[str, Any]) -> None:
    """The same reply in the form of the Responses API."""
    messages = [
        {"role": "tool", "content": item["output"]} if item.get("type") == "function_call_output" else item
        for item in request["input"]
        if "role" in item or item.get("type") == "function_call_output"
    ]
    tools = [{"function": tool} for tool in request.get("tools", [])]
    choice = request.get("tool_choice", "auto")
    choice = {"function": choice} if isinstance(choice, dict) else choice
    message, _ = _reply({"messages": messages, "tools": tools, "tool_choice": choice})
    output: list[dict[str, Any]] = [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"}]
    for call in message.get("tool_calls", []):
        output.append({"type": "function_call", "id": "fc_1", "call_id": call["id"], **call["function"]})
    text = message["content"]
    if text:
        part = {"type": "output_text", "text": text, "annotations": []}
        output.append({"type": "message", "id": "msg_1", "role": "assistant", "content": [part]})
    response = {"id": "resp_1", "object": "response", "status": "completed", "error": None, "model": request["model"]}
    whole = {**response, "output": output, "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}}
    if not request.get("stream"):
        await exchange.answer(whole)
        return
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {**response, "status": "in_progress"}}]
    events += [{"type": "response.output_text.delta", "delta": word} for word in re.findall(r"\S+\s*", text)]
    events.append({"type": "response.completed", "response": whole})
    await exchange.stream(*events, end=b"")
