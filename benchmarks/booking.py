"""An ordinary agent with a history: the logs from which `from_logs.py` learns.

A real LangGraph agent (`create_agent`, a tool, an SQLite checkpointer) whose model is a rule: it reads what it can from
the person's words and guesses the rest, as agents do. In half of the threads the person forgets one thing; told a wrong
guess, they correct it. What an agent says and does is not taken from any real person.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
TIMES = ["9 am", "10 am", "noon", "2 pm", "4 pm", "6 pm", "7 pm", "8 pm"]
SMALL = ["2", "3", "4", "5", "6"]
CITIES = ["Rome", "Oslo", "Lisbon", "Vienna", "Dublin", "Prague"]
NAMES = ["Maria", "Tom", "Anna", "Ben", "Lena", "Omar"]


@dataclass(frozen=True)
class Domain:
    tool: str
    requests: tuple[str, ...]
    slots: dict[str, tuple[str, list[str]]]
    """Argument: how a person says it, and its values. `{}` in a request is the first one, never missing."""
    first: tuple[str, list[str]]
    done: str


TRAINED = (
    Domain(
        "book_table",
        ("Book a table at {}", "Could you reserve a table at {}", "We would like to eat at {}"),
        {"day": ("on {}", DAYS), "guests": ("for {} people", SMALL), "time": ("at {}", TIMES)},
        ("place", ["Luigi's", "the Golden Lion", "Sakura", "Chez Paul"]),
        "Your table is booked",
    ),
    Domain(
        "book_flight",
        ("Find me a flight to {}", "Book a flight to {}", "I have to fly to {}"),
        {"day": ("on {}", DAYS), "origin": ("from {}", ["Berlin", "Paris", "London", "Madrid"])},
        ("destination", CITIES),
        "Your flight is booked",
    ),
    Domain(
        "set_reminder",
        ("Remind me to {}", "Set a reminder to {}", "Don't let me forget to {}"),
        {"day": ("on {}", DAYS), "time": ("at {}", TIMES)},
        ("what", ["call the bank", "water the plants", "buy milk", "renew my passport"]),
        "Your reminder is set",
    ),
    Domain(
        "order_pizza",
        ("Order a {} pizza", "I'd like a {} pizza", "Get us a {} pizza, please"),
        {"size": ("in size {}", ["small", "medium", "large"]), "address": ("to {}", ["12 Elm Street", "5 Hill Road"])},
        ("kind", ["Margherita", "Funghi", "Napoli"]),
        "Your pizza is on its way",
    ),
    Domain(
        "send_money",
        ("Send money to {}", "Transfer money to {}", "Pay {}"),
        {"amount": ("{} euros", ["20", "50", "75", "120"]), "account": ("from my {} account", ["savings", "main"])},
        ("to", NAMES),
        "The money is sent",
    ),
    Domain(
        "schedule_meeting",
        ("Set up a meeting with {}", "Schedule a call with {}", "Plan a meeting with {}"),
        {"day": ("on {}", DAYS), "time": ("at {}", TIMES), "length": ("for {} minutes", ["15", "30", "45", "60"])},
        ("who", NAMES),
        "The meeting is in your calendar",
    ),
    Domain(
        "rent_car",
        ("Rent a car in {}", "I need a car in {}", "Get me a rental car in {}"),
        {"day": ("from {}", DAYS), "days": ("for {} days", SMALL), "kind": ("a {} one", ["small", "big", "red"])},
        ("city", CITIES),
        "Your car is reserved",
    ),
    Domain(
        "book_doctor",
        ("Make an appointment with the {}", "I want to see the {}", "Book the {} for me"),
        {"day": ("on {}", DAYS), "time": ("at {}", TIMES)},
        ("doctor", ["dentist", "eye doctor", "physiotherapist"]),
        "Your appointment is made",
    ),
)
HELD_OUT = (
    Domain(
        "book_hotel",
        ("Book a hotel in {}", "I need a room in {}", "Find me a place to stay in {}"),
        {"day": ("from {}", DAYS), "nights": ("for {} nights", SMALL)},
        ("city", CITIES),
        "Your room is booked",
    ),
    Domain(
        "call_taxi",
        ("Call a taxi to {}", "I need a cab to {}", "Get me a taxi to {}"),
        {"time": ("at {}", TIMES), "pickup": ("from {}", ["the office", "my house", "the station"])},
        ("to", ["the airport", "the theatre", "the museum"]),
        "Your taxi is ordered",
    ),
    Domain(
        "buy_tickets",
        ("Buy tickets for {}", "Get tickets for {}", "I want to see {}"),
        {"day": ("on {}", DAYS), "seats": ("{} seats", SMALL)},
        ("show", ["Hamlet", "the Lion King", "Carmen"]),
        "Your tickets are bought",
    ),
    Domain(
        "send_parcel",
        ("Send a parcel to {}", "Ship a package to {}", "Post this box to {}"),
        {"weight": ("of {} kilos", SMALL), "speed": ("by {} post", ["normal", "express"])},
        ("to", NAMES),
        "Your parcel is picked up",
    ),
    Domain(
        "book_haircut",
        ("Book a haircut with {}", "I need a haircut at {}", "Get me an appointment at {}'s salon"),
        {"day": ("on {}", DAYS), "time": ("at {}", TIMES)},
        ("stylist", NAMES),
        "Your haircut is booked",
    ),
)


@dataclass(frozen=True)
class Request:
    domain: Domain
    text: str
    values: dict[str, str]
    missing: str
    """The argument that the person forgot; empty when everything is there."""


def make_request(domain: Domain, missing: str, random: random.Random) -> Request:
    """What a person asks for, one argument left out if `missing` names it."""
    values = {name: random.choice(choices) for name, (_, choices) in domain.slots.items()}
    first, choices = domain.first
    values[first] = random.choice(choices)
    said = [pattern.format(values[name]) for name, (pattern, _) in domain.slots.items() if name != missing]
    random.shuffle(said)
    text = " ".join([random.choice(domain.requests).format(values[first]), *said])
    return Request(domain, text + random.choice((".", ", please.", "", "!")), values, missing)


def requests(domains: tuple[Domain, ...], n: int, seed: int) -> Iterator[Request]:
    """`n` requests, every second one with something missing."""
    generator = random.Random(seed)
    for number in range(n):
        domain = domains[number // 2 % len(domains)]
        missing = generator.choice(list(domain.slots)) if number % 2 else ""
        yield make_request(domain, missing, generator)


class Guesser(BaseChatModel):
    """Reads the arguments from the person's words, guesses what is not there, and calls the tool."""

    @property
    def _llm_type(self) -> str:
        return "guesser"

    def bind_tools(self, tools: Any, **_: Any) -> Guesser:
        return self

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        said = " ".join(str(message.content) for message in messages if isinstance(message, HumanMessage))
        domain = next(one for one in TRAINED for words in one.requests if words.split("{}")[0] in said)
        last = messages[-1]
        if isinstance(last, ToolMessage):
            reply = AIMessage(f"{domain.done}: {last.content}.")
        elif re.match(r"(?:thanks|thank you|perfect|great)", str(last.content), re.IGNORECASE):
            reply = AIMessage("You are welcome!")
        else:
            choices = {name: values for name, (_, values) in domain.slots.items()} | {domain.first[0]: domain.first[1]}
            arguments = {name: read(said, values) or values[0] for name, values in choices.items()}
            call = {"name": domain.tool, "args": arguments, "id": f"call_{len(messages)}"}
            reply = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=reply)])


def read(said: str, values: list[str]) -> str | None:
    """The value that is said last."""
    places = [(found.start(), value) for value in values for found in re.finditer(rf"\b{re.escape(value)}\b", said)]
    return max(places)[1] if places else None


def reaction(request: Request, random: random.Random) -> str:
    """What the person says to the first answer; empty when nothing."""
    if request.missing:
        pattern, values = request.domain.slots[request.missing]
        wanted = request.values[request.missing]
        if wanted != values[0]:
            how = random.choice(
                ("No, {}.", "I meant {}.", "That's wrong, it should be {}.", "Actually {}, please.", "{}")
            )
            return how.format(pattern.format(wanted))
    return random.choice(("Thanks!", "Perfect, thank you.", "Great.", "", ""))


def talk(path: str, n: int, seed: int) -> None:
    """Hold `n` conversations and leave their checkpoints in an SQLite file at `path`."""
    from langchain.agents import create_agent
    from langchain_core.tools import StructuredTool
    from langgraph.checkpoint.sqlite import SqliteSaver

    def tool(domain: Domain) -> StructuredTool:
        names = [*domain.slots, domain.first[0]]
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}

        def work(**arguments: str) -> str:
            return ", ".join(arguments.values())

        return StructuredTool.from_function(work, name=domain.tool, description=domain.done, args_schema=schema)

    generator = random.Random(f"people {seed}")
    with SqliteSaver.from_conn_string(path) as saver:
        saver.conn.execute("PRAGMA synchronous = OFF")
        agent = create_agent(Guesser(), [tool(domain) for domain in TRAINED], checkpointer=saver)
        for number, request in enumerate(requests(TRAINED, n, seed)):
            config: Any = {"configurable": {"thread_id": f"user-{number}"}}
            agent.invoke({"messages": [("user", request.text)]}, config)
            if words := reaction(request, generator):
                agent.invoke({"messages": [("user", words)]}, config)
                if request.missing and generator.random() < 0.5:
                    agent.invoke({"messages": [("user", "Thanks!")]}, config)
