"""Rows as JSON lines that other tools can load.

Loaders such as `datasets.load_dataset("json")` take the columns and their types from the first rows. So a row that is
the first to hold something (a tool call, a field of a tool's schema) is put before the others.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from sml_agents.files import whole_file

__all__ = ["write_lines"]

_BUFFER = 1 << 20
_MOST_FIRST = 2_000
"""Rows put first at most: they are held in memory."""


def write_lines(rows: Iterable[dict[str, Any]], path: Path) -> tuple[int, str]:
    """Write `rows` to `path`, whole or not at all; returns how many there are and the SHA-256 of the file.

    Raises EOFError when there is none.
    """
    known: set[str] = set()
    first: list[bytes] = []
    written = 0
    with whole_file(path) as partial:
        rest = partial.with_name(f"{partial.name}.rest")
        try:
            with rest.open("wb", buffering=_BUFFER) as file:
                for written, row in enumerate(rows, start=1):  # noqa: B007
                    line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
                    new = set(_paths(row)) - known
                    if new and len(first) < _MOST_FIRST:
                        known |= new
                        first.append(line)
                    else:
                        file.write(line)
            if not written:
                raise EOFError
            with partial.open("wb", buffering=_BUFFER) as file, rest.open("rb") as others:
                file.writelines(first)
                shutil.copyfileobj(others, file, _BUFFER)
        finally:
            rest.unlink(missing_ok=True)
        with partial.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return written, digest


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """The place of everything in a row that is not empty."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from _paths(part, f"{path}[]")
    elif value is not None:
        yield path
