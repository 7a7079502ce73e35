"""The state of a dialogue, split so that private knowledge cannot reach the student.

The student's node is declared with `StudentState` as its input: LangGraph hands it the public history and nothing else.
Task, verdicts and full turns are channels that only the teacher's side receives.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from sml_agents.types import Reply, Role, Task, Trace, Turn

__all__ = [
    "DialogueContext",
    "DialogueInput",
    "DialogueOutput",
    "DialogueSettings",
    "DialogueState",
    "Journal",
    "StudentState",
]


class DialogueSettings(BaseModel):
    """What may be set of a dialogue, beside who takes part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_turns: int = Field(4, ge=1, le=1000)
    """Student turns at most (T_max): the paper trains with 4 and evaluates with 10."""
    q_priming: float | None = Field(None, ge=0, le=1)
    """Base of P_Q(t) = base^t, the chance that an unsuccessful turn t is rewritten; None: never. Paper: 0.75."""
    q_priming_start: Literal[0, 1] = 0
    """The t of the first student turn; the paper does not say which."""
    guard: Literal["off", "flag", "mask", "end"] = "flag"
    """What happens to a teacher turn that gives the answer away: nothing, noted, blanked out, or the dialogue ends."""
    seed: int = 0


class Journal(Protocol):
    """Keeps replies of a dialogue by key, so that a run that was killed repeats no model call that was answered."""

    def get(self, key: str) -> Reply | None: ...

    async def put(self, key: str, reply: Reply) -> None:
        """Returns when the reply is durable."""
        ...


@dataclass(frozen=True)
class DialogueContext:
    """What a run may hand to the graph: `graph.ainvoke(..., context=DialogueContext(journal=...))`."""

    journal: Journal | None = None


class StudentState(TypedDict):
    """All that the student's node receives."""

    id: str
    history: Annotated[list[tuple[Role, str]], operator.add]


class DialogueInput(TypedDict, total=False):
    """What starts a dialogue. `id` and `sample` may be left out."""

    task: Task
    sample: int
    id: str


class DialogueOutput(TypedDict):
    trace: Trace


class DialogueState(StudentState, total=False):
    """All channels; private ones included."""

    task: Task
    sample: int
    draft: Reply
    """The student's last reply, before it is judged."""
    failure: str
    """How the student's model failed, if it did."""
    turns: Annotated[list[Turn], operator.add]
    trace: Trace
