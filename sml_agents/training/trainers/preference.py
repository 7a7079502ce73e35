"""TRL's DPO and KTO trainers, fed with token ids of our own."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import datasets
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.kto_trainer import KTOTrainer

from sml_agents.training.trainers.lm_head import score_trained_tokens_only
from sml_agents.training.trainers.sft import LengthGroupedSampler, Watched, rows_of_a_pass

__all__ = ["PairTrainer", "TurnTrainer", "as_dataset"]


def as_dataset(columns: Mapping[str, Sequence[Any]]) -> datasets.Dataset:
    """In memory; TRL insists on this class."""
    return datasets.Dataset.from_dict(dict(columns))


class _Prepared(Watched):
    """Takes rows that are tokenised already, and scores only the tokens that carry loss."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        here: Any = self
        score_trained_tokens_only(_base(here.model))
        if here.ref_model is not None:
            reference = _base(here.accelerator.unwrap_model(here.ref_model))
            score_trained_tokens_only(reference)
            _compute_as_trained(reference, here.accelerator)

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
        return dataset


class PairTrainer(_Prepared, DPOTrainer):
    """DPO on `prompt_ids`, `chosen_ids`, `rejected_ids`; pairs of one problem meet in one batch."""

    def __init__(self, *, problems: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.problems = problems

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.args.train_sampling_strategy != "random":
            return super()._get_train_sampler(train_dataset)
        rows: Any = self.train_dataset
        sides = zip(rows["prompt_ids"], rows["chosen_ids"], rows["rejected_ids"], strict=True)
        lengths = [len(prompt) + max(len(chosen), len(rejected)) for prompt, chosen, rejected in sides]
        return LengthGroupedSampler(lengths, rows_of_a_pass(self.args), self.args.seed, self.problems)


class TurnTrainer(_Prepared, KTOTrainer):
    """KTO on `prompt_ids`, `completion_ids`, `KL_completion_ids` and `label`, in the order given."""


def _compute_as_trained(reference: Any, accelerator: Any) -> None:
    """Have `reference` compute in the precision of the training: accelerate wraps the model under training after it was
    patched, but the reference before, and the rounding of half a nat a turn would be taken for a preference."""
    patched = reference.forward

    @functools.wraps(patched)
    def forward(*args: Any, **kwargs: Any) -> Any:
        with accelerator.autocast():
            return patched(*args, **kwargs)

    reference.forward = forward


def _base(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "peft_config") else model
