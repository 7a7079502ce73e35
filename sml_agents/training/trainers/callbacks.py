"""What runs beside the training loop: the clock, checkpoints that can be trusted, progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from sml_agents.training.progress import TrainingProgress

__all__ = ["COMPLETE", "Checkpoints", "Clock", "Measured", "OptimizerTime", "ProgressReporter", "latest_checkpoint"]

COMPLETE = "complete"
"""Name of the empty file that marks a checkpoint as written to its end."""


_SHORTER = {"mean_token_accuracy": "accuracy"}
_NOT_KEPT = {"epoch", "num_tokens"}
"""Figures of the log that a curve does without; an entropy of 0 is one that was not computed."""


class Clock(TrainerCallback):
    """Ends training after `seconds` and lets the learning rate fall with the time that is left.

    The scheduler plans for all steps; where time runs out first, the rate is capped at the share of time left, so that
    a run cut short has still cooled down.
    """

    def __init__(self, seconds: float, learning_rate: float) -> None:
        self.seconds = seconds
        self.learning_rate = learning_rate
        self.ran_out = False
        self.applied_rate: float | None = None
        """The learning rate of the last step, which the scheduler does not know."""
        self._start = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._start = time.monotonic()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        left = max(0.0, 1 - (time.monotonic() - self._start) / self.seconds)
        for group in kwargs["optimizer"].param_groups:
            group["lr"] = min(group["lr"], self.learning_rate * left)
            self.applied_rate = group["lr"]

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if time.monotonic() - self._start >= self.seconds and state.global_step < state.max_steps:
            self.ran_out = True
            control.should_training_stop = True


class Measured(TrainerCallback):
    """Takes a measure of the model every `steps` steps, and ends training when it reaches `stop_at`.

    The steps are counted from the beginning of the run, so that a resumed run measures where an unbroken one would.
    """

    def __init__(self, measure: Callable[[Any, Any], float], stop_at: float, steps: int) -> None:
        self.measure = measure
        self.stop_at = stop_at
        self.steps = steps
        self.reached = False
        self.taken: list[tuple[int, float]] = []
        """Step and measure."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.steps or state.global_step >= state.max_steps:
            return
        value = self.measure(kwargs["model"], kwargs["processing_class"])
        self.taken.append((state.global_step, value))
        if value >= self.stop_at:
            self.reached = True
            control.should_training_stop = True


class Checkpoints(TrainerCallback):
    """Asks for a checkpoint every `seconds` and marks those that were written to the end."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._last = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        due = self.seconds is not None and time.monotonic() - self._last >= self.seconds
        if due and state.global_step < state.max_steps:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._last = time.monotonic()
        if state.is_world_process_zero:
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint under `folder` that was written to its end; what a kill left half-written is ignored."""
    done = [path.parent for path in folder.glob(f"checkpoint-*/{COMPLETE}")]
    return max(done, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


class OptimizerTime(TrainerCallback):
    """Adds the seconds of each optimiser step to `seconds["optimizer"]`."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self._began = 0.0

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._began = time.perf_counter()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seconds["optimizer"] += time.perf_counter() - self._began


class ProgressReporter(TrainerCallback):
    """Calls `tell` with a `TrainingProgress` after each step, and keeps the loss curve."""

    def __init__(self, tell: Callable[[TrainingProgress], None] | None, clock: Clock | None = None) -> None:
        self.tell = tell
        self.clock = clock
        self.curve: list[dict[str, float]] = []
        self.tokens = 0
        self._start = 0.0
        self._first_step = 0
        self._loss: float | None = None
        self._note = ""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._start = time.monotonic()
        self._first_step = state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        self._loss = float(logs["loss"])
        if "solved" in logs:
            self._note = f"solved {logs['solved']:4.0%}, {logs['flat_groups']:.0f} flat groups"
        point = {
            _SHORTER.get(name, name): float(value)
            for name, value in logs.items()
            if name not in _NOT_KEPT and isinstance(value, int | float) and (value or name != "entropy")
        }
        if self.clock is not None and self.clock.applied_rate is not None:
            point["learning_rate"] = self.clock.applied_rate
        self.tokens = int(logs.get("num_tokens", self.tokens))
        self.curve.append({"step": state.global_step, **point})

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.tell is None or not state.is_world_process_zero:
            return
        seconds = time.monotonic() - self._start
        done = state.global_step - self._first_step
        left = seconds / done * (state.max_steps - state.global_step) if done else None
        if self.clock is not None and left is not None:
            left = min(left, max(0.0, self.clock.seconds - seconds))
        rate = self.tokens / seconds if seconds else 0.0
        self.tell(TrainingProgress(state.global_step, state.max_steps, self._loss, rate, seconds, left, self._note))
