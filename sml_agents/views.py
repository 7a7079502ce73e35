"""What each role may see: the only way from a dialogue's state to a prompt.

A `StudentView` is built from the public history and the student's own tool calls; there is no field in it that could
hold private knowledge.
A `TeacherView` adds the private knowledge, the verifier's verdict on the student's last turn, and the facts that
nobody has told yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from sml_agents.types import Act, Fact, Private, Role, ToolCall, Verdict

__all__ = ["History", "StudentView", "TeacherView", "chat_messages"]

History = tuple[tuple[Role, str], ...]
"""Public utterances in order, the teacher's statement of the problem first."""


@dataclass(frozen=True)
class StudentView:
    """What the student sees: the public history, and what its own tools returned."""

    history: History
    calls: tuple[tuple[int, tuple[ToolCall, ...]], ...] = ()
    """The student's own tool calls: index of the turn in `history`, and the calls made in it."""
    tokens: tuple[int, ...] = ()
    """The same up to the student's last turn, as the token ids that its model read and sampled; empty when unknown."""


@dataclass(frozen=True)
class TeacherView:
    """What the teacher (and the writer of Q-priming questions) sees."""

    history: History
    """Up to and including the student's last turn."""
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

    @property
    def last(self) -> str:
        """The student's last turn."""
        return self.history[-1][1]


def chat_messages(history: Sequence[tuple[Role, str]], me: Role, system: str = "") -> list[BaseMessage]:
    """The history as chat messages from the side of `me`: own turns are the assistant's, the other's the user's."""
    messages: list[BaseMessage] = [SystemMessage(system)] if system else []
    for role, text in history:
        messages.append(AIMessage(text) if role == me else HumanMessage(text))
    return messages
