"""One run at a time on a store of one file, where two would pay for the same dialogues twice; on a server they share.

Readers, and writers that only add finished traces, need no lock. The kernel (or the PostgreSQL server) lets go of the
lock when its holder dies, however it dies, so that a killed run can be resumed at once.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import filelock
from sqlalchemy import Connection, TextClause, text

from sml_agents.errors import StoreError

__all__ = ["FileLock", "ServerLock"]

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


class ServerLock:
    """The same on PostgreSQL, where runs that share the work hold it together: an advisory lock on the schema in use.

    It belongs to the connection and ends with it.
    """

    def start(self, connection: Connection) -> bool:
        """Take the lock: alone where nobody holds it (True), else together with the runs that are going on."""
        if connection.execute(_of_schema("pg_try_advisory_lock")).scalar():
            return True
        self.join(connection)
        return False

    def settle(self, connection: Connection, *, alone: bool, joins: bool) -> None:
        """Let go of what `start` took; `joins`: hold it together with others from now on."""
        if joins:
            self.join(connection)
        connection.execute(_of_schema("pg_advisory_unlock" if alone else "pg_advisory_unlock_shared"))

    def join(self, connection: Connection) -> None:
        """Take the lock together with others, as soon as nobody holds it alone."""
        connection.execute(_of_schema("pg_advisory_lock_shared"))


def _of_schema(function: str) -> TextClause:
    return text(f"SELECT {function}(hashtext('sml-agents'), hashtext(current_schema()))")
