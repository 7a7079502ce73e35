"""Low-rank weights of the asker: what is trained, how it is stored, and how it comes back into its base.

Stored in peft's own format, in bfloat16, so that peft and transformers read it, too. Merging is one sum a matrix and is
done here: whoever only asks needs no peft.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError
from sml_agents.files import whole_file, write_whole

__all__ = ["CONFIG", "WEIGHTS", "mean_of", "merge"]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def mean_of(folders: Sequence[Path], out: Path) -> None:
    """Write the mean of several runs' low-rank weights to `out`, a folder that is new or empty.

    Runs that went on from the same weights, on other rows each, meet near the middle of what each of them found: their
    mean is read in the time of one, and is no worse on other people's words than the best of them (Wortsman et al.,
    2022, arXiv 2203.05482).

    Raises:
        InputError: no low-rank weights there, or of other ranks or layers than the first ones; or `out` is not empty.
    """
    import torch
    from safetensors.torch import load_file, save_file

    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty: choose another folder.")
    runs, configs = [], []
    for folder in folders:
        try:
            configs.append(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
            runs.append(load_file(folder / WEIGHTS))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder} holds no low-rank weights ({str(error).splitlines()[0][:100]}): give the folder of a run "
                "that has ended."
            ) from error
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
    """Add the low-rank weights in `folder` to those of `model`, in place."""
    import torch
    from safetensors.torch import load_file

    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    scale = config["lora_alpha"] / config["r"]
    stored = load_file(folder / WEIGHTS)
    modules = dict(model.named_modules())
    with torch.no_grad():
        for name, down_RI in stored.items():
            if ".lora_A." not in name:
                continue
            up_OR = stored[name.replace(".lora_A.", ".lora_B.")]
            place = name.removeprefix("base_model.model.").split(".lora_A.")[0]
            weight_OI = modules[place].weight
            weight_OI += scale * (up_OR.float() @ down_RI.float()).to(weight_OI.dtype)
