"""The ground under a training run: model, device, TRL arguments, folders."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError, SettingsMismatch, TrainingError
from sml_agents.training.data import TokenRow
from sml_agents.training.settings import SFTSettings
from sml_agents.types import stable_hash

__all__ = [
    "check_output",
    "chosen_device",
    "computes_in_bf16",
    "load_model",
    "load_tokenizer",
    "model_path",
    "quiet_libraries",
    "save_result",
    "settle_threads",
    "sft_arguments",
    "versions",
    "write_plan",
]

PLAN, RECORD = "plan.json", "training.json"

_MAY_CHANGE = {"resume", "max_seconds", "checkpoint_seconds", "keep_checkpoints"}
"""Settings that a resumed run may have otherwise: they do not change what is computed, only how far and how safely."""


def settle_threads() -> None:
    """Let idle worker threads sleep: spinning ones bring a busy small machine to a crawl.

    Only works before torch is first imported in this process; values that are already set are left alone.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def quiet_libraries() -> None:
    """No progress bars and no advice from transformers and datasets; errors and warnings stay."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()


def model_path(spec: str) -> str:
    """The folder or hub name behind a model spec.

    Raises:
        InputError: for a spec of a model that cannot be trained here, such as `openai:...`.
    """
    prefix, _, rest = spec.partition(":")
    if spec == "embedded" or prefix == "embedded":
        from sml_agents.backends.embedded import embedded_path

        return str(embedded_path())
    if prefix == "transformers":
        return rest.partition("?")[0]
    if prefix in ("openai", "scripted", "anthropic", "ollama"):
        raise InputError(f"{spec!r} cannot be trained here: give a local folder, a hub name, or 'embedded:'")
    return spec


def load_tokenizer(settings: SFTSettings) -> Any:
    """The model's tokenizer, with `settings.chat_template` put in.

    Raises:
        InputError: when there is no such model or template file.
    """
    from transformers import AutoTokenizer

    path = model_path(settings.model)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load a tokenizer from {path!r}: {_first_line(error)}") from error
    if settings.chat_template is not None:
        try:
            tokenizer.chat_template = Path(settings.chat_template).read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"cannot read the chat template {settings.chat_template}: {error}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise InputError(f"the tokenizer of {path!r} has neither a pad nor an end-of-sequence token: set one and save it")
    return tokenizer


def load_model(settings: SFTSettings) -> Any:
    """The model in fp32 (LoRA on CUDA: its base in bf16).

    Raises:
        InputError: when there is no such model.
    """
    import torch
    from transformers import AutoModelForCausalLM

    path = model_path(settings.model)
    half = settings.method == "lora" and chosen_device(settings) == "cuda" and settings.precision != "fp32"
    try:
        return AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.bfloat16 if half else torch.float32, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise InputError(f"cannot load a model from {path!r}: {_first_line(error)}") from error


def chosen_device(settings: SFTSettings) -> str:
    """`cuda` or `cpu`.

    Raises:
        InputError: `device="cuda"` where there is none.
    """
    import torch

    if settings.device == "cuda" and not torch.cuda.is_available():
        raise InputError("device='cuda', but torch sees no CUDA device here: use device='auto' or 'cpu'")
    return "cuda" if settings.device != "cpu" and torch.cuda.is_available() else "cpu"


def computes_in_bf16(device: str) -> bool:
    """Whether bf16 is faster than fp32: on CPU only where the processor multiplies in it (AVX512-BF16, AMX)."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)


def sft_arguments(settings: SFTSettings, folder: Path, *, rows: int, device: str, bf16: bool) -> Any:
    """TRL's `SFTConfig` for these settings.

    Raises:
        InputError: sizes that do not divide, or an unknown field in `settings.trl`.
    """
    from trl import SFTConfig

    micro = settings.micro_batch_size or settings.batch_size
    if settings.batch_size % micro:
        raise InputError(f"batch_size {settings.batch_size} must be a multiple of micro_batch_size {micro}")
    fields: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": settings.epochs,
        "max_steps": settings.max_steps or -1,
        "per_device_train_batch_size": min(micro, rows),
        "gradient_accumulation_steps": settings.batch_size // micro,
        "learning_rate": settings.resolved_learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": settings.warmup,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        # The name that transformers gives it from 5.20 on; TRL turns it on where the field is left out.
        _known(SFTConfig, "activation_checkpointing", "gradient_checkpointing"): settings.gradient_checkpointing,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "use_cpu": device == "cpu",
        "bf16": bf16,
        "train_sampling_strategy": "group_by_length",
        "max_length": None,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "remove_unused_columns": False,
        "dataloader_pin_memory": device == "cuda",
        "logging_steps": 1 if device == "cpu" else 10,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "save_total_limit": 2,
        "disable_tqdm": True,
        "report_to": "none",
        **settings.trl,
    }
    try:
        return SFTConfig(**fields)
    except (TypeError, ValueError) as error:
        raise InputError(f"TRL does not accept these settings: {_first_line(error)}") from error


def _known(config: Any, *names: str) -> str:
    """The first of `names` that the installed version has as a field."""
    return next(name for name in names if name in config.__dataclass_fields__)


def check_output(out: Path, settings: SFTSettings) -> None:
    """Make `out`, and refuse to write over what is there.

    Raises:
        InputError: it holds a finished run, or something else and the run is not to be resumed.
    """
    if (out / RECORD).exists():
        raise InputError(f"{out} already holds a trained model: choose another folder, or remove it first")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; training needs a folder")
    if not settings.resume and out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty: choose another folder, or go on with resume=True if a run was cut short")
    out.mkdir(parents=True, exist_ok=True)


def write_plan(out: Path, settings: SFTSettings, rows: Sequence[TokenRow]) -> None:
    """Write what is about to be trained, or on resume compare with what was.

    Raises:
        SettingsMismatch: when settings or rows differ from those that the run was started with.
    """
    kept = {name: value for name, value in settings.model_dump(mode="json").items() if name not in _MAY_CHANGE}
    plan = {"settings": kept, "rows": stable_hash([[row.input_ids, row.labels, row.weights] for row in rows])}
    path = out / PLAN
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in kept.items() if before["settings"].get(name) != value]
        if changed:
            raise SettingsMismatch(f"{out} was started with another {', '.join(changed)}: resume with the same settings")
        if before["rows"] != plan["rows"]:
            raise SettingsMismatch(f"{out} was started with other rows: resume with the same data")
    else:
        write_json(path, plan)


def save_result(trainer: Any, tokenizer: Any, settings: SFTSettings, out: Path, record: dict[str, Any]) -> None:
    """Write the model, then `training.json` as the sign that all is there."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    if settings.method == "lora" and settings.lora.merge:
        model = model.merge_and_unload()
    # The head of the trainer patches `forward`; the class's own is what should be saved and used from here on.
    vars(model).pop("forward", None)
    model.config.use_cache = True
    staging = out / "saving"
    shutil.rmtree(staging, ignore_errors=True)
    model.save_pretrained(staging)
    tokenizer.save_pretrained(staging)
    for path in sorted(staging.iterdir()):
        os.replace(path, out / path.name)
    staging.rmdir()
    write_json(out / RECORD, record)
    (out / PLAN).unlink(missing_ok=True)
    if not settings.keep_checkpoints:
        shutil.rmtree(out / "checkpoints", ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write all of it or nothing."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def versions() -> dict[str, str]:
    """Of what a training result depends on."""
    names = ("sml-agents", "torch", "transformers", "trl", "peft", "accelerate")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
