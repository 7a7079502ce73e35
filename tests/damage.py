# ruff: noqa: E501 - values, one a line
"""Damage done by lot to JSON."""

from __future__ import annotations

import random
from typing import Any

__all__ = ["damaged"]


def damaged(value: Any, rng: random.Random) -> Any:
    """The value with one place in it replaced by something else."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        if rng.random() < 0.15:
            return {name: one for name, one in value.items() if name != key}
        return value | {key: damaged(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        place = rng.randrange(len(value))
        return [*value[:place], damaged(value[place], rng), *value[place + 1 :]]
    odd: list[Any] = [None, 0, -1, 1e308, True, "", "x", "{", "$ref", [], {}, [[]], {"$ref": "#"}, {"anyOf": []}, "\ud800", ["a", 1], {"": None}]  # fmt: skip
    return rng.choice(odd)
