"""What a user may set about supervised fine-tuning."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.errors import InputError

__all__ = ["LoraSettings", "SFTSettings", "load_settings"]


class LoraSettings(BaseModel):
    """Low-rank adapters (arXiv 2106.09685), by peft."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: str | list[str] = "all-linear"
    """Module names, or `all-linear`: every linear layer but the output head."""
    merge: bool = True
    """Save a plain model with the adapter merged in; otherwise the adapter alone, which needs its base to load."""


class SFTSettings(BaseModel):
    """Settings of `train_sft`. Every further field of TRL's `SFTConfig` can be given in `trl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """A folder or hub name that transformers loads, `transformers:` in front or not, or `embedded:`."""
    method: Literal["full", "lora"] = "full"
    lora: LoraSettings = LoraSettings()
    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps, in place of `epochs`."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Train no longer than this; the learning rate then falls with the clock, so that it ends low."""
    batch_size: int = Field(default=16, ge=1)
    """Rows in one optimiser step and process."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Rows in one forward pass; None takes `batch_size`, and a smaller divisor of it saves memory."""
    learning_rate: float | None = Field(default=None, gt=0)
    """None takes 5e-5 for full fine-tuning and 2e-4 for LoRA."""
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    max_length: int | None = Field(default=None, ge=8)
    """Tokens in a row; None takes the model's context."""
    first_token_weight: float = Field(default=1.0, gt=0)
    """Factor on the loss of the first token of a student turn: there it decides whether to ask or to answer, and
    among the many tokens of the words that follow that decision weighs little."""
    too_long: Literal["error", "drop"] = "error"
    """What becomes of longer rows. Nothing is cut: half a turn would teach the model to stop anywhere."""
    rows_as: Literal["auto", "dialogue", "turn"] = "auto"
    """A dialogue as one row, or a row for each of its student turns; `auto`: dialogues if the template allows."""
    verbatim: bool = True
    """Train on the sampled token ids where the traces hold them, instead of tokenising the text again."""
    chat_template: str | None = None
    """Path of a Jinja file to use in place of the model's own chat template; it is saved with the model."""
    template_kwargs: dict[str, Any] = Field(default_factory=dict)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto`: bf16 autocast where the device computes in bf16, else fp32. Weights and optimiser stay in fp32."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    gradient_checkpointing: bool = False
    """Less memory for about a third more time."""
    seed: int = 0
    checkpoint_seconds: float | None = Field(default=600.0, gt=0)
    """Write a checkpoint this often; None writes none."""
    keep_checkpoints: bool = False
    """Keep the folder `checkpoints` when training is done."""
    resume: bool = False
    """Go on from the last complete checkpoint in the output folder, if there is one."""
    trl: dict[str, Any] = Field(default_factory=dict)
    """Further fields of `trl.SFTConfig`, such as `{"neftune_noise_alpha": 5}`; they win over the ones above."""

    @property
    def resolved_learning_rate(self) -> float:
        return self.learning_rate or (2e-4 if self.method == "lora" else 5e-5)


def load_settings(path: str | Path | None = None, **overrides: Any) -> SFTSettings:
    """Settings from a YAML file, with `overrides` on top (`lora={"r": 8}` replaces single fields of a section).

    Raises:
        InputError: when the file cannot be read or a setting is unknown or out of range.
    """
    values = {} if path is None else read_yaml(path)
    for name, value in overrides.items():
        old = values.get(name)
        values[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    try:
        return SFTSettings(**values)
    except ValidationError as error:
        raise InputError(explain(error, list(SFTSettings.model_fields))) from error


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: when it cannot be read or is no mapping.
    """
    import yaml

    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"cannot read the settings in {path}: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} must hold settings as 'name: value' lines")
    return values


def explain(error: ValidationError, known: list[str]) -> str:
    """The first complaint in words for a user; `known` are the names to suggest."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"setting {name!r}: {first['msg']}"
    near = difflib.get_close_matches(name.rpartition(".")[2], known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "TRL's own fields go under 'trl:'"
    return f"there is no setting {name!r}; {hint}"
