"""Clients of the `openai` package as models: what they bring, and what they are told."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import traceback
from typing import Any

import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient, OpenAI

from sml_agents.backends import describe, resolve
from sml_agents.errors import BackendSpecError, BudgetExceeded, EndpointError, MissingExtra
from sml_agents.roles.student import ChatStudent
from sml_agents.testing.loopback import Exchange, Loopback, Scenario, chat, completion, serve
from sml_agents.text.printable import printable
from sml_agents.types import Role
from sml_agents.views import StudentView

KEY = "sk-test-0123456789abcdef"


def client_at(server: Loopback, **given: Any) -> AsyncOpenAI:
    own = {"base_url": server.url, "api_key": KEY, "http_client": plain(), "max_retries": 0}
    return AsyncOpenAI(**{**own, **given})


def plain(**given: Any) -> DefaultAsyncHttpxClient:
    """Without certificates, which take longer to load than all the rest, and without connections left open."""
    return DefaultAsyncHttpxClient(verify=False, headers={"Connection": "close"}, **given)


def always(status: int, body: Any = None) -> Scenario:
    async def scenario(exchange: Exchange) -> None:
        await exchange.answer({"error": {"message": f"no good: {exchange.headers}"}} if body is None else body, status)

    return scenario


async def test_a_client_brings_its_key_headers_and_query() -> None:
    async with serve(chat()) as server:
        client = client_at(
            server, organization="org-1", default_headers={"X-Team": "blue"}, default_query={"tier": "x"}
        )
        model = resolve(client, model="m", temperature=0.5, max_tokens=7)
        reply = await ChatStudent(model).reply(StudentView(((Role.TEACHER, "How many?"),)), seed=3)
        [request] = server.requests
    assert reply.text == "Hello there."
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["openai-organization"] == "org-1" and request.headers["x-team"] == "blue"
    assert request.path == "/v1/chat/completions?tier=x"
    assert request.json["seed"] == 3 and request.json["max_tokens"] == 7 and request.json["temperature"] == 0.5


async def test_azure_by_deployment_with_a_token_that_is_renewed() -> None:
    tokens = iter(["first-token", "second-token", "third-token"])

    async def provider() -> str:
        return next(tokens)

    async with serve(chat()) as server:
        client = AsyncAzureOpenAI(
            azure_endpoint=server.url.removesuffix("/v1"),
            azure_ad_token_provider=provider,
            api_version="2024-10-21",
            http_client=plain(),
        )
        model: Any = resolve(client, model="my-deployment")
        assert (await model.ainvoke("hi")).text == "Hello there."
        assert "".join([chunk.text async for chunk in model.astream("hi")]) == "Hello there."
        first, second = server.requests
    assert first.path == "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    assert [first.headers["authorization"], second.headers["authorization"]] == [
        "Bearer first-token",
        "Bearer second-token",
    ]
    assert describe(model)["backend"] == "openai-sdk" and describe(model)["model"] == "my-deployment"


async def test_a_client_over_a_proxy_of_ones_own() -> None:
    seen = []

    async def watch(request: Any) -> None:
        seen.append(request.url.path)

    async with serve(chat()) as server:
        own = plain(event_hooks={"request": [watch]})
        await resolve(client_at(server, http_client=own), model="m").ainvoke("hi")
    assert seen == ["/v1/chat/completions"]


def test_a_spec_takes_the_client_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    model: Any = resolve("openai-sdk:org/m:1@http://h/v1?temperature=0.5&max_retries=7&api=responses")
    assert describe(model)["base_url"] == "http://h/v1" and describe(model)["api"] == "responses"
    assert (model.model, model.settings.temperature, model._line.transport._client.max_retries) == ("org/m:1", 0.5, 7)
    assert KEY not in json.dumps(describe(model)) + repr(model)
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://here.openai.azure.com")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "hunter2-hunter2")
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
    azure = describe(resolve("openai-sdk:my-deployment?azure=true"))
    assert azure["base_url"] == "https://here.openai.azure.com/openai"


def test_what_is_no_client() -> None:
    for given, says in (
        (OpenAI(api_key=KEY), "give an AsyncOpenAI"),
        (AsyncOpenAI, "not type"),
        (7, "not int"),
        (None, "not NoneType"),
    ):
        spec: Any = given
        with pytest.raises(BackendSpecError, match=says):
            resolve(spec, model="m")
    client = AsyncOpenAI(api_key=KEY, http_client=plain())
    for settings, says in (
        ({}, "needs the name of a model"),
        ({"model": ""}, "needs the name of a model"),
        ({"model": "m", "api_key": KEY}, "no setting 'api_key'"),
        ({"model": "m", "temprature": 1}, "no setting 'temprature'"),
    ):
        with pytest.raises(BackendSpecError, match=says):
            resolve(client, **settings)


def test_without_a_key_or_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(BackendSpecError, match="OPENAI_API_KEY"):
        resolve("openai-sdk:m")
    with pytest.raises(BackendSpecError, match="no client can be made"):
        resolve("openai-sdk:m?azure=true")
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtra, match=r"sml-agents\[openai\]"):
        resolve("openai-sdk:m")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
async def test_an_error_is_one_sentence_without_secrets(status: int) -> None:
    async with serve(always(status)) as server:
        model: Any = resolve(client_at(server, default_query={"code": "hunter2-hunter2"}), model="m")
        for call in (model.ainvoke("hi"), anext(model.astream("hi"))):
            with pytest.raises(EndpointError) as caught:
                await call
            assert caught.value.status == status
            text = "".join(traceback.format_exception(caught.value))
            assert KEY not in text and "hunter2" not in text
            assert str(caught.value) == printable(str(caught.value))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (b"", "nothing"),
        (b'{"choices": [{"message": {"cont', "broke off"),
        ([1], "a JSON list"),
        ({"choices": []}, "no choice"),
        ({"error": {"message": "loading \x1b]52;c;x\x07"}}, "loading"),
        (completion(None), "no content"),
        (completion("par", finish="content_filter"), "content filter"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_bad_content(body: Any, says: str) -> None:
    async with serve(always(200, body)) as server:
        with pytest.raises(EndpointError, match=says) as caught:
            await resolve(client_at(server), model="m").ainvoke("hi")
        assert "\x1b" not in str(caught.value)


async def test_the_client_tries_again_and_the_timeout_holds() -> None:
    async def scenario(exchange: Exchange) -> None:
        if exchange.number == 1:
            await exchange.answer({"error": {"message": "later"}}, 503, {"retry-after-ms": "5"})
        elif exchange.number == 2:
            await exchange.answer(completion())
        else:
            await asyncio.sleep(30)

    async with serve(scenario) as server:
        model: Any = resolve(client_at(server, max_retries=1), model="m", timeout=1)
        assert (await model.ainvoke("hi")).text == "Hello there."
        with pytest.raises(EndpointError, match=r"no complete answer within 1 s"):
            await model.ainvoke("hi")


async def test_nobody_answers() -> None:
    client = AsyncOpenAI(base_url="http://127.0.0.1:9/v1", api_key=KEY, max_retries=0)
    async with client:
        with pytest.raises(EndpointError, match=r"No connection to http://127\.0\.0\.1:9/v1"):
            await resolve(client, model="m").ainvoke("hi")


async def test_a_client_that_cannot_get_a_token() -> None:
    async def provider() -> str:
        raise RuntimeError("the tenant is unknown")

    client = AsyncAzureOpenAI(
        azure_endpoint="http://127.0.0.1:9", azure_ad_token_provider=provider, api_version="1", max_retries=0
    )
    async with client:
        with pytest.raises(EndpointError, match="the tenant is unknown"):
            await resolve(client, model="m").ainvoke("hi")


async def test_a_budget_holds() -> None:
    async with serve(chat()) as server:
        model = resolve(client_at(server), model="m", budget_calls=1)
        await model.ainvoke("hi")
        with pytest.raises(BudgetExceeded):
            await model.ainvoke("hi")


def test_one_client_in_several_loops_and_without_one() -> None:
    """In a process of its own: connections that outlive their loop are left to the end of it."""
    code = """
import asyncio
from openai import AsyncOpenAI
from sml_agents.backends import resolve
from sml_agents.errors import BackendError
from sml_agents.testing.loopback import chat, serve

def synchronous(model):
    return model.invoke("hi").text, "".join(chunk.text for chunk in model.stream("hi"))

async def several(model):
    said = await asyncio.gather(*(model.ainvoke("hi") for _ in range(5)))
    said += [await asyncio.to_thread(model.invoke, "hi") for _ in range(2)]
    text = "".join([chunk.text async for chunk in model.astream("hi")])
    return {text, *(message.text for message in said)}

def work(url):
    for first in (0, 1):
        model = resolve(AsyncOpenAI(base_url=url, api_key="sk-0123", max_retries=0), model="m")
        for turn in range(4):
            print(synchronous(model) if turn % 2 == first else asyncio.run(several(model)))

    async def blocked():
        model = resolve(AsyncOpenAI(base_url=url, api_key="sk-0123", max_retries=0), model="m")
        await model.ainvoke("hi")
        for call in (lambda: model.invoke("hi"), lambda: next(model.stream("hi"))):
            try:
                call()
            except BackendError as error:
                print(error)
    asyncio.run(blocked())

async def main():
    async with serve(chat()) as server:
        await asyncio.to_thread(work, server.url)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines.count("('Hello there.', 'Hello there.')") == lines.count("{'Hello there.'}") == 4
    assert sum("use ainvoke" in line for line in lines) == 2 and len(lines) == 10


async def test_settings_of_a_client_can_be_changed() -> None:
    async with serve(chat()) as server:
        model: Any = resolve(client_at(server), model="m", temperature=1)
        changed: Any = resolve(model, max_tokens=3)
        await changed.ainvoke("hi")
        assert server.requests[0].json["temperature"] == 1 and server.requests[0].json["max_tokens"] == 3
