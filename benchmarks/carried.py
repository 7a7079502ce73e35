"""Does a GGUF file say what its model says? Prompts token by token, and greedy replies, read back by two others.

    python benchmarks/carried.py [MODEL] [--types f16 q8_0] [--prompts 50] [--tokens 24] [--json]

By transformers, which knows nothing of how the file was written, and by llama.cpp itself where the `xllamacpp` package,
which brings it compiled, is installed. MODEL is a folder; the embedded model if not said. The prompts are problems and
requests of this package's own task families.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sml_agents.evaluation.bootstrap import wilson
from sml_agents.serving.gguf import write_gguf
from sml_agents.tasks import load_tasks

BATCH = 10


def prompts(number: int, seed: int) -> list[str]:
    """Half problems, half requests."""
    specs = (f"arithmetic?n={number - number // 2}&seed={seed}", f"requests?n={number // 2}&seed={seed}")
    return [task.prompt for spec in specs for task in load_tasks(spec)]


def loaded(folder: Path, file: str | None = None) -> tuple[Any, Any]:
    """Model and tokenizer. transformers leaves out what GGUF calls `smollm`: that digits stand alone is put back."""
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    given: dict[str, Any] = {} if file is None else {"gguf_file": file}
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, **given)
    if file is not None:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **given).eval(), tokenizer


def replies(model: Any, tokenizer: Any, texts: list[str], tokens: int) -> tuple[list[list[int]], list[list[int]]]:
    """The ids of each prompt, and of its greedy reply up to its end."""
    import torch

    tokenizer.padding_side = "left"
    given = {"add_generation_prompt": True, "return_dict": True}
    read = [tokenizer.apply_chat_template([{"role": "user", "content": text}], **given)["input_ids"] for text in texts]
    said: list[list[int]] = []
    for start in range(0, len(read), BATCH):
        batch = tokenizer.pad({"input_ids": read[start : start + BATCH]}, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**batch, do_sample=False, max_new_tokens=tokens)[:, batch["input_ids"].shape[1] :]
        ends = {tokenizer.eos_token_id, tokenizer.pad_token_id}
        for row in ids.tolist():
            end = next((place for place, id in enumerate(row) if id in ends), len(row))
            said.append(row[: end + 1])
    return read, said


def replies_of_llama(file: Path, asked: list[list[int]], texts: list[str], tokens: int) -> tuple[list[Any], list[Any]]:
    """The ids of each prompt as llama.cpp reads it, and of its greedy reply to what was asked."""
    from tests.serving.llama import llama_server

    with llama_server(file) as llama:
        return [llama.prompt_ids(text) for text in texts], [llama.greedy(ids, tokens) for ids in asked]


def measure(folder: Path, types: list[str], readers: list[str], number: int, tokens: int, seed: int) -> dict[str, Any]:
    texts = prompts(number, seed)
    asked, expected = replies(*loaded(folder), texts, tokens)
    found: dict[str, Any] = {"prompts": len(texts), "tokens": tokens, "types": {}}
    for kind in types:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "m.gguf"
            began = time.perf_counter()
            carried = write_gguf(folder, file, kind)  # type: ignore[arg-type]
            one: dict[str, Any] = {"megabytes": carried.size / 1e6, "seconds": time.perf_counter() - began}
            if "transformers" in readers:
                one["transformers"] = _equal(*replies(*loaded(Path(place), file.name), texts, tokens), asked, expected)
            if "llama.cpp" in readers:
                one["llama.cpp"] = _equal(*replies_of_llama(file, asked, texts, tokens), asked, expected)
        found["types"][kind] = one
    return found


def _equal(read: list[Any], said: list[Any], asked: list[Any], expected: list[Any]) -> dict[str, Any]:
    same = sum(one == other for one, other in zip(said, expected, strict=True))
    return {
        "prompts": sum(one == other for one, other in zip(read, asked, strict=True)),
        "replies": same,
        "interval": wilson(same / len(said), len(said)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--types", nargs="+", default=["f32", "f16", "q8_0"])
    known = ["transformers", *(["llama.cpp"] if importlib.util.find_spec("xllamacpp") else [])]
    parser.add_argument("--readers", nargs="+", choices=known, default=known)
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=11, help="Of the tasks whose prompts are taken.")
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = given.model
    if folder is None:
        from sml_agents.backends.embedded import embedded_path

        folder = embedded_path()
    found = measure(folder, given.types, given.readers, given.prompts, given.tokens, given.seed)
    if given.json:
        print(json.dumps(found))
        return
    for kind, one in found["types"].items():
        print(f"{kind}: {one['megabytes']:.0f} MB")
        for reader in [name for name in ("transformers", "llama.cpp") if name in one]:
            equal, (low, high) = one[reader], one[reader]["interval"]
            print(
                f"  read by {reader}: of {found['prompts']} prompts {equal['prompts']} equal, and {equal['replies']} "
                f"replies of at most {found['tokens']} tokens ({low:.0%} to {high:.0%})"
            )


if __name__ == "__main__":
    main()
