"""What reinforcement learning on dialogues takes: tokens, memory and hours, worked out before a GPU is rented.

    python -m sml_agents.training.sizing --parameters 12e9 --group 8 --turns 4 --tasks 2000

Arithmetic, not a measurement: every assumption is a field of `Plan`, and is printed with the result.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.errors import InputError, complaint
from sml_agents.text.markdown import markdown_table

__all__ = ["CARDS", "Card", "Plan", "Sized", "describe", "size"]

Method = Literal["full", "lora", "qlora"]
_GB = 1e9


class Card(BaseModel):
    """A GPU, as its maker describes it."""

    model_config = ConfigDict(frozen=True)

    name: str
    memory_gb: float
    teraflops: float
    """Dense, in bf16."""
    terabytes: float
    """Of memory read, a second."""


CARDS = {
    "4090": Card(name="GeForce RTX 4090", memory_gb=24, teraflops=165, terabytes=1.01),
    "l40s": Card(name="L40S", memory_gb=48, teraflops=362, terabytes=0.864),
    "a100": Card(name="A100 SXM 80 GB", memory_gb=80, teraflops=312, terabytes=2.04),
    "h100": Card(name="H100 SXM", memory_gb=80, teraflops=989, terabytes=3.35),
    "h200": Card(name="H200 SXM", memory_gb=141, teraflops=989, terabytes=4.8),
}


class Plan(BaseModel):
    """What is to be trained, and what is assumed of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parameters: float = Field(default=12e9, ge=1e6)
    group: int = Field(default=8, ge=2)
    """Dialogues on one task."""
    turns: int = Field(default=4, ge=1)
    """Of the student, in every dialogue: those that are solved sooner cost less."""
    tasks: int = Field(default=2000, ge=1)
    epochs: float = Field(default=1.0, gt=0)
    batch: int = Field(default=64, ge=2)
    """Dialogues in one optimiser step, on all GPUs."""
    gpus: int = Field(default=8, ge=1)
    card: str = "h100"
    method: Method = "full"
    lora_share: float = Field(default=0.01, gt=0, le=1)
    """Of the parameters, those of the adapter."""
    prompt_tokens: int = Field(default=300, ge=1)
    student_tokens: int = Field(default=400, ge=1)
    """In one turn."""
    teacher_tokens: int = Field(default=100, ge=0)
    """In one turn."""
    teacher_generates: bool = True
    """The teacher is a model of the same size on the same GPUs; no: the oracle, or somebody else's."""
    compute_share: float = Field(default=0.35, gt=0, le=1)
    """Of the card's arithmetic that training reaches."""
    memory_share: float = Field(default=0.5, gt=0, le=1)
    """Of the card's bandwidth that generation reaches."""
    micro_batch: int = Field(default=1, ge=1)
    """Dialogues in one pass with gradients, on one GPU; activations are checkpointed."""

    @property
    def width(self) -> float:
        """Of the hidden states: 12 layers x width^2 parameters, 128 times as wide as deep."""
        return float((self.parameters * 128 / 12) ** (1 / 3))

    @property
    def layers(self) -> float:
        return self.width / 128

    @property
    def kv_bytes(self) -> float:
        """Of one token's keys and values in bf16, with a quarter as many heads for them as for queries."""
        return 2 * self.layers * self.width / 4 * 2


class Sized(BaseModel):
    """What comes of a plan. Tokens are those of one optimiser step, memory is that of one GPU in GB."""

    steps: int
    tasks_a_step: float
    generated: int
    """By the student, and the teacher where it generates."""
    read: int
    """Through the model with gradients: prompts and both sides' words."""
    trained: int
    """Of these, the student's, which carry the loss."""
    resident_gb: float
    """Weights, gradients and optimiser."""
    training_gb: float
    """With activations."""
    generating_gb: float
    """With the weights in bf16 and the states of the dialogues."""
    fits: bool
    generating_seconds: float
    training_seconds: float
    hours: float
    gpu_hours: float


def size(plan: Plan) -> Sized:
    """Work it out.

    Raises:
        InputError: an unknown card, or groups that do not fill a step.
    """
    if plan.card not in CARDS:
        raise InputError(f"there is no card {plan.card!r} here: choose one of {', '.join(CARDS)}")
    if plan.batch % plan.group or plan.batch < plan.gpus:
        raise InputError(
            f"a batch of {plan.batch} dialogues must be a multiple of group {plan.group} and give each of {plan.gpus} "
            "GPUs one"
        )
    card, n = CARDS[plan.card], plan.parameters
    steps = math.ceil(plan.tasks * plan.epochs / (plan.batch / plan.group))
    length = plan.prompt_tokens + plan.turns * plan.student_tokens + (plan.turns - 1) * plan.teacher_tokens
    trained = plan.batch * plan.turns * plan.student_tokens
    by_teacher = plan.batch * (plan.turns - 1) * plan.teacher_tokens if plan.teacher_generates else 0
    # Full: 4 bytes each for weight and gradient, 8 for Adam's moments, spread over all GPUs. An adapter has the same,
    # and its base lies on each: in bf16, in which it generates, too, or in NF4 with its scales.
    base = {"full": 0.0, "lora": 2 * n, "qlora": 0.56 * n}[plan.method]
    resident = 16 * n / plan.gpus if plan.method == "full" else base + 16 * plan.lora_share * n
    # arXiv 2205.05198, equation 2, for one layer at a time; the input of each is kept.
    activations = plan.micro_batch * length * plan.width * (4 * plan.layers + 34)
    at_once = math.ceil(plan.batch / plan.gpus)
    states = at_once * length * plan.kv_bytes
    copy = 0.0 if plan.method == "lora" else 2 * n
    # A pass of generation reads all weights, and the states of all dialogues, which are half as long on average.
    pass_seconds = (2 * n + states / 2) / (card.terabytes * 1e12 * plan.memory_share)
    passes = plan.turns * plan.student_tokens
    passes += (plan.turns - 1) * plan.teacher_tokens if plan.teacher_generates else 0
    # Forward 2, backward 4, and the forward again for the checkpoints: 8 operations for each parameter and token; those
    # of frozen weights need no gradient of their own.
    operations = (8 if plan.method == "full" else 6) * n * plan.batch * length
    training = operations / (plan.gpus * card.teraflops * 1e12 * plan.compute_share)
    # What is read of prompts and the other side while generating: one forward.
    read_in = 2 * n * plan.batch * length / (plan.gpus * card.teraflops * 1e12 * plan.compute_share)
    generating = passes * pass_seconds + read_in
    hours = steps * (generating + training) / 3600
    most = max(resident + activations, resident + copy + states)
    return Sized(
        steps=steps,
        tasks_a_step=plan.batch / plan.group,
        generated=trained + by_teacher,
        read=plan.batch * length,
        trained=trained,
        resident_gb=round(resident / _GB, 1),
        training_gb=round((resident + activations) / _GB, 1),
        generating_gb=round((resident + copy + states) / _GB, 1),
        fits=most / _GB < 0.9 * card.memory_gb,
        generating_seconds=round(generating, 1),
        training_seconds=round(training, 1),
        hours=round(hours, 2),
        gpu_hours=round(hours * plan.gpus, 1),
    )


def describe(plan: Plan) -> str:
    """The plan, its assumptions and what comes of it, as a table."""
    sized, card = size(plan), CARDS[plan.card]
    room = "fits" if sized.fits else "does NOT fit"
    by_whom = " by a model of the same size" if plan.teacher_generates else ""
    shape = f"{plan.layers:.0f} layers of {plan.width:,.0f}"
    rows = [
        ("model", f"{plan.parameters / 1e9:g}B parameters, {plan.method}"),
        (
            "GPUs",
            f"{plan.gpus} x {card.name} ({card.memory_gb:g} GB, {card.teraflops:g} TFLOP/s, {card.terabytes:g} TB/s)",
        ),
        ("a step", f"{plan.batch} dialogues: {plan.group} on each of {sized.tasks_a_step:g} tasks"),
        ("steps", f"{sized.steps:,} ({plan.tasks:,} tasks, {plan.epochs:g} epochs)"),
        ("generated a step", f"{sized.generated:,} tokens"),
        ("trained a step", f"{sized.read:,} tokens read with gradients, {sized.trained:,} of them carry the loss"),
        ("memory of each GPU", f"{sized.training_gb:g} GB training, {sized.generating_gb:g} GB generating: {room}"),
        ("time of a step", f"{sized.generating_seconds:g} s generating, {sized.training_seconds:g} s training"),
        ("in all", f"{sized.hours:g} hours, {sized.gpu_hours:g} GPU hours"),
        (
            "assumed",
            f"{plan.turns} turns in every dialogue, {plan.prompt_tokens} tokens of prompt, {plan.student_tokens} a "
            f"student turn, {plan.teacher_tokens} a teacher turn{by_whom}",
        ),
        (
            "assumed",
            f"{plan.compute_share:.0%} of the arithmetic in training, {plan.memory_share:.0%} of the bandwidth in "
            f"generating, micro batches of {plan.micro_batch}, checkpointing, {shape}",
        ),
    ]
    return markdown_table(("", ""), rows)


def main(arguments: Sequence[str] | None = None) -> str:
    """The table for a plan given as --name value."""
    parser = argparse.ArgumentParser(prog="python -m sml_agents.training.sizing", description=__doc__)
    for name, field in Plan.model_fields.items():
        choices = {"card": list(CARDS), "method": list(get_args(Method))}.get(name)
        parser.add_argument(f"--{name.replace('_', '-')}", default=field.default, choices=choices, metavar=name.upper())
    try:
        return describe(Plan.model_validate(vars(parser.parse_args(arguments))))
    except ValidationError as error:
        where, why = complaint(error)
        raise InputError(f"--{where.replace('_', '-')}: {why}") from error


if __name__ == "__main__":
    try:
        print(main())
    except InputError as error:
        raise SystemExit(str(error)) from None
