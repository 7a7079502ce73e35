"""What each process of `tests/training/test_processes.py` runs: lives, one after another.

A life is a group of trainings in a process of its own, forked after the imports, which torchrun's processes then pay
for once. The plan is a JSON list of lives: `files` are trained one after another; `clock_ahead` (seconds) is added to
the clock of all processes but the first; `dies_at` ends the first one before that step's checkpoint is trusted. Beside
each result a process writes the hash of the weights that it ended with; beside the plan, how each of its lives ended.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

RANK = int(os.environ["RANK"])
_GRACE_SECONDS = 10.0
"""How long a process may outlive the one that it trained with."""


def main(plan: Path) -> None:
    from sml_agents.training import distill, grpo, preference, sft  # noqa: F401
    from sml_agents.training.trainers import distill as _distill  # noqa: F401
    from sml_agents.training.trainers import grpo as _grpo  # noqa: F401
    from sml_agents.training.trainers import preference as _preference  # noqa: F401

    ended = []
    for number, life in enumerate(json.loads(plan.read_text())):
        mark = plan.with_name(f"{plan.name}.{number}")
        pid = os.fork()
        if pid == 0:
            os.environ["TORCHELASTIC_RESTART_COUNT"] = str(
                number
            )  # the store of the processes is torchrun's: keys apart
            code = 1
            try:
                live(life["files"], life.get("clock_ahead", 0.0), life.get("dies_at", 0))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        ended.append(end_of(pid, mark))
    plan.with_name(f"{plan.name}.ended.{RANK}").write_text(json.dumps(ended))


def end_of(pid: int, mark: Path) -> int:
    """The exit code of a life; it is ended when the other process's has been over for long."""
    other = mark.with_name(f"{mark.name}.{1 - RANK}")
    while not (found := os.waitpid(pid, os.WNOHANG))[0]:
        time.sleep(0.02)
        if other.exists() and time.time() - other.stat().st_mtime > _GRACE_SECONDS:
            os.kill(pid, signal.SIGKILL)
    mark.with_name(f"{mark.name}.{RANK}").touch()
    return os.waitstatus_to_exitcode(found[1])


def live(files: list[str], clock_ahead: float, dies_at: int) -> None:
    from sml_agents.training import frame
    from sml_agents.training.recipes import load_run, train_run
    from sml_agents.training.trainers import callbacks

    save = frame.save_result

    def saved(trainer: Any, tokenizer: Any, settings: Any, out: Path, record: dict[str, Any]) -> None:
        weights = trainer.accelerator.unwrap_model(trainer.model).state_dict()
        digest = hashlib.sha256(b"".join(weights[name].numpy().tobytes() for name in sorted(weights))).hexdigest()
        about = {"weights": digest, "steps": record["steps"], "stopped": record["stopped"]}
        (out.parent / f"{out.name}.{RANK}.json").write_text(json.dumps(about))
        save(trainer, tokenizer, settings, out, record)

    frame.save_result = saved
    ahead = clock_ahead * min(RANK, 1)
    readings = itertools.count()  # the first one is the start of training: one clock of two then gains on the other
    early: Any = SimpleNamespace(
        monotonic=lambda: time.monotonic() + ahead * min(1, next(readings)), perf_counter=time.perf_counter
    )
    callbacks.time = early

    def progress(told: Any) -> None:
        if told.step == dies_at:
            os._exit(9)

    for file in files:
        train_run(load_run(file), progress)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
