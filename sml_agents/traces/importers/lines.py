"""The objects in a file, one at a time, whatever state the file is in.

JSON Lines; a JSON array, one object, or any number of them over any number of lines; Parquet. What cannot be read is
reported with its place and left out, and costs nothing else: reading goes on at the next object. No more of a file is
held than one object, of at most `LONGEST` bytes.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sml_agents.errors import InputError, MissingExtra, one_line
from sml_agents.files import is_special
from sml_agents.traces.importers.json_text import BLANK, read_json
from sml_agents.traces.importers.record import Loss, OnLoss
from sml_agents.traces.importers.unpack import MOST_TIMES, SMALL, UNREADABLE, TooMuch, pieces

__all__ = ["LONGEST", "Row", "files_at", "rows"]

LONGEST = 64 << 20
"""Bytes. A longer object is no conversation, and would fill the memory."""
_MOST = f"{LONGEST >> 20} MB"
_NAMES = frozenset({".json", ".jsonl", ".ndjson", ".parquet"})


class Row(NamedTuple):
    where: str
    value: dict[str, Any]
    raw: bytes
    """The text it was read from; empty where it was one of many in a larger text."""


def files_at(place: str, *suffixes: str) -> list[Path]:
    """The file at `place`, or the files in the folder there, in the order of their names. InputError when none.

    `suffixes`: of the files that count in a folder, packed or not; those of JSON and Parquet when not given.
    """
    path = Path(place).expanduser()
    if path.is_dir():
        wanted = frozenset(suffixes) or _NAMES
        found = sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and not file.name.startswith((".", "_")) and not wanted.isdisjoint(file.suffixes[-2:])
        )
        if not os.access(path, os.R_OK | os.X_OK):
            raise InputError(f"the folder {place} cannot be read: check its permissions")
        if not found:
            raise InputError(f"the folder {place} holds no {' or '.join(sorted(wanted))} file: name the log to import")
        return found
    if is_special(path):
        raise InputError(f"{place} is no ordinary file: give the path of the log to import")
    if not path.is_file():
        raise InputError(f"there is no file {place}: give the path of the log to import")
    return [path]


def rows(place: str, on_loss: OnLoss, *, inside: tuple[str, ...] = ()) -> Iterator[Row]:
    """The objects in the file or folder at `place`.

    `inside`: names under which a single object holds the list that is meant, such as `runs` or `data`.
    """
    files = files_at(place)
    for file in files:
        name = f"{file.relative_to(Path(place).expanduser())} " if len(files) > 1 else ""
        breaks: list[Exception] = []
        try:
            if _is_table(file):
                yield from _table(file, name)
            else:
                yield from _rows(_unbroken(pieces(file), breaks), name, on_loss, inside)
        except MissingExtra:
            raise
        except UNREADABLE as error:
            breaks.append(error)
        for broken in breaks:
            on_loss(Loss(f"{name}end", f"the file cannot be read on: {getattr(broken, 'strerror', None) or broken}"))


def _unbroken(found: Iterator[bytes], breaks: list[Exception]) -> Iterator[bytes]:
    """What can be read of a file; what ended it early goes to `breaks`."""
    try:
        yield from found
    except MissingExtra:
        raise
    except UNREADABLE as error:
        breaks.append(error)


def _rows(found: Iterator[bytes], name: str, on_loss: OnLoss, inside: tuple[str, ...]) -> Iterator[Row]:
    head, skipped = _head(found)
    found = itertools.chain([head], found)
    if not _are_lines(head):
        yield from _Values(found, skipped, name, on_loss, inside).rows()
        return
    for number, line in _lines(found, skipped + 1):
        where = f"{name}line {number}"
        if isinstance(line, int):
            on_loss(
                Loss(
                    where,
                    _too_long(f"it is {line / (1 << 20):,.1f} MB long, longer than the {_MOST} of one conversation"),
                )
            )
            continue
        try:
            value = read_json(line)
        except ValueError as error:
            if line.strip(BLANK):
                on_loss(Loss(where, f"it is not JSON ({error})"))
            continue
        if inside and isinstance(value, dict) and (held := _held(value, inside)) is not None:
            yield from _listed(held, f"{where} ", on_loss)
        elif isinstance(value, dict):
            yield Row(where, value, line)
        else:
            on_loss(Loss(where, "it is not a JSON object"))


def _head(found: Iterator[bytes]) -> tuple[bytes, int]:
    """As much of the text as says of what form it is, and the line ends before it."""
    held: list[bytes] = []
    size = skipped = looked = 0
    for piece in found:
        if not held and piece.isspace():
            skipped += piece.count(b"\n")
            continue
        held.append(piece)
        size += len(piece)
        if size > LONGEST:
            break
        if size >= 2 * looked:  # not at every piece: a long first line would be looked through again and again
            looked = size
            text = b"".join(held).lstrip(BLANK)
            if text and (not text.startswith(b"{") or text.rstrip(BLANK).count(b"\n") >= 2):
                break
    return b"".join(held), skipped


def _are_lines(head: bytes) -> bool:
    """Whether a text that begins with `head` is one of JSON Lines."""
    text = head.lstrip(BLANK)
    if not text.startswith((b"{", b"[")):
        return True
    first, _, rest = text.partition(b"\n")
    if text.startswith(b"[") or len(first) > LONGEST:
        return False
    if _is_object(first):
        return True
    # A first object that is damaged, or one that goes on in the next line?
    second = rest.lstrip(BLANK)
    return second.startswith(b"{") and (rest[:1] == b"{" or rest[:2] == b"\r{") and _is_object(second.split(b"\n")[0])


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(read_json(text), dict)
    except ValueError:
        return False


def _lines(found: Iterator[bytes], number: int) -> Iterator[tuple[int, bytes | int]]:
    """Lines with their numbers; of one that is too long its length."""
    begun: list[bytes] = []
    size = 0
    for piece in found:
        if not begun and piece.isspace():
            number += piece.count(b"\n")
            continue
        first, *more = piece.split(b"\n")
        size += len(first)
        if size <= LONGEST:
            begun.append(first)
        for line in more:
            yield number, b"".join(begun) if size <= LONGEST else size
            number += 1
            begun, size = [line], len(line)
    if size:
        yield number, b"".join(begun) if size <= LONGEST else size


def _too_long(what: str) -> str:
    return f"{what}: split it, or take out what nobody says in it, such as images and files"


def _held(value: dict[str, Any], inside: tuple[str, ...]) -> list[Any] | None:
    return next((value[key] for key in inside if isinstance(value.get(key), list)), None)


def _listed(held: list[Any], name: str, on_loss: OnLoss) -> Iterator[Row]:
    for number, one in enumerate(held, start=1):
        if isinstance(one, dict):
            yield Row(f"{name}item {number}", one, b"")
        else:
            on_loss(Loss(f"{name}item {number}", "it is not a JSON object"))


_SPACE = re.compile(rb"[,\s\x1e\xef\xbb\xbf]*+")
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+([{}\[\]])', re.DOTALL)
_PLAIN = re.compile(rb'"(?:[^"\\\n]++|\\.)*+"?|[^\s,\[\]{}"]++|.', re.DOTALL)
_OPENINGS = re.compile(rb"[\[\s]++")
_FIRST_KEY = re.compile(rb'\{\s*("(?:[^"\\]|\\.){0,100}"\s*:)', re.DOTALL)
_MARGIN = 200


class _Values:
    """The objects in a text that is not one of lines; those in a list at its top, or `inside` its only object.

    An object ends where its brackets are closed. If they are not, or it cannot be read, the next one is looked for
    where a line begins as its own did, or else where an object with the same first key comes after a comma.
    """

    _PATIENCE = 4 * LONGEST
    _SHORT = 64 << 10
    _MOST_UNCLOSED = 3

    def __init__(self, found: Iterator[bytes], lines: int, name: str, on_loss: OnLoss, inside: tuple[str, ...]) -> None:
        self.found = found
        self.name = name
        self.on_loss = on_loss
        self.inside = inside
        self.text = b""
        self.at = 0
        self.lines = lines
        """Line ends before `at`."""
        self.patience = self._PATIENCE
        """Bytes that may be looked through in vain; after that, only a short way for each object."""
        self.too_long = False
        """Whether the end that was looked for last is too far away."""
        self.unclosed = 0
        """Arrays within an array whose end was looked for in vain; after a few, what is in the next ones is read."""

    def rows(self) -> Iterator[Row]:
        while self._skip():
            sign = self.text[self.at : self.at + 1]
            if sign == b"[":
                self._pass(self.at + 1)
                yield from self._list()
                continue
            where = f"{self.name}line {self.lines + 1}"
            if sign != b"{":
                self._plain(where)
                continue
            end, value, problem = self._object()
            if not problem:
                held = _held(value, self.inside)
                yield from [Row(where, value, b"")] if held is None else _listed(held, self.name, self.on_loss)
            elif (list_begins := self._list_in(end)) is not None:
                self._pass(list_begins)
                yield from self._list()
                self._pass(self._end(depth=1) or len(self.text))  # the rest of the object
            else:
                self.on_loss(Loss(where, problem))
                self._on(end)

    def _list(self) -> Iterator[Row]:
        """The objects from here to the end of a list."""
        for number in itertools.count(1):
            if not self._skip():
                return
            sign = self.text[self.at : self.at + 1]
            where = f"{self.name}item {number}"
            if sign == b"]":
                self._pass(self.at + 1)
                return
            if sign != b"{":
                self._plain(where)
                continue
            end, value, problem = self._object()
            if problem:
                self.on_loss(Loss(where, problem))
                self._on(end)
            else:
                yield Row(where, value, b"")

    def _object(self) -> tuple[int | None, Any, str]:
        """The object that begins here: its end, its value, and what is wrong with it; passed if nothing is."""
        end = self._end()
        if end is None:
            far = _too_long(f"it does not end within the {_MOST} of one conversation, or its brackets are not closed")
            return None, None, far if self.too_long else "its brackets are not closed"
        try:
            value = read_json(self.text[self.at : end])
        except ValueError as error:
            return end, None, f"it is not JSON ({error})"
        self._pass(end)
        return end, value, ""

    def _list_in(self, end: int | None) -> int | None:
        """Where the list that is meant begins, in an object that is too long or damaged."""
        if not self.inside:
            return None
        words = b"|".join(re.escape(name.encode()) for name in self.inside)
        names = re.compile(rb'"(?:' + words + rb')"\s*:\s*\[')
        found = names.search(self.text, self.at, end or len(self.text))
        return found.end() if found else None

    def _skip(self) -> bool:
        """Go to the next sign that is no space; False at the end of the text."""
        while True:
            space = _SPACE.match(self.text, self.at)
            assert space is not None
            self._pass(space.end())
            if self.at < len(self.text):
                return True
            if not self._more():
                return False

    def _pass(self, to: int) -> None:
        self.lines += self.text.count(b"\n", self.at, to)
        self.at = to

    def _more(self, at_least: int = 0) -> bool:
        """Read on; what was passed is dropped, except for what says how a line begins."""
        dropped = max(0, self.at - _MARGIN)
        added = [self.text[dropped:]]
        size = 0
        for piece in self.found:
            added.append(piece)
            size += len(piece)
            if size > at_least:
                break
        self.text = b"".join(added)
        self.at -= dropped
        return size > 0

    def _end(self, depth: int = 0) -> int | None:
        """The end of what begins here; None when its brackets are not closed."""
        limit = LONGEST if self.patience > 0 else self._SHORT
        offset = 0
        self.too_long = False
        while True:
            found = _BRACKET.match(self.text, self.at + offset)
            if found is None:
                self.too_long = len(self.text) - self.at > limit
                if self.too_long or not self._more(min(len(self.text) - self.at, SMALL)):
                    break
                continue
            depth += 1 if found[1] in b"{[" else -1
            offset = found.end() - self.at
            if depth == 0:
                return found.end()
            if offset > limit:
                self.too_long = True
                break
        self.too_long = self.too_long and limit == LONGEST
        self.patience -= offset
        return None

    def _on(self, end: int | None) -> None:
        """Go from a damaged object to where the next one seems to begin, not beyond its `end`."""
        length = None if end is None else end - self.at
        line = self.text.rfind(b"\n", 0, self.at) + 1
        before = self.text[line : self.at]
        key = _FIRST_KEY.match(self.text, self.at)
        if line and not before.strip():
            again = re.compile(rb"\n" + before + rb"(\{)")
        elif key is not None:
            again = re.compile(rb",\s{0,100}(\{)\s{0,100}" + re.escape(key[1]))
        else:
            again = re.compile(rb"\n(\{)")
        looked = self.at + 1
        while True:
            stop = len(self.text) if length is None else self.at + length
            found = again.search(self.text, looked, stop)
            if found is not None:
                self._pass(found.start(1))
                return
            if length is not None:
                self._pass(stop)
                return
            self._pass(max(looked, len(self.text) - 2 * _MARGIN))
            if not self._more():
                self._pass(len(self.text))
                return
            looked = self.at

    def _plain(self, where: str) -> None:
        """Pass over what is neither object nor list; an array within an array is one thing."""
        if self.text[self.at : self.at + 1] == b"[":
            end = self._end() if self.unclosed < self._MOST_UNCLOSED else None
            self.unclosed += end is None
            self.on_loss(Loss(where, "it is not a JSON object"))
            openings = _OPENINGS.match(self.text, self.at)
            assert openings is not None
            self._pass(openings.end() if end is None else end)
            return
        found = _PLAIN.match(self.text, self.at)
        assert found is not None
        if found.end() == len(self.text) and self._more():
            found = _PLAIN.match(self.text, self.at)
            assert found is not None
        if found.group() not in (b"}", b"]"):
            self.on_loss(Loss(where, "it is not a JSON object"))
        self._pass(found.end())


def _there(value: Any) -> Any:
    """`value` without the empty fields that a table gives a row because another one has them."""
    if isinstance(value, dict):
        return {key: _there(inner) for key, inner in value.items() if inner is not None}
    return [_there(inner) for inner in value] if isinstance(value, list) else value


def _is_table(file: Path) -> bool:
    with file.open("rb") as start:
        return start.read(4) == b"PAR1"


def _table(file: Path, name: str) -> Iterator[Row]:
    """The rows of a Parquet file; a column or field without a value is not in its row."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("reading a Parquet file", "parquet") from error
    try:
        with pyarrow.parquet.ParquetFile(file) as table:
            about, size = table.metadata, file.stat().st_size
            unpacked = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
            if about.num_rows > size or unpacked > max(SMALL, MOST_TIMES * size):
                raise TooMuch(f"it unpacks to more than {MOST_TIMES} times its size, as no log does")
            number = 1
            for batch in table.iter_batches(batch_size=64):
                for row in batch.to_pylist(maps_as_pydicts="lossy"):
                    yield Row(f"{name}row {number}", _there(row), b"")
                    number += 1
    except pyarrow.ArrowException as error:
        raise OSError(one_line(error)) from error
