"""Low-rank weights of the asker: what is trained, how it is stored, and how it comes back into its base.

Stored in peft's own format, in bfloat16, so that peft and transformers read it, too. Merging is one sum a matrix and is
done here: whoever only asks needs no peft.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["CONFIG", "WEIGHTS", "merge"]

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


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
