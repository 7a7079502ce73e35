"""The text in a file as UTF-8, a piece at a time: packed or not, in any of Unicode's encodings, and within bounds.

What unpacks to more than `MOST_TIMES` its size is no log: a few hundred kilobytes could otherwise keep an import busy
for hours.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from sml_agents.errors import MissingExtra

__all__ = ["MOST_TIMES", "SMALL", "UNREADABLE", "TooMuch", "pieces", "unpacked_zstd"]

MOST_TIMES = 250
SMALL = 4 << 20
"""Bytes that may be unpacked whatever they came from. So much is looked at before any of it is used."""
PIECE = 1 << 20

UNREADABLE = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""What reading a damaged file may raise; TooMuch is among them."""


class TooMuch(ValueError):
    """A file unpacks to far more than a log would."""


def pieces(file: Path) -> Iterator[bytes]:
    """The text in `file`, unpacked, as UTF-8 without a byte order mark. Raises what is in `UNREADABLE`."""
    with file.open("rb") as packed:
        start = packed.read(8)
        packed.seek(0)
        unpack = next((unpack for magic, unpack in _PACKED.items() if start.startswith(magic)), None)
        if unpack is None:
            yield from _recoded(iter(lambda: packed.read(PIECE), b""))
            return
        with unpack(packed) as stream:
            yield from _recoded(_bounded(stream, packed))


def unpacked_zstd(packed: IO[bytes]) -> IO[bytes]:
    """The content of a Zstandard stream; MissingExtra without pyarrow, whose decoder it is."""
    try:
        import pyarrow
    except ImportError as error:
        raise MissingExtra("reading a file packed with Zstandard", "parquet") from error
    return cast("IO[bytes]", pyarrow.CompressedInputStream(pyarrow.PythonFile(packed, "r"), "zstd"))


_PACKED: dict[bytes, Callable[[Any], IO[bytes]]] = {
    b"\x1f\x8b": lambda packed: cast("IO[bytes]", gzip.GzipFile(fileobj=packed)),
    b"BZh": lambda packed: cast("IO[bytes]", bz2.BZ2File(packed)),
    b"\xfd7zXZ\x00": lambda packed: cast("IO[bytes]", lzma.LZMAFile(packed)),  # noqa: SIM115
    b"\x28\xb5\x2f\xfd": unpacked_zstd,
}


def _bounded(stream: IO[bytes], packed: IO[bytes]) -> Iterator[bytes]:
    total = 0
    held: list[bytes] = []
    # At once only what is unpacked already: the last piece of a file that was cut off is not lost with its end.
    read = getattr(stream, "read1", stream.read)
    try:
        while piece := read(PIECE):
            total += len(piece)
            held.append(piece)
            if total > SMALL:
                if total > MOST_TIMES * packed.tell():
                    held.clear()
                    raise TooMuch(
                        f"it unpacks to more than {MOST_TIMES} times its size, as no log does: "
                        "unpack it yourself if it is one"
                    )
                yield from held
                held.clear()
    except UNREADABLE:
        yield from held
        raise
    yield from held


def _recoded(found: Iterator[bytes]) -> Iterator[bytes]:
    first = next(found, b"")
    encoding, mark = _encoding(first[:4])
    first = first[len(mark) :]
    if encoding == "utf-8":
        yield first
        yield from found
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(first).encode()
    for piece in found:
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", True).encode()


def _encoding(start: bytes) -> tuple[str, bytes]:
    """The encoding of a text that begins so, and its byte order mark. JSON begins with two signs of ASCII."""
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding, mark
    zeros = tuple(byte == 0 for byte in start)
    return _ZEROS.get(zeros, "utf-8"), b""


_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}
