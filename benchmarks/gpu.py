"""Every training recipe for a few steps on one GPU: does it run, how fast, in how much memory, to the loss of a CPU.

    python benchmarks/gpu.py [--device cuda] [--steps 10] [--models tiny embedded] [--only RECIPE ...] [--json]
    python benchmarks/gpu.py --device cpu --steps 2      # the same on a machine without a GPU: only shows that it runs

The tiny model is made on the spot (random weights, its own tokenizer); the embedded model is used where it is at hand.
Each model on each device is a process of its own. Losses are compared in fp32, with the same seed, rows and steps: of
sft, dpo and kto they should agree to rounding; sdft and grpo sample, and go their own ways. vLLM is tried where it is
installed (`pip install 'trl[vllm]'`). Meant to take less than ten minutes on any GPU.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sml_agents.text.markdown import markdown_table

RECIPES = ("sft", "dpo", "kto", "sdft", "grpo")
COMPARED = ("sft", "dpo", "kto")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tiny(folder: Path) -> str:
    """Four layers with random weights and a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    special = ["<|im_start|>", "<|im_end|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate([*special, *letters])}, merges=[]))
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token=special[1], pad_token=special[1])
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, num_hidden_layers=4, num_attention_heads=4,
        max_position_embeddings=4096, tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def make_dialogues(store: Path) -> None:
    """Recorded dialogues in which a student guesses, asks and answers."""
    from sml_agents import DialogueSettings, OracleTeacher, load_tasks, run_dialogues_sync
    from sml_agents.roles import GuessingStudent, OraclePrimer
    from sml_agents.traces import TraceStore

    tasks, primer = load_tasks("arithmetic?form=paired&n=40"), OraclePrimer(demonstrate=True)
    settings = DialogueSettings(q_priming=0.75)
    with TraceStore.open(store) as traces:
        run_dialogues_sync(
            tasks, GuessingStudent(questions=0.2), OracleTeacher(), traces, settings=settings, primer=primer
        )


def settings_of(recipe: str, model: str, device: str, steps: int, precision: str) -> dict[str, Any]:
    given: dict[str, Any] = {"model": model, "device": device, "max_steps": steps, "precision": precision}
    given |= {"batch_size": 8, "checkpoint_seconds": None, "learning_rate": 1e-4, "trl": {"logging_steps": 1}}
    if recipe == "sdft":
        given["max_tokens"] = 32
    if recipe == "grpo":
        given |= {"tasks": ["arithmetic?form=paired&n=8"], "group": 4, "micro_batch_size": 4}
        given |= {"max_turns": 2, "max_tokens": 32}
    return given


def train_here(model: str, store: str, folder: Path, options: argparse.Namespace) -> None:
    """In the child: every recipe after another, a line of JSON for each."""
    import torch

    from sml_agents.training.recipes import load_run, train_run

    for recipe in options.only:
        name = f"{recipe}-{options.precision}"
        values = {"recipe": recipe, "out": str(folder / name), "stores": [store] if recipe != "grpo" else []}
        settings = settings_of(recipe, model, options.device, options.steps, options.precision)
        if options.vllm:
            settings |= {"generator": "trl", "method": "full"}
            settings["trl"] |= {
                "use_vllm": True,
                "vllm_mode": "colocate",
                "vllm_gpu_memory_utilization": 0.3,
                "vllm_enable_sleep_mode": True,
            }
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**values, recipe: settings}))
        if options.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        began = time.monotonic()
        try:
            result = train_run(load_run(path))
        except Exception as error:  # one recipe that fails says so, and lets the others run
            print(json.dumps({"recipe": recipe, "failed": f"{type(error).__name__}: {error}"[:300]}), flush=True)
            continue
        tokens = result.tokens_per_second
        if recipe == "grpo":
            from sml_agents.traces import TraceStore

            with TraceStore.open(folder / name / "dialogues.sqlite", read_only=True) as traces:
                tokens = traces.counts().tokens / max(1e-9, result.notes["seconds"]["generate"])
        peak = torch.cuda.max_memory_allocated() if options.device == "cuda" else 0
        told = {
            "recipe": recipe,
            "device": result.devices[0],
            "precision": result.precision,
            "steps": result.steps,
            "tokens_per_second": round(tokens, 1),
            "memory_gb": round(peak / 1e9 or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
            "losses": [point["loss"] for point in result.curve],
            "seconds": round(time.monotonic() - began, 1),
        }
        print(json.dumps(told), flush=True)


def measured(model: str, store: str, options: argparse.Namespace, device: str, **more: Any) -> list[dict[str, Any]]:
    """One model on one device, in a process of its own."""
    only = more.get("only", options.only)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", folder, "--model", model, "--store", store]
        command += ["--device", device, "--steps", str(options.steps), "--precision", more.get("precision", "fp32")]
        command += ["--only", *only, *(["--vllm"] if more.get("vllm") else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if not lines:
            why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return [{"recipe": recipe, "failed": why} for recipe in only]
        return [json.loads(line) for line in lines]


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("torch", "transformers", "trl", "peft", "vllm", "bitsandbytes"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def far_apart(ours: list[float], theirs: list[float]) -> float:
    return max((abs(a - b) for a, b in zip(ours, theirs, strict=False)), default=float("nan"))


def table(rows: list[dict[str, Any]]) -> str:
    head = ("model", "recipe", "on", "precision", "tokens/s", "GB", "loss", "from the CPU's")
    return markdown_table(head, map(cells, rows))


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "failed" in row:
        return (row["model"], row["recipe"], row["failed"], "", "", "", "", "")
    speed, memory = f"{row['tokens_per_second']:,.0f}", f"{row['memory_gb']:.2f}"
    loss = f"{row['losses'][0]:.4f} to {row['losses'][-1]:.4f}"
    apart = f"{row['apart']:.1e}" if "apart" in row else ""
    return (row["model"], row["recipe"], row["device"], row["precision"], speed, memory, loss, apart)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--models", nargs="+", choices=("tiny", "embedded"), default=["tiny", "embedded"])
    parser.add_argument("--only", nargs="+", choices=RECIPES, default=list(RECIPES), metavar="RECIPE")
    parser.add_argument("--json", action="store_true")
    for name in ("--child", "--model", "--store"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="fp32", help=argparse.SUPPRESS)
    parser.add_argument("--vllm", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        train_here(options.model, options.store, Path(options.child), options)
        return
    import torch

    from sml_agents.backends.embedded import is_cached

    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "torch sees no GPU on this machine, so nothing was measured; to see that the recipes run: "
            "python benchmarks/gpu.py --device cpu --steps 2"
        )
    began = time.monotonic()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "dialogues.sqlite")
        make_dialogues(Path(store))
        places = {"tiny": make_tiny(Path(folder) / "tiny")} if "tiny" in options.models else {}
        if "embedded" in options.models:
            places |= {"embedded": "embedded:"} if is_cached() else {}  # it is not fetched for this
        for model, place in places.items():
            found = measured(place, store, options, options.device)
            if options.device == "cuda":
                compared = [recipe for recipe in options.only if recipe in COMPARED]
                if model == "tiny" and compared:
                    by_cpu = measured(place, store, options, "cpu", only=compared)
                    theirs = {row["recipe"]: row.get("losses", []) for row in by_cpu}
                    for row in found:
                        if row["recipe"] in theirs and "losses" in row:
                            row["apart"] = far_apart(row["losses"], theirs[row["recipe"]])
                found += measured(place, store, options, "cuda", precision="bf16")
                if "grpo" in options.only and find_spec("vllm") is not None:
                    of_vllm = measured(place, store, options, "cuda", precision="bf16", only=["grpo"], vllm=True)
                    found += [{**row, "recipe": "grpo, vLLM"} for row in of_vllm]
            rows += [{"model": model, **row} for row in found]
    seconds = round(time.monotonic() - began)
    if options.json:
        print(json.dumps({"rows": rows, "versions": versions(), "steps": options.steps, "seconds": seconds}))
    else:
        print(table(rows))
        installed = ", ".join(f"{name} {number}" for name, number in versions().items())
        print(f"{options.steps} steps each, {seconds} s in all; {installed}")
        print("GRPO's tokens are generated ones, those of the others are read; memory is torch's peak on a GPU, the")
        print("process's so far on a CPU")
    if any("failed" in row for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
