"""Loading a model and its tokenizer with transformers.

On a CPU with AVX512_BF16 or AMX, bfloat16 is faster (SmolLM2-135M on one core of a Zen 5: prompts 3 times, replies 1.4
times at batch 1, 1.6 at 8, 2 at 32) and as good (loss 2.651 against 2.653 on the same text). But its rounding lets the
same seed sample other tokens alone than in a batch: 2 of 10 replies agreed, in float32 all. So float32 is the default,
and `dtype=fast` a choice. A CPU without them is many times slower in bfloat16.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from sml_agents.backends.chat_format import bake
from sml_agents.backends.settings import LocalSettings
from sml_agents.errors import BackendSpecError, MissingExtra, one_line

__all__ = ["cpu_has_bfloat16", "load_model", "resolved_dtype", "without_progress_bars"]


def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 itself (AVX512_BF16 or AMX); others do it many times slower than float32."""
    import torch

    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(bool(getattr(torch.cpu, probe, lambda: False)()) for probe in probes)


def resolved_dtype(dtype: str, device: str) -> str:
    """`auto` and `fast` made definite."""
    if dtype not in ("auto", "fast"):
        return dtype
    if device == "cpu":
        return "bfloat16" if dtype == "fast" and cpu_has_bfloat16() else "float32"
    return "bfloat16"


def resolved_device(device: str) -> str:
    """`auto` made definite. Raises `BackendSpecError` for a device that torch does not know, or not here."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise BackendSpecError(f"There is no device {device!r}: give auto, cpu, cuda or cuda:1.") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise BackendSpecError(f"device={device}, but torch sees no CUDA device here: give auto or cpu.")
    return device


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Weights load without transformers' bars, which would stand among a command's own lines."""
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            logging.enable_progress_bar()


def hub_is_out_of_reach(path: str) -> bool:
    """Whether `path` could only come from the Hugging Face Hub and that cannot be reached: its client would try again
    for minutes, file by file. A proxy is taken to reach it."""
    from huggingface_hub import constants

    if Path(path).exists() or constants.is_offline_mode() or getproxies():
        return False
    address = urlsplit(constants.ENDPOINT)
    try:
        port = address.port or (80 if address.scheme == "http" else 443)
        socket.create_connection((address.hostname or "", port), timeout=5).close()
    except OSError:
        return True
    return False


def load_model(path: str, name: str, settings: LocalSettings) -> tuple[Any, Any]:
    """Model and tokenizer in `path` (a folder or hub name). Runs no code from there.

    Raises `BackendSpecError` when there is no usable causal language model, `MissingExtra` for an adapter without peft.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    device = resolved_device(settings.device)
    dtype = getattr(torch, resolved_dtype(settings.dtype, device))
    adapter = (Path(path) / "adapter_config.json").is_file()
    if adapter:
        try:
            import peft  # noqa: F401
        except ImportError:
            raise MissingExtra(f"{name} is an adapter (LoRA), which", "train") from None
    alone = hub_is_out_of_reach(path)
    given: dict[str, Any] = {"trust_remote_code": False, **({"local_files_only": True} if alone else {})}
    try:
        with without_progress_bars():
            tokenizer = AutoTokenizer.from_pretrained(path, **given)
            model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=dtype, **given)
        model = model.to(device).eval()
        if adapter and (Path(path) / "generation_config.json").is_file():
            # Its base may not know the token that ends a turn of the adapter's.
            model.generation_config = GenerationConfig.from_pretrained(path)
        bake(tokenizer, settings.template_kwargs)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, ImportError) as error:
        reason = one_line(error, 300)
        if alone:
            reason = "it is no folder here, no copy of it is in the cache, and the Hugging Face Hub cannot be reached"
        raise BackendSpecError(f"No language model could be loaded from {name}: {reason}") from error
    model.requires_grad_(False)
    return model, tokenizer
