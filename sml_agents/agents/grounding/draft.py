"""A drafted call under its tool's schema, beside everything that may hold its values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sml_agents.agents.evidence import Piece, Request
from sml_agents.agents.slots import Filled
from sml_agents.text.values import Clock, Kind

__all__ = ["Draft"]


@dataclass(frozen=True)
class Draft:
    """What the grounds of a call are looked for in."""

    fills: tuple[Filled, ...]
    pieces: tuple[Piece, ...]
    """Said, offered and returned in this request, in order, then what stands outside of the conversation."""
    request: Request
    clock: Clock

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(fill.slot.kind(fill.value) for fill in self.fills)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(fill.slot.name for fill in self.fills)

    @property
    def said(self) -> Iterator[tuple[int, Piece]]:
        """What the person said, each with its place among the pieces."""
        return ((number, piece) for number, piece in enumerate(self.pieces) if piece.source == "said")

    def rivals(self, k: int) -> list[int]:
        """The other arguments that take values of the same family."""
        return [j for j, other in enumerate(self.kinds) if j != k and other.family == self.kinds[k].family]
