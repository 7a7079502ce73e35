"""What our chat models share: one asynchronous core, a lean way in, one thin synchronous wrapper.

`BaseChatModel.ainvoke` prepares tracing for every call. In a rollout nobody listens, so when neither a callback, a
tracer, a cache nor a rate limiter is at work, `ainvoke` goes straight to the model; with any of them it takes
LangChain's own way, and they see what they see of every other model.
"""

from __future__ import annotations

import itertools
import os
import uuid
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, ClassVar, Self

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, PrivateAttr, ValidationError, model_validator

from sml_agents.backends.loops import iterate_sync, run_sync
from sml_agents.backends.settings import Budget, ModelSettings
from sml_agents.errors import InputError

__all__ = ["LeanChatModel", "StreamingChatModel"]

_TRACING_ONLY = ("ls_structured_output_format", "structured_output_format")


_numbers = itertools.count()
_process = uuid.uuid4().hex
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: globals().update(_process=uuid.uuid4().hex))


def _next_id() -> str:
    """A new id; a number after what is drawn once for this process costs a tenth of drawing one each time."""
    return f"{_process}-{next(_numbers)}"


class LeanChatModel(BaseChatModel):
    """Base of our chat models: subclasses answer in `_areply`."""

    takes_seed: ClassVar[bool] = True
    """`ainvoke(..., seed=int)` is honoured."""
    settings_type: ClassVar[type[ModelSettings]] = ModelSettings

    settings: ModelSettings = ModelSettings()
    """May also be given flat: `Model(temperature=0)` is `Model(settings={"temperature": 0})`."""

    _budget: Budget = PrivateAttr(default_factory=lambda: Budget(None, None))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except ValidationError as error:
            # Ours are errors of the user's that need no more words; pydantic wraps every ValueError.
            for detail in error.errors():
                if isinstance(ours := detail.get("ctx", {}).get("error"), InputError):
                    raise ours from None
            raise

    @model_validator(mode="before")
    @classmethod
    def _gather_settings(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        fields = cls.settings_type.model_fields
        flat = {name: value for name, value in values.items() if name in fields}
        rest = {name: value for name, value in values.items() if name not in fields}
        given = rest.get("settings") or {}
        if isinstance(given, BaseModel):
            given = given.model_dump(exclude_unset=True)
        rest["settings"] = cls.settings_type.model_validate({**given, **flat})
        return rest

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        self._budget = Budget(self.settings.budget_calls, self.settings.budget_tokens)

    def with_settings(self, **changes: Any) -> Self:
        """A copy with other settings; it shares what is expensive (weights, connections), not the budget."""
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "settings"}
        settings = self.settings_type.model_validate({**self.settings.model_dump(exclude_unset=True), **changes})
        return type(self)(**fields, settings=settings)

    @abstractmethod
    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        """Answer one conversation. `kwargs` are settings for this call alone, `seed` among them."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Identity and sampling settings, JSON-able and without secrets: two equal ones answer alike."""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return self.describe()

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        config = ensure_config(config)
        if isinstance(input, list) and all([isinstance(message, BaseMessage) for message in input]):
            messages: list[BaseMessage] = input
        else:
            messages = self._convert_input(input).to_messages()
        if self._observed(config) or not all([type(message.content) is str for message in messages]):
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        for name in _TRACING_ONLY:
            kwargs.pop(name, None)
        message = await self._areply(messages, stop, **kwargs)
        if message.id is None:
            message.id = f"lc_run--{config.get('run_id') or _next_id()}"
        return message

    def _observed(self, config: RunnableConfig) -> bool:
        """Whether anything must see this call that only LangChain's own way serves."""
        if self.cache or self.rate_limiter or self.output_version == "v1":
            return True
        if self.cache is None and get_llm_cache() is not None:
            return True
        manager = AsyncCallbackManager.configure(config.get("callbacks"), self.callbacks, self.verbose)
        return bool(manager.handlers)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = await self._areply(messages, stop, **kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return run_sync(self._agenerate(messages, stop, None, **kwargs))

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model with `tools` offered in every call.

        `tool_choice`: a tool's name, `auto`, `none`, `any` (or True: some tool must be called), or OpenAI's own form.
        """
        kwargs["tools"] = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        if tool_choice in ("any", "required", True):
            kwargs["tool_choice"] = "required"
        elif isinstance(tool_choice, dict) or tool_choice in ("auto", "none"):
            kwargs["tool_choice"] = tool_choice
        elif isinstance(tool_choice, str):
            kwargs["tool_choice"] = {"type": "function", "function": {"name": tool_choice}}
        return self.bind(**kwargs)


class StreamingChatModel(LeanChatModel):
    """Base of those that stream: subclasses also yield in `_astream`."""

    @abstractmethod
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]: ...

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
