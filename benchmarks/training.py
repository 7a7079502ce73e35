"""Training on the embedded model: throughput beside plain TRL, and the peak memory of each recipe.

    python benchmarks/training.py                 both, about twelve minutes on two cores
    python benchmarks/training.py --only memory   or throughput

Throughput: the same tokenised rows, model, precision and batch sizes, once through `sml-agents` and once through
TRL's SFTTrainer as it comes, in turns, each run in a process of its own; seconds of processor time per 1,000 tokens,
which other work on the machine disturbs less than the clock. Memory: the peak resident set of a process that takes two
steps.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

MEMORY: list[tuple[str, dict[str, Any]]] = [
    ("sft", {"method": "full"}),
    ("sft", {"method": "full", "gradient_checkpointing": True}),
    ("sft", {"method": "lora"}),
    ("sft", {"method": "lora", "gradient_checkpointing": True}),
    ("dpo", {"method": "full"}),
    ("dpo", {"method": "lora"}),
    ("dpo", {"method": "lora", "gradient_checkpointing": True}),
    ("kto", {"method": "full"}),
    ("kto", {"method": "lora"}),
    ("sdft", {"method": "full"}),
    ("sdft", {"method": "lora"}),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=["throughput", "memory"])
    parser.add_argument("--pairs", type=int, default=4, help="runs of each side of the comparison")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(json.loads(options.child))))
        return 0
    if options.only != "memory":
        throughput(options.pairs, options.steps, options.batch)
    if options.only != "throughput":
        memory(options.batch)
    return 0


def throughput(pairs: int, steps: int, batch: int) -> None:
    ratios = []
    print("cpu seconds per 1,000 tokens    sml-agents    plain TRL    ratio")
    for number in range(pairs):
        order = ["ours", "plain"] if number % 2 == 0 else ["plain", "ours"]
        cost = {side: run({"side": side, "steps": steps, "batch": batch})["cpu"] for side in order}
        ratios.append(cost["ours"] / cost["plain"])
        print(f"  pair {number + 1:24d} {cost['ours']:13.2f} {cost['plain']:12.2f} {ratios[-1]:8.3f}", flush=True)
    print(
        f"median ratio {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}, n = {pairs} pairs"
    )


def memory(batch: int) -> None:
    print(f"\npeak memory of two steps of {batch} rows, one forward pass each    GB")
    for recipe, settings in MEMORY:
        peak = run({"side": "ours", "recipe": recipe, "settings": settings, "steps": 2, "batch": batch})["peak_gb"]
        words = " ".join([recipe, str(settings["method"])])
        words += ", gradient checkpointing" if "gradient_checkpointing" in settings else ""
        print(f"  {words:<60} {peak:5.2f}", flush=True)


def run(job: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", json.dumps(job)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        used = (ours if job["side"] == "ours" else plain)(job, Path(folder) / "out")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return {"cpu": used, "peak_gb": round(peak, 2)}


def examples(count: int) -> tuple[list[Any], list[Any]]:
    """Dialogues of generated exercises as rows, and pairs of a question and a guess."""
    from sml_agents.data.pairs import Pair
    from sml_agents.tasks import load_tasks
    from sml_agents.training import Message, TrainingRow
    from sml_agents.types import Role, Turn

    rows, pairs = [], []
    for task in list(load_tasks(f"arithmetic?form=underspecified&split=train&n={count}&seed=1")):
        fact, answer = task.private.facts[0], f"{task.private.solution} The answer is {task.private.answer}."
        told = [("user", task.prompt), ("assistant", fact.question), ("user", fact.statement), ("assistant", answer)]
        messages = [Message(role, text, trainable=role == "assistant") for role, text in told]  # type: ignore[arg-type]
        rows.append(TrainingRow((Message("system", "Solve the problem. Ask for what is missing."), *messages), task.id))
        history = (Turn(role=Role.TEACHER, text=task.prompt),)
        sides = [Turn(role=Role.STUDENT, text=text) for text in (fact.question, answer)]
        pairs.append(Pair(history, sides[0], sides[1], "asked_over_guessed", task.id, True, task.id))
    return rows, pairs


class Meter:
    """Processor time and tokens of the steps after the first, which warms up."""

    def __init__(self) -> None:
        self.start = 0.0
        self.used = 0.0

    def __call__(self, step: int) -> None:
        if step == 1:
            self.start = time.process_time()
        self.used = time.process_time() - self.start


def ours(job: dict[str, Any], out: Path) -> float:
    from sml_agents.data.pairs import Judged
    from sml_agents.training import SFTSettings, train_sft
    from sml_agents.training.distill import Hindsight, train_sdft
    from sml_agents.training.preference import train_dpo, train_kto
    from sml_agents.training.settings import DistillSettings, PreferenceSettings

    recipe, steps, batch = job.get("recipe", "sft"), job["steps"], job["batch"]
    rows, pairs = examples(steps * batch)
    common = {"model": "embedded:", "batch_size": batch, "max_steps": steps, "precision": "fp32"}
    common = {**common, "checkpoint_seconds": None, **job.get("settings", {})}
    meter = Meter()
    if recipe == "sft":
        train_sft(rows, SFTSettings(**common), out, progress=lambda now: meter(now.step))
    elif recipe == "dpo":
        train_dpo(pairs, PreferenceSettings(**common), out)
    elif recipe == "sdft":
        places = [
            Hindsight(pair.history, f"Something needed is missing. Ask: {pair.chosen.text}", True) for pair in pairs
        ]
        train_sdft(places, DistillSettings(**common, max_tokens=32), out)
    else:
        turns = [
            Judged(pair.history, turn, good, reason, True, pair.trace)  # type: ignore[arg-type]
            for pair in pairs
            for turn, good, reason in ((pair.chosen, True, "asked"), (pair.rejected, False, "guessed"))
        ]
        train_kto(turns[: steps * batch], PreferenceSettings(**common), out)
    return meter.used / counted(steps, batch) * 1000 if recipe == "sft" else 0.0


def plain(job: dict[str, Any], out: Path) -> float:
    """TRL's own trainer on the very ids and labels that ours is given."""
    import datasets
    from transformers import TrainerCallback
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from sml_agents.backends.memory import freed_memory_kept
    from sml_agents.training import SFTSettings
    from sml_agents.training.runtime import load_model, load_tokenizer, settle_threads, trl_arguments

    settle_threads()
    meter = Meter()

    class Steps(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            meter(state.global_step)

    settings = SFTSettings(
        model="embedded:", batch_size=job["batch"], max_steps=job["steps"], precision="fp32", checkpoint_seconds=None
    )
    made = tokenised(job["steps"], job["batch"])
    own = {"max_length": None, "dataset_kwargs": {"skip_prepare_dataset": True}}
    arguments = trl_arguments(SFTConfig, "sft", settings, out, rows=len(made), device="cpu", bf16=False, own=own)
    trainer = SFTTrainer(
        model=load_model(settings),
        args=arguments,
        train_dataset=datasets.Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in made]),
        processing_class=load_tokenizer(settings),
        callbacks=[Steps()],
    )
    with freed_memory_kept():
        trainer.train()
    return meter.used / counted(job["steps"], job["batch"]) * 1000


def tokenised(steps: int, batch: int) -> list[Any]:
    from sml_agents.training import DialogueRenderer, SFTSettings
    from sml_agents.training.runtime import load_tokenizer
    from sml_agents.training.tokens.rows import tokenize_rows

    renderer = DialogueRenderer(load_tokenizer(SFTSettings(model="embedded:")))
    return tokenize_rows(examples(steps * batch)[0], renderer, max_length=2048)[0]


def counted(steps: int, batch: int) -> float:
    """Tokens in the steps that are measured, all but the first of an epoch of `steps`."""
    made = tokenised(steps, batch)
    return sum(len(row.input_ids) for row in made) * (steps - 1) / steps


if __name__ == "__main__":
    sys.exit(main())
