"""One conversation as rows of a training format. Rows hold public text and labels, never private knowledge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sml_agents.data.nouns import Message, Tools, json_text
from sml_agents.data.pairs import Judged, Pair, judged_turns
from sml_agents.data.rows import decision_messages, messages_of
from sml_agents.data.selection import Conversation, system_of
from sml_agents.types import Role

__all__ = ["MIXED", "ROW_MAKERS", "Row", "System", "judged_row", "pair_row"]

Row = dict[str, Any]
System = str | None
"""System prompt before every dialogue; None takes of a log the agent's own, and none otherwise."""

MIXED = "holds student turns that are not taken (wrong attempts are not, unless asked for): this format has no mask"

_CHAT_NAMES = {Role.TEACHER: "user", Role.STUDENT: "assistant"}
_SHAREGPT_NAMES = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def _messages(conversation: Conversation, system: System) -> list[Message]:
    return list(messages_of(conversation.turns, conversation.taken, system_of(conversation.trace, system) or ""))


def _trained(messages: list[Message]) -> list[Message]:
    """Without what follows the last message that is trained: the result of a last call."""
    stop = max((at for at, message in enumerate(messages) if message.trainable), default=-1) + 1
    return messages[:stop]


def _tools(tools: Tools) -> str | None:
    """Tools as TRL reads them: a JSON text, so that those of unlike rows stay what they are; None without any."""
    return json_text(tools) if tools else None


def trl(conversation: Conversation, system: System) -> Iterator[Row]:
    """https://huggingface.co/docs/trl/dataset_formats, conversational language modeling."""
    whole = conversation.to_last_target()
    if whole.is_whole:
        messages = [message.as_chat() for message in _trained(_messages(whole, system))]
        yield {"messages": messages, "tools": _tools(conversation.tools), "id": conversation.trace.id}


def prompt_completion(conversation: Conversation, system: System) -> Iterator[Row]:
    """TRL's conversational prompt-completion: the history, and one message of the student: a call, or what it says.

    A completion is trained whole, so the result of a call stands in the next row's prompt.
    """
    acts = [turn.act for turn in conversation.turns]
    for at in conversation.targets:
        whole = Conversation(conversation.trace, conversation.turns[: at + 1], tuple(k == at for k in range(at + 1)))
        messages = _messages(whole, system)
        for k, message in enumerate(messages):
            if message.trainable:
                yield {
                    "prompt": [one.as_chat() for one in messages[:k]],
                    "completion": [message.as_chat()],
                    "tools": _tools(conversation.tools),
                    "id": conversation.trace.id,
                    "act": acts[at],
                }


def openai(conversation: Conversation, system: System) -> Iterator[Row]:
    """OpenAI's chat fine-tuning format; `weight` 0 keeps an assistant message out of the loss.

    The format has no empty list of tools, so a row without tools has no such key.
    """
    messages: list[Row] = []
    for message in _trained(_messages(conversation.to_last_target(), system)):
        said = message.as_chat()
        if message.role == "assistant" and not message.trainable:
            said["weight"] = 0
        if message.calls and not message.content:
            del said["content"]
        messages.append(said)
    yield {"messages": messages, **({"tools": list(conversation.tools)} if conversation.tools else {})}


def sharegpt(conversation: Conversation, system: System) -> Iterator[Row]:
    """`conversations` of `from` and `value`, as many trainers read them.

    A call of a tool is a `function_call`, its value a JSON text of name and arguments; the result an `observation`.
    Calls that were made at once are one, a list, as their results are; the format has no place for words beside them.
    """
    whole = conversation.to_last_target()
    if whole.is_whole:
        said = []
        for message in _trained(_messages(whole, system)):
            calls = [{"name": call.name, "arguments": call.arguments} for call in message.calls]
            if calls:
                said.append({"from": "function_call", "value": json_text(calls if len(calls) > 1 else calls[0])})
            elif message.role == "tool" and said and said[-1]["from"] == "observation":
                said[-1]["value"] += f"\n{message.content}"
            else:
                said.append({"from": _SHAREGPT_NAMES[message.role], "value": message.content})
        yield {"id": conversation.trace.id, "conversations": said, "tools": _tools(conversation.tools)}


def parquet(conversation: Conversation, system: System) -> Iterator[Row]:
    """A dialogue with its labels; see `sml_agents.data.parquet`."""
    trace = conversation.trace
    prompt = system_of(trace, system)
    messages: list[Row] = [{"role": "system", "content": prompt, "taken": False}] if prompt else []
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
                    {"id": call.id, "name": call.name, "arguments": json_text(call.arguments), "result": call.result}
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
        "tools": _tools(trace.tools),
        "messages": messages,
    }


def pair_row(pair: Pair, system: System) -> Row | None:
    """TRL's conversational preference format; None where one side says nothing."""
    prompt, (chosen, rejected) = decision_messages(pair.history, (pair.chosen, pair.rejected), _own(pair, system))
    if not all(side.content.strip() or side.calls for side in (chosen, rejected)):
        return None
    return {
        "prompt": [message.as_chat() for message in prompt],
        "chosen": [chosen.as_chat()],
        "rejected": [rejected.as_chat()],
        "tools": _tools(pair.tools),
        "source": pair.source,
        "id": pair.trace,
    }


def judged_row(judged: Judged, system: System) -> Row | None:
    """TRL's conversational unpaired preference format, as KTO reads it; None where the turn says nothing."""
    prompt, (side,) = decision_messages(judged.history, (judged.turn,), _own(judged, system))
    if not side.content.strip() and not side.calls:
        return None
    return {
        "prompt": [message.as_chat() for message in prompt],
        "completion": [side.as_chat()],
        "tools": _tools(judged.tools),
        "label": judged.good,
        "source": judged.reason,
        "id": judged.trace,
    }


def _own(one: Pair | Judged, system: System) -> str:
    return (one.system if system is None else system) or ""


def kto(conversation: Conversation, system: System) -> Iterator[Row]:
    """One row for each student turn that can be told good from bad."""
    for judged in judged_turns(conversation):
        if (row := judged_row(judged, system)) is not None:
            yield row


ROW_MAKERS: dict[str, Callable[[Conversation, System], Iterator[Row]]] = {
    "trl": trl,
    "trl-prompt-completion": prompt_completion,
    "kto": kto,
    "openai": openai,
    "sharegpt": sharegpt,
    "parquet": parquet,
}
