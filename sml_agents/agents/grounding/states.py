"""What is known of one argument of a drafted call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sml_agents.agents.slots import Slot

__all__ = ["GROUNDED", "Ground", "State"]


class State(StrEnum):
    """Where an argument's value comes from."""

    SAID = "said"
    """The person said it in this request."""
    ACCEPTED = "accepted"
    """The agent offered it and the person took it."""
    RETURNED = "returned"
    """A tool returned it, and did not merely repeat what it was called with."""
    DEFAULT = "default"
    """The schema's default, its only member, or null where null is allowed."""
    GIVEN = "given"
    """It stands in the system prompt, the state, the store or the run's context."""
    DERIVED = "derived"
    """Reckoned from grounded values: an end from a start and a length, a sum, another unit."""
    COMPOSED = "composed"
    """Text that the model is there to write."""
    READ = "read"
    """The person said it in words that no rule knows; a decider answers for it."""
    ASSUMED = "assumed"
    """Nobody gave it; the person said to go on and the policy marks the argument as one that may be guessed."""
    UNKNOWN = "unknown"
    """Nobody gave it."""
    CONTRADICTED = "contradicted"
    """The person gave another value."""


GROUNDED = frozenset(State) - {State.UNKNOWN, State.CONTRADICTED}


@dataclass(frozen=True)
class Ground:
    """The state of one argument."""

    slot: Slot
    state: State
    value: Any = None
    span: str = ""
    """The words that ground it; of a contradicted one, what was said instead; of an unknown one, words that hold its
    value and are not meant for it."""
    corrected: bool = False
    """Of a contradicted one: the person took this value back."""

    @property
    def ok(self) -> bool:
        return self.state in GROUNDED
