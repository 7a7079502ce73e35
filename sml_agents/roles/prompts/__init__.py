"""Prompt templates: jinja2 files beside this module, rendered with strict undefined names."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sml_agents.errors import InputError

if TYPE_CHECKING:
    from jinja2 import Environment, Template

__all__ = ["checked", "load", "render", "source"]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, autoescape=False)


@cache
def source(name: str) -> str:
    """The text of the template `name`: by its hash a run knows that it was changed."""
    return (files(__package__) / f"{name}.j2").read_text(encoding="utf-8")


@cache
def load(name: str) -> Template:
    """The template `name`. Roles load theirs when they are made, because a dialogue must not wait for a disk."""
    return _environment().from_string(source(name))


def render(name: str, **values: Any) -> str:
    """The prompt `name` with its placeholders filled. A placeholder without a value is an error, never empty text."""
    return load(name).render(**values).strip()


def checked(text: str, names: Collection[str]) -> Template:
    """A user's own template, which may use the placeholders `names`.

    Raises:
        InputError: it is no Jinja template, or uses others.
    """
    from jinja2 import TemplateSyntaxError, meta

    try:
        unknown = meta.find_undeclared_variables(_environment().parse(text)) - set(names)
    except TemplateSyntaxError as error:
        raise InputError(f"the prompt is no Jinja template: {error.message} in line {error.lineno}") from None
    if unknown:
        raise InputError(f"the prompt uses {', '.join(sorted(unknown))}: it may use {', '.join(sorted(names))}")
    return _environment().from_string(text)
