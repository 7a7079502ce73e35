"""Traces into a better student.

    rows = balanced(training_rows(store.traces(), "q_primed"))
    result = train_sft(rows, SFTSettings(model="embedded:"), "runs/trained")

training_rows, balanced   traces -> rows, by recipe
render                    a dialogue as token ids with a mask over the student's turns, for any chat template
preview                   what would be trained, without training
load_run, run_sft         a whole run from a YAML file
train_sft                 supervised fine-tuning with TRL, full or LoRA; the folder loads as `transformers:PATH`
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sml_agents.training.config import SFTRun, load_run, run_sft
    from sml_agents.training.dry_run import Preview, preview
    from sml_agents.training.masks import DialogueRenderer, render
    from sml_agents.training.nouns import Message, RenderedDialogue, TrainingRow
    from sml_agents.training.progress import ProgressLine, TrainingProgress
    from sml_agents.training.rows import balanced, training_rows
    from sml_agents.training.settings import LoraSettings, SFTSettings, load_settings
    from sml_agents.training.sft import TrainResult, train_sft

_HOME = {
    "DialogueRenderer": "masks",
    "LoraSettings": "settings",
    "Message": "nouns",
    "Preview": "dry_run",
    "ProgressLine": "progress",
    "RenderedDialogue": "nouns",
    "SFTRun": "config",
    "SFTSettings": "settings",
    "TrainResult": "sft",
    "TrainingProgress": "progress",
    "TrainingRow": "nouns",
    "balanced": "rows",
    "load_run": "config",
    "load_settings": "settings",
    "preview": "dry_run",
    "render": "masks",
    "run_sft": "config",
    "train_sft": "sft",
    "training_rows": "rows",
}

__all__ = [
    "DialogueRenderer",
    "LoraSettings",
    "Message",
    "Preview",
    "ProgressLine",
    "RenderedDialogue",
    "SFTRun",
    "SFTSettings",
    "TrainResult",
    "TrainingProgress",
    "TrainingRow",
    "balanced",
    "load_run",
    "load_settings",
    "preview",
    "render",
    "run_sft",
    "train_sft",
    "training_rows",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
