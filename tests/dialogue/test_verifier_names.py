"""A task is data: whatever verifier it names, nothing is imported. Whoever types a spec may name a class."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sml_agents.dialogue import build_dialogue
from sml_agents.errors import TaskSpecError
from sml_agents.roles import ChatStudent, OracleTeacher
from sml_agents.rollout.typed import typed_tasks
from sml_agents.testing import ScriptedModel
from sml_agents.traces import TraceStore
from sml_agents.types import Act, Outcome, Private, StopReason, Task, Trace, Verdict
from sml_agents.verifiers import get_verifier


class Always:
    """A verifier of a user's own."""

    name = "always"

    async def verify(self, task: Task, text: str) -> Verdict:
        return Verdict(outcome=Outcome.CORRECT)


async def hold(verifier: str) -> Trace:
    """A dialogue about a task that came as JSON, as over a server or out of a store."""
    task = Task(id="t", family="f", prompt="What is 6 * 7?", private=Private(answer="42"), verifier=verifier)
    student = ChatStudent(ScriptedModel(replies=["The answer is 42."] * 4))
    result = await build_dialogue(student, OracleTeacher()).ainvoke({"task": json.loads(task.model_dump_json())})
    return Trace.model_validate(result["trace"])


@pytest.mark.parametrize("name", ["this:zen", "unittest.mock:MagicMock", "planted_here:V", "os:system"])
async def test_the_graph_imports_nothing_that_a_task_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planted_here.py").write_text("from tests.dialogue.test_verifier_names import Always as V\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = name.partition(":")[0]
    known = module in sys.modules
    trace = await hold(name)
    assert trace.stop is StopReason.FAILED
    assert trace.error is not None and "never imported" in trace.error.message
    assert (module in sys.modules) is known


@pytest.mark.parametrize("name", ["this:zen", "unittest.mock:MagicMock"])
async def test_a_task_out_of_a_store_imports_nothing(name: str, tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "t.sqlite") as store:
        store.add(await hold(name))
    with TraceStore.open(tmp_path / "t.sqlite", read_only=True) as store:
        (trace,) = store.traces()
    assert trace.task.verifier == name
    known = name.partition(":")[0] in sys.modules
    student = ChatStudent(ScriptedModel(replies=["The answer is 42."] * 4))
    again = (await build_dialogue(student, OracleTeacher()).ainvoke({"task": trace.task}))["trace"]
    assert again.stop is StopReason.FAILED and "never imported" in str(again.error)
    assert (name.partition(":")[0] in sys.modules) is known


@pytest.mark.parametrize("name", ["", "none"])
async def test_a_task_that_names_nobody_is_held_and_not_scored(name: str) -> None:
    trace = await hold(name)
    assert trace.error is None
    attempts = [turn for turn in trace.turns if turn.act is Act.ANSWER_ATTEMPT]
    assert attempts and all(turn.verdict is None for turn in attempts)


def rows(tmp_path: Path) -> str:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"q": "What is 6 * 7?", "a": "42"}\n')
    return f"jsonl:{file}?prompt=q&answer=a"


def test_a_spec_that_a_person_typed_may_name_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_verifier.py").write_text("from tests.dialogue.test_verifier_names import Always\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (task,) = typed_tasks(f"{rows(tmp_path)}&verifier=my_own_verifier:Always")
    assert get_verifier(task.verifier).name == "always"


@pytest.mark.parametrize(("name", "says"), [("maths", "exact, math"), ("unittest.mock:MagicMock", "no verifier")])
def test_a_typed_spec_is_checked_before_a_task_is_read(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(TaskSpecError, match=says):
        typed_tasks(f"{rows(tmp_path)}&verifier={name}")
    assert [task.verifier for task in typed_tasks(f"{rows(tmp_path)}&verifier=none")] == ["none"]
