"""What runs beside the training loop: the clock, checkpoints that can be trusted, progress."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from sml_agents.errors import TrainingError
from sml_agents.files import whole_file, write_whole
from sml_agents.training.processes import agreed, wait_for_all
from sml_agents.training.progress import TrainingProgress

__all__ = [
    "COMPLETE",
    "Checkpoints",
    "Clock",
    "Finite",
    "HeldOut",
    "Measured",
    "OptimizerTime",
    "Part",
    "Pass",
    "ProgressReporter",
    "latest_checkpoint",
]

COMPLETE = "complete"
"""Name of the file that marks a checkpoint as written to its end; it holds what the run knew of itself by then."""


_SHORTER = {"mean_token_accuracy": "accuracy"}
_NOT_KEPT = {"epoch", "num_tokens"}
"""Figures of the log that a curve does without; an entropy of 0 is one that was not computed."""


class Part(Protocol):
    """What knows something of the run that a resumed one has to know, too."""

    def state(self) -> Any:
        """JSON-able."""
        ...

    def restore(self, state: Any) -> None:
        """Go on from `state()`."""
        ...


class Clock(TrainerCallback):
    """Seconds of training, those before a resume included, and what follows from them in all processes alike.

    Ends training after `max_seconds` and lets the learning rate fall with the time that is left: the scheduler plans
    for all steps; where time runs out first, the rate is capped at the share of time that was left when the step
    began, so that a run cut short has still cooled down. Asks for a checkpoint every `checkpoint_seconds`.

    The first process reads the clock, once a step. All others decide by what it read, never by their own.
    """

    def __init__(
        self, learning_rate: float, *, max_seconds: float | None = None, checkpoint_seconds: float | None = None
    ) -> None:
        self.learning_rate = learning_rate
        self.max_seconds = max_seconds
        self.checkpoint_seconds = checkpoint_seconds
        self.used = 0.0
        """As read last."""
        self.ran_out = False
        self.applied_rate: float | None = None
        """The learning rate of the last step, where it is not the scheduler's to say."""
        self._start = 0.0
        self._saved = 0.0

    def state(self) -> float:
        return self.used

    def restore(self, state: Any) -> None:
        self.used = self._saved = float(state)

    @property
    def seconds(self) -> float:
        """By this process's own clock: to show, not to decide by."""
        return time.monotonic() - self._start

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._start = time.monotonic() - self.used

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.max_seconds is None:
            return
        left = max(0.0, 1 - self.used / self.max_seconds)
        for group in kwargs["optimizer"].param_groups:
            group["lr"] = min(group["lr"], self.learning_rate * left)
            self.applied_rate = group["lr"]

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.used = agreed(self.seconds)
        if state.global_step >= state.max_steps:
            return
        if self.max_seconds is not None and self.used >= self.max_seconds:
            self.ran_out = True
            control.should_training_stop = True
        elif self.checkpoint_seconds is not None and self.used - self._saved >= self.checkpoint_seconds:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._saved = agreed(self.seconds)  # writing one is not the time until the next


class Pass(TrainerCallback):
    """Tells the sampler which pass over the rows begins.

    accelerate does so through two wrappers, and there is a third around the rows of several processes when a run is
    resumed: within a pass after the first it would go on in the order of the first.
    """

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        sampler = kwargs["train_dataloader"]
        while sampler is not None:
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(int(state.epoch or 0))
            sampler = getattr(sampler, "batch_sampler", None) or getattr(sampler, "sampler", None)


class Finite(TrainerCallback):
    """Stops before gradients that are no numbers reach the weights: a loss may be one and its gradient not, and the
    next checkpoint would take the last good one's place."""

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        gradients = [one.grad for one in kwargs["model"].parameters() if one.grad is not None]
        if gradients and not bool(torch.isfinite(torch.nn.utils.get_total_norm(gradients))):
            raise TrainingError(
                f"the gradient is not a number at step {state.global_step + 1}: lower learning_rate, or set "
                "precision='fp32'; the weights are as they were before this step"
            )


class Measured(TrainerCallback):
    """Takes a measure of the model every `steps` steps, and ends training when it reaches `stop_at`.

    The steps are counted from the beginning of the run, so that a resumed run measures where an unbroken one would.
    Of several processes the first one's measure counts.
    """

    def __init__(self, measure: Callable[[Any, Any], float], stop_at: float, steps: int) -> None:
        self.measure = measure
        self.stop_at = stop_at
        self.steps = steps
        self.reached = False
        self.taken: list[tuple[int, float]] = []
        """Step and measure."""

    def state(self) -> list[tuple[int, float]]:
        return self.taken

    def restore(self, state: Any) -> None:
        self.taken = [(int(step), float(value)) for step, value in state]

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self.steps or state.global_step >= state.max_steps:
            return
        value = agreed(self.measure(kwargs["model"], kwargs["processing_class"]))
        self.taken.append((state.global_step, value))
        if value >= self.stop_at:
            self.reached = True
            control.should_training_stop = True


class HeldOut(TrainerCallback):
    """Looks at the loss on rows set aside: keeps the best weights, and ends training when it no longer falls.

    Evaluates every `eval_steps` of TRL's config, and once more at the end.
    """

    def __init__(self, rows: int, best: Path, patience: int | None) -> None:
        """`best`: where the weights with the lowest loss are kept."""
        self.rows = rows
        self.best = best
        self.patience = patience
        self.gave_up = False
        self.taken: list[tuple[int, float]] = []
        """Step and loss."""

    @property
    def best_step(self) -> int | None:
        return min(self.taken, key=lambda one: one[1])[0] if self.taken else None

    def state(self) -> list[tuple[int, float]]:
        return self.taken

    def restore(self, state: Any) -> None:
        self.taken = [(int(step), float(loss)) for step, loss in state]

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if control.should_training_stop or state.global_step >= state.max_steps:
            control.should_evaluate = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        loss = agreed(kwargs["metrics"]["eval_loss"])
        before = min((known for _, known in self.taken), default=math.inf)
        self.taken.append((state.global_step, loss))
        if loss < before and state.is_world_process_zero:
            self.best.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self.best) as path:
                save_file(_trained(kwargs["model"]), path)
        since = len(self.taken) - 1 - min(range(len(self.taken)), key=lambda at: self.taken[at][1])
        if self.patience is not None and since >= self.patience:
            self.gave_up = control.should_training_stop = True

    def put_back(self, model: Any) -> None:
        """Give `model` the best weights again. Every process has to call it."""
        wait_for_all()
        if self.best.exists():
            kept = load_file(self.best)
            for name, parameter in _trained(model).items():
                parameter.copy_(kept[name])


def _trained(model: Any) -> dict[str, torch.Tensor]:
    return {name: parameter.data for name, parameter in model.named_parameters() if parameter.requires_grad}


class Checkpoints(TrainerCallback):
    """Marks the checkpoints that were written to the end, with the state of `parts` in the mark."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.parts = parts

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        wait_for_all()  # each process writes a file of its own
        if state.is_world_process_zero:
            known = {name: part.state() for name, part in self.parts.items()}
            write_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE, json.dumps(known))

    def restore(self, checkpoint: Path) -> None:
        """Have the parts go on from `checkpoint`; one of an older version knows nothing of them."""
        known = json.loads((checkpoint / COMPLETE).read_text(encoding="utf-8") or "{}")
        for name in self.parts.keys() & known.keys():
            self.parts[name].restore(known[name])


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
    """Calls `tell` with a `TrainingProgress` after each step, and keeps the loss curve, from before a resume on."""

    def __init__(self, tell: Callable[[TrainingProgress], None] | None, clock: Clock) -> None:
        self.tell = tell
        self.clock = clock
        self.curve: list[dict[str, float]] = []
        self.tokens = 0
        self._tokens_before = 0
        """Of the parts before this one, where TRL counts anew."""
        self._seconds_before = 0.0
        self._first_step = 0
        self._loss: float | None = None
        self._note = ""

    def state(self) -> dict[str, Any]:
        return {"curve": self.curve, "tokens": self.tokens}

    def restore(self, state: Any) -> None:
        self.curve, self.tokens = list(state["curve"]), int(state["tokens"])

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._first_step = state.global_step
        self._seconds_before = self.clock.used
        self._tokens_before = self.tokens - int(state.num_input_tokens_seen)

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
        if self.clock.applied_rate is not None:
            point["learning_rate"] = self.clock.applied_rate
        if "num_tokens" in logs:
            self.tokens = self._tokens_before + int(logs["num_tokens"])
        self.curve.append({"step": state.global_step, **point})

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.tell is None or not state.is_world_process_zero:
            return
        seconds = self.clock.seconds
        done = state.global_step - self._first_step
        left = (seconds - self._seconds_before) / done * (state.max_steps - state.global_step) if done else None
        if self.clock.max_seconds is not None and left is not None:
            left = min(left, max(0.0, self.clock.max_seconds - seconds))
        rate = self.tokens / seconds if seconds else 0.0
        self.tell(TrainingProgress(state.global_step, state.max_steps, self._loss, rate, seconds, left, self._note))
