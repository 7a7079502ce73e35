"""The trace store: one SQLite file by default, or a PostgreSQL database.

    with TraceStore.open("runs/first.db") as store:
        for trace in store.traces(solved=True):
            ...

Every method is one transaction, durable when it returns: a killed process loses nothing that was written, a power cut
at most the last moments. Methods may be called from any thread. From asyncio, `sml_agents.traces.journal.AsyncWriter`
groups the writes of many dialogues.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from sml_agents.errors import InputError, StoreError
from sml_agents.files import is_special, obstacle
from sml_agents.traces import claims, schema
from sml_agents.traces.claims import Claimed, ClaimLost
from sml_agents.traces.connection import connect, explain, locate, reconnect, survives_restart
from sml_agents.traces.lock import FileLock, ServerLock
from sml_agents.traces.reader import Counts, Damage, Finished, StoreReader, read_finished, shown
from sml_agents.traces.record import checksum, clean_text, reply_json, trace_row
from sml_agents.traces.redaction import Redactor
from sml_agents.traces.schema import dialogues, replies, runs
from sml_agents.traces.search import Version
from sml_agents.traces.settings import essential, refuse_changes
from sml_agents.types import Reply, StopReason, Task, Trace, stable_hash

__all__ = ["Batch", "Counts", "Damage", "Finished", "TraceStore"]

_KEPT = ("status", "family", "form", "stop", "solved", "asked", "tokens", "finished", "crc", "trace", "run")


_DROP_REPLIES = replies.delete().where(replies.c.dialogue_id.in_(bindparam("settled", expanding=True)))
_AT_ONCE = 10_000
"""Ids in one question: databases take some tens of thousands."""


@dataclass
class Batch:
    """Rows to be written in one transaction."""

    started: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    done: list[dict[str, Any]] = field(default_factory=list)

    def ids(self) -> set[str]:
        """The dialogues that it adds something to."""
        return {str(row["dialogue_id"]) for row in self.replies} | {str(row["id"]) for row in self.done}


class TraceStore(StoreReader):
    """Finished dialogues, and what is needed to go on with unfinished ones. Made by `TraceStore.open`."""

    def __init__(self, url: URL, engine: Engine, connection: Connection, redactor: Redactor | None) -> None:
        super().__init__(url, connection)
        self._engine = engine
        self._redactor = redactor
        self._run_lock = FileLock(self._path) if self._path else None
        self._server_lock = ServerLock() if self.is_server else None
        self._run = ""
        self._owner = claims.new_owner()
        self._claimed: set[str] = set()
        """Dialogues that this process took and has not finished."""
        insert = postgresql.insert if self.is_server else sqlite.insert
        self._add_started = insert(dialogues).on_conflict_do_nothing()
        done, reply = insert(dialogues), insert(replies)
        self._add_done = done.on_conflict_do_update(
            index_elements=["id"], set_={name: done.excluded[name] for name in _KEPT}
        )
        self._add_reply = reply.on_conflict_do_update(
            index_elements=["dialogue_id", "key"], set_={"crc": reply.excluded.crc, "reply": reply.excluded.reply}
        )

    @classmethod
    def open(
        cls,
        store: str | Path,
        *,
        create: bool = True,
        read_only: bool = False,
        redactor: Redactor | None = None,
        redact: bool = True,
    ) -> TraceStore:
        """Open the store at a file path or URL (`sqlite:///x.db`, `postgresql://user@host/db?store=NAME`, `:memory:`).

        `create=False`: InputError when it does not exist. `read_only=True` implies that, and works on read-only media
        and beside a run. `redactor` replaces the default one; `redact=False` writes traces as they are. Raises
        StoreError when it cannot be opened, is damaged, or was made by an unknown version.
        """
        url = locate(store)
        where, create = shown(url), create and not read_only
        _find_file(url, create=create)
        engine = connect(url, read_only=read_only)
        connection = None
        try:
            connection = engine.connect()
            if not read_only and url.get_backend_name() == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif not read_only:
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('sml-agents'))")
            schema.prepare(connection, where=where, create=create)
            connection.commit()
            return cls(url, engine, connection, (redactor or Redactor()) if redact else None)
        except BaseException as error:
            if connection is not None:
                connection.close()
            engine.dispose()
            if isinstance(error, SQLAlchemyError | OSError | UnicodeError | OverflowError):
                raise explain(error, where) from error
            raise

    def close(self) -> None:
        """Close it; a store of one file is then one file. Closing twice is allowed."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                try:
                    connection.close()
                    self._engine.dispose()
                except SQLAlchemyError as error:
                    raise explain(error, self.name) from error
                finally:
                    if self._run_lock is not None:
                        self._run_lock.release()

    def __enter__(self) -> TraceStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reconnect(self) -> None:
        """Connect again to a server that went away, and join the run again. Raises StoreError when it does not come
        back in time; the store is then closed."""

        def claim(connection: Connection) -> None:
            if self._run and self._server_lock is not None:
                self._server_lock.join(connection)
                if connection.execute(select(runs.c.id)).scalar() != self._run:
                    raise StoreError(f"{self.name}: another run was started in it meanwhile")

        with self._guard:
            lost, self._connection = self._connection, None
            if lost is None:
                return  # closed, or given up by another thread
            lost.invalidate()
            lost.close()
            try:
                self._connection = reconnect(self._engine, self.name, claim)
            except StoreError as error:
                self._closed = str(error)
                raise

    # -- a run ---------------------------------------------------------------------------------------------------------

    @survives_restart
    def start_run(self, settings: Mapping[str, Any], *, resume: bool = False) -> None:
        """Claim the store for a run with JSON-able `settings`, until it is closed.

        A store that holds dialogues of a run refuses another one: InputError without `resume`, SettingsMismatch when
        settings that matter differ (see `traces.settings.HARMLESS` for those that do not). `resume` on an empty store
        starts from the beginning. A file belongs to one process: StoreError when another is running on it. On a server
        a run that is going on is joined, with or without `resume`.
        """
        if self._run_lock is not None:
            self._run_lock.acquire(self.name)
        whole = json.loads(json.dumps(settings, default=str))
        if self._redactor is not None:
            whole = self._redactor.clean(whole)
        if self._server_lock is None:
            with self._transaction() as connection:
                self._start(connection, whole, resume=resume, joined=False)
            return
        while not self._start_on_server(self._server_lock, whole, resume=resume):
            pass  # the others ended before they had begun anything: this process may be the first

    def _start_on_server(self, lock: ServerLock, whole: dict[str, Any], *, resume: bool) -> bool:
        with self._transaction() as connection:
            alone = lock.start(connection)
        started = False
        try:
            with self._transaction() as connection:
                started = self._start(connection, whole, resume=resume or not alone, joined=not alone)
        finally:
            if alone or not started:
                with self._transaction() as connection:
                    lock.settle(connection, alone=alone, joins=started)
        return started

    def _start(self, connection: Connection, whole: dict[str, Any], *, resume: bool, joined: bool) -> bool:
        """Whether the run is this one now: not where there is nothing to join."""
        given = essential(whole)
        known = connection.execute(select(runs.c.id, runs.c.settings)).first()
        of_runs = select(func.count()).select_from(dialogues).where(dialogues.c.run != "")
        if joined and known is None:
            return False
        if self.is_server:
            claims.prepare(connection, alone=not joined)
        if known is not None and (joined or connection.execute(of_runs).scalar()):
            if not resume:
                raise InputError(f"{self.name} already holds a run: add --resume to finish it, or give another store")
            refuse_changes(essential(_settings(known.settings, self.name)), given, where=self.name)
            self._run = known.id
            return True
        self._run = stable_hash(given)
        connection.execute(runs.delete())
        row = {"id": self._run, "settings": json.dumps(whole, sort_keys=True), "created": schema.now()}
        connection.execute(runs.insert(), row)
        return True

    @survives_restart
    def run_settings(self) -> dict[str, Any] | None:
        """The settings of the run that the store holds, secrets redacted; None when there is none."""
        with self._transaction() as connection:
            text = connection.execute(select(runs.c.settings)).scalar()
        return None if text is None else _settings(text, self.name)

    # -- a run that several processes share ----------------------------------------------------------------------------

    @survives_restart
    def claim(
        self, started: Sequence[Mapping[str, Any]], want: int, *, seconds: float, again: Mapping[str, str] | None = None
    ) -> Claimed:
        """Take up to `want` of the dialogues whose `started_row`s are given, for `seconds` unless renewed.

        `again`: dialogues that failed and are to be tried again, unless another process has done so since: the time at
        which each had failed.
        """
        again = again or {}
        ids = [str(row["id"]) for row in started]
        found = Claimed()
        with self._transaction() as connection:
            nobodys = claims.free(connection, ids)
            found.done = _done(connection, ids, again)
            found.others = set(ids) - nobodys - found.done.keys()
            wanted = [id for id in ids if id in nobodys and id not in found.done]
            taken, passed_over = claims.take(connection, wanted, want, self._owner, seconds)
            found.others |= passed_over
            # Between the first look and the taking another process may have taken and finished one.
            if meanwhile := _done(connection, sorted(taken), again):
                claims.drop(connection, sorted(meanwhile))
            found.done |= meanwhile
            found.mine = taken - meanwhile.keys()
            if rows := [dict(row) for row in started if row["id"] in found.mine]:
                connection.execute(self._add_started, rows)
                begun = select(replies.c.dialogue_id).where(replies.c.dialogue_id.in_(found.mine)).distinct()
                found.begun = set(connection.execute(begun).scalars())
        self._claimed |= found.mine
        return found

    @survives_restart
    def renew_claims(self, seconds: float) -> None:
        """Hold on to the dialogues that this process has taken."""
        with self._transaction() as connection:
            claims.renew(connection, self._owner, seconds)

    @survives_restart
    def release_claims(self) -> None:
        """Leave the dialogues that this process has not finished to others."""
        with self._transaction() as connection:
            claims.release(connection, self._owner)
        self._claimed.clear()

    # -- writing -------------------------------------------------------------------------------------------------------

    def add_started(self, id: str, task: Task, position: int | None = None) -> None:
        """Record that dialogue `id` begins. `position` is its place in the order in which traces are read."""
        self.write(Batch(started=[self.started_row(id, task, position)]))

    def add(self, trace: Trace) -> None:
        """Write a finished dialogue, in place of any earlier one with its id, and drop its replies unless it failed."""
        self.write(Batch(done=[self.done_row(trace)]))

    @survives_restart
    def replace(self, trace: Trace, before: Version) -> bool:
        """Write a finished dialogue in place of the version of it that was read; False, and nothing is written, when
        somebody has written it since. See `version_of`."""
        row = self.done_row(trace)
        kept = {name: row[name] for name in _KEPT if name != "run"}
        same = dialogues.update().where(dialogues.c.id == row["id"], dialogues.c.crc == before).values(**kept)
        with self._transaction() as connection:
            return connection.execute(same).rowcount == 1

    def put_reply(self, dialogue_id: str, key: str, reply: Reply) -> None:
        """Make a model's reply durable, so that it is never asked for again."""
        self.write(Batch(replies=[self.reply_row(dialogue_id, key, reply)]))

    def started_row(self, id: str, task: Task, position: int | None = None) -> dict[str, Any]:
        empty = dict.fromkeys(_KEPT)
        place = {"id": clean_text(id), "position": position, "run": self._run, "created": schema.now()}
        return {**empty, **place, "status": "started", "family": clean_text(task.family), "form": task.form.value}

    def done_row(self, trace: Trace, position: int | None = None) -> dict[str, Any]:
        time = schema.now()
        place = {"position": position, "run": self._run, "created": time, "finished": time}
        return {**trace_row(trace, self._redactor), **place}

    def reply_row(self, dialogue_id: str, key: str, reply: Reply) -> dict[str, Any]:
        text = reply_json(reply, self._redactor)
        return {"dialogue_id": clean_text(dialogue_id), "key": clean_text(key), "crc": checksum(text), "reply": text}

    @survives_restart
    def write(self, batch: Batch) -> None:
        """Write rows made by `started_row`, `reply_row` and `done_row` in one transaction: all of them or none.

        Raises ClaimLost when another process has taken over a dialogue of these.
        """
        with self._transaction() as connection:
            if self._claimed and (guarded := self._claimed & batch.ids()):
                if lost := guarded - claims.owned(connection, guarded, self._owner):
                    raise ClaimLost(f"{self.name}: another process has taken over {', '.join(sorted(lost))}")
                if finished := guarded & {str(row["id"]) for row in batch.done}:
                    claims.drop(connection, sorted(finished))
            if unplaced := [row for row in (*batch.started, *batch.done) if row["position"] is None]:
                last = connection.execute(select(func.max(dialogues.c.position))).scalar()
                for position, row in enumerate(unplaced, start=0 if last is None else last + 1):
                    row["position"] = position
            if batch.started:
                connection.execute(self._add_started, batch.started)
            if batch.replies:
                connection.execute(self._add_reply, batch.replies)
            if batch.done:
                connection.execute(self._add_done, batch.done)
                # A failed dialogue keeps its replies: tried again, it goes on where it failed.
                settled = [row["id"] for row in batch.done if row["stop"] != StopReason.FAILED]
                if settled:
                    for at in range(0, len(settled), _AT_ONCE):
                        connection.execute(_DROP_REPLIES, {"settled": settled[at : at + _AT_ONCE]})
        self._claimed.difference_update(str(row["id"]) for row in batch.done)


def _done(connection: Connection, ids: Sequence[str], again: Mapping[str, str]) -> dict[str, Finished]:
    """Those of `ids` that are finished, but for those that failed at the time given in `again`."""
    done = read_finished(connection, dialogues.c.id.in_(ids)) if ids else {}
    return {id: finished for id, finished in done.items() if again.get(id) != finished.at}


def _find_file(url: URL, *, create: bool) -> None:
    """Make the folder of a new SQLite store; refuse one that is missing or no database."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return
    path = Path(str(url.database))
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder: name a file in it for the trace store, such as {path / 'traces.db'}")
        if is_special(path):
            raise InputError(f"{path} is no ordinary file: name a file for the trace store")
        if not create and not path.exists():
            raise InputError(
                f"there is no trace store at {path}: check the path, or make one with `sml-agents run` or `import`"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            with path.open("rb") as file:
                begins = file.read(16)
                if not begins and not create:  # which to open would make a database of
                    raise StoreError(f"{path} is an empty file and holds no traces: check the path")
                # SQLite takes some short files for empty databases, and would write over them.
                if begins not in (b"", b"SQLite format 3\x00"):
                    raise StoreError(f"{path}: it is not an SQLite database, or it is damaged: give another path")
    except OSError as error:
        raise StoreError(f"{path}: {obstacle(path, error)}: check the folder and its permissions") from error


def _settings(text: str, where: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise StoreError(f"{where} is damaged: the settings of its run cannot be read")
    return settings
