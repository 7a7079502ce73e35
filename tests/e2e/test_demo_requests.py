"""The demo of requests, small: every step on the real embedded model, and training that is done is not done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from sml_agents.demo import run_demo as run_any
from sml_agents.demo.requests import DemoSettings, _train, run_demo
from sml_agents.errors import InputError
from sml_agents.evaluation.baselines import BASELINES
from tests.tasks.test_tool_data import PAIR
from tests.tool_rows import written


@pytest.mark.slow
def test_every_step_leaves_what_it_says(
    tmp_path: Path, embedded_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    settings = DemoSettings(steps=1, generated=10, dev=2, measured=3)
    pairs = written(tmp_path / "pairs.jsonl", [PAIR])
    summary = run_demo(tmp_path, settings=settings, pairs=Path(pairs))
    theirs = summary.pop("pairs")
    assert theirs == json.loads((tmp_path / "pairs" / "summary.json").read_text())
    assert theirs["baselines"]["always ask"]["metrics"]["needless_questions"]["n"] == 1
    assert (tmp_path / "pairs" / "report.html").is_file()
    assert summary == json.loads((tmp_path / "summary.json").read_text())
    assert set(summary["students"]) == {"base", "trained"}
    assert set(summary["baselines"]) == set(BASELINES)
    always = summary["baselines"]["always ask"]["metrics"]
    assert (always["asks_when_needed"]["value"], always["needless_questions"]["value"]) == (1, 1)
    for figures in (*summary["students"].values(), *summary["baselines"].values()):
        assert figures["failed"] == 0 and figures["metrics"]["success_at"]["4"]["n"] == 6
        assert "exact_call" in figures["metrics"] and "guessed_arguments" in figures["metrics"]
    said = capsys.readouterr().err
    assert "Exact call" in said and "agent" in said and "Loading weights" not in said
    assert "Trained, it asks in" in said and "in 4 turns" in " ".join(said.split())
    assert "numbers in" not in said and "requests?form" not in said, "nothing stands there twice"
    assert all(len(line) <= 80 for line in said.splitlines())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Guessed arguments" in page and "Success" in page
    console = Console(stderr=True)
    assert _train(tmp_path / "asker", settings, console) == tmp_path / "asker"
    assert "step" not in capsys.readouterr().err, "what is trained is not trained again"


def test_pairs_that_cannot_be_read_are_said_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        run_demo(tmp_path / "out", pairs=tmp_path / "nowhere.jsonl")
    with pytest.raises(InputError, match="demo of requests"):
        run_any(tmp_path / "out", "arithmetic", pairs=tmp_path / "nowhere.jsonl")
    assert not (tmp_path / "out").exists()
