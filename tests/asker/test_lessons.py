"""The asker on lessons of one's own logs: measured as a decider, trained, gone on from."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mining import written
from sml_agents.asker.load import Asker
from sml_agents.asker.threshold import AskerRecord
from sml_agents.asker.train import AskerSettings, Step, train_asker
from sml_agents.errors import InputError
from sml_agents.evaluation.asker import AskerJudge, LessonRows
from sml_agents.evaluation.deciders import Case, cases_of, unsaid
from sml_agents.mining import find_moments
from sml_agents.mining.lessons import lesson


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    made = [lesson(one.trace, moment) for one in written(40, seed=3) for moment in find_moments(one.trace)]
    return cases_of(made, None)


class Reads(Asker):
    """An asker whose probabilities are given: by argument, else 0.1."""

    given: dict[str, float]

    def missing(self, tool: Any, said: Any, drafts: Any = None) -> dict[str, float]:
        assert said and set(drafts) == {one.name for one in tool.required}
        return {one.name: self.given.get(one.name, 0.1) for one in tool.required}


def reads(told: dict[str, float], **given: float) -> AskerJudge:
    asker = Reads(Path(), AskerRecord(threshold=0.5, drafted=0.5, grounded=0.99, told=told))
    asker.given = given
    return AskerJudge(asker)


def test_its_own_threshold_is_one_half_and_the_rule_moves_it(cases: list[Case]) -> None:
    case = next(one for one in cases if one.missing and one.calls and len(unsaid(one, one.calls[0])) == 1)
    (lost,) = unsaid(case, case.calls[0])
    values = case.arguments.required(case.calls[0].name, case.calls[0].arguments)
    found = next(path for path in values if path != lost)
    kind = case.arguments.kind(case.calls[0].name, lost, values[lost]).sort
    for told, name, p, asks in (
        ({kind: 0.05}, found, 0.98, False),
        ({kind: 0.05}, found, 0.99, True),
        ({kind: 0.05}, lost, 0.04, False),
        ({kind: 0.05}, lost, 0.05, True),
        ({"date": 0.05}, lost, 0.04, True),
        ({}, lost, 0.0, True),
        ({}, lost, 1.0, True),
    ):
        made = asyncio.run(reads(told, **{lost: 0.0, name: p}).decide(case))
        assert (made.sure >= 0.5) is asks, (name, p)
        assert not asks or (made.about == name and made.question.endswith("?"))


def test_rows_hold_both_kinds_and_what_a_lesson_knows(cases: list[Case]) -> None:
    rows = LessonRows(cases)
    drawn = [rows(random.Random(number)) for number in range(60)]
    examples = [example for row in drawn for example in row.examples]
    assert any(example.missing for example in examples) and any(not example.missing for example in examples)
    for row in drawn:
        known = {argument.name for argument in row.tool.arguments}
        for example in row.examples:
            assert set(example.drafts) | set(example.values) <= known
            assert {name for name, (_, given) in example.drafts.items() if not given} == set(example.missing)
    lacking = sum(bool(pair.lacking.missing) and not pair.whole.missing for pair in rows.pairs())
    assert lacking == len(rows.pairs()) > 0
    with pytest.raises(InputError, match="no lesson holds a call"):
        LessonRows([])


def test_training_goes_on_from_weights(cases: list[Case], tiny: Path, tmp_path: Path) -> None:
    losses: dict[str, list[float]] = {"": [], "on": []}

    def train(out: str, **given: Any) -> None:
        settings = AskerSettings(steps=4, rows=2, r=2, first_layer=1, learning_rate=0.02, precision="fp32", **given)
        step = losses["on" if given else ""].append
        train_asker(tiny, LessonRows(cases), settings, tmp_path / out, progress=lambda one: step(_loss(one)))

    train("first")
    train("second", start=str(tmp_path / "first"))
    assert losses["on"][0] < losses[""][0]
    with pytest.raises(InputError, match="holds no low-rank weights"):
        train("third", start=str(tmp_path))


def _loss(step: Step) -> float:
    return step.loss
