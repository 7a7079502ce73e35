"""The training recipes by name, and how a run is read from a file and started.

A recipe is settings, a TRL config and a module:

    sft    supervised fine-tuning on the student's turns (which turns: `select`, see `sml_agents.data.rows`)
    dpo    preference pairs: two student turns at the same history, the better one made likelier than the worse
    kto    the same turns one by one, each labelled good or bad
    sdft   self-distillation: single turns are sampled while training, and judged by the model itself with a hint
    grpo   online RL: whole dialogues are sampled while training

A recipe's module has two functions, `preview_run(run)` for the dry run and `train_run(run, progress)`.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from pydantic import ValidationError

from sml_agents.data.selection import PRESETS
from sml_agents.errors import InputError
from sml_agents.training.config import TrainingRun
from sml_agents.training.fields import check_fields
from sml_agents.training.folder import RECORD, write_json
from sml_agents.training.processes import is_main_process
from sml_agents.training.settings import (
    DistillSettings,
    GRPOSettings,
    PreferenceSettings,
    SFTSettings,
    TrainSettings,
    checked,
    explain,
    read_yaml,
)

if TYPE_CHECKING:
    from sml_agents.training.dry_run import Preview
    from sml_agents.training.progress import TrainingProgress
    from sml_agents.training.result import TrainResult

__all__ = ["RECIPES", "Recipe", "Runner", "load_run", "named_values", "preview_run", "recipe_named", "train_run"]


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


def load_run(path: str | Path, overrides: Mapping[str, Any] | None = None) -> TrainingRun:
    """The run in a YAML file, or the one that a folder's `training.json` tells of, with `overrides` on top.

    The name of an override is a field of `TrainingRun`, else of the recipe's settings, else of its TRL config;
    `lora.r` reaches into a section. Texts are read as YAML values, as they come from a command line.

    Raises:
        InputError: when the file cannot be read, or a name or value is wrong.
    """
    values = read_yaml(path)  # JSON is YAML
    if {"settings", "planned_steps"} <= values.keys() and "run" not in values:
        raise InputError(f"{path} does not say which dialogues its run was trained on: give the run's own YAML file")
    if "run" in values and "settings" in values:
        values = {**values["run"], values["run"]["recipe"]: values["settings"]}
        if "out" not in (overrides or {}):
            raise InputError(f"{path} tells of a run that is done: give the folder for the new one with --out")
    given = {name.replace("-", "_"): _parsed(value) for name, value in (overrides or {}).items()}
    name = given.pop("recipe", values.get("recipe", "sft"))
    if name in PRESETS:  # as files said before there was more than one way to train
        name, values["select"] = "sft", name
    recipe = recipe_named(str(name))
    sections = {known: values.pop(known, None) for known in RECIPES}
    settings = dict(sections[recipe.name] or {})
    for name, value in given.items():
        _override(recipe, values, settings, name.removeprefix(f"{recipe.name}."), value)
    made = checked(recipe.settings, settings, recipe.name)
    if made.trl:
        check_fields(recipe.config_class(), recipe.name, made)
    try:
        return TrainingRun(**{**values, "recipe": recipe.name, "settings": made})
    except ValidationError as error:
        raise InputError(explain(error, TrainingRun, recipe.settings)) from error


def preview_run(run: TrainingRun) -> Preview:
    """A dry run: everything but the training.

    Raises:
        InputError, TrainingError: as training would.
    """
    plan = recipe_named(run.recipe).runner().preview_run(run)
    plan.data.count_read(run.counts)
    return plan


def train_run(run: TrainingRun, progress: Callable[[TrainingProgress], None] | None = None) -> TrainResult:
    """Train as the recipe says, and save the model in `run.out`; its `training.json` can be trained again.

    Args:
        progress: called after each step; None shows nothing.

    Raises:
        InputError, TrainingError: as the recipe's own function does.
    """
    result = recipe_named(run.recipe).runner().train_run(run, progress)
    if is_main_process():
        record = json.loads((run.out / RECORD).read_text(encoding="utf-8"))
        write_json(run.out / RECORD, {**record, "run": run.model_dump(mode="json", exclude={"settings", "out"})})
    return result


def named_values(words: Sequence[str]) -> dict[str, str]:
    """The settings in `--key value` and `--key=value` words, for `load_run`.

    Raises:
        InputError: anything else.
    """
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or name == "--":
            raise InputError(f"{name!r} is not expected here; settings are given as --key value")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise InputError(f"{name} needs a value, such as {name} VALUE")
            value = rest.pop(0)
        found[name.removeprefix("--")] = value
    return found


def _override(recipe: Recipe, values: dict[str, Any], settings: dict[str, Any], name: str, value: Any) -> None:
    section, _, rest = name.partition(".")
    if section in TrainingRun.model_fields and section != "settings":
        _put(values, section, rest, value)
    elif section in recipe.settings.model_fields:
        _put(settings, section, rest, value)
    else:
        _refuse_unknown(recipe, name)
        _put(settings, "trl", name, value)


def _put(values: dict[str, Any], section: str, rest: str, value: Any) -> None:
    if not rest:
        values[section] = value
        return
    inner = values.get(section)
    values[section] = {**inner, rest: value} if isinstance(inner, dict) else {rest: value}


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    import yaml

    try:
        parsed = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError):
        return value
    if isinstance(parsed, dict) and not value.lstrip().startswith("{"):
        return value  # a spec such as `embedded:`, which YAML reads as a mapping
    if isinstance(parsed, str):
        try:
            return float(parsed)  # YAML reads 1e-4 as a text
        except ValueError:
            return value
    return parsed


def _refuse_unknown(recipe: Recipe, name: str) -> None:
    known = recipe.config_class().__dataclass_fields__
    if name in known:
        return
    ours = [*TrainingRun.model_fields, *recipe.settings.model_fields]
    near = difflib.get_close_matches(name, [*ours, *known], n=1)
    fallback = f"see `TrainingRun`, `{recipe.settings.__name__}` and TRL's {recipe.trl_config.rpartition('.')[2]}"
    hint = f"did you mean {near[0]!r}?" if near else f"{fallback} for all names"
    raise InputError(f"there is no setting {name!r}; {hint}")
