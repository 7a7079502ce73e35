"""What the OpenAI-compatible model sends, and what it makes of a good answer."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref
from contextvars import ContextVar
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, get_usage_metadata_callback
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import LLMResult

from sml_agents.backends.openai_compatible import OpenAICompatibleModel
from sml_agents.testing.loopback import Exchange, chat, completion, serve


async def test_what_is_sent() -> None:
    async with serve(chat()) as server:
        model = OpenAICompatibleModel(
            model="m", base_url=server.url, api_key="sk-key", temperature=0.5, top_p=0.9, max_tokens=7, stop=["END"]
        )
        conversation = [
            SystemMessage("be kind"),
            HumanMessage("hi"),
            AIMessage("hello"),
            HumanMessage("bye", name="al"),
        ]
        await model.ainvoke(conversation, seed=5, temperature=1.0)
        [request] = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-key"
    assert request.json == {
        "model": "m",
        "temperature": 1.0,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["END"],
        "seed": 5,
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "bye", "name": "al"},
        ],
    }


async def test_unset_settings_are_left_to_the_endpoint() -> None:
    async with serve(chat()) as server:
        await OpenAICompatibleModel(model="m", base_url=server.url).ainvoke("hi")
        [request] = server.requests
    assert set(request.json) == {"model", "messages"}
    assert "authorization" not in request.headers


async def test_what_comes_back() -> None:
    body = completion("Hi!", prompt_token_ids=[1, 2, 3])
    body["choices"][0]["token_ids"] = [4, 5]
    async with serve(chat(body)) as server:
        message = await OpenAICompatibleModel(model="m", base_url=server.url, token_ids=True).ainvoke("hi")
        assert server.requests[0].json["return_token_ids"] is True
    assert message.content == "Hi!"
    assert message.usage_metadata == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    assert message.response_metadata == {
        "model_name": "loopback",
        "model_provider": "openai",
        "finish_reason": "stop",
        "prompt_ids": [1, 2, 3],
        "completion_ids": [4, 5],
    }


async def test_tools_there_and_back() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}},
        {"id": "c2", "type": "function", "function": {"name": "add", "arguments": '{"a": '}},
    ]
    body = completion(None, finish="tool_calls")
    body["choices"][0]["message"]["tool_calls"] = calls

    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    async with serve(chat(body)) as server:
        model = OpenAICompatibleModel(model="m", base_url=server.url)
        message = await model.bind_tools([add], tool_choice="any").ainvoke("1+2?")
        assert server.requests[0].json["tools"][0]["function"]["name"] == "add"
        assert server.requests[0].json["tool_choice"] == "required"
        assert message.tool_calls == [{"name": "add", "args": {"a": 1, "b": 2}, "id": "c1", "type": "tool_call"}]
        assert [call["id"] for call in message.invalid_tool_calls] == ["c2"]
        await model.ainvoke([HumanMessage("1+2?"), message, ToolMessage("3", tool_call_id="c1")])
        sent = server.requests[1].json["messages"]
    assert sent[1]["tool_calls"][0]["function"]["name"] == "add"
    assert sent[2] == {"role": "tool", "tool_call_id": "c1", "content": "3"}


class Listener(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.heard: list[str] = []

    async def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        self.heard.append("start")

    async def on_llm_end(self, response: LLMResult, **kwargs: Any) -> None:
        self.heard.append(response.generations[0][0].text)

    async def on_llm_error(self, error: BaseException, **kwargs: Any) -> None:
        self.heard.append(type(error).__name__)


async def test_whoever_listens_hears_every_call() -> None:
    async with serve(chat()) as server:
        for given in ("constructor", "config"):
            listener = Listener()
            own = {"callbacks": [listener]} if given == "constructor" else {}
            model = OpenAICompatibleModel(model="m", base_url=server.url, **own)
            await model.ainvoke("hi", {} if own else {"callbacks": [listener]})
            assert listener.heard == ["start", "Hello there."]
        with get_usage_metadata_callback() as usage:
            await OpenAICompatibleModel(model="m", base_url=server.url).ainvoke("hi")
        assert usage.usage_metadata["loopback"]["total_tokens"] == 10
        model = OpenAICompatibleModel(model="m", base_url=server.url)
        kinds = [event["event"] async for event in model.astream_events("hi", version="v2")]
        assert "on_chat_model_start" in kinds


async def test_listeners_of_a_graph_hear_the_tokens() -> None:
    from langgraph.graph import START, MessagesState, StateGraph

    async def scenario(exchange: Exchange) -> None:
        words = [{"choices": [{"delta": {"content": word}, "finish_reason": None}]} for word in ("a ", "b")]
        await exchange.stream(*words, {"choices": [{"delta": {}, "finish_reason": "stop"}]})

    async with serve(scenario) as server:
        model = OpenAICompatibleModel(model="m", base_url=server.url)

        async def talk(state: MessagesState) -> dict[str, Any]:
            return {"messages": [await model.ainvoke(state["messages"])]}

        graph = StateGraph(MessagesState).add_node("talk", talk).add_edge(START, "talk").compile()
        start: Any = {"messages": [HumanMessage("hi")]}
        heard = [message.text async for message, _ in graph.astream(start, stream_mode="messages")]
    assert [text for text in heard if text] == ["a ", "b"]


async def test_a_cache_is_used() -> None:
    async with serve(chat()) as server:
        model = OpenAICompatibleModel(model="m", base_url=server.url, cache=InMemoryCache())
        first, second = await model.ainvoke("hi"), await model.ainvoke("hi")
        assert (first.content, second.content, len(server.requests)) == ("Hello there.", "Hello there.", 1)


def test_a_kept_connection_holds_nothing_of_the_dialogue_that_opened_it() -> None:
    class State:
        """What a graph keeps in the context of its tasks."""

    at_work: ContextVar[State] = ContextVar("at_work")
    held: list[weakref.ref[State]] = []

    async def dialogue(model: OpenAICompatibleModel) -> None:
        state = State()
        held.append(weakref.ref(state))
        at_work.set(state)
        await model.ainvoke("hi")

    async def many() -> None:
        async with serve(chat()) as server:
            model = OpenAICompatibleModel(model="m", base_url=server.url)
            await asyncio.gather(*(dialogue(model) for _ in range(20)))
            await asyncio.sleep(0.05)
            gc.collect()
            assert sum(state() is not None for state in held) <= 1, "a timer of the pool keeps one"
            await model.ainvoke("still there")
        assert len({id(request.writer) for request in server.requests}) <= 20

    # The loop of asyncio keeps up to a hundred cancelled timers, each with its context.
    pytest.importorskip("uvloop").run(many())


async def test_connections_are_kept() -> None:
    async with serve(chat()) as server:
        model = OpenAICompatibleModel(model="m", base_url=server.url)
        for _ in range(5):
            await model.ainvoke("hi")
        assert len({id(request.writer) for request in server.requests}) == 1


async def test_the_synchronous_way_works_beside_a_running_loop() -> None:
    async with serve(chat()) as server:
        model = OpenAICompatibleModel(model="m", base_url=server.url)
        messages = await asyncio.gather(*[asyncio.to_thread(model.invoke, "hi") for _ in range(5)])
        assert [message.content for message in messages] == ["Hello there."] * 5


def test_one_object_in_several_loops_and_a_clean_exit() -> None:
    code = """
import asyncio, sys
sys.path.insert(0, ".")
from sml_agents.backends.openai_compatible import OpenAICompatibleModel
from sml_agents.testing.loopback import chat, serve
import threading

ready, done, box = threading.Event(), threading.Event(), []
async def server():
    async with serve(chat()) as running:
        box.append(running.url); ready.set()
        while not done.is_set():
            await asyncio.sleep(0.01)
thread = threading.Thread(target=lambda: asyncio.run(server())); thread.start(); ready.wait()
model = OpenAICompatibleModel(model="m", base_url=box[0])
for _ in range(3):
    assert asyncio.run(model.ainvoke("hi")).content == "Hello there."
assert model.invoke("hi").content == "Hello there."
done.set(); thread.join()
print("all said")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("all said\n", "", 0)


@pytest.mark.parametrize("tool_choice", ["add", {"type": "function", "function": {"name": "add"}}])
async def test_a_tool_can_be_demanded_by_name(tool_choice: Any) -> None:
    async with serve(chat()) as server:
        model = OpenAICompatibleModel(model="m", base_url=server.url)
        tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
        await model.bind_tools([tool], tool_choice=tool_choice).ainvoke("1+2?")
        assert server.requests[0].json["tool_choice"] == {"type": "function", "function": {"name": "add"}}
