"""The objects in a file of JSON, one at a time, whatever state the file is in.

JSON Lines, a JSON array, or one object; gzipped or not. A file that is not JSON Lines is read whole. What cannot be
read is reported with its place and left out; a file that ends in the middle gives all that stands before.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import orjson

from sml_agents.errors import InputError
from sml_agents.traces.importers.record import Loss, OnLoss

__all__ = ["LONGEST_LINE", "Row", "files_at", "rows"]

LONGEST_LINE = 64 << 20
"""Bytes. A longer line is no conversation, and would fill the memory."""
_LARGEST_WHOLE = 1 << 30
_NEXT = re.compile(r"\{")
_MARGIN = re.compile(r"^\{", re.MULTILINE)


class Row(NamedTuple):
    where: str
    value: dict[str, Any]
    raw: bytes
    """The text it was read from; empty where it was one of many in a larger text."""


def files_at(place: str, pattern: str = "*.json*") -> list[Path]:
    """The file at `place`, or the files in the folder there, in the order of their names. InputError when none."""
    path = Path(place).expanduser()
    if path.is_dir():
        found = sorted(file for file in path.rglob(pattern) if file.is_file())
        if not found:
            raise InputError(f"the folder {place} holds no file {pattern}: name the file to import")
        return found
    if not path.is_file():
        raise InputError(f"there is no file {place}: give the path of the log to import")
    return [path]


def rows(place: str, on_loss: OnLoss, *, inside: tuple[str, ...] = ()) -> Iterator[Row]:
    """The objects in the file or folder at `place`.

    `inside`: names under which a single object holds the list that is meant, such as `runs` or `data`.
    """
    files = files_at(place)
    for file in files:
        name = f"{file.name} " if len(files) > 1 else ""
        try:
            with _opened(file) as stream:
                yield from _rows(stream, name, on_loss, inside)
        except (OSError, EOFError, zlib.error) as error:
            on_loss(Loss(f"{name}end", f"the file cannot be read on: {getattr(error, 'strerror', None) or error}"))


def _opened(file: Path) -> IO[bytes]:
    with file.open("rb") as start:
        packed = start.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(file, "rb")) if packed else file.open("rb", buffering=1 << 20)


def _rows(stream: IO[bytes], name: str, on_loss: OnLoss, inside: tuple[str, ...]) -> Iterator[Row]:
    first = stream.readline(LONGEST_LINE + 1)
    stripped = first.removeprefix(b"\xef\xbb\xbf").strip()
    if stripped.startswith(b"[") or (stripped.startswith(b"{") and _value(stripped) is None):
        rest = stream.read(_LARGEST_WHOLE)
        whole = _value(first.removeprefix(b"\xef\xbb\xbf") + rest)
        if whole is not None:
            yield from _inside(whole, name, on_loss, inside)
            return
        if stripped in (b"{", b"["):  # an exporter that prints one indented object after the other
            yield from _printed(first + rest, name, on_loss)
            return
        lines: Iterator[bytes] = iter((first + rest).splitlines(keepends=True))
    else:
        lines = _lines(stream, first)
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        where = f"{name}line {number}"
        if len(line) > LONGEST_LINE:
            on_loss(Loss(where, f"it is longer than {LONGEST_LINE >> 20} MB"))
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            on_loss(Loss(where, f"it is not JSON ({error})"))
            continue
        if isinstance(value, dict):
            if inside and (held := _held(value, inside)) is not None:
                yield from _inside(held, f"{where} ", on_loss, ())
            else:
                yield Row(where, value, text)
        else:
            on_loss(Loss(where, "it is not a JSON object"))


def _printed(data: bytes, name: str, on_loss: OnLoss) -> Iterator[Row]:
    """Objects one after the other, over any number of lines; after damage, those from the next one at a margin."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    at = 0
    while (start := _NEXT.search(text, at)) is not None:
        where = f"{name}line {text.count(chr(10), 0, start.start()) + 1}"
        try:
            value, at = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError) as error:
            on_loss(Loss(where, f"it is not JSON ({error})"))
            again = _MARGIN.search(text, start.end())
            at = again.start() if again else len(text)
        else:
            yield Row(where, value, b"")


def _lines(stream: IO[bytes], line: bytes) -> Iterator[bytes]:
    """Lines; of one that is too long only the beginning."""
    while line:
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE + 1)
        line = stream.readline(LONGEST_LINE + 1)


def _inside(whole: Any, name: str, on_loss: OnLoss, inside: tuple[str, ...]) -> Iterator[Row]:
    if isinstance(whole, dict):
        held = _held(whole, inside)
        whole = [whole] if held is None else held
    for number, value in enumerate(whole if isinstance(whole, list) else [whole]):
        if isinstance(value, dict):
            yield Row(f"{name}item {number}", value, b"")
        else:
            on_loss(Loss(f"{name}item {number}", "it is not a JSON object"))


def _held(value: dict[str, Any], inside: tuple[str, ...]) -> list[Any] | None:
    return next((value[key] for key in inside if isinstance(value.get(key), list)), None)


def _value(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
