"""The report's curves as inline SVG: no script, no font and no colour of their own.

Colours come from the page (`.s0`, `.s1`, ... for the students), and each student also has a marker shape and a dash
pattern, so that nothing depends on telling colours apart. Every mark has a `<title>` with its figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.wording import THIN, percent, span

__all__ = ["COLOURS", "Series", "dumbbell", "interval_bar", "lines", "marker"]

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 12, 44
COLOURS = 6
"""Students told apart by colour; the seventh looks like the first again."""
SHAPES = ("circle", "square", "triangle", "diamond")

Scale = Callable[[float], float]


class Series(NamedTuple):
    """One student's curve: its number among the students, and its figures by turn."""

    name: str
    number: int
    points: Mapping[str, Metric]


def lines(series: Sequence[Series], *, id: str, title: str, description: str, axis: str) -> Markup:
    """Shares by turn as lines with bands for the intervals. Turns of which nothing is known leave a gap."""
    turns = max((int(k) for one in series for k in one.points), default=1)
    room = WIDTH - LEFT - RIGHT

    def at_x(turn: float) -> float:
        return LEFT + room * ((turn - 0.5) / turns if turns < 3 else (turn - 1) / (turns - 1))

    def at_y(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    parts = [_frame(id, title, description, HEIGHT)]
    for quarter in range(5):
        y = at_y(quarter / 4)
        parts.append(_line("grid", LEFT, y, WIDTH - RIGHT, y))
        parts.append(_text("tick", LEFT - 7, y + 4, f"{25 * quarter}{THIN}%", anchor="end"))
    for turn in range(1, turns + 1):
        parts.append(_text("tick", at_x(turn), HEIGHT - BOTTOM + 19, str(turn)))
    parts.append(_text("axis", LEFT + room / 2, HEIGHT - 4, axis))
    known = [(one, [(int(k), metric) for k, metric in one.points.items()]) for one in series]
    parts += [_band(one, points, at_x, at_y) for one, points in known]
    parts += [_curve(one, points, at_x, at_y) for one, points in known]
    return _joined(parts)


def dumbbell(rows: Sequence[tuple[str, int, Metric, Metric]], *, id: str, title: str, description: str) -> Markup:
    """For each student (name, number, asks when needed, asks needlessly) two marks on one scale, the second hollow.

    The bar that joins them is as long as what the student knows about asking.
    """
    top, row_height, foot, margin = 10, 60, 46, 24
    height = top + row_height * max(1, len(rows)) + foot

    def at_x(share: float) -> float:
        return margin + (WIDTH - 2 * margin) * share

    parts = [_frame(id, title, description, height)]
    for quarter in range(5):
        x = at_x(quarter / 4)
        parts.append(_line("grid", x, top, x, height - foot))
        parts.append(_text("tick", x, height - foot + 19, f"{25 * quarter}{THIN}%"))
    for number, (name, index, needed, needless) in enumerate(rows):
        y = top + row_height * number + 40
        parts.append(Markup('<g class="s{}">').format(index % COLOURS))
        parts.append(_text("name", margin, y - 18, name, anchor="start"))
        if needed.value is not None and needless.value is not None:
            parts.append(_line("bar", at_x(needless.value), y, at_x(needed.value), y))
        for metric, what, hollow in ((needless, "asks needlessly", True), (needed, "asks when needed", False)):
            if metric.value is None or metric.low is None or metric.high is None:
                continue
            whisker = _line("whisker", at_x(metric.low), y, at_x(metric.high), y)
            mark = marker(index, at_x(metric.value), y, 6.5, hollow=hollow)
            parts.append(Markup("<g>{}{}{}</g>").format(_tip(f"{name} {what}", metric), whisker, mark))
        parts.append(Markup("</g>"))
    parts.append(_text("axis", WIDTH / 2, height - 5, "dialogues whose first turn asks"))
    return _joined(parts)


def interval_bar(metric: Metric, index: int) -> Markup:
    """A share and its interval as a small bar for a table cell; decoration beside the same figures in words."""
    if metric.value is None or metric.low is None or metric.high is None:
        return Markup("")
    width, height = 96, 12

    def at_x(share: float) -> float:
        return 3 + (width - 6) * min(1.0, max(0.0, share))

    return _joined(
        [
            Markup('<svg class="mini s{}" viewBox="0 0 {} {}" aria-hidden="true">').format(
                index % COLOURS, width, height
            ),
            _line("grid", at_x(0), 6, at_x(1), 6),
            _line("whisker", at_x(metric.low), 6, at_x(metric.high), 6),
            marker(index, at_x(metric.value), 6, 3),
        ]
    )


def marker(index: int, x: float, y: float, size: float = 4.5, *, hollow: bool = False) -> Markup:
    """The mark of student number `index`, centred on (x, y)."""
    kind = "mark hollow" if hollow else "mark"
    match SHAPES[index % len(SHAPES)]:
        case "circle":
            return Markup(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"/>')
        case "square":
            corners = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
        case "triangle":
            corners = [(0.0, -1.25), (1.15, 0.85), (-1.15, 0.85)]
        case _:
            corners = [(0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0)]
    return Markup(f'<polygon class="{kind}" points="{_points([(x + size * a, y + size * b) for a, b in corners])}"/>')


def _band(one: Series, points: Sequence[tuple[int, Metric]], at_x: Scale, at_y: Scale) -> Markup:
    """The interval as an area; as a whisker where there is but one point."""
    known = [(k, m.low, m.high) for k, m in points if m.low is not None and m.high is not None]
    if len(known) == 1:
        k, low, high = known[0]
        drawn = _line("whisker", at_x(k), at_y(low), at_x(k), at_y(high))
    else:
        outline = [(at_x(k), at_y(high)) for k, _, high in known] + [
            (at_x(k), at_y(low)) for k, low, _ in reversed(known)
        ]
        drawn = Markup(f'<polygon class="band" points="{_points(outline)}"/>')
    return Markup('<g class="s{}">{}</g>').format(one.number % COLOURS, drawn)


def _curve(one: Series, points: Sequence[tuple[int, Metric]], at_x: Scale, at_y: Scale) -> Markup:
    parts = [Markup('<g class="s{}">').format(one.number % COLOURS)]
    runs: list[list[tuple[float, float]]] = [[]]
    for k, metric in points:
        if metric.value is None:
            runs.append([])
        else:
            runs[-1].append((at_x(k), at_y(metric.value)))
    parts += [Markup(f'<polyline class="line" points="{_points(run)}"/>') for run in runs if len(run) > 1]
    for k, metric in points:
        if metric.value is not None:
            mark = marker(one.number, at_x(k), at_y(metric.value))
            parts.append(Markup("<g>{}{}</g>").format(_tip(f"{one.name}, turn {k}", metric), mark))
    return Markup("").join([*parts, Markup("</g>")])


def _frame(id: str, title: str, description: str, height: float) -> Markup:
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{id}-t {id}-d">'
        '<title id="{id}-t">{t}</title><desc id="{id}-d">{d}</desc>'
    ).format(w=WIDTH, h=height, id=id, t=title, d=description)


def _joined(parts: Sequence[Markup]) -> Markup:
    return Markup("").join([*parts, Markup("</svg>")])


def _tip(what: str, metric: Metric) -> Markup:
    return Markup("<title>{}: {} (95{}% interval {}, n = {})</title>").format(
        what, percent(metric.value), THIN, span("success_at", metric), metric.n
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')


def _text(kind: str, x: float, y: float, text: str, *, anchor: str = "middle") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, f"{x:.1f}", f"{y:.1f}", anchor, text
    )


def _points(corners: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
