"""A role played by a chat model: one call, its bookkeeping kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages

from sml_agents.errors import BackendError
from sml_agents.text.thinking import split_thought
from sml_agents.text.tools import broken_call, find_calls, tool_names
from sml_agents.types import Call, Reply, ToolCall, Usage, stable_hash

__all__ = ["ask_model", "ask_with_tools", "describe_model", "takes_temperature"]


def describe_model(model: BaseChatModel) -> dict[str, Any]:
    """Identity and sampling settings of a model, JSON-able and without secrets."""
    from sml_agents.backends import describe

    return dict(describe(model))


def _takes_seed(model: BaseChatModel) -> bool:
    return bool(getattr(model, "takes_seed", False)) or "seed" in type(model).model_fields


def takes_temperature(model: BaseChatModel) -> bool:
    """Whether one call of `model` can be sampled at another temperature than its own."""
    return _is_ours(model) or "temperature" in type(model).model_fields


def _is_ours(model: BaseChatModel) -> bool:
    from sml_agents.backends.base import LeanChatModel

    return isinstance(model, LeanChatModel)


async def ask_model(
    model: BaseChatModel,
    messages: list[BaseMessage],
    *,
    seed: int,
    tokens: tuple[int, ...] = (),
    tools: Sequence[dict[str, Any]] = (),
    in_text: bool = False,
    temperature: float | None = None,
) -> Reply:
    """Call `model` once, at `temperature` in place of its own if one is given.

    `seed` is passed on where the model takes one, `tokens` where there are any. `tools` are offered as the model takes
    them; to one that cannot be given any, or with `in_text`, in the words of the system prompt. Raises what the model
    raises.
    """
    given: dict[str, Any] = {"seed": seed} if _takes_seed(model) else {}
    if tokens:
        given["tokens"] = tokens
    if temperature is not None and _is_ours(model):
        given["temperature"] = temperature
    elif temperature is not None:  # providers spell it in many ways in a call, but all read it from this field
        model = model.model_copy(update={"temperature": temperature})
    asked: Any = model
    if tools and not in_text:
        try:
            asked = model.bind_tools(list(tools))
        except NotImplementedError:
            in_text = True
    if in_text:
        from sml_agents.backends.text import to_openai, tools_in_text

        messages = convert_to_messages(tools_in_text(to_openai(messages), tools))
    started = time.time()
    message = await asked.ainvoke(messages, **given)
    return reply_from(message, messages, seed, started=started, tools=tools)


async def ask_with_tools(
    model: BaseChatModel, messages: list[BaseMessage], tools: Sequence[dict[str, Any]], *, seed: int
) -> Reply:
    """As `ask_model`. Where the model's template knows no tools they are written into the prompt, as in training."""
    try:
        return await ask_model(model, messages, seed=seed, tools=tools)
    except BackendError as error:
        if not tools or "tools" not in str(error):
            raise
        return await ask_model(model, messages, seed=seed, tools=tools, in_text=True)


def reply_from(
    message: AIMessage,
    messages: list[BaseMessage],
    seed: int,
    *,
    started: float | None = None,
    tools: Sequence[dict[str, Any]] = (),
) -> Reply:
    """A `Reply` out of a model's message: text, private reasoning, usage and, where there are any, the sampled ids.

    With `tools` its calls, too, whether the model made them or wrote them; what cannot be read as one stays text.
    """
    meta = message.response_metadata
    usage = message.usage_metadata
    finish = meta.get("finish_reason")
    text = message.content if isinstance(message.content, str) else message.text
    thought, said = split_thought(text.strip())
    call = Call(
        model=str(meta.get("model_name") or meta.get("model") or ""),
        prompt_hash=stable_hash([_hashed(m) for m in messages]),
        seed=seed,
        finish=finish if finish in ("stop", "length") else None,
        usage=Usage(prompt_tokens=usage["input_tokens"], completion_tokens=usage["output_tokens"]) if usage else None,
        prompt_ids=meta.get("prompt_ids"),
        completion_ids=meta.get("completion_ids"),
        logprobs=meta.get("completion_logprobs"),
        started=started,
        seconds=None if started is None else round(time.time() - started, 3),
    )
    if not tools:
        return Reply(text=said, thought=thought, call=call)
    made = [ToolCall(name=one["name"], arguments=one["args"], id=one["id"] or "") for one in message.tool_calls]
    broken = [broken_call(one.get("name"), one.get("args")) for one in message.invalid_tool_calls]
    found = find_calls(said, tool_names(tools))
    made += [ToolCall(name=name, arguments=arguments) for name, arguments in found.made]
    said = "\n".join(filter(None, (found.rest, *broken)))
    return Reply(text=said, thought=thought, call=call, tool_calls=tuple(made) or None, at_once=bool(made))


def _hashed(message: BaseMessage) -> list[Any]:
    calls = message.tool_calls if isinstance(message, AIMessage) else ()
    return [message.type, message.content, *([call["name"], call["args"]] for call in calls)]
