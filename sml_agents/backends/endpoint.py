"""One OpenAI-compatible server over HTTP: deadlines, retries, bounds and plain errors.

Written on aiohttp and orjson because the client is the bottleneck of a small machine with many dialogues: per request
the openai SDK costs about ten times their CPU (see benchmarks/).
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from langchain_core.messages import AIMessage, AIMessageChunk
from yarl import URL

from sml_agents.backends.loops import PerLoop
from sml_agents.backends.replies import decode, refusal_in, server_message
from sml_agents.backends.retries import Refusal, Transient, pause_before, retryable, wanted_wait
from sml_agents.backends.settings import Budget, EndpointSettings
from sml_agents.backends.text import Secrets, deep_clean
from sml_agents.errors import BackendSpecError, EndpointError
from sml_agents.text.printable import printable

if TYPE_CHECKING:
    from sml_agents.backends.served import Reader

__all__ = ["MAX_BODY_BYTES", "Endpoint"]

MAX_BODY_BYTES = 16 * 2**20
"""Longest reply accepted, after decompression."""


class _Connector(aiohttp.TCPConnector):
    """Opens connections outside the context of whoever asks first: a connection keeps the context that it was made in,
    and with it, as long as it is pooled, the whole state of a dialogue that is over."""

    async def _create_connection(self, *given: Any) -> Any:
        opening = super()._create_connection(*given)
        return await asyncio.get_running_loop().create_task(opening, context=Context())


async def _session() -> AsyncGenerator[aiohttp.ClientSession, None]:
    # No limit on connections: how many dialogues run at once is decided by whoever runs them.
    connector = _Connector(limit=0, ttl_dns_cache=300, keepalive_timeout=30)
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
    try:
        yield session
    finally:
        await session.close()


_sessions = PerLoop(_session)


def _address(base_url: str) -> SplitResult:
    """The parts of an address; BackendSpecError for one that cannot be taken apart, which may hold a password."""
    try:
        parts = urlsplit(base_url)
        _ = parts.port  # read on demand only, and refused then
    except ValueError as error:
        raise BackendSpecError(f"base_url must look like http://host:port/v1: {error}.") from None
    return parts


class Endpoint:
    """POSTs JSON under `base_url`, whose query goes with each request. Raises `EndpointError` with one sentence, never
    with a key, a password or a control character in it."""

    def __init__(self, base_url: str, api_key: str, settings: EndpointSettings, budget: Budget) -> None:
        self.settings, self.budget = settings, budget
        parts = _address(base_url)
        self._secrets = Secrets([api_key], parts)
        self.address = self.redact(base_url.rstrip("/"))
        """`base_url` as it may be shown."""
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BackendSpecError(f"base_url must look like http://host:port/v1, not {self.address!r}.")
        self._base = parts._replace(path=parts.path.rstrip("/"), query="", fragment="").geturl()
        self._query = f"?{parts.query}" if parts.query else ""
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
        """`text` without keys, passwords and control characters, on one line."""
        return self._secrets.redact(text)

    async def post(
        self, path: str, payload: dict[str, Any], read: Callable[[dict[str, Any]], AIMessage], deadline: float
    ) -> AIMessage:
        """What `read` makes of the JSON object that the server answers. See `served.Transport`."""
        body = _dumps(payload)
        attempt = 0
        while True:
            self.budget.spend_call()
            try:
                async with asyncio.timeout_at(deadline), await self._open(path, body) as response:
                    return read(decode(await self._read(response)))
            except Exception as error:
                await self._recover(error, attempt, deadline)
            attempt += 1

    async def stream(
        self, path: str, payload: dict[str, Any], reader: Callable[[], Reader], deadline: float
    ) -> AsyncIterator[AIMessageChunk]:
        """The chunks that `reader` reads from server-sent events. See `served.Transport`."""
        body = _dumps(payload)
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
                events, done = reader(), False
                async for data in self._events(response, deadline):
                    if data == b"[DONE]":
                        done = True
                        break
                    for chunk in events.read(decode(data)):
                        begun = True
                        yield chunk
                for chunk in events.end(done):
                    begun = True
                    yield chunk
                return
            except Exception as error:
                if begun:
                    self._raise(error)
                await self._recover(error, attempt, deadline)
            finally:
                if response is not None:
                    response.close()
            attempt += 1

    async def _recover(self, error: Exception, attempt: int, deadline: float) -> None:
        """Sleep before the next attempt, or raise what the caller shall see."""
        plain = self._plain(error)
        if not isinstance(plain, Transient):
            self._raise(error)
        tried = f" ({attempt + 1} attempts)" if attempt else ""
        if attempt >= self.settings.max_retries:
            raise EndpointError(f"{plain}{tried}.", status=plain.status) from self._cause(error)
        pause = pause_before(attempt, plain.wait, self.settings.backoff)
        if asyncio.get_running_loop().time() + pause >= deadline:
            left = f"the next attempt would come after the timeout of {self.settings.timeout:g} s"
            raise EndpointError(f"{plain}{tried}; {left}.", status=plain.status) from self._cause(error)
        await asyncio.sleep(pause)

    def _raise(self, error: Exception) -> NoReturn:
        """Raise `error` as what it means."""
        plain = self._plain(error)
        raise plain from (None if plain is error else self._cause(error))

    def _cause(self, error: Exception) -> Exception | None:
        """`error` for a traceback, unless it would show there what messages do not say."""
        return error if self.redact(str(error)) == str(error) else None

    def _plain(self, error: Exception) -> Exception:
        """`error` as what it means: an `EndpointError`, `Transient` if another attempt may help."""
        where = self.address
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
            URL(self._base + path + self._query, encoded=True),
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
        status, where = response.status, self.address
        if 300 <= status < 400:
            target = response.headers.get("Location", "elsewhere")
            raise EndpointError(f"{where} redirects to {target}; set base_url to the final address.", status=status)
        try:
            answer = refusal_in(await self._read(response))
        except EndpointError:
            answer = None
        detail = server_message(answer) or response.reason or "no reason given"
        message = f"{where} answered {status}: {detail}"
        if retryable(status, answer):
            raise Transient(message, status=status, wait=wanted_wait(response.headers))
        if status in (400, 422):
            raise Refusal(message, status=status, answer=answer)
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
                piece = inflate.add(piece, MAX_BODY_BYTES - size + 1)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                response.close()
                raise EndpointError(f"The endpoint's answer is longer than {MAX_BODY_BYTES >> 20} MB.")
            pieces.append(piece)
        if inflate is not None:
            inflate.end()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _events(self, response: aiohttp.ClientResponse, deadline: float) -> AsyncIterator[bytes]:
        """The data of each server-sent event; of one that is called an error, as `{"error": data}`."""
        data: list[bytes] = []
        name = b""
        async for line in self._lines(response, deadline):
            if not line:
                if data:
                    yield _event(name, data)
                data, name = [], b""
            elif line.startswith(b"data:"):
                if data and _is_json(data):  # the blank line between two events is missing
                    yield _event(name, data)
                    data = []
                data.append(line[5:].strip())
            elif line.startswith(b"event:"):
                name = line[6:].strip()
        if data:
            yield _event(name, data)

    async def _lines(self, response: aiohttp.ClientResponse, deadline: float) -> AsyncIterator[bytes]:
        inflate = _inflater(response.headers.get("Content-Encoding", ""))
        rest, size = b"", 0
        while True:
            # The time of a consumer between two events is not the server's: only the waiting is timed.
            async with asyncio.timeout_at(deadline):
                piece = await response.content.readany()
            if not piece:
                break
            piece = inflate.add(piece, MAX_BODY_BYTES - size + 1) if inflate else piece
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise EndpointError(f"The endpoint's answer is longer than {MAX_BODY_BYTES >> 20} MB.")
            *lines, rest = re.split(rb"\r\n|\n|\r(?=.)", rest + piece, flags=re.DOTALL)
            for line in lines:
                yield line
        if inflate is not None:
            inflate.end()
        if rest:
            yield rest.rstrip(b"\r")


def _is_json(data: list[bytes]) -> bool:
    try:
        orjson.loads(b"\n".join(data))
    except ValueError:
        return False
    return True


def _event(name: bytes, data: list[bytes]) -> bytes:
    whole = b"\n".join(data)
    if name != b"error" or b'"error"' in whole:
        return whole
    return b'{"error": ' + (whole if whole[:1] in b'{["' else orjson.dumps(whole.decode("utf-8", "replace"))) + b"}"


class _Inflater:
    """Unpacks a body as it comes."""

    def __init__(self) -> None:
        self._machine = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever it is
        self._begun = False

    def add(self, piece: bytes, most: int) -> bytes:
        """At most `most` bytes of what `piece` brings."""
        self._begun = True
        try:
            return self._machine.decompress(piece, max(most, 1))
        except zlib.error:
            raise EndpointError("The endpoint's answer is compressed and damaged.") from None

    def end(self) -> None:
        """Raises `Transient` when something is missing."""
        if self._begun and not self._machine.eof:
            raise Transient("The endpoint broke off in the middle of its compressed answer")


def _inflater(encoding: str) -> _Inflater | None:
    """None for a plain body."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise EndpointError(
            f"The endpoint compressed its answer with {printable(encoding)!r}, which was not offered to it."
        )
    return _Inflater()


def _dumps(payload: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(payload)
    except TypeError:
        return orjson.dumps(deep_clean(payload))
