"""Rows of data files, one at a time: JSON Lines (also gzipped) or a JSON array. Bad rows are counted, never fatal."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sml_agents.errors import TaskSpecError
from sml_agents.files import parse_json
from sml_agents.tasks.spec import LoadReport

__all__ = ["column", "read_rows", "text_in"]

Row = dict[str, Any]

_MARK = b"\xef\xbb\xbf"
"""A byte order mark, as some editors put it first."""


def read_rows(path: str, report: LoadReport) -> Iterator[Row]:
    """The objects in a `.jsonl`, `.jsonl.gz` or `.json` file; the last is read whole.

    Raises TaskSpecError when the file cannot be opened or is no such file at all.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        raise TaskSpecError(f"{path!r} is a folder: name a .jsonl, .jsonl.gz or .json file in it.")
    if not file.is_file():
        raise TaskSpecError(f"There is no file {path!r}: give the path of a .jsonl, .jsonl.gz or .json file.")
    try:
        rows = _array(file) if file.name.endswith((".json", ".json.gz")) else _lines(file)
        for row in rows:
            if isinstance(row, dict):
                yield row
            else:
                report.read += 1
                report.bad["not a JSON object"] += 1
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TaskSpecError(f"The file {path!r} cannot be read: {error}.") from error


def _array(file: Path) -> Iterator[Any]:
    try:
        found = parse_json(_bytes(file))
    except ValueError as error:
        raise TaskSpecError(f"The file {str(file)!r} is not JSON: {error}.") from error
    if not isinstance(found, list):
        raise TaskSpecError(f"The file {str(file)!r} holds no JSON array: name it .jsonl if it has one object a line.")
    yield from found


def _bytes(file: Path) -> bytes:
    data = file.read_bytes()
    return (gzip.decompress(data) if file.name.endswith(".gz") else data).removeprefix(_MARK)


def _lines(file: Path) -> Iterator[Any]:
    with gzip.open(file, "rb") if file.name.endswith(".gz") else file.open("rb") as lines:
        for line in lines:
            if text := line.removeprefix(_MARK).strip():
                try:
                    yield parse_json(text)
                except ValueError:
                    yield None  # counted by the reader as not an object


def column(row: Mapping[str, Any], name: str) -> Any:
    """The value in a column; `a.b` reaches into nested objects. None when it is not there."""
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def text_in(row: Mapping[str, Any], name: str) -> str:
    """The text in a column, numbers as written in JSON; empty when there is none."""
    value = column(row, name)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
