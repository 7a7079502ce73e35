"""What would be trained, without training: counts, an example with its trained tokens marked, an estimate of memory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, Field, SerializeAsAny

from sml_agents.data.nouns import TrainingRow
from sml_agents.errors import InputError
from sml_agents.training.budget import steps_of
from sml_agents.training.held_out import set_aside
from sml_agents.training.runtime import (
    check_weights,
    chosen_device,
    computes_in_bf16,
    keeps_bf16,
    load_tokenizer,
    quiet_libraries,
    settle_threads,
    weights_of,
)
from sml_agents.training.settings import SFTSettings, TrainSettings
from sml_agents.training.tokens.masks import DialogueRenderer
from sml_agents.training.tokens.nouns import DataCounts, TokenRow
from sml_agents.training.tokens.rows import IGNORED, tokenize_rows

__all__ = ["DryRun", "Preview", "describe", "preview", "stretches"]

_GB = 1e9
_ACTIVATION_BYTES = 34
"""Per token, layer and hidden unit, in 16-bit training (Korthikanti et al., arXiv 2205.05198, equation 2)."""

Stretches = list[tuple[str, bool]]
"""Stretches of text, and whether they are trained."""


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
    example: Stretches
    """The first row."""
    notes: dict[str, Any] = Field(default_factory=dict)
    """What this recipe alone has to say, such as where preference pairs came from."""

    def marked(self, opening: str = "⟦", closing: str = "⟧") -> str:
        """The example with its trained stretches between `opening` and `closing`."""
        return "".join(f"{opening}{text}{closing}" if trained else text for text, trained in self.example)


def describe(plan: Preview) -> str:
    """A dry run in words, to be read before the run: the example comes last."""
    data, settings = plan.data, plan.settings
    millions = f"{plan.trained_parameters / 1e6:,.1f} of {plan.parameters / 1e6:,.1f} million parameters trained"
    told = [
        ("Model", f"{settings.model}, {settings.method}, {millions}"),
        ("Device", f"{plan.device}, {plan.precision}, about {plan.memory_gb} GB"),
        *data.in_words(),
        ("Steps", f"{plan.steps:,} of {data.in_step(settings.batch_size)}"),
    ]
    if sources := plan.notes.get("sources"):
        told.append(("From", ", ".join(f"{count} {name}" for name, count in sources.items())))
    lines = [f"{name.lower():11}{value}" for name, value in told]
    if data.rows_as != "task":
        lines.append("           the template's masks were checked on each row")
    first = "A dialogue" if data.rows_as == "task" else "The first row"
    return "\n".join([*lines, "", f"{first}, with what is trained in brackets:", "", plan.marked()])


class DryRun:
    """All of a training run that needs no weights: tokenizer, template, the model's shape.

    Raises:
        InputError, TrainingError: as training itself would.
    """

    def __init__(self, settings: TrainSettings) -> None:
        settle_threads()
        quiet_libraries()
        check_weights(settings)
        self.settings = settings
        self.tokenizer = load_tokenizer(settings)
        self.renderer = DialogueRenderer(self.tokenizer)
        self.model = _empty_model(settings)
        self.config = self.model.config.get_text_config()

    @property
    def max_length(self) -> int:
        """Tokens that a row may have."""
        return int(self.settings.max_length or self.config.max_position_embeddings)

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids)))

    def plan(
        self,
        counts: DataCounts,
        example: Stretches,
        *,
        steps: int | None = None,
        forward_rows: int = 1,
        reference: bool = False,
        generating_copy: bool = False,
        notes: Mapping[str, Any] | None = None,
    ) -> Preview:
        """The answer.

        Args:
            steps: where it does not follow from the rows.
            forward_rows: sequences in a forward pass for each row.
            reference: whether full fine-tuning keeps a second, frozen model beside the one that is trained.
            generating_copy: whether a CPU that trains in bfloat16 samples from a copy in bfloat16.
        """
        settings = self.settings
        device = chosen_device(settings)
        bf16 = settings.precision == "bf16" or (settings.precision == "auto" and computes_in_bf16(device))
        total = sum(parameter.numel() for parameter in self.model.parameters())
        trained = _adapter_size(self.model, settings) if settings.method == "lora" else total
        beside = (2 if keeps_bf16(settings) else 4) * total if reference and settings.method == "full" else 0
        beside += 2 * total if generating_copy and bf16 and device == "cpu" else 0
        per_epoch = math.ceil(counts.rows / settings.batch_size)
        memory = _memory(settings, self.config, counts, total, trained, bf16=bf16, forward_rows=forward_rows)
        return Preview(
            settings=settings,
            data=counts,
            steps=steps or settings.max_steps or math.ceil(per_epoch * settings.epochs),
            device=device,
            precision="bf16" if bf16 else "fp32",
            parameters=total,
            trained_parameters=trained,
            memory_gb=round((memory + beside) / _GB, 2),
            example=example,
            notes=dict(notes or {}),
        )


def preview(rows: Sequence[TrainingRow], settings: SFTSettings) -> Preview:
    """Do all that `train_sft` does before it trains: checks the template's masks and every row, loads no weights.

    Args:
        rows: see `sml_agents.data.rows`.

    Raises:
        InputError, TrainingError: as `train_sft` would.
    """
    rows, aside = set_aside(rows, settings.eval_share, settings.seed)
    dry = DryRun(settings)
    tokenized = partial(
        tokenize_rows,
        renderer=dry.renderer,
        max_length=dry.max_length,
        too_long=settings.too_long,
        rows_as=settings.rows_as,
        verbatim=settings.verbatim,
    )
    made, counts = tokenized(rows)
    if aside:
        counts.count_aside(tokenized(aside)[1])
    return dry.plan(counts, stretches(made[0], dry.tokenizer), steps=steps_of(settings, counts))


def _empty_model(settings: TrainSettings) -> Any:
    """The model's modules without weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    path, _ = weights_of(settings)
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


def _memory(
    settings: TrainSettings,
    config: Any,
    counts: DataCounts,
    total: int,
    trained: int,
    *,
    bf16: bool,
    forward_rows: int = 1,
) -> float:
    """Bytes. Weights and, for each trained parameter, gradient and two moments; and one micro batch."""
    micro = settings.micro_batch_size or settings.batch_size
    tokens = forward_rows * micro * counts.longest
    per_token = _ACTIVATION_BYTES * config.hidden_size * (1 if bf16 else 2)
    if settings.gradient_checkpointing:
        activations = tokens * (4 * config.hidden_size * config.num_hidden_layers + per_token)
    else:
        activations = tokens * per_token * config.num_hidden_layers
    logits = tokens * counts.trained_tokens / max(1, counts.tokens) * config.vocab_size * 12
    of_weight = {"4bit": 0.5, "8bit": 1.0, None: 2.0 if keeps_bf16(settings) else 4.0}[settings.quantize]
    of_trained = 6 if settings.weights == "bf16" and settings.method == "full" else 12
    return float(of_weight * total + of_trained * trained + activations + logits)


def stretches(row: TokenRow, tokenizer: Any) -> Stretches:
    """A row as text, cut where training begins and ends."""
    found: list[tuple[list[int], bool]] = []
    for token, label in zip(row.input_ids, row.labels, strict=True):
        trained = label != IGNORED
        if not found or found[-1][1] is not trained:
            found.append(([], trained))
        found[-1][0].append(token)
    return [(str(tokenizer.decode(ids)), trained) for ids, trained in found]
