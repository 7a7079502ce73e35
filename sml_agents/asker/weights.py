"""Low-rank weights of the asker: what is trained, how it is stored, and how it comes back into its base.

Stored in peft's own format, in bfloat16, so that peft and transformers read it, too. Merging is one sum a matrix and is
done here: whoever only asks needs no peft.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError, one_line
from sml_agents.files import whole_file, write_whole

__all__ = ["CONFIG", "WEIGHTS", "low_rank_in", "mean_of", "merge"]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_DOWN, _UP = ".lora_A.", ".lora_B."


def mean_of(folders: Sequence[Path], out: Path) -> None:
    """Write the mean of several runs' low-rank weights to `out`, a folder that is new or empty.

    Runs that went on from the same weights, on other rows each, meet near the middle of what each of them found: their
    mean is read in the time of one, and is no worse on other people's words than the best of them (Wortsman et al.,
    2022, arXiv 2203.05482).

    Raises:
        InputError: no low-rank weights there, or of other ranks or layers than the first ones; or `out` is not empty.
    """
    import torch
    from safetensors.torch import save_file

    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty: choose another folder.")
    runs, configs = [], []
    for folder in folders:
        config, run = low_rank_in(folder)
        configs.append(config)
        runs.append(run)
    shapes = [{name: tensor.shape for name, tensor in run.items()} for run in runs]
    for folder, one, config in zip(folders, shapes, configs, strict=True):
        if one != shapes[0] or config["lora_alpha"] != configs[0]["lora_alpha"]:
            raise InputError(f"The weights in {folder} are of other ranks or layers than those in {folders[0]}.")
    out.mkdir(parents=True, exist_ok=True)
    mean = {
        name: torch.stack([run[name].float() for run in runs]).mean(0).to(first.dtype)
        for name, first in runs[0].items()
    }
    with whole_file(out / WEIGHTS) as path:
        save_file(mean, path, metadata={"format": "pt"})
    write_whole(out / CONFIG, json.dumps(configs[0], indent=2, sort_keys=True) + "\n")


def merge(model: Any, folder: Path) -> None:
    """Add the low-rank weights in `folder` to those of `model`, in place. InputError where they cannot be used."""
    import torch

    config, stored = low_rank_in(folder)
    scale = config["lora_alpha"] / config["r"]
    modules = dict(model.named_modules())
    with torch.no_grad():
        for name, down_RI in stored.items():
            if _DOWN not in name:
                continue
            up_OR = stored[name.replace(_DOWN, _UP)]
            weight_OI = getattr(modules.get(name.removeprefix("base_model.model.").split(_DOWN)[0]), "weight", None)
            if weight_OI is None or weight_OI.shape != (up_OR.shape[0], down_RI.shape[-1]):
                raise InputError(f"The low-rank weights in {folder} do not fit their base: {name} has no place there.")
            weight_OI += scale * (up_OR.float() @ down_RI.float()).to(weight_OI.dtype)


def low_rank_in(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings and the low-rank weights in a folder; InputError where they are none or damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        stored = load_file(folder / WEIGHTS)
        _check(config, stored)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{folder} holds no low-rank weights ({one_line(error, 100)}): give the folder of a run that has ended."
        ) from error
    return config, stored


def _check(config: Any, stored: dict[str, Any]) -> None:
    """ValueError that says what is wrong with low-rank weights."""
    for name in ("r", "lora_alpha"):
        value = config.get(name) if isinstance(config, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise ValueError(f"{CONFIG} gives no positive {name}")
    downs = {name for name in stored if _DOWN in name}
    if not downs or {name.replace(_DOWN, _UP) for name in downs} != {name for name in stored if _UP in name}:
        raise ValueError(f"{WEIGHTS} is incomplete")
    for name, tensor in stored.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{name} is not all numbers")
    for name in downs:
        if not stored[name].ndim == stored[name.replace(_DOWN, _UP)].ndim == 2 or (
            stored[name].shape[0] != stored[name.replace(_DOWN, _UP)].shape[1]
        ):
            raise ValueError(f"{name} and its pair are of different ranks")
