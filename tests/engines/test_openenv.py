"""Dialogues in OpenEnv's harness interface, as TRL calls it, beside the same in our engine."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

harness: Any = pytest.importorskip("openenv.core.harness", reason="openenv is not installed here: make test-engines")

from langchain.agents import create_agent  # noqa: E402
from langchain_core.language_models import BaseChatModel  # noqa: E402

from sml_agents.agents import AgentStudent  # noqa: E402
from sml_agents.backends import resolve  # noqa: E402
from sml_agents.errors import BackendError, InputError  # noqa: E402
from sml_agents.integrations.dialogues import Rules  # noqa: E402
from sml_agents.integrations.openenv import DialogueHarness, DialogueSessions  # noqa: E402
from sml_agents.roles import ChatStudent, Student  # noqa: E402
from tests.engines.talk import look_up, model_server, reply, tasks  # noqa: E402


def agent(model: BaseChatModel) -> Student:
    return AgentStudent(create_agent(model, [look_up]))


def step(messages: list[dict[str, Any]], tools: list[Any], sampling: dict[str, Any]) -> Any:
    """What a trainer's sampling is: the same student as the server's, with made-up ids."""
    from openenv.core.llm_client import LLMResponse, ToolCall

    said = reply(messages, tools)
    calls = [ToolCall(call["id"], call["function"]["name"], {"what": "it"}) for call in said.get("tool_calls", ())]
    ids = [len(messages), len(said["content"])]
    return harness.ModelStepResult(LLMResponse(said["content"], calls), [1, 2, 3], ids, [-0.5, -0.25])


@pytest.mark.parametrize("student", [ChatStudent, agent])
def test_64_dialogues_are_worth_what_they_are_worth_here(student: Any) -> None:
    rollout = harness.build_harness_rollout_func(
        session_factory=DialogueSessions(),
        harness_adapter=DialogueHarness(student),
        model_step_builder=lambda trainer, session: step,
    )
    got = rollout(tasks(), None)
    with model_server() as url:
        model = resolve(f"openai:m@{url}", api_key="none")

        async def ours() -> list[Any]:
            return await asyncio.gather(*[Rules().play(task, student(model)) for task in tasks()])

        traces = asyncio.run(ours())
    assert got["env_reward"] == [Rules().worth(trace) for trace in traces]
    assert len(set(got["env_reward"])) >= 4
    calls_each = 2 if student is agent else 1
    for ids, logprobs, metrics, trace in zip(
        got["completion_ids"], got["logprobs"], got["verify_metrics"], traces, strict=True
    ):
        assert len(ids) == len(logprobs) == 2 * calls_each * len(trace.student_turns)
        assert metrics["student_turns"] == len(trace.student_turns) and metrics["stop"] == trace.stop.value


def test_a_session_by_hand() -> None:
    session = DialogueSessions(Rules(max_turns=3)).create("arithmetic?form=underspecified&n=1&seed=2", seed=4)
    assert session.rules.seed == 4 and session.list_tools() == []
    assert session.initial_messages()[1] == {"role": "user", "content": session.task.prompt}
    assert session.verify([]).env_reward is None, "not played is not zero"
    assert session.call_tool("f", {}).error == "There is no tool 'f' in a dialogue."
    played = DialogueHarness().run_white_box(
        lambda messages, tools, sampling: harness.ModelStepResult(_says("I pass.")),
        session,
        harness.HarnessRunLimits(max_turns=2),
    )
    assert played.done and played.metrics["student_turns"] == 2.0
    assert [message["role"] for message in played.messages] == ["system", "user", "assistant", "user", "assistant"]
    found = session.verify(played.messages)
    assert found.env_reward == 0.0 and found.artifacts["trace"]["task"]["id"] == session.task.id
    again = DialogueSessions().create(session.task.model_dump_json())
    assert again.task == session.task


def _says(text: str) -> Any:
    from openenv.core.llm_client import LLMResponse

    return LLMResponse(text)


def test_what_goes_wrong_is_said() -> None:
    def broken(messages: Any, tools: Any, sampling: Any) -> Any:
        raise ValueError("the trainer stumbled")

    session = DialogueSessions().create(tasks()[0])
    with pytest.raises(BackendError, match="the trainer stumbled"):
        DialogueHarness().run_white_box(broken, session)
    with pytest.raises(InputError, match="needs a model"):
        DialogueHarness().run_black_box(session)
    for given in ("arithmetic?n=0", {"id": 3}, "{}", "nothing?n=1"):
        with pytest.raises(InputError):
            DialogueSessions().create(given)


def test_evaluation_with_a_model_of_its_own() -> None:
    with model_server() as url:
        session = DialogueSessions().create(tasks()[0])
        DialogueHarness(model=resolve(f"openai:m@{url}", api_key="none")).run_black_box(session)
    assert session.verify([]).env_reward is not None


def test_the_page_s_snippet(repository: Path) -> None:
    page = (repository / "docs" / "engines.md").read_text(encoding="utf-8")
    (snippet,) = [
        code for code in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "openenv" in code
    ]
    names: dict[str, Any] = {}
    exec(compile(snippet, "engines.md", "exec"), names)

    class Trainer:
        model_step = staticmethod(step)

    assert len(names["rollout_func"](tasks()[:3], Trainer())["env_reward"]) == 3
