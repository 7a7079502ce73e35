"""The model under training as a chat model: what it says is sampled from its weights as they are now.

Two generators stand behind it. `LiveEngine` is the project's own batched engine on the trainer's very module, or in
bfloat16 on a copy that is brought up to date before each round. `TrlGenerator` hands each round of turns to TRL's
generator: that is the way to vLLM, and to models whose weights are spread over several GPUs.
"""

from __future__ import annotations

import asyncio
import copy
import time
from concurrent.futures import Future
from typing import Any, Protocol

import torch

from sml_agents.backends.chat_format import ChatFormat
from sml_agents.backends.engine import Completion, Engine, Job
from sml_agents.backends.local import TransformersChatModel
from sml_agents.backends.settings import LocalSettings
from sml_agents.errors import BackendError

__all__ = ["Generator", "LiveChatModel", "LiveEngine", "TrlGenerator"]

_ROUND_SECONDS = 0.02
"""A round of turns is complete when no further one has come for so long."""


class Generator(Protocol):
    """What answers the calls of a `LiveChatModel`."""

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


class LiveChatModel(TransformersChatModel):
    """A local chat model whose calls go to a generator that somebody else owns; nothing is loaded for it."""

    @classmethod
    def over(cls, generator: Generator, name: str, settings: LocalSettings) -> LiveChatModel:
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


class LiveEngine:
    """The project's engine on the weights under training, which must be in evaluation mode whenever a call runs.

    A trainer that computes in bfloat16 rounds its float32 weights in every pass. Generation has hundreds of passes for
    one of training's, so `bf16` rounds them once, into a copy.
    """

    def __init__(self, model: Any, tokenizer: Any, settings: LocalSettings, *, bf16: bool) -> None:
        self._model = model
        self._own = _rounded(model) if bf16 else model
        self._engine = Engine("model under training", lambda: (self._own, tokenizer), settings)

    @property
    def alive(self) -> bool:
        return self._engine.alive

    @property
    def busy_seconds(self) -> float:
        return self._engine.busy_seconds

    def submit(self, job: Job) -> Future[Completion]:
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
        self._engine.stop()


def _rounded(model: Any) -> Any:
    """A copy in bfloat16 that only ever generates."""
    patched = model.get_base_model() if hasattr(model, "peft_config") else model
    # TRL's head, which holds on to the original's weights.
    forward = vars(patched).pop("forward", None)
    try:
        own = copy.deepcopy(model).to(torch.bfloat16)
    finally:
        if forward is not None:
            patched.forward = forward
    return own.requires_grad_(False).eval()


class TrlGenerator:
    """TRL's own generator (transformers or vLLM) for dialogues that run on the event loop of the calling thread.

    Turns that come together are generated together; the loop stands still meanwhile, as the dialogues would anyway.
    Sampling is what the trainer was configured with. After vLLM, `logprobs` holds what it says of each reply, by the
    ids of prompt and reply.
    """

    def __init__(self, trainer: Any, tokenizer: Any) -> None:
        self.trainer = trainer
        self.format = ChatFormat(tokenizer, "the model under training")
        self.alive = True
        self.busy_seconds = 0.0
        self.logprobs: dict[tuple[int, ...], list[float]] = {}
        self._waiting: list[Job] = []
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, job: Job) -> Future[Completion]:
        """Queue `job` for the next round."""
        self._waiting.append(job)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_ROUND_SECONDS, self._generate)
        return job.future

    def refresh(self) -> None:
        self.logprobs.clear()

    def rest(self) -> None:
        """Nothing: TRL looks after its own memory, and the log-probabilities are still needed."""

    def stop(self) -> None:
        self.alive = False

    def _generate(self) -> None:
        jobs, self._waiting, self._timer = self._waiting, [], None
        prompts: list[list[int]] = []
        for job in list(jobs):
            try:
                encoded = self.format.encode_after(job.tokens, job.messages) if job.tokens else None
                prompts.append(encoded or self.format.encode(job.messages))
            except Exception as error:
                jobs.remove(job)
                job.failed(error)
        if not jobs:
            return
        began = time.perf_counter()
        try:
            replies, logprobs = self.trainer._generate_single_turn(prompts, None, {}, num_generations=1)
        except Exception as error:
            for job in jobs:
                job.failed(BackendError(f"TRL's generator failed: {error}"))
            return
        finally:
            self.busy_seconds += time.perf_counter() - began
        ends = set(self.trainer.eos_token_ids)
        for place, (job, prompt, ids) in enumerate(zip(jobs, prompts, replies, strict=True)):
            if logprobs is not None:
                self.logprobs[(*prompt, *ids)] = logprobs[place]
            finish = "stop" if ids and ids[-1] in ends else "length"
            job.done(Completion(prompt, list(ids), self.format.decode(ids), finish))
