"""What every engine needs of a dialogue: who plays it, by which rules, and what it is worth."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.errors import InputError, complaint
from sml_agents.roles import Student, teacher_from
from sml_agents.training.online.rewards import TERMS, dialogue_reward
from sml_agents.types import Task, Trace

__all__ = ["Rules"]


class Rules(BaseModel):
    """A dialogue and its reward, as GRPO has them here; JSON-able."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    teacher: str = "oracle"
    """`oracle`, or a backend spec."""
    max_turns: int = Field(default=4, ge=1, le=1000)
    """Student turns at most."""
    seed: int = 0
    reward: str = "success"
    """A term of `sml_agents.training.online.rewards`."""
    gamma: float = Field(default=0.7, gt=0, le=1)
    """A dialogue solved in student turn k is worth gamma^(k-1)."""

    @field_validator("reward")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in TERMS:
            raise ValueError(f"there is no reward {name!r}: choose from {', '.join(TERMS)}")
        return name

    @classmethod
    def of(cls, **given: Any) -> Rules:
        """The rules that somebody typed. Raises InputError for what cannot be one."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise InputError(": ".join(filter(None, complaint(error)))) from None

    def cast(self, student: Student) -> Cast:
        """Everyone who takes part. Raises InputError for a teacher that cannot be had, such as a person."""
        return Cast(student, teacher_from(self.teacher), DialogueSettings(max_turns=self.max_turns, seed=self.seed))

    async def play(self, task: Task, student: Student, sample: int = 0) -> Trace:
        """One dialogue; each `sample` of a task has seeds of its own."""
        trace: Trace = (await self.cast(student).graph().ainvoke({"task": task, "sample": sample}))["trace"]
        return trace

    def worth(self, trace: Trace) -> float | None:
        """Its reward; None where it could not be scored."""
        return dialogue_reward(trace, self.reward, self.gamma)

    @staticmethod
    def figures(trace: Trace) -> dict[str, float]:
        """What else an engine may chart."""
        turns = trace.student_turns
        return {
            "student_turns": float(len(turns)),
            "asked": float(sum(turn.act is not None and turn.act.value == "clarification" for turn in turns)),
            "tool_calls": float(sum(len(turn.tool_calls or ()) for turn in turns)),
        }
