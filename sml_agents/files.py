"""Files that a user names: read with a sentence for what is wrong with them, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError

__all__ = ["is_special", "obstacle", "parse_json", "read_text", "refusal", "whole_file", "write_whole"]

_REFUSALS = {
    errno.EACCES: "check the permissions of it and of its folder",
    errno.EPERM: "check the permissions of it and of its folder",
    errno.EROFS: "choose another place",
    errno.ELOOP: "choose another path",
    errno.ENAMETOOLONG: "give a shorter one",
    errno.ENOSPC: "free some space, or choose another place",
    errno.EDQUOT: "free some space, or choose another place",
}
"""What to do where the system refuses a file for what a user can change: its name, rights or space."""


def refusal(error: OSError) -> str | None:
    """What the system refused and what to do, in one sentence; None for an error that no user can mend."""
    advice = _REFUSALS.get(error.errno or 0)
    name = f"{error.filename}: " if error.filename is not None else ""
    return f"{name}{error.strerror}: {advice}" if advice else None


def read_text(path: Path, holding: str = "") -> str:
    """The UTF-8 text in a file, without a byte order mark. InputError when it cannot be read; `holding`: what the file
    holds, for its sentence."""
    place = f"{holding} in {path}" if holding else str(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {place}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"cannot read {place}: it is not UTF-8 text") from error


def parse_json(text: str | bytes) -> Any:
    """The value in a JSON text; ValueError for all that is wrong with it, however deep it is nested."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_special(path: Path) -> bool:
    """Whether something is there that is neither file nor folder: a device, a pipe."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _is_database(path: Path) -> bool:
    """Whether an SQLite database is there."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


_SQLITE = b"SQLite format 3\0"


def obstacle(path: Path, error: OSError) -> str:
    """Why nothing can be made at `path`, in words."""
    file = next((one for one in (path, *path.parents) if os.path.isfile(one)), None)
    if file is not None and isinstance(error, FileExistsError | NotADirectoryError):
        return f"{file} is a file and no folder"
    return error.strerror or str(error)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes its place, synced to disk, if the block ends well.

    A link stays one: the file that it points to is replaced. InputError for a device or a pipe, which nothing can be
    put in the place of, and for a store of dialogues, which would be lost.
    """
    if is_special(path):
        raise InputError(f"{path} is no ordinary file: name a file to write")
    if _is_database(path):
        raise InputError(f"{path} is a store of dialogues, which would be lost: name another file to write")
    path = Path(os.path.realpath(path))
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
