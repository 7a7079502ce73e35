"""Words that mean something, as requests and tools share them, and what they are worth in the choice of a tool."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sml_agents.asker.prompt import Said, ToolView
from sml_agents.text.values.words import listed
from sml_agents.text.words import stem

__all__ = ["WORTH", "Worth", "look_alikes", "shares", "stems", "words_of_arguments", "words_of_tool"]

_EMPTY = frozenset(
    listed(
        "an the of to for in on at by with and or from is are be it this that me my you your please need want can "
        "could would get given using use find show tell"
    )
)
_SAME = 0.5
"""Share of the words of both from which on two tools may well be the same one."""


class Worth(NamedTuple):
    """What counts in the choice of a tool, in log-probability."""

    model: float
    """Of what the model alone has."""
    word: float
    """Each word that what was said shares with a tool's name and purpose."""
    part: float
    """Each that it shares with the tool's arguments, between tools."""
    none: float
    """What speaks for none of them."""


WORTH = Worth(0.3, 1.0, 1.0, 0.5)
"""Chosen on tools held out of training by `benchmarks/asker_choice.py`, within .01 of the best that it tries."""


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


def shares(
    raised: Sequence[float], tools: Sequence[ToolView], said: Sequence[Said], worth: Worth = WORTH
) -> list[float]:
    """How likely each tool serves what was said, and last, how likely none does; together 1.

    Args:
        raised: by how much what was said raises the log-probability of each tool's name, and of none, in the model.
    """
    heard = stems(" ".join(one.text for one in said if one.role == "user"))
    words = [worth.word * len(heard & words_of_tool(tool)) for tool in tools]
    scores = [worth.model * one + word for one, word in zip(raised, [*words, worth.none], strict=True)]
    none = _softmax(scores)[-1]
    parts = [worth.part * len(heard & words_of_arguments(tool)) for tool in tools]
    among = _softmax([score + part for score, part in zip(scores[:-1], parts, strict=True)])
    return [*((1 - none) * one for one in among), none]


def _softmax(scores: Sequence[float]) -> list[float]:
    most = max(scores)
    powers = [math.exp(one - most) for one in scores]
    return [one / sum(powers) for one in powers]
