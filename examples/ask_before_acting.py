"""For builders of agents: a trained asker as a node that asks before the agent acts.

    python examples/ask_before_acting.py "I buy 4 pens. What do I pay?" --student transformers:demo-out/trained

`think` either asks or is ready; its question goes to the person through an interrupt, and only then does `act` run. The
default model is not trained and will hardly ask: `make demo` makes one that does.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any, Literal

from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from sml_agents import Act, ChatStudent, resolve
from sml_agents.roles.acts import classify

MAX_QUESTIONS = 3


def build(asker: ChatStudent, checkpointer: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
    async def think(state: MessagesState) -> Command[Literal["person", "act"]]:
        reply = await asker.model.ainvoke([SystemMessage(asker.system), *state["messages"]])
        asked = sum(message.type == "ai" for message in state["messages"])
        asks = classify(reply.text).act is Act.CLARIFICATION and asked < MAX_QUESTIONS
        return Command(update={"messages": [reply]}, goto="person" if asks else "act")

    def person(state: MessagesState) -> dict[str, Any]:
        return {"messages": [HumanMessage(interrupt(state["messages"][-1].text))]}

    def act(state: MessagesState) -> dict[str, Any]:
        print("acting on:", state["messages"][-1].text)
        return {}

    graph = StateGraph(MessagesState)
    graph.add_node("think", think)
    graph.add_node("person", person)
    graph.add_node("act", act)
    graph.add_edge(START, "think")
    graph.add_edge("person", "think")
    graph.add_edge("act", END)
    return graph.compile(checkpointer=checkpointer)


async def main(request: str, spec: str) -> None:
    graph = build(ChatStudent(resolve(spec)), InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    state = await graph.ainvoke({"messages": [HumanMessage(request)]}, thread)
    while "__interrupt__" in state:
        answer = await asyncio.to_thread(input, state["__interrupt__"][0].value + "\n> ")
        state = await graph.ainvoke(Command(resume=answer), thread)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("request", nargs="?", default="I buy 4 pens. How many dollars do I pay?")
    options.add_argument("--student", default="embedded:?max_tokens=64", help="backend spec of the asker")
    given = options.parse_args()
    asyncio.run(main(given.request, given.student))
