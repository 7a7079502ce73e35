"""Asking in graphs built by hand: a subgraph that waits for the answers, and a node that ends the turn.

Both work on any state with `messages`. For `tool` delivery put `sml_agents.agents.ask_user` among the agent's tools.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, NotRequired

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command
from pydantic import BaseModel, ValidationError

from sml_agents.agents.asking import Limits, Question, answer_message, asked_by
from sml_agents.agents.deciders import Decision, RequiredFields, adecide, as_decider, decide
from sml_agents.agents.delivery import pause, question_message
from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import value_in_words
from sml_agents.agents.view import AgentView

__all__ = ["ClarifiedState", "clarify_graph", "clarify_node"]


def _newest(old: Any, new: Any) -> Any:
    return new


class ClarifiedState(MessagesState):
    """The state of `clarify_graph`."""

    values: NotRequired[Annotated[Any, _newest]]
    """An object of the pydantic model once all of it is known; None before, and without a model."""
    missing: NotRequired[Annotated[list[str], _newest]]
    """Names of the fields that are still unknown, when the person has withdrawn or the limit is reached."""


class _Asker:
    """Decides, synchronously and not, what is due in a conversation."""

    def __init__(self, decider: Any, limits: Limits | None) -> None:
        self.fields = decider if isinstance(decider, type) and issubclass(decider, BaseModel) else None
        self.decider = as_decider(decider)
        patient = Limits(per_request=1000, per_run=100) if self.fields else Limits()
        self.limits = limits or patient  # rules over fields ask until they are told or the person withdraws

    def request(self, messages: Sequence[BaseMessage]) -> Request:
        return Request.read(messages, lambda name: False)

    def due(self, messages: Sequence[BaseMessage], decided: Decision) -> tuple[Question, ...]:
        if decided.failure is not None:
            raise decided.failure
        request, limits = self.request(messages), self.limits
        left = limits.per_run
        if limits.per_thread is not None:
            left = min(left, limits.per_thread - sum(len(asked_by(message)) for message in messages))
        if request.withdrawn or request.rounds >= limits.per_request:
            return ()
        new = [question for question in decided.questions if self.fields or request.settled.isdisjoint(question.keys)]
        return tuple(new[: max(0, left)])

    def found(self, messages: Sequence[BaseMessage]) -> dict[str, Any]:
        """The values of the model's fields, or what is missing."""
        if self.fields is None or not isinstance(self.decider, RequiredFields):
            return {"values": None, "missing": []}
        request = self.request(messages)
        grounds = self.decider.grounds(request, {})
        missing = [one.slot.name for one in grounds if not one.ok]
        if missing or request.withdrawn:
            return {"values": None, "missing": missing or [one.slot.name for one in grounds]}
        said = {one.slot.name: value_in_words(one, self.decider.clock()) for one in grounds}
        try:
            return {"values": self.fields.model_validate(said), "missing": []}
        except ValidationError as error:
            return {"values": None, "missing": sorted({".".join(map(str, one["loc"])) for one in error.errors()})}


def clarify_graph(
    decider: Any, *, limits: Limits | None = None, checkpointer: Any = None
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """A subgraph that asks through interrupts, one round after another, until nothing that may be asked is missing.

    Its questions and the answers are added to `messages`. With a pydantic model as `decider` it ends with `values`, an
    object of that model, and asks until all required fields are told; it ends without (`values` None, their names in
    `missing`) only when the person withdraws or the `limits` that you gave are reached. Needs a checkpointer, here or
    in the graph around it. The agent's own model cannot be the decider here. A decider that fails fails the run.
    """
    asker = _Asker(decider, limits)

    def found(messages: Sequence[BaseMessage], decided: Decision) -> Command[Any]:
        due = asker.due(messages, decided)
        known = asker.found(messages)
        if not due:
            return Command(update=known, goto=END)
        return Command(update={"messages": [question_message(due, "interrupt", "")]}, goto="person")

    def look(state: ClarifiedState) -> Command[Any]:
        messages = state["messages"]
        return found(messages, decide([asker.decider], AgentView(messages, acting=True)))

    async def alook(state: ClarifiedState) -> Command[Any]:
        messages = state["messages"]
        decided = await adecide([asker.decider], AgentView(messages, acting=True))
        return await asyncio.to_thread(found, messages, decided)

    def person(state: ClarifiedState) -> dict[str, Any]:
        questions = asked_by(state["messages"][-1])
        return {"messages": [answer_message(pause(questions), questions)]}

    graph = StateGraph(ClarifiedState)
    graph.add_node("look", RunnableLambda(look, alook), destinations=("person", END))
    graph.add_node("person", person)
    graph.add_edge(START, "look")
    graph.add_edge("person", "look")
    return graph.compile(checkpointer=checkpointer, name="clarify")


def clarify_node(decider: Any, *, then: str, limits: Limits | None = None) -> RunnableLambda[Any, Any]:
    """A node that goes on to the node `then`, or asks as plain text and ends the graph's turn.

    With a pydantic model as `decider` it goes on only when all required fields are told; then it sets `values`, if the
    graph's state has that key. A person who withdraws ends the turn. With other deciders it goes on when they are
    silent or `limits` are reached. A decider that fails fails the run.

    Give its ways to `add_node`: `graph.add_node("clarify", clarify_node(..., then="act"), destinations=("act", END))`.
    """
    asker = _Asker(decider, limits)

    def found(state: Any, decided: Decision) -> Command[Any]:
        messages = state["messages"]
        due = asker.due(messages, decided)
        if due:
            return Command(update={"messages": [question_message(due, "end_turn", "")]}, goto=END)
        known = asker.found(messages)
        if asker.fields is not None and known["values"] is None:
            return Command(goto=END)
        return Command(update={"values": known["values"]} if asker.fields is not None else None, goto=then)

    def node(state: Any) -> Command[Any]:
        return found(state, decide([asker.decider], AgentView(state["messages"], acting=True)))

    async def anode(state: Any) -> Command[Any]:
        decided = await adecide([asker.decider], AgentView(state["messages"], acting=True))
        return await asyncio.to_thread(found, state, decided)

    return RunnableLambda(node, anode)
