"""What the asker is trained and chosen on: requests of training tools, and pairs of tools that training never saw."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from sml_agents.asker.generated import (
    called_values,
    choice_of,
    example_of,
    generated_pairs,
    generated_row,
    tool_of,
    with_call,
)
from sml_agents.asker.material import read_requests
from sml_agents.asker.pairs import Complete, pair_of, row_of
from sml_agents.asker.prompt import ToolView
from sml_agents.asker.rows import Choice, Example, Row, RowOf
from sml_agents.types import Task, stable_hash

__all__ = ["Mix", "Pair", "heldout"]

_HELD_OUT = 8
"""One tool in so many is held out."""
_CHOICES = 0.07
"""Share of the rows in which a tool is chosen."""


@dataclass(frozen=True)
class Pair:
    """A request in two forms."""

    tool: ToolView
    lacking: Example
    whole: Example


def heldout(tool: str) -> bool:
    """Whether a tool is held out of training, by its name alone."""
    return int(stable_hash("heldout", tool)[:6], 16) % _HELD_OUT == 0


@dataclass
class Mix:
    """Each file of `files`, the conversations and the generated requests are drawn from as often as one another."""

    generated: list[tuple[Task, Task]] = field(default_factory=list)
    files: list[list[Complete]] = field(default_factory=list)
    talks: Sequence[RowOf] = ()
    """Conversations out of logs, each of which makes a row."""
    _values: list[str] = field(default_factory=list)
    _all: list[Complete] = field(default_factory=list)

    @classmethod
    def read(
        cls,
        files: Sequence[Path],
        generated: int = 3000,
        seed: int = 0,
        *,
        own: Sequence[Complete] = (),
        talks: Sequence[RowOf] = (),
    ) -> Self:
        """Requests of training tools in `files`, and so many generated pairs, which count as two files.

        Args:
            own: requests out of logs, whatever their tools: they count as two files. `talks`: see `Mix.talks`.
        """
        read = [[one for one in read_requests(path) if one.removable and not heldout(one.tool.name)] for path in files]
        made = list(generated_pairs("train", generated, seed)) if generated else []
        values = [
            value for one, _ in made for some in (one.meta["said"], called_values(one)) for value in some.values()
        ]
        read += [list(own), list(own)]
        return cls(made, [one for one in read if one], talks, values, [one for some in read for one in some])

    def __call__(self, rng: random.Random) -> Row | Choice | None:
        """One row. None: nothing can be made of what was drawn."""
        weights = 2 * bool(self.generated)
        sources = weights + len(self.files) + 2 * bool(self.talks)
        if not sources:
            return None
        place = rng.randrange(sources)
        if place >= weights + len(self.files):
            return rng.choice(self.talks)(rng)
        choosing = rng.random() < _CHOICES
        if place < weights:
            pair = rng.choice(self.generated)
            return choice_of(pair, rng) if choosing else generated_row(pair, self._values, rng)
        complete = rng.choice(self.files[place - weights])
        return self._choice(complete, rng) if choosing else row_of(complete, self._all, rng)

    def _choice(self, complete: Complete, rng: random.Random) -> Choice:
        """Among tools of other requests; one in three times without the one that fits."""
        others = rng.sample(self._all, min(len(self._all), rng.randint(2, 4)))
        tools = {one.tool.name: one.tool for one in others if one.tool.name != complete.tool.name}
        right = rng.random() > 0.3 or not tools
        if right:
            tools[complete.tool.name] = complete.tool
        shown = list(tools.values())
        rng.shuffle(shown)
        pair = pair_of(complete, rng)
        said = (rng.choice(pair[:2]) if pair else Example((), {})).said
        return Choice(tuple(shown), said, complete.tool.name if right else None)

    @staticmethod
    def heldout_pairs(files: Sequence[Path], generated: int, each: int, seed: int = 0) -> dict[str, list[Pair]]:
        """Pairs of tools that training does not see: by file name, and `requests` for the generated ones.

        Args:
            generated: pairs of the generator's split `dev`. `each`: pairs of one file at most.
        """
        found: dict[str, list[Pair]] = {}
        for path in files:
            rng = random.Random(stable_hash("pairs", path.name, seed))
            pool = [one for one in read_requests(path) if one.removable and heldout(one.tool.name)]
            rng.shuffle(pool)
            pairs = [(one.tool, pair) for one in pool[:each] if (pair := pair_of(one, rng))]
            found[path.stem] = [Pair(tool, lacking, whole) for tool, (whole, lacking, _) in pairs]
        if generated:
            made = generated_pairs("dev", generated, seed)
            found["requests"] = [
                Pair(tool_of(one), with_call(example_of(one), one), with_call(example_of(other), other))
                for one, other in made
            ]
        return {name: pairs for name, pairs in found.items() if pairs}
