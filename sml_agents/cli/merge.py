"""`sml-agents merge` and `sml-agents push`: what becomes of a trained folder afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from sml_agents.cli.result import JsonFlag, Result


def merge(
    adapter: Annotated[Path, typer.Argument(metavar="FOLDER", help="Trained with lora.merge: false, or by QLoRA.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="New folder for the whole model.")],
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model to merge into; the adapter names its own.")
    ] = None,
    dtype: Annotated[
        Literal["fp32", "bf16", "fp16"] | None, typer.Option(help="To save it in; the base's own if not said.")
    ] = None,
    json: JsonFlag = False,
) -> Result:
    """Merge a LoRA adapter into its base; the result loads as transformers:OUT, and needs no peft."""
    from sml_agents.training.merge import merge as merged

    done = merged(adapter, out, base=base, dtype=dtype)
    millions = f"{done['parameters'] / 1e6:,.1f} million parameters in {done['dtype']}"
    return Result(done, lambda: print(f"{millions} on {done['base']}; use it as transformers:{out}"))


def push(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A trained model, or an exported Parquet data set.")],
    to: Annotated[str, typer.Option(metavar="USER/NAME", help="The repository on the Hub; made if it is not there.")],
    public: Annotated[
        bool, typer.Option("--public", help="Of a repository that is made: everybody may read it.")
    ] = False,
    json: JsonFlag = False,
) -> Result:
    """Push a model or data set with its card to the Hugging Face Hub (or the server that HF_ENDPOINT names).

    Checkpoints, and the dialogues of reinforcement learning with what their teachers knew, stay here.
    """
    from sml_agents.training.hub import push as pushed

    address = pushed(folder, to, private=not public)
    return Result({"folder": str(folder), "repository": to, "url": address}, lambda: print(f"pushed to {address}"))
