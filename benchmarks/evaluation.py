"""Memory and resumption of large evaluations: many dialogues of a scripted student, cut off half way and gone on with.

    python benchmarks/evaluation.py --dialogues 1000 10000 --out benchmarks/results/evaluation.json

Each size runs in a process of its own, in which one dialogue has run before. `grown` is what its peak memory grew by,
in MB; `same` says whether the evaluation that was cut off and resumed gave the summary of an unbroken one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sml_agents.evaluation.run import evaluate, evaluate_async
from sml_agents.rollout import Progress
from sml_agents.testing import ScriptedModel

SAMPLES = 10
"""Dialogues of each task. Tasks are held in memory, about 4 kB each; dialogues are not."""
MODEL = ScriptedModel(replies=["How many are there?", "The answer is 12.", "The answer is 7."])


def peak() -> float:
    """In MB (Linux counts in kB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(dialogues: int, unbroken: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"max_turns": 3, "resamples": 200, "baselines": False, "samples": SAMPLES}
    specs = [f"arithmetic?form=full&n={dialogues // SAMPLES}"]
    with tempfile.TemporaryDirectory() as folder:
        evaluate({"a": MODEL}, ["arithmetic?form=full&n=1"], f"{folder}/first", **options)
        before, started = peak(), time.process_time()
        asyncio.run(cut(specs, f"{folder}/cut", dialogues // 2, options))
        summary = evaluate({"a": MODEL}, specs, f"{folder}/cut", resume=True, **options)
        found: dict[str, Any] = {
            "dialogues": summary.students["a"].n,
            "grown": round(peak() - before, 1),
            "peak": round(peak(), 1),
            "cpu_seconds": round(time.process_time() - started, 1),
        }
        if unbroken:
            found["same"] = evaluate({"a": MODEL}, specs, f"{folder}/whole", **options) == summary
    return found


async def cut(specs: list[str], folder: str, after: int, options: dict[str, Any]) -> None:
    """Begin an evaluation and stop it when `after` dialogues are done."""
    stop = asyncio.Event()

    class Watch:
        def __init__(self, title: str) -> None: ...

        def __enter__(self) -> Any:
            return self.seen

        def __exit__(self, *_: object) -> None: ...

        def seen(self, progress: Progress) -> None:
            if progress.done >= after:
                stop.set()

    with suppress(asyncio.CancelledError):
        await evaluate_async({"a": MODEL}, specs, folder, stop=stop, progress=Watch, **options)
        raise AssertionError("the evaluation was not cut off")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dialogues", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--unbroken", action="store_true", help="run each once more without a break, and compare")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(arguments.one, arguments.unbroken)))
        return
    found = []
    for dialogues in arguments.dialogues:
        more = ["--unbroken"] if arguments.unbroken else []
        command = [sys.executable, __file__, "--one", str(dialogues), *more]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(found[-1])
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
