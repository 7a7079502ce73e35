"""Clients that exist, against a server of this package: the openai package, LangChain's model, our own backend."""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from sml_agents.agents.deciders import StudentDecider
from sml_agents.agents.view import AgentView
from sml_agents.backends import resolve
from sml_agents.backends.decision import Decision
from sml_agents.serving.server import Served
from tests.serving.served import HELLO, Server, SlowModel, body, post, script, serving

MESSAGES: Any = [{"role": "user", "content": "A table, please."}]


@asynccontextmanager
async def client_of(server: Server, **given: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.url, api_key="secret-key", max_retries=0, **given) as client:
        yield client


@tool
def weather(city: str, days: int) -> str:
    """The weather of the next days."""
    return f"{city}: {days} days of rain"


async def test_the_openai_client() -> None:
    async with serving(script(), key="secret-key") as server, client_of(server) as client:
        assert [model.id async for model in client.models.list()] == ["m"]
        assert (await client.models.retrieve("m")).owned_by == "sml-agents"
        reply = await client.chat.completions.create(model="m", messages=MESSAGES)
        assert reply.choices[0].message.content == HELLO and reply.choices[0].finish_reason == "stop"
        assert reply.usage is not None and reply.usage.total_tokens == 3 + len(HELLO.split())
        stream = await client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert "".join(texts) == HELLO and len([text for text in texts if text]) == len(HELLO.split())
        assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
        assert chunks[-1].usage is not None and chunks[-1].usage == reply.usage
        cut = await client.chat.completions.create(model="m", messages=MESSAGES, stop="how")
        assert cut.choices[0].message.content == HELLO.partition("how")[0]


async def test_several_choices_each_by_a_seed_of_its_own() -> None:
    asked: Any = [{"role": "user", "content": "vary"}]
    async with serving(script()) as server, client_of(server) as client:
        several = await client.chat.completions.create(model="m", messages=asked, n=4, seed=3)
        texts = [choice.message.content for choice in several.choices]
        alone = [
            (await client.chat.completions.create(model="m", messages=asked, seed=3 + k)).choices[0].message.content
            for k in range(4)
        ]
        assert texts == alone and len(set(texts)) > 1
        stream = await client.chat.completions.create(model="m", messages=asked, n=4, seed=3, stream=True)
        streamed = [""] * 4
        async for chunk in stream:
            for choice in chunk.choices:
                streamed[choice.index] += choice.delta.content or ""
        assert streamed == texts


async def test_the_errors_are_those_that_the_openai_client_knows() -> None:
    async with serving(script(), key="secret-key") as server, client_of(server) as client:
        with pytest.raises(openai.NotFoundError, match="no model 'gpt'"):
            await client.chat.completions.create(model="gpt", messages=MESSAGES)
        with pytest.raises(openai.BadRequestError, match="response_format"):
            await client.chat.completions.create(model="m", messages=MESSAGES, response_format={"type": "json_object"})
        with pytest.raises(openai.AuthenticationError, match="No such key"):
            await client.with_options(api_key="another").models.list()


@pytest.mark.parametrize("streamed", [False, True])
async def test_langchain_calls_tools(streamed: bool) -> None:
    async with serving(script()) as server:
        model = ChatOpenAI(model="m", base_url=server.url, api_key="none", streaming=streamed)  # type: ignore[arg-type]
        agent = model.bind_tools([weather])
        asked = HumanMessage("What will the weather be?")
        reply = await agent.ainvoke([asked])
        assert isinstance(reply, AIMessage) and reply.response_metadata["finish_reason"] == "tool_calls"
        (call,) = reply.tool_calls
        assert (call["name"], call["args"]) == ("weather", {"city": "Zürich", "days": 3})
        again = await agent.ainvoke([asked])
        assert again.tool_calls[0]["id"] != call["id"], "no call is taken for an earlier one"
        result = ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])
        last = await agent.ainvoke([asked, reply, result, HumanMessage("Thanks.")])
        assert last.text == HELLO
        assert last.usage_metadata is not None or streamed


@asynccontextmanager
async def embedded(folder: Path, **settings: Any) -> AsyncIterator[Server]:
    async with serving(resolve(f"transformers:{folder}?max_tokens=6"), **settings) as server:
        yield server


def ours(server: Server, **settings: Any) -> Any:
    return resolve(f"openai:m@{server.url}", **settings)


async def test_a_served_model_says_what_it_says_here(embedded_model: Path) -> None:
    here: Any = resolve(f"transformers:{embedded_model}?max_tokens=6")
    questions = [f"What is {k} plus 3?" for k in range(5)]
    async with embedded(embedded_model) as server:
        there = ours(server, token_ids=True)
        replies = await asyncio.gather(*[there.ainvoke(question) for question in questions])
        for question, reply in zip(questions, replies, strict=True):
            expected = await here.ainvoke(question)
            assert reply.text == expected.text and reply.usage_metadata == expected.usage_metadata
            for name in ("prompt_ids", "completion_ids", "finish_reason"):
                assert reply.response_metadata[name] == expected.response_metadata[name]
        warm = {"temperature": 1.0, "seed": 5, "max_tokens": 4}
        expected = await here.ainvoke(questions[0], **warm)
        assert (await there.ainvoke(questions[0], **warm)).text == expected.text
        streamed = [piece.text async for piece in there.astream(questions[0], **warm)]
        assert "".join(streamed) == expected.text and len([text for text in streamed if text]) > 2
    assert server.task.result().failed == 0


async def test_log_probabilities_are_the_model_s_own(embedded_model: Path) -> None:
    import torch

    here: Any = resolve(f"transformers:{embedded_model}?max_tokens=3")
    async with embedded(embedded_model) as server, client_of(server) as client:
        asked: Any = {"model": "m", "messages": MESSAGES, "max_tokens": 3, "temperature": 0.7, "seed": 1}
        reply = await client.chat.completions.create(**asked, logprobs=True, top_logprobs=3)
        local = await here.ainvoke("A table, please.", temperature=0.7, seed=1, logprobs=True)
        content = reply.choices[0].logprobs.content  # type: ignore[union-attr]
        assert content is not None and len(content) == 3
        meta = local.response_metadata
        work = here._engine._work
        model, tokenizer = work.decoder.model, work.format.tokenizer
        ids = torch.tensor([meta["prompt_ids"] + meta["completion_ids"]])
        with torch.inference_mode():
            logprobs_V = model(ids).logits[0].log_softmax(dim=-1)[len(meta["prompt_ids"]) - 1 :]
        for place, (token, said) in enumerate(zip(meta["completion_ids"], content, strict=True)):
            assert said.token == tokenizer.decode([token]) and bytes(said.bytes or []) == said.token.encode()
            assert math.isclose(said.logprob, float(logprobs_V[place, token]), abs_tol=1e-3)
            assert math.isclose(said.logprob, meta["completion_logprobs"][place], abs_tol=1e-3)
            best = logprobs_V[place].topk(3)
            assert [top.token for top in said.top_logprobs] == [tokenizer.decode([i]) for i in best.indices]
        plain = await client.chat.completions.create(**asked)
        assert plain.choices[0].message.content == reply.choices[0].message.content
        assert plain.choices[0].logprobs is None
        stream = await client.chat.completions.create(**asked, logprobs=True, stream=True)
        told = [
            one async for chunk in stream for choice in chunk.choices if choice.logprobs
            for one in choice.logprobs.content or ()
        ]  # fmt: skip
        assert [one.token for one in told] == [one.token for one in content]


async def test_what_the_model_cannot_take_is_the_client_s_mistake(embedded_model: Path) -> None:
    image = [{"type": "image_url", "image_url": {"url": "data:,"}}]
    async with embedded(embedded_model) as server:
        for changes, code, words in (
            ({"messages": [{"role": "user", "content": "apple " * 9000}]}, "context_length_exceeded", "takes 8192"),
            ({"messages": [{"role": "user", "content": image}]}, "invalid_conversation", "text only"),
        ):
            for stream in (False, True):
                status, answer = await post(server, body(**changes, stream=stream))
                assert (status, answer["error"]["code"]) == (400, code), answer
                assert words in answer["error"]["message"]


def with_threshold(embedded_model: Path, folder: Path) -> Path:
    """The embedded model with a threshold so low that a first turn that would open with `I` opens with `What`."""
    from transformers import AutoTokenizer

    shutil.copytree(embedded_model, folder, copy_function=lambda a, b: Path(b).symlink_to(a))
    tokenizer: Any = AutoTokenizer.from_pretrained(embedded_model)
    asking, answering = (tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in ("What", "I"))
    Decision(ask=asking, answer=answering, threshold=1e-12).write(folder)
    return folder


async def test_the_stored_threshold_decides_behind_the_server(embedded_model: Path, tmp_path: Path) -> None:
    folder = with_threshold(embedded_model, tmp_path / "asker")
    question = "Book a table."
    async with embedded(folder) as server:
        decided, first = await asyncio.gather(
            ours(server).ainvoke(question), resolve(f"transformers:{folder}?max_tokens=6").ainvoke(question)
        )
        assert decided.text == first.text and decided.text.startswith("What")
        plain = await resolve(f"transformers:{folder}?max_tokens=6&decision=greedy").ainvoke(question)
        assert plain.text != decided.text
        _, listed = await _get(server, "/models/m")
        assert listed["threshold"] == 1e-12


async def test_a_served_model_is_a_decider() -> None:
    async with serving(script()) as server:
        decider = StudentDecider(f"openai:m@{server.url}")
        assert await decider.questions(AgentView([HumanMessage("A table, please.")], (), acting=False)) == HELLO


async def _get(server: Server, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(server.url + path) as response:
        return response.status, await response.json()


async def test_stopping_finishes_what_runs() -> None:
    model = SlowModel(replies=[HELLO], seconds=60)
    async with serving(model, grace=60.0) as server, client_of(server) as client:
        running = [asyncio.create_task(post(server, body())) for _ in range(3)]
        stream = asyncio.create_task(_streamed(client))
        while (await _get(server, "/../health"))[1]["running"] < 4:
            await asyncio.sleep(0.01)
        server.stop.set()
        await asyncio.sleep(0.1)
        with pytest.raises(aiohttp.ClientError):
            await post(server, body())
        model.go_on.set()
        assert await stream == HELLO
        answers = await asyncio.gather(*running)
    assert [answer["choices"][0]["message"]["content"] for _, answer in answers] == [HELLO] * 3
    served: Served = server.task.result()
    assert (served.requests, served.failed, served.running) == (4, 0, 0)


async def _streamed(client: openai.AsyncOpenAI) -> str:
    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def test_a_reply_that_takes_too_long_to_end_is_given_up() -> None:
    model = SlowModel(replies=[HELLO], seconds=60)
    async with serving(model, grace=0.2) as server:
        asked = asyncio.create_task(post(server, body()))
        await asyncio.sleep(0.2)
        server.stop.set()
        with pytest.raises(Exception, match=r"[Dd]isconnected|closed|reset"):
            await asked
    assert model.given_up == [1]


async def test_two_models_behind_one_server() -> None:
    async with serving({"a": script(), "b/c": script()}) as server:
        _, listed = await _get(server, "/models")
        assert [entry["id"] for entry in listed["data"]] == ["a", "b/c"]
        assert (await _get(server, "/models/b/c"))[0] == 200 and (await _get(server, "/models/b"))[0] == 404
        assert (await post(server, body(model="b/c")))[0] == 200
        status, answer = await post(server, body(model="c"))
        assert status == 404 and json.dumps("a, b/c")[1:-1] in answer["error"]["message"]


async def test_the_page_s_snippet(embedded_model: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (repository / "docs" / "serving.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    model = resolve(f"transformers:{embedded_model}?max_tokens=3")
    async with serving({"asker": model}) as server:
        code = compile(snippet.replace(":8000", f":{server.port}"), "serving.md", "exec")
        await asyncio.to_thread(exec, code, {})
    first, second, ids = capsys.readouterr().out.splitlines()
    assert first == second != "" and len(json.loads(ids)) == 3
