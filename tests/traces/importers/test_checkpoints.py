"""Checkpointers of real graphs: SQLite and PostgreSQL, damage and foreign classes included."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import StateGraph
from langgraph.types import interrupt

from sml_agents.errors import InputError
from sml_agents.traces.importers import read_logs
from sml_agents.traces.importers.record import Loss
from sml_agents.types import Role, Trace


class State(TypedDict):
    messages: list[Any]
    other: Any


class Foreign:
    """A class of the host: never revived by an import."""


def graph(saver: Any) -> Any:
    def work(state: State) -> dict[str, Any]:
        call = {"name": "book", "args": {"day": "Friday"}, "id": "c1"}
        new = [AIMessage("", tool_calls=[call]), ToolMessage("ok", tool_call_id="c1"), AIMessage("Booked.")]
        return {"messages": [*state["messages"], *new], "other": {"x": {1, 2}}}

    def check(state: State) -> dict[str, Any]:
        if "ask" in state["messages"][1].content:
            interrupt({"question": "For how many?"})
        return {}

    built = StateGraph(State).add_node(work).add_node(check)
    return built.add_edge("__start__", "work").add_edge("work", "check").compile(checkpointer=saver)


def talk(saver: Any, threads: list[str]) -> None:
    agent = graph(saver)
    for thread in threads:
        given = [SystemMessage("You book."), HumanMessage(f"Book {thread}")]
        agent.invoke({"messages": given, "other": None}, {"configurable": {"thread_id": thread}})


def read(spec: str) -> tuple[list[Trace], list[Loss]]:
    losses: list[Loss] = []
    return list(read_logs(spec, losses.append)), losses


def check(found: list[Trace], threads: list[str]) -> None:
    assert [trace.task.meta["source"] for trace in found] == sorted(threads)
    for trace, thread in zip(found, sorted(threads), strict=True):
        assert trace.turns[0].text == f"Book {thread}" and trace.task.meta["system"] == "You book."
        (call,) = trace.student_turns[0].tool_calls or ()
        assert (call.name, call.arguments, call.result, call.id) == ("book", {"day": "Friday"}, "ok", "c1")
        text = "Booked.\n\nFor how many?" if "ask" in thread else "Booked."
        assert [(turn.role, turn.text) for turn in trace.turns][1:] == [(Role.STUDENT, text)]


THREADS = [*(f"user {n}" for n in range(5)), "ask me"]


def test_sqlite_every_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sml_agents.traces.importers.checkpoints._PAGE", 2)
    with SqliteSaver.from_conn_string(str(tmp_path / "cp.sqlite")) as saver:
        talk(saver, THREADS)
        found, losses = read(f"langgraph:{tmp_path / 'cp.sqlite'}")  # beside a running agent
        assert losses == []
        check(found, THREADS)


def test_a_damaged_thread_is_a_loss(tmp_path: Path) -> None:
    with SqliteSaver.from_conn_string(str(tmp_path / "cp.sqlite")) as saver:
        talk(saver, THREADS)
    with sqlite3.connect(tmp_path / "cp.sqlite") as connection:
        connection.execute("UPDATE checkpoints SET checkpoint = x'c1ffc1ff' WHERE thread_id = 'user 1'")
        connection.execute("UPDATE checkpoints SET type = 'pickle' WHERE thread_id = 'user 2'")
        connection.execute("UPDATE checkpoints SET checkpoint = substr(checkpoint, 1, 40) WHERE thread_id = 'user 3'")
    connection.close()
    found, losses = read(f"langgraph:{tmp_path / 'cp.sqlite'}")
    check(found, ["user 0", "user 4", "ask me"])
    assert [loss.where for loss in losses] == ["thread user 1", "thread user 2", "thread user 3"]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_checkpointer_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cp.sqlite").write_bytes(content)
    with pytest.raises(InputError, match="no LangGraph checkpointer"):
        read(f"langgraph:{tmp_path / 'cp.sqlite'}")


@pytest.mark.postgres
def test_postgresql_every_thread(postgres: str) -> None:
    from langgraph.checkpoint.postgres import PostgresSaver

    with PostgresSaver.from_conn_string(postgres) as saver:
        saver.setup()
        talk(saver, THREADS)
    found, losses = read(f"langgraph:{postgres}")
    assert losses == []
    check(found, THREADS)


def test_postgresql_that_is_not_there() -> None:
    with pytest.raises(InputError, match="cannot be reached"):
        read("langgraph:postgresql://nobody@127.0.0.1:9/none?connect_timeout=1")
