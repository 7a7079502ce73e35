"""What a decider sees of an agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, ToolCall

from sml_agents.agents.asking import asked_by, is_answer, is_own, words_of
from sml_agents.agents.grounding import Ground
from sml_agents.types import Role
from sml_agents.views import History

__all__ = ["AgentView"]


@dataclass(frozen=True)
class AgentView:
    """What a decider sees."""

    messages: Sequence[BaseMessage]
    """The conversation, the system prompt left out."""
    calls: tuple[ToolCall, ...] = ()
    """Tool calls that the agent is about to make."""
    acting: bool = False
    """False when the person has just spoken; True when the agent is about to act."""
    tools: Mapping[str, Any] = field(default_factory=dict)
    """The agent's tools by name: objects of LangChain's `BaseTool`, or dictionaries in a provider's format."""
    grounds: Mapping[str, tuple[Ground, ...]] = field(default_factory=dict)
    """For each call, by its id: where each required argument comes from."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """The agent's state."""
    store: Any = None
    """The agent's store (`BaseStore`), if it has one."""
    system: str = ""
    """The agent's system prompt."""

    @property
    def history(self) -> History:
        """What the two said to each other, the person as the teacher: no tool calls but questions and their answers."""
        said: list[tuple[Role, str]] = []
        for message in self.messages:
            if is_own(message) or is_answer(message):
                said.append((Role.TEACHER, words_of(message)))
            elif isinstance(message, AIMessage):
                text = message.text.strip() or " ".join(map(str, asked_by(message)))
                if text:
                    said.append((Role.STUDENT, text))
        return tuple(said)

    @property
    def told(self) -> str:
        """Everything that the person has said, a line each."""
        return "\n".join(text for role, text in self.history if role is Role.TEACHER)
