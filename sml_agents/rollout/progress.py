"""A progress bar for runs, on standard error: a live bar on a terminal, a line now and then elsewhere.

with ProgressBar() as bar:
    run_dialogues_sync(..., on_progress=bar)
"""

from __future__ import annotations

import sys
import time
from typing import IO, TYPE_CHECKING

from sml_agents.rollout.summary import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

__all__ = ["ProgressBar", "describe"]


class ProgressBar:
    """Shows `Progress` objects that it is called with. Use it as a context manager.

    `every`: seconds between lines where there is no terminal; the first and the last line are always written.
    """

    def __init__(self, title: str = "dialogues", *, stream: IO[str] | None = None, every: float = 10.0) -> None:
        self.title = title
        self.every = every
        self._stream = stream or sys.stderr
        self._bar: RichProgress | None = None
        self._last: Progress | None = None
        self._written: Progress | None = None
        self._next_line = 0.0

    def __enter__(self) -> ProgressBar:
        if self._stream.isatty():
            self._bar = _make_bar(self._stream)
            self._bar.add_task(self.title, total=None, numbers="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        elif self._last is not self._written:
            self._line(self._last)

    def __call__(self, progress: Progress) -> None:
        self._last = progress
        if self._bar is not None:
            task = self._bar.tasks[0].id
            numbers = _numbers(progress)
            self._bar.update(task, completed=progress.done, total=progress.total, numbers=numbers)
        elif time.monotonic() >= self._next_line:
            self._line(progress)

    def _line(self, progress: Progress | None) -> None:
        if progress is not None:
            print(f"{self.title}: {describe(progress)}", file=self._stream, flush=True)
        self._written = progress
        self._next_line = time.monotonic() + self.every


def describe(progress: Progress) -> str:
    """One line such as `12/100 done, 7 solved, 3 asked, 0 failed, 41 tokens/s, 2:10 left`."""
    done = f"{progress.done}/{progress.total}" if progress.total is not None else str(progress.done)
    left = "" if progress.eta is None else f", {_clock(progress.eta)} left"
    return f"{done} done, {_numbers(progress)}{left}"


def _numbers(progress: Progress) -> str:
    rate = f", {progress.tokens_per_second:,.0f} tokens/s" if progress.tokens else ""
    failed = f", {progress.failed} failed" if progress.failed else ""
    primed = f" ({progress.primed} by Q-priming)" if progress.primed else ""
    return f"{progress.solved + progress.primed} solved{primed}, {progress.asked} asked{failed}{rate}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _make_bar(stream: IO[str]) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(file=stream),
        refresh_per_second=4,
    )
