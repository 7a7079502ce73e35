"""LangChain's own conformance suites on our chat models."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from sml_agents.backends.local import EmbeddedChatModel
from sml_agents.backends.openai_compatible import OpenAICompatibleModel
from sml_agents.testing import ScriptedModel
from sml_agents.testing.loopback import Exchange, completion, serve


class _Scripted:
    has_tool_calling = False
    has_structured_output = False

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ScriptedModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"replies": ["Hello.", "And again."]}


class TestScriptedUnit(_Scripted, ChatModelUnitTests):
    pass


class TestScripted(_Scripted, ChatModelIntegrationTests):
    pass


class _Embedded:
    has_tool_calling = False
    has_structured_output = False

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return EmbeddedChatModel

    @property
    def standard_chat_model_params(self) -> dict[str, Any]:
        return {"temperature": 0, "max_tokens": 8}


class TestEmbeddedUnit(_Embedded, ChatModelUnitTests):
    pass


@pytest.mark.usefixtures("embedded_model")
class TestEmbedded(_Embedded, ChatModelIntegrationTests):
    pass


class TestOpenAICompatibleUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAICompatibleModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "loopback", "base_url": "http://127.0.0.1:9/v1"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        return {"OPENAI_BASE_URL": "http://from-env/v1"}, {"model": "m"}, {"_base_url": "http://from-env/v1"}


def example(schema: dict[str, Any], said: str, definitions: dict[str, Any]) -> Any:
    """A value that fits a JSON schema: 3 for numbers, what the user put in quotes for texts."""
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rsplit("/", 1)[1]], said, definitions)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], said, definitions)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: example(part, said, definitions) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"], said, definitions)]
    quoted = re.search(r"[\"'“]([^\"'”]+)[\"'”]", said)
    return {"integer": 3, "number": 3.0, "boolean": True}.get(kind or "", quoted[1] if quoted else "text")


async def obedient(exchange: Exchange) -> None:
    """A server that calls the tool it is offered (the one demanded, else the first) until it has seen a result."""
    request = exchange.json
    messages, tools = request["messages"], request.get("tools") or []
    said = next(message["content"] for message in reversed(messages) if message["role"] == "user")
    said = said if isinstance(said, str) else json.dumps(said)
    answer = completion(model=request["model"])
    choice = request.get("tool_choice", "auto")
    if tools and messages[-1]["role"] != "tool" and choice != "none":
        names = [choice["function"]["name"]] if isinstance(choice, dict) else [tools[0]["function"]["name"]]
        function = next(tool["function"] for tool in tools if tool["function"]["name"] == names[0])
        arguments = example(function["parameters"], said, function["parameters"].get("$defs", {}))
        call = {"id": "call_1", "type": "function", "function": {"name": names[0], "arguments": json.dumps(arguments)}}
        answer = completion("", finish="tool_calls", model=request["model"])
        answer["choices"][0]["message"]["tool_calls"] = [call]
    if request.get("stop"):
        answer["choices"][0]["message"]["content"] = "Hello"
    if not request.get("stream"):
        await exchange.answer(answer)
        return
    message = answer["choices"][0]["message"]
    head = {"id": "chatcmpl-1", "model": request["model"]}

    def event(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    events = [event({"role": "assistant", "content": part}) for part in (message["content"] or "").split(" ")]
    for call in message.get("tool_calls", []):
        arguments = call["function"]["arguments"]
        events.append(event({"tool_calls": [{**call, "index": 0, "function": {"name": call["function"]["name"]}}]}))
        for start in range(0, len(arguments), 7):
            events.append(
                event({"tool_calls": [{"index": 0, "function": {"arguments": arguments[start : start + 7]}}]})
            )
    events.append(event({}, answer["choices"][0]["finish_reason"]))
    await exchange.stream(*events, {**head, "choices": [], "usage": answer["usage"]})


@pytest.fixture(scope="module")
def obedient_url() -> Iterator[str]:
    """The address of an `obedient` server that runs in a loop of its own."""
    ready, stop, box = threading.Event(), threading.Event(), list[str]()

    async def run() -> None:
        async with serve(obedient) as server:
            box.append(server.url)
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    ready.wait()
    yield box[0]
    stop.set()
    thread.join()


class TestOpenAICompatible(ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _address(self, obedient_url: str) -> None:
        self.url = obedient_url

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAICompatibleModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "loopback", "base_url": self.url}

    @property
    def model_override_value(self) -> str:
        return "another"
