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
from sml_agents.asker.marked import marked_rows
from sml_agents.asker.material import marked_in, read_requests
from sml_agents.asker.pairs import Complete, pair_of, row_of
from sml_agents.asker.rows import CHOICES, Choice, Example, Pair, Row, RowOf, choice_among
from sml_agents.asker.written import OUTSIDE, WrittenPair, read_written, written_rows
from sml_agents.types import Task, stable_hash

__all__ = ["OWN_KINDS", "Mix", "Pair", "heldout"]

_HELD_OUT = 8
"""One tool in so many is held out."""
_GENERATED, _WRITTEN, _OWN = 4, 12, 4
"""As how many files of others' data each of these counts."""
OWN_KINDS = ("requests", "written")
"""Sources of held-out pairs that are no file: generated requests, and the written ones of the package."""
_OTHERS = 30
"""Requests whose tools may stand beside the right one where a tool is chosen."""


def heldout(tool: str) -> bool:
    """Whether a tool is held out of training, by its name alone."""
    return int(stable_hash("heldout", tool)[:6], 16) % _HELD_OUT == 0


def set_aside(one: WrittenPair) -> bool:
    """Whether a written pair is not trained on: its tool is held out, or its author."""
    return one.author in OUTSIDE or heldout(one.pair.tool.name)


@dataclass
class Mix:
    """Each list of `files` and of `ready` is drawn from as often as any other, generated requests as several."""

    generated: list[tuple[Task, Task]] = field(default_factory=list)
    files: list[list[Complete]] = field(default_factory=list)
    ready: list[Sequence[RowOf]] = field(default_factory=list)
    """What makes rows by itself: written requests, those in which people marked what was told, conversations out of
    logs. A list that stands twice counts as two."""
    _values: list[str] = field(default_factory=list)
    _all: list[Complete] = field(default_factory=list)

    @classmethod
    def read(
        cls,
        files: Sequence[Path],
        generated: int = 3000,
        seed: int = 0,
        *,
        written: bool = False,
        own: Sequence[Complete] = (),
        talks: Sequence[RowOf] = (),
    ) -> Self:
        """Requests of training tools in `files`, those whose values people marked counting as one file; and so many
        generated pairs.

        Args:
            written: the written requests that come with the package, those of training tools.
            own: requests out of logs, whatever their tools; `talks`: conversations out of logs.
        """
        read, marked = [], []
        for path in files:
            if (content := marked_in(path)) is not None:
                marked += marked_rows(content)
            else:
                read.append([one for one in read_requests(path) if one.removable and not heldout(one.tool.name)])
        made = list(generated_pairs("train", generated, seed)) if generated else []
        values = [
            value for one, _ in made for some in (one.meta["said"], called_values(one)) for value in some.values()
        ]
        read += _OWN * [list(own)]
        ready: list[Sequence[RowOf]] = [marked, *_OWN * [talks]]
        if written:
            ready += _WRITTEN * [written_rows([one for one in read_written() if not set_aside(one)])]
        together = [one for some in read for one in some]
        return cls(made, [one for one in read if one], [one for one in ready if one], values, together)

    def __call__(self, rng: random.Random) -> Row | Choice | None:
        """One row. None: nothing can be made of what was drawn."""
        weights = _GENERATED * bool(self.generated)
        sources = weights + len(self.files) + len(self.ready)
        if not sources:
            return None
        place = rng.randrange(sources)
        if place >= weights + len(self.files):
            return rng.choice(self.ready[place - weights - len(self.files)])(rng)
        choosing = rng.random() < CHOICES
        if place < weights:
            pair = rng.choice(self.generated)
            if choosing:
                return choice_of(pair, rng.sample(self.generated, min(len(self.generated), _OTHERS)), rng)
            return generated_row(pair, self._values, rng)
        complete = rng.choice(self.files[place - weights])
        return self._choice(complete, rng) if choosing else row_of(complete, self._all, rng)

    def _choice(self, complete: Complete, rng: random.Random) -> Choice:
        pair = pair_of(complete, rng)
        said = (rng.choice(pair[:2]) if pair else Example((), {})).said
        others = [one.tool for one in rng.sample(self._all, min(len(self._all), _OTHERS))]
        beside = [tool for tool in complete.beside if not heldout(tool.name)]
        return choice_among(complete.tool, said, others, rng, beside)

    @staticmethod
    def heldout_pairs(
        files: Sequence[Path], generated: int, each: int, seed: int = 0, *, written: bool = False
    ) -> dict[str, list[Pair]]:
        """Pairs of tools that training does not see, by file name or kind.

        Args:
            generated: pairs of the generator's split `dev`. `each`: pairs of one file at most.
        """
        found: dict[str, list[Pair]] = {}
        for path in files:
            if marked_in(path) is not None:
                continue
            rng = random.Random(stable_hash("pairs", path.name, seed))
            pool = [one for one in read_requests(path) if one.removable and heldout(one.tool.name)]
            rng.shuffle(pool)
            pairs = [(one.tool, pair) for one in pool[:each] if (pair := pair_of(one, rng))]
            found[path.stem] = [Pair(tool, lacking, whole) for tool, (whole, lacking, _) in pairs]
        if generated:
            made = generated_pairs("dev", generated, seed)
            found[OWN_KINDS[0]] = [
                Pair(tool_of(one), with_call(example_of(one), one), with_call(example_of(other), other))
                for one, other in made
            ]
        if written:
            by_hand = [one.pair for one in read_written() if heldout(one.pair.tool.name) and one.author not in OUTSIDE]
            random.Random(stable_hash("pairs", "written", seed)).shuffle(by_hand)
            found[OWN_KINDS[1]] = by_hand[:each]
        return {name: pairs for name, pairs in found.items() if pairs}
