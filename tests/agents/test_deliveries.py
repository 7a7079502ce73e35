"""An agent asks for a missing date before it calls its tool, and does not ask when the date is there.

For each delivery and decider, synchronous, asynchronous and streamed, on real SQLite and PostgreSQL checkpointers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from sml_agents.agents import ClarifyMiddleware
from tests.agents.travel import ANSWER, BOOKED, CLEAR, QUESTION, VAGUE, Agent, Trip, book, booked

DELIVERIES = ["end_turn", "interrupt", "tool"]
CHECKPOINTERS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
DECIDERS = {"own": None, "rules": Trip}


@contextmanager
def saver(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if kind == "sqlite":
        with SqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as found:
            yield found
    else:
        postgres = pytest.importorskip("langgraph.checkpoint.postgres", reason="no langgraph-checkpoint-postgres")
        with postgres.PostgresSaver.from_conn_string(request.getfixturevalue("postgres")) as found:
            found.setup()
            yield found


@asynccontextmanager
async def asaver(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if kind == "sqlite":
        async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "threads.sqlite")) as found:
            yield found
    else:
        postgres = pytest.importorskip("langgraph.checkpoint.postgres.aio", reason="no langgraph-checkpoint-postgres")
        async with postgres.AsyncPostgresSaver.from_conn_string(request.getfixturevalue("postgres")) as found:
            await found.setup()
            yield found


def agent(decider: str, delivery: Any, checkpointer: Any) -> Any:
    middleware = [ClarifyMiddleware(DECIDERS[decider], delivery=delivery)]
    return create_agent(Agent(), [book], middleware=middleware, checkpointer=checkpointer)


def given(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def answer(delivery: str) -> Any:
    return given(ANSWER) if delivery == "end_turn" else Command(resume=ANSWER)


def thread(request: pytest.FixtureRequest, name: str) -> Any:
    return {"configurable": {"thread_id": f"{request.node.name}/{name}"}}


def check_asked(delivery: str, values: dict[str, Any], interrupts: Any) -> None:
    last = values["messages"][-1]
    assert booked(values["messages"]) == []
    assert bool(interrupts) is (delivery != "end_turn")
    if delivery == "tool":
        assert [call["args"] for call in last.tool_calls] == [{"questions": [QUESTION]}]
    else:
        assert last.text == QUESTION
    for pause in interrupts:
        assert pause.value["action_requests"][0]["args"] == {"question": QUESTION, "answer": ""}


def check_booked(values: dict[str, Any]) -> None:
    assert booked(values["messages"]) == [BOOKED]
    assert values["messages"][-1].text == f"{BOOKED} Have a nice trip!"
    assert str(values["messages"]).count(QUESTION) <= 3, "asked once: in text, mark and call"


@pytest.mark.parametrize("kind", CHECKPOINTERS)
@pytest.mark.parametrize("decider", DECIDERS)
@pytest.mark.parametrize("delivery", DELIVERIES)
class TestDeliveries:
    def test_invoke(
        self, delivery: str, decider: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        with saver(kind, request, tmp_path) as checkpointer:
            graph = agent(decider, delivery, checkpointer)
            config = thread(request, "vague")
            state = graph.invoke(given(VAGUE), config)
            check_asked(delivery, state, state.get("__interrupt__", ()))
            again = agent(decider, delivery, checkpointer)  # as after a restart
            check_booked(again.invoke(answer(delivery), config))
            state = graph.invoke(given(CLEAR), thread(request, "clear"))
            assert "__interrupt__" not in state and QUESTION not in str(state)
            check_booked(state)

    async def test_ainvoke(
        self, delivery: str, decider: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        async with asaver(kind, request, tmp_path) as checkpointer:
            graph = agent(decider, delivery, checkpointer)
            config = thread(request, "vague")
            state = await graph.ainvoke(given(VAGUE), config)
            check_asked(delivery, state, state.get("__interrupt__", ()))
            check_booked(await agent(decider, delivery, checkpointer).ainvoke(answer(delivery), config))
            state = await graph.ainvoke(given(CLEAR), thread(request, "clear"))
            assert "__interrupt__" not in state and QUESTION not in str(state)
            check_booked(state)

    def test_stream(
        self, delivery: str, decider: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        with saver(kind, request, tmp_path) as checkpointer:
            graph = agent(decider, delivery, checkpointer)
            config = thread(request, "vague")
            parts = list(graph.stream(given(VAGUE), config, stream_mode=["messages", "values"]))
            self.check_stream(delivery, parts)
            list(graph.stream(answer(delivery), config, stream_mode=["messages", "values"]))
            check_booked(graph.get_state(config).values)
            clear = thread(request, "clear")
            assert QUESTION not in str(list(graph.stream(given(CLEAR), clear, stream_mode=["messages", "values"])))
            check_booked(graph.get_state(clear).values)

    async def test_astream(
        self, delivery: str, decider: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> None:
        async with asaver(kind, request, tmp_path) as checkpointer:
            graph = agent(decider, delivery, checkpointer)
            config = thread(request, "vague")
            parts = [part async for part in graph.astream(given(VAGUE), config, stream_mode=["messages", "values"])]
            self.check_stream(delivery, parts)
            async for _ in graph.astream(answer(delivery), config, stream_mode=["messages", "values"]):
                pass
            check_booked((await graph.aget_state(config)).values)

    def check_stream(self, delivery: str, parts: list[Any]) -> None:
        values = [part for mode, part in parts if mode == "values"]
        interrupts = next((value["__interrupt__"] for value in values if "__interrupt__" in value), ())
        check_asked(delivery, [value for value in values if "messages" in value][-1], interrupts)
        if delivery != "tool":
            written = "".join(part[0].text for mode, part in parts if mode == "messages")
            assert written.endswith(QUESTION) and written.count(QUESTION) == 1, "the person sees the question, once"


def test_without_the_middleware_it_guesses() -> None:
    assert booked(create_agent(Agent(), [book]).invoke(given(VAGUE))["messages"]) == ["Booked Paris for 1 January."]
