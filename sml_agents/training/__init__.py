"""Traces into a better student.

    rows = balanced(training_rows(store.traces(), "q_primed"))
    result = train_sft(rows, SFTSettings(model="embedded:"), "runs/trained")

training_rows, balanced   traces -> rows, by recipe
render                    a dialogue as token ids with a mask over the student's turns, for any chat template
preview                   what would be trained, without training
load_run, train_run       a whole run from a YAML file, by any recipe
train_sft                 supervised fine-tuning with TRL, full or LoRA; the folder loads as `transformers:PATH`
train_dpo, train_kto      preference optimisation on pairs, or on turns that are good or bad
train_sdft                self-distillation: the model, shown a hint, teaches itself without it
train_grpo                reinforcement learning on dialogues that are sampled while training
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sml_agents.data.nouns import Message, TrainingRow
    from sml_agents.data.rows import balanced, training_rows
    from sml_agents.training.config import TrainingRun
    from sml_agents.training.distill import train_sdft
    from sml_agents.training.dry_run import Preview, preview
    from sml_agents.training.grpo import train_grpo
    from sml_agents.training.preference import train_dpo, train_kto
    from sml_agents.training.progress import ProgressLine, TrainingProgress
    from sml_agents.training.recipes import load_run, named_values, preview_run, train_run
    from sml_agents.training.result import TrainResult
    from sml_agents.training.settings import (
        DistillSettings,
        GRPOSettings,
        LoraSettings,
        PreferenceSettings,
        SFTSettings,
        TrainSettings,
        load_settings,
    )
    from sml_agents.training.sft import train_sft
    from sml_agents.training.tokens.masks import DialogueRenderer, render
    from sml_agents.training.tokens.nouns import RenderedDialogue

_HOME = {
    "DialogueRenderer": "sml_agents.training.tokens.masks",
    "DistillSettings": "sml_agents.training.settings",
    "GRPOSettings": "sml_agents.training.settings",
    "LoraSettings": "sml_agents.training.settings",
    "Message": "sml_agents.data.nouns",
    "PreferenceSettings": "sml_agents.training.settings",
    "Preview": "sml_agents.training.dry_run",
    "ProgressLine": "sml_agents.training.progress",
    "RenderedDialogue": "sml_agents.training.tokens.nouns",
    "SFTSettings": "sml_agents.training.settings",
    "TrainResult": "sml_agents.training.result",
    "TrainSettings": "sml_agents.training.settings",
    "TrainingProgress": "sml_agents.training.progress",
    "TrainingRow": "sml_agents.data.nouns",
    "TrainingRun": "sml_agents.training.config",
    "balanced": "sml_agents.data.rows",
    "load_run": "sml_agents.training.recipes",
    "load_settings": "sml_agents.training.settings",
    "named_values": "sml_agents.training.recipes",
    "preview": "sml_agents.training.dry_run",
    "preview_run": "sml_agents.training.recipes",
    "render": "sml_agents.training.tokens.masks",
    "train_dpo": "sml_agents.training.preference",
    "train_grpo": "sml_agents.training.grpo",
    "train_kto": "sml_agents.training.preference",
    "train_run": "sml_agents.training.recipes",
    "train_sdft": "sml_agents.training.distill",
    "train_sft": "sml_agents.training.sft",
    "training_rows": "sml_agents.data.rows",
}

__all__ = [
    "DialogueRenderer",
    "DistillSettings",
    "GRPOSettings",
    "LoraSettings",
    "Message",
    "PreferenceSettings",
    "Preview",
    "ProgressLine",
    "RenderedDialogue",
    "SFTSettings",
    "TrainResult",
    "TrainSettings",
    "TrainingProgress",
    "TrainingRow",
    "TrainingRun",
    "balanced",
    "load_run",
    "load_settings",
    "named_values",
    "preview",
    "preview_run",
    "render",
    "train_dpo",
    "train_grpo",
    "train_kto",
    "train_run",
    "train_sdft",
    "train_sft",
    "training_rows",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
