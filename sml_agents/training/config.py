"""A training run as one file: how to train, on which dialogues, and where to save."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError

from sml_agents.data.nouns import TrainingRow
from sml_agents.data.rows import SELECTIONS, R, Selection, balanced, training_rows
from sml_agents.data.selection import TraceFilter
from sml_agents.errors import InputError
from sml_agents.training.dry_run import Preview
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.recipes import RECIPES, Recipe, recipe_named
from sml_agents.training.result import TrainResult
from sml_agents.training.settings import TrainSettings, checked, explain, read_yaml
from sml_agents.types import Trace

__all__ = ["TrainingRun", "load_run", "preview_run", "train_run"]

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
    select: Selection = "q_primed"
    """Of sft: which turns to train on."""
    filter: TraceFilter | None = None
    """Which dialogues and turns to take, in place of `select`."""
    missing: float | None = Field(default=0.5, gt=0, lt=1)
    """Share of rows in which a fact was missing at the start; None takes all rows as they are."""
    limit: int | None = Field(default=None, ge=1)
    """Rows at most."""
    system: str | None = None
    """The student's system prompt: None takes the built-in one, "" none."""
    discount: float | None = Field(default=None, gt=0, le=1)
    """Of sft: weight a dialogue solved in student turn k by discount^(k-1)."""
    world_model: bool = False
    """Of sft: train on the teacher's turns, too, given the public history alone."""
    think: bool = False
    """Of sft: think, then decide: private reasoning before each trained turn, which no one else will see."""
    settings: SerializeAsAny[TrainSettings]

    def settings_as(self, kind: type[S]) -> S:
        """The settings, which are of the kind that the recipe has."""
        assert isinstance(self.settings, kind)
        return self.settings

    def traces(self) -> Iterator[Trace]:
        """The dialogues of all stores.

        Raises:
            InputError: a store that does not exist, or none is given.
        """
        from sml_agents.traces import TraceStore

        if not self.stores:
            raise InputError(f"{self.recipe} trains on recorded dialogues: name their store with stores: or --stores")
        for store in self.stores:
            with TraceStore.open(store, read_only=True) as traces:
                yield from traces.traces()

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
            )
        )

    def sample(self, rows: list[R]) -> list[R]:
        """`rows` (or pairs) balanced and limited as the run says."""
        if self.missing is not None:
            return balanced(rows, missing=self.missing, limit=self.limit, seed=self.settings.seed)
        return rows[: self.limit]


def load_run(path: str | Path, overrides: Mapping[str, Any] | None = None) -> TrainingRun:
    """The run in a YAML file, with `overrides` on top.

    The name of an override is a field of `TrainingRun`, else of the recipe's settings, else of its TRL config;
    `lora.r` reaches into a section. Texts are read as YAML values, as they come from a command line.

    Raises:
        InputError: when the file cannot be read, or a name or value is wrong.
    """
    values = read_yaml(path)
    given = {name.replace("-", "_"): _parsed(value) for name, value in (overrides or {}).items()}
    name = given.pop("recipe", values.get("recipe", "sft"))
    if name in SELECTIONS:  # as files said before there was more than one way to train
        name, values["select"] = "sft", name
    recipe = recipe_named(str(name))
    sections = {known: values.pop(known, None) for known in RECIPES}
    settings = dict(sections[recipe.name] or {})
    for name, value in given.items():
        _override(recipe, values, settings, name.removeprefix(f"{recipe.name}."), value)
    if isinstance(values.get("stores"), str):
        values["stores"] = [values["stores"]]
    made = checked(recipe.settings, settings, recipe.name)
    try:
        return TrainingRun(**{**values, "recipe": recipe.name, "settings": made})
    except ValidationError as error:
        raise InputError(explain(error, [*TrainingRun.model_fields, *recipe.settings.model_fields])) from error


def preview_run(run: TrainingRun) -> Preview:
    """A dry run: everything but the training."""
    return recipe_named(run.recipe).runner().preview_run(run)


def train_run(run: TrainingRun, progress: Callable[[TrainingProgress], None] | None = None) -> TrainResult:
    """Train as the recipe says, and save the model in `run.out`."""
    return recipe_named(run.recipe).runner().train_run(run, progress)


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
    except yaml.YAMLError:
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
