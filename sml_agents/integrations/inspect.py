"""The dialogues as a task of Inspect AI.

    inspect eval sml_agents/dialogues --model openai/gpt-5-mini -T tasks='arithmetic?form=paired&n=100'

The model under test is the student; teacher, verifier and figures are this package's own, unchanged. A LangGraph agent
of your own takes the student's place over Inspect's model:

    Task(dataset=dataset("arithmetic?n=50"), solver=dialogue(my_student), scorer=figures())

Limits, retries, caches and logs are Inspect's; its logs are read back with `sml-agents import inspect:LOGS`. Needs the
`inspect` extra.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

try:
    from inspect_ai import Task, task
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import (
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageSystem,
        ChatMessageTool,
        ChatMessageUser,
        GenerateConfig,
        ModelOutput,
        get_model,
    )
    from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
    from inspect_ai.solver import Generate, Solver, TaskState, solver
    from inspect_ai.tool import ToolCall, ToolFunction, ToolInfo
except ImportError as error:
    from sml_agents.errors import MissingExtra

    raise MissingExtra("The Inspect task", "inspect") from error
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage
from langchain_core.utils.json_schema import dereference_refs
from pydantic import PrivateAttr

from sml_agents.backends.base import LeanChatModel
from sml_agents.errors import BackendError, InputError
from sml_agents.evaluation.metrics import compute
from sml_agents.integrations.dialogues import Rules
from sml_agents.roles import ChatStudent, Student
from sml_agents.rollout.typed import typed_tasks
from sml_agents.types import Role, Trace
from sml_agents.types import Task as Problem

__all__ = ["FIGURES", "dataset", "dialogue", "dialogues", "figures", "trace_in"]

FIGURES = (
    "informed_success",
    "asks_when_needed",
    "needless_questions",
    "names_missing",
    "guessed_arguments",
    "exact_call",
    "premature_attempts",
)
"""What is scored beside `solved`, as `sml_agents.evaluation.definitions` says in words."""
_TRACE = "sml_agents_trace"


@task
def dialogues(
    tasks: str = "arithmetic?form=paired&n=100", teacher: str = "oracle", max_turns: int = 4, seed: int = 0
) -> Task:
    """Dialogues on the tasks of a spec.

    Args:
        tasks: a task spec, as for `sml-agents run --tasks`.
        teacher: `oracle`, or a backend spec.
        max_turns: student turns at most.
        seed: of the dialogues, beside Inspect's own for the model.

    Raises:
        InputError: a spec, teacher or number that cannot be used.
    """
    return Task(
        dataset=dataset(tasks), solver=dialogue(teacher=teacher, max_turns=max_turns, seed=seed), scorer=figures()
    )


def dataset(tasks: str) -> MemoryDataset:
    """The tasks of a spec as samples, each with its answer as the target. Raises TaskSpecError for a wrong spec."""
    samples = [
        Sample(one.prompt, target=one.private.answer, id=one.id, metadata={"task": one.model_dump(mode="json")})
        for one in typed_tasks(tasks)
    ]
    return MemoryDataset(samples, name=tasks)


@solver
def dialogue(
    student: Callable[[BaseChatModel], Student] | None = None,
    teacher: str = "oracle",
    max_turns: int = 4,
    seed: int = 0,
) -> Solver:
    """Hold the dialogue of a sample of `dataset`.

    Args:
        student: who answers over Inspect's model; None: the model itself, under the prompt that students are trained
            with. For an agent `lambda model: AgentStudent(create_agent(model, [...]))`.
        teacher, max_turns, seed: see `dialogues`.

    Raises:
        InputError: a teacher or number that cannot be used.
    """
    rules = Rules.of(teacher=teacher, max_turns=max_turns, seed=seed)
    rules.cast(ChatStudent(_InspectModel()))  # a teacher that cannot be had is said before anything runs

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if "task" not in state.metadata:
            raise InputError("dialogue() holds the dialogues of tasks: make the samples with dataset(SPEC)")
        model = _InspectModel()
        problem = Problem.model_validate(state.metadata["task"])
        trace = await rules.play(problem, (student or ChatStudent)(model), sample=state.epoch - 1)
        if (failure := trace.error) is not None:  # Inspect decides what becomes of it: a limit, an error, another try
            raise next((one for one in model.broke if type(one).__name__ == failure.type), BackendError(str(failure)))
        state.store.set(_TRACE, trace.model_dump(mode="json"))
        state.messages = [_said(turn.role, turn.text) for turn in trace.turns]
        state.output = ModelOutput.from_content(str(state.model), trace.student_turns[-1].text)
        return state

    return solve


@scorer(metrics={name: [mean(), stderr()] for name in ("solved", *FIGURES)})
def figures() -> Scorer:
    """Whether each dialogue was solved, and its `FIGURES`. What it says nothing about is left out, and is not 0.

    Inspect takes means over dialogues, where `sml-agents eval` pools the calls and attempts of all: of figures that
    several turns of one dialogue share in (`guessed_arguments`, `exact_call`, `premature_attempts`) they may differ.
    """

    async def score(state: TaskState, target: Target) -> Score:
        trace = trace_in(state)
        if trace is None:
            return Score.unscored(reason="scoring_failed", explanation="No dialogue was held: solve it by dialogue().")
        found = compute([trace], resamples=1)
        shares = {name: getattr(found, name).value for name in FIGURES}
        solved = None if found.unscored else float(bool(trace.solved))
        value = {name: math.nan if share is None else share for name, share in {"solved": solved, **shares}.items()}
        answers = [turn.verdict.extracted for turn in trace.student_turns if turn.verdict is not None]
        return Score(value=value, answer=answers[-1] if answers else None, explanation=f"stopped: {trace.stop.value}")

    return score


def trace_in(state: TaskState) -> Trace | None:
    """The dialogue that `dialogue` held, with acts and verdicts; None for a state of another solver."""
    found = state.store.get(_TRACE)
    return None if found is None else Trace.model_validate(found)


def _said(role: Role, text: str) -> ChatMessage:
    return ChatMessageUser(content=text) if role is Role.TEACHER else ChatMessageAssistant(content=text)


class _InspectModel(LeanChatModel):
    """The model under test as a chat model."""

    _broke: list[Exception] = PrivateAttr(default_factory=list)

    @property
    def broke(self) -> list[Exception]:
        """What Inspect raised, the last first."""
        return self._broke[::-1]

    @property
    def _llm_type(self) -> str:
        return "sml-inspect"

    def describe(self) -> dict[str, Any]:
        return {"backend": "inspect"}

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        choice = kwargs.get("tool_choice")
        named = choice["function"]["name"] if isinstance(choice, dict) else None
        try:
            output = await get_model().generate(
                [_to_inspect(message) for message in messages],
                tools=[_tool(tool) for tool in kwargs.get("tools") or ()],
                tool_choice=ToolFunction(named) if named else "any" if choice == "required" else choice,
                config=GenerateConfig(stop_seqs=stop, seed=kwargs.get("seed")),
            )
        except Exception as error:
            self._broke.append(error)
            raise
        if output.empty:
            raise BackendError(f"The model gave no reply: {output.error or 'Inspect says nothing more'}")
        return _from_inspect(output)


def _to_inspect(message: BaseMessage) -> ChatMessage:
    if isinstance(message, SystemMessage):
        return ChatMessageSystem(content=message.text)
    if isinstance(message, ToolMessage):
        return ChatMessageTool(content=message.text, tool_call_id=message.tool_call_id, function=message.name)
    if isinstance(message, AIMessage):
        calls = [ToolCall(call["id"] or "", call["name"], call["args"]) for call in message.tool_calls]
        return ChatMessageAssistant(content=message.text, tool_calls=calls or None)
    return ChatMessageUser(content=message.text)


def _from_inspect(output: ModelOutput) -> AIMessage:
    calls = output.message.tool_calls or []
    broken = [call for call in calls if call.parse_error]
    usage = output.usage
    read = 0 if usage is None else usage.total_tokens - usage.output_tokens
    return AIMessage(
        output.message.text,
        tool_calls=[
            {"name": call.function, "args": call.arguments, "id": call.id} for call in calls if not call.parse_error
        ],
        invalid_tool_calls=[
            {
                "name": call.function,
                "args": str(call.arguments),
                "id": call.id,
                "error": call.parse_error,
                "type": "invalid_tool_call",
            }
            for call in broken
        ],
        response_metadata={
            "model_name": output.model,
            "finish_reason": {"max_tokens": "length", "model_length": "length"}.get(output.stop_reason, "stop"),
        },
        usage_metadata=None
        if usage is None
        else {
            "input_tokens": read,
            "output_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
        },
    )


def _tool(tool: dict[str, Any]) -> ToolInfo:
    """A tool in OpenAI's form as Inspect's, whose schemas know no references."""
    function = tool["function"]
    schema = dereference_refs(function.get("parameters") or {"type": "object", "properties": {}})
    return ToolInfo(
        name=function["name"], description=function.get("description") or function["name"], parameters=schema
    )
