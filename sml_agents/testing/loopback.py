"""A real HTTP server on loopback that answers as a scenario tells it to, down to the byte.

async def busy(exchange):
    await exchange.answer({"error": {"message": "later"}}, 429, {"Retry-After": "1"})

async with serve(busy) as server:
    model = resolve(f"openai:m@{server.url}")
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Exchange", "Loopback", "Scenario", "chat", "completion", "serve"]

Scenario = Callable[["Exchange"], Awaitable[None]]


def completion(content: Any = "Hello there.", finish: Any = "stop", **changes: Any) -> dict[str, Any]:
    """A well-formed chat completion; `changes` replace top-level keys."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "loopback",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        **changes,
    }


@dataclass
class Exchange:
    """One request and the connection to answer it on."""

    number: int
    """From 1, over all connections."""
    path: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    async def send(self, data: bytes) -> None:
        """Raw bytes, a status line included."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(
        self, body: Any, status: int = 200, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        """A whole answer; a body that is not bytes is sent as JSON. `length` may lie."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        head = [f"HTTP/1.1 {status} Said"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        head.append(f"Content-Length: {len(body) if length is None else length}")
        await self.send("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    async def stream(self, *events: Any, pause: float = 0.0, end: bytes = b"data: [DONE]\n\n") -> None:
        """Server-sent events; bytes go out as they are."""
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for event in events:
            await self.send(event if isinstance(event, bytes) else b"data: " + json.dumps(event).encode() + b"\n\n")
            await asyncio.sleep(pause)
        await self.send(end)
        self.writer.close()


@dataclass
class Loopback:
    """A running server: its address (`http://127.0.0.1:PORT/v1`) and what it was asked."""

    url: str
    requests: list[Exchange] = field(default_factory=list)


@asynccontextmanager
async def serve(scenario: Scenario) -> AsyncIterator[Loopback]:
    """Serve `scenario` until the block is left; every request goes to it and is remembered."""
    loopback = Loopback("")
    open_writers: set[asyncio.StreamWriter] = set()
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                exchange = Exchange(len(loopback.requests) + 1, head[0].split()[1], headers, body, writer)
                loopback.requests.append(exchange)
                await scenario(exchange)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            open_writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    loopback.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield loopback
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in open_writers:
            writer.close()
        await server.wait_closed()


def chat(body: Any = None) -> Scenario:
    """A scenario that answers every chat completion well, or with `body`; streams when asked to."""

    async def answer(exchange: Exchange) -> None:
        if exchange.json.get("stream"):
            pieces = [
                {"id": "chatcmpl-1", "model": "loopback", "choices": [{"index": 0, "delta": d, "finish_reason": f}]}
                for d, f in (({"role": "assistant", "content": ""}, None), ({"content": "Hello "}, None))
            ]
            last = {**pieces[0], "choices": [{"index": 0, "delta": {"content": "there."}, "finish_reason": "stop"}]}
            await exchange.stream(*pieces, last, completion(choices=[]))
        else:
            await exchange.answer(completion() if body is None else body)

    return answer
