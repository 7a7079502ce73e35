"""Several students on the same tasks: each one's metrics, overall and by task spec, and their paired differences.

Comparison   collects dialogues, one at a time
Summary      the result; `summary.json` is its JSON form
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sml_agents.errors import InputError, complaint
from sml_agents.evaluation.answer_loss import AnswerLoss
from sml_agents.evaluation.bootstrap import Floats, Metric, newcombe, percentiles, resample_sums
from sml_agents.evaluation.definitions import DEFINITIONS
from sml_agents.evaluation.metrics import STATISTICS, Metrics, Statistic, by_turn, estimate, measure, table_of
from sml_agents.evaluation.tally import Tally
from sml_agents.files import write_whole
from sml_agents.types import Trace

__all__ = ["Comparison", "Difference", "Figures", "StudentSummary", "Summary", "compare", "difference"]

Figures = dict[str, Metric | dict[str, Metric]]
"""Metrics by name; those by turn are a dictionary from the turn, as text, to a metric."""


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True)


class Counts(_Result):
    """What one student did on some tasks. The counts mean what they mean in `Metrics`."""

    n: int
    tasks: int = 0
    failed: int = 0
    unscored: int = 0
    masked_leaks: int = 0
    errors: dict[str, int] = Field(default_factory=dict)
    first_error: str = ""
    seeds: list[int] = Field(default_factory=list)
    metrics: Figures = Field(default_factory=dict)

    @classmethod
    def of(cls, metrics: Metrics, **more: Any) -> Any:
        counts = {name: getattr(metrics, name) for name in Counts.model_fields if name != "metrics"}
        return cls(**counts, metrics=metrics.figures(), **more)


class StudentSummary(Counts):
    by_spec: dict[str, Counts] = Field(default_factory=dict)
    by_numbers: dict[str, Counts] = Field(default_factory=dict)
    """By how the tasks tell their numbers, in `words` or in `digits`, where they say so and ask for one:
    not of requests to agents with tools."""
    answer_loss: AnswerLoss | None = None
    """Of a model that runs here, where it was asked for."""


class Difference(_Result):
    """A student minus the baseline, over the `tasks` that both had; each `n` is that number of tasks."""

    minus: str
    tasks: int = 0
    metrics: Figures = Field(default_factory=dict)
    by_spec: dict[str, Figures] = Field(default_factory=dict)


class Summary(_Result):
    """Everything that was measured. `students` and `differences` are by the student's name, the first one the student
    that the others are compared with; `baselines` by the name of a script that understands nothing."""

    version: int = 1
    students: dict[str, StudentSummary] = Field(default_factory=dict)
    baselines: dict[str, StudentSummary] = Field(default_factory=dict)
    differences: dict[str, Difference] = Field(default_factory=dict)
    specs: list[str] = Field(default_factory=list)
    settings: dict[str, Any] = Field(default_factory=dict)
    stores: dict[str, list[str]] = Field(default_factory=dict)
    """File names of each student's trace stores, relative to the summary."""
    shown: dict[str, list[str]] = Field(default_factory=dict)
    """By part: the figures that say most of it, such as `success_at.1`; those of asking where nothing is said."""

    def write(self, path: Path | str) -> None:
        """Write as JSON, whole or not at all."""
        write_whole(Path(path), self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, path: Path | str) -> Summary:
        """Raises InputError when `path` holds no summary."""
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except OSError as error:
            raise InputError(f"Cannot read the summary {path}: {error.strerror or error}.") from error
        except ValidationError as error:
            raise InputError(f"{path} is not a summary of sml-agents: {complaint(error)[1]}.") from error


class Comparison:
    """Counts dialogues of several students on several task specs. `baseline` is the first student if not named."""

    def __init__(self, *, baseline: str | None = None, seed: int = 0, resamples: int = 2000) -> None:
        self.baseline = baseline
        self.seed = seed
        self.resamples = resamples
        self.whole: dict[str, Tally] = {}
        self.parts: dict[str, dict[str, Tally]] = {}
        self.numbers: dict[str, dict[str, Tally]] = {}
        self.scripts: set[str] = set()

    def add(self, student: str, spec: str, traces: Iterable[Trace], *, script: bool = False) -> None:
        """Count in dialogues of `student` on the tasks of `spec`. They are read once and not kept.

        `script`: it is one of the baselines that understand nothing.
        """
        if script:
            self.scripts.add(student)
        whole = self.whole.setdefault(student, Tally())
        part = self.parts.setdefault(student, {}).setdefault(spec, Tally())
        numbers = self.numbers.setdefault(student, {})
        for trace in traces:
            whole.add(trace)
            part.add(trace)
            if not trace.task.tools and (told := str(trace.task.meta.get("numbers", ""))):
                numbers.setdefault(told, Tally()).add(trace)

    def summary(
        self,
        *,
        settings: dict[str, Any] | None = None,
        stores: dict[str, list[str]] | None = None,
        shown: dict[str, list[str]] | None = None,
    ) -> Summary:
        """What has been counted so far."""
        return Summary(
            students={name: self._student(name) for name in self._order()},
            baselines={name: self._student(name) for name in self.whole if name in self.scripts},
            differences=self._differences(),
            specs=list(dict.fromkeys(spec for parts in self.parts.values() for spec in parts)),
            settings=settings or {},
            stores=stores or {},
            shown=shown or {},
        )

    def _order(self) -> list[str]:
        students = [name for name in self.whole if name not in self.scripts]
        if self.baseline is not None and self.baseline not in students:
            raise InputError(f"The baseline {self.baseline!r} has no dialogues; students are: {', '.join(students)}.")
        return sorted(students, key=lambda name: name != (self.baseline or students[0]))

    def _student(self, name: str) -> StudentSummary:
        def counts(tallies: Mapping[str, Tally]) -> dict[str, Counts]:
            found = {key: measure(tally, seed=self.seed, resamples=self.resamples) for key, tally in tallies.items()}
            return {key: Counts.of(metrics) for key, metrics in found.items()}

        whole = measure(self.whole[name], seed=self.seed, resamples=self.resamples)
        summary: StudentSummary = StudentSummary.of(
            whole, by_spec=counts(self.parts[name]), by_numbers=counts(self.numbers[name])
        )
        return summary

    def _differences(self) -> dict[str, Difference]:
        order = self._order()
        found = {}
        for name in order[1:]:
            base = order[0]
            tasks, metrics = self._difference(self.whole[name], self.whole[base])
            by_spec = {
                spec: self._difference(part, self.parts[base][spec])[1]
                for spec, part in self.parts[name].items()
                if spec in self.parts[base]
            }
            found[name] = Difference(minus=base, tasks=tasks, metrics=metrics, by_spec=by_spec)
        return found

    def _difference(self, plus: Tally, minus: Tally) -> tuple[int, Figures]:
        return difference(plus, minus, seed=self.seed, resamples=self.resamples)


def compare(
    dialogues: Mapping[str, Mapping[str, Iterable[Trace]]],
    *,
    baseline: str | None = None,
    seed: int = 0,
    resamples: int = 2000,
) -> Summary:
    """The summary of dialogues given as `{student: {task spec: traces}}`."""
    comparison = Comparison(baseline=baseline, seed=seed, resamples=resamples)
    for student, by_spec in dialogues.items():
        for spec, traces in by_spec.items():
            comparison.add(student, spec, traces)
    return comparison.summary()


def difference(plus: Tally, minus: Tally, *, seed: int = 0, resamples: int = 2000) -> tuple[int, Figures]:
    """How many tasks both have, and `plus` minus `minus` on them.

    A paired bootstrap: every draw takes the same tasks of both. Where no draw differs from another, Newcombe's interval
    is given.
    """
    shared = sorted(plus.rows.keys() & minus.rows.keys())
    tables = tuple(table_of(tally)[[tally.rows[key] for key in shared]] for tally in (plus, minus))
    sums = tuple(resample_sums(table, seed=seed, resamples=resamples) for table in tables)

    def metric(name: str, statistic: Statistic) -> Metric:
        return _difference(name, statistic, tables, sums)

    turns = range(1, min(plus.horizon, minus.horizon) + 1)
    figures: Figures = {name: metric(name, statistic) for name, statistic in STATISTICS.items()}
    figures["success_at"] = {str(k): metric("success_at", by_turn("solved", k)) for k in turns}
    figures["question_rate_by_turn"] = {str(k): metric("question_rate", by_turn("question", k)) for k in turns}
    return len(shared), figures


def _difference(name: str, statistic: Statistic, tables: tuple[Floats, ...], sums: tuple[Floats, ...]) -> Metric:
    n = tables[0].shape[0]
    plus, minus = (estimate(name, statistic, table, drawn) for table, drawn in zip(tables, sums, strict=True))
    if plus is None or minus is None:
        return Metric(n=n)
    value = plus[0] - minus[0]
    low, high = percentiles(statistic(sums[0]) - statistic(sums[1])) or (value, value)
    if np.isclose(low, high) and DEFINITIONS[name].unit != "mean":
        low, high = newcombe(plus, minus)
    return Metric(value=value, low=min(low, value), high=max(high, value), n=n)
