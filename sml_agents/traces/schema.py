"""The tables of a trace store and the check that a database holds them in a version that this code can read.

    meta       schema version and who made the store
    runs       the settings that a run was started with
    dialogues  one row a dialogue: `started`, or `done` with the trace as JSON text; times are here and not in the
               trace, so that the traces of a run that was killed and resumed equal an unbroken one's byte for byte
    replies    model replies of unfinished dialogues: committed before they are used, deleted when the trace is in

`crc` is the CRC-32 of the JSON text beside it: a database does not notice a changed byte inside a text, this does.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, MetaData, Table, Text, inspect, select

from sml_agents.errors import StoreError

__all__ = ["SCHEMA_VERSION", "dialogues", "meta", "now", "prepare", "replies", "runs"]

SCHEMA_VERSION = 1

metadata = MetaData()
meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("settings", Text, nullable=False),
    Column("created", Text, nullable=False),
)
dialogues = Table(
    "dialogues",
    metadata,
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("stop", Text),
    Column("solved", Boolean),
    Column("asked", Boolean),
    Column("tokens", Integer),
    Column("created", Text, nullable=False),
    Column("finished", Text),
    Column("crc", BigInteger),
    Column("trace", Text),
    Index("dialogues_in_order", "position", "id"),
)
replies = Table(
    "replies",
    metadata,
    Column("dialogue_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("crc", BigInteger, nullable=False),
    Column("reply", Text, nullable=False),
    sqlite_with_rowid=False,
)


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def prepare(connection: Connection, *, where: str, create: bool) -> None:
    """Make the tables in an empty database, or check the version of those that are there.

    The caller holds the database's write lock when `create` is true. Raises StoreError when it is not a trace store.
    """
    present = set(inspect(connection).get_table_names())
    if not present:
        if not create:
            raise StoreError(f"{where} is an empty database and holds no traces: check the path")
        metadata.create_all(connection)
        row = {"key": "schema_version", "value": str(SCHEMA_VERSION)}
        connection.execute(meta.insert(), [row, {"key": "created", "value": now()}])
        return
    if not {"meta", "dialogues"} <= present:
        raise StoreError(f"{where} is a database of another program, not a trace store; give another path")
    version = connection.execute(select(meta.c.value).where(meta.c.key == "schema_version")).scalar()
    if version != str(SCHEMA_VERSION):
        newer = isinstance(version, str) and version.isdecimal() and int(version) > SCHEMA_VERSION
        advice = "upgrade sml-agents to read it" if newer else "it cannot be read by this release of sml-agents"
        raise StoreError(f"{where} has schema version {version}, this release knows version {SCHEMA_VERSION}: {advice}")
    if missing := set(metadata.tables) - present:
        raise StoreError(f"{where} is damaged: its table {', '.join(sorted(missing))} is missing")
