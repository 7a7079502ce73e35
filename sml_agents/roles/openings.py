"""An opening of its own for each kind of student turn, so that ask or answer is decided in one token.

A question may begin in many ways and an answer with any of ten digits, so that no single probability says what a model
is about to do. With an opening, each of them one token of the usual vocabularies, it does:

    Question. How much does a pen cost?
    Answer. 4 * 3 = 12. The answer is 12.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from sml_agents.roles.primer import Primer
from sml_agents.types import Act, Reply, Role, Trace, Turn, stable_hash
from sml_agents.views import TeacherView

__all__ = ["LatePrimer", "OpenedPrimer", "Openings", "with_openings"]


class Openings(BaseModel):
    """The words, without the full stop that follows them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ask: str = "Question"
    answer: str = "Answer"

    def of(self, act: Act | None) -> str:
        """How a turn that does this begins; empty for what neither asks nor answers."""
        if act in (Act.CLARIFICATION, Act.INTERROGATION):
            return f"{self.ask}. "
        return f"{self.answer}. " if act is Act.ANSWER_ATTEMPT else ""


class OpenedPrimer:
    """Opens what another primer writes: a question where a fact is missing, else an answer."""

    def __init__(self, primer: Primer, openings: Openings) -> None:
        self.primer = primer
        self.openings = openings
        self.settings: dict[str, Any] = {**primer.settings, "openings": openings.model_dump()}

    async def rewrite(self, view: TeacherView, *, seed: int) -> Reply | None:
        """The other primer's turn with its opening."""
        reply = await self.primer.rewrite(view, seed=seed)
        if reply is None or not reply.text:
            return reply
        opening = self.openings.of(Act.CLARIFICATION if view.untold else Act.ANSWER_ATTEMPT)
        return reply if reply.text.startswith(opening) else reply.model_copy(update={"text": opening + reply.text})


class LatePrimer:
    """Leaves the first turns of some dialogues as they are, so that what follows a turn in vain is seen, too.

    Of the dialogues an equal share each has its first 0, 1, ... `latest` student turns left. Where every turn in vain
    is rewritten at once, nobody learns what to do after a question that got no fact, or an answer that was wrong.
    """

    def __init__(self, primer: Primer, latest: int) -> None:
        self.primer = primer
        self.latest = latest
        self.settings: dict[str, Any] = {**primer.settings, "latest": latest}

    async def rewrite(self, view: TeacherView, *, seed: int) -> Reply | None:
        """The other primer's turn, or None where this one is left."""
        before = sum(role is Role.STUDENT for role, _ in view.history) - 1
        left = int(stable_hash("late", view.history[0][1]), 16) % (self.latest + 1)
        return None if before < left else await self.primer.rewrite(view, seed=seed)


def with_openings(trace: Trace, openings: Openings) -> Trace:
    """The trace with every student turn opened by its kind; a turn that has its opening already stays as sampled."""
    return trace.model_copy(update={"turns": tuple(_opened(turn, openings) for turn in trace.turns)})


def _opened(turn: Turn, openings: Openings) -> Turn:
    opening = openings.of(turn.act) if turn.role is Role.STUDENT else ""
    if not opening or turn.text.startswith(opening):
        return turn
    for other in (openings.ask, openings.answer):  # a turn that began as the other kind begins anew
        text = turn.text.removeprefix(f"{other}. ")
        if text != turn.text:
            break
    return turn.model_copy(update={"text": opening + text, "call": None})
