"""A chat model behind any OpenAI-compatible endpoint: OpenAI, vLLM, Ollama, llama.cpp, `transformers serve`, ..."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import PrivateAttr

from sml_agents.backends.endpoint import Endpoint
from sml_agents.backends.served import ServedChatModel
from sml_agents.backends.settings import EndpointSettings, ModelSettings, environment
from sml_agents.errors import BackendSpecError

__all__ = ["OpenAICompatibleModel"]

_OPENAI = "https://api.openai.com/v1"


class OpenAICompatibleModel(ServedChatModel):
    """The model `model` at `settings.base_url`.

    Extra keywords of a call (`temperature`, `seed`, `response_format`, ...) go into its request as they are.
    Raises `EndpointError` (after the allowed retries), `BudgetExceeded`, and `BackendSpecError` when OpenAI's own
    endpoint is meant and there is no key.
    """

    settings_type: ClassVar[type[ModelSettings]] = EndpointSettings
    backend: ClassVar[str] = "openai"

    settings: EndpointSettings = EndpointSettings()

    _endpoint: Endpoint = PrivateAttr()
    _base_url: str = PrivateAttr()
    _key: str = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        settings = self.settings
        url = settings.base_url or environment("OPENAI_BASE_URL") or environment("OPENAI_API_BASE") or _OPENAI
        key = settings.api_key.get_secret_value() if settings.api_key else environment("OPENAI_API_KEY") or ""
        self._base_url = url.rstrip("/")
        if not key and self._base_url == _OPENAI:
            raise BackendSpecError(
                f"openai:{self.model} needs OPENAI_API_KEY, or a base_url such as openai:{self.model}@http://host/v1."
            )
        self._key = key
        super().model_post_init(context)

    def _connect(self) -> Endpoint:
        self._endpoint = Endpoint(self._base_url, self._key, self.settings, self._budget)
        return self._endpoint

    @property
    def _llm_type(self) -> str:
        return "sml-openai-compatible"

    @property
    def address(self) -> str:
        """Where the model lives, without secrets."""
        return self._endpoint.address

    def _longest(self) -> str:
        # OpenAI's newer models refuse `max_tokens`; many other servers know only that.
        return "max_completion_tokens" if self._base_url == _OPENAI else "max_tokens"
