"""The tools of a split as data: `banks/requests/SPLIT.toml`, and `SPLIT-*.toml` with more tools.

A file holds `[pools]` (lists of values), `[style]` (how people of this split speak) and `[[tool]]` tables:

    name, about     the tool's name and its description
    domain          what it belongs to; distractor tools come from here more often
    goal            what a person wants, as `book a table`, or as a question: `?what is the weather like`. A slot
                    `{amount:money}` takes an argument's value, or the words after the colon where it is not told
    args            one argument a line: `name | kind | description | phrases | noun`. `!` after the name: nearly
                    always required. `trip.day`: nested. Phrases, apart by `;`, say the value within the request
                    (`for {} people`), as a sentence of its own if they end in a full stop; of a yes or no, two
                    phrases apart by `//`. The noun is what people call it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from sml_agents.tasks.tools.values import Kind, read_kind

__all__ = ["Argument", "Bank", "Style", "Tool", "load_bank"]


@dataclass(frozen=True)
class Argument:
    """One argument, before it is required or not."""

    path: str
    core: bool
    kind: Kind
    about: str
    phrases: tuple[str, ...]
    """With {} for the value; of a yes or no, the two apart by ` // `."""
    noun: str


@dataclass(frozen=True)
class Tool:
    """A tool, before a schema is made of it."""

    name: str
    about: str
    domain: str
    goals: tuple[str, ...]
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Style:
    """How people of a split put what they want."""

    frames: tuple[str, ...]
    """Sentences around {goal}."""
    questions: tuple[str, ...]
    """Sentences around {q}."""
    openers: tuple[str, ...]
    closers: tuple[str, ...]
    sentences: tuple[str, ...]
    """Around {noun} and {v}."""
    phrases: tuple[str, ...]
    """Sentences around {phrase}."""
    hints: tuple[str, ...]
    """Sentences that speak of {noun} without telling it."""
    asks: tuple[str, ...]
    """Questions for {noun}."""
    today: tuple[str, ...]


@dataclass(frozen=True)
class Bank:
    split: str
    tools: tuple[Tool, ...]
    style: Style
    pools: Mapping[str, tuple[str, ...]]


@cache
def load_bank(split: str) -> Bank:
    """The tools of a split."""
    folder = files("sml_agents.tasks") / "banks" / "requests"
    names = sorted(file.name for file in folder.iterdir() if re.fullmatch(rf"{split}(-\w+)?\.toml", file.name))
    pools: dict[str, tuple[str, ...]] = {}
    style: dict[str, tuple[str, ...]] = {}
    rows: list[dict[str, Any]] = []
    for name in names:
        read = tomllib.loads((folder / name).read_text(encoding="utf-8"))
        pools |= {key: tuple(values) for key, values in read.get("pools", {}).items()}
        style |= {key: tuple(values) for key, values in read.get("style", {}).items()}
        rows += read.get("tool", ())
    return Bank(split, tuple(_tool(row, pools) for row in rows), Style(**style), pools)


def _tool(row: Mapping[str, Any], pools: Mapping[str, tuple[str, ...]]) -> Tool:
    arguments = tuple(_argument(line, pools) for line in row["args"].strip().splitlines())
    return Tool(row["name"], row["about"], row["domain"], tuple(row["goal"]), arguments)


def _argument(line: str, pools: Mapping[str, tuple[str, ...]]) -> Argument:
    name, kind, about, phrases, noun = (part.strip() for part in line.split("|"))
    said = tuple(phrase.strip() for phrase in phrases.split(";"))
    return Argument(name.rstrip("!"), name.endswith("!"), read_kind(kind, pools), about, said, noun)
