"""What a run has done so far, and what it did in the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sml_agents.traces import Finished
from sml_agents.traces.record import asked, tokens
from sml_agents.types import StopReason, Trace

__all__ = ["Progress", "RunSummary", "Tally"]


@dataclass(frozen=True)
class Progress:
    """A run at one moment. Counts include the dialogues that an earlier run had finished."""

    done: int
    total: int | None
    """None when the tasks come from an iterator of unknown length."""
    solved: int
    asked: int
    """Dialogues in which the student asked a clarifying question."""
    failed: int
    resumed: int
    """Of those done, finished by an earlier run."""
    tokens: int
    """Generated in this run, as far as the backends told."""
    elapsed: float
    """Seconds since this run began."""

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to go at the rate of this run; None when it cannot be told yet."""
        new = self.done - self.resumed
        if self.total is None or new <= 0:
            return None
        return max(0, self.total - self.done) * self.elapsed / new


@dataclass(frozen=True)
class RunSummary:
    """The outcome of a run over all of its dialogues, those that an earlier run had finished included."""

    n: int
    """Finished dialogues."""
    resumed: int
    """Of these, finished by an earlier run."""
    solved: int
    asked: int
    """Dialogues in which the student asked a clarifying question."""
    failed: int
    stops: Mapping[str, int]
    """Dialogues by stop reason."""
    tokens: int
    """Generated in this run, as far as the backends told."""
    seconds: float
    interrupted: bool = False
    """A signal ended it before all dialogues were done: go on with `resume=True`."""

    @property
    def exit_code(self) -> int:
        """What a command should exit with: 0 done, 1 done with failures recorded, 130 interrupted."""
        return 130 if self.interrupted else int(self.failed > 0)


class Tally:
    """Counts dialogues as they finish."""

    def __init__(self, total: int | None) -> None:
        self.total = total
        self._began = time.monotonic()
        self._stops: Counter[str] = Counter()
        self._solved = self._asked = self._resumed = self._tokens = 0

    def add(self, trace: Trace) -> None:
        """Count a dialogue that has just finished."""
        self._count(trace.stop, trace.solved, asked(trace))
        self._tokens += tokens(trace)

    def add_resumed(self, finished: Finished) -> None:
        """Count a dialogue that an earlier run finished."""
        self._count(finished.stop, finished.solved, finished.asked)
        self._resumed += 1

    def _count(self, stop: str, solved: bool | None, has_asked: bool) -> None:
        self._stops[str(stop)] += 1
        self._solved += bool(solved)
        self._asked += has_asked

    def progress(self) -> Progress:
        return Progress(
            done=self._stops.total(),
            total=self.total,
            solved=self._solved,
            asked=self._asked,
            failed=self._stops[StopReason.FAILED],
            resumed=self._resumed,
            tokens=self._tokens,
            elapsed=time.monotonic() - self._began,
        )

    def summary(self, *, interrupted: bool) -> RunSummary:
        now = self.progress()
        return RunSummary(
            n=now.done,
            resumed=now.resumed,
            solved=now.solved,
            asked=now.asked,
            failed=now.failed,
            stops={stop: count for stop, count in sorted(self._stops.items()) if count},
            tokens=now.tokens,
            seconds=now.elapsed,
            interrupted=interrupted,
        )
