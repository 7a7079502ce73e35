"""An adapter and its base as one model: what LoRA training saved alone, merged later."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError
from sml_agents.training.card import write_card
from sml_agents.training.folder import DTYPES, RECORD, write_json
from sml_agents.training.runtime import known_warnings, load_model, quiet_libraries
from sml_agents.training.settings import TrainSettings

__all__ = ["merge"]

_OF_THE_ADAPTER = ("adapter_*", "README.md", RECORD, "checkpoints", "dialogues.sqlite*", "*.lock", "runs")


def merge(adapter: str | Path, out: str | Path, *, base: str | None = None, dtype: str | None = None) -> dict[str, Any]:
    """Merge the LoRA adapter in the folder `adapter` into its base, and save the whole in `out`.

    The base is read as it was published, whatever it was quantized to in training. Tokenizer, generation settings and
    threshold are the adapter's. Gives where the model is, its base and its parameters.

    Args:
        base: in place of the one that the adapter names.
        dtype: `fp32`, `bf16` or `fp16`; None: fp32, or the base's own where that is smaller.

    Raises:
        InputError: no adapter, no base that fits, or an output folder that is not empty.
    """
    adapter, out = Path(adapter), Path(out)
    if not (adapter / "adapter_config.json").is_file():
        raise InputError(f"{adapter} holds no LoRA adapter: give the folder of a training with lora.merge: false")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder: give a new one")
    if dtype is not None and dtype not in DTYPES:
        raise InputError(f"there is no dtype {dtype!r}: choose one of {', '.join(DTYPES)}")
    named = base or json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get(
        "base_model_name_or_path"
    )
    if not named:
        raise InputError(f"{adapter} does not say which model it was trained on: give it with --base")
    import torch
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    quiet_libraries()
    settings = TrainSettings(model=str(named), adapter=str(adapter), device="cpu", weights="fp32")
    with known_warnings():
        model = load_model(settings)
    try:
        own = str(AutoConfig.from_pretrained(str(named), trust_remote_code=False).dtype or "").removeprefix("torch.")
    except (OSError, ValueError):
        own = ""
    kept = DTYPES[dtype] if dtype else own if own in DTYPES.values() else "float32"
    model = model.to(getattr(torch, kept))
    if (adapter / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(adapter)
    source = adapter if (adapter / "tokenizer_config.json").is_file() else named
    tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    model.generation_config.save_pretrained(out)
    tokenizer.save_pretrained(out)
    left = {path.name for pattern in _OF_THE_ADAPTER for path in adapter.glob(pattern)}
    for path in adapter.iterdir():
        if path.is_file() and path.name not in left and not (out / path.name).exists():
            shutil.copyfile(path, out / path.name)
    if (adapter / RECORD).is_file():
        record = json.loads((adapter / RECORD).read_text(encoding="utf-8"))
        lora = {**record["settings"]["lora"], "merge": True}
        record["settings"] = {**record["settings"], "lora": lora, "quantize": None}
        write_card(out, record)
        write_json(out / RECORD, record)
    return {"path": str(out), "base": str(named), "parameters": model.num_parameters(), "dtype": kept}
