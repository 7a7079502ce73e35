"""TRL's trainer of self-distillation, still experimental there."""

from __future__ import annotations

from trl.experimental.sdft import SDFTTrainer

from sml_agents.training.trainers.sft import Watched

__all__ = ["SelfDistillationTrainer"]


class SelfDistillationTrainer(Watched, SDFTTrainer):
    """Trains on `prompt` and `privileged_context`."""
