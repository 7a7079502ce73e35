"""TRL's own generator for dialogues: the way to vLLM, and to models whose weights are spread over several GPUs."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from typing import Any

from sml_agents.backends.chat_format import ChatFormat
from sml_agents.backends.engine import Completion, Job
from sml_agents.errors import BackendError

__all__ = ["TrlGenerator"]

_ROUND_SECONDS = 0.02
"""A round of turns is complete when no further one has come for so long."""


class TrlGenerator:
    """TRL's own generator (transformers or vLLM) for dialogues that run on the event loop of the calling thread.

    Turns that come together are generated together; the loop stands still meanwhile, as the dialogues would anyway.
    Sampling is what the trainer was configured with. vLLM says of each token how likely it was. One that sleeps while
    the weights are trained is woken once a step and gets them once: TRL would put it to sleep, and so have it forget
    them, after every round of turns.
    """

    def __init__(self, trainer: Any, tokenizer: Any) -> None:
        self.trainer = trainer
        self.format = ChatFormat(tokenizer, "the model under training")
        self.alive = True
        self.busy_seconds = 0.0
        self._awake: Any = None
        """The vLLM that was woken for this step's dialogues."""
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
        vllm = getattr(self.trainer, "vllm_generation", None)
        if vllm is None or vllm.mode != "colocate" or not vllm.enable_sleep_mode:
            return  # TRL brings the others up to date by itself, once a step
        if vllm._llm_weights_sleeping:
            vllm.sync_weights()
        vllm.llm.wake_up(tags=["kv_cache"])
        vllm.enable_sleep_mode, self._awake = False, vllm

    def rest(self) -> None:
        vllm, self._awake = self._awake, None
        if vllm is not None:
            vllm.enable_sleep_mode = True
            vllm.llm.sleep(level=2)
            vllm._llm_weights_sleeping = True

    def stop(self) -> None:
        self.alive = False

    def _generate(self) -> None:
        jobs, self._waiting, self._timer = self._waiting, [], None
        prompts: list[list[int]] = []
        for job in list(jobs):
            try:
                encoded = self.format.encode_after(job.tokens, job.messages) if job.tokens else None
                prompts.append(encoded or self.format.encode(job.messages, job.tools))
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
            finish = "stop" if ids and ids[-1] in ends else "length"
            told = list(logprobs[place]) if logprobs is not None and None not in logprobs[place] else None
            job.done(Completion(prompt, list(ids), self.format.decode(ids), finish, told))
