"""The frame that every recipe trains in: what comes before TRL's trainer, and after it.

    frame = TrainingFrame("sft", settings, out)                  # output folder, device, tokenizer, model
    arguments = frame.arguments(SFTConfig, rows=len(rows))       # our settings and the user's TRL fields
    result = frame.train(make_trainer, arguments, data=..., fingerprint=...)

A recipe adds its rows and its trainer (`sml_agents.training.sft` is the shortest example).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sml_agents.backends.memory import freed_memory_kept
from sml_agents.errors import InputError, TrainingError
from sml_agents.training import hub
from sml_agents.training.folder import BEST, check_output, save_result, write_plan
from sml_agents.training.processes import device_names, is_main_process
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.result import TrainResult
from sml_agents.training.runtime import (
    check_weights,
    chosen_device,
    computes_in_bf16,
    end_generation,
    known_warnings,
    load_model,
    load_tokenizer,
    quiet_libraries,
    settings_errors,
    settle_attention,
    settle_threads,
    trl_arguments,
    versions,
)
from sml_agents.training.settings import EvaluatedSettings, TrainSettings
from sml_agents.training.tokens.masks import DialogueRenderer
from sml_agents.training.tokens.nouns import DataCounts

if TYPE_CHECKING:
    from sml_agents.training.trainers.callbacks import Clock, Measured, Part

__all__ = ["TrainingFrame"]


class TrainingFrame:
    """One training run: output folder, device, tokenizer and model, ready for a trainer.

    Args:
        out: a new or empty folder, or with `settings.resume` the one of a run that was cut short.

    Raises:
        InputError: unusable settings, model or output folder.
        TrainingError: a chat template that cannot be masked.
    """

    def __init__(self, recipe: str, settings: TrainSettings, out: str | Path) -> None:
        settle_threads()
        settle_attention()
        quiet_libraries()
        self.recipe = recipe
        self.settings = settings
        self.out = Path(out)
        check_output(self.out, settings)
        check_weights(settings)
        if settings.hub.push_to is not None and is_main_process():
            hub.claim(settings.hub.push_to, private=settings.hub.private)
        self.device = chosen_device(settings)
        wanted = settings.precision == "bf16" or settings.weights == "bf16"
        self.bf16 = wanted or (settings.precision == "auto" and computes_in_bf16(self.device))
        self.tokenizer = load_tokenizer(settings)
        self.renderer = DialogueRenderer(self.tokenizer)
        from sml_agents.training.trainers import relied_on

        relied_on.check()
        self.model = load_model(settings)
        self.new_ends = end_generation(self.model, self.tokenizer, self.renderer.stops)
        """Tokens that end a turn in training and, from here on, generation."""

    @property
    def checkpoints(self) -> Path:
        return self.out / "checkpoints"

    @property
    def max_length(self) -> int:
        """Tokens that a row may have."""
        return int(self.settings.max_length or self.model.config.get_text_config().max_position_embeddings)

    def arguments(self, kind: Any, *, rows: int | None = None, **own: Any) -> Any:
        """TRL's config of this `kind`; see `sml_agents.training.runtime.trl_arguments`."""
        return trl_arguments(
            kind, self.recipe, self.settings, self.checkpoints, rows=rows, device=self.device, bf16=self.bf16, own=own
        )

    def evaluation(self, rows: int) -> dict[str, Any]:
        """Fields of TRL's config for so many rows set aside."""
        settings = self.settings
        if not rows or not isinstance(settings, EvaluatedSettings):
            return {}
        return {
            "eval_strategy": "steps",
            "eval_steps": settings.eval_every,
            "per_device_eval_batch_size": min(settings.micro_batch_size or settings.batch_size, rows),
            "prediction_loss_only": True,
        }

    def train(
        self,
        make_trainer: Callable[..., Any],
        arguments: Any,
        *,
        data: DataCounts,
        fingerprint: str,
        progress: Callable[[TrainingProgress], None] | None = None,
        notes: Mapping[str, Any] | None = None,
        measured: Measured | None = None,
        held_out: int = 0,
    ) -> TrainResult:
        """Train, save the model, and write `training.json` as the sign that all is there.

        Args:
            make_trainer: called with `model`, `args`, `processing_class`, `peft_config` and `callbacks`.
            fingerprint: a hash of the data; a resumed run must have the same.
            notes: what the recipe has to say in the result; read when training is done.
            measured: takes a measure of the model while it trains, and may end it.
            held_out: how many rows the trainer evaluates on; see `evaluation`.

        Raises:
            SettingsMismatch: resumed with other settings or data.
            TrainingError: a loss that is not a number (checkpoints written before stay in `out/checkpoints`).
        """
        with freed_memory_kept(self.settings.keep_freed_memory and self.device == "cpu"):
            try:
                return self._train(make_trainer, arguments, data, fingerprint, progress, notes, measured, held_out)
            finally:
                self.model = None  # the frame outlives the training, its model need not

    def _train(
        self,
        make_trainer: Callable[..., Any],
        arguments: Any,
        data: DataCounts,
        fingerprint: str,
        progress: Callable[[TrainingProgress], None] | None,
        notes: Mapping[str, Any] | None,
        measured: Measured | None,
        held_out: int,
    ) -> TrainResult:
        from sml_agents.training.trainers.callbacks import (
            Checkpoints,
            Clock,
            Finite,
            HeldOut,
            Pass,
            ProgressReporter,
            latest_checkpoint,
        )

        settings = self.settings
        write_plan(self.out, settings, fingerprint)
        checkpoint = latest_checkpoint(self.checkpoints) if settings.resume else None
        clock = Clock(
            arguments.learning_rate, max_seconds=settings.max_seconds, checkpoint_seconds=settings.checkpoint_seconds
        )
        reporter = ProgressReporter(progress, clock)
        held = HeldOut(held_out, self.checkpoints / BEST, getattr(settings, "patience", None)) if held_out else None
        parts: dict[str, Part] = {
            "seconds": clock,
            "progress": reporter,
            **({"measured": measured} if measured else {}),
            **({"held_out": held} if held else {}),
        }
        checkpoints = Checkpoints(parts)
        if checkpoint is not None:
            checkpoints.restore(checkpoint)
        with known_warnings(), settings_errors():
            trainer = make_trainer(
                model=self.model,
                args=arguments,
                processing_class=self.tokenizer,
                peft_config=_lora(settings),
                callbacks=[clock, Pass(), Finite(), reporter, *filter(None, [measured, held]), checkpoints],
            )
        if held is not None and (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
            raise InputError("eval_share keeps the best weights, which FSDP and DeepSpeed have spread: leave it out")
        _remove_printing(trainer)
        try:
            with known_warnings():
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except TrainingError as error:
            kept = latest_checkpoint(self.checkpoints)
            where = f"the last checkpoint is kept in {kept}" if kept else "no checkpoint had been written yet"
            raise TrainingError(f"{error}; {where}") from error
        if held is not None:
            held.put_back(trainer.accelerator.unwrap_model(trainer.model))
        seconds = clock.seconds
        curve = reporter.curve
        result = TrainResult(
            path=self.out,
            recipe=self.recipe,
            steps=trainer.state.global_step,
            planned_steps=trainer.state.max_steps,
            stopped="patience" if held is not None and held.gave_up else _ended_by(clock, measured),
            seconds=round(seconds, 3),
            tokens_per_second=round(reporter.tokens / seconds, 1) if seconds else 0.0,
            resumed_from=int(checkpoint.name.rpartition("-")[2]) if checkpoint else None,
            precision="bf16" if self.bf16 else "fp32",
            device=self.device,
            processes=arguments.world_size,
            devices=device_names(self.device),
            rows_a_step=settings.batch_size * arguments.world_size,
            first_loss=_mean_loss(curve[: max(1, len(curve) // 10)]),
            last_loss=_mean_loss(curve[-max(1, len(curve) // 10) :]),
            curve=curve,
            data=data,
            notes={
                **(notes or {}),
                **({"measured": measured.taken} if measured else {}),
                **(
                    {"held_out": {"rows": held.rows, "losses": held.taken, "best_step": held.best_step}} if held else {}
                ),
                **({"ends_generation": self.new_ends} if self.new_ends else {}),
            },
        )
        # transformers puts the tokenizer's own end first, and may leave others out.
        end_generation(trainer.accelerator.unwrap_model(trainer.model), self.tokenizer, self.renderer.stops)
        record = {"settings": settings.model_dump(mode="json"), "versions": versions()}
        save_result(trainer, self.tokenizer, settings, self.out, {**result.model_dump(mode="json"), **record})
        if settings.hub.push_to is not None and is_main_process():
            hub.push(self.out, settings.hub.push_to, private=settings.hub.private)
        return result


def _ended_by(clock: Clock, measured: Measured | None) -> Literal["done", "time", "reached"]:
    if measured is not None and measured.reached:
        return "reached"
    return "time" if clock.ran_out else "done"


def _lora(settings: TrainSettings) -> Any:
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
