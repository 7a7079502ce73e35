"""What a client asks for: OpenAI's chat completion request, checked, as a call of a chat model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from langchain_core.messages import BaseMessage, convert_to_messages
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["ChatRequest"]

_DEEPEST = 64
"""Levels of lists and objects in a request: schemas of tools have some twenty."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Function(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    name: str = Field(min_length=1, max_length=256)
    arguments: str = ""

    @field_validator("arguments")
    @classmethod
    def _is_object(cls, given: str) -> str:
        if given and not isinstance(orjson.loads(given), dict):  # its error is a ValueError
            raise ValueError("the arguments are no JSON object")
        return given or "{}"


class _Call(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    id: str = Field(min_length=1)
    type: Literal["function"] = "function"
    function: _Function


class _Message(BaseModel):
    """One message. What else clients send back of a reply (`refusal`, `annotations`, ...) is no part of it."""

    model_config = ConfigDict(frozen=True, strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> _Message:
        if self.content is None and not (self.role == "assistant" and self.tool_calls):
            raise ValueError("the message has no content")
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a tool's message names its tool_call_id")
        return self

    def written(self) -> dict[str, Any]:
        return {**self.model_dump(exclude_none=True), "content": self.content if self.content is not None else ""}


class _ToolFunction(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: dict[str, Any] = {}


class _Tool(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    type: Literal["function"]
    function: _ToolFunction


class _Format(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    type: Literal["text"]


class _StreamOptions(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    include_usage: bool = False


Number = Annotated[float, Field(strict=False, allow_inf_nan=False)]


class ChatRequest(_Strict):
    """The body of a request. What would change the reply and cannot be done is refused, not passed over."""

    model: str = Field(min_length=1)
    messages: list[_Message] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: Annotated[Number, Field(ge=0, le=5)] | None = None
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**64)
    stop: str | list[str] | None = None
    n: int | None = Field(default=1, ge=1, le=16)
    tools: list[_Tool] | None = Field(default=None, max_length=256)
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    return_token_ids: bool | None = False
    """vLLM's: the token ids of prompt and reply, as read and sampled."""

    # Only with the value that changes nothing.
    response_format: _Format | None = None
    frequency_penalty: Annotated[Number, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[Number, Field(ge=0, le=0)] | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None
    modalities: list[Literal["text"]] | None = None

    # Says something about the client or to a server of many: without effect here.
    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    service_tier: str | None = None
    parallel_tool_calls: bool | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None

    @field_validator("stop")
    @classmethod
    def _ends(cls, stop: str | list[str] | None) -> list[str] | None:
        texts = [stop] if isinstance(stop, str) else stop or []
        if len(texts) > 16 or not all(0 < len(text) <= 1000 for text in texts):
            raise ValueError("stop is at most 16 texts of 1 to 1000 characters")
        return texts or None

    @model_validator(mode="before")
    @classmethod
    def _is_flat(cls, given: Any) -> Any:
        level: list[Any] = [given] if isinstance(given, dict) else []
        for _ in range(_DEEPEST):
            inner = (part for outer in level for part in (outer.values() if isinstance(outer, dict) else outer))
            level = [part for part in inner if isinstance(part, dict | list)]
        if level:
            raise ValueError(f"lists and objects are nested more than {_DEEPEST} deep")
        return given

    @property
    def choices(self) -> int:
        return self.n or 1

    def conversation(self) -> list[BaseMessage]:
        """The messages as LangChain's."""
        return convert_to_messages([message.written() for message in self.messages])

    def settings(self, longest: int, choice: int) -> dict[str, Any]:
        """What is passed to the model with the conversation, for the `choice`-th of several replies."""
        asked = self.max_completion_tokens or self.max_tokens
        seed = None if self.seed is None else self.seed + choice
        given = {
            "stop": self.stop,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": None if asked is None else min(asked, longest),
            "seed": seed,
            "tools": [tool.model_dump(exclude_none=True) for tool in self.tools] if self.tools else None,
            "tool_choice": self.tool_choice if self.tools else None,
            "logprobs": self.logprobs or None,
            "top_logprobs": self.top_logprobs if self.logprobs else None,
        }
        return {name: value for name, value in given.items() if value is not None}
