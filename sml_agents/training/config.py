"""A fine-tuning run as one file: where the dialogues are, which of them to take, how to train, where to save."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.errors import InputError
from sml_agents.traces.selection import TraceFilter
from sml_agents.training.dry_run import Preview, preview
from sml_agents.training.nouns import TrainingRow
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.rows import Recipe, balanced, training_rows
from sml_agents.training.settings import SFTSettings, explain, read_yaml
from sml_agents.training.sft import TrainResult, train_sft

__all__ = ["SFTRun", "load_run", "preview_run", "rows_of", "run_sft"]


class SFTRun(BaseModel):
    """What `sml-agents train sft --config FILE` reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stores: tuple[str, ...] = Field(min_length=1)
    """Trace stores to take dialogues from: paths or URLs."""
    out: Path
    """Folder for the trained model."""
    recipe: Recipe = "q_primed"
    filter: TraceFilter | None = None
    """In place of the recipe's own selection."""
    missing: float | None = Field(default=0.5, gt=0, lt=1)
    """Share of rows in which a fact was missing at the start; None takes all rows as they are."""
    limit: int | None = Field(default=None, ge=1)
    """Rows at most."""
    system: str | None = None
    """The student's system prompt: None takes the built-in one, "" none."""
    discount: float | None = Field(default=None, gt=0, le=1)
    """Weight a dialogue solved in student turn k by discount^(k-1)."""
    sft: SFTSettings


def load_run(path: str | Path, overrides: Mapping[str, Any] | None = None) -> SFTRun:
    """The run in a YAML file, with `overrides` on top.

    The name of an override is a field of `SFTRun`, else of `SFTSettings`, else of TRL's `SFTConfig`; `lora.r` reaches
    into a section. Texts are read as YAML values, as they come from a command line.

    Raises:
        InputError: when the file cannot be read, or a name or value is wrong.
    """
    values = read_yaml(path)
    sft = dict(values.get("sft") or {})
    for name, value in (overrides or {}).items():
        name = name.replace("-", "_").removeprefix("sft.")
        section, _, rest = name.partition(".")
        parsed = _parsed(value)
        if section in SFTRun.model_fields and section != "sft":
            _put(values, section, rest, parsed)
        elif section in SFTSettings.model_fields:
            _put(sft, section, rest, parsed)
        else:
            _refuse_unknown(name)
            _put(sft, "trl", name, parsed)
    if isinstance(values.get("stores"), str):
        values["stores"] = [values["stores"]]
    try:
        return SFTRun(**{**values, "sft": sft})
    except ValidationError as error:
        raise InputError(explain(error, [*SFTRun.model_fields, *SFTSettings.model_fields])) from error


def rows_of(run: SFTRun) -> list[TrainingRow]:
    """The training rows of a run.

    Raises:
        InputError: a store that does not exist.
        TrainingError: nothing is left, or balancing is impossible.
    """
    from sml_agents.traces import TraceStore

    rows: list[TrainingRow] = []
    for store in run.stores:
        with TraceStore.open(store, read_only=True) as traces:
            found = training_rows(traces.traces(), run.filter or run.recipe, system=run.system, discount=run.discount)
            rows.extend(found)
    if run.missing is not None:
        return balanced(rows, missing=run.missing, limit=run.limit, seed=run.sft.seed)
    return rows[: run.limit]


def preview_run(run: SFTRun) -> Preview:
    """A dry run: everything but the training; see `sml_agents.training.dry_run.preview`."""
    return preview(rows_of(run), run.sft)


def run_sft(run: SFTRun, progress: Callable[[TrainingProgress], None] | None = None) -> TrainResult:
    """Train; see `train_sft`."""
    return train_sft(rows_of(run), run.sft, run.out, progress=progress)


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
    if isinstance(parsed, str):
        try:
            return float(parsed)  # YAML reads 1e-4 as a text
        except ValueError:
            return value
    return parsed


def _refuse_unknown(name: str) -> None:
    from trl.trainer.sft_config import SFTConfig

    known = SFTConfig.__dataclass_fields__
    if name in known:
        return
    near = difflib.get_close_matches(name, [*SFTRun.model_fields, *SFTSettings.model_fields, *known], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "see `SFTRun`, `SFTSettings` and TRL's SFTConfig for all names"
    raise InputError(f"there is no setting {name!r}; {hint}")
