"""The nouns of mining."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Evidence", "Kind", "Moment"]


class Kind(StrEnum):
    """What can be learnt from a moment."""

    CORRECTED = "corrected"
    """The agent went ahead without a fact that it needed; the person corrected it and told the fact."""
    LATE_FACT = "late_fact"
    """The same, without a word of reproach: the person gave the fact, and the agent did its work again with it."""
    ASKED = "asked"
    """The agent asked, the person answered, and it worked."""
    ANSWERED = "answered"
    """Nothing was missing: the agent went ahead, and it worked."""
    MISTAKE = "mistake"
    """The person had said it already, and the agent got it wrong: no question was needed."""


class Evidence(BaseModel):
    """Words that speak for a moment."""

    model_config = ConfigDict(frozen=True)

    turn: int
    """Position in the recorded trace's turns; -1 for a score, which belongs to the whole."""
    quote: str
    why: str


class Moment(BaseModel):
    """A teachable moment of a recorded conversation."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    trace: str
    """Id of the recorded trace."""
    at: int
    """Position in its turns of the student turn that it is about."""
    answer: int
    """Position of the student turn that got it right in the end."""
    told: int | None = None
    """Position of the person's turn that told the missing fact; None when nothing was missing, or nobody said it."""
    answered: str = ""
    """What the person would have said, where a reviewer wrote it into the call and nobody said it."""
    fact: str = ""
    """A name for the missing fact: the path of the tool's argument (`trip.departure`), or what kind of thing it is."""
    question: str = ""
    """What should have been asked, or was."""
    by: str
    """The rules that found it, or the judge: `rule:correction+argument`, `judge:MODEL`."""
    outcome_by: str
    """How its good end is known: `rule:score`, `rule:thanks`, `rule:no_complaint`, `judge:MODEL`."""
    confidence: float = Field(ge=0, le=1)
    """How often such a moment is right. The rules' values are estimates, not measured frequencies: see the guide."""
    evidence: tuple[Evidence, ...] = ()
    review: Literal["open", "accepted", "rejected"] = "open"
