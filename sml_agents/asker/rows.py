"""Training rows of the asker: several conversations about one tool, and what each of them leaves open.

Both sides of a pair stand in one row, so that what they share cancels out and what tells them apart remains.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sml_agents.asker.likeness import look_alikes
from sml_agents.asker.prompt import (
    KNOWN,
    MISSING,
    NO_TOOL,
    Argument,
    Said,
    ToolView,
    branch,
    choice,
    conversation,
    opening,
)
from sml_agents.asker.trees import Tree

__all__ = ["CHOICES", "Choice", "Example", "Pair", "Row", "RowOf", "choice_among", "tree_of"]

_VALUE = 0.3
"""Weight of a value's further tokens: where a value begins is decided by its first."""


@dataclass(frozen=True)
class Example:
    """One conversation, and for each required argument the value as it was said."""

    said: tuple[Said, ...]
    values: Mapping[str, str | None]
    """By argument; None: nobody gave it. Arguments that are left out are not trained."""
    drafts: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    """By argument: a drafted value, and whether somebody gave it."""
    optional: Mapping[str, str | None] = field(default_factory=dict)
    """The same as `values` of what the tool does not require: nothing that it lacks is missing."""

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name, value in self.values.items() if value is None)


@dataclass(frozen=True)
class Pair:
    """A request in two forms."""

    tool: ToolView
    lacking: Example
    whole: Example


@dataclass(frozen=True)
class Row:
    """A tool and conversations about it."""

    tool: ToolView
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Choice:
    """A conversation and tools, of which one or none serves it."""

    tools: tuple[ToolView, ...]
    said: tuple[Said, ...]
    right: str | None


RowOf = Callable[[random.Random], Row | Choice | None]
"""Draws one row; None where nothing can be made of what was drawn."""


CHOICES = 0.12
"""Share of the rows in which a tool is chosen."""
_UNSERVED = 0.35
"""Of these, the share in which no tool fits."""
_SEEN = 30
"""Other tools of which those that look most alike are taken."""


def choice_among(
    right: ToolView,
    said: tuple[Said, ...],
    others: Sequence[ToolView],
    rng: random.Random,
    beside: Sequence[ToolView] = (),
) -> Choice:
    """A conversation with the tool that serves it among others, some of which look alike; now and then without it.

    Args:
        beside: tools that somebody put beside the right one; they are taken first.
    """
    drawn = rng.sample(others, min(len(others), _SEEN))
    shown = [*beside, *look_alikes(right, drawn, rng.randint(1, 2), rng), *drawn[: rng.randint(0, 2)]]
    tools = {one.name: one for one in shown if one.name != right.name}
    served = rng.random() > _UNSERVED or not tools
    names = [*tools, right.name] if served else [*tools]
    rng.shuffle(names)
    tools[right.name] = right
    return Choice(tuple(tools[name] for name in names), said, right.name if served else None)


def tree_of(row: Row | Choice, tokenizer: Any) -> Tree:
    """The row as tokens, those of decisions and values marked as trained."""

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    tree = Tree()
    if isinstance(row, Choice):
        top = tree.add(ids(choice(row.tools) + conversation(row.said)))
        tree.add(ids("tool:"), top, target=ids((NO_TOOL if row.right is None else f" {row.right}") + "\n"))
        return tree
    top = tree.add(ids(opening(row.tool)))
    arguments = {argument.name: argument for argument in row.tool.arguments}
    for example in row.examples:
        talk = tree.add(ids(conversation(example.said)), top)
        for name, value in [*example.values.items(), *example.optional.items()]:
            _decision(tree, talk, arguments[name], None, MISSING if value is None else f" {value.strip()}\n", ids)
        for name, (drafted, given) in example.drafts.items():
            _decision(tree, talk, arguments[name], drafted, KNOWN if given else MISSING, ids)
    return tree


def _decision(tree: Tree, talk: int, argument: Argument, drafted: str | None, answer: str, ids: Any) -> None:
    target: Sequence[int] = ids(answer)[:8]
    tree.add(ids(branch(argument, drafted)), talk, target=target, weight=2.0 if answer == MISSING else 1.0, rest=_VALUE)
