"""`sml-agents gguf`: a trained model as one file for llama.cpp and Ollama."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sml_agents.cli.result import JsonFlag, Result

if TYPE_CHECKING:
    from sml_agents.serving.gguf import Carried


def gguf(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The model; an adapter is merged into its base.")],
    out: Annotated[Path, typer.Argument(metavar="FILE.gguf", help="File to write; a Modelfile comes beside it.")],
    type: Annotated[
        Literal["f32", "f16", "bf16", "q8_0"], typer.Option(help="Numbers in which the weights are kept.")
    ] = "f16",
    json: JsonFlag = False,
) -> Result:
    """Write a model of the Llama family as GGUF, with its tokenizer and chat template.

    What cannot be carried faithfully is refused. A file that is there is replaced when the new one is complete.
    """
    from sml_agents.serving.gguf import write_gguf

    carried = write_gguf(folder, out, type)
    payload = {
        "path": str(carried.path),
        "modelfile": str(carried.modelfile),
        "tensors": carried.tensors,
        "bytes": carried.size,
        "pre_tokenizer": carried.pre_tokenizer,
        "notes": list(carried.notes),
    }
    return Result(payload, lambda: _print(carried))


def _print(carried: Carried) -> None:
    print(f"{carried.path}: {carried.tensors} tensors, {carried.size / 1e6:.0f} MB, and {carried.modelfile}")
    for note in carried.notes:
        print(f"  {note}")
