"""A dialogue as reinforcement learning reads it: the ids that were sampled, between those of the teacher and template.

Nothing is rendered or tokenised here. Each turn of a verbatim student (`ChatStudent(verbatim=True)`) answered a prompt
that continues the ids of the turn before it; so the last turn's prompt holds the whole dialogue, and what lies between
two replies is the teacher's and the template's.
"""

from __future__ import annotations

from dataclasses import dataclass

from sml_agents.errors import TrainingError
from sml_agents.types import Trace

__all__ = ["Trajectory", "trajectory_of"]


@dataclass(frozen=True)
class Trajectory:
    """One dialogue as token ids. `turn_of` is as long as `completion_ids`."""

    trace: Trace
    prompt_ids: list[int]
    """What the student read before its first turn."""
    completion_ids: list[int]
    """From its first sampled token to its last, teacher and template included."""
    turn_of: list[int]
    """For each token of the completion, the student turn that sampled it, from 1; 0 for all others."""
    logprobs: list[float] | None = None
    """Of each token of the completion, as it was sampled, and 0 for all others; None where a turn does not tell."""

    @property
    def mask(self) -> list[int]:
        """1 on the student's tokens."""
        return [int(turn > 0) for turn in self.turn_of]


def trajectory_of(trace: Trace, filler: int) -> Trajectory:
    """The ids of a dialogue. One that failed before the student spoke is a `filler` token without a mask.

    Raises:
        TrainingError: when a turn has no token ids, was drawn again, or answers a prompt that does not continue the
            turn before it.
    """
    completion: list[int] = []
    turn_of: list[int] = []
    logprobs: list[float] = []
    told = True
    prompt: list[int] = []
    for number, turn in enumerate(trace.student_turns, start=1):
        call = turn.call
        if call is None or not call.prompt_ids or not call.completion_ids:
            raise TrainingError(
                f"student turn {number} of dialogue {trace.id} has no token ids: reinforcement learning needs a model "
                "that returns those it read and sampled"
            )
        if call.redrawn:
            raise TrainingError(
                f"student turn {number} of dialogue {trace.id} was drawn again because it repeated an earlier one, and "
                "is no sample of the policy: take a student without fresh"
            )
        if number == 1:
            prompt = list(call.prompt_ids)
        known = [*prompt, *completion]
        if list(call.prompt_ids[: len(known)]) != known:
            raise TrainingError(
                f"the prompt of student turn {number} of dialogue {trace.id} does not continue the ids before it: the "
                "student must be verbatim"
            )
        between = call.prompt_ids[len(known) :]
        completion += [*between, *call.completion_ids]
        turn_of += [0] * len(between) + [number] * len(call.completion_ids)
        told = told and call.logprobs is not None
        logprobs += [0.0] * len(between) + list(call.logprobs or ())
    if not completion:
        return Trajectory(trace, [filler], [filler], [0])
    return Trajectory(trace, prompt, completion, turn_of, logprobs if told else None)
