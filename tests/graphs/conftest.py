"""The graphs as a user has them: files that are run with settings from the environment."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PENS = {
    "id": "pens",
    "family": "mine",
    "form": "underspecified",
    "prompt": "Ada buys 4 pens. How many dollars does she pay?",
    "private": {
        "answer": "12",
        "facts": [
            {
                "name": "price",
                "statement": "Each pen costs 3 dollars.",
                "question": "What is the cost of a pen?",
            }
        ],
    },
}
"""A task as JSON, as Studio or an HTTP client gives it."""


@pytest.fixture
def pens() -> dict[str, Any]:
    return PENS


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Makes a model spec out of a student's lines."""

    def make(*lines: str | dict[str, Any]) -> str:
        path = tmp_path / f"lines-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps(lines), encoding="utf-8")
        return f"scripted:{path}"

    return make


@pytest.fixture
def load(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a file of graphs/ under the given environment and returns its `graph`."""

    def load_graph(name: str, **environment: str) -> Any:
        for variable in ("STUDENT", "TEACHER", "PRIMER", "Q_PRIMING", "MAX_TURNS", "ASKER", "DELIVERY"):
            monkeypatch.delenv(f"SML_{variable}", raising=False)
        for variable, value in environment.items():
            monkeypatch.setenv(f"SML_{variable.upper()}", value)
        return runpy.run_path(str(repository / "graphs" / f"{name}.py"))["graph"]

    return load_graph
