"""The subgraph and the node, in graphs built by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command

from sml_agents.agents import Limits, clarify_graph, clarify_node
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
