"""TRL's GRPO trainer, fed with dialogues: the same graph as everywhere else, token ids as sampled.

What is TRL's stays TRL's: group advantages, clipping, loss types, optimiser, vLLM. Added here are the dialogues, the mask
over the student's tokens, rewards out of traces, credit by turn, and leaving out what cannot change the weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from trl.trainer.grpo_trainer import GRPOTrainer

from sml_agents.errors import TrainingError
from sml_agents.training.episodes import Episode
from sml_agents.training.live import Generator, TrlGenerator
from sml_agents.training.rewards import dialogue_reward, turn_advantages, turn_returns, turn_rewards
from sml_agents.training.rollouts import Rollouts

__all__ = ["DialogueGRPOTrainer"]

ORDER = "task_order.json"
"""In each checkpoint: which tasks were drawn, and how they were solved."""

_MEANS = ("grpo", "sapo", "bnpo", "dr_grpo", "luspo")
"""Losses that are a mean over what is in the batch; the others divide by a number fixed before."""


class DialogueGRPOTrainer(GRPOTrainer):
    """Trains on dialogues that `rollouts` holds; set `rollouts` and `generator` before `train()`.

    Args:
        weights: reward terms by name (`rewards.TERMS`), and what each counts.
        gamma: discount for each further student turn.
        by_turn: give every turn its own return instead of the dialogue's reward.
    """

    rollouts: Rollouts
    generator: Generator

    def __init__(self, *, weights: dict[str, float], gamma: float, by_turn: bool, tasks: int, **kwargs: Any) -> None:
        import datasets

        self.weights, self.gamma, self.by_turn = weights, gamma, by_turn
        self.episodes: list[Episode] = []
        self.flat_groups = self.groups = 0
        """Groups so far whose rewards did not differ, and all groups."""
        self.seconds = {"generate": 0.0, "forward": 0.0, "backward": 0.0}
        # The rows only count: which tasks a step takes is the rollouts' business.
        rows = datasets.Dataset.from_dict({"prompt": [[{"role": "user", "content": ""}]] * tasks})
        kwargs["args"].reward_weights = list(weights.values())
        super().__init__(
            reward_funcs=[_named(name) for name in weights], rollout_func=self._hold, train_dataset=rows, **kwargs
        )

    def _send_telemetry(self) -> None:
        """TRL reports each run to its makers; a training run here stays on this machine."""

    # --- dialogues ------------------------------------------------------------------------------------------------

    def _hold(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        with self._evaluating():
            busy = self.generator.busy_seconds
            self.generator.forget()
            place = {"process": self.accelerator.process_index, "processes": self.accelerator.num_processes}
            self.episodes = self.rollouts.hold(self.state.global_step, len(prompts), **place)
            self.seconds["generate"] += self.generator.busy_seconds - busy
        self._count_groups()
        return {
            "prompt_ids": [episode.prompt_ids for episode in self.episodes],
            "completion_ids": [episode.completion_ids for episode in self.episodes],
            "env_mask": [episode.mask for episode in self.episodes],
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
            self.generator.forget()
            self.model.train(training)

    def _count_groups(self) -> None:
        """Tell the task order how each group ended, and count groups without a signal."""
        ended = gather_object([(episode.trace.task, episode.trace.solved) for episode in self.episodes])
        size = self.rollouts.group
        for at in range(0, len(ended), size):
            scored = [solved for _, solved in ended[at : at + size] if solved is not None]
            self.rollouts.order.record(ended[at][0], sum(scored), len(scored))

    def _sampling_logprobs(self) -> list[list[float]] | None:
        """vLLM's log-probability of each sampled token; 0 for the others, which the mask takes out."""
        if not isinstance(self.generator, TrlGenerator) or not self.generator.logprobs:
            return None
        rows: list[list[float]] = []
        for episode in self.episodes:
            row = [0.0] * len(episode.completion_ids)
            for turn in episode.trace.student_turns:
                prompt, ids = turn.prompt_ids or (), turn.completion_ids or ()
                start = len(prompt) - len(episode.prompt_ids)
                row[start : start + len(ids)] = self.generator.logprobs[(*prompt, *ids)]
            rows.append(row)
        return rows

    # --- rewards and credit ---------------------------------------------------------------------------------------

    def _calculate_rewards(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """(dialogues of all processes, terms); NaN for those that could not be scored."""
        rewards_BR = torch.tensor(
            [
                [_or_nan(dialogue_reward(episode.trace, term, self.gamma)) for term in self.weights]
                for episode in self.episodes
            ],
            device=self.accelerator.device,
        )
        solved = [episode.trace.solved for episode in self.episodes if episode.trace.solved is not None]
        self._log_metric("solved", sum(solved) / max(1, len(solved)))
        self._log_metric("unscored", sum(episode.trace.solved is None for episode in self.episodes))
        self._log_metric("student_turns", sum(len(e.trace.student_turns) for e in self.episodes) / len(self.episodes))
        gathered_BR: torch.Tensor = self.accelerator.gather(rewards_BR)
        weights_R = torch.tensor(list(self.weights.values()), device=gathered_BR.device)
        flat_G = _flat((gathered_BR * weights_R).sum(dim=1).view(-1, self.num_generations))
        self.flat_groups += int(flat_G.sum())
        self.groups += len(flat_G)
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
        for at in range(0, len(self.episodes), self.num_generations):
            group = self.episodes[at : at + self.num_generations]
            returns = [
                None if e.trace.solved is None else turn_returns(turn_rewards(e.trace, self.weights), self.gamma)
                for e in group
            ]
            for episode, values in zip(
                group, turn_advantages(returns, self.gamma, scale=self.scale_rewards != "none"), strict=True
            ):
                by_turn = dict(enumerate(values, start=1))
                row = [by_turn.get(turn, 0.0) for turn in episode.turn_of]
                rows.append(row + [0.0] * (width - len(row)))
        return torch.tensor(rows, device=self.accelerator.device)

    # --- the loss -------------------------------------------------------------------------------------------------

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        began = time.perf_counter()
        share = 1.0
        if self.beta == 0 and not self._entropy_bonus_enabled and not self.aux_loss_enabled:
            inputs, share = informative(inputs, by_tokens=self.loss_type == "bnpo")
        loss: torch.Tensor = super()._compute_loss(model, inputs)
        if self.loss_type in _MEANS:
            loss = loss * share
        if not bool(torch.isfinite(loss)):
            raise TrainingError(
                f"the loss is not a number at step {self.state.global_step + 1} ({loss.item()}): lower "
                "learning_rate or max_grad_norm, or set precision='fp32'"
            )
        self.seconds["forward"] += time.perf_counter() - began
        return loss

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        backward = self.accelerator.backward

        def timed(*args: Any, **kwargs: Any) -> None:
            began = time.perf_counter()
            backward(*args, **kwargs)
            self.seconds["backward"] += time.perf_counter() - began

        self.accelerator.backward = timed

    # --- checkpoints ----------------------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        if self.is_world_process_zero():
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            state = {"order": self.rollouts.order.state(), "groups": self.groups, "flat_groups": self.flat_groups}
            (folder / ORDER).write_text(json.dumps(state), encoding="utf-8")


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


def _named(name: str) -> Any:
    """Gives a reward term its name in TRL's logs; the rewards themselves come from the traces."""

    def term(**_: Any) -> list[float]:
        raise NotImplementedError

    term.__name__ = name
    return term


def _flat(rewards_GN: torch.Tensor) -> torch.Tensor:
    """(groups,): whether the scored rewards of a group are all the same."""
    highest_G = rewards_GN.nan_to_num(nan=-torch.inf).amax(dim=1)
    lowest_G = rewards_GN.nan_to_num(nan=torch.inf).amin(dim=1)
    return highest_G - lowest_G < 1e-8


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
