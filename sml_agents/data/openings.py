"""An opening of its own for each kind of student turn, so that ask or answer is decided in one token.

A question may begin in many ways and an answer with any of ten digits, so that no single probability says what a model
is about to do. With an opening, each of them one token of the usual vocabularies, it does:

    Question. How much does a pen cost?
    Answer. 4 * 3 = 12. The answer is 12.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from sml_agents.types import Act, Role, Trace, Turn

__all__ = ["Openings", "with_openings"]


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
    return turn.model_copy(update={"text": opening + text, "prompt_ids": None, "completion_ids": None})
