"""What a person wants of a value: the value itself, or only something near it.

Each case is a drafted call and what was said; the arguments named must be asked for, and no others.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import ground
from sml_agents.agents.slots import slots_of
from sml_agents.text.values import Clock
from sml_agents.text.values.dates import find_dates

CLOCK = Clock(dt.datetime(2026, 11, 26, 12))
TEXT, NUMBER, AMOUNT = {"type": "string"}, {"type": "integer"}, {"type": "number"}
DAY, TIME = {"type": "string", "format": "date"}, {"type": "string", "format": "time"}
ACCOUNT = {"enum": ["savings", "checking", "joint"]}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "parameters": schema}


FLY = tool(
    "fly", origin=TEXT, destination=TEXT, depart=DAY, return_date=DAY, passengers=NUMBER,
    cabin={"enum": ["economy", "premium", "business"]},
)  # fmt: skip
MOVE = tool("move", from_account=ACCOUNT, to_account=ACCOUNT, amount=AMOUNT)
MAIL = tool("mail", to=TEXT, subject=TEXT, body=TEXT)
TICKET = tool("ticket", title=TEXT, priority={"enum": ["low", "medium", "high", "urgent"]}, assignee=TEXT)
HEAT = tool("heat", room=TEXT, temperature=AMOUNT)
RENAME = tool("rename", old_name=TEXT, new_name=TEXT)
MEET = tool("meet", person=TEXT, day=DAY, time=TIME, minutes=NUMBER)
BUY = tool("buy", product=TEXT, quantity=NUMBER, size={"enum": ["S", "M", "L", "XL"]}, color=TEXT)
REFUND = tool(
    "refund", order_id={"type": "string", "pattern": "[A-Z]{2}-\\d{4}"},
    reason={"enum": ["damaged", "late", "wrong item", "changed mind"]},
)  # fmt: skip
RATE = tool("rate", movie=TEXT, stars={"type": "integer", "minimum": 1, "maximum": 5})
SCORE = tool("rate", movie=TEXT, rating=NUMBER)
ROUTE = tool("route", start=TEXT, end=TEXT, avoid_tolls={"type": "boolean"})
CHEAPER = tool("find", item=TEXT, max_price=AMOUNT)
RANGE = tool("find", item=TEXT, min_price=AMOUNT, max_price=AMOUNT)
TASK = tool("task", title=TEXT, deadline=DAY)


def fly(**changes: Any) -> dict[str, Any]:
    usual = {"origin": "Oslo", "destination": "Rome", "depart": "2027-05-02", "return_date": "2027-05-09"}
    return {**usual, "passengers": 2, "cabin": "economy", **changes}


def move(**changes: Any) -> dict[str, Any]:
    return {"from_account": "savings", "to_account": "checking", "amount": 200, **changes}


def ticket(**changes: Any) -> dict[str, Any]:
    return {"title": "Printer is broken", "priority": "high", "assignee": "Dana", **changes}


def meet(**changes: Any) -> dict[str, Any]:
    return {"person": "Kim", "day": "2026-12-01", "time": "15:00", "minutes": 30, **changes}


def buy(**changes: Any) -> dict[str, Any]:
    return {"product": "T-shirt", "quantity": 2, "size": "M", "color": "blue", **changes}


def refund(**changes: Any) -> dict[str, Any]:
    return {"order_id": "AB-1234", "reason": "damaged", **changes}


def heat(temperature: float) -> dict[str, Any]:
    return {"room": "kitchen", "temperature": temperature}


def asked_for(tool: dict[str, Any], call: dict[str, Any], *said: str) -> set[str]:
    """The arguments that are not grounded. `said`: the person and the agent in turn."""
    messages = [AIMessage(text) if number % 2 else HumanMessage(text) for number, text in enumerate(said)]
    request = Request.read(messages, lambda name: name == tool["name"]).for_tool(tool["name"])
    return {one.slot.name for one in ground(call, slots_of(tool), request, CLOCK) if not one.ok}


CASES: list[tuple[set[str], dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (set(), FLY, fly(), ("Two economy tickets from Oslo to Rome, leaving 2 May and coming back 9 May please",)),
    (
        {"origin", "destination"},
        FLY,
        fly(origin="Rome", destination="Oslo"),
        ("Two economy tickets from Oslo to Rome, leaving 2 May and coming back 9 May please",),
    ),
    ({"return_date"}, FLY, fly(), ("Two economy tickets from Oslo to Rome on 2 May please",)),
    (set(), FLY, fly(), ("Two economy tickets from Oslo to Rome on 2 May, back a week later",)),
    (set(), FLY, fly(), ("My wife and I want to fly economy from Oslo to Rome on 2 May and return on 9 May",)),
    ({"passengers"}, FLY, fly(passengers=1), ("Fly economy from Oslo to Rome on 2 May and return on 9 May",)),
    (
        {"depart", "return_date"},
        FLY,
        fly(depart="2027-05-09", return_date="2027-05-02"),
        ("2 economy tickets Oslo to Rome, out 2 May, back 9 May",),
    ),
    ({"cabin"}, FLY, fly(cabin="business"), ("2 tickets Oslo to Rome, out 2 May, back 9 May. Something nice.",)),
    (set(), FLY, fly(), ("2 tickets Oslo to Rome, out 2 May, back 9 May, economy, not business",)),
    ({"cabin"}, FLY, fly(cabin="business"), ("2 tickets Oslo to Rome, out 2 May, back 9 May, economy, not business",)),
    (set(), MOVE, move(), ("Move 200 from savings to checking",)),
    (
        {"from_account", "to_account"},
        MOVE,
        move(from_account="checking", to_account="savings"),
        ("Move 200 from savings to checking",),
    ),
    ({"from_account"}, MOVE, move(), ("Move 200 to checking",)),
    ({"amount"}, MOVE, move(), ("Move money from savings to checking",)),
    (set(), MOVE, move(), ("please put two hundred bucks from my savings account into checking",)),
    ({"amount"}, MOVE, move(), ("please put half of what is in savings into checking",)),
    ({"amount"}, MOVE, move(), ("I only have 200 left in checking. Move some from savings to checking",)),
    ({"amount"}, MOVE, move(), ("Move at least 200 from savings to checking",)),
    ({"amount"}, MOVE, move(), ("Move between 100 and 200 from savings to checking",)),
    ({"amount"}, MOVE, move(), ("Move 200k from savings to checking",)),
    (set(), MOVE, move(amount=1200), ("Move 1.2k from savings to checking",)),
    ({"amount"}, MOVE, move(), ("Move up to 200 from savings to checking, whatever is needed",)),
    ({"amount"}, MOVE, move(), ("Move twice 200 from savings to checking",)),
    (set(), TICKET, ticket(), ("Open a high priority ticket 'Printer is broken' and assign it to Dana",)),
    ({"priority"}, TICKET, ticket(), ("Open a ticket 'Printer is broken' for Dana.",)),
    (set(), HEAT, heat(21), ("Set the kitchen to 21 degrees",)),
    ({"temperature"}, HEAT, heat(18), ("It is 18 degrees in the kitchen, make it warmer",)),
    ({"temperature"}, HEAT, heat(3), ("Make the kitchen 3 degrees warmer",)),
    (set(), HEAT, heat(22), ("Turn the kitchen up from 18 to 22 degrees",)),
    ({"temperature"}, HEAT, heat(18), ("Turn the kitchen up from 18 to 22 degrees",)),
    (set(), RENAME, {"old_name": "a.txt", "new_name": "b.txt"}, ("Rename a.txt to b.txt",)),
    ({"new_name"}, RENAME, {"old_name": "a.txt", "new_name": "a.txt"}, ("Rename a.txt",)),
    (set(), MEET, meet(), ("Schedule half an hour with Kim on 1 December at 3pm",)),
    (set(), MEET, meet(), ("30 min with Kim, Dec 1, 15:00",)),
    ({"minutes"}, MEET, meet(), ("Meeting with Kim on 1 December at 3pm",)),
    (set(), MEET, meet(minutes=60), ("Meeting with Kim on 1 December from 3 to 4 pm",)),
    ({"time"}, MEET, meet(), ("Meeting with Kim on 1 December for 30 minutes, she is busy at 3pm",)),
    ({"time"}, MEET, meet(), ("Meeting with Kim on 1 December for 30 minutes, not before 3pm",)),
    (set(), MEET, meet(), ("Next Tuesday 3pm with Kim, 30 minutes",)),
    (set(), MEET, meet(time="16:00"), ("Meeting with Kim 1 Dec 3pm, 30 minutes. Actually make that 4pm.",)),
    ({"time"}, MEET, meet(), ("Meeting with Kim 1 Dec 3pm, 30 minutes. Actually make that 4pm.",)),
    (set(), BUY, buy(), ("I'd like two blue T-shirts in M",)),
    ({"size"}, BUY, buy(size="L"), ("I'd like two blue T-shirts. I usually wear M, but this is a gift.",)),
    ({"color"}, BUY, buy(), ("I'd like two T-shirts in M, any color but blue",)),
    (set(), BUY, buy(), ("a couple of blue T-shirts, medium",)),
    ({"quantity"}, BUY, buy(), ("blue T-shirts, medium please",)),
    (set(), BUY, buy(quantity=1), ("a blue T-shirt, size M",)),
    ({"color"}, BUY, buy(), ("two T-shirts in M, blue or red, I can't decide",)),
    (set(), REFUND, refund(), ("Refund AB-1234, it arrived damaged",)),
    ({"reason"}, REFUND, refund(), ("Refund AB-1234. It wasn't damaged or anything.",)),
    (set(), RATE, {"movie": "Alien", "stars": 4}, ("Give Alien four stars",)),
    ({"stars"}, RATE, {"movie": "Alien", "stars": 4}, ("I watched Alien 4 times. Rate it for me.",)),
    (set(), RATE, {"movie": "Alien", "stars": 4}, ("Alien: 4/5",)),
    ({"stars"}, RATE, {"movie": "Alien", "stars": 5}, ("Alien: 4/5",)),
    (set(), ROUTE, {"start": "Bern", "end": "Basel", "avoid_tolls": True}, ("Route from Bern to Basel without tolls",)),
    ({"avoid_tolls"}, ROUTE, {"start": "Bern", "end": "Basel", "avoid_tolls": True}, ("Route from Bern to Basel",)),
    (
        set(),
        ROUTE,
        {"start": "Bern", "end": "Basel", "avoid_tolls": False},
        ("Route from Bern to Basel, tolls are fine",),
    ),
    (
        {"avoid_tolls"},
        ROUTE,
        {"start": "Bern", "end": "Basel", "avoid_tolls": True},
        ("Route from Bern to Basel, tolls are fine",),
    ),
    (
        set(),
        MOVE,
        move(),
        (
            "Move some money",
            "From which account?",
            "savings",
            "To which account, and how much?",
            "200 to checking",
        ),
    ),
    (
        {"amount"},
        MOVE,
        move(amount=500),
        (
            "Move some money from savings to checking",
            "How much? Your balance is 500.",
            "what is the limit?",
        ),
    ),
    (
        {"amount"},
        MOVE,
        move(amount=500),
        (
            "Move some money from savings to checking",
            "How much? Your balance is 500.",
            "not that much",
        ),
    ),
    (
        set(),
        MOVE,
        move(amount=500),
        (
            "Move some money from savings to checking",
            "How much? Your balance is 500.",
            "all of it",
        ),
    ),
    (
        {"amount"},
        MOVE,
        move(amount=500),
        (
            "Move some money from savings to checking",
            "How much? Your balance is 500.",
            "half of it",
        ),
    ),
    (
        set(),
        MEET,
        meet(),
        (
            "Meeting with Kim on 1 December for 30 minutes",
            "Would 3pm or 4pm suit you?",
            "the first one",
        ),
    ),
    (
        {"time"},
        MEET,
        meet(),
        (
            "Meeting with Kim on 1 December for 30 minutes",
            "Would 3pm or 4pm suit you?",
            "the latter",
        ),
    ),
    (
        {"time"},
        MEET,
        meet(),
        (
            "Meeting with Kim on 1 December for 30 minutes",
            "Would 3pm or 4pm suit you?",
            "either is fine",
        ),
    ),
    (
        set(),
        MAIL,
        {"to": "dana@x.org", "subject": "Lunch", "body": "Are you free at noon?"},
        ("Email dana@x.org with subject Lunch: Are you free at noon?",),
    ),
    (
        {"to"},
        MAIL,
        {"to": "dana@x.org", "subject": "Lunch", "body": "Are you free at noon?"},
        ("Email Dana with subject Lunch: Are you free at noon?",),
    ),
    (
        set(),
        ROUTE,
        {"start": "San Francisco", "end": "Basel", "avoid_tolls": False},
        ("Route from SF or San Francisco to Basel, tolls are ok",),
    ),
    (
        {"destination"},
        FLY,
        fly(destination="Paris"),
        ("Two economy tickets from Oslo to Paris or Rome, leaving 2 May and back 9 May",),
    ),
    ({"destination"}, FLY, fly(), ("Two economy tickets from Oslo to Paris or Rome, leaving 2 May and back 9 May",)),
    (set(), FLY, fly(), ("Two economy tickets from Oslo to Paris, or rather Rome, leaving 2 May and back 9 May",)),
    ({"passengers"}, FLY, fly(), ("2 or 3 economy tickets from Oslo to Rome, leaving 2 May and back 9 May",)),
    (
        {"passengers"},
        FLY,
        fly(passengers=3),
        ("two or three economy tickets from Oslo to Rome, leaving 2 May and back 9 May",),
    ),
    ({"depart"}, FLY, fly(), ("Two economy tickets from Oslo to Rome, leaving 1 or 2 May and back 9 May",)),
    (set(), MEET, meet(), ("30 minutes with Kim on 1 December, 3pm or 4pm, either is fine",)),
    ({"time"}, MEET, meet(time="16:00"), ("30 minutes with Kim on 1 December, at 3 or 4 pm",)),
    ({"size"}, BUY, buy(), ("two blue T-shirts, M or L",)),
    (set(), BUY, buy(), ("two blue T-shirts, M or L, whichever is in stock",)),
    ({"color"}, BUY, buy(), ("two T-shirts in M, every color but blue is fine",)),
    ({"color"}, BUY, buy(), ("two T-shirts in M in a color other than blue",)),
    ({"color"}, BUY, buy(), ("two T-shirts in M, red instead of blue",)),
    (set(), BUY, buy(color="red"), ("two T-shirts in M, red instead of blue",)),
    ({"quantity"}, BUY, buy(), ("more than two blue T-shirts in M",)),
    ({"temperature"}, HEAT, heat(20), ("keep the kitchen below 20 degrees",)),
    ({"amount"}, MOVE, move(), ("move max 200 from savings to checking",)),
    ({"amount"}, MOVE, move(), ("Bitte h\u00f6chstens 200 von savings nach checking",)),
    ({"quantity"}, BUY, buy(), ("mindestens 2 blue T-shirts in M",)),
    ({"amount"}, MOVE, move(), ("plus de 200 de savings \u00e0 checking",)),
    ({"amount"}, MOVE, move(), ("m\u00e1s de 200 de savings a checking",)),
    ({"amount"}, MOVE, move(), ("Move 100-200 from savings to checking",)),
    ({"amount"}, MOVE, move(amount=100), ("Move 100 to 200 dollars out of savings into checking",)),
    (set(), MOVE, move(), ("Move exactly 200, no more, from savings to checking",)),
    (set(), MOVE, move(), ("Move about 200 from savings to checking",)),
    ({"amount"}, MOVE, move(), ("Move 200 or more from savings to checking",)),
    ({"temperature"}, HEAT, heat(3), ("Raise the kitchen by 3 degrees",)),
    ({"temperature"}, HEAT, heat(5), ("Kitchen 5 degrees higher please",)),
    ({"temperature"}, HEAT, heat(2), ("Mach kitchen 2 Grad w\u00e4rmer",)),
    (set(), HEAT, heat(23), ("Raise the kitchen to 23 degrees",)),
    (set(), HEAT, heat(21), ("It's 18 degrees in the kitchen, too cold. Set it to 21.",)),
    ({"temperature"}, HEAT, heat(18), ("It's 18 degrees in the kitchen, too cold. Set it to 21.",)),
    ({"amount"}, MOVE, move(), ("There are 200 left in savings. Move something to checking.",)),
    ({"quantity"}, BUY, buy(quantity=5), ("I have 5 already, get me more blue T-shirts in M",)),
    ({"amount"}, MOVE, move(), ("Move half of 200 from savings to checking",)),
    ({"amount"}, MOVE, move(), ("Move double 200 from savings to checking",)),
    ({"time"}, MEET, meet(), ("30 minutes with Kim on 1 December. 3pm doesn't work for me.",)),
    ({"time"}, MEET, meet(), ("30 minutes with Kim on 1 December. 3 pm is taken already.",)),
    ({"day"}, MEET, meet(), ("30 minutes with Kim at 3pm. 1 December won't do.",)),
    ({"day"}, MEET, meet(), ("30 minutes with Kim at 3pm. I am away on 1 December.",)),
    (set(), MEET, meet(), ("30 minutes with Kim on 1 December. 3pm works for me.",)),
    ({"time"}, MEET, meet(), ("30 minutes with Kim on 1 December before 3pm",)),
    ({"time"}, MEET, meet(), ("30 Minuten mit Kim am 1. Dezember nach 15 Uhr",)),
    ({"time"}, MEET, meet(), ("30 Minuten mit Kim am 1. Dezember vor 15 Uhr",)),
    ({"time"}, MEET, meet(), ("30 minutes with Kim on 1 December between 3pm and 5pm",)),
    ({"day"}, MEET, meet(), ("30 minutes with Kim at 3pm after 1 December",)),
    ({"time"}, MEET, meet(), ("30 minutes with Kim on 1 December, the office opens at 3pm",)),
    ({"passengers"}, FLY, fly(passengers=2), ("My kids and I fly economy from Oslo to Rome on 2 May, back 9 May",)),
    (
        {"passengers"},
        FLY,
        fly(passengers=2),
        ("My wife and I and the kids fly economy from Oslo to Rome on 2 May, back 9 May",),
    ),
    (set(), FLY, fly(), ("Economy for me and my friend from Oslo to Rome on 2 May, back 9 May",)),
    ({"quantity"}, BUY, buy(quantity=1), ("a few blue T-shirts, size M",)),
    ({"quantity"}, BUY, buy(quantity=1), ("a couple of blue T-shirts, size M",)),
    ({"quantity"}, BUY, buy(quantity=1), ("a blue T-shirt, no, two, size M",)),
    (set(), BUY, buy(quantity=1), ("one blue T-shirt, size M",)),
    (set(), ROUTE, {"start": "Bern", "end": "Basel", "avoid_tolls": True}, ("Bern to Basel, no tolls please",)),
    (set(), ROUTE, {"start": "Bern", "end": "Basel", "avoid_tolls": True}, ("Bern to Basel, please avoid tolls",)),
    (
        {"avoid_tolls"},
        ROUTE,
        {"start": "Bern", "end": "Basel", "avoid_tolls": False},
        ("Bern to Basel. How much are the tolls?",),
    ),
    (set(), MEET, meet(time="09:00", minutes=90), ("Kim on 1 December from 9:00 to 10:30",)),
    (
        {"amount"},
        MOVE,
        move(amount=400),
        (
            "Move some money from savings to checking",
            "How much? Your balance is 500.",
            "all of it",
        ),
    ),
    (
        {"amount"},
        MOVE,
        move(amount=500),
        (
            "Move some money from savings to checking",
            "How much? You have 500 in savings and 200 in joint.",
            "all of it",
        ),
    ),
    (
        set(),
        MEET,
        meet(time="16:00"),
        (
            "Meeting with Kim on 1 December for 30 minutes",
            "Would 3pm or 4pm suit you?",
            "the second one please",
        ),
    ),
    (
        {"time"},
        MEET,
        meet(),
        (
            "Meeting with Kim on 1 December for 30 minutes",
            "Would 3pm or 4pm suit you?",
            "the second one please",
        ),
    ),
    (set(), BUY, buy(product="alarms", quantity=2), ("Set aside 2 alarms, blue, M",)),
    ({"quantity"}, BUY, buy(), ("2 out of 3 people like blue T-shirts in M",)),
    (set(), SCORE, {"movie": "Alien", "rating": 8}, ("Alien gets an 8/10",)),
    (set(), CHEAPER, {"item": "sofa", "max_price": 300}, ("find a sofa under 300",)),
    (set(), TASK, {"title": "taxes", "deadline": "2027-05-02"}, ("add a task taxes, before 2 May",)),
    (set(), RANGE, {"item": "sofa", "min_price": 100, "max_price": 300}, ("find a sofa between 100 and 300",)),
]


@pytest.mark.parametrize(("wanted", "tool", "call", "said"), CASES, ids=[" / ".join(one[3])[:60] for one in CASES])
def test_a_value_counts_only_where_it_is_what_the_person_wants(
    wanted: set[str], tool: dict[str, Any], call: dict[str, Any], said: tuple[str, ...]
) -> None:
    assert asked_for(tool, call, *said) == wanted


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Set 2 alarms", []),
        ("Set 21 degrees in the kitchen", []),
        ("Order 3 sun hats", []),
        ("2 out of 3 people", []),
        ("on 1 December. 3pm is fine", ["1 December"]),
        ("at 3pm after 1 December", ["1 December"]),
        ("out 2 May, back 9 May", ["2 May", "9 May"]),
        ("on Dec. 3", ["Dec. 3"]),
        ("em 2 de out. de 2027", ["em 2 de out. de 2027"]),
        ("Sat 5 December", ["Sat 5 December"]),
    ],
)
def test_short_words_and_times_beside_a_number_make_no_date(text: str, days: list[str]) -> None:
    found = [text[one.span.start : one.span.end] for one in find_dates(text, CLOCK)]
    assert [one.strip(" .") for one in found] == [one.strip(" .") for one in days]
