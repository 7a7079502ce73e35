"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sml_agents.errors import InputError

__all__ = ["obstacle", "whole_file", "write_whole"]


def obstacle(path: Path, error: OSError) -> str:
    """Why nothing can be made at `path`, in words."""
    file = next((one for one in (path, *path.parents) if one.is_file()), None)
    if file is not None and isinstance(error, FileExistsError | NotADirectoryError):
        return f"{file} is a file and no folder"
    return error.strerror or str(error)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes its place, synced to disk, if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
        _sync(path.parent)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader, or a crash, never meets half of it.

    Characters that UTF-8 cannot hold (lone surrogates in a model's output) become U+FFFD.
    Raises InputError when the file cannot be written there.
    """
    content = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")
    try:
        with whole_file(path) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {obstacle(path, error)}; choose another place.") from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot sync folders
            raise
    finally:
        os.close(handle)
