"""A training run: how to train, on which dialogues, and where to save."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SerializeAsAny, field_validator

from sml_agents.data.nouns import LeftOut, TrainingRow
from sml_agents.data.rows import R, balanced, over_limit, training_rows
from sml_agents.data.selection import Preset, TraceFilter
from sml_agents.errors import InputError
from sml_agents.training.settings import TrainSettings, several
from sml_agents.training.tokens.nouns import DataCounts
from sml_agents.types import Trace

__all__ = ["TrainingRun"]

S = TypeVar("S", bound=TrainSettings)


class TrainingRun(BaseModel):
    """What `sml-agents train --config FILE` reads.

    In the file the settings stand under the recipe's name (`sft:`, `dpo:`, ...), so that one file may hold several.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = "sft"
    """One of `sml_agents.training.recipes.RECIPES`."""
    stores: tuple[str, ...] = ()
    """Trace stores to take dialogues from: paths or URLs."""
    out: Path
    """Folder for the trained model."""
    select: Preset = "q_primed"
    """Of sft: which turns to train on."""
    filter: TraceFilter | None = None
    """Which dialogues and turns to take, in place of `select`."""
    missing: float | None = Field(default=0.5, gt=0, lt=1)
    """Share of rows in which a fact was missing at the start; None takes all rows as they are."""
    limit: int | None = Field(default=None, ge=1)
    """Rows at most."""
    system: str | None = None
    """The student's system prompt: None takes of a log the agent's own, else the built-in one; "" none."""
    discount: float | None = Field(default=None, gt=0, le=1)
    """Of sft: weight a dialogue solved in student turn k by discount^(k-1)."""
    world_model: bool = False
    """Of sft: train on the teacher's turns, too, given the public history alone."""
    think: bool = False
    """Of sft: think, then decide: private reasoning before each trained turn, which no one else will see."""
    settings: SerializeAsAny[TrainSettings]

    _read: int = PrivateAttr(default=0)
    _left_out: LeftOut = PrivateAttr(default_factory=Counter)

    _one = field_validator("stores", mode="before")(several)

    def settings_as(self, kind: type[S]) -> S:
        """The settings, which are of the kind that the recipe has."""
        assert isinstance(self.settings, kind)
        return self.settings

    @property
    def counts(self) -> DataCounts:
        """The dialogues that were read when rows were last made, and what of them became none, by reason."""
        left_out = {reason: count for reason, count in self._left_out.most_common() if count}
        return DataCounts(dialogues=self._read or None, left_out=left_out)

    @property
    def left_out(self) -> LeftOut:
        """What becomes no row, to be counted up by whoever makes rows of `traces`."""
        return self._left_out

    def traces(self) -> Iterator[Trace]:
        """The dialogues of all stores; counts anew what is read and left out.

        Raises:
            InputError: a store that does not exist, or none is given.
        """
        from sml_agents.traces import TraceStore

        if not self.stores:
            raise InputError(f"{self.recipe} trains on recorded dialogues: name their store with stores: or --stores")
        self._read = 0
        self._left_out.clear()
        for store in self.stores:
            with TraceStore.open(store, read_only=True) as traces:
                for trace in traces.traces():
                    self._read += 1
                    yield trace

    def rows(self) -> list[TrainingRow]:
        """The rows of supervised fine-tuning.

        Raises:
            InputError: a store that does not exist.
            TrainingError: nothing is left, or balancing is impossible.
        """
        return self.sample(
            training_rows(
                self.traces(),
                self.filter or self.select,
                system=self.system,
                discount=self.discount,
                world_model=self.world_model,
                think=self.think,
                left_out=self.left_out,
            )
        )

    def sample(self, rows: list[R]) -> list[R]:
        """`rows` (or pairs) balanced and limited as the run says."""
        if self.missing is not None:
            return balanced(
                rows, missing=self.missing, limit=self.limit, seed=self.settings.seed, left_out=self.left_out
            )
        kept = rows[: self.limit]
        self.left_out[over_limit(self.limit)] += len(rows) - len(kept)
        return kept
