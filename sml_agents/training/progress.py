"""How far a training run is: for a bar of the caller's own, or as a line of text."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TextIO

__all__ = ["ProgressLine", "TrainingProgress", "describe"]


@dataclass(frozen=True)
class TrainingProgress:
    """Told after every optimiser step."""

    step: int
    steps: int
    loss: float | None
    """Mean over trained tokens, of the last logged steps; None before the first."""
    tokens_per_second: float
    seconds: float
    seconds_left: float | None
    note: str = ""
    """Of online RL: how the last step's dialogues ended. Shown in place of the loss, which says nothing there."""


class ProgressLine:
    """Progress as one line that is rewritten on a terminal, and as a plain line now and then elsewhere."""

    def __init__(self, stream: TextIO | None = None, *, every: float = 30.0) -> None:
        self.stream = stream or sys.stderr
        self.every = every
        self._told = float("-inf")

    def __call__(self, progress: TrainingProgress) -> None:
        last = progress.step >= progress.steps
        live = self.stream.isatty()
        wait = 0.2 if live else self.every
        if progress.seconds - self._told < wait and not last:
            return
        self._told = progress.seconds
        text = describe(progress)
        end = ("\r" if not last else "\n") if live else "\n"
        self.stream.write(f"{text:<78}{end}" if live else text + end)
        self.stream.flush()


def describe(progress: TrainingProgress) -> str:
    """At most 78 characters."""
    share = progress.step / max(progress.steps, 1)
    bar = ("█" * round(20 * share)).ljust(20, "░")
    loss = progress.note or ("loss   -  " if progress.loss is None else f"loss {progress.loss:5.3f}")
    left = "" if progress.seconds_left is None else f"{_clock(progress.seconds_left)} left"
    rate = f"{progress.tokens_per_second:,.0f} tok/s"
    return f"training {bar} {progress.step}/{progress.steps}  {loss}  {rate}  {left}"[:78]


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
