"""A drafted call under its tool's schema, beside everything that may hold its values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from sml_agents.agents.evidence import Request
from sml_agents.agents.pieces import Piece
from sml_agents.agents.slots import Filled
from sml_agents.text.values import Clock, Kind
from sml_agents.text.values.dates import as_date
from sml_agents.text.values.words import listed, split_name

__all__ = ["Draft"]

_LOOKS = frozenset(
    listed(
        "get find search list lookup look show check query fetch read info information fact facts details status"
        " compare convert calculate calc compute estimate quote price prices forecast rank ranking stats statistics"
        " history"
    )
)
"""In the name of a tool that changes nothing."""


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
        return tuple(map(self._kind, self.fills))

    def _kind(self, fill: Filled) -> Kind:
        kind = fill.slot.kind(fill.value)
        days = (
            as_date(fill.value, self.clock) if kind.sort == "date" and fill.given and self.clock.known else frozenset()
        )
        lies_back = bool(days) and all(day < self.clock.today for day in days)
        return replace(kind, words=kind.words | {"past"}) if lies_back else kind  # what is logged has been

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(fill.slot.name for fill in self.fills)

    @property
    def said(self) -> Iterator[tuple[int, Piece]]:
        """What the person said, each with its place among the pieces."""
        return ((number, piece) for number, piece in enumerate(self.pieces) if piece.source == "said")

    @property
    def looks_up(self) -> bool:
        """Whether the tool only tells something, so that a question is what it is asked for."""
        return not _LOOKS.isdisjoint(split_name(self.request.tool))

    def rivals(self, k: int) -> list[int]:
        """The other arguments that take values of the same family."""
        return [j for j, other in enumerate(self.kinds) if j != k and other.family == self.kinds[k].family]
