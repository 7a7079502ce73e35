"""Dialogues in verifiers' engine, on loopback, beside the same in ours."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

vf: Any = pytest.importorskip("verifiers.v1", reason="verifiers is not installed here: make test-engines")

from sml_agents.backends import resolve  # noqa: E402
from sml_agents.integrations.dialogues import Rules  # noqa: E402
from sml_agents.roles import ChatStudent, Student  # noqa: E402
from sml_agents.types import Trace  # noqa: E402
from tests.engines.talk import SPEC, model_server, tasks  # noqa: E402


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environments of this folder by their bare names, as verifiers wants them."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    for name in ("my_dialogues", "my_agent"):
        sys.modules.pop(name, None)


def environment(name: str, student: dict[str, Any] | None = None, **rules: Any) -> Any:
    from verifiers.v1.utils.loaders import load_environment

    from sml_agents.integrations.verifiers import DialogueConfig

    given = {"taskset": {"id": name, "tasks": SPEC}, "rules": rules, **({"student": student} if student else {})}
    return load_environment(DialogueConfig.model_validate(given))


async def episodes(env: Any, url: str, most: int | None = None) -> list[Any]:
    from verifiers.v1.clients import EvalClientConfig, ModelContext
    from verifiers.v1.types import SamplingConfig

    client = EvalClientConfig(base_url=url, api_key_var="NO_KEY")
    ctx = ModelContext(model="m", client=client, sampling=SamplingConfig())
    chosen = list(env.taskset)[:most]
    async with env.serving():
        return await asyncio.gather(*[env.run_episode(task, ctx) for task in chosen])


async def ours(url: str, student: Callable[[BaseChatModel], Student], most: int | None = None) -> list[Trace]:
    model = resolve(f"openai:m@{url}", api_key="none")
    return await asyncio.gather(*[Rules().play(task, student(model)) for task in tasks()[:most]])


async def compared(name: str, student: Callable[[BaseChatModel], Student]) -> list[Any]:
    with model_server() as url:
        done = await episodes(environment(name), url)
        traces = await ours(url, student)
    assert len(done) == 64
    for episode in done:
        assert episode.ok, (episode.errors, [trace.errors for trace in episode.traces])
    rewards = [trace.reward for episode in done for trace in episode.traces]
    expected = [Rules().worth(trace) for trace in traces]
    assert rewards == expected
    assert len(set(rewards)) >= 4, "some are solved at once, some later, some never"
    for episode, trace in zip(done, traces, strict=True):
        (recorded,) = episode.traces
        assert recorded.metrics["student_turns"] == len(trace.student_turns)
    return done


async def test_64_dialogues_are_worth_what_they_are_worth_here() -> None:
    done = await compared("my_dialogues", ChatStudent)
    for episode in done:
        (trace,) = episode.traces
        assert len(trace.branches) == 1, "the whole dialogue is one sequence to train on"
        roles = [message.role for message in trace.branches[0].messages]
        assert roles[:3] == ["system", "user", "assistant"] and roles.count("assistant") == trace.num_turns


async def test_64_dialogues_of_an_agent_with_a_tool() -> None:
    from tests.engines.my_agent import student

    done = await compared("my_agent", student)
    for episode in done:
        (trace,) = episode.traces
        roles = [message.role for message in trace.branches[-1].messages]
        assert roles.count("tool") == roles.count("user"), "it looked something up in each turn"
        assert trace.metrics["tool_calls"] == trace.metrics["student_turns"]
        assert len(trace.branches) == 1


async def test_a_harness_of_verifiers_own_in_the_student_s_place(repository: Path) -> None:
    page = (repository / "docs" / "engines.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"`(student = \{harness.*?)`", page)
    with model_server() as url:
        done = await episodes(environment("my_dialogues", **tomllib.loads(line)), url, 3)
        traces = await ours(url, ChatStudent, 3)
    assert [episode.ok for episode in done] == [True] * 3, [episode.errors for episode in done]
    expected = [Rules().worth(trace) for trace in traces]
    assert [trace.reward for episode in done for trace in episode.traces] == expected
    assert len(set(expected)) == 3 and all(len(episode.traces[0].branches) == 1 for episode in done)


async def test_who_is_down_fails_and_is_worth_nothing_known() -> None:
    env = environment("my_dialogues")
    (episode,) = await episodes(env, "http://127.0.0.1:9/v1", 1)
    assert not episode.ok
    (trace,) = episode.traces
    assert trace.errors and not [reward for reward in trace.rewards.values() if reward is not None]


async def test_the_rules_are_the_run_s() -> None:
    with model_server() as url:
        done = await episodes(environment("my_dialogues", max_turns=1, gamma=0.5), url)
    rewards = [trace.reward for episode in done for trace in episode.traces]
    assert set(rewards) == {0.0, 1.0}
    assert all(trace.num_turns == 1 for episode in done for trace in episode.traces)
    with pytest.raises(ValueError, match="there is no reward 'sucess'"):
        environment("my_dialogues", reward="sucess")
    with pytest.raises(ValueError, match="a person cannot teach"):
        Rules(teacher="human").cast(ChatStudent(resolve("openai:m@http://127.0.0.1:9/v1", api_key="none")))


async def test_the_page_s_modules_are_environments(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (repository / "docs" / "engines.md").read_text(encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = re.findall(r"^```python\n# (page_)?(my_\w+)\.py\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert [name for _, name, _ in found] == ["my_dialogues", "my_agent"]
    for _, name, code in found:
        (tmp_path / f"page_{name}.py").write_text(code)
        with model_server() as url:
            (episode,) = await episodes(environment(f"page_{name}"), url, 1)
        assert episode.ok, episode.errors
