"""What each process of `tests/training/test_processes.py` runs: the trainings in the files given, one after another.

Beside each result it writes the hash of the weights that this process ended with. `CLOCK_AHEAD` (seconds) is added to
the clock of all processes but the first; `DIES_AT` ends the first one before that step's checkpoint is trusted.
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


def main(files: list[str]) -> None:
    from sml_agents.training import frame
    from sml_agents.training.recipes import load_run, train_run
    from sml_agents.training.trainers import callbacks, grpo, preference, sft  # noqa: F401  # all libraries

    gc.freeze()  # what they leave costs each training two looks at all of it
    save = frame.save_result

    def saved(trainer: Any, tokenizer: Any, settings: Any, out: Path, record: dict[str, Any]) -> None:
        weights = trainer.accelerator.unwrap_model(trainer.model).state_dict()
        digest = hashlib.sha256(b"".join(weights[name].numpy().tobytes() for name in sorted(weights))).hexdigest()
        about = {"weights": digest, "steps": record["steps"], "stopped": record["stopped"]}
        (out.parent / f"{out.name}.{RANK}.json").write_text(json.dumps(about))
        save(trainer, tokenizer, settings, out, record)

    frame.save_result = saved
    ahead = float(os.environ.get("CLOCK_AHEAD", "0")) * min(RANK, 1)
    readings = itertools.count()  # the first one is the start of training: one clock of two then gains on the other
    early: Any = SimpleNamespace(
        monotonic=lambda: time.monotonic() + ahead * min(1, next(readings)), perf_counter=time.perf_counter
    )
    callbacks.time = early
    dies_at = int(os.environ.get("DIES_AT", "0"))

    def progress(told: Any) -> None:
        if told.step == dies_at:
            os._exit(9)

    for file in files:
        train_run(load_run(file), progress)


if __name__ == "__main__":
    main(sys.argv[1:])
