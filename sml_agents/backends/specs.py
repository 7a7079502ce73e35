"""Reading of model specs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel

from sml_agents.backends.base import LeanChatModel
from sml_agents.backends.settings import ClientSettings, EndpointSettings, LocalSettings, checked
from sml_agents.backends.text import Secrets
from sml_agents.errors import BackendSpecError, MissingExtra, one_line
from sml_agents.specs import read_spec

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["describe", "resolve"]

_FORMS = "openai:MODEL[@BASE_URL], openai-sdk:MODEL, transformers:PATH_OR_NAME, embedded, scripted:FILE"


class _NoSettings(BaseModel):
    """What a script can be set to."""


class _ForeignSettings(BaseModel):
    """What the models of LangChain's providers have in common."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    max_retries: int | None = None
    base_url: str | None = None


def resolve(spec: str | BaseChatModel | AsyncOpenAI, settings: dict[str, Any]) -> BaseChatModel:
    """See `sml_agents.backends.resolve`."""
    settings = {name: value for name, value in settings.items() if value is not None}
    if isinstance(spec, BaseChatModel):
        if not settings:
            return spec
        if not isinstance(spec, LeanChatModel):
            raise BackendSpecError("Settings cannot be given for a ready-made model object; set them on the object.")
        checked(type(spec).settings_type, settings, type(spec).__name__)
        return spec.with_settings(**settings)
    if not isinstance(spec, str):
        return _client(spec, settings)
    _, name, rest, values = read_spec(spec, BackendSpecError)
    prefix, given = name.lower(), {**values, **settings}
    if prefix in ("openai", "openai-sdk"):
        return _openai(prefix, rest, given, spec)
    if prefix == "transformers":
        return _transformers(rest, given, spec)
    if prefix == "embedded":
        return _embedded(rest, given, spec)
    if prefix == "scripted":
        from sml_agents.backends.scripted import ScriptedModel

        checked(_NoSettings, given, "scripted")
        return ScriptedModel.from_file(_required(rest, spec))
    return _foreign(prefix, rest, given, spec)


def describe(model: BaseChatModel) -> dict[str, Any]:
    """See `sml_agents.backends.describe`."""
    if isinstance(model, LeanChatModel):
        return model.describe()
    described: dict[str, Any] = {"backend": f"{type(model).__module__}.{type(model).__qualname__}"}
    params = dict(model._get_ls_params())
    for name in ("ls_model_name", "ls_temperature", "ls_max_tokens"):
        if isinstance(params.get(name), str | int | float):
            described[name.removeprefix("ls_").removesuffix("_name")] = params[name]
    return described


def _shown(spec: str) -> str:
    """`spec` in an error: the values of its query may be keys."""
    return repr(Secrets([]).redact(spec))


def _required(rest: str, spec: str) -> str:
    if not rest:
        raise BackendSpecError(f"The model spec {_shown(spec)} names no model; the forms are {_FORMS}.")
    return rest


def _client(client: AsyncOpenAI, given: dict[str, Any]) -> BaseChatModel:
    """A configured client of the `openai` package as a model."""
    name = given.pop("model", None)
    from sml_agents.backends.openai_sdk import OpenAIClientModel, checked_client

    checked_client(client)
    if not isinstance(name, str) or not name:
        raise BackendSpecError(
            "A client needs the name of a model (of Azure: a deployment): resolve(client, model=...)."
        )
    settings = checked(ClientSettings, _lists(given), "a client")
    return OpenAIClientModel(model=name, client=client, settings=settings)


def _openai(prefix: str, rest: str, given: dict[str, Any], spec: str) -> BaseChatModel:
    model, at, address = rest.partition("@http")
    if at:
        given = {"base_url": "http" + address, **given}
    model = _required(model, spec)
    if prefix == "openai-sdk":
        settings = checked(ClientSettings, _lists(given), prefix)
        from sml_agents.backends.openai_sdk import OpenAIClientModel

        return OpenAIClientModel(model=model, settings=settings)
    from sml_agents.backends.openai_compatible import OpenAICompatibleModel

    return OpenAICompatibleModel(model=model, settings=checked(EndpointSettings, _lists(given), prefix))


def _transformers(rest: str, given: dict[str, Any], spec: str) -> BaseChatModel:
    settings = checked(LocalSettings, _lists(given), "transformers")
    path = _required(rest, spec)
    folder = Path(path).expanduser()
    if folder.is_dir():
        if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
            raise BackendSpecError(f"The folder {path} holds no model: it has no config.json.")
        path = str(folder)
    elif path.startswith((".", "/", "~")) or path.count("/") > 1:
        raise BackendSpecError(f"There is no folder {path} to load a model from.")
    _need_torch()
    from sml_agents.backends.local import TransformersChatModel

    return TransformersChatModel(model=path, settings=settings)


def _embedded(rest: str, given: dict[str, Any], spec: str) -> BaseChatModel:
    if rest:
        raise BackendSpecError(f"{_shown(spec)}: there is one embedded model, written just 'embedded'.")
    settings = checked(LocalSettings, _lists(given), "embedded")
    _need_torch()
    from sml_agents.backends.local import EmbeddedChatModel

    return EmbeddedChatModel(settings=settings)


def _need_torch() -> None:
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise MissingExtra("A model in this process", "local")


def _lists(given: dict[str, Any]) -> dict[str, Any]:
    """A single `stop` text, as a spec gives it, made the list that the settings hold."""
    return {**given, "stop": (given["stop"],)} if isinstance(given.get("stop"), str) else given


def _foreign(prefix: str, rest: str, given: dict[str, Any], spec: str) -> BaseChatModel:
    shown = _shown(spec)
    if not rest:
        raise BackendSpecError(f"{shown} names no model; the forms are {_FORMS}, or PROVIDER:MODEL of LangChain.")
    if find_spec("langchain") is None:
        raise BackendSpecError(
            f"{shown} names no model; the forms are {_FORMS}; other providers need: pip install 'sml-agents[agents]'."
        )
    settings = checked(_ForeignSettings, given, prefix)
    from langchain.chat_models import init_chat_model

    try:
        model = init_chat_model(rest, model_provider=prefix, **settings.model_dump(exclude_unset=True))
    except ImportError as error:
        raise BackendSpecError(f"{shown} needs another package: {error}") from None
    except Exception as error:
        reason = Secrets([]).redact(one_line(error, 300)).partition(". Supported ")[0]
        own = prefix.isidentifier() and (find_spec(prefix) is not None or Path(f"{prefix}.py").exists())
        raise BackendSpecError(
            f"{shown} cannot be made a model: ours are {_FORMS}; of the rest, LangChain says: {reason.rstrip('.')}"
            + (f". An agent of your own is written agent:{prefix}:{rest}." if own else "")
        ) from None
    assert isinstance(model, BaseChatModel)
    return model
