"""The state of a dialogue, split so that private knowledge cannot reach the student.

The student's node is declared with `StudentState` as its input: LangGraph hands it the public history and nothing else.
Task, verdicts and full turns are channels that only the teacher's side receives.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, Protocol, TypeVar, runtime_checkable

from langgraph.channels import EphemeralValue
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict  # pydantic makes no JSON schema of typing's before Python 3.12

from sml_agents.errors import InputError, complaint
from sml_agents.types import Failure, Reply, Role, Task, ToolCall, Trace, Turn

__all__ = [
    "DialogueContext",
    "DialogueInput",
    "DialogueOutput",
    "DialogueSettings",
    "DialogueState",
    "Journal",
    "StudentState",
    "given_task",
    "parsed",
]


class DialogueSettings(BaseModel):
    """What may be set of a dialogue, beside who takes part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_turns: int = Field(default=4, ge=1, le=1000)
    """Student turns at most (T_max): the paper trains with 4 and evaluates with 10."""
    q_priming: float | None = Field(default=None, ge=0, le=1)
    """Base of P_Q(t) = base^t, the chance that turn t, if it neither solves nor asks for
    a missing fact, is rewritten; None: never. Paper: 0.75."""
    q_priming_start: Literal[0, 1] = 0
    """The t of the first student turn; the paper does not say which."""
    guard: Literal["off", "flag", "mask", "end"] = "flag"
    """What happens to a teacher turn that gives the answer away: nothing, noted, blanked out, or the dialogue ends."""
    last_turn_decides: bool = Field(default=False, exclude_if=lambda decides: not decides)
    """Only the student's last turn counts: a right attempt does not end the dialogue, and a later turn may spoil it.
    For dialogues that nobody who knows the answer would end."""
    seed: int = 0


@runtime_checkable
class Journal(Protocol):
    """Keeps replies of a dialogue by key, so that a run that was killed repeats no model call that was answered."""

    def get(self, key: str) -> Reply | None: ...

    async def put(self, key: str, reply: Reply) -> None:
        """Returns when the reply is durable."""
        ...


@dataclass(frozen=True)
class DialogueContext:
    """What a run may hand to the graph: `graph.ainvoke(..., context=DialogueContext(journal=...))`."""

    journal: SkipJsonSchema[InstanceOf[Journal] | None] = None
    """Cannot be given over HTTP, so the schema that a server shows leaves it out."""


class StudentState(TypedDict):
    """All that the student's node receives."""

    dialogue_id: str
    history: Annotated[list[tuple[Role, str]], operator.add]
    calls: NotRequired[Annotated[list[tuple[int, tuple[ToolCall, ...]]], operator.add]]
    """Tool calls of the student's own: index of the turn in `history`, and the calls made in it."""
    tools: NotRequired[tuple[dict[str, Any], ...]]
    """What the task lets the student call."""
    draft: NotRequired[Reply]
    """The student's own last reply, before it was judged."""


class DialogueInput(TypedDict, total=False):
    """What starts a dialogue: a task, as an object or as JSON. `id` and `sample` may be left out.

    They live for one step only, so that the next dialogue on the same thread does not inherit them.
    """

    task: Task
    sample: Annotated[int, EphemeralValue]
    """Which of several dialogues on the task (0)."""
    id: Annotated[str, EphemeralValue]
    """Goes into the trace and the seeds; made from the task, the settings and `sample` when left out."""


class DialogueOutput(TypedDict):
    trace: Annotated[Trace, EphemeralValue]


class DialogueState(StudentState, DialogueInput, total=False):
    """All channels; private ones included."""

    sample_index: int
    failure: Failure | None
    """How the student's model failed, if it did."""
    turns: Annotated[list[Turn], operator.add]
    trace: Annotated[Trace, EphemeralValue]


def given_task(state: DialogueInput) -> Task:
    """The task that a dialogue was started with; over HTTP it comes as JSON. Raises InputError for anything else."""
    given = state.get("task")
    if given is None:
        raise InputError('a dialogue needs a task: {"task": {"id": ..., "family": ..., "prompt": ..., "private": ...}}')
    try:
        return Task.model_validate(given)
    except ValidationError as error:
        where, why = complaint(error)
        raise InputError(f"{'.'.join(filter(None, ('task', where)))} cannot be used: {why}") from None


StateT = TypeVar("StateT", bound=StudentState)


def parsed(state: StateT, kind: type[StateT]) -> StateT:
    """`state` with its nouns as objects.

    A checkpointer that revives no classes but those it knows, as LangGraph's strict ones do, gives back plain values.
    """
    return _adapter(kind).validate_python(state)  # type: ignore[arg-type, no-any-return]


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
