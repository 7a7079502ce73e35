"""Students beside each other: paired differences and the shape of `summary.json`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sml_agents.errors import InputError
from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.compare import Comparison, Summary, compare, difference
from sml_agents.evaluation.figures import metric_of
from sml_agents.evaluation.tally import Tally
from sml_agents.types import Trace
from tests.evaluation.crafted import task, trace
from tests.evaluation.pages import study, summarised


def dialogues(*scripts: str, form: str = "underspecified") -> list[Trace]:
    return [trace(script, task(f"{form}{k}", form=form)) for k, script in enumerate(scripts)]


def tallied(*scripts: str) -> Tally:
    return Tally().extend(dialogues(*scripts))


def width(metric: Metric) -> float:
    return (metric.high or 0) - (metric.low or 0)


def test_the_difference_is_worked_out_on_shared_tasks() -> None:
    base = Tally().extend(dialogues("1111", "1111", "r", "r"))
    trained = Tally().extend(dialogues("q+r", "1111", "r"))
    tasks, figures = difference(trained, base)
    assert tasks == 3
    assert metric_of(figures, "success_at", "4").value == pytest.approx(1 / 3)
    assert metric_of(figures, "success_at", "4").n == 3
    assert metric_of(figures, "asks_when_needed").value == pytest.approx(1 / 3)


def test_pairing_takes_the_difficulty_of_tasks_out() -> None:
    """Half of the tasks are easy for both; one student solves one hard task in ten more."""
    base = tallied(*["r", "1"] * 50)
    trained = tallied(*(["r", "1"] * 45 + ["r", "r"] * 5))
    _, figures = difference(trained, base)
    gain = metric_of(figures, "success_at", "1")
    assert gain.value == pytest.approx(0.05)
    assert (gain.low or 0) > 0
    assert width(gain) < 0.1


def test_a_difference_of_nothing_known_is_not_known() -> None:
    _, figures = difference(tallied("q+r"), tallied("1r"))
    assert metric_of(figures, "coverage").value is None
    _, nothing = difference(Tally().extend([trace("r", task("a"))]), Tally().extend([trace("r", task("b"))]))
    assert metric_of(nothing, "success_at", "1").value is None


def test_unanimous_students_do_not_differ_with_certainty() -> None:
    _, figures = difference(tallied(*["r"] * 10), tallied(*["1"] * 10))
    gain = metric_of(figures, "success_at", "1")
    assert gain.value == 1.0
    assert 0.5 < (gain.low or 1) < 0.8
    assert gain.high == 1.0


def test_the_summary_has_the_shape_that_scripts_rely_on() -> None:
    found = json.loads(summarised(study(20)).model_dump_json())
    assert list(found["students"]) == ["base", "trained"]
    for student in found["students"].values():
        assert {"n", "seeds", "metrics", "by_spec"} <= set(student)
        assert (student["n"], student["seeds"]) == (40, [0])
        names = (
            "asks_when_needed needless_questions coverage premature_attempts question_rate correction repeat leak_rate"
        )
        for name in names.split():
            assert set(student["metrics"][name]) == {"value", "low", "high", "n"}
        assert list(student["metrics"]["success_at"]) == ["1", "2", "3", "4"]
        assert set(student["metrics"]["success_at"]["4"]) == {"value", "low", "high", "n"}
        assert list(student["by_spec"]) == found["specs"]
    assert found["differences"]["trained"]["minus"] == "base"
    assert found["differences"]["trained"]["tasks"] == 20
    assert list(found["differences"]) == ["trained"]


def test_each_spec_has_its_own_figures() -> None:
    summary = summarised(study(20))
    lacking, complete = summary.students["trained"].by_spec.values()
    assert (lacking.n, complete.n) == (20, 20)
    assert metric_of(lacking.metrics, "needless_questions").value is None
    assert metric_of(complete.metrics, "asks_when_needed").value is None
    by_spec = summary.differences["trained"].by_spec
    assert metric_of(by_spec[summary.specs[0]], "asks_when_needed").n == 20


def test_the_baseline_comes_first() -> None:
    comparison = Comparison(baseline="old", resamples=50)
    comparison.add("new", "spec", dialogues("q+r"))
    comparison.add("old", "spec", dialogues("1r"))
    summary = comparison.summary()
    assert list(summary.students) == ["old", "new"]
    assert summary.differences["new"].minus == "old"


def test_a_baseline_without_dialogues_is_refused() -> None:
    comparison = Comparison(baseline="nobody")
    comparison.add("new", "spec", dialogues("q+r"))
    with pytest.raises(InputError, match="nobody"):
        comparison.summary()


def test_one_student_has_no_differences() -> None:
    summary = compare({"only": {"spec": dialogues("q+r")}}, resamples=20)
    assert summary.differences == {}
    assert compare({}).students == {}


def test_a_summary_survives_its_file(tmp_path: Path) -> None:
    summary = summarised(study(5))
    summary.write(tmp_path / "deep" / "summary.json")
    assert Summary.read(tmp_path / "deep" / "summary.json") == summary
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["summary.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"students": {"a": {"n": "many"}}}'])
def test_a_damaged_summary_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(InputError, match=r"summary\.json") as caught:
        Summary.read(tmp_path / "summary.json")
    assert "\n" not in str(caught.value)


def test_a_summary_is_not_written_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write"):
        summarised(study(2)).write(tmp_path / "file" / "summary.json")
