"""What is learned from refusals and what is not, the settings that say it beforehand, and odd replies."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from sml_agents.backends import describe, resolve
from sml_agents.errors import BackendSpecError, EndpointError
from sml_agents.testing.loopback import Exchange, Loopback, Scenario, chat, completion, serve
from sml_agents.testing.servers import KINDS, ModelServer


def model_at(server: Loopback, **settings: Any) -> Any:
    return resolve(f"openai:m@{server.url}", timeout=10, backoff=0.001, **settings)


def refusing(message: str, status: int = 400, **more: Any) -> Scenario:
    """A server that refuses everything, with the same words."""

    async def scenario(exchange: Exchange) -> None:
        await exchange.answer({"error": {"message": message, **more}}, status)

    return scenario


def conversation() -> list[BaseMessage]:
    return [SystemMessage("s"), HumanMessage("hi", name="ada"), AIMessage(""), HumanMessage("1"), HumanMessage("2")]


NOT_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}


@pytest.mark.parametrize(
    ("settings", "sent", "gone"),
    [
        ({"omit": "seed,top_p"}, {"temperature": 0.5, "max_tokens": 9}, {"seed", "top_p"}),
        ({"omit": ["temperature"]}, {"seed": 5, "top_p": 0.9}, {"temperature"}),
        ({"rename": "max_tokens:max_completion_tokens"}, {"max_completion_tokens": 9}, {"max_tokens"}),
        ({"rename": {"seed": "random_seed"}}, {"random_seed": 5}, {"seed"}),
        ({"extra_body": json.dumps(NOT_THINKING)}, NOT_THINKING, set()),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value)[:30],
)
async def test_settings_for_fields(settings: dict[str, Any], sent: dict[str, Any], gone: set[str]) -> None:
    async with serve(chat()) as server:
        model = model_at(server, temperature=0.5, top_p=0.9, max_tokens=9, **settings)
        await model.ainvoke("hi", seed=5)
        [request] = server.requests
    assert sent.items() <= request.json.items()
    assert not gone & set(request.json)


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({}, ["system:s", "user:hi", "assistant:", "user:1", "user:2"]),
        ({"system_role": "developer"}, ["developer:s", "user:hi", "assistant:", "user:1", "user:2"]),
        ({"system_role": "user"}, ["user:s\n\nhi", "assistant:", "user:1", "user:2"]),
        ({"empty_text": "..."}, ["system:s", "user:hi", "assistant:...", "user:1", "user:2"]),
        ({"alternate": True}, ["system:s", "user:hi", "assistant:", "user:1\n\n2"]),
        ({"alternate": True, "system_role": "user"}, ["user:s\n\nhi", "assistant:", "user:1\n\n2"]),
    ],
    ids=str,
)
async def test_settings_for_messages(settings: dict[str, Any], sent: list[str]) -> None:
    async with serve(chat()) as server:
        await model_at(server, **settings).ainvoke(conversation())
        entries = server.requests[0].json["messages"]
    assert [f"{entry['role']}:{entry['content']}" for entry in entries] == sent


@pytest.mark.parametrize(("reasoning", "sent"), [("tools", "Hm."), ("always", "Hm."), ("never", None)])
async def test_settings_for_reasoning(reasoning: str, sent: str | None) -> None:
    call = {"name": "look", "args": {}, "id": "c"}
    asked = AIMessage("", tool_calls=[call], additional_kwargs={"reasoning_content": "Hm."})
    plain = AIMessage("Well.", additional_kwargs={"reasoning_content": "So."})
    async with serve(chat()) as server:
        await model_at(server, reasoning=reasoning).ainvoke(
            ["hi", asked, ToolMessage("x", tool_call_id="c"), plain, "go"]
        )
        entries = server.requests[0].json["messages"]
    assert entries[1].get("reasoning_content") == sent
    assert entries[3].get("reasoning_content") == ("So." if reasoning == "always" else None)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"omit": "messages"}, "no request can do without its messages"),
        ({"omit": ["model"]}, "no request can do without its model"),
        ({"rename": "max_tokens:"}, "a field has no name"),
        ({"rename": "{broken"}, "no JSON object"),
        ({"extra_body": "thinking"}, "no JSON object"),
        ({"extra_body": {"stream": True}}, "no request can do without its stream"),
        ({"system_role": "boss"}, "system_role"),
        ({"reasoning": "sometimes"}, "reasoning"),
        ({"api": "soap"}, "api"),
    ],
    ids=str,
)
def test_settings_that_cannot_be(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BackendSpecError, match=says):
        resolve("openai:m@http://h/v1", **settings)


def test_a_spec_says_it_too_and_the_record_of_a_run_has_it() -> None:
    spec = "openai:m@http://h/v1?omit=seed,stop&rename=max_tokens:max_completion_tokens&system_role=user&empty_text=..."
    described = describe(resolve(spec))
    assert described["omit"] == ["seed", "stop"]
    assert described["rename"] == {"max_tokens": "max_completion_tokens"}
    assert (described["system_role"], described["empty_text"]) == ("user", "...")
    assert "omit" not in describe(resolve("openai:m@http://h/v1"))


@pytest.mark.parametrize(
    ("message", "more"),
    [
        ("temperature: Input should be less than or equal to 1", {"param": "temperature"}),
        ("max_tokens is too large: 90. This model supports at most 50 completion tokens.", {"param": "max_tokens"}),
        ("Invalid 'top_p': decimal above maximum value.", {"param": "top_p"}),
        ("This model's maximum context length is 10 tokens; reduce the length of the messages or max_tokens.", {}),
        ("This model does not support tools.", {"param": "tools"}),
        ("tool_choice 'required' is incompatible with thinking enabled", {"param": "tool_choice"}),
        ("response_format is not supported", {"param": "response_format"}),
        ("The model `m` is not good today.", {"param": "model"}),
        ("Your credit is used up.", {}),
        ("", {}),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_the_user_has_to_mend_is_not_left_out(message: str, more: dict[str, Any]) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    async with serve(refusing(message, **more)) as server:
        model = model_at(server, temperature=0.5, top_p=0.9, max_tokens=90)
        with pytest.raises(EndpointError) as caught:
            await model.bind_tools([tool], tool_choice="any").ainvoke("hi", response_format={"type": "json_object"})
        assert caught.value.status == 400
        assert len(server.requests) == 1


async def test_a_server_that_refuses_whatever_is_sent_is_not_asked_for_ever() -> None:
    words = "temperature top_p seed stop name system role content reasoning_content alternate missing max_tokens"
    async with serve(refusing(f"unsupported: {words} max_completion_tokens")) as server:
        model = model_at(server, temperature=0.5, top_p=0.9, max_tokens=90, stop=["x"])
        with pytest.raises(EndpointError, match="unsupported"):
            await model.ainvoke(conversation(), seed=5)
        asked = len(server.requests)
        assert asked < 16
        with pytest.raises(EndpointError, match="unsupported"):
            await model.ainvoke(conversation(), seed=5)
        assert len(server.requests) == 2 * asked, "what did not help is not remembered"


async def test_several_things_are_refused_one_after_the_other() -> None:
    async def scenario(exchange: Exchange) -> None:
        wrong = next((name for name in ("seed", "stop", "top_p", "max_tokens") if name in exchange.json), None)
        if wrong:
            await exchange.answer({"error": {"message": f"Unknown parameter: '{wrong}'.", "param": wrong}}, 400)
        else:
            await exchange.answer(completion("Hello END there"))

    async with serve(scenario) as server:
        model = model_at(server, temperature=0.5, top_p=0.9, max_tokens=9, stop=["END"])
        assert (await model.ainvoke("hi", seed=5)).content == "Hello "
        assert len(server.requests) == 5
        assert server.requests[-1].json.keys() == {"model", "temperature", "messages", "max_completion_tokens"}
        together = await asyncio.gather(*(model.ainvoke("hi", seed=n) for n in range(20)))
        assert {message.content for message in together} == {"Hello "}
        assert len(server.requests) == 25


async def test_many_at_once_learn_together() -> None:
    async with serve(ModelServer(KINDS["refuses seed, Azure"])) as server:
        model = model_at(server)
        replies = await asyncio.gather(*(model.ainvoke("hi", seed=n) for n in range(30)))
        assert {message.content for message in replies} == {"Hello there."}
        assert len(server.requests) == 60
        await model.ainvoke("hi", seed=1)
        assert len(server.requests) == 61


async def test_retries_for_a_refusal_count_in_the_budget() -> None:
    async with serve(ModelServer(KINDS["refuses seed, Azure"])) as server:
        model = model_at(server, budget_calls=3)
        await model.ainvoke("hi", seed=1)
        await model.ainvoke("hi", seed=1)
        with pytest.raises(Exception, match="3 model calls"):
            await model.ainvoke("hi", seed=1)


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        (["Hello ", "there.EN", "D and more"], "Hello there."),
        (["E", "N", "D"], ""),
        (["EN", "ENEN", "D!"], "ENEN"),
        (["no stop EN"], "no stop EN"),
        (["a##b"], "a"),
        (["a#", "b#", "#c"], "a#b"),
    ],
    ids=str,
)
async def test_a_stop_text_that_the_server_refuses_is_kept_here(pieces: list[str], kept: str) -> None:
    async def scenario(exchange: Exchange) -> None:
        if "stop" in exchange.json:
            await exchange.answer({"error": "stop is not supported"}, 400)
        elif exchange.json.get("stream"):
            events = [{"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
            await exchange.stream(*events, {"choices": [{"delta": {}, "finish_reason": "stop"}]})
        else:
            await exchange.answer(completion("".join(pieces)))

    async with serve(scenario) as server:
        model = model_at(server, stop=["END", "##"])
        assert (await model.ainvoke("hi")).content == kept
        assert "".join([chunk.text async for chunk in model.astream("hi")]) == kept


def called(function: Any, **call: Any) -> dict[str, Any]:
    answer = completion(None, finish="tool_calls")
    answer["choices"][0]["message"]["tool_calls"] = [{"id": "c1", "type": "function", "function": function, **call}]
    return answer


BROKEN: list[Any] = [
    {"name": "look", "arguments": '{"a": '},
    {"name": "look", "arguments": '{"a": 1} and more'},
    {"name": "look", "arguments": "[1, 2]"},
    {"name": "look", "arguments": "5"},
    {"name": "look", "arguments": ["a"]},
    {"name": "look", "arguments": True},
    {"name": "look", "arguments": "city=Paris"},
    {"name": "", "arguments": "{}"},
    {"name": 7, "arguments": "{}"},
    {"arguments": "{}"},
    5,
    None,
    "look",
    [],
]


@pytest.mark.parametrize("function", BROKEN, ids=str)
async def test_broken_calls_are_told_and_not_made(function: Any) -> None:
    async def scenario(exchange: Exchange) -> None:
        answer = called(function)
        if not exchange.json.get("stream"):
            await exchange.answer(answer)
            return
        delta = answer["choices"][0]["message"]
        await exchange.stream(
            {"choices": [{"delta": delta, "finish_reason": None}]},
            {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
        )

    async with serve(scenario) as server:
        model = model_at(server)
        whole = await model.ainvoke("hi")
        streamed = AIMessageChunk("")
        async for chunk in model.astream("hi"):
            streamed = streamed + chunk
        for message in (whole, streamed):
            assert message.tool_calls == []
            assert len(message.invalid_tool_calls) == 1


@pytest.mark.parametrize("calls", [5, "look", {"x": 1}, [None], [[]], [{}]], ids=str)
async def test_calls_that_are_none(calls: Any) -> None:
    answer = completion("Well.")
    answer["choices"][0]["message"]["tool_calls"] = calls
    async with serve(chat(answer)) as server:
        message = await model_at(server).ainvoke("hi")
    assert message.tool_calls == [] and message.text == "Well."


@pytest.mark.parametrize("arguments", [None, "", "{}", {}, "null"], ids=repr)
async def test_no_arguments_are_no_fault(arguments: Any) -> None:
    async with serve(chat(called({"name": "look", "arguments": arguments}))) as server:
        message = await model_at(server).ainvoke("hi")
    assert message.tool_calls == [{"name": "look", "args": {}, "id": "c1", "type": "tool_call"}]


def piece(index: int | None, id: str | None = None, name: str | None = None, arguments: Any = None) -> dict[str, Any]:
    call = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return {"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": None}]}


@pytest.mark.parametrize(
    "events",
    [
        [
            piece(0, "a", "look", ""),
            piece(0, None, None, '{"n"'),
            piece(0, None, None, ": 1}"),
            piece(1, "b", "see", "{}"),
        ],
        [piece(0, "a", "look", '{"n": 1}'), piece(0, "b", "see", "{}")],
        [piece(None, "a", "look", '{"n": 1}'), piece(None, "b", "see", "{}")],
        [piece(0, "", "look", '{"n": 1}'), piece(0, "", "see", "{}")],
        [piece(0, "a", "look", '{"n"'), piece(0, "a", "look", ": 1}"), piece(1, "b", "see", None)],
        [piece(0, "a", "look", {"n": 1}), piece(1, "b", "see", {})],
    ],
    ids=["OpenAI", "one index", "no index", "no ids", "names repeated", "objects"],
)
async def test_pieces_of_calls_come_together(events: list[Any]) -> None:
    async def scenario(exchange: Exchange) -> None:
        await exchange.stream(*events, {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})

    async with serve(scenario) as server:
        streamed = AIMessageChunk("")
        async for chunk in model_at(server).astream("hi"):
            streamed = streamed + chunk
    assert [(call["name"], call["args"]) for call in streamed.tool_calls] == [("look", {"n": 1}), ("see", {})]
    assert len({call["id"] for call in streamed.tool_calls}) == 2


async def test_a_signature_goes_back_with_its_call() -> None:
    async with serve(ModelServer(KINDS["signed calls, Gemini"])) as server:
        tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
        model = model_at(server).bind_tools([tool])
        message = await model.ainvoke("hi")
        await model.ainvoke([HumanMessage("hi"), message, ToolMessage("x", tool_call_id="call_1")])
        sent = server.requests[1].json["messages"][1]["tool_calls"][0]
    assert sent["extra_content"] == {"google": {"thought_signature": "c2lnbmVk"}}


@pytest.mark.parametrize("reason", ["error", "abort", "cancelled", "timeout", "weird", 7, {"a": 1}], ids=str)
async def test_a_reply_that_stays_broken_off_is_an_error(reason: Any) -> None:
    async with serve(chat(completion("Hel", finish=reason))) as server:
        with pytest.raises(EndpointError, match=r"broke off its reply .*3 attempts"):
            await model_at(server, max_retries=2).ainvoke("hi")
        assert len(server.requests) == 3


@pytest.mark.parametrize("reason", ["stop", None, "", "eos", "end_turn", "STOP", "stop_sequence", "weird"], ids=str)
async def test_reasons_of_whole_replies(reason: Any) -> None:
    async with serve(chat(completion("Hello.", finish=reason))) as server:
        message = await model_at(server, finish_reasons="weird").ainvoke("hi")
    assert (message.text, message.response_metadata["finish_reason"]) == ("Hello.", "stop")


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_length", "max_output_tokens"])
async def test_reasons_of_replies_cut_by_their_length(reason: str) -> None:
    async with serve(chat(completion("Hel", finish=reason))) as server:
        message = await model_at(server).ainvoke("hi")
    assert message.response_metadata["finish_reason"] == "length"


async def test_a_stream_that_breaks_off_after_some_words_is_an_error() -> None:
    async def scenario(exchange: Exchange) -> None:
        await exchange.stream(
            {"choices": [{"delta": {"content": "Hel"}, "finish_reason": None}]},
            {"choices": [{"delta": {}, "finish_reason": "error"}]},
        )

    async with serve(scenario) as server:
        with pytest.raises(EndpointError, match="broke off its reply"):
            [chunk async for chunk in model_at(server).astream("hi")]
        assert len(server.requests) == 1, "words that were handed on cannot be taken back"


async def test_one_message_id_for_all_replies_hides_none() -> None:
    async with serve(chat()) as server:
        model = model_at(server)
        first, second = await model.ainvoke("a"), await model.ainvoke("b")
    assert first.id and second.id and first.id != second.id


async def test_an_error_event_is_an_error() -> None:
    for event in (
        b'event: error\ndata: {"message": "out of memory"}\n\n',
        b"event: error\ndata: out of memory\n\n",
        b'data: {"error": {"message": "out of memory"}}\n\n',
        b'data: {"object": "error", "message": "out of memory"}\n\n',
        b'data: {"type": "error", "error": {"message": "out of memory"}}\n\n',
    ):

        async def scenario(exchange: Exchange, event: bytes = event) -> None:
            await exchange.stream({"choices": [{"delta": {"content": "Hel"}, "finish_reason": None}]}, event)

        async with serve(scenario) as server:
            with pytest.raises(EndpointError, match="out of memory"):
                [chunk async for chunk in model_at(server).astream("hi")]


async def test_events_without_blank_lines_between_them() -> None:
    words = [{"choices": [{"delta": {"content": word}, "finish_reason": None}]} for word in ("Hel", "lo")]
    words.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})

    async def scenario(exchange: Exchange) -> None:
        await exchange.stream(*[b"data: " + json.dumps(event).encode() + b"\n" for event in words])

    async with serve(scenario) as server:
        assert "".join([chunk.text async for chunk in model_at(server).astream("hi")]) == "Hello"
