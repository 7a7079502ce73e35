"""What would be trained, without training: counts, an example with its trained tokens marked, an estimate of memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, SerializeAsAny

from sml_agents.errors import InputError
from sml_agents.training.data import IGNORED, tokenize_rows
from sml_agents.training.masks import DialogueRenderer
from sml_agents.training.nouns import DataCounts, TokenRow, TrainingRow
from sml_agents.training.runtime import (
    chosen_device,
    computes_in_bf16,
    load_tokenizer,
    model_path,
    quiet_libraries,
    settle_threads,
)
from sml_agents.training.settings import SFTSettings, TrainSettings

__all__ = ["Preview", "preview"]

_GB = 1e9
_ACTIVATION_BYTES = 34
"""Per token, layer and hidden unit, in 16-bit training (Korthikanti et al., arXiv 2205.05198, equation 2)."""


class Preview(BaseModel):
    """The answer to a dry run."""

    settings: SerializeAsAny[TrainSettings]
    """With every default filled in."""
    data: DataCounts
    steps: int
    """Optimiser steps, if no time limit ends training before."""
    device: str
    precision: str
    parameters: int
    trained_parameters: int
    memory_gb: float
    """A rough estimate: weights, gradients, Adam's moments, activations and logits of one batch. Libraries and the
    allocator come on top: the embedded model took 4.0 GB where this says 2.8."""
    example: list[tuple[str, bool]]
    """The first row as stretches of text, and whether they are trained."""

    def marked(self, opening: str = "⟦", closing: str = "⟧") -> str:
        """The example with its trained stretches between `opening` and `closing`."""
        return "".join(f"{opening}{text}{closing}" if trained else text for text, trained in self.example)


def preview(rows: Sequence[TrainingRow], settings: SFTSettings) -> Preview:
    """Do all that `train_sft` does before it trains: checks the template's masks and every row, loads no weights.

    Raises:
        InputError, TrainingError: as `train_sft` would.
    """
    settle_threads()
    quiet_libraries()
    tokenizer = load_tokenizer(settings)
    renderer = DialogueRenderer(tokenizer, settings.template_kwargs)
    model = _empty_model(settings)
    config = model.config.get_text_config()
    made, counts = tokenize_rows(
        rows,
        renderer,
        max_length=settings.max_length or config.max_position_embeddings,
        too_long=settings.too_long,
        rows_as=settings.rows_as,
        verbatim=settings.verbatim,
    )
    device = chosen_device(settings)
    bf16 = settings.precision == "bf16" or (settings.precision == "auto" and computes_in_bf16(device))
    total = sum(parameter.numel() for parameter in model.parameters())
    trained = _adapter_size(model, settings) if settings.method == "lora" else total
    steps = settings.max_steps or math.ceil(math.ceil(len(made) / settings.batch_size) * settings.epochs)
    return Preview(
        settings=settings,
        data=counts,
        steps=steps,
        device=device,
        precision="bf16" if bf16 else "fp32",
        parameters=total,
        trained_parameters=trained,
        memory_gb=round(_memory(settings, config, counts, total, trained, bf16=bf16) / _GB, 2),
        example=_stretches(made[0], tokenizer),
    )


def _empty_model(settings: TrainSettings) -> Any:
    """The model's modules without weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    path = model_path(settings.model)
    try:
        config = AutoConfig.from_pretrained(path, trust_remote_code=False)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load a model configuration from {path!r}: {error}") from error


def _adapter_size(model: Any, settings: TrainSettings) -> int:
    from torch import nn

    wanted = settings.lora.target_modules
    head = model.get_output_embeddings()
    return sum(
        settings.lora.r * (module.in_features + module.out_features)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and module is not head
        and (wanted == "all-linear" or name.rpartition(".")[2] in wanted)
    )


def _memory(settings: TrainSettings, config: Any, counts: DataCounts, total: int, trained: int, *, bf16: bool) -> float:
    """Bytes. Weights and, for each trained parameter, gradient and two moments, all fp32; and one micro batch."""
    micro = settings.micro_batch_size or settings.batch_size
    tokens = micro * counts.longest
    per_token = _ACTIVATION_BYTES * config.hidden_size * (1 if bf16 else 2)
    if settings.gradient_checkpointing:
        activations = tokens * (4 * config.hidden_size * config.num_hidden_layers + per_token)
    else:
        activations = tokens * per_token * config.num_hidden_layers
    logits = tokens * counts.trained_tokens / counts.tokens * config.vocab_size * 12
    return float(4 * total + 12 * trained + activations + logits)


def _stretches(row: TokenRow, tokenizer: Any) -> list[tuple[str, bool]]:
    stretches: list[tuple[list[int], bool]] = []
    for token, label in zip(row.input_ids, row.labels, strict=True):
        trained = label != IGNORED
        if not stretches or stretches[-1][1] is not trained:
            stretches.append(([], trained))
        stretches[-1][0].append(token)
    return [(str(tokenizer.decode(ids)), trained) for ids, trained in stretches]
