"""The parts of the report as plain values, ready for the template."""

from __future__ import annotations

from typing import Any, NamedTuple

from markupsafe import Markup

from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.charts import Series, dumbbell, interval_bar, lines
from sml_agents.evaluation.compare import Counts, Summary
from sml_agents.evaluation.definitions import DEFINITIONS
from sml_agents.evaluation.dialogues import Chosen
from sml_agents.evaluation.figures import is_shown, last_turn, metric_of, of_part
from sml_agents.evaluation.suites import Figure
from sml_agents.evaluation.wording import UNKNOWN, change, figure, judgement, percent, span
from sml_agents.types import StopReason

__all__ = ["STOPS", "Student", "charts", "facts", "headline", "notes", "sentence", "spec_panel", "tiles"]

STOPS = tuple((reason.value, reason.value.replace("_", " ")) for reason in StopReason)


class Student(NamedTuple):
    name: str
    number: int
    """Says which colour and mark it has."""

    @property
    def short(self) -> str:
        """The name, its middle left out where it is long."""
        return self.name if len(self.name) <= 28 else f"{self.name[:13]}…{self.name[-14:]}"


class Change(NamedTuple):
    text: str
    span: str
    word: str


class Cell(NamedTuple):
    student: Student
    text: str
    span: str
    n: int
    bar: Markup
    change: Change | None


class Row(NamedTuple):
    name: str
    label: str
    cells: list[Cell]
    change: Change | None


def row(summary: Summary, students: list[Student], name: str, turn: str = "") -> Row:
    definition = DEFINITIONS[name]
    cells = []
    for student in students:
        metric = metric_of(summary.students[student.name].metrics, name, turn)
        bar = interval_bar(metric, student.number) if definition.unit == "share" else Markup("")
        cells.append(
            Cell(
                student, figure(name, metric), span(name, metric), metric.n, bar, _change(summary, student, name, turn)
            )
        )
    label = f"{definition.label} within {_turns(turn)}" if turn else definition.label
    return Row(name, label, cells, cells[-1].change if cells else None)


def _turns(count: str) -> str:
    return f"{count} turn" if count == "1" else f"{count} turns"


def _change(summary: Summary, student: Student, name: str, turn: str) -> Change | None:
    difference = summary.differences.get(student.name)
    if difference is None:
        return None
    metric = metric_of(difference.metrics, name, turn)
    if metric.value is None:
        return None
    return Change(change(name, metric), span(name, metric, signed=True), judgement(name, metric))


def headline(summary: Summary, students: list[Student]) -> list[Row]:
    """Every metric, success for the first turn and the last."""
    last = last_turn(summary.students.values())
    found = []
    for name in DEFINITIONS:
        if not is_shown(name, summary.students.values()):
            continue
        if name != "success_at":
            found.append(row(summary, students, name))
        elif last:
            found += [row(summary, students, name, turn) for turn in dict.fromkeys(("1", last))]
    return found


def tiles(summary: Summary, students: list[Student]) -> list[Row]:
    """The three figures that say most."""
    last = last_turn(summary.students.values())
    chosen = [row(summary, students, name) for name in ("asks_when_needed", "needless_questions")]
    return [*chosen, row(summary, students, "success_at", last)] if last else chosen


def sentence(summary: Summary, students: list[Student]) -> str:
    """The result in words, of the last student."""
    if not students:
        return ""
    figures = summary.students[students[-1].name].metrics
    needed, needless = metric_of(figures, "asks_when_needed"), metric_of(figures, "needless_questions")
    solved = metric_of(figures, "success_at", last_turn(summary.students.values()))
    parts = []
    if needed.value is not None:
        parts.append(f"asks first in {percent(needed.value)} of the dialogues that lack a fact")
    if needless.value is not None:
        parts.append(f"asks needlessly in {percent(needless.value)} of those that lack nothing")
    if solved.value is not None:
        parts.append(f"solves {percent(solved.value)} within {_turns(last_turn(summary.students.values()))}")
    return f"{students[-1].short} {_listed(parts)}." if parts else ""


def notes(summary: Summary, students: list[Student]) -> list[str]:
    """What the figures leave out."""
    found = []
    short = {student.name: student.short for student in students}
    for name, student in summary.students.items():
        if student.failed:
            kinds = ", ".join(f"{kind}: {count:,}" for kind, count in student.errors.items())
            found.append(
                f"{short[name]}: {student.failed:,} of {student.n:,} dialogues failed, in no figure ({kinds})"
                f"{f'; the first: {student.first_error}' if student.first_error else ''}."
            )
        if student.unscored:
            found.append(f"{short[name]}: dialogues that could not be scored, not in success: {student.unscored:,}.")
        if student.masked_leaks:
            found.append(f"{short[name]}: teacher turns whose leak the guard masked: {student.masked_leaks:,}.")
    for name, difference in summary.differences.items():
        found.append(
            f"{short[name]} minus {short.get(difference.minus, difference.minus)}: paired over the "
            f"{difference.tasks:,} tasks that both had."
        )
    return found


def facts(summary: Summary, chosen: Chosen) -> list[tuple[str, str]]:
    """What was run, in a few words."""
    students = summary.students.values()
    seeds = sorted({seed for student in students for seed in student.seeds})
    counted = [
        ("Dialogues", " + ".join(f"{student.n:,}" for student in students)),
        ("Tasks", f"{max((student.tasks for student in students), default=0):,}"),
        ("Seeds", ", ".join(map(str, seeds[:12])) + (" …" if len(seeds) > 12 else "")),
        ("Teacher", ", ".join(sorted(chosen.teachers))),
        ("Student turns", ", ".join(f"at most {limit}" for limit in sorted(chosen.limits))),
        ("Leak guard", ", ".join(sorted(chosen.guards))),
    ]
    return [(term, text) for term, text in counted if text]


def charts(summary: Summary, students: list[Student]) -> list[dict[str, Any]]:
    """The curves with their figures as tables."""
    return [
        _curve(
            summary,
            students,
            "success_at",
            "Success by turn",
            "Share solved within k student turns; band: 95 % interval.",
        ),
        _asking(summary, students),
        _curve(
            summary,
            students,
            "question_rate_by_turn",
            "Questions by turn",
            "Share of clarifications among the students' k-th turns, of dialogues that get there.",
        ),
    ]


def _curve(summary: Summary, students: list[Student], name: str, title: str, caption: str) -> dict[str, Any]:
    series = []
    for student in students:
        points = summary.students[student.name].metrics.get(name)
        series.append(Series(student.short, student.number, points if isinstance(points, dict) else {}))
    turns = sorted({int(k) for one in series for k in one.points})
    told = [f"{one.name}: {_from_to(one)}" for one in series]
    table = [
        [str(k), *(_full(one.points.get(str(k), Metric())) for one in series)] for k in turns
    ]  # one line a turn, one column a student
    return {
        "title": title,
        "caption": caption,
        "legend": True,
        "svg": lines(series, id=f"chart-{name}", title=title, description="; ".join(told), axis="student turn k"),
        "first": "Turn",
        "heads": [student.short for student in students],
        "table": table,
    }


def _asking(summary: Summary, students: list[Student]) -> dict[str, Any]:
    title = "Asking: when needed, and needlessly"
    pairs = []
    for student in students:
        figures = summary.students[student.name].metrics
        pairs.append((student, metric_of(figures, "asks_when_needed"), metric_of(figures, "needless_questions")))
    told = [f"{s.short}: {percent(a.value)} when needed, {percent(b.value)} needlessly" for s, a, b in pairs]
    return {
        "title": title,
        "caption": "Filled: tasks that lack a fact. Hollow: tasks that lack nothing. The bar between is what counts.",
        "legend": False,
        "svg": dumbbell(
            [(s.short, s.number, a, b) for s, a, b in pairs], id="asking", title=title, description="; ".join(told)
        ),
        "first": "Student",
        "heads": ["When needed", "Needlessly"],
        "table": [[s.short, _full(a), _full(b)] for s, a, b in pairs],
    }


def spec_panel(summary: Summary, students: list[Student]) -> list[dict[str, Any]]:
    """A table for each part and for each way of telling numbers; scripts that understand nothing come last."""
    scripts = {name: Student(name, len(students) + number) for number, name in enumerate(summary.baselines)}
    everybody = [(one, summary.students[one.name]) for one in students]
    everybody += [(scripts[name], counted) for name, counted in summary.baselines.items()]
    specs = summary.specs or list({spec: None for s in summary.students.values() for spec in s.by_spec})
    found = []
    for spec in specs:
        in_spec = [(one, counted.by_spec[spec]) for one, counted in everybody if spec in counted.by_spec]
        if in_spec:
            found.append(_spec_table(summary, spec, in_spec))
    for told in sorted({told for _, counted in everybody for told in counted.by_numbers}):
        in_way = [(one, counted.by_numbers[told]) for one, counted in everybody if told in counted.by_numbers]
        found.append(_spec_table(summary, f"numbers in {told}", in_way))
    return found


def _spec_table(summary: Summary, title: str, lines: list[tuple[Student, Counts]]) -> dict[str, Any]:
    figures = of_part(summary, title, (counts for _, counts in lines))
    heads = [f"{DEFINITIONS[name].label}@{turn}" if turn else DEFINITIONS[name].label for name, turn in figures]
    return {"name": title, "heads": heads, "lines": [_spec_line(student, counts, figures) for student, counts in lines]}


def _spec_line(student: Student, counts: Counts, figures: list[Figure]) -> dict[str, Any]:
    metrics = [(name, metric_of(counts.metrics, name, turn)) for name, turn in figures]
    cells = [{"text": figure(name, metric), "span": span(name, metric)} for name, metric in metrics]
    return {"student": student, "cells": cells, "n": f"{counts.n:,}", "failed": counts.failed}


def _full(metric: Metric) -> str:
    if metric.value is None:
        return UNKNOWN
    return f"{percent(metric.value)} ({span('success_at', metric)}; n = {metric.n:,})"


def _from_to(one: Series) -> str:
    known = [(k, metric.value) for k, metric in one.points.items() if metric.value is not None]
    if not known:
        return "nothing known"
    (first, low), (last, high) = known[0], known[-1]
    return f"{percent(low)} in turn {first}" + (f", {percent(high)} in turn {last}" if last != first else "")


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
