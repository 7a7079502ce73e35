"""What servers were reported to send and to refuse, each over HTTP, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from sml_agents.backends import resolve
from sml_agents.errors import EndpointError
from sml_agents.testing.loopback import Exchange, Scenario, completion, serve
from sml_agents.testing.servers import KINDS, ModelServer
from tests.backends.test_servers import said, weather

STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
CITY = {"name": "weather", "arguments": '{"city": "Paris"}'}


def sends(message: dict[str, Any], finish: str | None, *deltas: dict[str, Any]) -> Scenario:
    """`message` whole, or in `deltas`, of which the last has the finish reason."""

    async def scenario(exchange: Exchange) -> None:
        if exchange.json.get("stream"):
            ends = [None] * (len(deltas) - 1) + [finish]
            choices = [{"index": 0, "delta": one, "finish_reason": end} for one, end in zip(deltas, ends, strict=True)]
            await exchange.stream(*({"choices": [one]} for one in choices))
        else:
            answer = completion()
            answer["choices"][0] |= {"message": {"role": "assistant", **message}, "finish_reason": finish}
            await exchange.answer(answer)

    return scenario


async def ask(scenario: Scenario, streamed: bool) -> AIMessage:
    async with serve(scenario) as server:
        model = resolve(f"openai:m@{server.url}", backoff=0.001, timeout=5, max_retries=1).bind_tools([weather])
        return await said(model, [HumanMessage("How is it?")], streamed)


@STREAMED
@pytest.mark.parametrize("calls", [[], None], ids=str)
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
async def test_vllm_53255_and_44104_calls_that_are_none(calls: Any, finish: str, streamed: bool) -> None:
    """vllm-project/vllm#53255: it stopped for `tool_calls`, and there is none; #44104: an empty list beside words."""
    message = {"content": "Fine.", "tool_calls": calls}
    reply = await ask(sends(message, finish, {"content": "Fi", "tool_calls": calls}, {"content": "ne."}), streamed)
    assert (reply.text, reply.tool_calls, reply.invalid_tool_calls) == ("Fine.", [], [])


async def test_vllm_53255_nothing_at_all_is_an_error() -> None:
    with pytest.raises(EndpointError, match="no content"):
        await ask(sends({"content": None, "tool_calls": []}, "tool_calls"), False)


async def test_vllm_27572_a_stream_that_never_says_why_it_stopped() -> None:
    """vllm-project/vllm#27572: the last chunk of calls has no finish reason."""
    pieces = [
        {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "weather"}}]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ('{"city"', ': "Paris"}')),
    ]
    reply = await ask(sends({}, None, *pieces), True)
    assert [(one["name"], one["args"]) for one in reply.tool_calls] == [("weather", {"city": "Paris"})]
    assert reply.response_metadata["finish_reason"] == "tool_calls"


async def test_vllm_ascend_8327_the_finish_reason_beside_the_last_piece() -> None:
    """vllm-project/vllm-ascend#8327."""
    first = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"city": '}}]}
    last = {"tool_calls": [{"index": 0, "function": {"arguments": '"Paris"}'}}]}
    reply = await ask(sends({}, "tool_calls", first, last), True)
    assert reply.tool_calls[0]["args"] == {"city": "Paris"}


@STREAMED
async def test_llama_cpp_20198_arguments_as_an_object(streamed: bool) -> None:
    """ggml-org/llama.cpp#20198."""
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "weather", "arguments": {"city": "Paris"}}}
    reply = await ask(sends({"content": None, "tool_calls": [call]}, "tool_calls", {"tool_calls": [call]}), streamed)
    assert reply.tool_calls[0]["args"] == {"city": "Paris"}


@STREAMED
@pytest.mark.parametrize("arguments", ['{"city": "Paris"', '{"city": Paris}', '"city": "Paris"}', "{'city'"])
async def test_llama_cpp_22072_half_of_the_arguments_is_no_call(arguments: str, streamed: bool) -> None:
    """ggml-org/llama.cpp#22072."""
    call = {"index": 0, "id": "a", "type": "function", "function": {**CITY, "arguments": arguments}}
    reply = await ask(sends({"content": None, "tool_calls": [call]}, "tool_calls", {"tool_calls": [call]}), streamed)
    wanted = json.dumps(arguments) if streamed else arguments  # LangChain would complete them
    assert reply.tool_calls == [] and [one["args"] for one in reply.invalid_tool_calls] == [wanted]


@STREAMED
async def test_llama_cpp_15789_reasoning_and_nothing_else(streamed: bool) -> None:
    """ggml-org/llama.cpp#15789: an answer of one analysis, without words or calls; the reasoning is kept."""
    scenario = sends({"content": None, "reasoning_content": "Hm."}, "stop", {"reasoning_content": "Hm."})
    reply = await ask(scenario, streamed)
    assert reply.text == "" and reply.additional_kwargs["reasoning_content"] == "Hm."


@STREAMED
async def test_langchain_39370_reasoning_goes_back_beside_its_call(streamed: bool) -> None:
    """langchain-ai/langchain#39370, #37713 and langchainjs#10883: a second request without it is refused."""
    async with serve(ModelServer(KINDS["wants reasoning back, DeepSeek"])) as server:
        model = resolve(f"openai:m@{server.url}", backoff=0.001, timeout=5).bind_tools([weather])
        asked: list[Any] = [HumanMessage("How is the weather in 'Paris'?")]
        made = await said(model, asked, streamed)
        result = ToolMessage("Rain.", tool_call_id=made.tool_calls[0]["id"])
        assert (await said(model, [*asked, made, result], streamed)).text == "Hello there."
        assert len(server.requests) == 2 and server.requests[1].json["messages"][1]["reasoning_content"]
