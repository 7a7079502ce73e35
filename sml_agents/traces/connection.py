"""Opens the database of a trace store and puts its failures into one sentence each."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from sml_agents.errors import InputError, MissingExtra, StoreError, one_line

__all__ = [
    "BUSY_SECONDS",
    "RECONNECT_SECONDS",
    "ConnectionLost",
    "connect",
    "explain",
    "locate",
    "reconnect",
    "survives_restart",
]

BUSY_SECONDS = 20.0
"""How long a write waits for another process that is writing to the same SQLite store."""

RECONNECT_SECONDS = 30.0
"""How long a server that went away in the middle of a run may take to come back."""

_SENTENCES = {
    "SQLITE_FULL": "the disk is full: free some space and go on with --resume; what was committed before is safe",
    "SQLITE_READONLY": "it cannot be written to: it or its folder is read-only, or was moved while in use",
    "SQLITE_CANTOPEN": "it cannot be opened: check that the folder exists and that you may read and write in it",
    "SQLITE_PERM": "you may not open it: check its permissions",
    "SQLITE_BUSY": f"another process kept it locked for {BUSY_SECONDS:.0f} seconds: wait for it to end, then try again",
    "SQLITE_LOCKED": "another connection keeps it locked: wait for it to end, then try again",
    "SQLITE_NOTADB": "it is not an SQLite database, or its first page is damaged: give another path or restore a copy",
    "SQLITE_CORRUPT": "the file is damaged: restore a copy, or save what is readable with `sqlite3 FILE .recover`",
    "SQLITE_TOOBIG": "a record is larger than SQLite allows",
    "SQLITE_IOERR": "reading or writing the file failed: check the disk and its free space; what was committed is safe",
}


def locate(store: str | Path) -> URL:
    """The database that `store` names: a file path, `:memory:`, or a `sqlite:` or `postgresql:` URL."""
    text = str(store)
    if isinstance(store, Path) or "://" not in text:
        if not text:
            raise InputError("the trace store needs a name: give a file path or a postgresql:// URL")
        return URL.create("sqlite", database=text if text == ":memory:" else str(Path(text).expanduser()))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise InputError("the store's URL cannot be read: write postgresql://user@host/database, or a path") from error
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(f"a trace store can be an SQLite file or a PostgreSQL URL, not {url.drivername}://")
    return url


def connect(url: URL, *, read_only: bool) -> Engine:
    """An engine with one connection, shared by the threads of this process under the store's lock."""
    options: dict[str, Any] = {"poolclass": StaticPool}
    if url.get_backend_name() == "sqlite":
        if read_only:
            path = Path(url.database or "").absolute()
            url = URL.create("sqlite", database=path.as_uri(), query={"mode": "rw", "uri": "true"})
            if not _can_share(path):
                url = url.update_query_dict({"immutable": "1"})
        options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_SECONDS}
        engine = create_engine(url, **options)
        event.listen(engine, "connect", _set_pragmas(read_only))
        return engine
    schema = url.query.get("store", "sml_agents")
    if not isinstance(schema, str) or not schema.isidentifier():
        raise InputError("the name after store= in a PostgreSQL URL must be one word of letters, digits and _")
    url = url.difference_update_query(["store"])
    try:
        engine = create_engine(url, **options)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise MissingExtra("a PostgreSQL trace store", "postgres") from error
    event.listen(engine, "connect", _use_schema(schema, read_only))
    return engine


class ConnectionLost(StoreError):
    """The server went away; it may come back."""


class Reconnects(Protocol):
    """A store that can connect again."""

    def reconnect(self) -> None: ...


_Store = TypeVar("_Store", bound=Reconnects)
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def survives_restart(
    method: Callable[Concatenate[_Store, _Given], _Result],
) -> Callable[Concatenate[_Store, _Given], _Result]:
    """`method`, one transaction that may be repeated, called again on a new connection when the server went away in
    the middle of it."""

    @wraps(method)
    def until_done(store: _Store, *args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        first = time.monotonic()
        while True:
            try:
                return method(store, *args, **kwargs)
            except ConnectionLost:
                # A server that shuts down may take one more connection before it is gone.
                if time.monotonic() - first > RECONNECT_SECONDS:
                    raise
            store.reconnect()

    return cast("Callable[Concatenate[_Store, _Given], _Result]", until_done)


def reconnect(engine: Engine, where: str, claim: Callable[[Connection], None]) -> Connection:
    """A new connection in place of a lost one, as soon as the server has one; `claim` takes on it what the old one
    held. Raises StoreError after `RECONNECT_SECONDS`."""
    engine.dispose()
    deadline, pause = time.monotonic() + RECONNECT_SECONDS, 0.1
    while True:
        connection = None
        try:
            connection = engine.connect()
            claim(connection)
            connection.commit()
            return connection
        except (SQLAlchemyError, StoreError) as error:
            if connection is not None:
                connection.close()
            engine.dispose()
            if time.monotonic() + pause > deadline:
                last = error if isinstance(error, StoreError) else explain(error, where)
                raise StoreError(
                    f"{last}; the server went away and could not be used again for {RECONNECT_SECONDS:.0f} seconds: "
                    "see to it, then finish the run with --resume; what was committed is safe"
                ) from error
        time.sleep(pause)
        pause = min(2 * pause, 5.0)


def explain(error: Exception, where: str) -> StoreError:
    """A StoreError that says in one sentence what a database error means and what to do."""
    cause: Any = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "") or ""
        known = next((text for prefix, text in _SENTENCES.items() if name.startswith(prefix)), None)
        if known is None and "UTF-8" in str(cause):
            known = _SENTENCES["SQLITE_CORRUPT"]
        return StoreError(f"{where}: {known or f'the store failed ({cause})'}")
    if isinstance(error, SQLAlchemyError):
        first = one_line(cause)
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        return (ConnectionLost if lost else StoreError)(f"{where}: the store failed ({first})")
    return StoreError(f"{where}: the file is damaged ({type(error).__name__}: {error})")


def _can_share(path: Path) -> bool:
    """Whether a reader can join through SQLite's shared files; on read-only media it must read the file alone."""
    if os.access(path.parent, os.W_OK):
        return True
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _set_pragmas(read_only: bool) -> Any:
    def configure(connection: sqlite3.Connection, record: object) -> None:
        # A damaged text must reach the check of its CRC, not stop the page it is on.
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        connection.execute("PRAGMA cell_size_check = ON")
        if read_only:
            # Not opened as read-only: the last reader to leave could not take away the two files that sharing needs.
            connection.execute("PRAGMA query_only = ON")
        elif not _is_foreign(connection):  # a lasting change of the file
            connection.execute("PRAGMA journal_mode = WAL")
            # Safe against a killed process; a power cut may take back the last commits, never the file.
            connection.execute("PRAGMA synchronous = NORMAL")

    return configure


def _is_foreign(connection: sqlite3.Connection) -> bool:
    """Whether it holds tables of another program."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return bool(names) and "dialogues" not in names


def _use_schema(schema: str, read_only: bool) -> Any:
    def configure(connection: Any, record: object) -> None:
        with connection.cursor() as cursor:
            if not read_only:
                # IF NOT EXISTS is no lock: of two processes at once, one would be refused.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sml-agents'))")
                cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            cursor.execute(f'SET search_path TO "{schema}"')
        connection.commit()

    return configure
