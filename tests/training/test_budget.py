"""A budget of tokens: how long a run is follows from the rows, never from the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.training import SFTSettings, train_sft
from sml_agents.training.budget import steps_of
from sml_agents.training.dry_run import preview
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.tokens.nouns import DataCounts
from tests.training.conftest import dialogue_row

ROWS = [dialogue_row(number) for number in range(2, 34)]


@pytest.mark.parametrize(
    ("budget", "rows", "tokens", "steps"),
    [(1000, 32, 3200, 2), (3200, 32, 3200, 8), (6400, 32, 3200, 16), (1, 32, 3200, 1), (None, 32, 3200, None)],
)
def test_steps_follow_from_the_rows(budget: int | None, rows: int, tokens: int, steps: int | None) -> None:
    settings = SFTSettings(model="x", batch_size=4, budget_tokens=budget)
    assert steps_of(settings, DataCounts(rows=rows, tokens=tokens)) == steps


def test_several_processes_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    settings = SFTSettings(model="x", batch_size=4, budget_tokens=3200)
    assert steps_of(settings, DataCounts(rows=32, tokens=3200)) == 4


def test_a_run_reads_its_budget_and_no_more(tiny_model: Path, tmp_path: Path) -> None:
    settings = SFTSettings(model=str(tiny_model), batch_size=4, budget_tokens=1800)
    plan = preview(ROWS, settings)
    result = train_sft(ROWS, settings, tmp_path / "model")
    assert result.steps == result.planned_steps == plan.steps and result.stopped == "done"
    rates = [point["learning_rate"] for point in result.curve]
    assert rates[-1] < 0.5 * max(rates), "the learning rate has come down by the end of the budget"


def test_a_resumed_run_goes_on_with_its_budget_and_its_learning_rate(tiny_model: Path, tmp_path: Path) -> None:
    settings = SFTSettings(
        model=str(tiny_model), batch_size=4, budget_tokens=1800, checkpoint_seconds=0.001, resume=True
    )
    whole = train_sft(ROWS, settings, tmp_path / "whole")

    def stop(progress: TrainingProgress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_sft(ROWS, settings, tmp_path / "cut", progress=stop)
    resumed = train_sft(ROWS, settings, tmp_path / "cut")
    assert resumed.resumed_from is not None and (resumed.steps, resumed.planned_steps) == (whole.steps, whole.steps)
    rates = {int(point["step"]): point["learning_rate"] for point in whole.curve}
    assert all(point["learning_rate"] == pytest.approx(rates[int(point["step"])]) for point in resumed.curve[-3:])


@pytest.mark.parametrize(("reached", "stopped"), [(0.9, "reached"), (0.1, "done")])
def test_it_stops_when_the_measure_is_reached(tiny_model: Path, tmp_path: Path, reached: float, stopped: str) -> None:
    asked: list[bool] = []

    def measure(model: Any, tokenizer: Any) -> float:
        asked.append(tokenizer("a") is not None and model.training)
        return reached

    settings = SFTSettings(model=str(tiny_model), batch_size=4, budget_tokens=1800, stop_at=0.8, measure_tokens=600)
    result = train_sft(ROWS, settings, tmp_path / "model", measure=measure)
    assert result.stopped == stopped and asked and result.notes["measured"][0][1] == reached
    assert (result.steps < result.planned_steps) is (stopped == "reached")
