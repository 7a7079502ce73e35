"""What each role may see: the only way from a dialogue's state to a prompt.

A `StudentView` is built from the public history and the student's own tool calls; there is no field in it that could
hold private knowledge.
A `TeacherView` adds the private knowledge, the verifier's verdict on the student's last turn, and the facts that
nobody has told yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from sml_agents.text.tools import call_text
from sml_agents.types import Act, Fact, Private, Role, ToolCall, Verdict

__all__ = ["Calls", "History", "StudentView", "TeacherView", "chat_messages", "in_words"]

History = tuple[tuple[Role, str], ...]
"""Public utterances in order, the teacher's statement of the problem first."""
Calls = tuple[tuple[int, tuple[ToolCall, ...]], ...]
"""A student's own tool calls: index of the turn in the history, and the calls made in it."""


@dataclass(frozen=True)
class StudentView:
    """What the student sees: the public history, and what its own tools returned."""

    history: History
    calls: Calls = ()
    tokens: tuple[int, ...] = ()
    """The same up to the student's last turn, as the token ids that its model read and sampled; empty when unknown."""
    tools: tuple[dict[str, Any], ...] = ()
    """What the task lets it call."""


@dataclass(frozen=True)
class TeacherView:
    """What the teacher (and the writer of Q-priming questions) sees."""

    history: History
    """Up to and including the student's last turn, the student's calls in words."""
    private: Private
    act: Act
    """What the student's last turn does."""
    verdict: Verdict | None
    """Of the student's last turn, if it was an attempt."""
    untold: tuple[Fact, ...]
    """Facts that are missing from the history."""
    told: tuple[Fact, ...] = ()
    """Facts that an earlier teacher turn has told."""
    one_a_turn: bool = False
    """A sharded task: the teacher tells one fact in every turn, asked or not."""
    tools: tuple[dict[str, Any], ...] = ()
    """What the student may call."""
    said: Mapping[str, str] = field(default_factory=dict)
    """How the user says the values of arguments, by path."""

    @property
    def last(self) -> str:
        """The student's last turn."""
        return self.history[-1][1]


def in_words(text: str, calls: Sequence[ToolCall] | None) -> str:
    """What a student said, with the tools that it called, for readers of text."""
    return "\n".join(filter(None, (text, *(call_text(call.name, call.arguments) for call in calls or ()))))


def chat_messages(
    history: Sequence[tuple[Role, str]], me: Role, system: str = "", calls: Calls = ()
) -> list[BaseMessage]:
    """The history as chat messages from the side of `me`: own turns are the assistant's, the other's the user's.

    `calls` are own ones, each turn's made in one message, and answered before the other side speaks.
    """
    messages: list[BaseMessage] = [SystemMessage(system)] if system else []
    made = dict(calls)
    for at, (role, text) in enumerate(history):
        if role != me:
            messages.append(HumanMessage(text))
        elif own := made.get(at):
            ids = [call.id or f"call_{at}_{k}" for k, call in enumerate(own)]
            asked: Any = [{"name": c.name, "args": c.arguments, "id": id} for c, id in zip(own, ids, strict=True)]
            messages.append(AIMessage(text, tool_calls=asked))
            messages += [ToolMessage(c.result or "", tool_call_id=id) for c, id in zip(own, ids, strict=True)]
        else:
            messages.append(AIMessage(text))
    return messages
