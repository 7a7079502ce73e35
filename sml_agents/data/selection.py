"""Which dialogues, and which student turns in them, are taken for training or export."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sml_agents.types import Act, Form, Role, StopReason, Trace, Turn

__all__ = ["Conversation", "TraceFilter", "leaks_to_student", "told_facts"]

LEAKED = "teacher leaked the answer"


class TraceFilter(BaseModel):
    """What to take. Fields left at None let everything through."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    solved: bool | None = None
    """Only solved, or only not solved dialogues."""
    families: tuple[str, ...] | None = None
    forms: tuple[Form, ...] | None = None
    splits: tuple[str, ...] | None = None
    stops: tuple[StopReason, ...] | None = None
    min_turns: int | None = Field(default=None, ge=1)
    """Student turns that a dialogue has at least."""
    max_turns: int | None = Field(default=None, ge=1)
    primed: bool | None = None
    """Only dialogues with (True) or without (False) a turn that Q-priming wrote."""
    leaks: Literal["cut", "drop", "keep"] = "cut"
    """A teacher turn from which the answer can be read off: cut the dialogue before it, drop it, or keep all."""
    failed: bool = False
    """Take dialogues that ended in an error, too."""
    acts: tuple[Act, ...] | None = None
    """Student turns that do one of these."""
    last_turn: int | None = Field(default=None, ge=1)
    """Student turns up to this one, counted from 1; 1 takes first turns alone."""
    wrong_attempts: bool = True
    """Take attempts that were scored as not correct."""
    premature: bool = True
    """Take attempts, right by luck even, that were made while a needed fact had not been told."""
    idle_questions: bool = True
    """Take questions that brought no fact to light."""

    def describe(self) -> str:
        """The fields that differ from their defaults, for messages to the user."""
        changed = self.model_dump(mode="json", exclude_defaults=True)
        return ", ".join(f"{name}={value!r}" for name, value in changed.items()) or "no filter"

    def take(self, trace: Trace) -> Conversation | str:
        """The conversation that `trace` is to the student, or in a few words why it is left out."""
        reason = self._refuses(trace)
        if reason:
            return reason
        turns: list[Turn] = []
        numbers: list[int] = []
        said, leaked = 0, False
        for turn in trace.turns:
            if turn.role is Role.STUDENT:
                said += 1
            elif leaks_to_student(turn) and self.leaks != "keep":
                if self.leaks == "drop":
                    return LEAKED
                leaked = True
                break
            turns.append(turn)
            numbers.append(said)
        taken = [
            turn.role is Role.STUDENT and self._takes_turn(turn, number) and self._takes_in_place(trace, turns, at)
            for at, (turn, number) in enumerate(zip(turns, numbers, strict=True))
        ]
        if any(taken):
            return Conversation(trace, tuple(turns), tuple(taken))
        return LEAKED if leaked and not said else "no student turn is taken"

    def _refuses(self, trace: Trace) -> str:
        task = trace.task
        if not self.failed and trace.stop is StopReason.FAILED:
            return "failed"
        if self.solved is not None and trace.solved is not self.solved:
            return "not solved" if self.solved else "solved or not scored"
        for wanted, value, reason in (
            (self.families, task.family, "other family"),
            (self.forms, task.form, "other form"),
            (self.splits, task.split, "other split"),
            (self.stops, trace.stop, "other end"),
        ):
            if wanted is not None and value not in wanted:
                return reason
        if self.min_turns is not None or self.max_turns is not None:
            turns = len(trace.student_turns)
            if not (self.min_turns or 0) <= turns <= (self.max_turns or turns):
                return "other number of turns"
        if self.primed is not None and any(turn.primed for turn in trace.turns) is not self.primed:
            return "not primed" if self.primed else "primed"
        return ""

    def _takes_turn(self, turn: Turn, number: int) -> bool:
        if not turn.trainable or (self.last_turn is not None and number > self.last_turn):
            return False
        if self.acts is not None and turn.act not in self.acts:
            return False
        return self.wrong_attempts or turn.verdict is None or turn.verdict.correct is not False

    def _takes_in_place(self, trace: Trace, turns: Sequence[Turn], at: int) -> bool:
        """What depends on the turns around student turn `turns[at]`."""
        act = turns[at].act
        if act is Act.ANSWER_ATTEMPT and not self.premature:
            return len(told_facts(turns[:at])) == len(trace.task.private.facts)
        if act is Act.CLARIFICATION and not self.idle_questions:
            return at + 1 < len(turns) and bool(turns[at + 1].reveals)
        return True


@dataclass(frozen=True)
class Conversation:
    """The public side of a trace: nothing in it was hidden from the student."""

    trace: Trace
    turns: tuple[Turn, ...]
    taken: tuple[bool, ...]
    """For each turn, whether it is a student turn to train on."""

    @property
    def targets(self) -> tuple[int, ...]:
        """Positions in `turns` of the student turns to train on."""
        return tuple(at for at, taken in enumerate(self.taken) if taken)

    def to_last_target(self) -> Conversation:
        """Without what follows the last student turn that is taken."""
        if self.taken and self.taken[-1]:
            return self
        stop = max(self.targets, default=-1) + 1
        return Conversation(self.trace, self.turns[:stop], self.taken[:stop])

    @property
    def is_whole(self) -> bool:
        """Whether every student turn is taken, so that a format without masks can hold it."""
        return all(taken or turn.role is Role.TEACHER for turn, taken in zip(self.turns, self.taken, strict=True))


def leaks_to_student(turn: Turn) -> bool:
    """Whether the student could read the answer off this teacher turn; a masked leak did not reach it."""
    return turn.role is Role.TEACHER and turn.leak is not None and not turn.masked


def told_facts(turns: Collection[Turn]) -> frozenset[str]:
    """Names of the facts that teacher turns among `turns` tell."""
    return frozenset(name for turn in turns for name in turn.reveals)
