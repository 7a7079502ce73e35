"""The metrics of the method, computed from finished traces.

compute(traces)   every metric of one student, each with n and a 95 % bootstrap interval over tasks
Metrics           what comes back; `definitions.DEFINITIONS` says in words what each name means
STATISTICS        each metric as a function of sums, for other resampling (paired differences)

An interval is the 2.5th to 97.5th percentile of the bootstrap. Where the figure is 0 or 1 in every task, all resamples
agree and would promise certainty; there Wilson's interval for that number of tasks is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sml_agents.evaluation.bootstrap import Floats, Metric, newcombe, percentiles, resample_sums, wilson
from sml_agents.evaluation.definitions import DEFINITIONS, asking_f1
from sml_agents.evaluation.tally import COLUMNS, POSITION, Tally
from sml_agents.types import Trace

__all__ = ["STATISTICS", "Metric", "Metrics", "Statistic", "by_turn", "compute", "estimate", "measure", "table_of"]

Statistic: TypeAlias = Callable[[Floats], Floats]
"""From sums (R, columns of the tally) to values (R,); NaN where there is nothing to count."""

NAMED = tuple(name for name in DEFINITIONS if name != "success_at")


class Metrics(BaseModel):
    """What one student did. Every metric is over the dialogues that did not fail.

    n          dialogues, failed ones included
    tasks      different tasks among those that did not fail: what the bootstrap draws from
    failed     dialogues in which a model or node failed; `errors` counts them by kind, `first_error` has the
               words of the first
    unscored   dialogues that did not fail and of which nobody knows whether they were solved
    masked_leaks  teacher turns whose leak the guard masked (not in `leak_rate`)
    seeds      seeds found in the traces' settings, in order

    The metrics follow, under the names and with the meanings of `definitions.DEFINITIONS`. `success_at` is by turn, "1"
    to at most "10"; `question_rate_by_turn` is the question rate among the dialogues that reached that student turn.
    """

    model_config = ConfigDict(frozen=True)

    n: int = 0
    tasks: int = 0
    failed: int = 0
    unscored: int = 0
    masked_leaks: int = 0
    errors: dict[str, int] = Field(default_factory=dict)
    first_error: str = ""
    seeds: list[int] = Field(default_factory=list)

    success_at: dict[str, Metric] = Field(default_factory=dict)
    informed_success: Metric = Metric()
    attempts_to_solve: Metric = Metric()
    unscored_rate: Metric = Metric()
    asks_when_needed: Metric = Metric()
    needless_questions: Metric = Metric()
    asking_gap: Metric = Metric()
    asking_f1: Metric = Metric()
    coverage: Metric = Metric()
    names_missing: Metric = Metric()
    ask_f1: Metric = Metric()
    guessed_arguments: Metric = Metric()
    exact_call: Metric = Metric()
    wrong_tool: Metric = Metric()
    premature_attempts: Metric = Metric()
    question_rate: Metric = Metric()
    questions_per_dialogue: Metric = Metric()
    correction: Metric = Metric()
    repeat: Metric = Metric()
    leak_rate: Metric = Metric()
    averaged_performance: Metric = Metric()
    aptitude: Metric = Metric()
    unreliability: Metric = Metric()
    simulator_faults: Metric = Metric()
    student_calls: Metric = Metric()
    student_tokens: Metric = Metric()
    teacher_calls: Metric = Metric()
    teacher_tokens: Metric = Metric()
    question_rate_by_turn: dict[str, Metric] = Field(default_factory=dict)

    def figures(self) -> dict[str, Metric | dict[str, Metric]]:
        """The metrics alone, by name, without the counts."""
        return {name: getattr(self, name) for name in (*DEFINITIONS, "question_rate_by_turn")}


def compute(traces: Iterable[Trace], *, seed: int = 0, resamples: int = 2000) -> Metrics:
    """Every metric of the dialogues of one student.

    `traces` is read once and not kept: memory grows with the number of tasks (some 400 bytes each), not of turns.
    `seed` and `resamples` are of the bootstrap: the same traces and seed give the same figures.
    """
    return measure(Tally().extend(traces), seed=seed, resamples=resamples)


def measure(tally: Tally, *, seed: int = 0, resamples: int = 2000) -> Metrics:
    """The metrics of what `tally` has counted."""
    table = table_of(tally)
    sums = resample_sums(table, seed=seed, resamples=resamples)

    def metric(name: str, statistic: Statistic, n: int) -> Metric:
        found = estimate(name, statistic, table, sums)
        return Metric(n=n) if found is None else Metric(value=found[0], low=found[1], high=found[2], n=n)

    total = table.sum(axis=0)
    return Metrics(
        n=tally.dialogues,
        tasks=table.shape[0],
        failed=tally.failed,
        unscored=tally.unscored,
        masked_leaks=tally.masked_leaks,
        errors=dict(sorted(tally.errors.items())),
        first_error=tally.first_error,
        seeds=sorted(tally.seeds),
        success_at={
            str(k): metric("success_at", by_turn("solved", k), int(total[POSITION["scored"]]))
            for k in range(1, tally.horizon + 1)
        },
        question_rate_by_turn={
            str(k): metric("question_rate", by_turn("question", k), int(total[POSITION[f"turn_{k}"]]))
            for k in range(1, tally.horizon + 1)
        },
        **{name: metric(name, STATISTICS[name], dialogues_of(name, tally)) for name in NAMED},
    )


def table_of(tally: Tally) -> Floats:
    """The sums by task, shape (tasks, columns), in the order in which tasks were first seen."""
    cells = np.frombuffer(tally.cells, dtype=np.float32) if tally.rows else np.zeros(0, dtype=np.float32)
    table: Floats = cells.reshape(len(tally.rows), len(COLUMNS)).astype(np.float64)
    for row, scored, solved in tally.tries.values():
        if scored > 1:
            best, worst = (_percentile(share, scored, solved) for share in (0.9, 0.1))
            table[row, POSITION["repeated_tasks"]] += 1
            table[row, POSITION["aptitude"]] += best
            table[row, POSITION["unreliability"]] += best - worst
    return table


def _percentile(share: float, scored: int, solved: int) -> float:
    """The percentile of `solved` ones among `scored` zeros and ones, between two of them by linear interpolation."""
    return min(1.0, max(0.0, share * (scored - 1) - (scored - solved - 1)))


def estimate(name: str, statistic: Statistic, table: Floats, sums: Floats) -> tuple[float, float, float] | None:
    """The statistic of all tasks with its interval from resampled `sums`; None when there is nothing to count.

    `name` is the metric's: it says what stands in for the bootstrap where no resample differs from another.
    """
    value = float(statistic(table.sum(axis=0, keepdims=True))[0])
    found = percentiles(statistic(sums))
    if np.isnan(value) or found is None:
        return None
    if found[0] == found[1] and DEFINITIONS[name].unit != "mean":
        found = _score_interval(name, statistic, table, value)
    return value, min(found[0], value), max(found[1], value)


def _score_interval(name: str, statistic: Statistic, table: Floats, value: float) -> tuple[float, float]:
    """Wilson's interval for a share of tasks; for a figure made of two shares, what follows from theirs."""
    if name not in ("asking_gap", "asking_f1"):
        return wilson(value, max(1, int((~np.isnan(statistic(table))).sum())))
    shares = []
    for part in (_asks, _needless):
        share = float(part(table.sum(axis=0, keepdims=True))[0])
        shares.append((share, *wilson(share, int((~np.isnan(part(table))).sum()))))
    if name == "asking_gap":
        return newcombe(*shares)
    (_, low, high), (_, least, most) = shares
    return asking_f1(low, most), asking_f1(high, least)


def dialogues_of(name: str, tally: Tally) -> int:
    """In how many dialogues the metric had something to count."""
    return sum(tally.n[column] for column in DENOMINATORS[name])


def ratio(numerator: str, denominator: str) -> Statistic:
    """Sum of one column divided by the sum of another."""
    above, below = POSITION[numerator], POSITION[denominator]

    def value(sums: Floats) -> Floats:
        empty = sums[:, below] == 0
        found: Floats = np.where(empty, np.nan, sums[:, above] / np.where(empty, 1, sums[:, below]))
        return found

    return value


def by_turn(what: str, k: int) -> Statistic:
    """success@k for `solved`, the question rate of the k-th student turn for `question`."""
    return ratio(f"solved_{k}", "scored") if what == "solved" else ratio(f"question_{k}", f"turn_{k}")


_asks = ratio("needed_asks", "needed")
_needless = ratio("needless", "not_needed")


def _gap(sums: Floats) -> Floats:
    return _asks(sums) - _needless(sums)


def _f1(sums: Floats) -> Floats:
    found: Floats = asking_f1(_asks(sums), _needless(sums))
    return found


def _harmonic(sums: Floats) -> Floats:
    """Of precision and recall, which have the same numerator."""
    hits, asked, missing = (sums[:, POSITION[name]] for name in ("asked_rightly", "asked_for", "to_ask"))
    empty = missing == 0
    found: Floats = np.where(empty, np.nan, 2 * hits / np.where(empty, 1, asked + missing))
    return found


STATISTICS: dict[str, Statistic] = {
    "informed_success": ratio("informed", "informable"),
    "attempts_to_solve": ratio("attempts_made", "solved"),
    "unscored_rate": ratio("unscored", "dialogues"),
    "asks_when_needed": _asks,
    "needless_questions": _needless,
    "asking_gap": _gap,
    "asking_f1": _f1,
    "coverage": ratio("covered", "coverable"),
    "names_missing": ratio("covered", "nameable"),
    "ask_f1": _harmonic,
    "guessed_arguments": ratio("guessed_calls", "calls"),
    "exact_call": ratio("exact_calls", "ready_calls"),
    "wrong_tool": ratio("wrong_tools", "calls"),
    "premature_attempts": ratio("premature", "attempts"),
    "question_rate": ratio("questions", "turns"),
    "questions_per_dialogue": ratio("questions", "dialogues"),
    "correction": ratio("corrected", "wrong"),
    "repeat": ratio("repeated", "wrong"),
    "leak_rate": ratio("leaks", "feedback"),
    "averaged_performance": ratio("solved", "scored"),
    "aptitude": ratio("aptitude", "repeated_tasks"),
    "unreliability": ratio("unreliability", "repeated_tasks"),
    "simulator_faults": ratio("faults", "replies"),
    "student_calls": ratio("calls_student", "metered_student"),
    "student_tokens": ratio("tokens_student", "metered_student"),
    "teacher_calls": ratio("calls_teacher", "metered_teacher"),
    "teacher_tokens": ratio("tokens_teacher", "metered_teacher"),
}
"""Every metric but success@k, by name, as a function of the tally's sums."""

DENOMINATORS: dict[str, tuple[str, ...]] = {
    "informed_success": ("informable",),
    "attempts_to_solve": ("solved",),
    "unscored_rate": ("dialogues",),
    "asks_when_needed": ("needed",),
    "needless_questions": ("not_needed",),
    "asking_gap": ("needed", "not_needed"),
    "asking_f1": ("needed", "not_needed"),
    "coverage": ("coverable",),
    "names_missing": ("nameable",),
    "ask_f1": ("to_ask",),
    "guessed_arguments": ("calls",),
    "exact_call": ("ready_calls",),
    "wrong_tool": ("calls",),
    "premature_attempts": ("attempts",),
    "question_rate": ("turns",),
    "questions_per_dialogue": ("dialogues",),
    "correction": ("wrong",),
    "repeat": ("wrong",),
    "leak_rate": ("feedback",),
    "averaged_performance": ("scored",),
    "aptitude": ("repeated_tasks",),
    "unreliability": ("repeated_tasks",),
    "simulator_faults": ("replies",),
    "student_calls": ("metered_student",),
    "student_tokens": ("metered_student",),
    "teacher_calls": ("metered_teacher",),
    "teacher_tokens": ("metered_teacher",),
}
