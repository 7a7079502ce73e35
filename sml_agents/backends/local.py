"""Chat models that run in this process, on any folder or hub name that transformers can load."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from sml_agents.backends.base import StreamingChatModel
from sml_agents.backends.decision import Decision
from sml_agents.backends.embedded import MODEL_NAME, embedded_path
from sml_agents.backends.engine import Completion, Engine, Job, engine_for
from sml_agents.backends.settings import LocalSettings, ModelSettings, checked
from sml_agents.backends.text import to_openai
from sml_agents.errors import BackendSpecError, ConversationError
from sml_agents.text.tools import find_calls, tool_names

__all__ = ["EmbeddedChatModel", "TransformersChatModel"]

_DEFAULT_MAX_TOKENS = 512
_SETTINGS_OF_A_CALL = ("temperature", "top_p", "max_tokens", "timeout")
_CALL = {*_SETTINGS_OF_A_CALL, "seed", "tools", "tool_choice", "stream", "tokens", "logprobs", "top_logprobs"}
_MOST_ALTERNATIVES = 20


class TransformersChatModel(StreamingChatModel):
    """The model in the folder, or of the hub name, `model`.

    Concurrent calls, from any thread or event loop, are generated together. The weights are loaded at the first call
    and shared with every other object for the same model. `response_metadata` has `prompt_ids` and `completion_ids`,
    the tokens exactly as read and sampled. A call may give back those of the conversation's last reply, joined, as
    `tokens`: they are then read again as they are, and only what follows them is rendered. With `logprobs=True` (and
    `top_logprobs`, at most 20) it also has the log-probabilities of what was sampled, before temperature and
    threshold: `completion_logprobs`, one for each token, and `logprobs` in OpenAI's form.

    A reply at temperature 0 is the likeliest; otherwise it depends on the conversation and the call's `seed`. Not
    promised: equality to the last bit between batches of different size, whose sums are rounded differently.
    """

    settings_type: ClassVar[type[ModelSettings]] = LocalSettings
    takes_tokens: ClassVar[bool] = True

    model: str = Field(min_length=1)
    settings: LocalSettings = LocalSettings()

    _engine: Engine | None = PrivateAttr(default=None)
    _decision: Decision | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        if self.settings.decision == "stored" and Path(self.model).is_dir():
            self._decision = Decision.read(self.model)

    @property
    def decision(self) -> Decision | None:
        """By which threshold it decides whether to ask; None: by the likelier token."""
        return self._decision

    @property
    def _llm_type(self) -> str:
        return "sml-transformers"

    def describe(self) -> dict[str, Any]:
        described: dict[str, Any] = {"backend": "transformers", "model": self.model, **self.settings.sampling()}
        described["dtype"] = self.settings.dtype
        if self.settings.template_kwargs:
            described["template_kwargs"] = self.settings.template_kwargs
        if Path(self.model).is_dir():
            described["weights"] = fingerprint(Path(self.model))
        if self._decision is not None:
            described["threshold"] = self._decision.threshold
        return described | {
            "temperature": self.settings.temperature or 0.0,
            "max_tokens": self.settings.max_tokens or _DEFAULT_MAX_TOKENS,
        }

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "transformers"
        params["ls_model_name"] = kwargs.get("model", self.model)
        params["ls_temperature"] = kwargs.get("temperature", self.settings.temperature or 0.0)
        params["ls_max_tokens"] = kwargs.get("max_tokens", self.settings.max_tokens or _DEFAULT_MAX_TOKENS)
        return params

    def _job(self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]) -> Job:
        if unknown := sorted(set(kwargs) - _CALL):
            raise BackendSpecError(f"A call of a local model takes {', '.join(sorted(_CALL))}, not {unknown[0]!r}.")
        given = {name: kwargs[name] for name in _SETTINGS_OF_A_CALL if kwargs.get(name) is not None}
        settings = self.settings
        if given:
            settings = checked(LocalSettings, {**settings.model_dump(exclude_unset=True), **given}, "this call")
        if kwargs.get("tool_choice") not in (None, "auto", "none"):
            raise ConversationError("A local model cannot be made to call a tool: leave tool_choice out.")
        alternatives = kwargs.get("top_logprobs") or 0
        if type(alternatives) is not int or not 0 <= alternatives <= _MOST_ALTERNATIVES:
            raise BackendSpecError(f"top_logprobs is a whole number from 0 to {_MOST_ALTERNATIVES}.")
        return Job(
            messages=to_openai(messages),
            max_tokens=settings.max_tokens or _DEFAULT_MAX_TOKENS,
            temperature=settings.temperature or 0.0,
            top_p=settings.top_p or 1.0,
            seed=kwargs.get("seed"),
            stop=tuple(stop) if stop else settings.stop,
            tools=None if kwargs.get("tool_choice") == "none" else kwargs.get("tools"),
            tokens=kwargs.get("tokens") or (),
            opening=self._opening(messages),
            alternatives=alternatives if kwargs.get("logprobs") else None,
            timeout=settings.timeout,
        )

    def _opening(self, messages: list[BaseMessage]) -> dict[int, float]:
        """The threshold is one for first turns: later ones have heard what they asked for."""
        if self._decision is None:
            return {}
        later = any(isinstance(message, AIMessage) for message in messages)
        return self._decision.even if later else self._decision.bias

    def _submit(self, job: Job) -> Any:
        self._budget.spend_call()
        return self._started().submit(job)

    def _started(self) -> Engine:
        if self._engine is None or not self._engine.alive:
            # A method of this object would keep it alive in the engine's thread.
            self._engine = engine_for(self.model, functools.partial(type(self)._place, self.model), self.settings)
        return self._engine

    def load(self) -> None:
        """Load the weights now, not at the first call. Raises `BackendSpecError` where there are none to be used."""
        self._started().wait_loaded()

    @staticmethod
    def _place(model: str) -> str:
        """Where the weights are; called in the engine's thread."""
        return model

    def _message(self, completion: Completion, job: Job) -> AIMessage:
        prompt, sampled = len(completion.prompt_ids), len(completion.ids)
        self._budget.spend_tokens(prompt + sampled)
        text = completion.text
        calls: list[Any] = []
        if job.tools:
            text, made, _ = find_calls(text, tool_names(job.tools))
            place = len(job.messages)  # so that no two calls of a conversation have one id
            calls = [tool_call(name=n, args=a, id=f"call_{place}_{k}") for k, (n, a) in enumerate(made)]
        metadata: dict[str, Any] = {
            "model_name": self.model,
            "model_provider": "transformers",
            "finish_reason": completion.finish,
            "prompt_ids": completion.prompt_ids,
            "completion_ids": completion.ids,
        }
        if completion.logprobs is not None:
            metadata["completion_logprobs"] = completion.logprobs
        if completion.spoken is not None:
            metadata["logprobs"] = {"content": completion.spoken}
        return AIMessage(
            content=text,
            tool_calls=calls,
            usage_metadata={"input_tokens": prompt, "output_tokens": sampled, "total_tokens": prompt + sampled},
            response_metadata=metadata,
        )

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        job = self._job(messages, stop, kwargs)
        if self._engine is not None and self._engine.alive:
            waiting = self._submit(job)
        else:  # the first call looks at files, for which no event loop should wait
            waiting = await asyncio.to_thread(self._submit, job)
        completion = await asyncio.wrap_future(waiting)
        return self._message(completion, job)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        job = self._job(messages, stop, kwargs)
        future = self._submit(job)
        try:
            completion = future.result()
        except BaseException:
            future.cancel()
            raise
        return ChatResult(generations=[ChatGeneration(message=self._message(completion, job))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        loop = asyncio.get_running_loop()
        texts: asyncio.Queue[str | None] = asyncio.Queue()

        def tell(text: str | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop may be gone before the model has noticed
                loop.call_soon_threadsafe(texts.put_nowait, text)

        job = self._job(messages, stop, kwargs)
        # What looks like text may turn out to be a tool call: then only the whole is told.
        job.watch = None if job.tools else tell
        future = self._submit(job)
        future.add_done_callback(lambda _: tell(None))
        told = 0
        try:
            while (text := await texts.get()) is not None:
                if len(text) > told:
                    chunk = ChatGenerationChunk(message=AIMessageChunk(content=text[told:]))
                    told = len(text)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
            last = ChatGenerationChunk(message=_last_chunk(self._message(await asyncio.wrap_future(future), job), told))
            if run_manager:
                await run_manager.on_llm_new_token(last.text, chunk=last)
            yield last
        finally:
            future.cancel()


def _last_chunk(message: AIMessage, told: int) -> AIMessageChunk:
    """What is left of `message` after the first `told` characters of its text."""
    return AIMessageChunk(
        content=message.text[told:],
        tool_call_chunks=[
            tool_call_chunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=index)
            for index, call in enumerate(message.tool_calls)
        ],
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        chunk_position="last",
    )


class EmbeddedChatModel(TransformersChatModel):
    """SmolLM2-135M-Instruct out of a PyPI wheel (see `sml_agents.backends.embedded`), made at the first call."""

    model: str = MODEL_NAME

    @property
    def _llm_type(self) -> str:
        return "sml-embedded"

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "backend": "embedded"}

    @staticmethod
    def _place(model: str) -> str:
        return str(embedded_path())


def fingerprint(folder: Path) -> str:
    """A short digest of a model's weights: sizes, and samples from all over them. Training changes it."""
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.safetensors"), *folder.glob("*config.json")]):
        size = file.stat().st_size
        digest.update(f"{file.name} {size}".encode())
        with file.open("rb") as handle:
            for part in range(16):
                handle.seek(size * part // 16)
                digest.update(handle.read(4096))
    return digest.hexdigest()[:16]
