"""A language-model head that scores only the tokens that carry loss.

In a dialogue most tokens are the teacher's and the template's. The head of a small model is a large share of its
work (a vocabulary of 49,152 by 576 is a fifth of SmolLM2-135M's weights), so on CPU, where TRL scores every position,
leaving the others out is worth a third of a step.
"""

from __future__ import annotations

import functools
from types import MethodType
from typing import Any

import torch
from torch.nn import functional as F
from trl.trainer.utils import FusedCausalLMOutput, entropy_from_logits

__all__ = ["score_trained_tokens_only"]

MAX_LOGITS = 400_000_000
"""Above this many logits in a batch TRL's chunked head is used, which never holds them all (1.6 GB in fp32)."""

_SCALED_HEADS = ("final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling")


def score_trained_tokens_only(model: Any, *, entropy: bool = False, temperature: float = 1.0) -> None:
    """Patch the forward that a TRL trainer gave `model`, to save work on CPU and to honour a `weights` input.

    `entropy` has it computed, too; otherwise it is 0 on CPU, for it is only ever logged and costs as much as the loss.
    `temperature` divides the logits, as TRL does where tokens were sampled with it.

    `weights` (B, T) are factors on the loss of each token. The loss stays the sum over trained tokens divided by their
    number, as TRL has it.
    """
    fused = model.forward
    config = model.config.get_text_config()
    plain_head = all(getattr(config, name, None) is None for name in _SCALED_HEADS)
    plain_head = plain_head and not getattr(config, "output_router_logits", False)

    @functools.wraps(type(model).forward)
    def forward(self: Any, *args: Any, weights: torch.Tensor | None = None, **kwargs: Any) -> Any:
        if not kwargs.get("fused_lm_head"):
            return fused(*args, **kwargs)
        labels_BT = kwargs["labels"]
        few = int((labels_BT[:, 1:] != -100).sum()) * config.vocab_size <= MAX_LOGITS
        if plain_head and few and labels_BT.device.type == "cpu" and not args:
            outputs = _scored(self, entropy, temperature, **kwargs)
        else:
            outputs = fused(*args, **kwargs)
        if weights is not None:
            log_probs_BT: Any = outputs.log_probs
            outputs.log_probs = log_probs_BT * weights[:, 1:].to(log_probs_BT.dtype)
        return outputs

    model.forward = MethodType(forward, model)


def _scored(
    model: Any,
    entropy: bool,
    temperature: float,
    labels: torch.Tensor,
    fused_lm_head: bool = True,
    num_items_in_batch: Any = None,
    **inputs: Any,
) -> FusedCausalLMOutput:
    inputs["use_cache"] = False
    hidden_BTD = model.base_model(**inputs).last_hidden_state[:, :-1]
    labels_BT = labels[:, 1:]
    mask_BT = labels_BT != -100
    logits_NV = model.get_output_embeddings()(hidden_BTD[mask_BT]).float() / temperature
    log_probs_N = -F.cross_entropy(logits_NV, labels_BT[mask_BT], reduction="none")
    entropy_BT = torch.zeros(mask_BT.shape)
    with torch.no_grad():
        top1_N = logits_NV.argmax(-1) == labels_BT[mask_BT]
        mean_N = logits_NV.mean(-1)
        if entropy:
            entropy_BT = entropy_BT.masked_scatter(mask_BT, entropy_from_logits(logits_NV))
    log_probs_BT = log_probs_N.new_zeros(mask_BT.shape).masked_scatter(mask_BT, log_probs_N)
    total = mask_BT.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
    return FusedCausalLMOutput(
        loss=-log_probs_BT.sum() / total,
        log_probs=log_probs_BT,
        entropy=entropy_BT,
        mean_logits=mean_N.new_zeros(mask_BT.shape).masked_scatter(mask_BT, mean_N),
        is_top1=top1_N.new_zeros(mask_BT.shape).masked_scatter(mask_BT, top1_N),
        label_mask=mask_BT,
    )
