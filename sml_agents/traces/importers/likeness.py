"""What a file looks like that was given under the wrong format, or under none.

A guess from the first of its records, for a message to the person; nothing is ever read by it.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
import re
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sml_agents.errors import InputError, MissingExtra
from sml_agents.traces.importers.lines import files_at, rows
from sml_agents.traces.importers.unpack import UNREADABLE, pieces

__all__ = ["Likeness", "likeness"]

_LOOKED_AT = 20
"""Records and lines."""
_HEAD = 64 << 10
"""Bytes of a text."""


class Likeness(NamedTuple):
    """What something looks like."""

    format: str
    """The import format; empty where none reads it."""
    what: str
    """In a few words."""
    advice: str = ""
    """What to do with it where no format reads it."""

    def sentence(self, place: str) -> str:
        """What `place` looks like and what to do, as the end of a message."""
        return f"it looks like {self.what}: {self.advice or f'give {self.format}:{place}'}"


_AS_JSON = (
    'write a line of JSON for each conversation, {"messages": [{"role": "user", "content": "..."}, {"role": '
    '"assistant", "content": "..."}]}, and import that as openai:PATH; docs/from-logs.md has an example'
)
_SIGNS: dict[str, tuple[str, ...]] = {
    "langsmith": ("run_type",),
    "otel": (
        *("resourceSpans", "resource_spans", "scopeSpans", "scope_spans", "batches", "instrumentationLibrarySpans"),
        *("spanId", "span_id", "spanID", "context attributes", "traceId localEndpoint"),
    ),
    "langfuse": ("observations", "traceId type", "trace_id type", "projectId input", "sessionId input output"),
    "inspect": ("eval plan", "eval samples", "epoch messages target"),
    "mint": ("state task",),
    "lost-in-conversation": ("conv_type trace", "conv_id trace"),
    "sharegpt": ("conversations",),
    "openai": ("messages", "contents", "request response", "prompt completion", "chosen", "input output", "choices"),
}
"""By format the names that its records have and those of the formats below do not, all of a group of them."""
_LISTS = ("runs", "traces", "data", "samples", "spans")
"""Under these a single object holds the records."""
_JSON = re.compile(r'\s*(?:\{|\[\s*(?:[\[{"\]]|[\d.]+\s*[,\]]))')
"""How a text in JSON begins; a time in brackets is none."""
_SPOKEN = re.compile(r"\W{0,3}(?:[\d:.,/ T-]{4,30}\W{0,3})?([^\W\d][\w .'-]{0,30}):(?:\s|$)")
"""A line of a transcript, perhaps after the time."""


def likeness(place: str) -> Likeness | None:
    """What the file at `place` looks like, or the first of a folder; None when nobody can tell. Raises nothing."""
    with contextlib.suppress(InputError, MissingExtra, *UNREADABLE):
        file = files_at(place)[0]
        with file.open("rb") as start:
            magic = start.read(16)
        if magic.startswith(b"SQLite format 3\x00"):
            return _database(file)
        if zipfile.is_zipfile(file):
            return _archive(file)
        return _records(str(file)) or _text(file)
    return None


def _database(file: Path) -> Likeness:
    try:
        uri = f"{file.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        tables = set()
    if "checkpoints" in tables:
        return Likeness("langgraph", "a checkpointer of LangGraph")
    if {"dialogues", "replies"} <= tables:
        return Likeness("", "a trace store", "it is imported already, give it to show, mine or export")
    return Likeness("", "an SQLite database of something else", f"take the conversations out of it first: {_AS_JSON}")


def _archive(file: Path) -> Likeness:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    if any(name.startswith("samples/") for name in names):
        return Likeness("inspect", "a log of Inspect")
    if any(name.startswith("xl/") for name in names):
        return Likeness("", "a spreadsheet", f"save it as CSV; then {_AS_JSON}")
    return Likeness("", "a zip archive", "unpack it and give what is in it")


def _records(place: str) -> Likeness | None:
    """By the names in the first records."""
    found = Counter(format for value in _first(place) if (format := _format_of(value)))
    if not found:
        return None
    format = found.most_common(1)[0][0]
    return Likeness(format, f"the format {format}")


class _Enough(Exception):
    pass


def _first(place: str) -> Iterator[Mapping[str, Any]]:
    """The first records in a file; none when it begins with what is no JSON."""
    losses = itertools.count(1)

    def lose(_: object) -> None:
        if next(losses) >= _LOOKED_AT:
            raise _Enough

    with contextlib.suppress(_Enough):
        for row in itertools.islice(rows(place, lose), _LOOKED_AT):
            lists = (row.value.get(name) for name in _LISTS)
            held: list[Any] = next((one for one in lists if isinstance(one, list)), [])
            if _format_of(row.value) or not held:
                yield row.value
            yield from (one for one in held[:_LOOKED_AT] if isinstance(one, Mapping))


def _format_of(value: Mapping[str, Any]) -> str:
    return next((name for name, signs in _SIGNS.items() if any(set(one.split()) <= value.keys() for one in signs)), "")


def _text(file: Path) -> Likeness | None:
    """By the look of the first lines."""
    head = next(pieces(file), b"")[:_HEAD].decode("utf-8", "replace")
    if not head.strip() or _JSON.match(head):  # damaged JSON has its own messages
        return None
    if "\x00" in head or head.count("\ufffd") > len(head) / 10:
        return Likeness("", "no text at all", "give the file that your platform exports, or see docs/from-logs.md")
    lines = [line for line in head.splitlines() if line.strip()][:_LOOKED_AT]
    if columns := _columns(head):
        return Likeness("", f"a table (CSV) with the columns {', '.join(columns)}", _AS_JSON)
    speakers = [found[1] for line in lines if (found := _SPOKEN.match(line))]
    if len(speakers) >= len(lines) / 3 and len(set(speakers)) <= max(2, len(speakers) / 2):
        return Likeness("", "a transcript in plain text", _AS_JSON)
    return Likeness("", "plain text, which tells nobody who says what", _AS_JSON)


def _columns(head: str) -> list[str]:
    """The names in the first row of a table; none when it is no table."""
    for delimiter in ",;\t":
        with contextlib.suppress(csv.Error):
            found = [row for row in csv.reader(head.splitlines(keepends=True), delimiter=delimiter) if row]
            rows = found[:_LOOKED_AT]
            names = [name.strip()[:30] for name in rows[0]] if rows else []
            if len(names) > 1 and all(names) and len(rows) > 1 and {len(row) for row in rows[:-1]} == {len(names)}:
                return names
    return []
