"""Every thread of a LangGraph checkpointer.

The state is read as data: classes outside LangGraph's own list of safe ones are not revived. Of each thread the last
checkpoint is taken, so messages that the agent had removed from its state by then are not seen. A question that the
graph paused with (`interrupt`) and that nobody has answered yet ends the conversation as the agent's last words.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError, MissingExtra
from sml_agents.traces.importers.messages import BadRecord, Said, read_messages, text_of
from sml_agents.traces.importers.record import Log, Loss, OnLoss

__all__ = ["messages_in", "plain_message", "read_langgraph", "said_by_interrupt"]

_THREADS = "SELECT DISTINCT thread_id FROM checkpoints WHERE checkpoint_ns = '' ORDER BY thread_id"
_PAGE = 500


def read_langgraph(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The threads of the checkpointer in an SQLite file or at a PostgreSQL URL. Nothing is written to it."""
    opened = _postgres if "://" in place else _sqlite
    with opened(place) as (saver, threads):
        for thread in threads:
            where = f"thread {thread}"
            try:
                with _quiet():
                    found = saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}})
                if found is None:
                    raise BadRecord("its checkpoint is gone")
                yield _log(found, str(thread), where)
            except Exception as error:  # whatever a damaged checkpoint makes of the serialiser
                on_loss(Loss(where, f"{error}" if isinstance(error, BadRecord) else f"{type(error).__name__}: {error}"))


def messages_in(values: Any) -> list[Any] | None:
    """The conversation in a graph's state: `messages`, or else the only list of messages in it."""
    if not isinstance(values, Mapping):
        return None
    if isinstance(values.get("messages"), list):
        return list(values["messages"])
    lists = [value for value in values.values() if isinstance(value, list) and value and _is_message(value[0])]
    return lists[0] if len(lists) == 1 else None


def said_by_interrupt(value: Any) -> str:
    """The words in the value of an interrupt: a text, or the `question`, `message` or `description` in it."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    if isinstance(value, Mapping):
        for name in ("question", "questions", "message", "description", "text", "student", "action_requests"):
            if value.get(name):
                return said_by_interrupt(value[name])
    return text_of(value)


def _log(found: Any, thread: str, where: str) -> Log:
    messages = messages_in(found.checkpoint.get("channel_values"))
    if messages is None:
        raise BadRecord("its state holds no list of messages")
    said = read_messages([plain_message(message) for message in messages])
    waiting = [value for _, channel, value in found.pending_writes or () if channel == "__interrupt__"]
    if waiting and (words := said_by_interrupt([getattr(one, "value", one) for one in waiting[0]])):
        said.append(Said("assistant", words))
    return Log(thread, said, where, source=thread)


def plain_message(message: Any) -> Any:
    """A LangChain message as the mapping that `read_message` takes; anything else as it is."""
    if isinstance(message, Mapping) or not hasattr(message, "model_dump"):
        return message
    return {name: getattr(message, name, None) for name in _FIELDS}


_FIELDS = ("type", "content", "tool_calls", "tool_call_id", "response_metadata", "additional_kwargs")


def _is_message(value: Any) -> bool:
    return hasattr(value, "tool_call_id") or (hasattr(value, "content") and hasattr(value, "type"))


@contextlib.contextmanager
def _sqlite(place: str) -> Iterator[tuple[Any, Iterator[str]]]:
    try:
        from langgraph.checkpoint.sqlite import SqliteSaver
    except ImportError as error:
        raise MissingExtra("reading an SQLite checkpointer", "logs") from error
    path = Path(place).expanduser().absolute()
    with contextlib.closing(_read_only(path)) as connection:
        saver = SqliteSaver(connection, serde=_serde())
        saver.is_setup = True  # its tables are there, and nothing may be written
        yield saver, _pages(connection)


def _read_only(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=20)
        connection.execute(f"{_THREADS} LIMIT 1").fetchall()
        return connection
    except sqlite3.Error as error:
        raise InputError(f"{path} is no LangGraph checkpointer that can be read ({error})") from error


def _pages(connection: sqlite3.Connection) -> Iterator[str]:
    """Thread ids, a page at a time, so that no cursor stays open over a checkpointer in use."""
    last = None
    while True:
        more = "" if last is None else "AND thread_id > ?"
        query = _THREADS.replace("ORDER", f"{more} ORDER") + f" LIMIT {_PAGE}"
        page = [row[0] for row in connection.execute(query, () if last is None else (last,))]
        if not page:
            return
        yield from page
        last = page[-1]


@contextlib.contextmanager
def _postgres(place: str) -> Iterator[tuple[Any, Iterator[str]]]:
    try:
        import psycopg
        from langgraph.checkpoint.postgres import PostgresSaver
        from psycopg.rows import dict_row
    except ImportError as error:
        raise MissingExtra("reading a PostgreSQL checkpointer", "logs") from error
    try:
        connection = psycopg.connect(place, autocommit=True, prepare_threshold=0, row_factory=dict_row)
    except psycopg.Error as error:
        raise InputError(
            f"the PostgreSQL checkpointer cannot be reached: {str(error).strip().splitlines()[0]}"
        ) from error
    with connection:
        connection.execute("SET default_transaction_read_only = on")
        try:
            threads = [str(row["thread_id"]) for row in connection.execute(_THREADS)]
        except psycopg.Error as error:
            raise InputError("that database holds no LangGraph checkpoints: check its name and schema") from error
        yield PostgresSaver(connection, serde=_serde()), iter(threads)


def _serde() -> Any:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None, allowed_json_modules=None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The serialiser logs every class that it does not revive: no news here."""
    logger = logging.getLogger("langgraph.checkpoint.serde.jsonplus")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
