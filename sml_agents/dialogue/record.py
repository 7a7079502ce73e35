"""What a run keeps of how its dialogues are made: the rules they go by, and which dialogue is which."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from sml_agents.traces.settings import essential
from sml_agents.types import Task, stable_hash

__all__ = ["dialogue_id", "rulebooks"]


def dialogue_id(task: Task, sample: int, record: Mapping[str, Any], seed: int) -> str:
    """The id of sample number `sample` of `task`: 16 hexadecimal digits.

    It is a hash of the whole task, private part included, and of those settings that matter to what is said: the same
    in every process, different when anything that the user chose differs. The rules are not part of it: the seeds of a
    dialogue come from its id, and a mended rule must not draw all of them anew.
    """
    chosen = {name: value for name, value in record.items() if name != "rules"}
    # Without defaults: a field that a later release adds must not make every dialogue a new one.
    return stable_hash(task.model_dump(mode="json", exclude_defaults=True), sample, essential(chosen), seed)


_RULES = {
    "acts": ("roles/acts.py", "text"),
    "oracle": ("roles/teacher.py", "roles/primer.py", "text"),
    "guard": (
        "roles/guard.py",
        "roles/leaks.py",
        "roles/code_leaks.py",
        "roles/encodings.py",
        "roles/calculations.py",
        "text",
    ),
    "verifiers": ("verifiers", "text", "sandbox"),
}
"""What each rulebook is written in: modules and packages of this library."""


@cache
def rulebooks() -> Mapping[str, str]:
    """A hash of the source of each set of rules that decides what is said or how it counts."""
    package = files("sml_agents")
    places = {name: [package.joinpath(*part.split("/")) for part in parts] for name, parts in _RULES.items()}
    return {
        name: stable_hash([source for place in written for source in _sources(place)], length=8)
        for name, written in places.items()
    }


def _sources(place: Traversable) -> list[str]:
    if place.is_dir():
        return [text for inner in sorted(place.iterdir(), key=lambda inner: inner.name) for text in _sources(inner)]
    return [place.read_text(encoding="utf-8")] if place.name.endswith(".py") else []
