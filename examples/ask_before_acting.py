"""For builders of agents: three lines make an agent ask before it acts, and never act on a guess.

    python examples/ask_before_acting.py "Order a pizza."
    python examples/ask_before_acting.py "Order a pizza." --model openai:MODEL --asker asker:

The middleware holds the order back until its size is known. The question comes out of the graph as an interrupt; what
you type resumes it: a size, "just go" (the size may be guessed then), or "never mind", and nothing is ordered. Without
--model a script stands in for your model: it orders at once and guesses the size.
"""

from __future__ import annotations

import argparse
from typing import Any, Literal

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel, Field

from sml_agents import resolve
from sml_agents.agents import ClarifyMiddleware
from sml_agents.testing import ScriptedModel


class Order(BaseModel):
    """What must be known before anything is ordered."""

    size: Literal["small", "large"] = Field(json_schema_extra={"question": "Which size?"})


@tool
def order(what: str, size: str) -> str:
    """Order something to eat."""
    return f"One {size} {what} is on its way."


STAND_IN: list[dict[str, Any]] = [
    {"when": "on its way", "reply": "Enjoy your meal!"},
    {"when": "large", "reply": "", "calls": [{"name": "order", "args": {"what": "pizza", "size": "large"}}]},
    {"when": "", "reply": "", "calls": [{"name": "order", "args": {"what": "pizza", "size": "small"}}]},
]


def main(request: str, model: str | None, asker: str | None) -> None:
    agent = create_agent(
        resolve(model) if model else ScriptedModel.model_validate({"replies": STAND_IN}),
        [order],
        middleware=[ClarifyMiddleware(asker or Order, delivery="interrupt", guessable=["size"])],
        checkpointer=InMemorySaver(),
    )
    thread: Any = {"configurable": {"thread_id": "1"}}
    state = agent.invoke({"messages": [HumanMessage(request)]}, thread)
    while pauses := state.get("__interrupt__"):
        asked = [action["args"]["question"] for action in pauses[0].value["action_requests"]]
        state = agent.invoke(Command(resume=[input(f"{question}\n> ") for question in asked]), thread)
    for message in state["messages"][1:]:
        if message.text and message.type != "human":
            print(f"{message.type}: {message.text}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("request", nargs="?", default="Order a pizza.")
    options.add_argument("--model", help="backend spec of the agent's model, which must call tools")
    options.add_argument("--asker", help="backend spec of a model that decides what to ask (default: rules)")
    given = options.parse_args()
    main(given.request, given.model, given.asker)
