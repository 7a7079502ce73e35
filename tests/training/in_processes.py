"""What each process of `tests/training/test_processes.py` runs: the trainings of a plan, one after another.

The plan is a file with a list of `{"file": ..., "ahead": 0.0, "dies_at": 0}` as JSON. Beside each result this process
writes the hash of the weights that it ended with. `ahead` (seconds) is added to the clock of all processes but the
first. `dies_at` ends the first one, once, before that step's checkpoint is trusted: torchrun then starts all of them
anew, and they go on where they were.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

RANK = int(os.environ["RANK"])


def main(plan: str) -> None:
    from sml_agents.training import frame
    from sml_agents.training.recipes import load_run, train_run
    from sml_agents.training.trainers import callbacks, distill, grpo, preference, sft  # noqa: F401  # all libraries

    gc.freeze()  # what they leave costs each training two looks at all of it

    save = frame.save_result

    def saved(trainer: Any, tokenizer: Any, settings: Any, out: Path, record: dict[str, Any]) -> None:
        weights = trainer.accelerator.unwrap_model(trainer.model).state_dict()
        digest = hashlib.sha256(b"".join(weights[name].numpy().tobytes() for name in sorted(weights))).hexdigest()
        about = {"weights": digest, "steps": record["steps"], "stopped": record["stopped"]}
        (out.parent / f"{out.name}.{RANK}.json").write_text(json.dumps(about))
        save(trainer, tokenizer, settings, out, record)

    frame.save_result = saved
    for job in json.loads(Path(plan).read_text()):
        file = Path(job["file"])
        if file.with_name(f"{file.stem}.{RANK}.json").exists():
            continue  # before all were started anew
        callbacks.time = clock(job.get("ahead", 0.0) * min(RANK, 1))
        died = file.with_suffix(".died")

        def progress(told: Any, dies_at: int = job.get("dies_at", 0), died: Path = died) -> None:
            if told.step == dies_at and not died.exists():
                died.touch()
                os._exit(9)

        train_run(load_run(file), progress)


def clock(ahead: float) -> Any:
    readings = itertools.count()  # the first one is the start of training: one clock of two then gains on the other
    return SimpleNamespace(
        monotonic=lambda: time.monotonic() + ahead * min(1, next(readings)), perf_counter=time.perf_counter
    )


if __name__ == "__main__":
    main(sys.argv[1])
