"""The model under training as a chat model: what it says is sampled from its weights as they are now.

Two generators can stand behind it. `PolicyEngine` is the project's own batched engine on the trainer's very module, or
in bfloat16 on a copy that is brought up to date before each round; `trainers.generator` hands each round to TRL's.
"""

from __future__ import annotations

import copy
from concurrent.futures import Future
from typing import Any, Protocol

import torch

from sml_agents.backends.engine import Completion, Engine, Job
from sml_agents.backends.local import TransformersChatModel
from sml_agents.backends.settings import LocalSettings
from sml_agents.errors import BackendError

__all__ = ["Generator", "PolicyChatModel", "PolicyEngine"]


class Generator(Protocol):
    """What answers the calls of a `PolicyChatModel`."""

    @property
    def alive(self) -> bool: ...

    @property
    def busy_seconds(self) -> float: ...

    def submit(self, job: Job) -> Future[Completion]: ...

    def refresh(self) -> None:
        """Take over the weights as they are now; called before each round of dialogues."""
        ...

    def rest(self) -> None:
        """Let go of what a round has left in memory."""
        ...

    def stop(self) -> None: ...


class PolicyChatModel(TransformersChatModel):
    """A local chat model whose calls go to a generator that somebody else owns; nothing is loaded for it."""

    @classmethod
    def over(cls, generator: Generator, name: str, settings: LocalSettings) -> PolicyChatModel:
        """`name` is what the traces call the model."""
        model = cls(model=name, settings=settings)
        model._engine = generator  # type: ignore[assignment]
        return model

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "backend": "live"}

    def _submit(self, job: Job) -> Any:
        if self._engine is None or not self._engine.alive:
            raise BackendError("The model under training is not there any more: training has ended.")
        self._budget.spend_call()
        return self._engine.submit(job)


class PolicyEngine:
    """The project's engine on the weights under training, which must be in evaluation mode whenever a call runs.

    A trainer that computes in bfloat16 rounds its float32 weights in every pass. Generation has hundreds of passes for
    one of training's, so `bf16` rounds them once, into a copy. What it samples is then not quite what the weights
    under training would: `logprobs` has every reply say how likely each token was.
    """

    def __init__(
        self, model: Any, tokenizer: Any, settings: LocalSettings, *, bf16: bool, logprobs: bool = False
    ) -> None:
        self._logprobs = logprobs
        self._model = model
        self._own = own = _rounded(model) if bf16 else model
        # Not `self._own`: the engine's thread holds on to this function, and must not hold on to who owns the engine.
        self._engine = Engine("model under training", lambda: (own, tokenizer), settings)

    @property
    def alive(self) -> bool:
        return self._engine.alive

    @property
    def busy_seconds(self) -> float:
        return self._engine.busy_seconds

    def submit(self, job: Job) -> Future[Completion]:
        job.logprobs = self._logprobs
        return self._engine.submit(job)

    def refresh(self) -> None:
        if self._own is not self._model:
            with torch.no_grad():
                for mine, theirs in zip(self._own.parameters(), self._model.parameters(), strict=True):
                    mine.copy_(theirs)
        self._engine.forget()

    def rest(self) -> None:
        self._engine.forget()

    def stop(self) -> None:
        self._engine.stop(wait=True)


def _rounded(model: Any) -> Any:
    """A copy in bfloat16 that only ever generates."""
    patched = model.get_base_model() if hasattr(model, "peft_config") else model
    # TRL's head, which holds on to the original's weights.
    forward = vars(patched).pop("forward", None)
    try:
        own = copy.deepcopy(model)
    finally:
        if forward is not None:
            patched.forward = forward
    for weights in own.parameters():  # not the buffers: angles of positions are no weights, and stay what they were
        weights.data = weights.data.to(torch.bfloat16)
    return own.requires_grad_(False).eval()
