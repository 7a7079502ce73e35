"""Prompt templates: jinja2 files beside this module, rendered with strict undefined names."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["load", "render"]


@cache
def load(name: str) -> Template:
    """The template `name`. Roles load theirs when they are made, because a dialogue must not wait for a disk."""
    from jinja2 import Environment, StrictUndefined

    source = (files(__package__) / f"{name}.j2").read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(source)


def render(name: str, **values: Any) -> str:
    """The prompt `name` with its placeholders filled. A placeholder without a value is an error, never empty text."""
    return load(name).render(**values).strip()
