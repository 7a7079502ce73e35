"""What a recorder keeps of a running agent, and that it never disturbs it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import StateGraph
from langgraph.types import Command, interrupt

from sml_agents.traces import Redactor, TraceStore
from sml_agents.traces.recorder.callback import TraceRecorder
from sml_agents.types import Role, StopReason, Trace

KEY = "sk-" + "proj-abcDEF0123456789abcDEF0123456789"


class Booker(BaseChatModel):
    """Books for the day that was said last, then says so; `steps` calls of the tool before it speaks."""

    steps: int = 1

    @property
    def _llm_type(self) -> str:
        return "booker"

    def bind_tools(self, tools: Any, **_: Any) -> Booker:
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        said = [str(message.content) for message in messages if isinstance(message, HumanMessage)]
        if "explode" in said[-1]:
            raise ConnectionError("the model is gone")
        done = 0
        for message in reversed(messages):
            if isinstance(message, HumanMessage):
                break
            done += isinstance(message, ToolMessage)
        if done < self.steps:
            call = {"name": "book", "args": {"day": said[-1].split()[-1]}, "id": f"call_{len(messages)}"}
            reply = AIMessage("", tool_calls=[call])
        else:
            reply = AIMessage(f"Booked: {said[-1]}")
        return ChatResult(generations=[ChatGeneration(message=reply)])


def book(day: str) -> str:
    """Book a table."""
    return f"ok {day}"


def make_agent(steps: int = 1, **more: Any) -> Any:
    return create_agent(Booker(steps=steps), [book], system_prompt="You book.", **more)


def config(recorder: TraceRecorder, thread: str | None = "7") -> Any:
    return {"callbacks": [recorder], **({"configurable": {"thread_id": thread}} if thread else {})}


def traces(path: Path) -> list[Trace]:
    with TraceStore.open(path, read_only=True) as store:
        return list(store.traces())


def said(trace: Trace) -> list[tuple[str, str]]:
    return [("person" if turn.role is Role.TEACHER else "agent", turn.text) for turn in trace.turns]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs.sqlite"


def test_a_thread_is_one_trace_with_its_tools(path: Path) -> None:
    agent = make_agent(checkpointer=InMemorySaver())
    with TraceRecorder(path) as recorder:
        agent.invoke({"messages": [("user", f"for Friday, my key is {KEY}")]}, config(recorder))
        asyncio.run(agent.ainvoke({"messages": [("user", "No, Saturday")]}, config(recorder)))
        list(agent.stream({"messages": [("user", "for Sunday")]}, config(recorder, "8")))
    first, second = traces(path)
    assert said(first) == [
        ("person", "for Friday, my key is [redacted openai key]"),
        ("agent", "Booked: for Friday, my key is [redacted openai key]"),
        ("person", "No, Saturday"),
        ("agent", "Booked: No, Saturday"),
    ]
    assert [call.result for turn in first.turns for call in turn.tool_calls or ()] == [
        "ok [redacted openai key]",
        "ok Saturday",
    ]
    assert first.task.meta["system"] == "You book." and first.stop is StopReason.RECORDED
    assert said(second) == [("person", "for Sunday"), ("agent", "Booked: for Sunday")]


class State(TypedDict):
    messages: list[Any]
    day: str


def asking_graph(saver: Any) -> Any:
    def ask(state: State) -> dict[str, Any]:
        return {"day": interrupt({"question": "Which day?"})}

    def act(state: State) -> dict[str, Any]:
        return {"messages": [*state["messages"], AIMessage(f"Booked for {state['day']}.")]}

    graph = StateGraph(State).add_node(ask).add_node(act).add_edge("__start__", "ask").add_edge("ask", "act")
    return graph.compile(checkpointer=saver)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_pause_and_its_resume_are_turns(path: Path, restarted: bool) -> None:
    graph = asking_graph(InMemorySaver())
    recorder = TraceRecorder(path)
    graph.invoke({"messages": [HumanMessage("Book a table")], "day": ""}, config(recorder))
    if restarted:
        recorder.close()
        assert said(traces(path)[0]) == [("person", "Book a table"), ("agent", "Which day?")]
        recorder = TraceRecorder(path)
    graph.invoke(Command(resume="Friday"), config(recorder))
    recorder.close()
    (trace,) = traces(path)
    assert said(trace) == [
        ("person", "Book a table"),
        ("agent", "Which day?"),
        ("person", "Friday"),
        ("agent", "Booked for Friday."),
    ]


def test_an_agent_without_history_goes_on_in_its_thread(path: Path) -> None:
    chain = ChatPromptTemplate.from_messages([("user", "{text}")]) | Booker(steps=0)
    with TraceRecorder(path) as recorder:
        for text in ("first", "second"):
            chain.invoke({"text": text}, {"callbacks": [recorder], "metadata": {"thread_id": "a"}})
        Booker(steps=0).invoke("alone", {"callbacks": [recorder]})
    together, alone = traces(path)
    assert said(together) == [
        ("person", "first"),
        ("agent", "Booked: first"),
        ("person", "second"),
        ("agent", "Booked: second"),
    ]
    assert said(alone) == [("person", "alone"), ("agent", "Booked: alone")]


def test_a_failing_run_is_recorded_with_its_error(path: Path) -> None:
    agent = make_agent(checkpointer=InMemorySaver())
    with TraceRecorder(path) as recorder:
        agent.invoke({"messages": [("user", "for Friday")]}, config(recorder))
        with pytest.raises(ConnectionError):
            agent.invoke({"messages": [("user", "explode")]}, config(recorder))
    (trace,) = traces(path)
    assert trace.stop is StopReason.FAILED and "ConnectionError: the model is gone" in str(trace.error)
    assert said(trace)[1] == ("agent", "Booked: for Friday")


def test_personal_data_and_a_hook(path: Path) -> None:
    redactor = Redactor(personal=True, hook=lambda text: text.replace("Project X", "[secret]"))
    with TraceRecorder(path, redactor=redactor) as recorder:
        Booker(steps=0).invoke("ann@example.org wants Project X", {"callbacks": [recorder]})
    assert traces(path)[0].task.prompt == "[redacted mail address] wants [secret]"


@pytest.mark.parametrize("where", ["a folder", "a file that is no store"])
def test_a_store_that_cannot_be_opened_leaves_the_agent_running(tmp_path: Path, where: str) -> None:
    place = tmp_path
    if where != "a folder":
        place = tmp_path / "logs.sqlite"
        place.write_text("something else entirely, not a database" * 10)
    with TraceRecorder(place, every=0.0) as recorder:
        answer = make_agent().invoke({"messages": [("user", "for Friday")]}, {"callbacks": [recorder]})
        assert not recorder.flush(5)
    assert answer["messages"][-1].content == "Booked: for Friday"
    assert recorder.writer.failure is not None and recorder.writer.lost == 1


def test_a_full_disk_leaves_the_agent_running_and_recording_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sml_agents.traces.recorder.background._RETRY_SECONDS", 0.05)
    TraceStore.open(path).close()
    agent = make_agent(checkpointer=InMemorySaver())
    with FullDisk(path) as disk, TraceRecorder(path, every=0.0) as recorder:
        for thread in range(3):
            answer = agent.invoke({"messages": [("user", "long " * 9_000)]}, config(recorder, str(thread)))
            assert answer["messages"][-1].content.startswith("Booked: long")
        assert not recorder.flush(5)
        assert "the disk is full" in str(recorder.writer.failure)
        disk.free()
        while recorder.writer.failure is not None:
            time.sleep(0.01)
        assert recorder.flush(5)
    assert len(traces(path)) == 3 and recorder.writer.lost == 0


class FullDisk:
    """Limits the size of the files of this process's SQLite database, which then says that the disk is full."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> FullDisk:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        self.full = True
        self.limit: Any = lambda connection, _: connection.execute(
            f"PRAGMA max_page_count = {1 if self.full else 1_000_000}"
        )
        event.listen(Engine, "connect", self.limit)
        return self

    def free(self) -> None:
        self.full = False

    def __exit__(self, *_: object) -> None:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine

        event.remove(Engine, "connect", self.limit)
