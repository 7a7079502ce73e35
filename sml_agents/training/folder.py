"""The output folder of a training run: its plan, the saved model, and the record that says it is complete."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError, SettingsMismatch
from sml_agents.files import write_whole
from sml_agents.training.card import write_card
from sml_agents.training.processes import is_main_process
from sml_agents.training.settings import TrainSettings

__all__ = ["BEST", "DTYPES", "PLAN", "RECORD", "check_output", "save_result", "write_json", "write_plan"]

BEST = "best.safetensors"
"""Beside the checkpoints: the weights with the lowest loss on the rows set aside."""
PLAN, RECORD = "plan.json", "training.json"
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""As settings name them, and as torch does."""

_MAY_CHANGE = {"hub", "resume", "max_seconds", "checkpoint_seconds", "keep_checkpoints", "keep_freed_memory"}
"""Settings that a resumed run may have otherwise: they do not change what is computed, only how far and how safely."""


def check_output(out: Path, settings: TrainSettings) -> None:
    """Make `out`, and refuse to write over what is there.

    Raises:
        InputError: it holds a finished run, or something else and the run is not to be resumed.
    """
    if not is_main_process():  # the first one looks and writes for all
        return
    if (out / RECORD).exists():
        raise InputError(f"{out} already holds a trained model: choose another folder, or remove it first")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; training needs a folder")
    if not settings.resume and out.exists() and any(out.iterdir()):
        raise InputError(
            f"{out} is not empty: choose another folder, or if a run was cut short, go on with resume=True "
            "(--resume true)"
        )
    out.mkdir(parents=True, exist_ok=True)


def write_plan(out: Path, settings: TrainSettings, rows: str) -> None:
    """Write what is about to be trained, or on resume compare with what was.

    Args:
        rows: a hash of the data.

    Raises:
        SettingsMismatch: when settings or rows differ from those that the run was started with.
    """
    if not is_main_process():
        return
    kept = {name: value for name, value in settings.model_dump(mode="json").items() if name not in _MAY_CHANGE}
    plan = {"settings": kept, "rows": rows}
    path = out / PLAN
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in kept.items() if before["settings"].get(name) != value]
        if changed:
            raise SettingsMismatch(f"{out} was started with another {', '.join(changed)}: give the same settings")
        if before["rows"] != plan["rows"]:
            raise SettingsMismatch(f"{out} was started with other rows: resume with the same data")
    else:
        write_json(path, plan)


def save_result(trainer: Any, tokenizer: Any, settings: TrainSettings, out: Path, record: dict[str, Any]) -> None:
    """Write the model, then `training.json` as the sign that all is there. Every process has to call it."""
    import torch

    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    # Gathered by all processes together; an adapter cannot be merged into shards, so it is saved beside its base.
    state = trainer.accelerator.get_state_dict(trainer.model) if sharded else None
    if not trainer.is_world_process_zero():
        return
    model = trainer.accelerator.unwrap_model(trainer.model)
    if settings.method == "lora" and not settings.saves_adapter and not sharded:
        model = model.merge_and_unload()
    if settings.saved_dtype is not None and settings.quantize is None:
        model = model.to(getattr(torch, DTYPES[settings.saved_dtype]))
    # The head of the trainer patches `forward`; the class's own is what should be saved and used from here on.
    vars(model).pop("forward", None)
    model.config.use_cache = True
    staging = out / "saving"
    shutil.rmtree(staging, ignore_errors=True)
    model.save_pretrained(staging, state_dict=state)
    model.generation_config.save_pretrained(staging)  # of an adapter alone, nobody else does
    tokenizer.save_pretrained(staging)
    write_card(staging, record, name=out.resolve().name)
    for path in sorted(staging.iterdir()):
        os.replace(path, out / path.name)
    staging.rmdir()
    write_json(out / RECORD, record)
    (out / PLAN).unlink(missing_ok=True)
    if not settings.keep_checkpoints:
        for checkpoint in (out / "checkpoints").glob("checkpoint-*"):
            shutil.rmtree(checkpoint, ignore_errors=True)
        (out / "checkpoints" / BEST).unlink(missing_ok=True)
        (out / "checkpoints" / "README.md").unlink(missing_ok=True)  # TRL's own card of a checkpoint
        with suppress(OSError):  # what `report_to` wrote stays
            (out / "checkpoints").rmdir()


def write_json(path: Path, value: Any) -> None:
    """Write all of it or nothing."""
    write_whole(path, json.dumps(value, indent=2, ensure_ascii=False))
