"""Scripts that understand nothing, in every table."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sml_agents.errors import InputError
from sml_agents.evaluation.baselines import BASELINES
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.figures import metric_of
from sml_agents.evaluation.report import write_report
from sml_agents.evaluation.run import evaluate
from sml_agents.evaluation.surface import surface_scores, training_spec
from sml_agents.evaluation.table import print_summary
from sml_agents.roles import GuessingStudent
from sml_agents.tasks import load_tasks

SPEC = "arithmetic?form=paired&split=heldout&steps=1&largest=20&n=12"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    folder = tmp_path_factory.mktemp("measured")
    return folder, evaluate({"guesser": GuessingStudent()}, [SPEC], folder, max_turns=3, resamples=50)


def test_the_summary_holds_students_and_baselines(measured: tuple[Path, Summary]) -> None:
    folder, summary = measured
    assert list(summary.students) == ["guesser"] and tuple(summary.baselines) == BASELINES
    written = json.loads((folder / "summary.json").read_text())
    assert list(written["students"]) == ["guesser"] and tuple(written["baselines"]) == BASELINES
    assert Summary.read(folder / "summary.json") == summary
    assert not summary.differences


def test_they_do_what_their_names_say(measured: tuple[Path, Summary]) -> None:
    found = {
        name: [metric_of(one.metrics, metric).value for metric in ("asks_when_needed", "needless_questions")]
        for name, one in measured[1].baselines.items()
    }
    assert found["always ask"] == [1.0, 1.0]
    assert found["never ask"] == found["reads nothing"] == [0.0, 0.0]
    gap = metric_of(measured[1].baselines["surface features"].metrics, "asking_gap").value
    assert gap is not None and -0.5 <= gap <= 0.5
    assert all(one.n == 24 and not one.failed for one in measured[1].baselines.values())


def test_both_ways_of_telling_numbers_are_reported(measured: tuple[Path, Summary]) -> None:
    groups = measured[1].students["guesser"].by_numbers
    assert set(groups) == {"words", "digits"} and sum(group.n for group in groups.values()) == 24


def test_how_tool_requests_tell_their_numbers_is_not_reported(tmp_path: Path) -> None:
    spec = "requests?form=paired&split=heldout&n=6"
    told = {str(task.meta["numbers"]) for task in load_tasks(spec)}
    summary = evaluate({"guesser": GuessingStudent()}, [spec], tmp_path, max_turns=1, baselines=False, resamples=50)
    assert told and summary.students["guesser"].n == 12 and not summary.students["guesser"].by_numbers


def test_every_table_has_their_rows(measured: tuple[Path, Summary]) -> None:
    folder, summary = measured
    out = StringIO()
    print_summary(summary, Console(file=out, width=80))
    page = write_report(folder, folder / "report.html").read_text(encoding="utf-8")
    for name in BASELINES:
        assert out.getvalue().count(name.split()[0]) >= 3, name
        assert page.count(name) >= 3, name
    assert max(map(len, out.getvalue().splitlines())) <= 80


def test_a_student_may_not_take_their_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is the name of a baseline"):
        evaluate({"always ask": GuessingStudent()}, [SPEC], tmp_path)


def test_the_surface_classifier_is_fitted_on_training_problems_alone() -> None:
    assert training_spec(SPEC) == "arithmetic?form=paired&split=train&n=400&steps=1&largest=20"
    assert training_spec("gsm8k:x?form=paired") is None
    tasks = load_tasks("lists?form=paired&split=heldout&n=10")
    scores = surface_scores("lists?form=paired&split=heldout&n=10", tasks)
    assert len(scores.scores) == len(scores.asks) == 20 and set(scores.asks) <= {0.0, 1.0}
    assert surface_scores("jsonl:x?prompt=p&answer=a", tasks[:1]).scores.tolist() == [0.5]
