"""A chat model that reads its lines: for tests, demonstrations, and trying a pipeline without a model.

A reply is a pure function of the conversation and the seed, never of what was called before. So any number of
dialogues can share one script, and a run that was killed and resumed ends like one that was not.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCall, ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sml_agents.backends.base import StreamingChatModel
from sml_agents.backends.text import clean
from sml_agents.errors import BackendError, BackendSpecError, InputError
from sml_agents.files import parse_json, read_text
from sml_agents.types import stable_hash

__all__ = ["Rule", "ScriptedModel"]


class ScriptedCall(BaseModel):
    """A tool call of a script."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    args: dict[str, Any] = {}


class Rule(BaseModel):
    """A reply for conversations whose last message matches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: str
    """A text that the last message contains, or a regular expression between slashes: `/how (much|many)/`."""
    reply: str | tuple[str, ...] = ""
    """What to say; of several, one is chosen by conversation and seed. May be left out beside `calls`."""
    calls: tuple[ScriptedCall, ...] = ()
    """Tools to call beside it: `{"name": ..., "args": {...}}`."""

    @field_validator("when")
    @classmethod
    def _compiles(cls, when: str) -> str:
        if len(when) > 1 and when[0] == when[-1] == "/":
            try:
                re.compile(when[1:-1])
            except re.error as error:
                raise ValueError(f"{when} is not a regular expression ({error})") from None
        return when

    @field_validator("reply")
    @classmethod
    def _not_empty(cls, reply: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if reply == ():
            raise ValueError("a rule needs at least one reply")
        return reply

    @model_validator(mode="after")
    def _says_something(self) -> Rule:
        if not self.calls and "reply" not in self.model_fields_set:
            raise ValueError("a rule needs a reply or calls")
        return self

    def matches(self, text: str) -> bool:
        if len(self.when) > 1 and self.when[0] == self.when[-1] == "/":
            return re.search(self.when[1:-1], text) is not None
        return self.when in text


class ScriptedModel(StreamingChatModel):
    """Says what `replies` holds.

    Rules are tried first, in order, against the last message. When none matches, the plain strings speak: the first
    in the model's first turn of a conversation, the second in its second, and from the beginning again after the last.
    Raises `BackendError` when neither says anything. Token counts in its usage are words.
    """

    replies: Sequence[str | Rule] = Field(min_length=1)
    name: str | None = "scripted"

    @classmethod
    def from_file(cls, path: str | Path) -> ScriptedModel:
        """A script from JSON (a list) or JSONL: each entry a string, or `{"when": ..., "reply": ...}`.

        Raises `BackendSpecError` naming the file, and the line if there is one.
        """
        path = Path(path)
        try:
            text = read_text(path)
        except InputError as error:
            raise BackendSpecError(f"The script cannot be used: {error}.") from None
        try:
            entries = parse_json(text)
            if not isinstance(entries, list):
                entries = [entries]
        except ValueError:
            entries = []
            for number, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    try:
                        entries.append(parse_json(line))
                    except ValueError:
                        raise BackendSpecError(f"The script {path} is not JSON in line {number}.") from None
        if not entries:
            raise BackendSpecError(f"The script {path} holds no reply: write a JSON list of strings.")
        try:
            return cls(replies=entries)
        except ValidationError as error:
            raise BackendSpecError(f"The script {path} cannot be used: {_wrong_entry(error)}.") from None

    @property
    def _llm_type(self) -> str:
        return "sml-scripted"

    def describe(self) -> dict[str, Any]:
        script = [entry if isinstance(entry, str) else entry.model_dump(mode="json") for entry in self.replies]
        return {"backend": "scripted", "script": stable_hash(script)}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "scripted"
        params["ls_model_name"] = kwargs.get("model", "scripted")
        return params

    def line(self, messages: Sequence[BaseMessage], seed: int | None = None) -> str:
        """The text of the reply to this conversation."""
        last = messages[-1].text if messages else ""
        for rule in self.replies:
            if isinstance(rule, Rule) and rule.matches(last):
                if isinstance(rule.reply, str):
                    return rule.reply
                digest = stable_hash(seed, [[message.type, message.text] for message in messages])
                return rule.reply[int(digest, 16) % len(rule.reply)]
        lines = [entry for entry in self.replies if isinstance(entry, str)]
        if not lines:
            raise BackendError(f"The script has no rule for {last[:80]!r} and no plain reply.")
        spoken = sum(1 for message in messages if message.type == "ai")
        return lines[spoken % len(lines)]

    def calls(self, messages: Sequence[BaseMessage]) -> list[ToolCall]:
        """The tool calls of the reply to this conversation; their ids are the same every time."""
        last = messages[-1].text if messages else ""
        rule = next((rule for rule in self.replies if isinstance(rule, Rule) and rule.matches(last)), None)
        digest = stable_hash([[message.type, message.text] for message in messages])
        called = rule.calls if rule else ()
        return [ToolCall(name=call.name, args=call.args, id=f"call_{digest}_{k}") for k, call in enumerate(called)]

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        text = clean(self.line(messages, kwargs.get("seed")))
        for end in stop or ():
            text = text.split(end, 1)[0]
        prompt, completion = sum(len(message.text.split()) for message in messages), len(text.split())
        return AIMessage(
            content=text,
            tool_calls=self.calls(messages),
            usage_metadata={
                "input_tokens": prompt,
                "output_tokens": completion,
                "total_tokens": prompt + completion,
            },
            response_metadata={
                "model_name": "scripted",
                "model_provider": "scripted",
                "finish_reason": "stop",
            },
        )

    def _chunks(self, message: AIMessage) -> Iterator[ChatGenerationChunk]:
        for piece in re.findall(r"\s*\S+\s*$|\s*\S+", message.text):
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="",
                tool_call_chunks=[
                    ToolCallChunk(name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=k)
                    for k, call in enumerate(message.tool_calls)
                ],
                usage_metadata=message.usage_metadata,
                response_metadata=message.response_metadata,
                chunk_position="last",
            )
        )

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks(await self._areply(messages, stop, **kwargs)):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def _wrong_entry(error: ValidationError) -> str:
    """Which entry of a script is wrong, and in what."""
    # Of an entry that is neither string nor rule, the last complaint is about the rule that it was meant to be.
    errors = error.errors(include_url=False)
    place = errors[0]["loc"][1]
    last = [one for one in errors if one["loc"][1] == place][-1]
    field = last["loc"][-1]
    why = str(last["msg"]).removeprefix("Value error, ")
    match last["type"]:
        case "extra_forbidden":
            why = f"there is no {field!r}; a rule has when, reply and calls"
        case "missing":
            why = f"{field!r} is missing"
        case "model_type":
            why = 'it is no string and no rule such as {"when": "price", "reply": "4 dollars"}'
    return f"entry {int(place) + 1}: {why}"
