"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["markdown_table"]


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose cells may hold any text: each stays one cell on one line."""
    return "\n".join([_line(head), "|" + "---|" * len(head), *map(_line, rows)])


def _line(cells: Sequence[object]) -> str:
    return "|" + "".join(f" {text} |" if (text := _cell(cell)) else " |" for cell in cells)


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").splitlines())
