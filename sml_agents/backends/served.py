"""A chat model behind an API, whoever carries its requests: what is asked, what is learned, what is read."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from typing import Any, ClassVar, NamedTuple, Protocol, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import Field, PrivateAttr

from sml_agents.backends import completions, responses
from sml_agents.backends.base import StreamingChatModel
from sml_agents.backends.dialect import Dialect
from sml_agents.backends.replies import total_tokens
from sml_agents.backends.retries import Refusal
from sml_agents.backends.settings import Budget, ModelSettings, ServedSettings
from sml_agents.backends.stops import StopTexts
from sml_agents.backends.text import to_openai
from sml_agents.errors import EndpointError

__all__ = ["Reader", "ServedChatModel", "Transport"]

log = logging.getLogger("sml_agents.backends")


class Reader(Protocol):
    """Reads one streamed reply."""

    def read(self, event: dict[str, Any]) -> Iterator[AIMessageChunk]: ...

    def end(self, done: bool) -> Iterator[AIMessageChunk]: ...


class _Api(NamedTuple):
    path: str
    message_from: Callable[[dict[str, Any], str, Collection[str]], AIMessage]
    stream: Callable[[str, Collection[str]], Reader]


_APIS = {
    "chat": _Api(completions.PATH, completions.message_from, completions.CompletionStream),
    "responses": _Api(responses.PATH, responses.message_from, responses.ResponseStream),
}


class Transport(Protocol):
    """Carries requests to a server. Both methods raise `Refusal` for a 400 or 422, `EndpointError` for whatever else
    failed for good, and ask again, as often as they are set to, where that may help; `deadline` is the loop's time."""

    async def post(
        self, path: str, payload: dict[str, Any], read: Callable[[dict[str, Any]], AIMessage], deadline: float
    ) -> AIMessage:
        """What `read` makes of the answer. When it raises `Transient`, the answer was not whole."""
        ...

    def stream(
        self, path: str, payload: dict[str, Any], reader: Callable[[], Reader], deadline: float
    ) -> AsyncIterator[AIMessageChunk]:
        """The chunks that a new `reader` reads; nothing is asked again once one was handed on."""
        ...


class _Line:
    """What a model needs for each call, at hand in one place: pydantic takes its time over each private attribute."""

    __slots__ = ("api", "budget", "dialect", "reasons", "request", "shaped", "timeout", "transport")

    def __init__(self, transport: Transport, budget: Budget, settings: ServedSettings, request: dict[str, Any]) -> None:
        self.transport, self.budget, self.request = transport, budget, request
        self.api, self.reasons, self.timeout = _APIS[settings.api], settings.finish_reasons, settings.timeout
        self.speak(Dialect.of(settings))

    def speak(self, dialect: Dialect) -> None:
        """Write requests in `dialect` from now on."""
        self.dialect = dialect
        self.shaped = dialect != Dialect() or self.api is not _APIS["chat"]
        """Whether requests are anything else than what `payload` makes."""

    def payload(self, messages: list[BaseMessage], stop: list[str] | None, given: dict[str, Any]) -> dict[str, Any]:
        """A request as a server after OpenAI's takes it."""
        payload = {**self.request, "messages": to_openai(messages), **given}
        if stop:
            payload["stop"] = stop
        return {name: value for name, value in payload.items() if value is not None}

    def written(
        self, payload: dict[str, Any], messages: list[BaseMessage], dialect: Dialect
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """`payload` in the words of this server and its API, and the messages in it."""
        written = dialect.write(payload, messages)
        entries: list[dict[str, Any]] = written["messages"]
        if self.api is _APIS["chat"]:
            return written, entries
        kept = [message.additional_kwargs.get(responses.REASONING_ITEMS, []) for message in messages]
        if len(kept) != len(entries):  # some were put together
            kept = [[] for _ in entries]
        asked = responses.request(written, kept)
        return {name: value for name, value in asked.items() if name not in dialect.omit}, entries


class ServedChatModel(StreamingChatModel):
    """Base of the chat models behind an API: subclasses bring a transport.

    Extra keywords of a call (`temperature`, `seed`, `response_format`, ...) go into its request as they are.
    Raises `EndpointError` (after the allowed retries) and `BudgetExceeded`.
    """

    settings_type: ClassVar[type[ModelSettings]] = ServedSettings
    backend: ClassVar[str]
    """The prefix of its specs."""

    model: str = Field(min_length=1)
    settings: ServedSettings = ServedSettings()

    _line: _Line = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        settings = self.settings
        request = {
            "model": self.model,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            self._longest(): settings.max_tokens,
            "stop": list(settings.stop) or None,
            "return_token_ids": settings.token_ids or None,
        }
        written = {name: value for name, value in request.items() if value is not None} | settings.extra_body
        self._line = _Line(self._connect(), self._budget, settings, written)

    @abstractmethod
    def _connect(self) -> Transport:
        """What carries this model's requests."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the model lives, without secrets."""

    def _longest(self) -> str:
        """The field that bounds a reply's length."""
        return "max_tokens"

    def describe(self) -> dict[str, Any]:
        about = {"backend": self.backend, "model": self.model, "base_url": self.address}
        return {**about, **self.settings.sampling(), **self.settings.dialect()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "openai"
        params["ls_model_name"] = kwargs.get("model", self.model)
        for name, key in (("temperature", "ls_temperature"), ("max_tokens", "ls_max_tokens")):
            value = kwargs.get(name, getattr(self.settings, name))
            if value is not None:
                cast("dict[str, Any]", params)[key] = value
        return params

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        kwargs.pop("stream", None)
        line = self._line
        api, reasons = line.api, line.reasons
        payload = line.payload(messages, stop, kwargs)
        name = payload["model"]

        def read(answer: dict[str, Any]) -> AIMessage:
            return api.message_from(answer, name, reasons)

        deadline = asyncio.get_running_loop().time() + line.timeout
        known = dialect = line.dialect
        while True:
            sent, entries = payload, payload["messages"]
            if line.shaped or dialect is not known:
                sent, entries = line.written(payload, messages, dialect)
            try:
                message = await line.transport.post(api.path, sent, read, deadline)
                break
            except Refusal as refusal:
                known, dialect = self._next(known, dialect, refusal, sent, entries)
        if dialect is not known:
            line.speak(dialect)
        line.budget.spend_tokens(total_tokens(message.usage_metadata))
        if "stop" in payload and "stop" not in sent:
            _cut(message, payload["stop"])
        return message

    def _next(
        self, known: Dialect, tried: Dialect, refusal: Refusal, sent: dict[str, Any], entries: list[dict[str, Any]]
    ) -> tuple[Dialect, Dialect]:
        """What was known and what to try after `refusal`: what another call learned meanwhile, or what it names."""
        if (learned := self._line.dialect) is not known:
            return learned, learned
        change = tried.after(refusal, sent, entries)
        if change is None:
            raise EndpointError(str(refusal), status=refusal.status) from None
        log.warning("%s: %s from now on, for it answered: %s", self.address, change.words, refusal)
        return known, change.dialect

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        line = self._line
        api, reasons = line.api, line.reasons
        payload = line.payload(messages, stop, kwargs)
        name = payload["model"]
        payload = {"stream_options": {"include_usage": True}, **payload, "stream": True}
        deadline = asyncio.get_running_loop().time() + line.timeout
        known = dialect = line.dialect
        while True:
            sent, entries = payload, payload["messages"]
            if line.shaped or dialect is not known:
                sent, entries = line.written(payload, messages, dialect)
            stops = StopTexts(payload["stop"]) if "stop" in payload and "stop" not in sent else None
            chunks = line.transport.stream(api.path, sent, lambda: api.stream(name, reasons), deadline)
            try:
                async for message in chunks:
                    if dialect is not known:
                        line.speak(dialect)
                        known = dialect
                    line.budget.spend_tokens(total_tokens(message.usage_metadata))
                    if stops is not None:
                        message = _piece(message, stops)
                    chunk = ChatGenerationChunk(message=message)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
                return
            except Refusal as refusal:
                known, dialect = self._next(known, dialect, refusal, sent, entries)


def _cut(message: AIMessage, stops: list[str]) -> None:
    """Cut a whole reply at a stop text; token ids would not be those of what is left."""
    text = StopTexts(stops)
    kept = text.add(message.text) + text.rest()
    if text.reached:
        message.content = kept
        message.response_metadata["finish_reason"] = "stop"
        message.response_metadata.pop("completion_ids", None)


def _piece(message: AIMessageChunk, stops: StopTexts) -> AIMessageChunk:
    """A streamed piece of a reply that is cut here; the last one brings what waited."""
    text = stops.add(message.text)
    if message.response_metadata:
        text += stops.rest()
    return message.model_copy(update={"content": text})
