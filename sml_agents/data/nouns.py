"""The nouns of training data.

Message      one message as a chat template sees it, and whether the student's is trained
TrainingRow  a dialogue to train on
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Message", "TrainingRow"]


@dataclass(frozen=True)
class Message:
    """One message as a chat template sees it, with what training needs to know of it."""

    role: Literal["system", "user", "assistant"]
    content: str
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
