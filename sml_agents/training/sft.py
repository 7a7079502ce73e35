"""Supervised fine-tuning on the student's turns, with TRL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sml_agents.data.nouns import TrainingRow
from sml_agents.errors import InputError
from sml_agents.training.budget import steps_of, tokens_a_step
from sml_agents.training.dry_run import Preview, preview
from sml_agents.training.frame import TrainingFrame
from sml_agents.training.held_out import set_aside
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.recipes import recipe_named
from sml_agents.training.result import TrainResult
from sml_agents.training.settings import SFTSettings
from sml_agents.training.tokens.nouns import DataCounts, TokenRow
from sml_agents.training.tokens.rows import tokenize_rows
from sml_agents.types import stable_hash

if TYPE_CHECKING:
    from sml_agents.training.config import TrainingRun

__all__ = ["preview_run", "train_run", "train_sft"]


def train_sft(
    rows: Sequence[TrainingRow],
    settings: SFTSettings,
    out: str | Path,
    *,
    progress: Callable[[TrainingProgress], None] | None = None,
    measure: Callable[[Any, Any], float] | None = None,
    read: DataCounts | None = None,
) -> TrainResult:
    """Fine-tune `settings.model` on the trainable turns of `rows`, and save it in the folder `out`.

    The folder loads as `transformers:PATH`, tokenizer, chat template and generation settings included. `training.json`
    in it, written last, holds the resolved settings, what became of the rows, the loss curve and library versions.
    Nothing is fetched from or sent to the network, unless `settings.model` is a hub name.

    Args:
        rows: see `sml_agents.data.rows`.
        out: a new or empty folder, or with `settings.resume` the one of a run that was cut short.
        progress: called after each step; None shows nothing.
        measure: called with the model and its tokenizer every `settings.measure_tokens`; from 0 to 1, higher is better,
            and `settings.stop_at` is enough.
        read: of the dialogues that `rows` were made of, how many there were and which were left out: for the result
            and the model's card.

    Raises:
        InputError: unusable settings or output folder.
        SettingsMismatch: resumed with other settings or rows.
        TrainingError: nothing to train on, a chat template that cannot be masked, rows longer than the context, or
            a loss that is not a number (checkpoints written before stay in `out/checkpoints`).
    """
    rows, aside = set_aside(rows, settings.eval_share, settings.seed)
    frame = TrainingFrame("sft", settings, out)
    tokenized = partial(
        tokenize_rows,
        renderer=frame.renderer,
        max_length=frame.max_length,
        too_long=settings.too_long,
        rows_as=settings.rows_as,
        verbatim=settings.verbatim,
        first_token_weight=settings.first_token_weight,
    )
    made, counts = tokenized(rows)
    evaluated, counts_aside = tokenized(aside) if aside else ([], DataCounts())
    counts.count_aside(counts_aside)
    counts.count_read(read)

    from sml_agents.training.trainers.callbacks import Measured
    from sml_agents.training.trainers.sft import DialogueTrainer, TokenDataset, WeightedCollator

    own: dict[str, Any] = {} if settings.budget_tokens is None else {"max_steps": steps_of(settings, counts)}
    measured = None
    if measure is not None and settings.stop_at is not None:
        every = max(1, round(settings.measure_tokens / tokens_a_step(settings, counts)))
        measured = Measured(measure, settings.stop_at, every)
    arguments = frame.arguments(
        recipe_named("sft").config_class(),
        **own,
        **frame.evaluation(len(evaluated)),
        rows=len(made),
        train_sampling_strategy="group_by_length",
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    refuse_weights(made, arguments)
    make_trainer = partial(
        DialogueTrainer,
        rows=TokenDataset(made),
        aside=TokenDataset(evaluated) if evaluated else None,
        data_collator=WeightedCollator(
            pad_token_id=frame.tokenizer.pad_token_id, pad_to_multiple_of=arguments.pad_to_multiple_of
        ),
    )
    fingerprint = stable_hash([[row.input_ids, row.labels, row.weights] for row in made])
    return frame.train(
        make_trainer,
        arguments,
        data=counts,
        fingerprint=fingerprint,
        progress=progress,
        measured=measured,
        held_out=len(evaluated),
    )


def refuse_weights(rows: Sequence[TokenRow], arguments: Any) -> None:
    """Raises InputError for losses of TRL that would take the weights of tokens for part of their probability, or not
    look at them at all."""
    if all(row.weights is None for row in rows):
        return
    for field, wrong in (
        ("label_smoothing_factor", arguments.label_smoothing_factor > 0),
        ("loss_type", arguments.loss_type == "dft"),
    ):
        if wrong:
            raise InputError(
                f"trl: {field} knows no weights of tokens: leave it out, or train without first_token_weight, discount "
                "and weights of turns"
            )


def preview_run(run: TrainingRun) -> Preview:
    """A dry run: everything but the training; see `sml_agents.training.dry_run.preview`."""
    return preview(run.rows(), run.settings_as(SFTSettings))


def train_run(run: TrainingRun, progress: Callable[[TrainingProgress], None] | None = None) -> TrainResult:
    """Train; see `train_sft`."""
    rows = run.rows()
    return train_sft(rows, run.settings_as(SFTSettings), run.out, progress=progress, read=run.counts)
