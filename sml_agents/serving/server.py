"""The server itself: routes, bounds, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from pydantic import ValidationError

from sml_agents.errors import (
    BudgetExceeded,
    ConversationError,
    EndpointError,
    InputError,
    SmlError,
    complaint,
    one_line,
)
from sml_agents.serving.answer import Answer, error_body, refused
from sml_agents.serving.request import ChatRequest
from sml_agents.serving.settings import ServingSettings

__all__ = ["Served", "application", "serve"]

log = logging.getLogger("sml_agents.serving")

_BROKEN = "The server failed to answer; its log says why."
_LAST_WORDS = 1.0
"""Seconds in which a client has to take the error that ends its stream."""
_OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass
class Served:
    """What a server has done so far."""

    requests: int = 0
    """Chat completions that were begun."""
    failed: int = 0
    """Of them, those that were answered with an error."""
    refused: int = 0
    """Requests that were refused unread: no key, too large, not JSON, too many at once."""
    tokens: int = 0
    """Tokens of the replies, where the model says."""
    running: int = 0
    """Replies under way or waiting for their place."""
    closing: bool = False
    began: int = field(default_factory=lambda: int(time.time()))


def application(
    models: Mapping[str, BaseChatModel], settings: ServingSettings | None = None, served: Served | None = None
) -> web.Application:
    """An aiohttp application that serves `models` under their names, to be run or mounted by yourself.

    Raises:
        InputError: there is no model to serve.
    """
    if not models:
        raise InputError("There is no model to serve: name at least one.")
    settings = settings or ServingSettings()
    site = _Site(models, settings, served or Served())
    app = web.Application(middlewares=[site.guarded], client_max_size=settings.body_kb * 1024)
    app.router.add_get("/health", site.health)
    app.router.add_get("/v1/models", site.list_models)
    app.router.add_get("/v1/models/{name:.+}", site.show_model)
    app.router.add_post("/v1/chat/completions", site.complete)
    return app


async def serve(
    models: Mapping[str, BaseChatModel],
    settings: ServingSettings | None = None,
    *,
    stop: asyncio.Event,
    ready: Callable[[str], None] = lambda address: None,
) -> Served:
    """Serve `models` until `stop` is set; then what runs is finished (see `ServingSettings.grace`).

    `ready` is told the address, such as `http://127.0.0.1:8000/v1`, once it is open.

    Raises:
        InputError: the address cannot be used, or there is no model to serve.
    """
    settings, served = settings or ServingSettings(), Served()
    runner = web.AppRunner(
        application(models, settings, served),
        access_log=None,
        auto_decompress=False,  # a small body must not become a large one
        handler_cancellation=True,  # a client that has gone makes room in the batch
        keepalive_timeout=settings.patience,
        lingering_time=1.0,
        logger=_quiet(),
        shutdown_timeout=settings.grace,
    )
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        try:
            await site.start()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"Cannot serve at {settings.host}:{settings.port}: {reason}; take another.") from None
        host, port = runner.addresses[0][:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}/v1")
        await stop.wait()
        served.closing = True
    finally:
        await runner.cleanup()  # listens no longer, waits for what runs
    return served


def _quiet() -> logging.Logger:
    """aiohttp's, without a traceback for every client that speaks no HTTP."""
    logger = logging.Logger("sml_agents.serving.http")
    logger.disabled = True
    return logger


@dataclass
class _Site:
    models: Mapping[str, BaseChatModel]
    settings: ServingSettings
    served: Served

    @web.middleware
    async def guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nothing but a known client gets further, and whatever goes wrong there is said in OpenAI's form."""
        refusal = self._refusal(request)
        if refusal is not None:
            self.served.refused += 1
            return refusal
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return self._turned_away(413, f"The request is larger than {self.settings.body_kb} KiB.")
        except web.HTTPException as error:
            response = self._turned_away(error.status, f"{request.method} {request.path}: {error.reason}.")
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except Exception as error:
            log.error("a request failed", exc_info=error)
            return refused(500, _BROKEN)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.path == "/health":
            return None
        if self.settings.key is not None:
            given = request.headers.get("Authorization", "")
            wanted = f"Bearer {self.settings.key.get_secret_value()}"
            if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode()):
                return refused(401, "No such key: send 'Authorization: Bearer KEY'.", code="invalid_api_key")
        elif not self._is_own(request.headers.get("Host", "")):
            # A page elsewhere may give its own name this machine's address.
            return refused(403, "A server without a key answers to this machine's own names only.")
        return None

    def _is_own(self, host: str) -> bool:
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        return name.lower() in (*_OWN_NAMES, self.settings.host.lower())

    def _turned_away(self, status: int, message: str, **more: Any) -> web.Response:
        self.served.refused += 1
        response = refused(status, message, **more)
        if status in (408, 413):  # the rest of the request is not waited for
            response.force_close()
        return response

    async def health(self, request: web.Request) -> web.Response:
        state = "closing" if self.served.closing else "ok"
        body = {"status": state, "running": self.served.running, "at_once": self.settings.at_once}
        return web.json_response(body, status=503 if self.served.closing else 200)

    async def list_models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [self._entry(name) for name in self.models]})

    async def show_model(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.json_response(self._entry(name)) if name in self.models else self._unknown(name)

    def _entry(self, name: str) -> dict[str, Any]:
        entry = {"id": name, "object": "model", "created": self.served.began, "owned_by": "sml-agents"}
        decision = getattr(self.models[name], "decision", None)
        return entry if decision is None else {**entry, "threshold": decision.threshold}

    def _unknown(self, name: str) -> web.Response:
        known = ", ".join(self.models)
        return refused(404, f"There is no model {name[:200]!r} here, only {known}.", code="model_not_found")

    async def complete(self, request: web.Request) -> web.StreamResponse:
        asked = await self._read(request)
        if isinstance(asked, web.Response):
            return asked
        if asked.model not in self.models:
            return self._unknown(asked.model)
        if self.served.closing:
            response = self._turned_away(503, "The server is shutting down.", retry=True)
            response.force_close()
            return response
        if self.served.running + asked.choices > self.settings.at_once:
            return self._turned_away(429, f"{self.served.running} replies are under way; come again.", retry=True)
        self.served.requests += 1
        self.served.running += asked.choices
        try:
            return await (self._streamed(request, asked) if asked.stream else self._whole(asked))
        finally:
            self.served.running -= asked.choices

    async def _read(self, request: web.Request) -> ChatRequest | web.Response:
        """The request, or why it is refused."""
        if request.content_type != "application/json":  # so that no page in a browser can send it unasked
            return self._turned_away(415, "Send JSON, with 'Content-Type: application/json'.")
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return self._turned_away(415, "Send the request uncompressed.")
        try:
            async with asyncio.timeout(self.settings.patience):
                body = await request.read()
        except TimeoutError:
            return self._turned_away(408, f"The request did not arrive within {self.settings.patience:g} s.")
        try:
            return ChatRequest.model_validate(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            return self._turned_away(400, f"The request is not JSON: {one_line(error, 200)}.")
        except ValidationError as error:
            where, why = complaint(error)
            message = f"{where}: {why}." if where else f"The request cannot be read: {why}."
            return self._turned_away(400, message[:1000], param=where[:200] or None)

    async def _whole(self, asked: ChatRequest) -> web.Response:
        model, messages = self.models[asked.model], asked.conversation()

        async def reply(choice: int) -> AIMessage:
            return await model.ainvoke(messages, **asked.settings(self.settings.max_tokens, choice))

        try:
            async with asyncio.timeout(self.settings.timeout):
                replies = await _together([reply(choice) for choice in range(asked.choices)])
        except Exception as error:
            status, message, code = self._failure(error)
            return refused(status, message, code=code, retry=status in (502, 503))
        self._count(replies)
        return web.Response(body=Answer(asked).whole(replies), content_type="application/json")

    async def _streamed(self, request: web.Request, asked: ChatRequest) -> web.StreamResponse:
        model, messages, answer = self.models[asked.model], asked.conversation(), Answer(asked)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        streams = [
            model.astream(messages, **asked.settings(self.settings.max_tokens, choice))
            for choice in range(asked.choices)
        ]
        so_far: dict[int, AIMessageChunk] = {}
        try:
            async with asyncio.timeout(self.settings.timeout), contextlib.aclosing(_merged(streams)) as pieces:
                async for index, chunk in pieces:
                    if not response.prepared:  # not before: until then an error has a status of its own
                        await response.prepare(request)
                    event = answer.piece(index, chunk, first=index not in so_far)
                    so_far[index] = _kept(chunk, so_far.get(index))
                    if event is not None:
                        await response.write(event)
                replies = [so_far[index] for index in sorted(so_far)]
                for index, reply in enumerate(replies):
                    await response.write(answer.end(index, reply))
                if asked.stream_options is not None and asked.stream_options.include_usage:
                    await response.write(answer.usage(replies))
                await response.write(b"data: [DONE]\n\n")
        except ConnectionError:  # the client has gone
            self.served.failed += 1
            return response
        except Exception as error:
            status, message, code = self._failure(error)
            if not response.prepared:
                return refused(status, message, code=code)
            try:
                async with asyncio.timeout(_LAST_WORDS):
                    await response.write(b"data: " + orjson.dumps(error_body(status, message, code=code)) + b"\n\n")
            except (ConnectionError, TimeoutError):  # it has gone, or reads nothing: waiting on would keep its place
                if request.transport is not None:
                    request.transport.abort()
        else:
            self._count(replies)
        return response

    def _count(self, replies: Sequence[AIMessage]) -> None:
        self.served.tokens += sum(reply.usage_metadata["output_tokens"] for reply in replies if reply.usage_metadata)

    def _failure(self, error: Exception) -> tuple[int, str, str | None]:
        """Status, words and code for what a model raised."""
        self.served.failed += 1
        if isinstance(error, TimeoutError):
            return 504, f"The reply was not complete within {self.settings.timeout:g} s.", "timeout"
        if isinstance(error, ConversationError):
            return 400, str(error), "context_length_exceeded" if error.too_long else "invalid_conversation"
        if isinstance(error, InputError):
            return 400, str(error), None
        if isinstance(error, BudgetExceeded):
            return 429, str(error), "insufficient_quota"
        if isinstance(error, EndpointError):
            return 502, str(error), None
        if isinstance(error, SmlError):
            return 500, str(error), None
        log.error("a reply failed", exc_info=error)
        return 500, _BROKEN, None


def _kept(chunk: AIMessageChunk, before: AIMessageChunk | None) -> AIMessageChunk:
    """Of a reply so far, what its end needs: all but the text, whose sum would be copied with every token."""
    if before is not None and not (chunk.response_metadata or chunk.usage_metadata or chunk.tool_call_chunks):
        return before
    bare = chunk.model_copy(update={"content": ""})
    return bare if before is None else before + bare


async def _together(replies: Sequence[Awaitable[AIMessage]]) -> list[AIMessage]:
    """All of them, or the first failure, with which the others are given up."""
    if len(replies) == 1:
        return [await replies[0]]
    tasks = [asyncio.ensure_future(reply) for reply in replies]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _merged(streams: Sequence[AsyncIterator[AIMessageChunk]]) -> AsyncGenerator[tuple[int, AIMessageChunk], None]:
    """The chunks of several streams as they come, each with its stream's place."""
    if len(streams) == 1:
        async for chunk in streams[0]:
            yield 0, chunk
        return
    waiting: asyncio.Queue[tuple[int, AIMessageChunk | Exception | None]] = asyncio.Queue()

    async def pour(index: int, stream: AsyncIterator[AIMessageChunk]) -> None:
        try:
            async for chunk in stream:
                waiting.put_nowait((index, chunk))
            waiting.put_nowait((index, None))
        except Exception as error:
            waiting.put_nowait((index, error))

    tasks = [asyncio.create_task(pour(index, stream)) for index, stream in enumerate(streams)]
    try:
        running = len(tasks)
        while running:
            index, item = await waiting.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                running -= 1
            else:
                yield index, item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
