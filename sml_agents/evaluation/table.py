"""The figures in a terminal, 80 columns wide.

figures_table(summary)      every metric of each student, with 95 % intervals, and the difference of two
differences_table(summary)  of more than two: what each has more or less than the first
baselines_table(summary)    the students beside scripts that understand nothing
spec_tables(summary)        the figures that say most, a table for each task spec, and for each way of telling numbers
print_summary(summary)      all of them
first_token_table(found)    the decision of each model, as its first token has it
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
from sml_agents.evaluation.figures import is_shown, last_turn, metric_of, of_part
from sml_agents.evaluation.wording import change, figure, judgement, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sml_agents.evaluation.answer_loss import AnswerLoss
    from sml_agents.evaluation.compare import Counts, Summary
    from sml_agents.evaluation.first_token import FirstTokens

__all__ = ["baselines_table", "differences_table", "figures_table", "first_token_table", "print_summary", "spec_tables"]

STYLES = {"better": "green", "worse": "red", "unclear": "dim"}
_BESIDE = 3
"""Students beside one another that 80 columns hold."""
MARKS = {"better": " ▲", "worse": " ▼", "unclear": " ~"}


def print_summary(summary: Summary, console: Console | None = None) -> None:
    """Print the figures, what they leave out, and the figures by task spec where there are several."""
    console = console or Console()
    names = list(summary.students)
    for start in range(0, len(names), _BESIDE):
        console.print(figures_table(summary, names[start : start + _BESIDE]))
    if len(names) > 2:
        console.print(differences_table(summary))
    for name, student in summary.students.items():
        first = f" (the first: {student.first_error})" if student.first_error else ""
        left_out = [f"{student.failed} of {student.n} failed{first}"] * bool(student.failed)
        left_out += [f"{student.unscored} could not be scored"] * bool(student.unscored)
        if left_out:
            console.print(Text(f"{name}: {', '.join(left_out)}", style="yellow"))
        if student.answer_loss is not None:
            console.print(f"{escape(name)}, answer loss after teacher turn: {_by_turn(student.answer_loss)}")
    if summary.baselines:
        console.print(baselines_table(summary))
    console.print(*spec_tables(summary), sep="")


def _by_turn(losses: AnswerLoss) -> str:
    """Nats per token at the opening, then the change within each dialogue, with intervals."""
    opening = losses.by_turn.get("1")
    parts = [] if opening is None or opening.value is None else [f"{opening.value:.2f} at first"]
    for turn, one in losses.change_by_turn.items():
        if one.value is not None and one.low is not None and one.high is not None:
            parts.append(f"turn {turn} {one.value:+.2f} ({one.low:+.2f} to {one.high:+.2f}, n {one.n})")
    return "; ".join(parts) or "nothing to measure"


def figures_table(summary: Summary, names: Sequence[str] = ()) -> Table:
    """One line a metric: shares, and in points their gaps and, of two students, differences.

    Beside a difference ▲ means better, ▼ worse, ~ that its interval holds zero. `names`: of which students; none: all.
    """
    names = names or list(summary.students)
    two = len(summary.students) == 2 == len(names)
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), caption=_caption(summary, names), caption_justify="left"
    )
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(Text(name), overflow="fold")
    if two:
        table.add_column("difference")
    last = last_turn(summary.students.values())
    for name, definition in DEFINITIONS.items():
        if definition.unit == "mean" or not is_shown(name, summary.students.values()):
            continue
        for turn in dict.fromkeys(("1", last)) if name == "success_at" else ("",):
            if name == "success_at" and not last:
                continue
            label = f"{definition.label}@{turn}" if turn else definition.label
            cells = [_cell(name, metric_of(summary.students[one].metrics, name, turn)) for one in names]
            if two:
                metrics = summary.differences[names[1]].metrics
                cells.append(_difference(name, metric_of(metrics, name, turn)))
            table.add_row(label, *cells)
    return table


def differences_table(summary: Summary) -> Table:
    """A line for each student but the one that the others are compared with, in points, on the tasks that both had."""
    last = last_turn(summary.students.values())
    first = next(iter(summary.differences.values()))
    table = _small(f"compared with {first.minus}, over the tasks that both had")
    table.add_column("", overflow="fold", width=18)
    for head in ("asks when needed", "needless", "gap", _success(last)):
        table.add_column(head, width=14)
    for name, one in summary.differences.items():
        cells = [_difference(metric, metric_of(one.metrics, metric, turn)) for metric, turn in _columns(last)]
        table.add_row(Text(name), *cells)
    return table


def _success(last: str) -> str:
    return f"success@{last}" if last else "success"


def _columns(last: str) -> list[tuple[str, str]]:
    """The figures that say most."""
    return [("asks_when_needed", ""), ("needless_questions", ""), ("asking_gap", ""), ("success_at", last)]


def baselines_table(summary: Summary) -> Table:
    """A line for each student and each script: only what exceeds the scripts has been learnt."""
    last = last_turn([*summary.students.values(), *summary.baselines.values()])
    table = _small("beside scripts that understand nothing")
    table.add_column("", overflow="fold", width=18)
    columns = _columns(last)
    heads = ["asks when needed", "needless", "gap", _success(last)]
    if is_shown("guessed_arguments", [*summary.students.values(), *summary.baselines.values()]):
        columns.append(("guessed_arguments", ""))
        heads.append("guessed arguments")
    for head in heads:
        table.add_column(head, width=14 if len(heads) < 5 else 11)
    for named, style in ((summary.students, ""), (summary.baselines, "dim")):
        for name, student in named.items():
            cells = [_cell(metric, metric_of(student.metrics, metric, turn)) for metric, turn in columns]
            table.add_row(Text(name), *cells, style=style)
    return table


def spec_tables(summary: Summary) -> list[Table]:
    """A small table for each part and for each way of telling numbers: what everybody does on its tasks. Of a single
    part none, where the table beside the scripts says the same."""
    everybody = {**summary.students, **summary.baselines}
    told = sorted({told for student in everybody.values() for told in student.by_numbers})
    tables = []
    above = {name for name, _ in _columns("")} if summary.baselines else set()
    for spec in summary.specs:
        counts = {name: student.by_spec[spec] for name, student in everybody.items() if spec in student.by_spec}
        named = {name for name, _ in of_part(summary, spec, counts.values())}
        if len(summary.specs) > 1 or (summary.shown and not named <= above):
            tables.append(_counts_table(summary, spec, counts))
    if len(told) > 1:
        for way in told:
            counts = {name: one.by_numbers[way] for name, one in everybody.items() if way in one.by_numbers}
            tables.append(_counts_table(summary, f"numbers in {way}", counts))
    return tables


def _counts_table(summary: Summary, title: str, counts: Mapping[str, Counts]) -> Table:
    table = _small(title)
    table.add_column("", overflow="fold", width=18)
    figures = of_part(summary, title, counts.values())
    for name, turn in figures:
        label = DEFINITIONS[name].label
        table.add_column(f"{label}@{turn}" if turn else label, width=14 if len(figures) < 5 else 12)
    for name, counted in counts.items():
        cells = (_cell(metric, metric_of(counted.metrics, metric, turn)) for metric, turn in figures)
        table.add_row(Text(name), *cells)
    return table


def first_token_table(found: FirstTokens) -> Table:
    """A line for each model and each line that may be drawn between asking and answering."""
    table = _small("first token")
    table.add_column("", overflow="fold", width=11)
    table.add_column("line", width=10)
    for head, width in (("AUC", 9), ("asks when needed", 11), ("needless", 11), ("gap", 11)):
        table.add_column(head, width=width)
    for name, one in {**found.students, **found.baselines}.items():
        for number, (line, decided) in enumerate(one.lines.items()):
            names = ("asks_when_needed", "needless_questions", "asking_gap")
            shown = [_cell(metric, getattr(decided, metric)) for metric in names]
            table.add_row(Text("" if number else name), line, "" if number else _auc(one.auc), *shown)
    return table


def _auc(metric: Metric) -> Text:
    if metric.value is None:
        return Text("\u2013")
    span = "" if metric.low is None else f" {metric.low:.2f}\u2013{metric.high:.2f}"
    return Text.assemble(f"{metric.value:.2f}", (span, "dim"))


def _small(title: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
        title=Text(title),
        title_justify="left",
        title_style="bold",
    )


def _cell(name: str, metric: Metric) -> Text:
    """The value and its interval, such as `74 % 63\u201384`: short, so that no column breaks it."""
    between = span(name, metric)
    between = between if "\u2212" in between else between.replace(" to ", "\u2013")
    return Text.assemble(_plain(figure(name, metric)), (f" {between}", "dim") if between else "")


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


def _caption(summary: Summary, names: Sequence[str]) -> str:
    seeds = sorted({seed for student in summary.students.values() for seed in student.seeds})
    parts = [f"n = {' + '.join(str(summary.students[name].n) for name in names)}"]
    parts += [f"seeds {', '.join(map(str, seeds))}"] * bool(seeds)
    parts.append("95 % intervals by bootstrap over tasks")
    legend = "\n▲ better, ▼ worse, ~ the interval holds zero" * (len(summary.students) == 2)
    return ", ".join(parts) + legend
