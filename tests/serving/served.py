"""A server of this package on loopback, within a test, and requests as a hostile client writes them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field

from sml_agents.backends.scripted import Rule, ScriptedModel
from sml_agents.serving import ServingSettings, serve
from sml_agents.serving.server import Served

HELLO = "Hello there, how many guests?"


class SlowModel(ScriptedModel):
    """Says its line after a while, and counts who was let go."""

    seconds: float = 0.5
    go_on: asyncio.Event = Field(default_factory=asyncio.Event)
    """Ends the while."""
    given_up: list[int] = Field(default_factory=list)

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        try:
            async with asyncio.timeout(self.seconds):
                await self.go_on.wait()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            self.given_up.append(1)
            raise
        return await super()._areply(messages, stop, **kwargs)


def script() -> ScriptedModel:
    """Answers questions, calls a tool when it is asked for the weather."""
    call = {"name": "weather", "args": {"city": "Zürich", "days": 3}}
    rules: list[Any] = [
        Rule.model_validate({"when": "weather", "reply": "", "calls": [call]}),
        Rule.model_validate({"when": "vary", "reply": [f"Reply {k}." for k in range(50)]}),
        HELLO,
    ]
    return ScriptedModel(replies=rules)


@dataclass
class Server:
    url: str
    stop: asyncio.Event
    task: asyncio.Task[Served]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].split("/")[0])


@asynccontextmanager
async def serving(model: BaseChatModel | dict[str, BaseChatModel], **settings: Any) -> AsyncIterator[Server]:
    """`model`, called `m`, behind a server, until the block is left."""
    stop, opened = asyncio.Event(), asyncio.get_running_loop().create_future()
    models = model if isinstance(model, dict) else {"m": model}
    task = asyncio.create_task(
        serve(models, ServingSettings(port=0, **{"grace": 5.0, **settings}), stop=stop, ready=opened.set_result)
    )
    await asyncio.wait([opened, task], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    try:
        yield Server(opened.result(), stop, task)
    finally:
        stop.set()
        await task


def body(**changes: Any) -> dict[str, Any]:
    """A good request, with changes."""
    return {"model": "m", "messages": [{"role": "user", "content": "A table, please."}], **changes}


async def post(server: Server, sent: Any, **headers: str) -> tuple[int, Any]:
    """Status and answer to a chat completion's request."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/chat/completions", json=sent, headers=headers) as response,
    ):
        return response.status, await response.json()


async def raw(server: Server, data: bytes, *, wait: float = 5.0) -> bytes:
    """What comes back on a connection to which `data` is sent and that is then left open, until the server closes it
    or `wait` is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    got = b""
    try:
        writer.write(data)
        async with asyncio.timeout(wait):
            while piece := await reader.read(65536):
                got += piece
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return got


def http(sent: Any, *headers: str, method: str = "POST", path: str = "/v1/chat/completions") -> bytes:
    """A request as bytes, with `Connection: close`."""
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", "Content-Type: application/json"]
    lengths = [] if any(line.lower().startswith("content-length") for line in headers) else [
        f"Content-Length: {len(content)}"
    ]  # fmt: skip
    return "\r\n".join([*head, *lengths, *headers]).encode() + b"\r\n\r\n" + content
