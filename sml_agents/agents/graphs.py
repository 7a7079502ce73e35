"""Asking in graphs built by hand: a subgraph that waits for the answers, and a node that ends the turn.

Both work on any state with `messages`. For `tool` delivery put `sml_agents.agents.ask_user` among the agent's tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command

from sml_agents.agents.asking import AgentView, Ledger, Limits, Question, answer_message, asked_by
from sml_agents.agents.deciders import adecide, as_decider, decide
from sml_agents.agents.delivery import answered, pause, question_message

__all__ = ["clarify_graph", "clarify_node"]


class _Asker:
    """Decides, synchronously and not, what is due in a conversation."""

    def __init__(self, decider: Any, limits: Limits | None) -> None:
        self.decider = as_decider(decider)
        self.limits = limits or Limits()

    def due(self, messages: Sequence[BaseMessage]) -> tuple[Question, ...]:
        ledger = Ledger.read(messages, self.limits)
        return ledger.allowed(decide(self.decider, AgentView(messages, acting=True))) if ledger.left else ()

    async def adue(self, messages: Sequence[BaseMessage]) -> tuple[Question, ...]:
        ledger = Ledger.read(messages, self.limits)
        return ledger.allowed(await adecide(self.decider, AgentView(messages, acting=True))) if ledger.left else ()


def clarify_graph(
    decider: Any, *, limits: Limits | None = None, checkpointer: Any = None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A subgraph that asks through interrupts, one round after another, until nothing that may be asked is missing.

    Its questions and the answers are added to `messages`. Needs a checkpointer, here or in the graph around it.
    `decider` and `limits` are those of ClarifyMiddleware; the agent's own model cannot be the decider here.
    """
    asker = _Asker(decider, limits)

    def found(due: tuple[Question, ...]) -> Command[Any]:
        if not due:
            return Command(goto=END)
        return Command(update={"messages": [question_message(due, "interrupt", "")]}, goto="person")

    def look(state: MessagesState) -> Command[Any]:
        return found(asker.due(state["messages"]))

    async def alook(state: MessagesState) -> Command[Any]:
        return found(await asker.adue(state["messages"]))

    def person(state: MessagesState) -> dict[str, Any]:
        questions = asked_by(state["messages"][-1])
        return {"messages": [answer_message(answered(questions, pause(questions)))]}

    graph = StateGraph(MessagesState)
    graph.add_node("look", RunnableLambda(look, alook), destinations=("person", END))
    graph.add_node("person", person)
    graph.add_edge(START, "look")
    graph.add_edge("person", "look")
    return graph.compile(checkpointer=checkpointer, name="clarify")


def clarify_node(decider: Any, *, then: str, limits: Limits | None = None) -> RunnableLambda[Any, Any]:
    """A node that goes on to the node `then`, or asks as plain text and ends the graph's turn.

    Give its ways to `add_node`: `graph.add_node("clarify", clarify_node(..., then="act"), destinations=("act", END))`.
    """
    asker = _Asker(decider, limits)

    def found(due: tuple[Question, ...]) -> Command[Any]:
        if not due:
            return Command(goto=then)
        return Command(update={"messages": [question_message(due, "end_turn", "")]}, goto=END)

    def node(state: Any) -> Command[Any]:
        return found(asker.due(state["messages"]))

    async def anode(state: Any) -> Command[Any]:
        return found(await asker.adue(state["messages"]))

    return RunnableLambda(node, anode)
