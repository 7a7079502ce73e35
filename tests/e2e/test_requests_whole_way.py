"""Requests from task to trained row to figures, on a tiny model that calls natively."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore
from tests.e2e.requests_whole_way import whole_way
from tests.models import small_model
from tests.training.templates import dressed


@pytest.mark.slow
def test_from_task_to_figures(tmp_path: Path, embedded_model: Path) -> None:
    tiny = small_model(dressed(embedded_model, "qwen_tools"), tmp_path / "tiny", max_position_embeddings=8192)
    model = f"transformers:{tiny}"
    few: dict[str, Any] = {"steps": 1, "batch": 2, "limits": "?temperature=0&max_tokens=6", "grpo": 2, "turn_tokens": 6}
    told = whole_way(tmp_path / "out", model, 8, **few)
    assert told["dialogues"] == {"full: solved": 4, "underspecified: solved": 4}
    assert all(not told[f"export {name}"].startswith("0 rows") for name in ("trl", "openai", "preference", "kto"))
    assert {"figures base", "figures trained"} <= set(told)
    with TraceStore.open(tmp_path / "out" / "dialogues.sqlite", read_only=True) as store:
        traces = list(store.traces())
    assert all(trace.tools and trace.system for trace in traces)
    record = tmp_path / "out" / "grpo" / "training.json"
    written = record.stat().st_mtime_ns
    assert whole_way(tmp_path / "out", model, 8, **few) == told
    assert record.stat().st_mtime_ns == written, "what is trained is not trained again"
