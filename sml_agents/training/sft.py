"""Supervised fine-tuning on the student's turns, with TRL."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from sml_agents.errors import TrainingError
from sml_agents.training.data import tokenize_rows
from sml_agents.training.folder import check_output, save_result, write_plan
from sml_agents.training.masks import DialogueRenderer
from sml_agents.training.nouns import DataCounts, TrainingRow
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.runtime import (
    chosen_device,
    computes_in_bf16,
    keep_freed_memory,
    known_warnings,
    load_model,
    load_tokenizer,
    quiet_libraries,
    settle_threads,
    sft_arguments,
    versions,
)
from sml_agents.training.settings import SFTSettings

__all__ = ["TrainResult", "train_sft"]


class TrainResult(BaseModel):
    """What training did; `training.json` in the output folder holds the same and the settings."""

    path: Path
    """The folder to use as a student: `transformers:PATH`."""
    steps: int
    planned_steps: int
    stopped: Literal["done", "time"]
    """`time`: `max_seconds` ran out before the planned steps."""
    seconds: float
    tokens_per_second: float
    """All tokens of the rows, trained or not, padding left out."""
    resumed_from: int | None = None
    """The step at which an earlier run was taken up."""
    precision: Literal["fp32", "bf16"]
    device: str
    first_loss: float | None
    last_loss: float | None
    """Means over the first and the last tenth of the loss curve."""
    curve: list[dict[str, float]]
    data: DataCounts


def train_sft(
    rows: Sequence[TrainingRow],
    settings: SFTSettings,
    out: str | Path,
    *,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainResult:
    """Fine-tune `settings.model` on the trainable turns of `rows`, and save it in the folder `out`.

    The folder loads as `transformers:PATH`, tokenizer, chat template and generation settings included. `training.json`
    in it, written last, holds the resolved settings, what became of the rows, the loss curve and library versions.
    Nothing is fetched from or sent to the network, unless `settings.model` is a hub name.

    Args:
        rows: see `sml_agents.training.rows`.
        out: a new or empty folder, or with `settings.resume` the one of a run that was cut short.
        progress: called after each step; None shows nothing.

    Raises:
        InputError: unusable settings or output folder.
        SettingsMismatch: resumed with other settings or rows.
        TrainingError: nothing to train on, a chat template that cannot be masked, rows longer than the context, or
            a loss that is not a number (checkpoints written before stay in `out/checkpoints`).
    """
    settle_threads()
    quiet_libraries()
    out = Path(out)
    check_output(out, settings)
    device = chosen_device(settings)
    if device == "cpu":
        keep_freed_memory()
    tokenizer = load_tokenizer(settings)
    renderer = DialogueRenderer(tokenizer, settings.template_kwargs)
    model = load_model(settings)
    made, counts = tokenize_rows(
        rows,
        renderer,
        max_length=settings.max_length or model.config.get_text_config().max_position_embeddings,
        too_long=settings.too_long,
        rows_as=settings.rows_as,
        verbatim=settings.verbatim,
        first_token_weight=settings.first_token_weight,
    )

    from sml_agents.training.callbacks import Checkpoints, Clock, ProgressReporter, latest_checkpoint
    from sml_agents.training.trainer import DialogueTrainer, TokenDataset, WeightedCollator

    bf16 = settings.precision == "bf16" or (settings.precision == "auto" and computes_in_bf16(device))
    arguments = sft_arguments(settings, out / "checkpoints", rows=len(made), device=device, bf16=bf16)
    write_plan(out, settings, made)
    checkpoint = latest_checkpoint(out / "checkpoints") if settings.resume else None
    clock = Clock(settings.max_seconds, arguments.learning_rate) if settings.max_seconds else None
    reporter = ProgressReporter(progress, clock)
    with known_warnings():
        trainer = DialogueTrainer(
            model=model,
            args=arguments,
            rows=TokenDataset(made),
            processing_class=tokenizer,
            data_collator=WeightedCollator(pad_token_id=tokenizer.pad_token_id),
            peft_config=_lora(settings),
            callbacks=[Checkpoints(settings.checkpoint_seconds), reporter, *([clock] if clock else [])],
        )
    _remove_printing(trainer)
    started = time.monotonic()
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except TrainingError as error:
        kept = latest_checkpoint(out / "checkpoints")
        where = f"the last checkpoint is kept in {kept}" if kept else "no checkpoint had been written yet"
        raise TrainingError(f"{error}; {where}") from error
    seconds = time.monotonic() - started
    curve = reporter.curve
    result = TrainResult(
        path=out,
        steps=trainer.state.global_step,
        planned_steps=trainer.state.max_steps,
        stopped="time" if clock is not None and clock.ran_out else "done",
        seconds=round(seconds, 3),
        tokens_per_second=round(reporter.tokens / seconds, 1) if seconds else 0.0,
        resumed_from=int(checkpoint.name.rpartition("-")[2]) if checkpoint else None,
        precision="bf16" if bf16 else "fp32",
        device=device,
        first_loss=_mean_loss(curve[: max(1, len(curve) // 10)]),
        last_loss=_mean_loss(curve[-max(1, len(curve) // 10) :]),
        curve=curve,
        data=counts,
    )
    if trainer.is_world_process_zero():
        record = {"settings": settings.model_dump(mode="json"), "versions": versions()}
        save_result(trainer, tokenizer, settings, out, {**result.model_dump(mode="json"), **record})
    return result


def _lora(settings: SFTSettings) -> Any:
    if settings.method != "lora":
        return None
    from peft import LoraConfig

    lora = settings.lora
    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type="CAUSAL_LM",
    )


def _remove_printing(trainer: Any) -> None:
    """transformers prints a dictionary for each log entry; progress is shown by the caller instead."""
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)


def _mean_loss(points: Sequence[dict[str, float]]) -> float | None:
    return sum(point["loss"] for point in points) / len(points) if points else None
