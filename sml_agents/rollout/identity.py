"""Which dialogue is which, across processes and machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sml_agents.traces.settings import essential
from sml_agents.types import Task, stable_hash

__all__ = ["dialogue_id"]


def dialogue_id(task: Task, sample: int, settings: Mapping[str, Any], seed: int) -> str:
    """The id of sample number `sample` of `task`: 16 hexadecimal digits.

    It is a hash of the whole task, private part included, and of those settings that matter to what is said: the same
    in every process, different when anything that shapes the dialogue differs.
    """
    # Without defaults: a field that a later release adds must not make every dialogue a new one.
    return stable_hash(task.model_dump(mode="json", exclude_defaults=True), sample, essential(settings), seed)
