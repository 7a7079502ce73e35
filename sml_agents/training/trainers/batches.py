"""Which groups and rows of a GRPO batch can change the weights, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

__all__ = [
    "alike_together",
    "flat_groups",
    "importance_weights",
    "informative",
    "rows_that_matter",
    "trained_tokens",
]


def flat_groups(rewards_GN: torch.Tensor) -> torch.Tensor:
    """(groups,): whether the scored rewards of a group are all the same."""
    highest_G = rewards_GN.nan_to_num(nan=-torch.inf).amax(dim=1)
    lowest_G = rewards_GN.nan_to_num(nan=torch.inf).amin(dim=1)
    return highest_G - lowest_G < 1e-8


def rows_that_matter(inputs: dict[str, Any]) -> int:
    """How many rows of a batch can change the weights."""
    return int(_matters(inputs).sum())


def informative(inputs: dict[str, Any], *, at_least: int = 1, by_tokens: bool = False) -> tuple[dict[str, Any], float]:
    """The rows of a batch whose advantage is not 0, without padding that only others needed; and their share.

    The rest adds nothing to the loss (without a KL term or an entropy bonus), and costs as much. Its shortest rows fill
    up to `at_least`: every process has to call the model, with as many rows as the others. The share is of the rows, or
    of the trained tokens.
    """
    advantages, completion_mask = inputs["advantages"], inputs["completion_mask"]
    mask_BT = trained_tokens(inputs)
    matters_B = _matters(inputs)
    missing = at_least - int(matters_B.sum())
    if missing > 0:
        shortest_B = completion_mask.sum(dim=1).argsort(stable=True)
        matters_B = matters_B.index_fill(0, shortest_B[~matters_B[shortest_B]][:missing], True)
    rows, width = len(advantages), completion_mask.shape[1]
    share = (mask_BT[matters_B].sum() / mask_BT.sum().clamp(min=1)) if by_tokens else matters_B.float().mean()
    kept = {
        name: value[matters_B] if torch.is_tensor(value) and value.dim() and len(value) == rows else value
        for name, value in inputs.items()
    }
    first = int(kept["prompt_mask"].any(dim=0).int().argmax())
    last = int(kept["completion_mask"].sum(dim=1).max())
    for name, value in kept.items():
        if name in ("prompt_ids", "prompt_mask"):
            kept[name] = value[:, first:]
        elif torch.is_tensor(value) and value.dim() == 2 and value.shape[1] == width:
            kept[name] = value[:, :last]
    return kept, float(share)


def alike_together(batches: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The micro batches of one optimiser step with their rows dealt out anew: those of like length in one micro batch,
    and those that change nothing in the last ones.

    A dialogue solved in the first turn is a quarter as long as one that was never solved, and a micro batch costs as
    much as its longest row for each. For losses that sum over rows, so that it does not matter with whom a row goes.
    """
    whole = {
        name: torch.cat([batch[name] for batch in batches]) if torch.is_tensor(value) and value.dim() else value
        for name, value in batches[0].items()
    }
    lengths_B = whole["prompt_mask"].sum(dim=1) + whole["completion_mask"].sum(dim=1)
    order_B = (lengths_B * _matters(whole)).argsort(descending=True, stable=True)
    parts = order_B.chunk(len(batches))
    rows = len(order_B)
    return [
        {
            name: value[part] if torch.is_tensor(value) and value.dim() and len(value) == rows else value
            for name, value in whole.items()
        }
        for part in parts
    ]


def importance_weights(
    logprobs_BT: torch.Tensor, sampled_BT: torch.Tensor, mask_BT: torch.Tensor, cap: float
) -> torch.Tensor:
    """(B, T): how much likelier each token is under the weights than it was where it was sampled, at most `cap`; 1
    outside the mask, and where it is not known (NaN).

    Truncated importance sampling (Ionides, 2008): what rounds weights to generate with samples from another policy
    than the one that learns, which no clipping against the learner's own past can see.
    """
    ratio_BT = (logprobs_BT.detach() - sampled_BT).exp().clamp(max=cap)
    return torch.where((mask_BT > 0) & ~sampled_BT.isnan(), ratio_BT, 1.0)


def trained_tokens(inputs: dict[str, Any]) -> torch.Tensor:
    """(B, T): 1 on the student's tokens of each completion."""
    completion_mask: torch.Tensor = inputs["completion_mask"]
    student_BT: torch.Tensor = inputs.get("tool_mask", completion_mask)
    return completion_mask * student_BT


def _matters(inputs: dict[str, Any]) -> torch.Tensor:
    """(B,): whether the row's loss has a gradient."""
    advantages = inputs["advantages"]
    matters_B: torch.Tensor = (advantages.reshape(len(advantages), -1) != 0).any(dim=1)
    return matters_B & (trained_tokens(inputs) != 0).any(dim=1)
