"""Checkpointers of real graphs: SQLite and PostgreSQL, damage and foreign classes included."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import StateGraph
from langgraph.graph.message import _messages_delta_reducer
from langgraph.types import Overwrite, interrupt

from sml_agents.errors import InputError
from sml_agents.traces.importers import read_logs
from sml_agents.traces.importers.record import Loss
from sml_agents.types import Role, Trace


class State(TypedDict):
    messages: list[Any]
    other: Any


class Foreign:
    """A class of the host: never parsed by an import."""


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
        assert trace.tags["started"] <= trace.tags["ended"] and "run" not in trace.tags


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


def delta_graph(saver: Any, every: int) -> Any:
    messages = Annotated[list[Any], DeltaChannel(_messages_delta_reducer, snapshot_frequency=every)]
    seen = Annotated[list[Any], DeltaChannel(lambda held, writes: [*held, *[one for w in writes for one in w]])]
    Deltas = TypedDict("Deltas", {"messages": messages, "seen": seen})  # noqa: UP013

    def work(state: Any) -> dict[str, Any]:
        last = state["messages"][-1].content
        if last == "forget":
            kept = [RemoveMessage(state["messages"][0].id), RemoveMessage("unknown")]
            return {"messages": [*kept, AIMessage("forgotten")], "seen": ["x"]}
        if last == "start over":
            return {"messages": Overwrite([HumanMessage("new", id="n"), AIMessage("started", id="s")])}
        if last == "reword":
            return {"messages": [HumanMessage("reworded", id=state["messages"][-1].id), AIMessage("done")]}
        return {"messages": [AIMessage(f"answer to {last}")], "seen": ["y"]}

    built = StateGraph(Deltas).add_node(work)
    return built.add_edge("__start__", "work").compile(checkpointer=saver)


@pytest.mark.parametrize("every", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    "words", [["a"], ["a", "b", "c", "d"], ["a", "forget", "b"], ["a", "start over", "b"], ["reword"]]
)
def test_channels_of_deltas(every: int, words: list[str], tmp_path: Path) -> None:
    """As deepagents stores its messages: the newest checkpoint holds none."""
    with SqliteSaver.from_conn_string(str(tmp_path / "cp.sqlite")) as saver:
        agent = delta_graph(saver, every)
        config: Any = {"configurable": {"thread_id": "t"}}
        for word in words:
            agent.invoke({"messages": [HumanMessage(word)]}, config)
        expected = [(one.type, one.content) for one in agent.get_state(config).values["messages"]]
        found, losses = read(f"langgraph:{tmp_path / 'cp.sqlite'}")
    assert losses == [] and len(found) == 1
    names = {Role.TEACHER: "human", Role.STUDENT: "ai"}
    assert [(names[turn.role], turn.text) for turn in found[0].turns] == expected


def test_messages_of_a_subgraph_alone(tmp_path: Path) -> None:
    """langchain-ai/langgraph#8470: the state of a subgraph that stores deltas reads as empty."""

    Outer = TypedDict("Outer", {"word": str})  # noqa: UP013
    inner = delta_graph(None, 1000)
    with SqliteSaver.from_conn_string(str(tmp_path / "cp.sqlite")) as saver:

        def ask(state: Any) -> dict[str, Any]:
            return {"word": inner.invoke({"messages": [HumanMessage(state["word"])]})["messages"][-1].content}

        agent = StateGraph(Outer).add_node(ask).add_edge("__start__", "ask").compile(checkpointer=saver)
        agent.invoke({"word": "hello"}, {"configurable": {"thread_id": "t"}})
        found, losses = read(f"langgraph:{tmp_path / 'cp.sqlite'}")
    assert losses == [] and [turn.text for turn in found[0].turns] == ["hello", "answer to hello"]


def test_reasoning_in_a_checkpoint(tmp_path: Path) -> None:
    def work(state: State) -> dict[str, Any]:
        return {"messages": [*state["messages"], AIMessage("<think>hm</think>a")]}

    with SqliteSaver.from_conn_string(str(tmp_path / "cp.sqlite")) as saver:
        agent = StateGraph(State).add_node(work).add_edge("__start__", "work").compile(checkpointer=saver)
        agent.invoke({"messages": [HumanMessage("q")], "other": None}, {"configurable": {"thread_id": "t"}})
        (trace,), losses = read(f"langgraph:{tmp_path / 'cp.sqlite'}")
    assert losses == [] and trace.turns[1].text == "a" and trace.turns[1].thought == "<think>hm</think>"


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
