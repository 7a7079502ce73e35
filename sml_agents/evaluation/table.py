"""The figures in a terminal, 80 columns wide for up to two students.

figures_table(summary)   every metric of each student, with 95 % intervals, and the difference of two
spec_tables(summary)     the figures that say most, a table for each task spec
print_summary(summary)   both
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.definitions import DEFINITIONS
from sml_agents.evaluation.figures import last_turn, metric_of
from sml_agents.evaluation.wording import change, figure, judgement, span

if TYPE_CHECKING:
    from sml_agents.evaluation.compare import Summary

__all__ = ["figures_table", "print_summary", "spec_tables"]

STYLES = {"better": "green", "worse": "red", "unclear": "dim"}
MARKS = {"better": " ▲", "worse": " ▼", "unclear": " ~"}


def print_summary(summary: Summary, console: Console | None = None) -> None:
    """Print the figures, what they leave out, and the figures by task spec where there are several."""
    console = console or Console()
    console.print(figures_table(summary))
    for name, student in summary.students.items():
        left_out = [f"{student.failed} of {student.n} failed"] * bool(student.failed)
        left_out += [f"{student.unscored} could not be scored"] * bool(student.unscored)
        if left_out:
            console.print(f"{escape(name)}: {', '.join(left_out)}", style="yellow")
    if len(summary.specs) > 1:
        console.print(*spec_tables(summary), sep="")


def figures_table(summary: Summary) -> Table:
    """One line a metric: shares, and in points their gaps and differences.

    Beside a difference ▲ means better, ▼ worse, ~ that its interval holds zero.
    """
    names = list(summary.students)
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), caption=_caption(summary), caption_justify="left"
    )
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(Text(name), overflow="fold")
    if len(names) == 2:
        table.add_column("difference")
    last = last_turn(summary)
    for name, definition in DEFINITIONS.items():
        if definition.unit == "mean":
            continue
        for turn in dict.fromkeys(("1", last)) if name == "success_at" else ("",):
            if name == "success_at" and not last:
                continue
            label = f"{definition.label}@{turn}" if turn else definition.label
            cells = [_cell(name, metric_of(summary.students[one].metrics, name, turn)) for one in names]
            if len(names) == 2:
                metrics = summary.differences[names[1]].metrics
                cells.append(_difference(name, metric_of(metrics, name, turn)))
            table.add_row(label, *cells)
    return table


def spec_tables(summary: Summary) -> list[Table]:
    """A small table for each task spec: what each student does on its tasks."""
    last = last_turn(summary)
    tables = []
    for spec in summary.specs:
        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1),
            title=Text(spec),
            title_justify="left",
            title_style="bold",
        )
        table.add_column("", overflow="fold", width=16)
        for head in ("asks when needed", "needless questions", f"success@{last}"):
            table.add_column(head, width=18)
        for name, student in summary.students.items():
            if (counts := student.by_spec.get(spec)) is not None:
                found = [("asks_when_needed", ""), ("needless_questions", ""), ("success_at", last)]
                table.add_row(Text(name), *(_cell(metric, metric_of(counts.metrics, metric, k)) for metric, k in found))
        tables.append(table)
    return tables


def _cell(name: str, metric: Metric) -> Text:
    """The value and its interval, such as `74 % 63 to 84`."""
    return Text.assemble(
        _plain(figure(name, metric)), (f" {span(name, metric)}", "dim") if metric.low is not None else ""
    )


def _difference(name: str, metric: Metric) -> Text:
    word = judgement(name, metric)
    value = _plain(change(name, metric)).replace(" points", "")
    return Text.assemble(
        value,
        (f" {span(name, metric, signed=True)}", "dim") if metric.low is not None else "",
        (MARKS.get(word, ""), STYLES.get(word, "")),
    )


def _plain(text: str) -> str:
    """Some terminals show the narrow space as a box."""
    return text.replace("\u202f", " ").replace(" points", "")


def _caption(summary: Summary) -> str:
    seeds = sorted({seed for student in summary.students.values() for seed in student.seeds})
    parts = [f"n = {' + '.join(str(student.n) for student in summary.students.values())}"]
    parts += [f"seeds {', '.join(map(str, seeds))}"] * bool(seeds)
    parts.append("95 % intervals by bootstrap over tasks")
    legend = "\n▲ better, ▼ worse, ~ the interval holds zero" * (len(summary.students) == 2)
    return ", ".join(parts) + legend
