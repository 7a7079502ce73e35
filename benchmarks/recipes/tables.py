"""The results as a page shows them: tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sml_agents.evaluation.bootstrap import Metric
from sml_agents.evaluation.tally import MAX_K
from sml_agents.evaluation.wording import change, figure, span
from sml_agents.text.markdown import markdown_table

from .cells import OTHER, PAIRED, SHARDED, TURNS

COLUMNS = (
    ("success@1", "success_at", "1"),
    (f"success@{TURNS}", "success_at", str(TURNS)),
    (f"success@{MAX_K}", "success_at", str(MAX_K)),
    ("asks when needed", "asks_when_needed", ""),
    ("needless", "needless_questions", ""),
    ("names it", "names_missing", ""),
    ("exact call, told all", "exact_call", ""),
    ("guessed, of calls", "guessed_arguments", ""),
    ("premature", "premature_attempts", ""),
    ("correction", "correction", ""),
    ("repeat", "repeat", ""),
)


Figures = tuple[Callable[[str, Metric], str], dict[str, Any]]
"""How they are written, and they."""


def tables(results: dict[str, Any]) -> str:
    """All results as Markdown: of each suite who reaches what and the differences, then what later turns bring."""
    parts: list[str] = []
    for suite in (PAIRED, SHARDED, OTHER):
        cells = {name: one["suites"][suite] for name, one in results["cells"].items() if suite in one["suites"]}
        rows: dict[str, Figures] = {name: (cell_of, counts["metrics"]) for name, counts in cells.items()}
        for one in results["differences"]:
            if one["suite"] == suite:
                rows[f"{one['plus']} - {one['minus']}"] = signed, one["metrics"]
        if rows:
            n = next(iter(cells.values()))["n"]
            parts.append(table(f"{suite}, n = {n} dialogues of a seed", rows))
    losses = {name: found for name, cell in results["cells"].items() for found in cell.get("answer_loss", ())}
    if losses:
        lines = []
        for name, found in losses.items():
            first = found["by_turn"].get("1")
            changes = (found["change_by_turn"].get(str(k)) for k in range(2, TURNS + 2))
            shown = ("-" if c is None else f"{c['value']:+.2f} ({c['low']:+.2f} to {c['high']:+.2f})" for c in changes)
            lines.append((name, "-" if first is None else f"{first['value']:.2f}", *shown))
        head = ("loss of the answer", *(f"teacher turn {k}" for k in range(1, TURNS + 2)))
        parts.append(markdown_table(head, lines))
    later = {
        name: [Metric(**cell["gained_later"].get(suite, {})) for suite in (PAIRED, SHARDED)]
        for name, cell in results["cells"].items()
    }
    if any(gain.value is not None for gains in later.values() for gain in gains):
        lines = [(name, *(signed("success_at", gain) for gain in gains)) for name, gains in later.items()]
        parts.append(markdown_table((f"success@{MAX_K} - success@{TURNS}", PAIRED, SHARDED), lines))
    return "\n\n".join(parts)


def table(title: str, rows: dict[str, Figures]) -> str:
    """The columns in which anybody has a figure."""
    columns = [
        (head, key, turn)
        for head, key, turn in COLUMNS
        if any(metric(found, key, turn).value is not None for _, found in rows.values())
    ]
    return markdown_table(
        (title, *(head for head, _, _ in columns)),
        [
            (name, *(shown(key, metric(found, key, turn)) for _, key, turn in columns))
            for name, (shown, found) in rows.items()
        ],
    )


def metric(metrics: dict[str, Any], key: str, turn: str) -> Metric:
    found = metrics.get(key) or {}
    found = found.get(turn) or {} if turn else found
    return Metric.model_validate(found)


def cell_of(key: str, found: Metric) -> str:
    return figure(key, found).replace("\u202f%", "") + (f" ({span(key, found)})" if found.low is not None else "")


def signed(key: str, found: Metric) -> str:
    shown = change(key, found).replace(" points", "")
    return shown + (f" ({span(key, found, signed=True)})" if found.low is not None else "")
