"""A chat model behind a client of the `openai` package: accounts and gateways of every sort.

    from openai import AsyncAzureOpenAI

    client = AsyncAzureOpenAI(azure_endpoint=..., azure_ad_token_provider=..., api_version=...)
    model = resolve(client, model="my-deployment", temperature=0)

The client brings keys, Azure AD tokens, proxies, certificates and its own retries; requests are made and replies read
as for `openai:`. It costs several times the processor time of that one (see docs/endpoints.md).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar, cast
from urllib.parse import urlsplit

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from sml_agents.backends.replies import decode, raise_error_in, server_message
from sml_agents.backends.retries import Refusal, Transient, pause_before
from sml_agents.backends.served import Reader, ServedChatModel
from sml_agents.backends.settings import Budget, ClientSettings, ModelSettings
from sml_agents.backends.text import Secrets
from sml_agents.errors import BackendError, BackendSpecError, EndpointError, MissingExtra, SmlError

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream

__all__ = ["ClientTransport", "OpenAIClientModel", "checked_client"]

_BACKOFF = 0.5
_MOST_CONNECTIONS = 1000
"""That the package keeps open."""

T = TypeVar("T")


class OpenAIClientModel(ServedChatModel):
    """The model (of Azure: the deployment) `model` through `client`, an `AsyncOpenAI` or `AsyncAzureOpenAI`.

    None makes a client from the environment, as the package does. The client's connections live in the event loop that
    used it first; calls from other loops and from synchronous code go there, and a synchronous call that would block
    that very loop is refused. Calls that the client repeats by itself count once in `budget_calls`.

    Extra keywords of a call (`temperature`, `seed`, `response_format`, ...) go into its request as they are. Raises
    `EndpointError` (after the client's retries), `BudgetExceeded`, `BackendSpecError` when no client can be made, and
    `MissingExtra` without the package.
    """

    settings_type: ClassVar[type[ModelSettings]] = ClientSettings
    backend: ClassVar[str] = "openai-sdk"

    settings: ClientSettings = ClientSettings()
    client: Any = Field(default=None, exclude=True, repr=False)

    _address: str = PrivateAttr()
    _home: _Home = PrivateAttr()

    def _connect(self) -> ClientTransport:
        client = checked_client(self.client) if self.client is not None else _from_environment(self.settings)
        if self.settings.max_retries is not None:
            client = client.with_options(max_retries=self.settings.max_retries)
        transport = ClientTransport(client, self.settings.timeout, self._budget)
        self._address, self._home = transport.address, transport.home
        return transport

    @property
    def _llm_type(self) -> str:
        return "sml-openai-sdk"

    @property
    def address(self) -> str:
        """Where the model lives, without secrets."""
        return self._address

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self._home.refuse_blocking()
        return super()._generate(messages, stop, run_manager, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        self._home.refuse_blocking()
        yield from super()._stream(messages, stop, run_manager, **kwargs)


class _Home:
    """The event loop that a client's connections live in."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def refuse_blocking(self) -> None:
        """Raise BackendError in that loop's own thread: to wait there for it would be to wait for ever."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            return
        if here is self._loop:
            raise BackendError("The client works in this event loop, which a synchronous call blocks: use ainvoke.")

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """`work()`, in that loop; the loop of the caller becomes it when there is none, or it has ended."""
        here = asyncio.get_running_loop()
        with self._lock:
            if self._loop is None or not self._loop.is_running():
                self._loop = here
            home = self._loop
        if home is here:
            return await work()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), home))


class ClientTransport:
    """Carries requests by `client`; see `served.Transport`."""

    def __init__(self, client: AsyncOpenAI, timeout: float, budget: Budget) -> None:
        self._client, self._timeout, self._budget = client, timeout, budget
        self.home = _Home()
        url = str(client.base_url)
        keys = [client.api_key, getattr(client, "_azure_ad_token", None), *client.default_query.values()]
        self._secrets = Secrets([key for key in keys if isinstance(key, str)], urlsplit(url))
        self.address = self._secrets.redact(url.rstrip("/"))

    async def post(
        self, path: str, payload: dict[str, Any], read: Callable[[dict[str, Any]], AIMessage], deadline: float
    ) -> AIMessage:
        """What `read` makes of the answer."""

        async def send() -> bytes:
            # The bytes as they came: the package's own reading takes many times longer, and is less strict.
            return await self._client.post(path, cast_to=bytes, body=payload)

        attempt = 0
        while True:
            self._budget.spend_call()
            try:
                async with asyncio.timeout_at(deadline):
                    body = await self._alive(send)
                if body.lstrip()[:1] == b"{" and body.rstrip()[-1:] != b"}":
                    # The client unpacks what has come of a compressed body and does not say that there was more.
                    raise Transient(f"{self.address} broke off in the middle of its answer")
                return read(decode(body))
            except Exception as error:
                await self._recover(error, attempt, deadline)
            attempt += 1

    async def stream(
        self, path: str, payload: dict[str, Any], reader: Callable[[], Reader], deadline: float
    ) -> AsyncIterator[AIMessageChunk]:
        """The chunks that `reader` reads from the events of the client's stream."""
        from openai import AsyncStream

        async def open_stream() -> AsyncStream[object]:
            return await self._client.post(
                path, cast_to=object, body=payload, stream=True, stream_cls=AsyncStream[object]
            )

        attempt, begun = 0, False
        while True:
            self._budget.spend_call()
            events: AsyncStream[object] | None = None
            try:
                async with asyncio.timeout_at(deadline):
                    events = await self._alive(open_stream)
                parts = reader()
                while True:
                    async with asyncio.timeout_at(deadline):
                        event = await self.home.run(partial(_next, events))
                    if event is None:
                        break
                    for chunk in parts.read(event if isinstance(event, dict) else {}):
                        begun = True
                        yield chunk
                # The client keeps to itself whether the stream said that it was done.
                for chunk in parts.end(False):
                    begun = True
                    yield chunk
                return
            except Exception as error:
                if begun:
                    self._raise(error)
                await self._recover(error, attempt, deadline)
            finally:
                if events is not None:
                    await self.home.run(events.close)
            attempt += 1

    async def _alive(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """`work()` at home. Connections that were left open in a loop that has ended fail once each, when they are
        taken up again."""
        for _ in range(_MOST_CONNECTIONS):
            try:
                return await self.home.run(work)
            except RuntimeError as error:
                if "loop is closed" not in str(error):
                    raise
        return await self.home.run(work)

    async def _recover(self, error: Exception, attempt: int, deadline: float) -> None:
        """Sleep before a reply that was broken off is asked for again; what else failed the client tried again."""
        plain = self._plain(error)
        if not isinstance(plain, Transient):
            self._raise(error)
        pause = pause_before(attempt, plain.wait, _BACKOFF)
        if attempt >= self._client.max_retries or asyncio.get_running_loop().time() + pause >= deadline:
            tried = f" ({attempt + 1} attempts)" if attempt else ""
            raise EndpointError(f"{plain}{tried}.", status=plain.status) from None
        await asyncio.sleep(pause)

    def _raise(self, error: Exception) -> NoReturn:
        plain = self._plain(error)
        # The client's own errors hold the request, with its key.
        raise plain from None

    def _plain(self, error: Exception) -> Exception:
        """`error` as what it means, in one sentence."""
        import openai

        where = self.address
        if isinstance(error, EndpointError):
            error.args = (self._secrets.redact(str(error)),)
            return error
        if isinstance(error, SmlError):
            return error
        if isinstance(error, openai.APIStatusError):
            answer = error.body if isinstance(error.body, dict) and "error" in error.body else {"error": error.body}
            said = server_message(answer) or self._secrets.redact(error.message)[:300]
            message = self._secrets.redact(f"{where} answered {error.status_code}: {said}")
            if error.status_code in (400, 422):
                return Refusal(message, status=error.status_code, answer=answer if error.body else error.message)
            return EndpointError(message, status=error.status_code)
        if isinstance(error, openai.APITimeoutError | TimeoutError):
            return EndpointError(f"{where} gave no complete answer within {self._timeout:g} s.")
        if isinstance(error, openai.APIConnectionError):
            cause = error.__cause__ or error
            return EndpointError(self._secrets.redact(f"No connection to {where}: {cause or type(cause).__name__}."))
        if isinstance(error, openai.APIError):  # in the middle of a stream
            try:
                raise_error_in({"error": error.body or error.message}, "broke off its stream")
            except EndpointError as known:
                return self._plain(known)
        return EndpointError(
            self._secrets.redact(f"The client of {where} failed ({type(error).__name__}: {str(error)[:300]}).")
        )


async def _next(events: AsyncStream[object]) -> object | None:
    return await anext(events, None)


def _openai() -> Any:
    try:
        import openai
    except ImportError as error:
        raise MissingExtra("openai-sdk:", "openai") from error
    return openai


def checked_client(client: Any) -> AsyncOpenAI:
    """`client`, if it is an `AsyncOpenAI`; else BackendSpecError."""
    openai = _openai()
    if isinstance(client, openai.AsyncOpenAI):
        return cast("AsyncOpenAI", client)
    if isinstance(client, openai.OpenAI):
        kind = type(client).__name__
        raise BackendSpecError(f"{kind} blocks the event loop that runs the dialogues: give an Async{kind}.")
    raise BackendSpecError(
        f"A model is a spec, a chat model of LangChain or an AsyncOpenAI, not {type(client).__name__}."
    )


def _from_environment(settings: ClientSettings) -> AsyncOpenAI:
    openai = _openai()
    given = {} if settings.base_url is None else {"base_url": settings.base_url}
    try:
        client: AsyncOpenAI = openai.AsyncAzureOpenAI(**given) if settings.azure else openai.AsyncOpenAI(**given)
    except (openai.OpenAIError, ValueError) as error:
        raise BackendSpecError(f"openai-sdk: no client can be made: {Secrets([]).redact(str(error))}") from None
    return client
