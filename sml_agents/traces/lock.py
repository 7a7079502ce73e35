"""One run at a time on a store: two would pay for the same dialogues twice.

Readers, and writers that only add finished traces, need no lock. The kernel (or the PostgreSQL server) lets go of the
lock when its holder dies, however it dies, so that a killed run can be resumed at once.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, text

from sml_agents.errors import StoreError

__all__ = ["FileLock", "lock_server"]

_IN_USE = "{} is in use by another run: wait for it to end, or use another store"


class FileLock:
    """An exclusive lock on the file `<store>.lock`, which is there while it is held.

    Not promised: a lock across machines on a network file system, or on Windows.
    """

    def __init__(self, store: Path) -> None:
        self._path = store.with_name(f"{store.name}.lock")
        self._descriptor: int | None = None

    def acquire(self, where: str) -> None:
        """Raises StoreError when another run holds it. Taking it twice is allowed."""
        if self._descriptor is not None or sys.platform == "win32":
            return
        import fcntl

        while True:
            try:
                descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise StoreError(f"{where}: its lock file cannot be made ({error.strerror})") from error
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The holder removes the file when it ends: a lock on a removed file excludes nobody.
                if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):
                    self._descriptor = descriptor
                    return
            except BlockingIOError as error:
                os.close(descriptor)
                raise StoreError(_IN_USE.format(where)) from error
            except OSError:
                pass
            os.close(descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)
            self._descriptor = None


def lock_server(connection: Connection, where: str) -> None:
    """The same on PostgreSQL: an advisory lock on the schema in use, held until the connection ends."""
    key = text("SELECT pg_try_advisory_lock(hashtext('sml-agents'), hashtext(current_schema()))")
    if not connection.execute(key).scalar():
        raise StoreError(_IN_USE.format(where))
