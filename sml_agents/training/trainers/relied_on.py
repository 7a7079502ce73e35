"""What training builds on that TRL and transformers do not promise: names with an underscore, and their like.

All of it is used in this package and nowhere else. TRL may rename any of it in a minor release, so `pyproject.toml`
pins TRL below the next one, a test asks for each name, and a run with another TRL says which one is gone.
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module, metadata
from typing import Any

from sml_agents.errors import TrainingError

__all__ = ["RELIED_ON", "check", "missing"]

_GRPO = "trl.trainer.grpo_trainer.GRPOTrainer"
RELIED_ON: dict[str, tuple[str, ...]] = {
    _GRPO: (
        "_buffered_inputs",
        "_calculate_rewards",
        "_compute_loss",
        "_entropy_bonus_enabled",
        "_generate_and_score_completions",
        "_generate_single_turn",
        "_get_per_token_logps_and_entropies",
        "_log_metric",
        "_metrics",
        "_prepare_inputs",
        "_send_telemetry",
        "_step",
        "aux_loss_enabled",
        "eos_token_ids",
        "rollout_func",
        "scale_rewards",
        "temperature",
    ),
    "trl.trainer.sft_trainer.SFTTrainer": ("_get_eval_sampler", "_get_train_sampler", "_send_telemetry"),
    "trl.trainer.sft_trainer.DataCollatorForLanguageModeling": ("torch_call",),
    "trl.trainer.dpo_trainer.DPOTrainer": ("_get_train_sampler", "_prepare_dataset", "_send_telemetry", "ref_model"),
    "trl.trainer.kto_trainer.KTOTrainer": ("_prepare_dataset", "_send_telemetry", "ref_model"),
    "trl.generation.vllm_generation.VLLMGeneration": (
        "_llm_weights_sleeping",
        "enable_sleep_mode",
        "mode",
        "sync_weights",
    ),
    "trl.trainer.utils": ("FusedCausalLMOutput", "entropy_from_logits"),
    "transformers.trainer.Trainer": ("_load_optimizer_and_scheduler", "_save_checkpoint"),
}
"""By class (or module): its methods, the attributes that its constructor sets, its functions."""


def missing() -> list[str]:
    """Which of `RELIED_ON` the installed releases do not have."""
    return [f"{place}.{name}" for place, names in RELIED_ON.items() for name in names if not _has(place, name)]


@cache
def check() -> None:
    """Raises TrainingError, naming what is gone, when the installed TRL is not one that training here knows."""
    if gone := missing():
        raise TrainingError(
            f"trl {metadata.version('trl')} has no {', '.join(gone)}, on which training is built: install the release "
            "that 'sml-agents[train]' asks for"
        )


def _has(place: str, name: str) -> bool:
    try:
        found = _find(place)
    except (ImportError, AttributeError):
        return False
    if hasattr(found, name) or not isinstance(found, type):
        return hasattr(found, name)
    return any(f"self.{name} = " in _source(base) for base in found.__mro__)


def _find(place: str) -> Any:
    module, _, name = place.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except AttributeError:
        return import_module(place)


@cache
def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # built in
        return ""
