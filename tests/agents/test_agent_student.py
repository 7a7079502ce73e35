"""An agent in the student's place: answered by our teachers, scored, recorded with its tool calls, trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from sml_agents import (
    DialogueSettings,
    HumanTeacher,
    OracleTeacher,
    TraceStore,
    build_dialogue,
    run_dialogues_sync,
    training_rows,
)
from sml_agents.agents import AgentStudent, ClarifyMiddleware
from sml_agents.errors import InputError
from sml_agents.roles import student_from
from sml_agents.testing import Rule, ScriptedModel
from sml_agents.types import Act, Fact, Form, Private, Role, Task, ToolCall, Trace, Turn
from sml_agents.views import StudentView

PRICE = Fact(name="price", statement="Each pen costs 3 dollars.", keywords=("pen", "cost"))
PENS = Task(
    id="pens",
    family="shop",
    form=Form.UNDERSPECIFIED,
    prompt="Ada buys 4 pens. How many dollars does she pay?",
    private=Private(answer="12", facts=(PRICE,)),
)
ASK = "How much does each pen cost?"


@tool
def times(a: int, b: int) -> str:
    """Multiply."""
    return f"{a} times {b} is {a * b}"


MODEL = ScriptedModel(
    replies=[
        Rule(when="is 12", reply="The answer is 12."),
        Rule(when="costs 3", reply="", calls=[{"name": "times", "args": {"a": 4, "b": 3}}]),  # type: ignore[list-item]
        Rule(when="", reply="The answer is 4."),
    ]
)


def needs_price(view: Any) -> str | None:
    return None if "3 dollars" in view.told else ASK


def agent(delivery: Any = "end_turn", **options: Any) -> Any:
    return create_agent(MODEL, [times], middleware=[ClarifyMiddleware(needs_price, delivery=delivery)], **options)


@pytest.mark.parametrize("delivery", ["end_turn", "interrupt", "tool"])
async def test_it_asks_is_told_and_solves_with_its_tool(delivery: Any) -> None:
    saver = InMemorySaver()
    student = AgentStudent(agent(delivery, checkpointer=saver, name="shop"), settings={"version": 2})
    trace = (await build_dialogue(student, OracleTeacher()).ainvoke({"task": PENS}))["trace"]
    assert [turn.text for turn in trace.turns[1:]] == [ASK, PRICE.statement, "The answer is 12."]
    assert trace.solved_at == 2 and trace.student_turns[0].act is Act.CLARIFICATION
    first, second = trace.student_turns
    assert first.tool_calls == ()
    assert second.tool_calls is not None and second.tool_calls[0] == ToolCall(
        name="times", arguments={"a": 4, "b": 3}, result="4 times 3 is 12", id=second.tool_calls[0].id
    )
    assert second.call is not None and second.call.usage is not None and second.call.model == "scripted"
    assert trace.settings["student"] == {"agent": "shop", "version": 2}
    assert Trace.model_validate_json(trace.model_dump_json()) == trace
    assert list(saver.list(None)) == [], "the agent's own checkpointer is left alone"


async def test_rolled_out_stored_and_made_into_training_rows_with_no_person(tmp_path: Path) -> None:
    student = AgentStudent(agent(), name="shop")
    tasks = [PENS.model_copy(update={"id": f"pens-{k}"}) for k in range(5)]
    with TraceStore.open(tmp_path / "agent.sqlite") as store:
        summary = run_dialogues_sync(tasks, student, OracleTeacher(), store=store)
        found = list(store.traces(solved=True))
    assert summary.failed == 0
    assert len(found) == 5 and all(trace.student_turns[1].tool_calls for trace in found)
    rows = training_rows(found)
    said = [message for message in rows[0].messages if message.role == "assistant"]
    assert [message.content for message in said if message.content] == [ASK, "The answer is 12."]


async def test_earlier_tool_calls_are_given_back_to_the_agent() -> None:
    """A wrong answer after a tool call: in the next turn the agent sees the call and its result."""
    seen: list[list[tuple[str, str]]] = []

    class Model(ScriptedModel):
        async def _areply(self, messages: Any, stop: Any = None, **kwargs: Any) -> Any:
            seen.append([(message.type, message.text) for message in messages])
            return await super()._areply(messages, stop, **kwargs)

    call: Any = {"name": "times", "args": {"a": 4, "b": 4}}
    model = Model(
        replies=[Rule(when="is 16", reply="The answer is 16."), Rule(when="buys", reply="", calls=[call]), "Hm."]
    )
    student = AgentStudent(create_agent(model, [times]))
    full = PENS.model_copy(update={"form": Form.FULL, "private": Private(answer="12")})
    dialogue = build_dialogue(student, OracleTeacher(), settings=DialogueSettings(max_turns=3))
    trace = (await dialogue.ainvoke({"task": full}))["trace"]
    assert [len(turn.tool_calls or ()) for turn in trace.student_turns] == [1, 0, 0]
    kinds = [kind for kind, _ in seen[-1]]
    assert kinds == ["human", "ai", "tool", "ai", "human", "ai", "human"]
    assert seen[-1][2] == ("tool", "4 times 4 is 16")


@pytest.mark.parametrize("allowed", [None, True])
async def test_tool_calls_survive_a_checkpoint_while_a_person_teaches(allowed: Any) -> None:
    """With a checkpointer that revives our classes and with one that gives plain values back."""
    call: Any = {"name": "times", "args": {"a": 4, "b": 4}}
    model = ScriptedModel(
        replies=[
            Rule(when="is 16", reply="The answer is 16."),
            Rule(when="not", reply="The answer is 12."),
            Rule(when="buys", reply="", calls=[call]),
        ]
    )
    student = AgentStudent(create_agent(model, [times]))
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=allowed))
    graph = build_dialogue(student, HumanTeacher(), checkpointer=saver)
    thread: Any = {"configurable": {"thread_id": "1"}}
    assert "__interrupt__" in await graph.ainvoke({"task": PENS}, thread)
    trace = (await graph.ainvoke(Command(resume={"text": "That is not it."}), thread))["trace"]
    first, second = trace.student_turns
    assert first.tool_calls[0].result == "4 times 4 is 16" and second.tool_calls == () and trace.solved


async def ask(graph: Any) -> str:
    return (await AgentStudent(graph).reply(StudentView(((Role.TEACHER, "Hi."),)), seed=1)).text


async def test_pauses_of_other_agents() -> None:
    def graph(value: Any) -> Any:
        builder = StateGraph(MessagesState)
        builder.add_node("ask", lambda state: {"messages": [interrupt(value)]})
        builder.add_edge(START, "ask")
        return builder.compile()

    assert await ask(graph("Which one?")) == "Which one?"
    assert await ask(graph({"question": "Which one?"})) == "Which one?"
    with pytest.raises(InputError, match="no question"):
        await ask(graph({"approve": True}))
    review: Any = HumanInTheLoopMiddleware(interrupt_on={"ask_user": {"allowed_decisions": ["respond"]}})
    hitl = create_agent(MODEL, [times], middleware=[review, ClarifyMiddleware(needs_price, delivery="tool")])
    assert await ask(hitl) == ASK


class Out(BaseModel):
    answer: int


async def test_structured_output_is_what_the_agent_says() -> None:
    call: Any = [{"name": "Out", "args": {"answer": 12}}]
    replies: Any = [Rule(when="costs 3", reply="", calls=call), Rule(when="", reply="", calls=call)]
    graph = create_agent(
        ScriptedModel(replies=replies),
        [times],
        response_format=ToolStrategy(Out),
        middleware=[ClarifyMiddleware(needs_price)],
    )
    trace = (await build_dialogue(AgentStudent(graph), OracleTeacher()).ainvoke({"task": PENS}))["trace"]
    assert [turn.text for turn in trace.student_turns] == [ASK, "answer: 12"] and trace.solved
    assert all(not turn.tool_calls for turn in trace.student_turns), "the form of the answer is no call"


def test_what_is_no_agent_is_refused() -> None:
    with pytest.raises(InputError, match="compiled LangGraph graph"):
        AgentStudent(build_dialogue(AgentStudent(agent()), OracleTeacher()))


def test_traces_without_tool_calls_still_load() -> None:
    old = Turn(role=Role.STUDENT, text="Hm.").model_dump()
    del old["tool_calls"]
    assert Turn.model_validate(old).tool_calls is None


AGENT = """
from langchain.agents import create_agent
from sml_agents.testing import ScriptedModel

graph = create_agent(ScriptedModel(replies=["How much does each pen cost?", "The answer is 12."]), [])

def make():
    return graph

number = 3
"""


@pytest.mark.parametrize("spec", ["agent:my_own_agent:graph", "agent:my_own_agent:make", "agent:my_own_agent.py:graph"])
def test_an_agent_by_its_name(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_agent.py").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "my_own_agent", raising=False)
    student = student_from(spec)
    assert isinstance(student, AgentStudent) and student.settings == {"agent": spec.removeprefix("agent:")}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("agent:", "names no agent"),
        ("agent:my_own_agent", "names no agent"),
        ("agent:no_such_module:graph", "cannot be loaded: No module named"),
        ("agent:nothing.py:graph", "there is no file nothing.py"),
        ("agent:my_own_agent.py:nothing", "cannot be loaded: .*nothing"),
        ("agent:my_own_agent.py:number", "is no graph: name a compiled graph"),
    ],
)
def test_what_is_no_agent_is_said(spec: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_agent.py").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        student_from(spec)
