"""Where a GRPO step spends its time, and what it needs in memory: the embedded model on CPU.

    python benchmarks/grpo.py [--steps 3] [--dialogues 32]

Each way runs in a process of its own, on sums that the untrained model solves now and then. `outside` is the share of
training that is none of generation (the model's passes), forward and backward: dialogues, teacher and verifier, masks,
advantages, and the optimiser, which is also shown alone. `flat` is the share of groups that taught nothing. Peak RSS is
the process's, libraries included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# Before torch is imported: idle threads that spin slow a busy machine down.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

PHASES = ("generate", "forward", "backward")
SHARES = (*PHASES, "outside", "optimizer", "flat")
WAYS: dict[str, dict[str, Any]] = {
    "full": {},
    "full, fp32": {"precision": "fp32"},
    "full, checkpointing": {"gradient_checkpointing": True},
    "LoRA r=16": {"method": "lora", "learning_rate": 1e-4},
    "LoRA r=16, checkpointing": {"method": "lora", "learning_rate": 1e-4, "gradient_checkpointing": True},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--dialogues", type=int, default=32, help="in a step, in groups of 8")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(WAYS[options.one], options.steps, options.dialogues)))
        return 0
    print(f"{'':26}{'s/step':>10}" + "".join(f"{name:>10}" for name in SHARES) + f"{'peak RSS':>11}")
    sizes = ["--steps", str(options.steps), "--dialogues", str(options.dialogues)]
    for way in options.ways:
        command = [sys.executable, __file__, "--one", way, *sizes]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        one = json.loads(done.stdout.strip().splitlines()[-1])
        shares = "".join(f"{one[name]:>10.1%}" for name in SHARES)
        print(f"{way:26}{one['step']:>10.1f}{shares}{one['rss']:>8.2f} GB", flush=True)
    return 0


def measured(way: dict[str, Any], steps: int, dialogues: int) -> dict[str, float]:
    from sml_agents.training.grpo import train_grpo
    from sml_agents.training.settings import GRPOSettings

    with tempfile.TemporaryDirectory() as folder:
        tasks = Path(folder) / "sums.jsonl"
        sums = [{"q": f"What is {a} plus {b}?", "a": str(a + b)} for a in range(1, 6) for b in range(1, 6)]
        tasks.write_text("".join(json.dumps(row) + "\n" for row in sums), encoding="utf-8")
        settings = GRPOSettings(
            model="embedded:",
            tasks=(f"jsonl:{tasks}?prompt=q&answer=a",),
            batch_size=dialogues,
            micro_batch_size=8,
            max_steps=steps,
            max_turns=3,
            max_tokens=32,
            checkpoint_seconds=None,
            **{"learning_rate": 1e-6, **way},
        )
        result = train_grpo(settings, Path(folder) / "out")
    seconds = result.notes["seconds"]
    shares = {name: seconds[name] / seconds["all"] for name in (*PHASES, "optimizer")}
    shares["outside"] = 1 - sum(shares[name] for name in PHASES)
    shares["flat"] = result.notes["flat_groups"] / result.notes["groups"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {**shares, "step": seconds["all"] / steps, "rss": peak}


if __name__ == "__main__":
    sys.exit(main())
