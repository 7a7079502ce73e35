"""The nouns of training data.

Message      one message as a chat template sees it, and whether the student's is trained
TrainingRow  a dialogue to train on
LeftOut      why dialogues are not trained on or written, and how many each time
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from sml_agents.text.tools import json_text
from sml_agents.types import ToolCall

__all__ = ["LeftOut", "Message", "Tools", "TrainingRow", "json_text"]

Tools = tuple[dict[str, Any], ...]
"""What an agent may call, as `Trace.tools` has it."""
LeftOut = Counter[str]
"""Dialogues, or rows and pairs of them, by the reason why they were left out: `train` and `export` count alike."""


@dataclass(frozen=True)
class Message:
    """One message as a chat template sees it, with what training needs to know of it."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    calls: tuple[ToolCall, ...] = ()
    """Assistant messages only: the tools that it calls. Results are messages of their own."""
    call_id: str = ""
    """Of a tool's result: the call that it answers."""
    trainable: bool = False
    """Assistant messages only: whether its tokens carry loss."""
    weight: float = 1.0
    """Factor on the loss of its tokens."""
    thought: str = ""
    """Private reasoning before `content`: trained with it, and left out of the history of later turns."""
    sampled: tuple[int, ...] | None = None
    """Token ids as sampled: trained on verbatim instead of tokenising `content` again."""
    prompt: tuple[int, ...] | None = None
    """Token ids of the prompt that `sampled` answered; used when each turn is a row of its own."""
    ended: bool = True
    """False when generation was cut by its length limit: then no end-of-turn token is trained."""

    def as_chat(self, *, arguments_as_text: bool = True) -> dict[str, Any]:
        """The message as a chat API or template has it.

        Arguments are a JSON text, as in OpenAI's format: only so do those of unlike calls stay what they were when a
        table is made of the rows. Chat templates want them as they are.
        """
        message: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {
                        "name": call.name,
                        "arguments": json_text(call.arguments) if arguments_as_text else call.arguments,
                    },
                }
                for call in self.calls
            ]
        if self.role == "tool":
            message["tool_call_id"] = self.call_id
        return message


@dataclass(frozen=True)
class TrainingRow:
    """One dialogue to train on."""

    messages: tuple[Message, ...]
    id: str = ""
    """The trace that it comes from."""
    missing: bool | None = None
    """Whether the student lacked a fact at the start; None when unknown."""
    weight: float = 1.0
    pair: str = ""
    """Rows of the same underlying problem share this (`Task.pair`); they are put into one batch."""
    meta: dict[str, Any] = field(default_factory=dict)
    tools: Tools = ()
    """What the agent may call, as its prompt says."""
