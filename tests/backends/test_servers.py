"""Every manner of servers that `sml_agents.testing` knows, over HTTP: whole and streamed, by our client and by the
`openai` package's, alone and through an agent."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from sml_agents.agents.student import AgentStudent
from sml_agents.backends import resolve
from sml_agents.testing.loopback import Loopback, serve
from sml_agents.testing.servers import KINDS, Kind, ModelServer
from sml_agents.types import Role
from sml_agents.views import StudentView

WAYS = ("openai", "client")
SAID = [
    SystemMessage("Be kind."),
    HumanMessage("How is the weather in 'Paris'?", name="ada"),
    AIMessage(""),
    HumanMessage("How is the weather in 'Paris'?"),
    HumanMessage("In 'Paris', please."),
]
"""A conversation with everything in it that some server refuses."""


@asynccontextmanager
async def models(kind: Kind, **settings: Any) -> AsyncIterator[list[tuple[BaseChatModel, Loopback]]]:
    """A model at a server of `kind` for each way in, each with a server of its own."""
    given = {"temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "stop": ["END"], **settings}
    async with serve(ModelServer(kind)) as first, serve(ModelServer(kind)) as second:
        lean = resolve(f"openai:m@{first.url}", backoff=0.001, timeout=20, **given)
        plain = DefaultAsyncHttpxClient(verify=False)  # certificates take longer to load than all the rest
        client = AsyncOpenAI(base_url=second.url, api_key="sk-0123456789", http_client=plain)
        async with client:
            yield [(lean, first), (resolve(client, model="m", timeout=20, **given), second)]


async def said(model: Any, messages: list[AnyMessage], streamed: bool, **given: Any) -> AIMessage:
    if not streamed:
        return await model.ainvoke(messages, **given)
    whole: AIMessageChunk | None = None
    async for chunk in model.astream(messages, **given):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


def weather(city: str) -> str:
    """How the weather is.

    Args:
        city: Where.
    """
    return f"Rain in {city}."


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_reply(name: str, streamed: bool) -> None:
    renamed = {"max_tokens": "max_completion_tokens"} if name == "refuses max_completion_tokens" else {}
    async with models(KINDS[name], rename=renamed) as ways:
        for model, server in ways:
            message = await said(model, SAID, streamed, seed=5)
            assert message.text == "Hello there."
            assert message.response_metadata["finish_reason"] == "stop"
            if name != "refuses stream_options" or not streamed:
                assert message.usage_metadata is not None
                assert message.usage_metadata["total_tokens"] == 10
            if name.startswith(("reasoning", "content in thinking")):
                assert message.additional_kwargs["reasoning_content"] == "Hm."
            before = len(server.requests)
            assert (await said(model, SAID, streamed, seed=5)).text == "Hello there."
            assert len(server.requests) == before + 1, "what was refused once is not sent again"


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_tool_call_and_its_result(name: str, streamed: bool) -> None:
    async with models(KINDS[name]) as ways:
        for model, _ in ways:
            bound = model.bind_tools([weather])
            asked = [SystemMessage("Be kind."), HumanMessage("How is the weather in 'Paris'?")]
            if KINDS[name].first is not None:
                assert (await said(model, asked, streamed)).text == "Hello there."
            message = await said(bound, asked, streamed, seed=5)
            assert [(call["name"], call["args"]) for call in message.tool_calls] == [("weather", {"city": "Paris"})]
            assert message.invalid_tool_calls == []
            id = message.tool_calls[0]["id"]
            assert id
            result = ToolMessage("Rain in Paris.", tool_call_id=id)
            assert (await said(bound, [*asked, message, result], streamed, seed=5)).text == "Hello there."


def agent(model: BaseChatModel, streamed: bool) -> Any:
    """An agent that calls tools until it has something to say."""
    bound = model.bind_tools([weather])

    async def talk(state: MessagesState) -> dict[str, Any]:
        message = await said(bound, state["messages"], streamed)
        return {"messages": [message]}

    graph = StateGraph(MessagesState).add_node("talk", talk).add_node("tools", ToolNode([weather]))
    return (
        graph.add_edge(START, "talk").add_conditional_edges("talk", tools_condition).add_edge("tools", "talk").compile()
    )


@pytest.mark.parametrize("name", KINDS)
async def test_an_agent_as_the_student(name: str) -> None:
    """Two turns, the calls of the first in the history of the second."""
    async with models(KINDS[name]) as ways:
        for model, _ in ways:
            for streamed in (False, True):
                student = AgentStudent(agent(model, streamed))
                history: tuple[tuple[Role, str], ...] = ((Role.TEACHER, "How is the weather in 'Paris'?"),)
                first = await student.reply(StudentView(history), seed=1)
                assert first.text == "Hello there."
                if KINDS[name].first is None:
                    assert [(call.name, call.result) for call in first.tool_calls or ()] == [
                        ("weather", "Rain in Paris.")
                    ]
                history += ((Role.STUDENT, first.text), (Role.TEACHER, "And in 'Rome'?"))
                second = await student.reply(StudentView(history, calls=((1, first.tool_calls or ()),)), seed=2)
                assert second.text == "Hello there."
                assert [call.arguments for call in second.tool_calls or ()] == [{"city": "Rome"}]


async def test_the_responses_api() -> None:
    for streamed in (False, True):
        async with models(Kind(), api="responses") as ways:
            for model, server in ways:
                bound = model.bind_tools([weather], tool_choice="weather")
                asked = [SystemMessage("Be kind."), HumanMessage("How is the weather in 'Paris'?")]
                message = await said(bound, asked, streamed, seed=5)
                assert message.tool_calls[0]["args"] == {"city": "Paris"}
                assert message.usage_metadata is not None and message.usage_metadata["total_tokens"] == 10
                sent = server.requests[0].json
                assert server.requests[0].path.endswith("/responses")
                assert sent["max_output_tokens"] == 50 and sent["store"] is False
                assert sent["tools"][0]["name"] == sent["tool_choice"]["name"] == "weather"
                assert not {"seed", "stop", "messages", "max_tokens", "stream_options"} & set(sent)
                result = ToolMessage("Rain.", tool_call_id=message.tool_calls[0]["id"])
                answer = await said(bound, [*asked, message, result], streamed)
                assert (answer.text, answer.response_metadata["finish_reason"]) == ("Hello there.", "stop")
                kinds = [item.get("type", item.get("role")) for item in server.requests[1].json["input"]]
                assert kinds == ["system", "user", "reasoning", "function_call", "function_call_output"]
                assert server.requests[1].json["input"][2]["encrypted_content"] == "sealed"


async def test_the_log_says_what_was_learned(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sml_agents.backends"):
        async with models(KINDS["refuses seed, FastAPI"]) as ways:
            for model, _ in ways:
                await model.ainvoke("hi", seed=5)
                await model.ainvoke("hi", seed=6)
    assert len(caplog.records) == 2
    assert all("seed is left out from now on" in record.message for record in caplog.records)
