"""One run at a time on a store: two would pay for the same dialogues twice.

Readers, and writers that only add finished traces, need no lock. The kernel (or the PostgreSQL server) lets go of the
lock when its holder dies, however it dies, so that a killed run can be resumed at once.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import filelock
from sqlalchemy import Connection, text

from sml_agents.errors import StoreError

__all__ = ["FileLock", "lock_server"]

_IN_USE = "{} is in use by another run: wait for it to end, or use another store"


class FileLock:
    """An exclusive lock on the file `<store>.lock`, which is there while it is held.

    Not promised: a lock across machines on a network file system.
    """

    def __init__(self, store: Path) -> None:
        self._lock = filelock.FileLock(store.with_name(f"{store.name}.lock"), thread_local=False)

    def acquire(self, where: str) -> None:
        """Raises StoreError when another run holds it. Taking it twice is allowed."""
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise StoreError(_IN_USE.format(where)) from error
        except OSError as error:
            raise StoreError(f"{where}: its lock file cannot be made ({error.strerror})") from error

    def release(self) -> None:
        if self._lock.is_locked:
            with suppress(
                OSError
            ):  # while it is held: whoever waits for it sees that the file is gone, and makes a new one
                Path(self._lock.lock_file).unlink()
            self._lock.release()


def lock_server(connection: Connection, where: str) -> None:
    """The same on PostgreSQL: an advisory lock on the schema in use, held until the connection ends."""
    key = text("SELECT pg_try_advisory_lock(hashtext('sml-agents'), hashtext(current_schema()))")
    if not connection.execute(key).scalar():
        raise StoreError(_IN_USE.format(where))
