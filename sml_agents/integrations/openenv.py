"""The dialogues for OpenEnv 0.10's harness interface, which TRL trains on.

    rollout = build_harness_rollout_func(
        session_factory=DialogueSessions(), harness_adapter=DialogueHarness(), model_step_builder=...
    )

The trainer owns the sampling (`model_step`); the dialogue graph, the teacher, the verifier and the reward are ours. A
LangGraph agent of your own speaks in the student's place with
`DialogueHarness(lambda model: AgentStudent(make(model)))`. Needs the `openenv` extra.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

try:
    from openenv.core.harness import (
        HarnessAdapter,
        HarnessRolloutResult,
        HarnessRunLimits,
        ModelStep,
        ModelStepResult,
        ResourceSession,
        ResourceSessionFactory,
        RolloutEvent,
        ToolResult,
        VerifyResult,
    )
except ImportError as error:
    from sml_agents.errors import MissingExtra

    raise MissingExtra("The OpenEnv session factory", "openenv") from error
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field, PrivateAttr

from sml_agents.backends.base import LeanChatModel
from sml_agents.backends.loops import run_sync
from sml_agents.backends.text import to_openai
from sml_agents.dialogue.state import given_task
from sml_agents.errors import BackendError, InputError
from sml_agents.integrations.dialogues import Rules
from sml_agents.roles import ChatStudent, Student
from sml_agents.roles.prompts import render
from sml_agents.tasks import load_tasks
from sml_agents.types import Task, Trace

__all__ = ["DialogueHarness", "DialogueSession", "DialogueSessions"]


class DialogueSession(ResourceSession):
    """One dialogue: its task, and once the harness has run, its trace."""

    def __init__(self, task: Task, rules: Rules) -> None:
        self.task, self.rules = task, rules
        self.trace: Trace | None = None

    def initial_messages(self) -> list[dict[str, Any]]:
        """What the student starts from. A harness of another kind may begin with it; the teacher needs ours."""
        return [{"role": "system", "content": render("student")}, {"role": "user", "content": self.task.prompt}]

    def list_tools(self) -> list[Any]:
        """None: the student's tools, if it has any, are its agent's own."""
        return []

    def call_tool(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """There is none to call."""
        return ToolResult(error=f"There is no tool {name!r} in a dialogue.")

    def verify(self, transcript: list[dict[str, Any]], final_state: Any = None) -> VerifyResult:
        """The reward of the dialogue that was played; None where there was none, or nobody could score it."""
        if self.trace is None:
            return VerifyResult()
        metrics = {**self.rules.figures(self.trace), "solved": self.trace.solved, "stop": self.trace.stop.value}
        trace = self.trace.model_dump(mode="json")
        return VerifyResult(self.rules.worth(self.trace), done=True, metrics=metrics, artifacts={"trace": trace})

    def close(self) -> None:
        """Nothing is held."""


class DialogueSessions(ResourceSessionFactory[DialogueSession]):
    """Makes a session out of a task: one of ours, its JSON, or a task spec, of which the first is taken."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()

    def create(self, task: Any, seed: int | None = None, episode_id: str | None = None) -> DialogueSession:
        """Raises InputError for what is no task. `seed`: in place of the rules' own."""
        rules = self.rules if seed is None else self.rules.model_copy(update={"seed": seed})
        return DialogueSession(_task(task), rules)


def _task(given: Any) -> Task:
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        found = load_tasks(given)
        if not found:
            raise InputError(f"{given} gives no task")
        return found[0]
    return given_task({"task": json.loads(given) if isinstance(given, str) else given})


class DialogueHarness(HarnessAdapter):
    """Plays the session's dialogue, with the trainer's model as the student.

    `student` says who answers over that model; None: the model itself, under the prompt that students are trained
    with. `model`, a backend spec or chat model, is what `run_black_box` takes in the trainer's place, for evaluation.
    """

    def __init__(
        self, student: Callable[[BaseChatModel], Student] | None = None, *, model: str | BaseChatModel | None = None
    ) -> None:
        self.student = student or ChatStudent
        self.model = model

    def run_white_box(
        self, model_step: ModelStep, session: DialogueSession, limits: HarnessRunLimits | None = None
    ) -> HarnessRolloutResult:
        """One dialogue. `limits.max_turns` bounds the student's turns, if it is less than the rules'.

        Raises what `model_step` raises, in a BackendError.
        """
        limits = limits or HarnessRunLimits(max_turns=session.rules.max_turns)
        model = _StepModel(step=model_step, sampling=dict(limits.sampling))
        result = self._played(model, session, limits.max_turns)
        for turn, step in enumerate(model.steps):
            result.prompt_ids.extend(step.prompt_ids)
            result.completion_ids.extend(step.completion_ids)
            result.logprobs.extend(step.logprobs)
            ids = {"prompt_ids": step.prompt_ids, "completion_ids": step.completion_ids, "logprobs": step.logprobs}
            result.events.append(
                RolloutEvent("model_response", {"turn": turn, "content": step.response.content, **ids})
            )
        return result

    def run_black_box(self, session: DialogueSession, limits: HarnessRunLimits | None = None) -> HarnessRolloutResult:
        """The same with this harness's own model. Raises InputError where it has none."""
        from sml_agents.backends import resolve

        if self.model is None:
            raise InputError("run_black_box needs a model: DialogueHarness(model='openai:...')")
        return self._played(resolve(self.model), session, None if limits is None else limits.max_turns)

    def _played(self, model: BaseChatModel, session: DialogueSession, most: int | None) -> HarnessRolloutResult:
        rules = session.rules
        if most is not None and most < rules.max_turns:
            rules = rules.model_copy(update={"max_turns": most})
        trace = session.trace = run_sync(rules.play(session.task, self.student(model)))
        if trace.error is not None:
            raise BackendError(str(trace.error))
        messages = session.initial_messages()[:1] + [
            {"role": "assistant" if turn in trace.student_turns else "user", "content": turn.text}
            for turn in trace.turns
        ]
        return HarnessRolloutResult(messages=messages, done=True, metrics=rules.figures(trace))


class _StepModel(LeanChatModel):
    """A chat model whose replies the trainer samples."""

    step: Any
    sampling: dict[str, Any] = Field(default_factory=dict)

    _steps: list[ModelStepResult] = PrivateAttr(default_factory=list)

    @property
    def steps(self) -> list[ModelStepResult]:
        """What was sampled so far."""
        return self._steps

    @property
    def _llm_type(self) -> str:
        return "sml-openenv"

    def describe(self) -> dict[str, Any]:
        return {"backend": "openenv"}

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        tools = [_as_mcp(tool) for tool in kwargs.get("tools") or ()]
        sampling = {**self.sampling, **({"stop": stop} if stop else {})}
        sampled = await asyncio.to_thread(self.step, to_openai(messages), tools, sampling)
        self._steps.append(sampled)
        calls = [
            {"name": call.name, "args": dict(call.args), "id": call.id or f"call_{uuid.uuid4().hex[:12]}"}
            for call in sampled.response.tool_calls
        ]
        return AIMessage(sampled.response.content or "", tool_calls=calls, response_metadata={"model_name": "openenv"})


def _as_mcp(tool: dict[str, Any]) -> Any:
    """A tool in OpenAI's form as OpenEnv's."""
    from openenv.core.env_server.mcp_types import Tool

    function = tool["function"]
    return Tool(
        name=function["name"],
        description=function.get("description") or function["name"],
        input_schema=function.get("parameters") or {"type": "object", "properties": {}},
    )
