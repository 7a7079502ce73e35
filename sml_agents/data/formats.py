"""One conversation as rows of a training format. Rows hold public text and labels, never private knowledge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from sml_agents.data.pairs import Judged, Pair, judged_turns
from sml_agents.data.selection import Conversation
from sml_agents.types import Role, ToolCall, Turn

__all__ = ["MIXED", "ROW_MAKERS", "Row", "chat", "judged_row", "pair_row"]

Row = dict[str, Any]

MIXED = "holds student turns that are not taken, and this format has no mask for them"

_CHAT_NAMES = {Role.TEACHER: "user", Role.STUDENT: "assistant"}
_SHAREGPT_NAMES = {Role.TEACHER: "human", Role.STUDENT: "gpt"}


def chat(turns: tuple[Turn, ...], system: str) -> list[Row]:
    """Messages with `role` and `content`; the teacher is the user, the student the assistant.

    The tools that a student turn used come before its text, one call and its result after the other: that order is
    possible whether they ran one by one or at once. Arguments are a JSON text, as OpenAI's format has them: only so do
    those of unlike calls stay what they were when a table is made of the rows.
    """
    messages: list[Row] = [{"role": "system", "content": system}] if system else []
    for turn in turns:
        for number, call in enumerate(turn.tool_calls or ()):
            messages += _call(call, call.id or f"call_{len(messages)}_{number}")
        if turn.text or not turn.tool_calls:
            messages.append({"role": _CHAT_NAMES[turn.role], "content": turn.text})
    return messages


def _call(call: ToolCall, id: str) -> list[Row]:
    function = {"name": call.name, "arguments": _json(call.arguments)}
    asked = {"role": "assistant", "content": "", "tool_calls": [{"id": id, "type": "function", "function": function}]}
    return [asked, {"role": "tool", "content": call.result or "", "tool_call_id": id}]


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def trl(conversation: Conversation, system: str) -> Iterator[Row]:
    """https://huggingface.co/docs/trl/dataset_formats, conversational language modeling."""
    whole = conversation.to_last_target()
    if whole.is_whole:
        yield {"messages": chat(whole.turns, system), "id": conversation.trace.id}


def prompt_completion(conversation: Conversation, system: str) -> Iterator[Row]:
    """TRL's conversational prompt-completion: the history, and one student turn."""
    for at in conversation.targets:
        turn = conversation.turns[at]
        yield {
            "prompt": chat(conversation.turns[:at], system),
            "completion": [{"role": "assistant", "content": turn.text}],
            "id": conversation.trace.id,
            "act": turn.act,
        }


def openai(conversation: Conversation, system: str) -> Iterator[Row]:
    """OpenAI's chat fine-tuning format; `weight` 0 keeps an assistant message out of the loss."""
    whole = conversation.to_last_target()
    messages = chat((), system)
    for turn, taken in zip(whole.turns, whole.taken, strict=True):
        said = chat((turn,), "")
        # Calls of tools are what the student saw and did, not what it is taught to say.
        unweighted = said[:-1] if taken else said
        for message in unweighted:
            if message["role"] == "assistant":
                message["weight"] = 0
        messages += said
    yield {"messages": messages}


def sharegpt(conversation: Conversation, system: str) -> Iterator[Row]:
    """`conversations` of `from` and `value`, as many trainers read them.

    A call of a tool is a `function_call`, its value a JSON text of name and arguments; the result an `observation`.
    """
    whole = conversation.to_last_target()
    if whole.is_whole:
        said = [{"from": "system", "value": system}] if system else []
        for turn in whole.turns:
            for call in turn.tool_calls or ():
                said.append({"from": "function_call", "value": _json({"name": call.name, "arguments": call.arguments})})
                said.append({"from": "observation", "value": call.result or ""})
            if turn.text or not turn.tool_calls:
                said.append({"from": _SHAREGPT_NAMES[turn.role], "value": turn.text})
        yield {"id": conversation.trace.id, "conversations": said}


def parquet(conversation: Conversation, system: str) -> Iterator[Row]:
    """A dialogue with its labels; see `sml_agents.data.parquet.SCHEMA`."""
    trace = conversation.trace
    messages: list[Row] = [{"role": "system", "content": system, "taken": False}] if system else []
    for turn, taken in zip(conversation.turns, conversation.taken, strict=True):
        messages.append(
            {
                "role": _CHAT_NAMES[turn.role],
                "content": turn.text,
                "act": turn.act,
                "outcome": turn.verdict.outcome if turn.verdict is not None else None,
                "taken": taken,
                "primed": turn.primed,
                "tool_calls": [
                    {"id": call.id, "name": call.name, "arguments": _json(call.arguments), "result": call.result}
                    for call in turn.tool_calls or ()
                ],
            }
        )
    yield {
        "id": trace.id,
        "family": trace.task.family,
        "form": trace.task.form,
        "split": trace.task.split,
        "task": trace.task.id,
        "sample": trace.sample,
        "solved": trace.solved,
        "solved_at": trace.solved_at,
        "stop": trace.stop,
        "messages": messages,
    }


def pair_row(pair: Pair, system: str) -> Row:
    """TRL's conversational preference format."""
    return {
        "prompt": chat(pair.history, system),
        "chosen": [{"role": "assistant", "content": pair.chosen.text}],
        "rejected": [{"role": "assistant", "content": pair.rejected.text}],
        "source": pair.source,
        "id": pair.trace,
    }


def judged_row(judged: Judged, system: str) -> Row:
    """TRL's conversational unpaired preference format, as KTO reads it."""
    return {
        "prompt": chat(judged.history, system),
        "completion": [{"role": "assistant", "content": judged.turn.text}],
        "label": judged.good,
        "source": judged.reason,
        "id": judged.trace,
    }


def kto(conversation: Conversation, system: str) -> Iterator[Row]:
    """One row for each student turn that can be told good from bad."""
    for judged in judged_turns(conversation):
        yield judged_row(judged, system)


ROW_MAKERS: dict[str, Callable[[Conversation, str], Iterator[Row]]] = {
    "trl": trl,
    "trl-prompt-completion": prompt_completion,
    "kto": kto,
    "openai": openai,
    "sharegpt": sharegpt,
    "parquet": parquet,
}
