"""The subgraph and the node, in graphs built by hand."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel, Field, ValidationError

from sml_agents.agents import Limits, ask_user, clarify_graph, clarify_node
from tests.agents.travel import ANSWER, CLEAR, QUESTION, VAGUE, Trip

THREAD: Any = {"configurable": {"thread_id": "1"}}


def act(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage("Done.")]}


def build(decider: Any, *, subgraph: bool, limits: Limits | None = None) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("act", act)
    if subgraph:
        graph.add_node("clarify", clarify_graph(decider, limits=limits))
        graph.add_edge("clarify", "act")
    else:
        graph.add_node("clarify", clarify_node(decider, then="act", limits=limits), destinations=("act", END))
    graph.add_edge(START, "clarify")
    graph.add_edge("act", END)
    return graph.compile(checkpointer=InMemorySaver())


def invoke(graph: Any, given: Any, asynchronous: bool) -> Any:
    return asyncio.run(graph.ainvoke(given, THREAD)) if asynchronous else graph.invoke(given, THREAD)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("subgraph", [False, True])
def test_it_asks_waits_and_goes_on(subgraph: bool, asynchronous: bool) -> None:
    graph = build(Trip, subgraph=subgraph)
    state = invoke(graph, {"messages": [HumanMessage(VAGUE)]}, asynchronous)
    if subgraph:
        assert state["__interrupt__"][0].value["action_requests"][0]["args"]["question"] == QUESTION
        given: Any = Command(resume=ANSWER)
    else:
        given = {"messages": [HumanMessage(ANSWER)]}
    state = invoke(graph, given, asynchronous)
    assert [message.text for message in state["messages"]] == [VAGUE, QUESTION, ANSWER, "Done."]


@pytest.mark.parametrize("subgraph", [False, True])
def test_nothing_is_asked_when_nothing_is_missing(subgraph: bool) -> None:
    state = invoke(build(Trip, subgraph=subgraph), {"messages": [HumanMessage(CLEAR)]}, False)
    assert [message.text for message in state["messages"]] == [CLEAR, "Done."]


def test_the_subgraph_asks_in_rounds_up_to_its_limit() -> None:
    graph = build(lambda view: f"Which part {len(view.history)}?", subgraph=True, limits=Limits(per_run=2))
    state = graph.invoke({"messages": [HumanMessage("Hm.")]}, THREAD)
    for _ in range(2):
        assert "__interrupt__" in state
        state = graph.invoke(Command(resume="The red one."), THREAD)
    assert "__interrupt__" not in state and state["messages"][-1].text == "Done."


class Refund(BaseModel):
    order: str = Field(pattern=r"ORD-\d{4}")
    reason: Literal["damaged", "late"]
    who: str


def asked(state: Any) -> list[str]:
    return [question["path"] for question in state["__interrupt__"][0].value["questions"]]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_it_ends_with_an_object_of_the_model(asynchronous: bool) -> None:
    graph = clarify_graph(Refund, checkpointer=InMemorySaver())
    state = invoke(graph, {"messages": [HumanMessage("Refund ORD-4711, please.")]}, asynchronous)
    assert asked(state) == ["reason", "who"]
    state = invoke(graph, Command(resume=["it came late", "Ada Byron"]), asynchronous)
    assert state["values"] == Refund(order="ORD-4711", reason="late", who="Ada Byron") and state["missing"] == []


def test_it_does_not_end_while_something_is_unknown() -> None:
    graph = clarify_graph(Refund, checkpointer=InMemorySaver())
    state = graph.invoke({"messages": [HumanMessage("hello")]}, THREAD)
    for answer in (["5 May", "dunno", "I don't know"], ["no idea"], ["hold on"], {"answers": {"order": "ORD-4711"}}):
        assert "order" in asked(state)
        state = graph.invoke(Command(resume=answer), THREAD)
    assert asked(state) == ["reason", "who"]


@pytest.mark.parametrize("limits", [None, Limits(per_request=1)])
def test_a_person_who_withdraws_and_a_limit_end_it_without_values(limits: Limits | None) -> None:
    graph = clarify_graph(Refund, limits=limits, checkpointer=InMemorySaver())
    graph.invoke({"messages": [HumanMessage("Refund ORD-4711")]}, THREAD)
    state = graph.invoke(Command(resume="hm" if limits else "Never mind, cancel that."), THREAD)
    assert "__interrupt__" not in state and state["values"] is None and state["missing"]


def test_a_node_does_not_go_on_on_a_guess() -> None:
    graph = build(Trip, subgraph=False)
    graph.invoke({"messages": [HumanMessage(VAGUE)]}, THREAD)
    for words in ("I don't know yet", "Never mind, cancel that."):
        state = graph.invoke({"messages": [HumanMessage(words)]}, THREAD)
        assert "Done." not in [message.text for message in state["messages"]]


def test_a_decider_that_fails_fails_the_run() -> None:
    def broken(view: Any) -> None:
        raise OSError("down")

    with pytest.raises(OSError, match="down"):
        build(broken, subgraph=True).invoke({"messages": [HumanMessage(VAGUE)]}, THREAD)


@pytest.mark.parametrize(
    "given",
    [
        {"questions": ["On which day?"]},
        {"questions": "On which day?"},
        {"question": "On which day?"},
        {"questions": [{"text": "On which day?"}]},
        {"questions": [{"question": "On which day?", "options": []}]},
    ],
)
def test_the_tool_takes_questions_as_models_write_them(given: Any) -> None:
    schema: Any = ask_user.args_schema
    assert schema.model_validate(given).questions == ["On which day?"]
    for empty in ({}, {"questions": []}, {"question": ""}):
        with pytest.raises(ValidationError):
            schema.model_validate(empty)
