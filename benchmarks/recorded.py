"""Conversations whose every word and call is known, held with a real agent while a recorder listens.

    python benchmarks/recorded.py [--conversations 1000] [--seed 0] [--json]

The agent is one of `langchain.agents.create_agent` with a summariser, a middleware that asks a model of its own, a
reviewer who approves, edits, rejects and answers calls, a tool that asks the person, and a tool that is an agent.
What it says and does is a script, so the truth is known without the recorder. What is counted: conversations stored
exactly as they were held, and single turns and calls.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, SummarizationMiddleware
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt

from sml_agents.traces import TraceStore
from sml_agents.traces.recorder import TraceRecorder
from sml_agents.types import Role, Trace

SYSTEM = "You book tables."
CITIES = ("Paris", "Rome", "Oslo", "Lima")
SAID = ("yes", "ok", "Book a table", "On 5 May", "No, for four", "Thanks!", "What about Rome?", "yes please")


class Script(GenericFakeChatModel):
    """Says what it was given to say, whatever it is asked."""

    def bind_tools(self, tools: Any, **more: Any) -> Any:
        return self.bind(tools=tools, **more)


def scripted(*replies: str | AIMessage) -> Script:
    return Script(messages=iter(replies))


@dataclass
class Spoken:
    """A turn as it was held."""

    who: str
    text: str
    calls: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)


@dataclass
class Held:
    """One conversation: what the agent's model says, what comes from outside, and what is true."""

    replies: list[AIMessage]
    given: list[Any]
    """Messages of the person, and `Command`s that resume."""
    turns: list[Spoken]
    reviews: list[str]


@tool
def look_up(what: str) -> str:
    """Look something up."""
    return f"found {what}"


@tool
def book(city: str, guests: int) -> str:
    """Book a table."""
    return f"booked {city} for {guests}"


@tool
def ask_user(question: str) -> str:
    """Ask the person."""
    return str(interrupt(question))


def held(random: random.Random, name: str) -> Held:
    """A conversation made by chance."""
    replies: list[AIMessage] = []
    given: list[Any] = []
    turns: list[Spoken] = []
    reviews: list[str] = []
    agent = Spoken("agent", "")

    def person(text: str, event: Any) -> None:
        nonlocal agent
        given.append(event)
        turns.append(Spoken("person", text))
        agent = Spoken("agent", "")
        turns.append(agent)

    def say(text: str, tool: str = "", **args: Any) -> None:
        calls = [{"name": tool, "args": args, "id": f"{name}-{len(replies)}", "type": "tool_call"}] if tool else []
        replies.append(AIMessage(text, tool_calls=calls))
        if text:
            agent.text = f"{agent.text}\n\n{text}".strip()

    for _ in range(random.randint(1, 5)):
        said = random.choice(SAID)
        person(said, {"messages": [("user", said)]})
        for _ in range(random.randint(0, 3)):
            interim = random.choice(("", "", "One moment."))
            kind = random.choice(("look_up", "helper", "ask_user", "approve", "edit", "reject", "respond"))
            city, guests = random.choice(CITIES), random.randint(1, 9)
            if kind == "look_up":
                say(interim, "look_up", what=city)
                agent.calls.append(("look_up", {"what": city}, f"found {city}"))
            elif kind == "helper":
                say(interim, "helper", task=city)
                agent.calls.append(("helper", {"task": city}, f"the helper on {city}"))
            elif kind == "ask_user":
                question, answer = f"For {city}?", random.choice(SAID)
                say(interim, "ask_user", question=question)
                agent.calls.append(("ask_user", {"question": question}, answer))
                agent.text = f"{agent.text}\n\n{question}".strip()
                person(answer, Command(resume=answer))
            else:
                say(interim, "book", city=city, guests=guests)
                args = {"city": city, "guests": guests}
                decision: dict[str, Any] = {"type": kind}
                words = random.choice(SAID)
                result = f"booked {city} for {guests}"
                if kind == "edit":
                    args = {"city": city, "guests": guests + 10}
                    decision["edited_action"] = {"name": "book", "args": args}
                    result = f"booked {city} for {guests + 10}"
                elif kind == "reject":
                    decision["message"] = words
                    result = f"User rejected the tool call for `book` with reason: {words}"
                elif kind == "respond":
                    decision["message"] = result = words
                agent.calls.append(("book", args, result))
                reviews.append(kind)
                event = Command(resume={"decisions": [decision]})
                if kind in ("reject", "respond"):
                    person(words, event)
                else:
                    given.append(event)
        say(f"That is all about {random.choice(CITIES)}.")
    return Held(replies, given, turns, reviews)


class Decider(AgentMiddleware[Any, Any, Any]):
    """Asks a model of its own before each call of the agent's."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        scripted("NOTHING MISSING").with_config(tags=["nostream"]).invoke("Is something missing?")
        return handler(request)


def hold(conversation: Held, thread: str, recorder: TraceRecorder | None) -> None:
    """Hold one conversation from beginning to end."""

    @tool
    def helper(task: str) -> str:
        """Let a helper do it."""
        inner = create_agent(scripted(f"the helper on {task}"), [look_up], name="helper")
        return str(inner.invoke({"messages": [("user", task)]})["messages"][-1].text)

    agent = create_agent(
        scripted(*conversation.replies),
        [look_up, book, ask_user, helper],
        system_prompt=SYSTEM,
        middleware=[
            SummarizationMiddleware(model=scripted(*["a summary"] * 99), trigger=("messages", 7), keep=("messages", 3)),
            Decider(),
            HumanInTheLoopMiddleware({"book": True}),
        ],
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": thread}, "recursion_limit": 200}
    if recorder is not None:
        config["callbacks"] = [recorder]
    for event in conversation.given:
        agent.invoke(event, config)


def as_held(trace: Trace) -> list[Spoken]:
    """What a trace says, in the form of the truth."""
    return [
        Spoken(
            "person" if turn.role is Role.TEACHER else "agent",
            turn.text,
            [(call.name, call.arguments, call.result or "") for call in turn.tool_calls or ()],
        )
        for turn in trace.turns
    ]


def differences(folder: Path, count: int, seed: int) -> Iterator[tuple[Held, Trace | None]]:
    """Hold `count` conversations, then give each with what was stored of it."""
    truth: dict[str, Held] = {}
    path = folder / "logs.sqlite"
    with TraceRecorder(path, every=0.0) as recorder:
        for number in range(count):
            one = held(random.Random(f"{seed}/{number}"), str(number))
            truth[str(number)] = one
            hold(one, str(number), recorder)
            assert recorder.flush(60), recorder.writer.failure
        assert not recorder.writer.lost
    with TraceStore.open(path, read_only=True) as store:
        stored = {str(trace.task.meta["source"]): trace for trace in store.traces()}
    for thread, one in truth.items():
        yield one, stored.get(thread)


def measure(count: int, seed: int) -> dict[str, Any]:
    found = dict.fromkeys(("conversations", "exact", "turns", "turns_right", "calls", "calls_right", "reviews"), 0)
    with tempfile.TemporaryDirectory() as folder:
        for one, trace in differences(Path(folder), count, seed):
            told = as_held(trace) if trace is not None else []
            found["conversations"] += 1
            found["exact"] += told == one.turns
            pairs = [*zip(one.turns, [*told, *[Spoken("", "")] * len(one.turns)], strict=False)]
            found["turns"] += len(one.turns)
            found["turns_right"] += sum(true == said for true, said in pairs)
            found["calls"] += sum(len(true.calls) for true, _ in pairs)
            found["calls_right"] += sum(call in said.calls for true, said in pairs for call in true.calls)
            reviews = [review["decision"] for review in trace.tags.get("reviews", ())] if trace is not None else []
            found["reviews"] += reviews == one.reviews
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.conversations, options.seed)
    if options.json:
        print(json.dumps(result))
        return
    for name, count in result.items():
        print(f"{name.replace('_', ' '):16}{count:>8,}")


if __name__ == "__main__":
    main()
