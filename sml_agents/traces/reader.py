"""Reading a trace store: what `TraceStore` offers besides writing."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import URL, ColumnElement, Connection, Select, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from sml_agents.errors import InputError, StoreError
from sml_agents.traces.connection import ConnectionLost, explain, survives_restart
from sml_agents.traces.record import checked, read_reply, read_trace, solved_alone
from sml_agents.traces.schema import dialogues, replies
from sml_agents.traces.search import Query, Version, matching, ordered
from sml_agents.types import Form, Reply, StopReason, Trace

__all__ = ["Counts", "Damage", "Finished", "StoreReader", "read_finished", "shown"]

_PRIMED = '%"primed":true%'
"""In the text of every trace that has a turn by Q-priming."""
_SEVERAL = 4
"""Rows that are enough to say which are meant."""
_PAGE_ROWS = 256
_PAGE_CHARACTERS = 8_000_000
_PLACE = (dialogues.c.position, dialogues.c.id)
_RECORD = (dialogues.c.id, dialogues.c.position, dialogues.c.crc, dialogues.c.trace)


class Finished(NamedTuple):
    """What the store knows of a finished dialogue without reading its trace."""

    stop: str
    solved: bool | None
    """By the student itself, see `solved_alone`."""
    asked: bool
    at: str = ""
    """When, by the clock of the machine that wrote it."""


@dataclass(frozen=True)
class Counts:
    """How many dialogues a store holds."""

    finished: int = 0
    unfinished: int = 0
    """Begun and not finished: running now, or cut off."""
    solved: int = 0
    """By the student itself."""
    asked: int = 0
    failed: int = 0
    tokens: int = 0
    """Generated tokens of the finished dialogues."""
    stops: Mapping[str, int] = field(default_factory=dict)
    """Finished dialogues by stop reason."""


@dataclass(frozen=True)
class Damage:
    """One thing that is wrong with a store."""

    id: str
    """The dialogue, or empty when it is the file itself."""
    what: str


def shown(url: URL) -> str:
    """The store's name in messages: its path, or its URL without the password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def read_finished(connection: Connection, *which: ColumnElement[bool]) -> dict[str, Finished]:
    """The finished dialogues, or those `which` are meant, by id."""
    of = dialogues.c
    rows = connection.execute(
        select(of.id, of.stop, of.solved, of.asked, of.finished).where(of.status == "done", *which)
    ).all()
    primed = _solved_by_primer(connection, *which) if any(row.solved for row in rows) else set()
    return {id: Finished(stop, solved and id not in primed, bool(asked), at) for id, stop, solved, asked, at in rows}


def _solved_by_primer(connection: Connection, *which: ColumnElement[bool]) -> set[str]:
    """The ids of the dialogues that count as solved and whose right answer Q-priming wrote. It stands in the trace
    alone, so that stores of every release tell it; only traces with a primed turn are read.
    """
    of = dialogues.c
    primed = select(of.id, of.trace, of.crc).where(of.solved, of.trace.like(_PRIMED), *which)
    found = set()
    for id, text, crc in connection.execute(primed):
        with suppress(StoreError):  # damage is told where the trace is read
            if not solved_alone(read_trace(text, crc, name=id)):
                found.add(id)
    return found


def _from_log(connection: Connection, id: str, *, whole: bool) -> list[Any]:
    """Some rows of the traces whose log has this id for them, or one that begins so. It stands in the trace alone."""
    spelled = json.dumps(id, ensure_ascii=False)[1:-1]
    likely = dialogues.c.trace.contains(f'"source":"{spelled}{chr(34) * whole}', autoescape=True)
    found = []
    for row in connection.execute(select(*_RECORD).where(dialogues.c.status == "done", likely).order_by(*_PLACE)):
        with suppress(StoreError):  # damage is told where the trace is read
            source = read_trace(row.trace, row.crc, name=row.id).source
            if source == id or (not whole and source.startswith(id)):
                found.append(row)
        if len(found) == _SEVERAL:
            break
    return found


class StoreReader:
    """The reading half of `TraceStore`."""

    def __init__(self, url: URL, connection: Connection) -> None:
        self.name = shown(url)
        self.is_server = url.get_backend_name() != "sqlite"
        """Whether the database is another process, to which a write takes a round trip."""
        on_disk = not self.is_server and self.name != ":memory:"
        self._path = Path(self.name).absolute() if on_disk else None
        self._file = os.stat(self._path) if self._path else None
        self._connection: Connection | None = connection
        self._closed = f"{self.name} is closed"
        """What is said without a connection."""
        self._guard = threading.RLock()

    def traces(
        self,
        *,
        family: str | Collection[str] | None = None,
        form: Form | str | Collection[str] | None = None,
        stop: StopReason | str | Collection[str] | None = None,
        solved: bool | None = None,
        on_damage: Callable[[Damage], None] | None = None,
    ) -> Iterator[Trace]:
        """Finished dialogues in the order of the run, one page in memory at a time.

        A filter takes a value or several; None lets all through. A damaged record raises StoreError, or is handed to
        `on_damage` and left out. Others may write meanwhile.
        """
        for id, text, crc in self._rows(family=family, form=form, stop=stop, solved=solved):
            try:
                yield read_trace(text, crc, name=id)
            except StoreError as error:
                if on_damage is None:
                    raise
                on_damage(Damage(str(id), str(error)))

    def texts(self, **filters: Any) -> Iterator[str]:
        """As `traces`, but each as the JSON text that was written, checked by its CRC and not parsed."""
        for id, text, crc in self._rows(**filters):
            yield checked(text, crc, name=id)

    @survives_restart
    def get(self, id: str) -> Trace:
        """The trace that an id names.

        Args:
            id: its id, or the one that its log has for it (`Trace.source`); else how one of the two begins. What comes
                first in this order counts.

        Raises InputError when there is none or several, and StoreError when it is damaged.
        """
        done = select(*_RECORD).where(dialogues.c.status == "done")
        with self._transaction() as connection:
            found: Sequence[Any] = connection.execute(done.where(dialogues.c.id == id)).all()
            if not found and id:
                begins = done.where(dialogues.c.id.startswith(id, autoescape=True)).limit(_SEVERAL)
                found = _from_log(connection, id, whole=True) or connection.execute(begins).all()
                found = found or _from_log(connection, id, whole=False)
        if not found:
            raise InputError(f"{self.name} holds no finished dialogue whose id, or whose log's id, begins with {id!r}")
        if len(found) > 1:
            some = ", ".join(row.id for row in found[:3])
            raise InputError(f"{id!r} names several dialogues ({some}): give one of their ids, or more of this one")
        return read_trace(found[0].trace, found[0].crc, name=found[0].id)

    @survives_restart
    def version_of(self, id: str) -> Version | None:
        """Of the trace as it is stored now, see `TraceStore.replace`; None when there is none."""
        wanted = select(dialogues.c.crc).where(dialogues.c.id == id, dialogues.c.status == "done")
        with self._transaction() as connection:
            found: Version | None = connection.execute(wanted).scalar()
        return found

    @survives_restart
    def search(self, query: Query, *, limit: int = 50, offset: int = 0) -> tuple[list[Trace | Damage], int]:
        """`limit` of the finished dialogues that fit, after `offset` of them, and how many fit in all."""
        fits = matching(query, is_server=self.is_server)
        page = ordered(select(*_RECORD).where(fits), query, is_server=self.is_server).limit(limit).offset(offset)
        with self._transaction() as connection:
            total = connection.execute(select(func.count()).select_from(dialogues).where(fits)).scalar() or 0
            rows = connection.execute(page).all()
        return [self._read(row.id, row.trace, row.crc) for row in rows], total

    @survives_restart
    def kinds(self) -> dict[str, list[str]]:
        """The families, forms and stop reasons that occur."""
        of = dialogues.c
        wanted = select(of.family, of.form, of.stop).where(of.status == "done").distinct()
        with self._transaction() as connection:
            rows = connection.execute(wanted).all()
        names = ("family", "form", "stop")
        return {name: sorted({str(row[k]) for row in rows}) for k, name in enumerate(names)}

    @staticmethod
    def _read(id: Any, text: Any, crc: Any) -> Trace | Damage:
        try:
            return read_trace(text, crc, name=id)
        except StoreError as error:
            return Damage(str(id), str(error))

    @survives_restart
    def finished(self) -> dict[str, Finished]:
        """All finished dialogues by id, failed ones included; about 200 bytes of memory each."""
        with self._transaction() as connection:
            return read_finished(connection)

    def finished_ids(self) -> set[str]:
        return set(self.finished())

    @survives_restart
    def counts(self) -> Counts:
        of = dialogues.c
        grouped = select(of.status, of.stop, of.solved, of.asked, func.count(), func.sum(of.tokens))
        stops: dict[str, int] = {}
        unfinished = solved = asked = tokens = 0
        with self._transaction() as connection:
            rows = connection.execute(grouped.group_by(of.status, of.stop, of.solved, of.asked)).all()
            solved -= len(_solved_by_primer(connection))
        for status, stop, was_solved, has_asked, count, some_tokens in rows:
            if status != "done":
                unfinished += count
                continue
            stops[stop] = stops.get(stop, 0) + count
            solved += count if was_solved else 0
            asked += count if has_asked else 0
            tokens += int(some_tokens or 0)
        failed = stops.get(StopReason.FAILED, 0)
        return Counts(sum(stops.values()), unfinished, solved, asked, failed, tokens, dict(sorted(stops.items())))

    @survives_restart
    def replies_of(self, dialogue_id: str) -> dict[str, Reply]:
        """The committed replies of an unfinished or failed dialogue by key."""
        wanted = select(replies.c.key, replies.c.reply, replies.c.crc).where(replies.c.dialogue_id == dialogue_id)
        with self._transaction() as connection:
            rows = connection.execute(wanted).all()
        return {row.key: read_reply(row.reply, row.crc, name=dialogue_id) for row in rows}

    def get_reply(self, dialogue_id: str, key: str) -> Reply | None:
        return self.replies_of(dialogue_id).get(key)

    @survives_restart
    def ids_with_replies(self) -> set[str]:
        """Dialogues that were cut off, or failed, after at least one reply."""
        with self._transaction() as connection:
            return set(connection.execute(select(replies.c.dialogue_id).distinct()).scalars())

    def verify(self) -> list[Damage]:
        """Read everything and say what is wrong; an empty list means that every trace is as it was written."""
        found: list[Damage] = []
        try:
            if not self.is_server:
                with self._transaction() as connection:
                    rows = connection.exec_driver_sql("PRAGMA integrity_check(20)").scalars().all()
                found += [Damage("", str(row)) for row in rows if row != "ok"]
            for id, text, crc in self._rows():
                try:
                    trace = read_trace(text, crc, name=id)
                    if trace.id != id:
                        found.append(Damage(str(id), f"dialogue {id} holds the trace of {trace.id}"))
                except StoreError as error:
                    found.append(Damage(str(id), str(error)))
            for id in self.ids_with_replies():
                self.replies_of(id)
        except StoreError as error:
            found.append(Damage("", str(error)))
        return found

    def _rows(
        self,
        *,
        family: str | Collection[str] | None = None,
        form: Form | str | Collection[str] | None = None,
        stop: StopReason | str | Collection[str] | None = None,
        solved: bool | None = None,
    ) -> Iterator[tuple[Any, Any, Any]]:
        """(id, text, crc) of finished dialogues. Pages by key: no cursor stays open while the caller works."""
        wanted = select(*_RECORD).where(dialogues.c.status == "done")
        for column, value in ((dialogues.c.family, family), (dialogues.c.form, form), (dialogues.c.stop, stop)):
            if value is not None:
                wanted = wanted.where(column.in_([value] if isinstance(value, str) else list(value)))
        if solved is not None:
            wanted = wanted.where(dialogues.c.solved.is_(solved))
        wanted = wanted.order_by(dialogues.c.position, dialogues.c.id)
        key = tuple_(dialogues.c.position, dialogues.c.id)
        last: tuple[Any, Any] | None = None
        while page := self._page(wanted if last is None else wanted.where(key > last)):
            for id, _, crc, text in page:
                yield id, text, crc
            if last == (last := (page[-1][1], page[-1][0])):
                raise StoreError(f"{self.name}: its index is damaged, reading does not advance")

    @survives_restart
    def _page(self, wanted: Select[Any]) -> list[Any]:
        page: list[Any] = []
        size = 0
        with self._transaction() as connection, connection.execute(wanted.limit(_PAGE_ROWS)) as rows:
            for row in rows:
                page.append(row)
                size += len(row[3] or "")
                if size > _PAGE_CHARACTERS:
                    break
        return page

    def reconnect(self) -> None:
        """Connect again to a server that went away. Raises StoreError when it does not come back."""
        raise NotImplementedError

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """The connection, for one transaction; commits, or rolls back and raises StoreError."""
        with self._guard:
            connection = self._connection
            if connection is None:
                raise StoreError(self._closed)
            if self._path is not None and self._file is not None:
                self._check_file(self._path, self._file)
            if connection.invalidated:
                raise ConnectionLost(f"{self.name}: the connection to the server was lost")
            try:
                yield connection
                connection.commit()
            except BaseException as error:
                try:
                    connection.rollback()
                except SQLAlchemyError:
                    connection.invalidate()
                if isinstance(error, SQLAlchemyError | UnicodeError | OverflowError):
                    raise explain(error, self.name) from error
                raise

    def _check_file(self, path: Path, opened: os.stat_result) -> None:
        """SQLite goes on writing to a file that was removed; what it writes is then lost without a word."""
        try:
            same = os.path.samestat(os.stat(path), opened)
        except OSError:
            same = False
        if not same:
            raise StoreError(f"{self.name} was moved, removed or replaced while it was in use: put it back and resume")
