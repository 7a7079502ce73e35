"""Train an asker: a small model that reads tools and a conversation and says which required argument is missing.

    python finetune/asker.py --out runs/asker
    python finetune/asker.py --out runs/asker --data bfcl_simple_python.jsonl --data bfcl_multiple.jsonl
    python finetune/asker.py --out runs/mine --lessons lessons.sqlite --generated 0 --start asker: --steps 40

Without --data it trains on generated tool requests alone. With it, also on pairs that are made by rule from complete
requests (docs/asker.md says which files are published where). A run that was cut short goes on with --resume. The
threshold is chosen on tools that were held out of training, and stored with the weights. --lessons takes what
`sml-agents mine` made of your logs: every second row is then one of theirs, of the threads that are for training.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sml_agents.evaluation.asker import LessonRows


def main() -> int:
    """Train, choose the threshold, and say what came out."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True, help="new folder for the weights")
    options.add_argument("--data", type=Path, action="append", default=[], help="a file of function-calling data")
    options.add_argument("--lessons", metavar="STORE", help="lessons of your own logs")
    options.add_argument(
        "--start", default="", help="weights to go on from: asker: for those of the package, or a folder"
    )
    options.add_argument("--base", default="embedded:", help="the model to start from: embedded: or a folder")
    options.add_argument("--generated", type=int, default=3000, help="pairs of generated requests (0: none)")
    options.add_argument("--method", choices=("lora", "full"), default="lora")
    options.add_argument("--steps", type=int, default=400)
    options.add_argument("--rate", type=float, help="learning rate (default: 2e-3, full: 4e-4)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--dev", type=int, default=60, help="held-out pairs of each source for the threshold")
    options.add_argument("--resume", action="store_true", help="go on with a run that was cut short")
    given = options.parse_args()

    from sml_agents.errors import SmlError

    try:
        return train(given)
    except SmlError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def read_lessons(path: str) -> LessonRows:
    """The lessons of a store that are for training."""
    from sml_agents.evaluation.asker import LessonRows
    from sml_agents.evaluation.deciders import cases_of
    from sml_agents.traces import TraceStore

    with TraceStore.open(path, read_only=True) as store:
        return LessonRows(cases_of(store.traces(), "train"))


def train(given: argparse.Namespace) -> int:
    from sml_agents.asker.load import load_asker
    from sml_agents.asker.mix import Mix
    from sml_agents.asker.train import STATE, AskerSettings, Step, train_asker
    from sml_agents.training.runtime import freed_memory_kept, model_path, settle_threads

    settle_threads()
    mix = Mix.read(given.data, given.generated, given.seed)
    print(f"{sum(map(len, mix.files))} requests from {len(mix.files)} files, {len(mix.generated)} generated pairs")
    lessons = read_lessons(given.lessons) if given.lessons else None
    if lessons is not None:
        print(f"{len(lessons)} decisions in lessons")
    elif not given.data:
        print("No --data: training on generated tools alone.")
    start = load_asker(given.start).folder if given.start.startswith("asker:") else given.start
    settings = AskerSettings(
        method=given.method,
        steps=given.steps,
        learning_rate=given.rate or (2e-3 if given.method == "lora" else 4e-4),
        seed=given.seed,
        start=str(start),
    )
    losses: list[float] = []

    def progress(step: Step) -> None:
        losses.append(step.loss)
        if step.step % 10 == 0:
            recent = losses[-10:]
            print(
                f"step {step.step} of {settings.steps}, loss {sum(recent) / len(recent):.3f}, {step.tokens} tokens",
                flush=True,
            )

    base = Path(model_path(given.base))
    with freed_memory_kept():
        row_of = mix if lessons is None else lessons.mixed_with(mix if given.data or given.generated else None)
        train_asker(base, row_of, settings, given.out, resume=given.resume, progress=progress)
    import torch

    from sml_agents.agents.asker import ungrounded
    from sml_agents.asker.read import AskerModel
    from sml_agents.asker.threshold import chosen_on
    from sml_agents.backends.loading import resolved_dtype
    from sml_agents.text.values import Clock

    clock = Clock(dt.datetime(2026, 1, 1), known=False)
    pairs = Mix.heldout_pairs(given.data, given.dev if given.generated else 0, given.dev, given.seed)
    if lessons is not None:
        pairs["lessons"] = lessons.pairs()[: given.dev]
    record = chosen_on(
        AskerModel.load(given.out, base, getattr(torch, resolved_dtype("fast", "cpu"))),  # as it will be read
        pairs,
        lambda tool, example: ungrounded(tool, example, clock),
        lambda name: print(f"read held-out pairs of {name}", flush=True),
    )
    record.write(given.out)
    (given.out / STATE).unlink(missing_ok=True)
    print(json.dumps(record.model_dump(), indent=2))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
