"""The demo, small: every step on the real embedded model, and a second call that finds everything done."""

from __future__ import annotations

from pathlib import Path

from sml_agents.demo import DemoSettings, run_demo
from sml_agents.traces import TraceStore

SMALL = DemoSettings(
    tried=("arithmetic?form=paired&split=train&n=2&seed=11",),
    demonstrated=("arithmetic?form=paired&split=train&n=8&seed=12",),
    measured=("arithmetic?form=paired&split=heldout&n=2&seed=101",),
    max_turns=2,
    max_tokens=16,
    train_seconds=5,
)


def test_the_closed_loop(embedded_model: Path, tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"model": f"transformers:{embedded_model}"})
    summary = run_demo(tmp_path, settings=settings)
    assert set(summary["students"]) == {"base", "trained"}
    assert all(student["n"] == 4 and not student["failed"] for student in summary["students"].values())
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "trained" / "model.safetensors").stat().st_size > 100_000_000
    with TraceStore.open(tmp_path / "demonstrated.sqlite", read_only=True) as store:
        traces = list(store.traces())
    assert len(traces) == 16
    assert any(turn.primed for trace in traces for turn in trace.turns)

    trained = (tmp_path / "trained" / "training.json").stat().st_mtime_ns
    again = run_demo(tmp_path, settings=settings)
    assert (tmp_path / "trained" / "training.json").stat().st_mtime_ns == trained
    assert again["students"] == summary["students"]
