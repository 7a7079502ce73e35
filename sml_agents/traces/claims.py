"""Which process runs which dialogue, where several runs share one PostgreSQL store.

A claim is a row with an owner and a time until which it holds; whoever runs the dialogue renews it, and one that has
run out is anyone's to take. All times are the server's, so that no machine's clock matters. What an owner writes about
a dialogue that another has taken meanwhile is refused: a process that slept for an hour can spoil nothing.

Claims are taken and renewed in the order of their ids, so that no two processes wait for each other in a circle. What
another process is taking at the same moment is passed over, not waited for: all go through the same list.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import (
    ARRAY,
    Column,
    Connection,
    DateTime,
    Executable,
    Integer,
    Interval,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from sml_agents.errors import SmlError
from sml_agents.traces.reader import Finished

__all__ = ["LEASE_SECONDS", "ClaimLost", "Claimed", "drop", "free", "new_owner", "owned", "prepare", "release", "take"]

LEASE_SECONDS = 60.0
"""How long a claim holds that is not renewed: as long as the dialogues of a process that died wait for another one."""
_AT_ONCE = 256
"""Claims that one transaction takes at most: for each a lock of the server is held, of which it has some thousands."""

metadata = MetaData()
claims = Table(
    "claims",
    metadata,
    Column("dialogue_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("expires", DateTime(timezone=True), nullable=False),
)


class ClaimLost(SmlError):
    """Another process has taken over the dialogue: what this one made of it is not kept."""


@dataclass
class Claimed:
    """What became of the dialogues that a process asked for; those in neither were free, or are another one's."""

    mine: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    """Of `mine`, those of which there are replies already."""
    done: dict[str, Finished] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    """Claimed by other processes, and not run out."""


def new_owner() -> str:
    """A name that no other process has, and that says to a person where it runs."""
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


def prepare(connection: Connection, *, alone: bool) -> None:
    """Make the table where it is not there; `alone`: no other run is on the store, so nobody holds anything."""
    metadata.create_all(connection)
    if alone:
        connection.execute(claims.delete())


def free(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of `ids` that nobody holds."""
    held = select(claims.c.dialogue_id).where(claims.c.dialogue_id.in_(ids), claims.c.expires > func.now())
    return set(ids) - set(connection.execute(held).scalars())


def take(
    connection: Connection, ids: Sequence[str], want: int, owner: str, seconds: float
) -> tuple[set[str], set[str]]:
    """Claim up to `want` of `ids`, the first that nobody holds or is taking at this moment: which they are, and which
    were found to be other processes'. Those that were not come to are in neither."""
    if not ids:
        return set(), set()
    want = min(want, _AT_ONCE)
    given = {"ids": list(ids), "want": want, "owner": owner, "time": timedelta(seconds=seconds)}
    taken = set(connection.execute(_TAKE, given).scalars())
    return taken, (set(ids) - taken if len(taken) < want else set())


def renew(connection: Connection, owner: str, seconds: float) -> None:
    """Hold on to all that `owner` has."""
    _until(connection, owner, _in(seconds))


def release(connection: Connection, owner: str) -> None:
    """Leave what `owner` has to others, at once."""
    _until(connection, owner, func.now())


def owned(connection: Connection, ids: Collection[str], owner: str) -> set[str]:
    """Those of `ids` that are `owner`'s still, and stay so until this transaction ends."""
    mine = select(claims.c.dialogue_id).where(claims.c.dialogue_id.in_(ids), claims.c.owner == owner)
    return set(connection.execute(mine.order_by(claims.c.dialogue_id).with_for_update()).scalars())


def drop(connection: Connection, ids: Sequence[str]) -> None:
    """The dialogues are done: nobody needs to hold them."""
    connection.execute(claims.delete().where(claims.c.dialogue_id.in_(ids)))


def _taking() -> Executable:
    asked = func.unnest(bindparam("ids", type_=ARRAY(Text))).column_valued("asked")
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(func.concat(func.current_schema(), "/", asked), 0))
    # A limit without an order: no more are locked than are taken.
    first = select(asked.label("id")).where(lock).limit(bindparam("want", type_=Integer)).subquery()
    until = func.now() + bindparam("time", type_=Interval)
    rows = select(first.c.id, bindparam("owner", type_=Text), until).order_by(first.c.id)
    wanted = insert(claims).from_select(["dialogue_id", "owner", "expires"], rows)
    return wanted.on_conflict_do_update(
        index_elements=["dialogue_id"],
        set_={name: wanted.excluded[name] for name in ("owner", "expires")},
        where=or_(claims.c.expires <= func.now(), claims.c.owner == wanted.excluded.owner),
    ).returning(claims.c.dialogue_id)


_TAKE = _taking()


def _in(seconds: float) -> object:
    return func.now() + literal(timedelta(seconds=seconds))


def _until(connection: Connection, owner: str, expires: object) -> None:
    mine = select(claims.c.dialogue_id).where(claims.c.owner == owner)
    ids = connection.execute(mine.order_by(claims.c.dialogue_id).with_for_update()).scalars().all()
    if ids:
        connection.execute(claims.update().where(claims.c.dialogue_id.in_(ids)).values(expires=expires))
