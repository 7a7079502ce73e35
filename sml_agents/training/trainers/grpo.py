"""TRL's GRPO trainer, fed with dialogues: the same graph as everywhere else, token ids as sampled.

What is TRL's stays TRL's: group advantages, clipping, loss types, optimiser, vLLM. Added here are the dialogues, the
mask over the student's tokens, rewards out of traces, credit by turn, and leaving out what cannot change the weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object  # type: ignore[import-untyped]
from trl.trainer.grpo_trainer import GRPOTrainer

from sml_agents.backends.memory import give_back_freed_memory
from sml_agents.backends.settings import LocalSettings
from sml_agents.errors import InputError
from sml_agents.training.online.policy import PolicyChatModel, PolicyEngine
from sml_agents.training.online.rewards import dialogue_reward, turn_advantages, turn_returns, turn_rewards
from sml_agents.training.online.rollouts import Rollouts
from sml_agents.training.online.trajectories import Trajectory
from sml_agents.training.processes import largest
from sml_agents.training.settings import GRPOSettings
from sml_agents.training.trainers.batches import (
    alike_together,
    flat_groups,
    importance_weights,
    informative,
    rows_that_matter,
    trained_tokens,
)
from sml_agents.training.trainers.callbacks import OptimizerTime
from sml_agents.training.trainers.generator import TrlGenerator
from sml_agents.training.trainers.lm_head import score_trained_tokens_only
from sml_agents.training.trainers.sft import Watched
from sml_agents.training.trainers.shown import show

__all__ = ["DialogueGRPOTrainer"]

ORDER = "task_order.json"
"""In each checkpoint: which tasks were drawn, and how they were solved."""

_NO_TIMEOUT = 1e9
_PHASES = ("generate", "forward", "backward", "optimizer")
_IGNORED = -100
_MEANS = ("grpo", "sapo", "bnpo", "dr_grpo", "luspo")
"""Losses that are a mean over what is in the batch; the others divide by a number fixed before."""


class DialogueGRPOTrainer(Watched, GRPOTrainer):
    """Trains on dialogues that it holds with the weights as they are.

    Args:
        tasks: how many there are; they only count here, which ones a step takes is up to the rollouts.
        make_rollouts: called with the chat model over the weights, and a filler token.
        bf16_copy: generate with a copy of the weights in bfloat16.
        importance_cap: weigh tokens by how likely they were to who sampled them, at most so much; None does not.
        notes: filled in with what became of the groups of dialogues, and where the time went.
    """

    model: Any
    processing_class: Any
    args: Any
    _buffered_inputs: Any

    def __init__(
        self,
        *,
        settings: GRPOSettings,
        tasks: int,
        make_rollouts: Callable[[PolicyChatModel, int], Rollouts],
        bf16_copy: bool,
        importance_cap: float | None = None,
        notes: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        import datasets

        self.weights, self.gamma, self.by_turn = settings.reward_weights, settings.gamma, settings.credit == "turn"
        self.notes = notes
        notes.update(groups=0, flat_groups=0, seconds=dict.fromkeys((*_PHASES, "all"), 0.0))
        self.seconds: dict[str, float] = notes["seconds"]
        self.trajectories: list[Trajectory] = []
        """Of the last round of dialogues."""
        rows = datasets.Dataset.from_dict(
            {"prompt": [[{"role": "user", "content": ""}]] * max(tasks, settings.batch_size)}
        )
        kwargs["args"].reward_weights = list(self.weights.values())
        super().__init__(
            reward_funcs=[_named(name) for name in self.weights],
            rollout_func=self._rollout,
            train_dataset=rows,
            **kwargs,
        )
        if settings.generator == "own" and self.accelerator.num_processes > 1:
            self._refuse_shards()
        if self.ref_model is not None and settings.adapter is not None:
            # TRL loads it by the name of the weights, without the adapter that was merged into those under training.
            self.accelerator.unwrap_model(self.ref_model).load_state_dict(self.model.state_dict())
        score_trained_tokens_only(_base(self.model), entropy=True, temperature=self.temperature)
        self._scored_BT: torch.Tensor | None = None
        """Inside a loss: which tokens of the completions need their log-probabilities."""
        # TRL corrects what vLLM samples itself.
        self.importance_cap = importance_cap if settings.generator == "own" and self.loss_type != "vespo" else None
        self._weighed: dict[str, Any] | None = None
        """Inside a loss: the batch, whose advantages are to be weighed."""
        self.add_callback(OptimizerTime(self.seconds))
        sampling = LocalSettings(
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_tokens,
            batch_size=settings.concurrency,
            timeout=_NO_TIMEOUT,
            decision="greedy",  # a stored threshold would move what is sampled away from the policy
        )
        self.generator: PolicyEngine | TrlGenerator
        if settings.generator == "trl":
            self.generator = TrlGenerator(self, self.processing_class)
        else:
            self.model.eval()  # the engine tries the model out when it starts
            told = self.importance_cap is not None
            self.generator = PolicyEngine(self.model, self.processing_class, sampling, bf16=bf16_copy, logprobs=told)
        model = PolicyChatModel.over(self.generator, settings.model, sampling)
        self.rollouts = make_rollouts(model, self.processing_class.pad_token_id)

    def _refuse_shards(self) -> None:
        """Dialogues of different processes take their turns at different times: nothing that all must call together
        fits. What spreads the weights is accelerate's to say, whoever configured it."""
        for name, enabled in (("FSDP", self.is_fsdp_enabled), ("DeepSpeed", self.is_deepspeed_enabled)):
            if enabled:
                raise InputError(f"weights spread by {name} need generator: trl with use_vllm: true")

    def train(self, *args: Any, **kwargs: Any) -> Any:
        self._began = time.perf_counter()
        try:
            return super().train(*args, **kwargs)
        finally:
            self.seconds["all"] += time.perf_counter() - self._began
            self.generator.stop()
            self.rollouts.close()

    def _rollout(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        with self._evaluating():
            busy = self.generator.busy_seconds
            self.generator.refresh()
            place = {"process": self.accelerator.process_index, "processes": self.accelerator.num_processes}
            self.trajectories = self.rollouts.run(self.state.global_step, len(prompts), **place)
            self.seconds["generate"] += self.generator.busy_seconds - busy
        self._count_groups()
        return {
            "prompt_ids": [trajectory.prompt_ids for trajectory in self.trajectories],
            "completion_ids": [trajectory.completion_ids for trajectory in self.trajectories],
            "env_mask": [trajectory.mask for trajectory in self.trajectories],
            "logprobs": self._sampling_logprobs(),
        }

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Without dropout and gradient checkpointing, and with the states of generation gone afterwards."""
        training = self.model.training
        self.model.eval()
        try:
            yield
        finally:
            self.generator.rest()
            self.model.train(training)
            # Dialogues are never alike: what one step has left in pieces would not fit the next, and add up.
            give_back_freed_memory()

    def _count_groups(self) -> None:
        """Tell the task order how each group ended, and count groups without a signal."""
        ended = gather_object([(trajectory.trace.task, trajectory.trace.solved) for trajectory in self.trajectories])
        size = self.rollouts.group
        for at in range(0, len(ended), size):
            scored = [solved for _, solved in ended[at : at + size] if solved is not None]
            self.rollouts.order.record(ended[at][0], sum(scored), len(scored))

    def _sampling_logprobs(self) -> list[list[float]] | None:
        """With what log-probability each token was sampled, where the generator says so: 0 for those of others, which
        the mask takes out, and NaN for a dialogue of which it does not say."""
        if all(trajectory.logprobs is None for trajectory in self.trajectories):
            return None
        unknown = float("nan")
        return [one.logprobs or [unknown] * len(one.completion_ids) for one in self.trajectories]

    def _calculate_rewards(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """(dialogues of all processes, terms); NaN for those that could not be scored."""
        rewards_BR = torch.tensor(
            [
                [_or_nan(dialogue_reward(trajectory.trace, term, self.gamma)) for term in self.weights]
                for trajectory in self.trajectories
            ],
            device=self.accelerator.device,
        )
        solved = [trajectory.trace.solved for trajectory in self.trajectories if trajectory.trace.solved is not None]
        self._log_metric("solved", sum(solved) / max(1, len(solved)))
        self._log_metric("unscored", sum(trajectory.trace.solved is None for trajectory in self.trajectories))
        self._log_metric(
            "student_turns", sum(len(e.trace.student_turns) for e in self.trajectories) / len(self.trajectories)
        )
        gathered_BR: torch.Tensor = self.accelerator.gather(rewards_BR)
        weights_R = torch.tensor(list(self.weights.values()), device=gathered_BR.device)
        flat_G = flat_groups((gathered_BR * weights_R).sum(dim=1).view(-1, self.rollouts.group))
        self.notes["flat_groups"] += int(flat_G.sum())
        self.notes["groups"] += len(flat_G)
        self._log_metric("flat_groups", int(flat_G.sum()))
        return gathered_BR

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if self.by_turn:
            output["advantages"] = self._advantages_by_turn(output["completion_ids"].shape[1])
        return output

    def _advantages_by_turn(self, width: int) -> torch.Tensor:
        """(B, T): the advantage of each token's turn."""
        rows: list[list[float]] = []
        for at in range(0, len(self.trajectories), self.rollouts.group):
            group = self.trajectories[at : at + self.rollouts.group]
            returns = [
                None if e.trace.solved is None else turn_returns(turn_rewards(e.trace, self.weights), self.gamma)
                for e in group
            ]
            for trajectory, values in zip(
                group, turn_advantages(returns, self.gamma, scale=self.scale_rewards != "none"), strict=True
            ):
                by_turn = dict(enumerate(values, start=1))
                row = [by_turn.get(turn, 0.0) for turn in trajectory.turn_of]
                rows.append(row + [0.0] * (width - len(row)))
        return torch.tensor(rows, device=self.accelerator.device)

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        before = self._buffered_inputs
        inputs = super()._prepare_inputs(generation_batch)
        one_step = self.args.steps_per_generation == self.args.gradient_accumulation_steps
        if self._buffered_inputs is before or not one_step or self.loss_type == "bnpo":
            return inputs
        self._buffered_inputs = alike_together(self._buffered_inputs)
        return self._buffered_inputs[self._step % self.args.steps_per_generation]

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        began = time.perf_counter()
        share = 1.0
        if self.beta == 0 and not self._entropy_bonus_enabled and not self.aux_loss_enabled:
            # TRL gathers figures of each row.
            rows = max(1, largest(rows_that_matter(inputs)))
            inputs, share = informative(inputs, at_least=rows, by_tokens=self.loss_type == "bnpo")
        self._scored_BT = None if self.aux_loss_enabled else trained_tokens(inputs)
        if self.importance_cap is not None and "sampling_per_token_logps" in inputs:
            self._weighed = inputs = dict(inputs)  # a batch that is used again is weighed anew
        try:
            loss: torch.Tensor = super()._compute_loss(model, inputs)  # type: ignore[no-untyped-call]
        finally:
            self._scored_BT = self._weighed = None
        if self.loss_type in _MEANS:
            loss = loss * share
        self.seconds["forward"] += time.perf_counter() - began
        return loss

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, logits_to_keep: int, **rest: Any
    ) -> Any:
        """In a loss only the student's tokens are scored: what the teacher says is masked out of it anyway."""
        if self._scored_BT is None:
            found = super()._get_per_token_logps_and_entropies(model, input_ids, attention_mask, logits_to_keep, **rest)
        else:
            labels_BT = torch.full_like(input_ids, _IGNORED)
            completion_BT = input_ids[:, -logits_to_keep:]
            labels_BT[:, -logits_to_keep:] = completion_BT.masked_fill(self._scored_BT == 0, _IGNORED)
            with self.accelerator.autocast():
                outputs = model(
                    input_ids=input_ids, attention_mask=attention_mask, labels=labels_BT, fused_lm_head=True
                )
            found = outputs.log_probs[:, -logits_to_keep:], outputs.entropy[:, -logits_to_keep:], None
        if self._weighed is not None:
            self._weigh(found[0], self._weighed)
        return found

    def _weigh(self, logprobs_BT: torch.Tensor, inputs: dict[str, Any]) -> None:
        """Multiply the advantages by the importance weights: every loss is linear in them, as long as they keep their
        sign. The loss takes them out of `inputs` after it has the log-probabilities."""
        assert self.importance_cap is not None
        mask_BT = trained_tokens(inputs)
        now_BT = inputs.get("old_per_token_logps")
        weights_BT = importance_weights(
            logprobs_BT if now_BT is None else now_BT,
            inputs["sampling_per_token_logps"],
            mask_BT,
            self.importance_cap,
        )
        advantages = inputs["advantages"]
        inputs["advantages"] = (advantages if advantages.dim() > 1 else advantages[:, None]) * weights_BT
        if count := int(mask_BT.sum()):
            kept = weights_BT[mask_BT > 0]
            # What `_log_metric` is given in a loss would stand in the log of the next step.
            logged = self._metrics["train" if self.model.training else "eval"]
            logged["importance"].append(float(kept.sum()) / count)
            logged["importance_capped"].append(float((kept >= self.importance_cap).float().mean()))

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        backward = self.accelerator.backward

        def timed(*args: Any, **kwargs: Any) -> None:
            began = time.perf_counter()
            backward(*args, **kwargs)
            self.seconds["backward"] += time.perf_counter() - began

        self.accelerator.backward = timed

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        super().log(logs, start_time)
        if self.is_world_process_zero() and "loss" in logs:
            shown = [trajectory.trace for trajectory in self.trajectories]
            show(self.callback_handler.callbacks, self.state.global_step, shown)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call]
        if self.is_world_process_zero():
            folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
            seconds = {**self.seconds, "all": self.seconds["all"] + time.perf_counter() - self._began}
            counts = {"groups": self.notes["groups"], "flat_groups": self.notes["flat_groups"], "seconds": seconds}
            state = {"order": self.rollouts.order.state(), "counts": counts}
            (folder / ORDER).write_text(json.dumps(state), encoding="utf-8")

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[no-untyped-call]
        if checkpoint is not None:
            state = json.loads((Path(checkpoint) / ORDER).read_text(encoding="utf-8"))
            self.rollouts.order.restore(state["order"])
            counts: dict[str, Any] = state["counts"]
            self.seconds.update(counts.pop("seconds", {}))
            self.notes.update(counts)


def _base(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "peft_config") else model


def _named(name: str) -> Any:
    """Gives a reward term its name in TRL's logs; the rewards themselves come from the traces."""

    def term(**_: Any) -> list[float]:
        raise NotImplementedError

    term.__name__ = name
    return term


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
