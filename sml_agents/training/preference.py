"""DPO and KTO, with TRL, on single student turns of recorded dialogues."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sml_agents.data.pairs import Judged, Pair
from sml_agents.errors import InputError, TrainingError
from sml_agents.training.frame import TrainingFrame
from sml_agents.training.held_out import set_aside
from sml_agents.training.progress import TrainingProgress
from sml_agents.training.recipes import recipe_named
from sml_agents.training.result import TrainResult
from sml_agents.training.runtime import load_model, weights_of
from sml_agents.training.settings import PreferenceSettings
from sml_agents.training.tokens.nouns import DataCounts
from sml_agents.training.tokens.pairs import alternating, preference_examples, rotated, sources, tokenize_sides
from sml_agents.types import stable_hash

if TYPE_CHECKING:
    from sml_agents.training.config import TrainingRun
    from sml_agents.training.dry_run import Preview

__all__ = ["preview_run", "train_dpo", "train_kto", "train_run"]

Progress = Callable[[TrainingProgress], None]


def train_dpo(
    pairs: Sequence[Pair],
    settings: PreferenceSettings,
    out: str | Path,
    *,
    system: str | None = None,
    progress: Progress | None = None,
    read: DataCounts | None = None,
) -> TrainResult:
    """Make the chosen turn of each pair likelier than the rejected one (DPO, arXiv 2305.18290).

    Args:
        pairs: see `sml_agents.data.pairs.make_pairs`.
        system: the student's system prompt: None takes the built-in one, "" none.
        read: as in `train_sft`.

    The rest, and what is raised, as in `sml_agents.training.sft.train_sft`. `TrainResult.notes["sources"]` says how
    many pairs came from where.
    """
    pairs, aside = set_aside(pairs, settings.eval_share, settings.seed)
    frame = TrainingFrame("dpo", settings, out)
    made, counts = _tokenized(pairs, frame, system)
    evaluated, counts_aside = _tokenized(aside, frame, system) if aside else ([], DataCounts())
    counts.count_aside(counts_aside)
    counts.count_read(read)

    from sml_agents.training.trainers.preference import PairTrainer, as_dataset

    def columns_of(some: Any) -> dict[str, list[Any]]:
        return {
            "prompt_ids": [sides[0].prompt_ids for _, sides in some],
            "chosen_ids": [sides[0].completion_ids for _, sides in some],
            "rejected_ids": [sides[1].completion_ids for _, sides in some],
        }

    columns = columns_of(made)
    arguments = frame.arguments(
        recipe_named("dpo").config_class(),
        rows=len(made),
        **frame.evaluation(len(evaluated)),
        max_length=None,
        beta=settings.beta,
    )
    make_trainer = partial(
        PairTrainer,
        train_dataset=as_dataset(columns),
        eval_dataset=as_dataset(columns_of(evaluated)) if evaluated else None,
        problems=[one.pair for one, _ in made],
    )
    return frame.train(
        make_trainer,
        arguments,
        data=counts,
        fingerprint=stable_hash(columns),
        progress=progress,
        notes={"sources": sources([one for one, _ in made])},
        held_out=len(evaluated),
    )


def train_kto(
    turns: Sequence[Judged],
    settings: PreferenceSettings,
    out: str | Path,
    *,
    system: str | None = None,
    progress: Progress | None = None,
    read: DataCounts | None = None,
) -> TrainResult:
    """Make good turns likelier and bad ones less likely, without pairs (KTO, arXiv 2402.01306).

    Args:
        turns: see `sml_agents.data.pairs.judged_turns`. Where there are more of one kind than of the other, both
            kinds are weighted to count alike.

    The rest as in `train_dpo`.
    """
    turns, aside = set_aside(turns, settings.eval_share, settings.seed)
    good = sum(turn.good for turn in turns)
    if not 0 < good < len(turns):
        raise TrainingError(f"KTO needs good and bad turns, but {good} of {len(turns)} are good")
    if (settings.micro_batch_size or settings.batch_size) < 2:
        raise InputError("KTO compares the rows of a forward pass with each other: set micro_batch_size to 2 or more")
    frame = TrainingFrame("kto", settings, out)
    made, counts = _tokenized(alternating(turns, settings.seed), frame, system)
    aside = alternating(aside, settings.seed)
    evaluated, counts_aside = _tokenized(aside, frame, system) if aside else ([], DataCounts())
    counts.count_aside(counts_aside)
    counts.count_read(read)
    if len(evaluated) == 1:
        raise InputError("KTO compares the rows of a pass with each other, and eval_share sets one aside: take more")

    from sml_agents.training.trainers.preference import TurnTrainer, as_dataset
    from sml_agents.training.trainers.sft import rows_of_a_pass

    good = sum(one.good for one, _ in made if isinstance(one, Judged))
    bad = len(made) - good
    if not good or not bad:
        raise TrainingError(
            f"KTO needs good and bad turns, but of the {len(made)} that are short enough {good} are good"
        )
    arguments = frame.arguments(
        recipe_named("kto").config_class(),
        rows=len(made),
        **frame.evaluation(len(evaluated)),
        max_length=None,
        beta=settings.beta,
        train_sampling_strategy="sequential",
        desirable_weight=max(1.0, bad / good),
        undesirable_weight=max(1.0, good / bad),
    )

    def columns_of(some: Any, rows_of_one: int) -> dict[str, list[Any]]:
        completions = [sides[0].completion_ids for _, sides in some]
        return {
            "prompt_ids": [sides[0].prompt_ids for _, sides in some],
            "completion_ids": completions,
            "KL_completion_ids": rotated(completions, rows_of_one),
            "label": [one.good for one, _ in some],
        }

    columns = columns_of(made, rows_of_a_pass(arguments))
    of_evaluation = arguments.per_device_eval_batch_size * arguments.world_size
    return frame.train(
        partial(
            TurnTrainer,
            train_dataset=as_dataset(columns),
            eval_dataset=as_dataset(columns_of(evaluated, of_evaluation)) if evaluated else None,
            ref_model=_reference(frame),
        ),
        arguments,
        data=counts,
        fingerprint=stable_hash(columns),
        progress=progress,
        notes={"sources": sources([one for one, _ in made])},
        held_out=len(evaluated),
    )


def train_run(run: TrainingRun, progress: Progress | None = None) -> TrainResult:
    """Train as the run says; see `train_dpo` and `train_kto`."""
    train: Any = train_dpo if run.recipe == "dpo" else train_kto
    settings = run.settings_as(PreferenceSettings)
    result: TrainResult = train(
        _examples(run), settings, run.out, system=run.system, progress=progress, read=run.counts
    )
    return result


def preview_run(run: TrainingRun) -> Preview:
    """A dry run: everything but the training."""
    from sml_agents.training.dry_run import DryRun

    settings = run.settings_as(PreferenceSettings)
    examples, aside = set_aside(_examples(run), settings.eval_share, settings.seed)
    dry = DryRun(settings)
    made, counts = _tokenized(examples, dry, run.system)
    if aside:
        counts.count_aside(_tokenized(aside, dry, run.system)[1])
    one, sides = made[0]
    labels = ("better", "worse") if isinstance(one, Pair) else ("good" if one.good else "bad",)
    example = [(dry.decode(sides[0].prompt_ids), False)]
    for label, side in zip(labels, sides, strict=True):
        example += [(f"\n[{label}] ", False), (dry.decode(side.completion_ids), True)]
    notes = {"sources": sources([one for one, _ in made])}
    return dry.plan(counts, example, forward_rows=len(sides), reference=True, notes=notes)


def _reference(frame: TrainingFrame) -> Any:
    """The frozen model to compare with, where TRL, which loads it by the name of the weights, would leave out an
    adapter that was merged into them."""
    settings = frame.settings
    merged = weights_of(settings)[1] is not None
    needed = settings.method == "full" and not settings.trl.get("precompute_ref_log_probs")
    return load_model(settings) if merged and needed else None


def _examples(run: TrainingRun) -> list[Any]:
    found: list[Any] = list(
        preference_examples(run.traces(), run.filter, paired=run.recipe == "dpo", left_out=run.left_out)
    )
    return run.sample(found)


def _tokenized(examples: Sequence[Pair | Judged], frame: Any, system: str | None) -> Any:
    settings = frame.settings
    return tokenize_sides(
        examples,
        frame.renderer,
        max_length=frame.max_length,
        too_long=settings.too_long,
        system=system,
        verbatim=settings.verbatim,
    )
