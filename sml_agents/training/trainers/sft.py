"""TRL's SFT trainer, fed with token ids and labels of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler, SequentialSampler
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling, SFTTrainer

from sml_agents.errors import TrainingError
from sml_agents.training.tokens.nouns import TokenRow
from sml_agents.training.trainers.lm_head import score_trained_tokens_only

__all__ = ["DialogueTrainer", "LengthGroupedSampler", "TokenDataset", "Watched", "WeightedCollator", "rows_of_a_pass"]

_POOL = 20
"""Batches that are sorted by length together: enough to save most padding, few enough to stay random."""


class TokenDataset(Dataset[dict[str, Any]]):
    """Tokenised rows as the trainer reads them."""

    def __init__(self, rows: Sequence[TokenRow]) -> None:
        self._weighted = any(row.weights is not None for row in rows)
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self.rows[index]
        item: dict[str, Any] = {"input_ids": row.input_ids, "labels": row.labels}
        if self._weighted:
            item["weights"] = row.weights or [1.0] * len(row.input_ids)
        return item


class LengthGroupedSampler(Sampler[int]):
    """Shuffles rows so that a batch holds rows of like length, and keeps the rows of one problem together.

    A problem with a fact missing and the same problem complete then meet in one batch, where what they share cancels
    out and what tells them apart remains. The order depends on `seed` and the epoch alone, so that a resumed run sees
    the rows an unbroken one would have.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int, pairs: Sequence[str] = ()) -> None:
        self.lengths = lengths
        groups: dict[str, list[int]] = {}
        for index, pair in enumerate(pairs or [""] * len(lengths)):
            groups.setdefault(pair or f"row {index}", []).append(index)
        self.groups = list(groups.values())
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = [self.groups[place] for place in torch.randperm(len(self.groups), generator=generator).tolist()]
        batches: list[list[int]] = []
        for pool in _pools(order, _POOL * self.batch_size):
            # Stable, so problems of one length keep their random order.
            pool.sort(key=lambda rows: max(self.lengths[row] for row in rows))
            alike = [row for rows in pool for row in rows]
            batches.extend(alike[at : at + self.batch_size] for at in range(0, len(alike), self.batch_size))
        # A short batch in the middle would shift every later one across batch borders.
        ragged = [batch for batch in batches if len(batch) < self.batch_size]
        whole = [batch for batch in batches if len(batch) == self.batch_size]
        for place in torch.randperm(len(whole), generator=generator).tolist():
            yield from whole[place]
        for batch in ragged:
            yield from batch


def rows_of_a_pass(arguments: Any) -> int:
    """In all processes together: accelerate deals the rows of a sampler out to them batch by batch."""
    return int(arguments.per_device_train_batch_size * arguments.world_size)


def _pools(groups: Sequence[list[int]], size: int) -> Iterator[list[list[int]]]:
    """Consecutive groups, `size` rows at a time; only the last pool may be smaller."""
    pool: list[list[int]] = []
    rows = 0
    for group in groups:
        pool.append(group)
        rows += len(group)
        if rows >= size:
            yield pool
            pool, rows = [], 0
    if pool:
        yield pool


@dataclass
class WeightedCollator(DataCollatorForLanguageModeling):
    """TRL's collator, which pads ids and labels, for rows that may also carry `weights`."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super().torch_call(examples)
        if "weights" in examples[0]:
            weights_BT = torch.zeros(batch["input_ids"].shape, dtype=torch.float32)
            for row, example in enumerate(examples):
                weights_BT[row, : len(example["weights"])] = torch.tensor(example["weights"])
            batch["weights"] = weights_BT
        return batch


class Watched:
    """Put before a TRL trainer among a class's bases: stops on a loss that is not a number; sends no telemetry."""

    state: Any

    def _send_telemetry(self) -> None:
        """TRL reports each run to its makers; a training run here stays on this machine."""

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        loss: Any = super().compute_loss(*args, **kwargs)  # type: ignore[misc]
        value = loss[0] if isinstance(loss, tuple) else loss
        if not bool(torch.isfinite(value)):
            raise TrainingError(
                f"the loss is not a number at step {self.state.global_step + 1} ({value.item()}): lower "
                "learning_rate or max_grad_norm, or set precision='fp32'"
            )
        return loss


class DialogueTrainer(Watched, SFTTrainer):
    """Trains on `TokenDataset` rows."""

    def __init__(self, *, rows: TokenDataset, aside: TokenDataset | None = None, **kwargs: Any) -> None:
        import datasets

        # TRL insists on its own dataset class in the constructor; the rows themselves are never converted.
        sample = datasets.Dataset.from_list([{"input_ids": [0], "labels": [0]}])
        super().__init__(train_dataset=sample, eval_dataset=sample if aside else None, **kwargs)
        self.train_dataset: Any = rows
        self.eval_dataset: Any = aside
        model: Any = self.model
        score_trained_tokens_only(model.get_base_model() if hasattr(model, "peft_config") else model)

    def _get_eval_sampler(self, eval_dataset: Any) -> Any:
        return SequentialSampler(eval_dataset)

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        lengths = [len(row.input_ids) for row in self.train_dataset.rows]
        pairs = [row.pair for row in self.train_dataset.rows]
        return LengthGroupedSampler(lengths, rows_of_a_pass(self.args), self.args.seed, pairs)
