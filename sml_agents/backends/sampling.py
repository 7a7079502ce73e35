"""Choosing the next token for many rows at once, each with its own settings and its own randomness."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

__all__ = ["Sampler", "choose"]

_NUCLEUS_AT_MOST = 1024
"""A nucleus is looked for among this many tokens first: sorting a whole vocabulary costs more than the model's step."""


@dataclass
class Sampler:
    """How one row samples. The n-th token of a row depends on the n-th number of its own seed, on nothing beside it."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    opening: Mapping[int, float] = field(default_factory=dict)
    """Added to the logits of these tokens where one of them is the likeliest, until the row has one of them. The
    likeliest is then taken, at any temperature."""
    logprobs: list[float] | None = None
    """Gets the logarithm of the probability with which each token was sampled; None: nobody asks."""
    _numbers: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._numbers = random.Random(self.seed)

    def number(self) -> float:
        """The next number in [0, 1)."""
        return self._numbers.random()


def choose(logits_BV: torch.Tensor, samplers: Sequence[Sampler]) -> list[int]:
    """The next token of each row: the likeliest at temperature 0, else a sample by inverting the cumulative
    distribution (restricted to the top-p nucleus, Holtzman et al., arXiv 1904.09751).
    """
    chosen: list[int] = logits_BV.argmax(dim=-1).tolist()
    rows = [row for row, sampler in enumerate(samplers) if sampler.temperature > 0]
    if not rows:
        return chosen
    device = logits_BV.device
    temperatures_R = torch.tensor([samplers[row].temperature for row in rows], device=device)
    numbers_R = torch.tensor([samplers[row].number() for row in rows], dtype=torch.float64, device=device)
    top_p_R = torch.tensor([samplers[row].top_p for row in rows], device=device)
    probs_RV = (logits_BV[rows].float() / temperatures_R[:, None]).softmax(dim=-1)
    asked = any(samplers[row].logprobs is not None for row in rows)
    if (top_p_R < 1).any():
        best_RK, order_RK = probs_RV.topk(min(_NUCLEUS_AT_MOST, probs_RV.shape[-1]), dim=-1)
        if (best_RK.sum(dim=-1) < top_p_R).any():
            best_RK, order_RK = probs_RV.sort(dim=-1, descending=True)
        # A token belongs to the nucleus if those before it do not yet hold top_p.
        before_RK = best_RK.cumsum(dim=-1) - best_RK
        weights_RN = best_RK * (before_RK < top_p_R[:, None])
        places_R = _invert(weights_RN, numbers_R)
        tokens = order_RK.gather(-1, places_R[:, None])[:, 0].tolist()
    else:
        weights_RN = probs_RV
        places_R = _invert(weights_RN, numbers_R)
        tokens = places_R.tolist()
    for row, token in zip(rows, tokens, strict=True):
        chosen[row] = token
    if asked:
        of_all_R = weights_RN.gather(-1, places_R[:, None])[:, 0] / weights_RN.sum(dim=-1)
        for row, logprob in zip(rows, of_all_R.log().tolist(), strict=True):
            if (told := samplers[row].logprobs) is not None:
                told.append(logprob)
    return chosen


def _invert(weights_RN: torch.Tensor, numbers_R: torch.Tensor) -> torch.Tensor:
    """For each row the first place at which the cumulated weights pass its number's share of them."""
    cumulated_RN = weights_RN.double().cumsum(dim=-1)
    targets_R1 = numbers_R[:, None] * cumulated_RN[:, -1:]
    places_R1 = torch.searchsorted(cumulated_RN, targets_R1, right=True)
    return places_R1[:, 0].clamp(max=weights_RN.shape[-1] - 1)
