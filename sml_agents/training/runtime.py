"""The ground under a training run: threads, device, model, TRL arguments."""

from __future__ import annotations

import importlib.util
import os
import platform
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from sml_agents.backends.chat_format import bake
from sml_agents.backends.threads import prepare_threads
from sml_agents.errors import InputError, MissingExtra, SmlError
from sml_agents.specs import read_spec
from sml_agents.training.fields import check_fields
from sml_agents.training.settings import TrainSettings

__all__ = [
    "check_weights",
    "chosen_device",
    "computes_in_bf16",
    "end_generation",
    "keeps_bf16",
    "known_warnings",
    "load_model",
    "load_tokenizer",
    "model_path",
    "quiet_libraries",
    "settings_errors",
    "settle_attention",
    "settle_threads",
    "trl_arguments",
    "versions",
    "weights_of",
]

_ADAPTER = "adapter_config.json"


def settle_threads() -> None:
    """Let idle worker threads sleep (see `sml_agents.backends.threads`).

    OpenMP reads its policy when torch is first imported. Where that has happened under another policy, only as many
    threads are used as there are idle cores: with spinning threads a busy 2-core machine trains 8 times slower.
    """
    late = os.environ.get("OMP_WAIT_POLICY", "").upper() != "PASSIVE"
    if not prepare_threads() and late and "OMP_NUM_THREADS" not in os.environ and hasattr(os, "getloadavg"):
        import torch

        torch.set_num_threads(max(1, torch.get_num_threads() - round(os.getloadavg()[0])))


def settle_attention() -> None:
    """Keep cuDNN's attention out of training: with a mask its gradients are no numbers at certain lengths (torch 2.11
    on H100 and H200, github.com/pytorch/pytorch/issues/196678). torch has other kinds."""
    import torch

    torch.backends.cuda.enable_cudnn_sdp(False)


def quiet_libraries() -> None:
    """No progress bars and no advice from transformers and datasets; errors and warnings stay."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()


@contextmanager
def known_warnings() -> Iterator[None]:
    """Silence what peft up to 0.21 and transformers from 5.20 on have to say to each other, and that `rollout_func` of
    TRL is experimental: its tests are here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"You are using 'rollout_func'", UserWarning)
        warnings.filterwarnings("ignore", r"`(is_)?gradient_checkpointing\w*` is deprecated", FutureWarning)
        yield


def model_path(spec: str) -> str:
    """The folder or hub name behind a model spec.

    Raises:
        InputError: for a spec of a model that cannot be trained here, such as `openai:...`.
    """
    prefix, rest = read_spec(spec)[1:3]
    if prefix == "embedded":
        from sml_agents.backends.embedded import embedded_path

        return str(embedded_path())
    if prefix == "transformers":
        return rest
    if prefix in ("openai", "scripted", "anthropic", "ollama"):
        raise InputError(f"{spec!r} cannot be trained here: give a local folder, a hub name, or 'embedded:'")
    return spec


def load_tokenizer(settings: TrainSettings) -> Any:
    """The model's tokenizer, with `settings.chat_template` put in and `settings.template_kwargs` set in its template.

    Raises:
        InputError: when there is no such model or template file, or the template never reads one of these names.
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
    try:
        bake(tokenizer, settings.template_kwargs)
    except (TypeError, ValueError) as error:
        raise InputError(f"template_kwargs: {error}") from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise InputError(f"the tokenizer of {path!r} has neither a pad nor an end token: set one and save it")
    return tokenizer


def load_model(settings: TrainSettings) -> Any:
    """The model as `settings.weights` and `settings.quantize` say, with the adapter that it is to start from merged in.

    Raises:
        InputError: when there is no such model, or the adapter belongs to another.
        MissingExtra: without bitsandbytes, for `quantize`.
    """
    import torch
    from transformers import AutoModelForCausalLM

    check_weights(settings)
    path, adapter = weights_of(settings)
    how: dict[str, Any] = {"dtype": torch.bfloat16 if keeps_bf16(settings) else torch.float32}
    if settings.attn_implementation is not None:
        how["attn_implementation"] = settings.attn_implementation
    if settings.quantize is not None:
        how |= {
            "quantization_config": _quantization(settings.quantize),
            "device_map": {"": torch.cuda.current_device()},
        }
    try:
        model = AutoModelForCausalLM.from_pretrained(path, **how, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot load a model from {path!r}: {_first_line(error)}") from error
    return model if adapter is None else _merged(model, adapter, path)


def keeps_bf16(settings: TrainSettings) -> bool:
    """Whether the weights are loaded in bf16."""
    if settings.weights != "auto":
        return settings.weights == "bf16"
    return settings.method == "lora" and chosen_device(settings) == "cuda" and settings.precision != "fp32"


def check_weights(settings: TrainSettings) -> None:
    """Raises InputError for weights that cannot be trained so, or not here; MissingExtra without bitsandbytes."""
    if settings.weights == "bf16" and settings.precision == "fp32":
        raise InputError("weights: bf16 cannot be computed with in fp32: leave precision out, or take weights: fp32")
    if settings.quantize is None:
        return
    if settings.method != "lora":
        raise InputError(f"quantize: {settings.quantize} freezes the weights: train an adapter, with method: lora")
    if settings.weights == "fp32" or settings.precision == "fp32":
        raise InputError(f"quantize: {settings.quantize} computes in bf16: leave weights and precision out")
    if weights_of(settings)[1] is not None:
        raise InputError("an adapter cannot be merged into quantized weights: merge it first, with sml-agents merge")
    if chosen_device(settings) != "cuda":
        raise InputError(f"quantize: {settings.quantize} needs an NVIDIA GPU, and torch sees none here: leave it out")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtra(f"quantize: {settings.quantize}", "qlora")


def _quantization(bits: str) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    if bits == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def end_generation(model: Any, tokenizer: Any, stops: Sequence[str]) -> list[str]:
    """Have generation end at the tokens in `stops`, which end a turn in training; gives those that are new to it.

    A base model stops at its end of text alone, whatever its chat template ends turns with.
    """
    config = model.generation_config
    known = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    known = [token for token in known if token is not None]
    new = {stop: token for stop in stops if (token := tokenizer.convert_tokens_to_ids(stop)) not in known}
    if new:
        config.eos_token_id = [*known, *new.values()]
    return list(new)


def weights_of(settings: TrainSettings) -> tuple[str, str | None]:
    """Where the weights are, and the adapter to put on them: `model` may itself be the folder of an adapter.

    Raises:
        InputError: the adapter was trained on another model, by what it says of itself.
    """
    path, adapter = model_path(settings.model), settings.adapter
    if adapter is None and (Path(path) / _ADAPTER).exists():
        return str(_adapter_base(path) or path), path
    if adapter is not None:
        base = _adapter_base(adapter)
        if base and Path(base).name != Path(path).name:
            raise InputError(
                f"the adapter {adapter} was trained on {base!r}, not on {path!r}: give that model, or another adapter "
                f"(for a renamed copy of the same model, correct base_model_name_or_path in its {_ADAPTER})"
            )
    return path, adapter


def _adapter_base(adapter: str) -> str:
    import json

    try:
        recorded = json.loads((Path(adapter) / _ADAPTER).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{adapter} holds no LoRA adapter ({_ADAPTER}): {_first_line(error)}") from error
    base = str(recorded.get("base_model_name_or_path") or "")
    return model_path(base) if base else ""


def _merged(model: Any, adapter: str, path: str) -> Any:
    from peft import PeftModel

    try:
        with known_warnings():
            # peft freezes what it is put on
            return PeftModel.from_pretrained(model, adapter).merge_and_unload().requires_grad_(True)
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise InputError(
            f"the adapter {adapter} does not fit the model {path!r}, it was trained on another: {_first_line(error)}"
        ) from error


def chosen_device(settings: TrainSettings) -> str:
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


def trl_arguments(
    kind: Any,
    recipe: str,
    settings: TrainSettings,
    folder: Path,
    *,
    rows: int | None,
    device: str,
    bf16: bool,
    own: dict[str, Any],
) -> Any:
    """TRL's config of this `kind` (`SFTConfig`, `DPOConfig`, ...) for these settings.

    Args:
        rows: how many there are to train on; None when they are made on the way.
        own: the fields that the recipe sets beside the ones of every recipe; `settings.trl` wins over both.

    Raises:
        InputError: sizes that do not divide, or a field in `settings.trl` that is unknown or refused.
    """
    check_fields(kind, recipe, settings)
    micro = settings.micro_batch_size or settings.batch_size
    if settings.batch_size % micro:
        raise InputError(f"batch_size {settings.batch_size} must be a multiple of micro_batch_size {micro}")
    fields: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": settings.epochs,
        "max_steps": settings.max_steps or -1,
        "per_device_train_batch_size": min(micro, rows or micro),
        "gradient_accumulation_steps": settings.batch_size // micro,
        "learning_rate": settings.resolved_learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": settings.warmup,
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        # The name that transformers gives it from 5.20 on; TRL turns it on where the field is left out.
        _known(kind, "activation_checkpointing", "gradient_checkpointing"): settings.gradient_checkpointing,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "use_cpu": device == "cpu",
        "bf16": bf16,
        "remove_unused_columns": False,
        "dataloader_pin_memory": device == "cuda",
        "logging_steps": 1 if device == "cpu" else 10,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "save_total_limit": 2,
        "disable_tqdm": True,
        "report_to": "none",
        **own,
        **settings.trl,
    }
    with settings_errors():
        return kind(**fields)


@contextmanager
def settings_errors() -> Iterator[None]:
    """What TRL and transformers say against settings, as an `InputError`."""
    try:
        yield
    except (TypeError, ValueError, NotImplementedError, ImportError) as error:
        if isinstance(error, SmlError):
            raise
        raise InputError(f"TRL does not accept these settings: {_first_line(error)}") from error
    except RuntimeError as error:  # such as "TensorBoardCallback requires tensorboard to be installed"
        if "requires" not in str(error) or isinstance(error, SmlError):
            raise
        raise InputError(f"TRL does not accept these settings: {_first_line(error)}") from error


def _known(config: Any, *names: str) -> str:
    """The first of `names` that the installed version has as a field."""
    return next(name for name in names if name in config.__dataclass_fields__)


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
