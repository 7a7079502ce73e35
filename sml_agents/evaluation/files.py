"""Derived files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from sml_agents.errors import InputError

__all__ = ["write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader, or a crash, never meets half of it.

    Characters that UTF-8 cannot hold (lone surrogates in a model's output) become U+FFFD.
    Raises InputError when the file cannot be written there.
    """
    content = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror or error}; choose another place.") from error
