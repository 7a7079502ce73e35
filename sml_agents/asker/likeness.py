"""Words that mean something, as requests and tools share them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache

from sml_agents.asker.prompt import ToolView
from sml_agents.text.values.words import listed
from sml_agents.text.words import stem

__all__ = ["look_alikes", "stems", "words_of_arguments", "words_of_tool"]

_EMPTY = frozenset(
    listed(
        "an the of to for in on at by with and or from is are be it this that me my you your please need want can "
        "could would get given using use find show tell"
    )
)
_SAME = 0.5
"""Share of the words of both from which on two tools may well be the same one."""


@lru_cache(maxsize=8192)
def stems(text: str) -> frozenset[str]:
    """The words that mean something, by their stems; names of tools are taken apart."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ").replace(".", " ")
    return frozenset(stem(word) for word in re.findall(r"[^\W\d_]{2,}", spaced.lower()) if word not in _EMPTY)


def words_of_tool(tool: ToolView) -> frozenset[str]:
    """Those of its name and purpose."""
    return stems(f"{tool.name} {tool.purpose}")


def words_of_arguments(tool: ToolView) -> frozenset[str]:
    """Those of its arguments' names and descriptions that its name and purpose do not have."""
    said = " ".join(f"{one.name} {one.description}" for one in tool.arguments)
    return stems(said) - words_of_tool(tool)


def look_alikes(tool: ToolView, others: Sequence[ToolView], n: int, rng: random.Random) -> list[ToolView]:
    """The `n` of the others that share most words with a tool, among equals by lot; those that may do the same are
    left out."""
    own = words_of_tool(tool)
    found = []
    for other in others:
        words = words_of_tool(other)
        if other.name != tool.name and len(own & words) < _SAME * len(own | words):
            found.append((len(own & words), rng.random(), other))
    return [other for *_, other in sorted(found, key=lambda one: one[:2], reverse=True)[:n]]
