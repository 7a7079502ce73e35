"""Which fields of TRL's configs a recipe takes under `trl:`, and what speaks for each of the others.

    supported  reaches TRL's trainer and has its effect there
    own        a setting of this project decides it, which is named instead
    refused    would be without effect here, or wrong

Nothing is silently without effect. A value that is TRL's default is taken wherever it stands.
"""

from __future__ import annotations

from dataclasses import MISSING
from typing import Any, Literal

from sml_agents.errors import InputError
from sml_agents.training.settings import GRPOSettings, TrainSettings

__all__ = ["OWN", "REFUSED", "check_fields", "standing"]

_NO_EVALUATION = "no rows are set aside here; measure a model with sml-agents eval"
_PREPARED = "rows come tokenised from here"
_PUSH = "checkpoints are not pushed; set hub for the finished model, or push its folder with sml-agents push"
_ENGINE = "generator: own samples without it; set generator: trl"
_MODEL = "the model is loaded here"

_EVALUATED = {
    "do_eval": "eval_share",
    "eval_steps": "eval_every",
    "eval_strategy": "eval_share",
    "load_best_model_at_end": "eval_share",
    "per_device_eval_batch_size": "micro_batch_size",
}
_OF_EVALUATION = (
    "batch_eval_metrics",
    "bf16_full_eval",
    "do_predict",
    "eval_accumulation_steps",
    "eval_delay",
    "eval_do_concat_batches",
    "eval_on_start",
    "eval_use_gather_object",
    "fp16_full_eval",
    "greater_is_better",
    "include_for_metrics",
    "metric_for_best_model",
    "prediction_loss_only",
)
_LOSS_ALONE = dict.fromkeys(_OF_EVALUATION, "of rows set aside (eval_share) the loss is taken, and nothing else")
_NEVER = dict.fromkeys((*_OF_EVALUATION, *_EVALUATED), _NO_EVALUATION)

OWN: dict[str, dict[str, str]] = {
    "": {
        "activation_checkpointing": "gradient_checkpointing",
        "bf16": "precision",
        "data_seed": "seed",
        "fp16": "precision",
        "gradient_checkpointing": "gradient_checkpointing",
        "hub_model_id": "hub",
        "hub_private_repo": "hub",
        "output_dir": "out",
        "push_to_hub": "hub",
        "resume_from_checkpoint": "resume",
        "use_cpu": "device",
    },
    "sft": {"chat_template_path": "chat_template", "max_length": "max_length", **_EVALUATED},
    "dpo": {"max_length": "max_length", **_EVALUATED},
    "kto": {
        **_EVALUATED,
        "max_length": "max_length",
        "per_device_train_batch_size": "micro_batch_size",
    },
    "sdft": {
        "chat_template_kwargs": "template_kwargs",
        "max_completion_length": "max_tokens",
        "max_prompt_length": "max_length",
        "temperature": "temperature",
    },
    "grpo": {
        "chat_template_kwargs": "template_kwargs",
        "max_completion_length": "max_tokens",
        "num_generations": "group",
        "reward_weights": (
            "needless_question_cost, asked_fact_reward, repeated_turn_cost, leak_penalty and premature_success"
        ),
        "temperature": "temperature",
        "top_p": "top_p",
    },
}
"""By recipe ("" stands for all of them): field, and the setting that decides it."""

REFUSED: dict[str, dict[str, str]] = {
    "": {
        **dict.fromkeys(("hub_always_push", "hub_revision", "hub_strategy"), _PUSH),
        "hub_token": "no secret belongs into settings that are kept: log in with hf auth login, or set HF_TOKEN",
        "disable_tqdm": "progress is shown by whoever calls",
        "do_train": "training is what happens here",
        "label_names": _PREPARED,
        "length_column_name": _PREPARED,
        "model_init_kwargs": _MODEL,
        "remove_unused_columns": _PREPARED,
        "trust_remote_code": "no code that comes with a model is run",
    },
    "sft": {
        **_LOSS_ALONE,
        **dict.fromkeys(
            (
                "assistant_only_loss",
                "completion_only_loss",
                "dataset_kwargs",
                "dataset_num_proc",
                "dataset_text_field",
                "eval_packing",
                "packing",
                "packing_strategy",
                "padding_free",
                "shuffle_dataset",
                "truncation_mode",
            ),
            _PREPARED,
        ),
        "eos_token": "a turn ends as the chat template says; set chat_template",
        "pad_token": "the tokenizer's own is used",
    },
    "dpo": {
        **_LOSS_ALONE,
        **dict.fromkeys(("dataset_num_proc", "truncation_mode"), _PREPARED),
        "label_smoothing_factor": "this loss does not read it; DPO has label_smoothing",
        "pad_token": "the tokenizer's own is used",
    },
    "kto": {
        **_LOSS_ALONE,
        "dataset_num_proc": _PREPARED,
        "label_smoothing_factor": "this loss does not read it",
        "train_sampling_strategy": "KTO compares neighbours, whose order is settled beforehand",
    },
    "sdft": {
        **_NEVER,
        "label_smoothing_factor": "this loss does not read it",
        "num_generations_eval": _NO_EVALUATION,
    },
    "grpo": {
        **_NEVER,
        "label_smoothing_factor": "this loss does not read it",
        "log_multimodal": "dialogues are text",
        "max_tool_calling_iterations": "a dialogue has max_turns",
        "num_generations_eval": _NO_EVALUATION,
        "shuffle_dataset": "the order of tasks is that of the seed, or of the curriculum",
    },
}
"""By recipe ("" stands for all of them): field, and why it is not taken."""

_OF_TRLS_GENERATOR = (
    "cache_implementation",
    "ds3_gather_for_generation",
    "generation_kwargs",
    "min_p",
    "repetition_penalty",
    "top_k",
    "transformers_continuous_batching_config",
    "use_transformers_continuous_batching",
    "use_transformers_paged",
    "use_vllm",
)
"""Of GRPO: in use with `generator: trl` only, as is all that begins with vllm_."""


def standing(recipe: str, field: str) -> tuple[Literal["supported", "own", "refused"], str]:
    """How a field of this recipe's TRL config stands, and the setting that decides it or why it is refused."""
    for where in (recipe, ""):
        if field in OWN[where]:
            return "own", OWN[where][field]
        if field in REFUSED[where]:
            return "refused", REFUSED[where][field]
    return "supported", ""


def check_fields(kind: Any, recipe: str, settings: TrainSettings) -> None:
    """Check `settings.trl` against TRL's config class `kind`.

    Raises:
        InputError: a field that would be without effect here, with what to do instead.
    """
    for field, value in settings.trl.items():
        known = kind.__dataclass_fields__.get(field)
        if known is not None and value == _default(known):
            continue
        how, why = standing(recipe, field)
        if how == "supported" and isinstance(settings, GRPOSettings) and settings.generator == "own":
            how, why = ("refused", _ENGINE) if field in _OF_TRLS_GENERATOR or field.startswith("vllm_") else (how, why)
        if how == "own":
            raise InputError(f"trl: {field} is decided by {why}: set that instead")
        if how == "refused":
            raise InputError(f"trl: {field} has no effect in {recipe}: {why}")


def _default(field: Any) -> Any:
    return (
        field.default_factory() if field.default is MISSING and field.default_factory is not MISSING else field.default
    )
