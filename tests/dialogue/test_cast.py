"""One cast: the same record and the same ids whichever way its dialogues are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.errors import InputError, SettingsMismatch
from sml_agents.roles import ChatStudent, OracleTeacher, primer_from, student_from, teacher_from
from sml_agents.rollout import run_dialogues
from sml_agents.tasks import load_tasks
from sml_agents.testing import ScriptedModel
from sml_agents.traces import TraceStore
from sml_agents.types import Form, Private, Task, Trace

TASKS = load_tasks("arithmetic?form=paired&n=6")


def cast(**settings: Any) -> Cast:
    student = ChatStudent(ScriptedModel(replies=["How many are there?", "The answer is 1."]))
    return Cast(student, OracleTeacher(), DialogueSettings(max_turns=2, **settings))


async def test_an_id_is_the_same_by_itself_and_in_a_run(tmp_path: Path) -> None:
    one = cast()
    alone = [(await one.graph().ainvoke({"task": task, "sample": 1}))["trace"] for task in TASKS]
    with TraceStore.open(tmp_path / "t.sqlite") as store:
        await run_dialogues(TASKS, one.student, one.teacher, store, settings=one.settings, samples=2)
        run = {trace.id: trace for trace in store.traces()}
    assert len(run) == 2 * len(TASKS)
    for trace in alone:
        assert trace.id == one.dialogue_id(trace.task, 1)
        assert run[trace.id].settings == trace.settings == one.record
        assert _said(run[trace.id]) == _said(trace)


def _said(trace: Trace) -> list[tuple[str, int | None]]:
    return [(turn.text, turn.call.seed if turn.call else None) for turn in trace.turns]


async def test_tasks_of_one_name_and_other_answers_are_two() -> None:
    tasks = [Task(id="same", family="f", prompt="p", private=Private(answer=answer)) for answer in ("1", "2")]
    first, second = [(await cast().graph().ainvoke({"task": task}))["trace"].id for task in tasks]
    assert first != second


def test_an_id_is_of_what_the_user_chose_and_not_of_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    before, ids = cast().record, [cast().dialogue_id(task) for task in TASKS]
    monkeypatch.setattr("sml_agents.dialogue.graph.rulebooks", lambda: {"acts": "mended"})
    assert cast().record != before and [cast().dialogue_id(task) for task in TASKS] == ids
    assert [cast(seed=1).dialogue_id(task) for task in TASKS] != ids
    assert [cast().dialogue_id(task, 0, 1) for task in TASKS] != ids


async def test_a_run_does_not_go_on_by_other_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = cast()
    with TraceStore.open(tmp_path / "t.sqlite") as store:
        await run_dialogues(TASKS[:2], one.student, one.teacher, store, settings=one.settings)
        rules = dict(one.record["rules"])
        monkeypatch.setattr("sml_agents.dialogue.graph.rulebooks", lambda: {**rules, "oracle": "mended"})
        with pytest.raises(SettingsMismatch, match=r"rules\.oracle \('\w+' before, 'mended' now\)"):
            await run_dialogues(TASKS, one.student, one.teacher, store, settings=one.settings, resume=True)


def test_roles_are_made_in_one_place() -> None:
    model = ScriptedModel(replies=["What?"])
    student = student_from(model, system="Be brief.")
    assert isinstance(student, ChatStudent) and student.system == "Be brief."
    assert student_from(student) is student
    assert isinstance(teacher_from("oracle"), OracleTeacher)
    assert teacher_from("human", person=True).settings == {"model": "human"}
    with pytest.raises(InputError, match="a person cannot teach many"):
        teacher_from("human")
    assert primer_from("student", student).settings["model"] == student.settings["model"]
    with pytest.raises(InputError, match="no chat model"):
        primer_from("student", None)
    with pytest.raises(InputError, match="worked solutions"):
        primer_from("student", student, demonstrate=True)


def test_a_prompt_of_the_users_own_is_checked_and_told_apart() -> None:
    model = ScriptedModel(replies=["What?"])
    built_in, own = teacher_from(model), teacher_from(model, system="The answer is {{ private.answer }}.")
    assert built_in.settings["prompt"] != own.settings["prompt"]
    with pytest.raises(InputError, match="uses answer: it may use"):
        teacher_from(model, system="{{ answer }}")
    with pytest.raises(InputError, match="no Jinja template"):
        primer_from(model, system="{% if %}")


@pytest.mark.parametrize("verifier", ["", "none"])
async def test_a_task_without_a_verifier_is_talked_about_and_not_scored(verifier: str) -> None:
    task = Task(id="t", family="f", form=Form.FULL, prompt="p", private=Private(answer="1"), verifier=verifier)
    trace = (await cast().graph().ainvoke({"task": task}))["trace"]
    assert trace.solved is None and trace.error is None
    assert all(turn.verdict is None for turn in trace.turns)
