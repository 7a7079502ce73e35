"""One OpenAI-compatible server over HTTP: deadlines, retries, bounds and plain errors.

Written on aiohttp and orjson because the client is the bottleneck of a small machine with many dialogues: per request
the openai SDK costs about ten times their CPU (see benchmarks/).
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from yarl import URL

from sml_agents.backends.loops import PerLoop
from sml_agents.backends.replies import decode, server_message
from sml_agents.backends.retries import Transient, pause_before, retryable, wanted_wait
from sml_agents.backends.settings import Budget, EndpointSettings
from sml_agents.backends.text import deep_clean
from sml_agents.errors import BackendSpecError, EndpointError

__all__ = ["MAX_BODY_BYTES", "Endpoint"]

MAX_BODY_BYTES = 16 * 2**20
"""Longest reply accepted, after decompression."""


async def _session() -> AsyncGenerator[aiohttp.ClientSession, None]:
    # No limit on connections: how many dialogues run at once is decided by whoever runs them.
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=30)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
    try:
        yield session
    finally:
        await session.close()


_sessions = PerLoop(_session)


class Endpoint:
    """POSTs JSON under `base_url`. Raises `EndpointError` with one sentence, never with the key in it."""

    def __init__(self, base_url: str, api_key: str, settings: EndpointSettings, budget: Budget) -> None:
        self.settings, self.budget = settings, budget
        self._key = api_key
        self._base = base_url.rstrip("/")
        parts = urlsplit(self._base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BackendSpecError(f"base_url must look like http://host:port/v1, not {self.redact(base_url)!r}.")
        self._proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
        self._headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "sml-agents",
            # Name and password in the address take the place of a key: there is only one Authorization header.
            **({"Authorization": f"Bearer {api_key}"} if api_key and not parts.username else {}),
        }
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=settings.read_timeout)

    def redact(self, text: str) -> str:
        """`text` without keys and passwords."""
        if self._key:
            text = text.replace(self._key, "***")
        text = re.sub(r"//[^/@\s]{1,200}@", "//***@", text)
        return re.sub(r"\b(sk-|Bearer )[\w.*-]{6,200}", r"\1***", text)

    async def post(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that the server answers."""
        body = _dumps(payload)
        deadline = asyncio.get_running_loop().time() + self.settings.timeout
        attempt = 0
        while True:
            self.budget.spend_call()
            try:
                async with asyncio.timeout_at(deadline), await self._open(path, body) as response:
                    return decode(await self._read(response))
            except Exception as error:
                await self._recover(error, attempt, deadline)
            attempt += 1

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncIterator[bytes]:
        """The data of each server-sent event. Retries end with the first one."""
        body = _dumps(payload)
        deadline = asyncio.get_running_loop().time() + self.settings.timeout
        attempt, begun = 0, False
        while True:
            self.budget.spend_call()
            response: aiohttp.ClientResponse | None = None
            try:
                async with asyncio.timeout_at(deadline):
                    response = await self._open(path, body)
                if response.content_type != "text/event-stream":
                    async with asyncio.timeout_at(deadline):
                        whole = decode(await self._read(response))
                    raise EndpointError(f"The endpoint did not stream: {server_message(whole) or 'no event stream'}.")
                lines = self._lines(response, deadline)
                async for line in lines:
                    data = line[5:].strip() if line.startswith(b"data:") else b""
                    if data:
                        begun = True
                        yield data
                return
            except Exception as error:
                if begun:
                    plain = self._plain(error)
                    raise plain from (None if plain is error else error)
                await self._recover(error, attempt, deadline)
            finally:
                if response is not None:
                    response.close()
            attempt += 1

    async def _recover(self, error: Exception, attempt: int, deadline: float) -> None:
        """Sleep before the next attempt, or raise what the caller shall see."""
        plain = self._plain(error)
        if not isinstance(plain, Transient):
            raise plain from (None if plain is error else error)
        tried = f" ({attempt + 1} attempts)" if attempt else ""
        if attempt >= self.settings.max_retries:
            raise EndpointError(f"{plain}{tried}.", status=plain.status) from error
        pause = pause_before(attempt, plain.wait, self.settings.backoff)
        if asyncio.get_running_loop().time() + pause >= deadline:
            left = f"the next attempt would come after the timeout of {self.settings.timeout:g} s"
            raise EndpointError(f"{plain}{tried}; {left}.", status=plain.status) from error
        await asyncio.sleep(pause)

    def _plain(self, error: Exception) -> Exception:
        """`error` as what it means: an `EndpointError`, `Transient` if another attempt may help."""
        where = self.redact(self._base)
        if isinstance(error, EndpointError):
            error.args = (self.redact(str(error)),)
            return error
        if isinstance(error, aiohttp.InvalidURL):
            return BackendSpecError(f"base_url {where!r} is not a usable address.")
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
            return EndpointError(f"No trusted connection to {where}: {self.redact(str(error))}.")
        if isinstance(error, aiohttp.SocketTimeoutError | aiohttp.ConnectionTimeoutError):
            return Transient(f"{where} was silent for {self.settings.read_timeout:g} s")
        if isinstance(error, TimeoutError):
            return EndpointError(f"{where} gave no complete answer within {self.settings.timeout:g} s.")
        if isinstance(error, aiohttp.ClientPayloadError):
            return Transient(f"{where} broke off in the middle of its answer")
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return Transient(f"The host of {where} is unknown: check base_url and the network")
        if isinstance(error, aiohttp.ClientConnectorError):
            return Transient(f"Nothing answers at {where}: is the server running?")
        if isinstance(error, aiohttp.ClientError | OSError):
            return Transient(f"The connection to {where} broke ({type(error).__name__})")
        return error

    async def _open(self, path: str, body: bytes) -> aiohttp.ClientResponse:
        session = await _sessions.get()
        response = await session.post(
            URL(self._base + path, encoded=True),
            data=body,
            headers=self._headers,
            timeout=self._timeout,
            proxy=self._proxy,
            allow_redirects=False,
        )
        if response.status != 200:
            async with response:
                await self._refuse(response)
        return response

    async def _refuse(self, response: aiohttp.ClientResponse) -> None:
        """Raise what an answer with another status than 200 means."""
        status, where = response.status, self.redact(self._base)
        if 300 <= status < 400:
            target = response.headers.get("Location", "elsewhere")
            raise EndpointError(f"{where} redirects to {target}; set base_url to the final address.", status=status)
        try:
            answer: Any = decode(await self._read(response))
        except EndpointError:
            answer = None
        detail = server_message(answer) or response.reason or "no reason given"
        message = f"{where} answered {status}: {detail}"
        if retryable(status, answer):
            raise Transient(message, status=status, wait=wanted_wait(response.headers))
        hints = {401: "check the API key", 403: "the key has no access", 404: "check base_url and the model's name"}
        raise EndpointError(f"{message} ({hints[status]})" if status in hints else message, status=status)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The body, decompressed, at most `MAX_BODY_BYTES` of it."""
        pieces, size = [], 0
        inflate = _inflater(response.headers.get("Content-Encoding", ""))
        if (response.content_length or 0) > MAX_BODY_BYTES:
            raise EndpointError(f"The endpoint's answer is longer than {MAX_BODY_BYTES >> 20} MB.")
        while piece := await response.content.readany():
            if inflate is not None:
                piece = inflate(piece, MAX_BODY_BYTES - size + 1)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                response.close()
                raise EndpointError(f"The endpoint's answer is longer than {MAX_BODY_BYTES >> 20} MB.")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _lines(self, response: aiohttp.ClientResponse, deadline: float) -> AsyncIterator[bytes]:
        inflate = _inflater(response.headers.get("Content-Encoding", ""))
        rest, size = b"", 0
        while True:
            # The time of a consumer between two events is not the server's: only the waiting is timed.
            async with asyncio.timeout_at(deadline):
                piece = await response.content.readany()
            if not piece:
                break
            piece = inflate(piece, MAX_BODY_BYTES - size + 1) if inflate else piece
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise EndpointError(f"The endpoint's answer is longer than {MAX_BODY_BYTES >> 20} MB.")
            *lines, rest = re.split(rb"\r\n|\n|\r", rest + piece)
            for line in lines:
                yield line
        if rest:
            yield rest


def _inflater(encoding: str) -> Any:
    """None for a plain body; else a function (piece, at most) -> bytes."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise EndpointError(f"The endpoint compressed its answer with {encoding!r}, which was not offered to it.")
    machine = zlib.decompressobj(wbits=47)

    def inflate(piece: bytes, most: int) -> bytes:
        try:
            return machine.decompress(piece, max(most, 1))
        except zlib.error:
            raise EndpointError("The endpoint's answer is compressed and damaged.") from None

    return inflate


def _dumps(payload: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(payload)
    except TypeError:
        return orjson.dumps(deep_clean(payload))
