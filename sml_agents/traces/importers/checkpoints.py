"""Every thread of a LangGraph checkpointer.

The state is read as data: classes outside LangGraph's own list of safe ones are not parsed. Of each thread the last
checkpoint is taken, so messages that the agent had removed from its state by then are not seen; a channel that stores
deltas (deepagents from 0.6 on) is put together from its last snapshot and the writes since. A thread whose own state
holds no messages gives those of its subgraphs, each a conversation. A question that the graph paused with (`interrupt`)
and that nobody has answered yet ends the conversation as the agent's last words.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sml_agents.errors import InputError, MissingExtra, one_line
from sml_agents.files import is_special
from sml_agents.traces.importers.about import About, about
from sml_agents.traces.importers.likeness import likeness
from sml_agents.traces.importers.messages import read_messages
from sml_agents.traces.importers.parts import BadRecord, Said, text_of
from sml_agents.traces.importers.record import Log, Loss, OnLoss

__all__ = ["messages_in", "plain_message", "read_langgraph", "said_by_interrupt"]

_THREADS = "SELECT DISTINCT thread_id FROM checkpoints WHERE true ORDER BY thread_id"
_OLDEST = "SELECT min(checkpoint_id) FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ?"
"""Ids of checkpoints are in the order of time."""
_PAGE = 500
REMOVE_ALL = "__remove_all__"
"""The id of a removal of all messages."""


def read_langgraph(place: str, on_loss: OnLoss) -> Iterator[Log]:
    """The threads of the checkpointer in an SQLite file or at a PostgreSQL URL. Nothing is written to it."""
    opened = _postgres if "://" in place else _sqlite
    with opened(place) as source:
        for thread in source.threads:
            where = f"thread {thread}"
            try:
                with _quiet():
                    logs = _logs(source, str(thread), where)
                yield from logs
            except Exception as error:  # whatever a damaged checkpoint makes of the serialiser
                on_loss(Loss(where, f"{error}" if isinstance(error, BadRecord) else f"{type(error).__name__}: {error}"))


@dataclass(frozen=True)
class _Source:
    """A checkpointer that is being read."""

    saver: Any
    threads: Iterator[str]
    query: Callable[[str, tuple[str, ...]], Iterable[tuple[Any, ...]]]
    """The rows that a question in SQL finds; `?` stands for each value."""


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


def _logs(source: _Source, thread: str, where: str) -> list[Log]:
    """The conversation of a thread, or those of its subgraphs if it has none of its own."""
    saver = source.saver
    found = _newest(saver, thread, "")
    messages = _messages(saver, found) if found is not None else None
    if found is not None and messages is not None:
        return [_log(source, found, messages, thread, where)]
    logs: list[Log] = []
    for namespace in _namespaces(saver, thread):
        part = _newest(saver, thread, namespace)
        messages = _messages(saver, part) if part is not None else None
        if part is not None and messages:
            name = f"{thread} {namespace.partition(':')[0]}"
            logs.append(_log(source, part, messages, name if len(logs) == 0 else f"{name}#{len(logs) + 1}", where))
    if not logs:
        raise BadRecord("its state holds no list of messages" if found is not None else "its checkpoint is gone")
    return logs


def _newest(saver: Any, thread: str, namespace: str) -> Any:
    return saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": namespace}})


def _namespaces(saver: Any, thread: str) -> list[str]:
    """Those of the subgraphs of a thread, in the order in which they began."""
    listed = saver.list({"configurable": {"thread_id": thread}})
    found = [one.config["configurable"].get("checkpoint_ns", "") for one in listed]
    return list(dict.fromkeys(reversed([namespace for namespace in found if namespace])))


def _messages(saver: Any, found: Any) -> list[Any] | None:
    held = found.checkpoint.get("channel_values")
    values = {name: _whole(one) for name, one in held.items()} if isinstance(held, Mapping) else {}
    versions = found.checkpoint.get("channel_versions")
    stored = [name for name in versions if name not in values] if isinstance(versions, Mapping) else []
    asked = ["messages"] if "messages" in stored else [] if "messages" in values else stored
    whole = {name: value for name, value in _of_deltas(saver, found.config, asked).items() if value}
    return messages_in({**values, **whole})


def _of_deltas(saver: Any, config: Any, channels: list[str]) -> dict[str, list[Any]]:
    """What the channels hold that store deltas: the last snapshot and the writes since. Others come out empty."""
    history = getattr(saver, "get_delta_channel_history", None)
    if history is None or not channels:
        return {}
    return {name: _folded(one) for name, one in history(config=config, channels=channels).items()}


def _folded(history: Mapping[str, Any]) -> list[Any]:
    """The messages that a channel of deltas holds; none if it is a channel of something else."""
    from langgraph.graph.message import add_messages

    held = _whole(history.get("seed"))
    base: list[Any] = list(held) if isinstance(held, list) else []
    given: list[Any] = []
    known = {_id_of(one) for one in base}
    for _, _, value in history.get("writes") or ():
        overwritten = _overwrite(value)
        if overwritten is not None:
            base, given, known = overwritten, [], {_id_of(one) for one in overwritten}
            continue
        for one in value if isinstance(value, list) else [value]:
            id = _id_of(one)
            if _is_removal(one) and id != REMOVE_ALL and id not in known:
                continue  # of what is not there
            known.add(id)
            given.append(one)
    if not all(_is_message(one) or _is_short_message(one) for one in (*base, *given)):
        return []
    return list(add_messages(base, given)) if given else base


def _is_short_message(value: Any) -> bool:
    """Whether a write is a message in one of its shorter forms: a mapping, role and text, or the text alone."""
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(one, str) for one in value)
    return pair or isinstance(value, str) or (isinstance(value, Mapping) and ("role" in value or "type" in value))


def _whole(value: Any) -> Any:
    """What a channel holds, out of the snapshot that a channel of deltas puts around it."""
    return value.value if getattr(value, "_fields", ()) == ("value",) else value


def _overwrite(value: Any) -> list[Any] | None:
    """What a write puts in place of all before it; None when it adds to it."""
    if type(value).__name__ == "Overwrite":
        value = {"__overwrite__": value.value}
    if isinstance(value, Mapping) and set(value) == {"__overwrite__"}:
        held = value["__overwrite__"]
        return list(held) if isinstance(held, list) else []
    return None


def _id_of(message: Any) -> str:
    found = message.get("id") if isinstance(message, Mapping) else getattr(message, "id", None)
    return found if isinstance(found, str) else ""


def _is_removal(message: Any) -> bool:
    return (message.get("type") if isinstance(message, Mapping) else getattr(message, "type", None)) == "remove"


def _log(source: _Source, found: Any, messages: list[Any], thread: str, where: str) -> Log:
    said = read_messages([plain_message(message) for message in messages])
    waiting = [value for _, channel, value in found.pending_writes or () if channel == "__interrupt__"]
    if waiting and (words := said_by_interrupt([getattr(one, "value", one) for one in waiting[0]])):
        said.append(Said("assistant", words))
    return Log(thread, said, where, source=thread, about=_about(source, found))


def _about(source: _Source, found: Any) -> About:
    """The times of the first and the newest checkpoint, and what the caller told about its runs.

    A saver puts the metadata of a run beside its own.
    """
    from langgraph.checkpoint.base import CheckpointMetadata

    place = found.config["configurable"]
    times = [found.checkpoint.get("ts")]
    with contextlib.suppress(Exception):  # a damaged first one costs its time alone
        ((first,),) = source.query(_OLDEST, (place["thread_id"], place.get("checkpoint_ns", "")))
        begun = source.saver.get_tuple({"configurable": {**place, "checkpoint_id": first}})
        times.append(begun.checkpoint.get("ts"))
    savers = {*CheckpointMetadata.__annotations__, "writes"}  # the last in older ones
    told = {name: value for name, value in (found.metadata or {}).items() if name not in savers}
    return about(times=times, metadata=[told])


def plain_message(message: Any) -> Any:
    """A LangChain message as the mapping that `read_message` takes; anything else as it is."""
    if isinstance(message, Mapping) or not hasattr(message, "model_dump"):
        return message
    return {name: found for name in _FIELDS if (found := getattr(message, name, None)) is not None}


_FIELDS = (
    *("type", "content", "name", "role", "tool_calls", "invalid_tool_calls", "tool_call_id"),
    *("response_metadata", "additional_kwargs"),
)


def _is_message(value: Any) -> bool:
    return hasattr(value, "tool_call_id") or (hasattr(value, "content") and hasattr(value, "type"))


@contextlib.contextmanager
def _sqlite(place: str) -> Iterator[_Source]:
    try:
        from langgraph.checkpoint.sqlite import SqliteSaver
    except ImportError as error:
        raise MissingExtra("reading an SQLite checkpointer", "logs") from error
    path = Path(place).expanduser().absolute()
    with contextlib.closing(_read_only(path)) as connection:
        saver = SqliteSaver(connection, serde=_serde())
        saver.is_setup = True  # its tables are there, and nothing may be written
        yield _Source(saver, _pages(connection), connection.execute)


def _read_only(path: Path) -> sqlite3.Connection:
    if is_special(path):
        raise InputError(f"{path} is no ordinary file: give the file of an SqliteSaver")
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=20)
        connection.execute(f"{_THREADS} LIMIT 1").fetchall()
        return connection
    except sqlite3.Error as error:
        found = likeness(str(path))
        other = found is not None and found.format != "langgraph"
        what = found.sentence(str(path)) if found is not None and other else "give the file of an SqliteSaver"
        raise InputError(f"{path} is no LangGraph checkpointer that can be read ({error}): {what}") from error


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
def _postgres(place: str) -> Iterator[_Source]:
    try:
        import psycopg
        from langgraph.checkpoint.postgres import PostgresSaver
        from psycopg.rows import dict_row
    except ImportError as error:
        raise MissingExtra("reading a PostgreSQL checkpointer", "logs") from error
    try:
        connection = psycopg.connect(place, autocommit=True, prepare_threshold=0, row_factory=dict_row)
    except psycopg.Error as error:
        raise InputError(f"the PostgreSQL checkpointer cannot be reached: {one_line(error)}") from error
    with connection:
        connection.execute("SET default_transaction_read_only = on")
        try:
            threads = [str(row["thread_id"]) for row in connection.execute(_THREADS)]
        except psycopg.Error as error:
            raise InputError("that database holds no LangGraph checkpoints: check its name and schema") from error

        def query(text: str, values: tuple[str, ...]) -> Iterable[tuple[Any, ...]]:
            return (tuple(row.values()) for row in connection.execute(text.replace("?", "%s").encode(), values))

        yield _Source(PostgresSaver(connection, serde=_serde()), iter(threads), query)


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
