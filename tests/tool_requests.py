"""Requests to an agent with tools, made by hand: whole ones, incomplete ones, and one that no tool serves."""

from __future__ import annotations

from typing import Any

from sml_agents.types import AcceptedCall, Fact, Form, Private, Task


def tool(name: str, description: str, required: tuple[str, ...] = (), **arguments: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": arguments, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TABLE = tool(
    "book_table",
    "Reserve a table in a restaurant.",
    ("city", "day", "guests"),
    city={"type": "string", "description": "City of the restaurant"},
    day={"type": "string", "format": "date", "description": "Day of the visit"},
    guests={"type": "integer", "description": "Number of people"},
    seating={"type": "string", "enum": ["inside", "terrace"], "default": "inside"},
    note={"type": "string"},
)
FLIGHT = tool(
    "find_flight",
    "Look for flights.",
    ("trip",),
    trip={
        "type": "object",
        "properties": {
            "origin": {"type": "string"},
            "departure": {"type": "string", "format": "date"},
            "cabin": {"type": "string", "enum": ["economy", "business"]},
        },
        "required": ["origin", "departure"],
    },
)
TOOLS = (TABLE, FLIGHT)
DAY = Fact(
    name="day",
    statement="The visit is on 5 May 2027.",
    keywords=("day",),
    question="On which day is the visit?",
)
GUESTS = Fact(
    name="guests",
    statement="There will be 4 people.",
    keywords=("people",),
    question="How many people will there be?",
)
TABLE_CALL = AcceptedCall(
    name="book_table",
    arguments={"city": ("Rome",), "day": ("2027-05-05",), "guests": (4,), "seating": ("inside",)},
    optional=("seating",),
)
RIGHT = {"city": "Rome", "day": "2027-05-05", "guests": 4}
PROMPTS = {
    (): "Book me a table in Rome for 4 people on 5 May 2027.",
    ("day",): "Book me a table in Rome for 4 people, as we did in 2019.",
    ("guests",): "Book me a table in Rome on 5 May 2027, as in the year 2019.",
    ("day", "guests"): "Book me a table in Rome, please, as in the year 2019.",
}


def request(*missing: str, form: Form | None = None, **more: Any) -> Task:
    """A request for a table; `missing` are the arguments that it does not tell."""
    facts = tuple(fact for fact in (DAY, GUESTS) if fact.name in missing)
    form = form or (Form.UNDERSPECIFIED if facts else Form.FULL)
    given: dict[str, Any] = {
        "id": f"table-{'-'.join(missing) or 'full'}-{form}",
        "family": "requests",
        "form": form,
        "prompt": PROMPTS[tuple(missing)],
        "private": Private(answer='book_table(city="Rome")', facts=facts, calls=(TABLE_CALL,)),
        "tools": TOOLS,
        "verifier": "call",
        "pair": "table",
    }
    return Task(**{**given, **more})


UNSERVED = Task(
    id="unserved",
    family="requests",
    prompt="Water my plants in Rome.",
    private=Private(answer=""),
    tools=TOOLS,
    verifier="call",
    pair="unserved",
)
FLIGHT_REQUEST = Task(
    id="flight",
    family="requests",
    form=Form.UNDERSPECIFIED,
    prompt="Find me a flight from Oslo.",
    private=Private(
        answer="find_flight(...)",
        facts=(
            Fact(
                name="trip.departure",
                statement="I leave on 7 June 2027.",
                keywords=("leave",),
                question="On which day do you leave?",
            ),
        ),
        calls=(AcceptedCall(name="find_flight", arguments={"trip": ({"origin": "Oslo", "departure": "2027-06-07"},)}),),
    ),
    tools=TOOLS,
    verifier="call",
    pair="flight",
)
