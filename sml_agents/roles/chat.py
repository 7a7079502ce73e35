"""A role played by a chat model: one call, its bookkeeping kept."""

from __future__ import annotations

import time
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from sml_agents.text.thinking import split_thought
from sml_agents.types import Call, Reply, Usage, stable_hash

__all__ = ["ask_model", "describe_model"]


def describe_model(model: BaseChatModel) -> dict[str, Any]:
    """Identity and sampling settings of a model, JSON-able and without secrets."""
    from sml_agents.backends import describe

    return dict(describe(model))


def _takes_seed(model: BaseChatModel) -> bool:
    return bool(getattr(model, "takes_seed", False)) or "seed" in type(model).model_fields


async def ask_model(
    model: BaseChatModel, messages: list[BaseMessage], *, seed: int, tokens: tuple[int, ...] = ()
) -> Reply:
    """Call `model` once. `seed` is passed on where the model takes one, `tokens` where there are any. Raises what the
    model raises.
    """
    given: dict[str, Any] = {"seed": seed} if _takes_seed(model) else {}
    if tokens:
        given["tokens"] = tokens
    started = time.time()
    message = await model.ainvoke(messages, **given)
    return reply_from(message, messages, seed, started=started)


def reply_from(message: AIMessage, messages: list[BaseMessage], seed: int, *, started: float | None = None) -> Reply:
    """A `Reply` out of a model's message: text, private reasoning, usage and, where there are any, the sampled ids."""
    meta = message.response_metadata
    usage = message.usage_metadata
    finish = meta.get("finish_reason")
    text = message.content if isinstance(message.content, str) else message.text
    thought, said = split_thought(text.strip())
    call = Call(
        model=str(meta.get("model_name") or meta.get("model") or ""),
        prompt_hash=stable_hash([[m.type, m.content] for m in messages]),
        seed=seed,
        finish=finish if finish in ("stop", "length") else None,
        usage=Usage(prompt_tokens=usage["input_tokens"], completion_tokens=usage["output_tokens"]) if usage else None,
        prompt_ids=meta.get("prompt_ids"),
        completion_ids=meta.get("completion_ids"),
        logprobs=meta.get("completion_logprobs"),
        started=started,
        seconds=None if started is None else round(time.time() - started, 3),
    )
    return Reply(text=said, thought=thought, call=call)
