"""Tasks for the tests of verifiers."""

from __future__ import annotations

from typing import Any

from sml_agents.types import Private, Task


def task(answer: str, *, solution: str = "", **changes: Any) -> Task:
    values: dict[str, Any] = {"id": "t", "family": "test", "prompt": "What is it?"}
    return Task(**values, private=Private(answer=answer, solution=solution), **changes)
