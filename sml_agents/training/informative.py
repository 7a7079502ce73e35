"""Which groups and rows of a GRPO batch can change the weights."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["flat_groups", "informative"]


def flat_groups(rewards_GN: torch.Tensor) -> torch.Tensor:
    """(groups,): whether the scored rewards of a group are all the same."""
    highest_G = rewards_GN.nan_to_num(nan=-torch.inf).amax(dim=1)
    lowest_G = rewards_GN.nan_to_num(nan=torch.inf).amin(dim=1)
    return highest_G - lowest_G < 1e-8


def informative(inputs: dict[str, Any], *, by_tokens: bool = False) -> tuple[dict[str, Any], float]:
    """The rows of a batch whose advantage is not 0, without padding that only others needed; and their share.

    The rest adds nothing to the loss (without a KL term or an entropy bonus), and costs as much. One row is kept in any
    case, so that every process calls the model. The share is of the rows, or of the trained tokens.
    """
    advantages, completion_mask = inputs["advantages"], inputs["completion_mask"]
    mask_BT = completion_mask * inputs.get("tool_mask", completion_mask)
    matters_B = (advantages.reshape(len(advantages), -1) != 0).any(dim=1) & (mask_BT != 0).any(dim=1)
    if not bool(matters_B.any()):
        matters_B = torch.zeros_like(matters_B)
        matters_B[completion_mask.sum(dim=1).argmin()] = True
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
