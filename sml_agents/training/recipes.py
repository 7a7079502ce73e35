"""The training recipes by name: how to train, as settings, a TRL config and a module each.

    sft    supervised fine-tuning on the student's turns (which turns: `select`, see `sml_agents.data.rows`)
    dpo    preference pairs: two student turns at the same history, the better one made likelier than the worse
    kto    the same turns one by one, each labelled good or bad
    sdft   self-distillation: single turns are sampled while training, and judged by the model itself with a hint
    grpo   online RL: whole dialogues are sampled while training

A recipe's module has two functions, `preview_run(run)` for the dry run and `train_run(run, progress)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from sml_agents.errors import InputError
from sml_agents.training.settings import DistillSettings, GRPOSettings, PreferenceSettings, SFTSettings, TrainSettings

if TYPE_CHECKING:
    from sml_agents.training.config import TrainingRun
    from sml_agents.training.dry_run import Preview
    from sml_agents.training.progress import TrainingProgress
    from sml_agents.training.result import TrainResult

__all__ = ["RECIPES", "Recipe", "Runner", "recipe_named"]


class Runner(Protocol):
    """What a recipe's module offers."""

    def preview_run(self, run: TrainingRun) -> Preview:
        """Everything but the training; see `sml_agents.training.dry_run`."""
        ...

    def train_run(self, run: TrainingRun, progress: Callable[[TrainingProgress], None] | None = None) -> TrainResult:
        """Train, and save the model in `run.out`."""
        ...


@dataclass(frozen=True)
class Recipe:
    """One way to train."""

    name: str
    settings: type[TrainSettings]
    trl_config: str
    """Module and class, such as `trl.trainer.sft_config.SFTConfig`; loaded when needed."""
    module: str
    """Under `sml_agents.training`."""

    def config_class(self) -> Any:
        """TRL's config class, all of whose fields a user may set."""
        # That a part of TRL is experimental, the recipe that uses it says itself.
        os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
        module, _, name = self.trl_config.rpartition(".")
        return getattr(import_module(module), name)

    def runner(self) -> Runner:
        """The module that trains."""
        return cast(Runner, import_module(f"sml_agents.training.{self.module}"))


_TRL = "trl.trainer"
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("sft", SFTSettings, f"{_TRL}.sft_config.SFTConfig", "sft"),
        Recipe("dpo", PreferenceSettings, f"{_TRL}.dpo_config.DPOConfig", "preference"),
        Recipe("kto", PreferenceSettings, f"{_TRL}.kto_config.KTOConfig", "preference"),
        Recipe("sdft", DistillSettings, "trl.experimental.sdft.SDFTConfig", "distill"),
        Recipe("grpo", GRPOSettings, f"{_TRL}.grpo_config.GRPOConfig", "grpo"),
    )
}


def recipe_named(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        InputError: there is none.
    """
    if name not in RECIPES:
        raise InputError(f"there is no training recipe {name!r}: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
