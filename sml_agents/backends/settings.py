"""What a user may set for a model, and the limit on what a run may spend.

Each backend takes one of these models; a spec string gives the same settings as a query
(`embedded:?temperature=0.7&max_tokens=64`). None leaves the choice to the endpoint.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from sml_agents.errors import BackendSpecError, BudgetExceeded, complaint, refused_value
from sml_agents.files import parse_json

__all__ = [
    "Budget",
    "ClientSettings",
    "EndpointSettings",
    "LocalSettings",
    "ModelSettings",
    "ServedSettings",
    "checked",
]


class ModelSettings(BaseModel):
    """Settings that every backend which really generates understands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float | None = Field(default=None, ge=0, le=5)
    """0 always takes the likeliest token. None: the endpoint's default, and 0 for a local model."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Sample from the smallest set of tokens that holds this much of the probability."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Longest reply, in tokens. None: the endpoint's default, and 512 for a local model."""
    stop: tuple[str, ...] = ()
    """Texts that end a reply; they are not part of it."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds that one call may take: at an endpoint in total, with waiting in line and all retries; in a local model
    from when it is taken up, so that how many calls wait does not decide which of them fail."""
    budget_calls: int | None = Field(default=None, ge=1)
    """Most calls that this model object may make; retries count. `BudgetExceeded` after that."""
    budget_tokens: int | None = Field(default=None, ge=1)
    """Most tokens, of prompts and replies together; calls under way when it is reached are still finished."""

    def sampling(self) -> dict[str, Any]:
        """What shapes the replies, as opposed to how they are fetched: part of a run's identity."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "stop": list(self.stop),
        }


class ServedSettings(ModelSettings):
    """Settings of a model behind an API: which API, and how this server wants its requests.

    None of the latter is needed where the server says what it refuses: it is asked once more without, and that is
    remembered (see `docs/endpoints.md`).
    """

    api: Literal["chat", "responses"] = "chat"
    """OpenAI's Chat Completions, which everybody speaks, or its Responses API."""
    omit: tuple[str, ...] = ()
    """Names of fields that the server refuses, in a request (`seed`, `stop`, ...) or in its messages (`name`)."""
    rename: dict[str, str] = {}
    """Fields that the server spells otherwise, such as `{"max_tokens": "max_completion_tokens"}`."""
    extra_body: dict[str, Any] = Field(default={}, repr=False)
    """More fields for each request, such as `{"chat_template_kwargs": {"enable_thinking": false}}`."""
    system_role: Literal["system", "developer", "user"] = "system"
    """Role of system prompts; `user` puts them before the first user message, for models without a system role."""
    empty_text: str = ""
    """What stands for a turn without text, such as `(no reply)`, where empty ones are refused."""
    alternate: bool = False
    """Neighbours of one role are sent as one message, where user and assistant have to take turns."""
    reasoning: Literal["tools", "always", "never"] = "tools"
    """When a model gets its earlier reasoning back: beside its tool calls, with each of its turns, or not at all."""
    finish_reasons: tuple[str, ...] = ()
    """Further reasons to stop of which a whole reply has one; what is not known means that it was broken off."""
    token_ids: bool = False
    """Ask the server for the token ids of prompt and reply (vLLM's `return_token_ids`), for training."""

    @field_validator("omit", "finish_reasons", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        return tuple(word.strip() for word in given.split(",") if word.strip()) if isinstance(given, str) else given

    @field_validator("rename", mode="before")
    @classmethod
    def _pairs(cls, given: Any) -> Any:
        if not isinstance(given, str) or given.lstrip().startswith("{"):
            return _from_json(given)
        pairs = [pair.partition(":") for pair in given.split(",")]
        return {old.strip(): new.strip() for old, _, new in pairs}

    @field_validator("extra_body", mode="before")
    @classmethod
    def _object(cls, given: Any) -> Any:
        return _from_json(given)

    @field_validator("omit", "rename", "extra_body")
    @classmethod
    def _leaves_the_question(cls, given: Any) -> Any:
        taken = sorted({"model", "messages", "input", "role", "content", "stream"} & set(given))
        if taken or (isinstance(given, dict) and "" in {*given, *map(str, given.values())}):
            raise ValueError(f"no request can do without its {taken[0]}" if taken else "a field has no name")
        return given

    def dialect(self) -> dict[str, Any]:
        """What of these was set: with `sampling` the part that shapes replies."""
        names = ServedSettings.model_fields.keys() - ModelSettings.model_fields.keys() - {"token_ids"}
        return {
            name: value for name, value in self.model_dump(mode="json", include=names, exclude_defaults=True).items()
        }


class EndpointSettings(ServedSettings):
    """Settings of an OpenAI-compatible endpoint."""

    base_url: str | None = Field(default=None, repr=False)
    """Where the API lives, such as `http://localhost:8000/v1`; a query in it goes with each request. None:
    `OPENAI_BASE_URL`, else OpenAI's own."""
    api_key: SecretStr | None = None
    """None: `OPENAI_API_KEY`. Needed for OpenAI itself; left out of every error, description and record."""
    max_retries: int = Field(default=4, ge=0, le=20)
    """Further attempts after HTTP 408, 409, 429, 5xx, a broken connection or a reply that was broken off. Bad content
    is never asked for again."""
    read_timeout: float = Field(default=120.0, gt=0)
    """Longest silence of the server, in seconds, within one attempt."""
    backoff: float = Field(default=0.5, ge=0)
    """Scale, in seconds, of the random pause before a retry; doubles each time, at most 30."""


class ClientSettings(ServedSettings):
    """Settings of a model behind a client of the `openai` package; keys, proxies and retries are the client's own."""

    base_url: str | None = Field(default=None, repr=False)
    """Of the client that is made from the environment when none is given."""
    azure: bool = False
    """Whether that one is an `AsyncAzureOpenAI`, with `AZURE_OPENAI_ENDPOINT` and the key that it reads itself."""
    max_retries: int | None = Field(default=None, ge=0, le=20)
    """Further attempts of the client, and after replies that were broken off. None: what the client is set to."""


class LocalSettings(ModelSettings):
    """Settings of a model that runs in this process."""

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`, ...; `auto` takes a GPU if there is one."""
    dtype: Literal["auto", "fast", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the weights. `auto` is float32 on a CPU and bfloat16 on a GPU. `fast` is bfloat16 wherever the
    processor computes in it itself; what a row samples then depends on its company (see `backends.loading`)."""
    template_kwargs: dict[str, Any] = {}
    """Names for the chat template, such as `{"enable_thinking": false}`; a trained model has those of its training in
    its template already."""
    decision: Literal["stored", "greedy"] = "stored"
    """`stored`: ask or answer at the threshold in the model's `decision.json`, if it has one, at any temperature;
    `greedy`: the opening token is chosen like all others (see `sml_agents.backends.decision`)."""
    threads: int | None = Field(default=None, ge=1)
    """CPU threads of torch, for the whole process. None: see `sml_agents.backends.threads`."""
    batch_size: int = Field(default=32, ge=1)
    """Most dialogues generated at the same time."""
    cache_mb: int = Field(default=1024, ge=0)
    """Memory for attention states of earlier turns, so that a next turn computes only what is new; 0 turns it off."""

    @field_validator("template_kwargs", mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return _from_json(given)


SettingsT = TypeVar("SettingsT", bound=BaseModel)


def checked(kind: type[SettingsT], given: dict[str, Any], what: str) -> SettingsT:
    """`kind` made from `given`; raises `BackendSpecError` that names the wrong key and the valid ones."""
    unknown = sorted(set(given) - set(kind.model_fields))
    if unknown:
        valid = ", ".join(sorted(kind.model_fields)) or "none"
        raise BackendSpecError(f"{what} has no setting {unknown[0]!r}; valid settings: {valid}.")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        where, _ = complaint(error)
        raise BackendSpecError(f"{what}: {where} cannot have that value: {refused_value(error)}.") from None


class Budget:
    """Counts calls and tokens of one model object, over all threads, and refuses the call after the last."""

    def __init__(self, calls: int | None, tokens: int | None) -> None:
        self.calls_allowed, self.tokens_allowed = calls, tokens
        self.calls = self.tokens = 0
        self._lock = threading.Lock()

    def spend_call(self) -> None:
        """Take one call. Raises `BudgetExceeded` when none is left."""
        with self._lock:
            if self.calls_allowed is not None and self.calls >= self.calls_allowed:
                raise BudgetExceeded(f"The budget of {self.calls_allowed} model calls is used up; raise budget_calls.")
            if self.tokens_allowed is not None and self.tokens >= self.tokens_allowed:
                raise BudgetExceeded(f"The budget of {self.tokens_allowed} tokens is used up; raise budget_tokens.")
            self.calls += 1

    def spend_tokens(self, tokens: int) -> None:
        """Count tokens already used."""
        with self._lock:
            self.tokens += tokens


def _from_json(given: Any) -> Any:
    """A JSON text, as a spec gives it, read."""
    if not isinstance(given, str):
        return given
    try:
        return parse_json(given)
    except ValueError:
        raise ValueError("it is no JSON object") from None


def environment(name: str) -> str | None:
    """An environment variable; None when unset or empty."""
    return os.environ.get(name, "").strip() or None
