"""From models to figures with the real dialogue machine, tasks and stores; only the models are scripted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.errors import InputError, SettingsMismatch
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.figures import metric_of
from sml_agents.evaluation.report import write_report
from sml_agents.evaluation.run import evaluate, evaluate_async
from sml_agents.rollout import Progress
from sml_agents.tasks import load_tasks
from sml_agents.testing import FaultyModel, ScriptedModel
from sml_agents.traces import TraceStore

FILES = Path(__file__).parents[1] / "suites"
SPECS = ["arithmetic?form=underspecified&n=6&seed=1", "arithmetic?form=full&n=4&seed=1"]
GUESSER = ScriptedModel(replies=["The answer is 1."], name="guesser")
ASKER = ScriptedModel(replies=["Could you tell me the number that is missing?", "The answer is 1."], name="asker")


def test_two_students_are_compared_and_kept(tmp_path: Path) -> None:
    seen: list[tuple[str, Progress]] = []

    class Bar:
        def __init__(self, title: str) -> None:
            self.title = title

        def __enter__(self) -> Any:
            return lambda progress: seen.append((self.title, progress))

        def __exit__(self, *_: object) -> None: ...

    summary = evaluate(
        {"base": GUESSER, "trained": ASKER},
        SPECS,
        tmp_path,
        max_turns=3,
        resamples=100,
        baselines=False,
        progress=Bar,
    )
    assert not summary.baselines
    base, trained = summary.students["base"], summary.students["trained"]
    assert (base.n, base.tasks, base.failed) == (10, base.tasks, 0)
    assert metric_of(base.metrics, "asks_when_needed").value == 0.0
    assert metric_of(trained.metrics, "asks_when_needed").value == 1.0
    assert metric_of(trained.metrics, "needless_questions").value == 1.0
    assert metric_of(trained.metrics, "asking_gap").value == 0.0
    assert list(trained.metrics["success_at"]) == ["1", "2", "3"]  # type: ignore[arg-type]
    assert metric_of(summary.differences["trained"].metrics, "asks_when_needed").value == 1.0
    assert summary.specs == SPECS
    assert Summary.read(tmp_path / "summary.json") == summary
    assert summary.settings["dialogue"]["max_turns"] == 3
    assert len(seen) >= 20 and seen[-1][1].done == 4 and seen[-1][0].startswith("trained, ")
    for student, files in summary.stores.items():
        assert len(files) == 2
        for file in files:
            with TraceStore.open(tmp_path / file, read_only=True) as store:
                assert all(student and trace.turns for trace in store.traces())
    page = write_report(tmp_path, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "All 20 dialogues" in page


def test_the_same_evaluation_gives_the_same_summary(tmp_path: Path) -> None:
    first = evaluate({"a": ASKER}, SPECS[:1], tmp_path / "1", max_turns=2, resamples=50)
    second = evaluate({"a": ASKER}, SPECS[:1], tmp_path / "2", max_turns=2, resamples=50)
    assert first == second
    again = evaluate({"a": ASKER}, SPECS[:1], tmp_path / "1", max_turns=2, resamples=50, resume=True)
    assert again == first


def test_going_on_with_other_settings_is_refused(tmp_path: Path) -> None:
    evaluate({"a": ASKER}, SPECS[:1], tmp_path, max_turns=2, resamples=50)
    with pytest.raises(InputError, match="--resume"):
        evaluate({"a": ASKER}, SPECS[:1], tmp_path, max_turns=2, resamples=50)
    with pytest.raises(SettingsMismatch):
        evaluate({"a": ASKER}, SPECS[:1], tmp_path, max_turns=3, resamples=50, resume=True)


def test_a_used_folder_is_refused_before_any_dialogue_is_held(tmp_path: Path) -> None:
    evaluate({"a": ASKER}, SPECS[:1], tmp_path, max_turns=2, resamples=50)
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match="already holds a run: add --resume"):
        evaluate({"b": ASKER}, SPECS[:1], tmp_path, max_turns=2, resamples=50)  # the scripts' dialogues are there
    assert {path.name for path in tmp_path.iterdir()} == before
    evaluate({"b": ASKER}, SPECS[:1], tmp_path, max_turns=2, resamples=50, baselines=False)


def test_failures_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    summary = evaluate({"a": FaultyModel(model=GUESSER, fail=0.3, seed=2)}, SPECS[:1], tmp_path, samples=3, max_turns=2)
    student = summary.students["a"]
    assert student.n == 18
    assert 0 < student.failed < 18
    assert sum(student.errors.values()) == student.failed
    assert metric_of(student.metrics, "asks_when_needed").n == 18 - student.failed


async def test_it_runs_on_a_running_loop_and_can_be_stopped(tmp_path: Path) -> None:
    summary = await evaluate_async({"a": GUESSER}, SPECS[:1], tmp_path / "done", max_turns=1, resamples=20)
    assert summary.students["a"].n == 6
    stop = asyncio.Event()
    stop.set()
    with pytest.raises(asyncio.CancelledError):
        await evaluate_async({"a": GUESSER}, SPECS[:1], tmp_path / "cut", max_turns=1, stop=stop)
    assert not (tmp_path / "cut" / "summary.json").exists()
    went_on = await evaluate_async({"a": GUESSER}, SPECS[:1], tmp_path / "cut", max_turns=1, resamples=20, resume=True)
    assert went_on == summary


@pytest.mark.parametrize(
    ("students", "specs", "options"),
    [
        ({}, SPECS, {}),
        ({"a": GUESSER}, [], {}),
        ({"a": GUESSER}, SPECS, {"teacher": "human"}),
        ({"a": GUESSER}, ["no-such"], {}),
        ({"a": "asker:"}, SPECS, {}),
        ({"a": "asker:"}, ["lists?n=1"], {}),
        ({"a": "asker:"}, [f"in3:{FILES}/in3.jsonl"], {}),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    tmp_path: Path, students: dict[str, Any], specs: list[str], options: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        evaluate(students, specs, tmp_path, **options)


def test_a_student_may_be_a_spec(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps(["The answer is 2."]))
    summary = evaluate({"a": f"scripted:{script}"}, SPECS[1:], tmp_path / "out", max_turns=1, teacher=GUESSER)
    assert summary.students["a"].n == 4


def test_tasks_of_ones_own_are_a_file_of_them(tmp_path: Path) -> None:
    tasks = load_tasks("arithmetic?n=2")
    with pytest.raises(InputError, match=r"task.model_dump_json\(\) on each line"):
        evaluate({"one": ScriptedModel(replies=["7"])}, tasks, tmp_path / "out")  # type: ignore[arg-type]
    (tmp_path / "own.jsonl").write_text("\n".join(task.model_dump_json() for task in tasks))
    assert load_tasks(f"tasks:{tmp_path / 'own.jsonl'}") == tasks
