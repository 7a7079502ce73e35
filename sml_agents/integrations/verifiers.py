"""The dialogues as an environment of verifiers 0.4, and with it of prime-rl and what else runs its environments.

verifiers finds an environment by the name of a module that exports one of each kind, so yours is a short one:

    # my_dialogues.py
    from sml_agents.integrations.verifiers import DialogueEnv, DialogueHarness, DialogueTaskset

    __all__ = ["DialogueEnv", "DialogueHarness", "DialogueTaskset"]

A LangGraph agent of your own is trained in the student's place by a harness that makes it over the engine's model:

    class MyHarness(DialogueHarness):
        def student(self, model):
            return AgentStudent(create_agent(model, [search], middleware=[ClarifyMiddleware()]))

Teacher, verifier and reward run in the engine's process, and so does the student: the `subprocess` runtime of the role
is used for nothing. Needs the `verifiers` extra.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

try:
    import verifiers.v1 as vf
    from verifiers.v1.runtimes import ProgramResult
except ImportError as error:
    from sml_agents.errors import MissingExtra

    raise MissingExtra("The verifiers environment", "verifiers") from error
from langchain_core.language_models import BaseChatModel

from sml_agents.backends import resolve
from sml_agents.errors import BackendError, SmlError, one_line
from sml_agents.integrations.dialogues import Rules
from sml_agents.roles import ChatStudent, Student
from sml_agents.roles.prompts import render
from sml_agents.rollout.typed import typed_tasks
from sml_agents.types import Reply, Task
from sml_agents.views import StudentView

__all__ = ["DialogueConfig", "DialogueEnv", "DialogueHarness", "DialogueTask", "DialogueTaskset"]


class DialogueData(vf.TaskData):
    """A task of ours on verifiers' wire: the statement as its prompt, the rest for the teacher's side."""

    task: dict[str, Any]


class DialogueTask(vf.Task[DialogueData, vf.State]):
    """One task. Its reward is given by the environment."""

    @property
    def key(self) -> str:
        return str(self.data.id)


class TasksetConfig(vf.TasksetConfig):
    """Which tasks."""

    tasks: str = "arithmetic?form=paired&n=200"
    """A task spec, as for `sml-agents run --tasks`."""


class DialogueTaskset(vf.Taskset[DialogueTask, TasksetConfig]):
    """The tasks of a spec."""

    def load(self) -> Iterator[DialogueTask]:
        """Each task, its statement as the prompt. Raises TaskSpecError for a spec that cannot be used."""
        for task in typed_tasks(self.config.tasks):
            data = {"id": task.id, "prompt": task.prompt, "system_prompt": render("student")}
            yield DialogueTask(DialogueData(task=task.model_dump(mode="json"), **data), self.config.task)


class DialogueConfig(vf.EnvConfig):
    """Who takes part, and by which rules."""

    student: vf.AgentConfig = vf.AgentConfig(runtime={"type": "subprocess"})
    """The role that is trained."""
    rules: Rules = Rules()


class DialogueEnv(vf.Env[DialogueConfig]):
    """One dialogue of this package is one episode; the student's replies are the engine's."""

    async def run(self, task: DialogueTask, agents: Any) -> None:
        """Play the dialogue and record its reward.

        Raises:
            BackendError: nobody could score it; verifiers then retries the episode, or leaves it out.
        """
        rules = self.config.rules
        async with agents.student.interaction(task) as interaction:
            student = _EngineStudent(interaction, agents.student.harness)
            played = await rules.play(Task.model_validate(task.data.task), student)
            recorded = interaction.trace
            if student.ended:  # by a limit of the engine's: what was not solved until then is not
                recorded.record_reward(rules.reward, 0.0)
                recorded.record_metric("ended_by_the_engine", 1.0)
            elif (worth := rules.worth(played)) is not None:
                recorded.record_reward(rules.reward, worth)
            else:
                raise BackendError(f"The dialogue could not be scored: {played.error or 'the verifier broke'}")
            recorded.record_metrics(rules.figures(played))


class _EngineStudent:
    """The student whose replies the engine samples: through our harness, or through any other that holds a talk."""

    def __init__(self, interaction: Any, harness: Any) -> None:
        self.settings: dict[str, Any] = {"model": "engine"}
        self.ended = False
        self._interaction = interaction
        self._harness = harness if isinstance(harness, DialogueHarness) else None

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        said = view.history[-1][1] if len(view.history) > 1 else None  # the task's own prompt opens
        turn = _Turn(view, seed)
        if self._harness is not None:
            self._harness.turns[self._interaction.trace.id] = turn
        try:
            segment = await self._interaction.turn(said)
        finally:
            if self._harness is not None:
                self._harness.turns.pop(self._interaction.trace.id, None)
        if segment.terminated:
            recorded = self._interaction.trace
            self.ended = recorded.stop_condition is not None and not recorded.errors
            why = recorded.errors[-1].message if recorded.errors else recorded.stop_condition
            raise BackendError(f"The engine ended the dialogue: {one_line(why)}")
        return turn.reply or Reply(text=segment.last_reply)


class _Turn:
    """What passes between the environment and the harness beside the words."""

    def __init__(self, view: StudentView, seed: int) -> None:
        self.view, self.seed = view, seed
        self.reply: Reply | None = None


class DialogueHarness(vf.Harness[vf.HarnessConfig]):
    """Lets `student` speak in this process, over a model that the engine samples. Override `student` for your agent."""

    APPENDS_SYSTEM_PROMPT = True
    SUPPORTS_RESUME = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    def __init__(self, config: vf.HarnessConfig) -> None:
        super().__init__(config)
        self.turns: dict[str, _Turn] = {}

    def student(self, model: BaseChatModel) -> Student:
        """Who answers, over the engine's `model`: a chat model under the prompt that students are trained with."""
        return ChatStudent(model)

    async def launch(
        self,
        ctx: Any,
        trace: Any,
        runtime: Any,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: Any,
        messages: Any = None,
        tool_interception_url: str | None = None,
    ) -> ProgramResult:
        """One turn of the student's. Every model call goes through `endpoint`, where the engine records it."""
        turn = self.turns.get(trace.id)
        if turn is None:
            return ProgramResult(1, "", "DialogueHarness answers in a DialogueEnv only: export that from your module.")
        model = resolve(f"openai:{_escaped(ctx.model)}", base_url=endpoint, api_key=secret, max_retries=0)
        try:
            turn.reply = await self.student(model).reply(turn.view, seed=turn.seed)
        except SmlError as error:
            return ProgramResult(1, "", one_line(error))
        return ProgramResult(0, turn.reply.text, "")

    resume = launch  # what was said since stands in the turn


def _escaped(name: str) -> str:
    """A model's name as a spec holds it."""
    return name.replace("%", "%25").replace("?", "%3F").replace("@http", "%40http")
