"""What training did."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from sml_agents.training.tokens.nouns import DataCounts

__all__ = ["TrainResult"]


class TrainResult(BaseModel):
    """What training did; `training.json` in the output folder holds the same and the settings."""

    path: Path
    """The folder to use as a student: `transformers:PATH`."""
    recipe: str = "sft"
    steps: int
    planned_steps: int
    stopped: Literal["done", "time", "reached", "patience"]
    """`time`: `max_seconds` ran out before the planned steps. `reached`: the measure reached `stop_at`. `patience`: the
    loss on the rows set aside no longer fell."""
    seconds: float
    """Of training, those of the parts before a resume included."""
    tokens_per_second: float
    """All tokens of the rows, trained or not, padding left out; 0 where the recipe does not count them."""
    resumed_from: int | None = None
    """The step at which an earlier run was taken up."""
    precision: Literal["fp32", "bf16"]
    device: str
    processes: int = 1
    devices: list[str] = Field(default_factory=list)
    """Names of the processors or GPUs, one for each process."""
    rows_a_step: int | None = None
    """In all processes together."""
    first_loss: float | None
    last_loss: float | None
    """Means over the first and the last tenth of the loss curve."""
    curve: list[dict[str, float]]
    """What TRL logged, by step, from the first one on."""
    data: DataCounts
    notes: dict[str, Any] = Field(default_factory=dict)
    """What this recipe alone has to say, such as where preference pairs came from."""
