"""LangChain's own conformance suites on our chat models."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from sml_agents.backends.local import EmbeddedChatModel
from sml_agents.backends.openai_compatible import OpenAICompatibleModel
from sml_agents.backends.openai_sdk import OpenAIClientModel
from sml_agents.testing import ScriptedModel
from sml_agents.testing.loopback import serve
from sml_agents.testing.servers import ModelServer


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


@pytest.fixture(scope="class")
def loaded(embedded_model: Path) -> EmbeddedChatModel:
    """Its weights stay while this object is there; each test makes one of its own."""
    model = EmbeddedChatModel()
    model.load()
    return model


@pytest.mark.slow
@pytest.mark.usefixtures("loaded")
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


class TestOpenAIClientUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAIClientModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "loopback", "client": client_at("http://127.0.0.1:9/v1")}


def client_at(url: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=url, api_key="sk-loopback", http_client=DefaultAsyncHttpxClient(verify=False))


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """The address of a model's server that runs in a loop of its own."""
    ready, stop, box = threading.Event(), threading.Event(), list[str]()

    async def run() -> None:
        async with serve(ModelServer()) as server:
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
    def _address(self, server_url: str) -> None:
        self.url = server_url

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAICompatibleModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "loopback", "base_url": self.url}

    @property
    def model_override_value(self) -> str:
        return "another"


class TestOpenAIClient(ChatModelIntegrationTests):
    api = "chat"

    @pytest.fixture(autouse=True)
    def _client(self, server_url: str) -> None:
        self.client = client_at(server_url)

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return OpenAIClientModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "loopback", "client": self.client, "api": self.api}

    @property
    def model_override_value(self) -> str:
        return "another"


class TestOpenAIClientResponses(TestOpenAIClient):
    api = "responses"
