"""An agent in the student's place, from dialogue to trained model to figures, on a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sml_agents.traces import TraceStore
from tests.e2e import agent_whole_way
from tests.models import small_model


def test_an_agent_is_trained_on_its_own_dialogues(
    tmp_path: Path, embedded_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_LIMITS", "?temperature=0&max_tokens=4")
    monkeypatch.setenv("AGENT_MODEL", "")
    model = f"transformers:{small_model(embedded_model, tmp_path / 'tiny')}"
    figures = agent_whole_way.main(model, 1, tmp_path, learn=2, measure=1)
    assert [(name, found.n, found.failed) for name, found in figures.students.items()] == [
        ("before", 2, 0),
        ("after", 2, 0),
    ]
    assert figures.baselines["always ask"].model_dump()["metrics"]["needless_questions"]["value"] == 1
    with TraceStore.open(tmp_path / "learnt.sqlite", read_only=True) as store:
        learnt = list(store.traces())
    assert all(trace.solved and trace.settings["student"]["agent"].endswith(":graph") for trace in learnt)
    lines = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    asked, called, *_ = (json.loads(line)["messages"] for line in lines)
    assert [message["role"] for message in asked] == ["system", "user", "assistant", "user", "assistant"]
    assert "the day?" in asked[2]["content"] and "1 May" in asked[3]["content"] and asked[4]["tool_calls"]
    assert called[-1]["tool_calls"][0]["function"]["name"] == "book_table"
