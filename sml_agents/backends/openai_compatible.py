"""A chat model behind any OpenAI-compatible endpoint: OpenAI, vLLM, Ollama, llama.cpp, `transformers serve`, ..."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import Field, PrivateAttr

from sml_agents.backends.base import LeanChatModel
from sml_agents.backends.endpoint import Endpoint
from sml_agents.backends.loops import iterate_sync
from sml_agents.backends.replies import decode, message_chunks, message_from, total_tokens
from sml_agents.backends.settings import EndpointSettings, ModelSettings, environment
from sml_agents.backends.text import to_openai
from sml_agents.errors import BackendSpecError, EndpointError

__all__ = ["OpenAICompatibleModel"]

_OPENAI = "https://api.openai.com/v1"


class OpenAICompatibleModel(LeanChatModel):
    """The model `model` at `settings.base_url`.

    Extra keywords of a call (`temperature`, `seed`, `response_format`, ...) go into its request as they are.
    Raises `EndpointError` (after the allowed retries), `BudgetExceeded`, and `BackendSpecError` when OpenAI's own
    endpoint is meant and there is no key.
    """

    settings_type: ClassVar[type[ModelSettings]] = EndpointSettings

    model: str = Field(min_length=1)
    settings: EndpointSettings = EndpointSettings()

    _endpoint: Endpoint = PrivateAttr()
    _request: dict[str, Any] = PrivateAttr()
    _base_url: str = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        settings = self.settings
        url = settings.base_url or environment("OPENAI_BASE_URL") or environment("OPENAI_API_BASE") or _OPENAI
        key = settings.api_key.get_secret_value() if settings.api_key else environment("OPENAI_API_KEY") or ""
        self._base_url = url.rstrip("/")
        if not key and self._base_url == _OPENAI:
            raise BackendSpecError(
                f"openai:{self.model} needs OPENAI_API_KEY, or a base_url such as openai:{self.model}@http://host/v1."
            )
        self._endpoint = Endpoint(url, key, settings, self._budget)
        # OpenAI's newer models refuse `max_tokens`; other servers know only that.
        longest = "max_completion_tokens" if self._base_url == _OPENAI else "max_tokens"
        request = {
            "model": self.model,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            longest: settings.max_tokens,
            "stop": list(settings.stop) or None,
            "return_token_ids": settings.token_ids or None,
        }
        self._request = {name: value for name, value in request.items() if value is not None}

    @property
    def _llm_type(self) -> str:
        return "sml-openai-compatible"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self.describe()

    def describe(self) -> dict[str, Any]:
        url = self._endpoint.redact(self._base_url)
        return {"backend": "openai", "model": self.model, "base_url": url, **self.settings.sampling()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "openai"
        params["ls_model_name"] = kwargs.get("model", self.model)
        for name, key in (("temperature", "ls_temperature"), ("max_tokens", "ls_max_tokens")):
            value = kwargs.get(name, getattr(self.settings, name))
            if value is not None:
                cast("dict[str, Any]", params)[key] = value
        return params

    def _payload(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        payload = {**self._request, "messages": to_openai(messages), **kwargs}
        if stop:
            payload["stop"] = stop
        return {name: value for name, value in payload.items() if value is not None}

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        kwargs.pop("stream", None)
        payload = self._payload(messages, stop, kwargs)
        message = message_from(await self._endpoint.post("/chat/completions", payload), payload["model"])
        self._budget.spend_tokens(total_tokens(message.usage_metadata))
        return message

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        payload = self._payload(messages, stop, kwargs)
        payload |= {"stream": True, "stream_options": {"include_usage": True}}
        complete = False
        async for data in self._endpoint.stream("/chat/completions", payload):
            if data == b"[DONE]":
                complete = True
                break
            for message in message_chunks(decode(data), payload["model"]):
                complete = complete or bool(message.response_metadata)
                self._budget.spend_tokens(total_tokens(message.usage_metadata))
                chunk = ChatGenerationChunk(message=message)
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        if not complete:
            raise EndpointError("The endpoint's stream ended in the middle of the reply.")

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in iterate_sync(self._astream(messages, stop, None, **kwargs)):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk
