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
MAILS = tool("mails", before=DAY)
SINCE = tool("mails", after=DAY)
VISIT = tool("visit", day=DAY)

ENVIRONMENT = {"enum": ["dev", "staging", "production"]}
SCALE = tool("scale", service=TEXT, replicas=NUMBER, environment=ENVIRONMENT)
DEPLOY = tool("deploy", service=TEXT, version=TEXT, environment=ENVIRONMENT)
INVOICE = tool("send_invoice", customer=TEXT, amount=AMOUNT, due_date=DAY)
LEAVE = tool("request_leave", start_date=DAY, end_date=DAY, kind={"enum": ["vacation", "sick", "unpaid"]})
REMIND = tool("remind", text=TEXT, at=TIME, day=DAY)
RESERVE = tool("reserve", restaurant=TEXT, guests=NUMBER, time=TIME, day=DAY)
SHIP = tool("ship", address=TEXT, speed={"enum": ["standard", "express", "overnight"]}, weight_kg=AMOUNT)
CONTACT = tool("update_contact", person=TEXT, phone=TEXT, email=TEXT)
STOCK = tool(
    "buy_stock",
    ticker={"type": "string", "pattern": "[A-Z]{1,5}"},
    shares=NUMBER,
    order_type={"enum": ["market", "limit"]},
)
PLAY = tool("play", artist=TEXT, volume=NUMBER)
DELETE = tool("delete_file", path=TEXT, permanently={"type": "boolean"})
CURRENCY = {"enum": ["USD", "EUR", "GBP", "CHF"]}
CONVERT = tool("convert", amount=AMOUNT, from_currency=CURRENCY, to_currency=CURRENCY)


def scale(**changes: Any) -> dict[str, Any]:
    return {"service": "api", "replicas": 3, "environment": "staging", **changes}


def deploy(**changes: Any) -> dict[str, Any]:
    return {"service": "api", "version": "1.4.2", "environment": "production", **changes}


def invoice(**changes: Any) -> dict[str, Any]:
    return {"customer": "Acme", "amount": 1200, "due_date": "2026-12-31", **changes}


def leave(**changes: Any) -> dict[str, Any]:
    return {"start_date": "2026-12-21", "end_date": "2026-12-31", "kind": "vacation", **changes}


def reserve(**changes: Any) -> dict[str, Any]:
    return {"restaurant": "Nobu", "guests": 4, "time": "19:30", "day": "2026-12-04", **changes}


def ship(**changes: Any) -> dict[str, Any]:
    return {"address": "4 Elm Street, Boston", "speed": "express", "weight_kg": 2.5, **changes}


CAR = tool("rent_car", city=TEXT, pickup=DAY, dropoff=DAY, car_class={"enum": ["compact", "sedan", "suv"]})
GYM = tool("book_class", activity=TEXT, day=DAY, time=TIME)
SEND = tool("send_money", recipient=TEXT, amount=AMOUNT, currency={"enum": ["EUR", "USD", "CHF"]})
DOCTOR = tool("book_doctor", doctor=TEXT, day=DAY, time=TIME, reason=TEXT)
PIZZA = tool("order_pizza", kind=TEXT, size={"enum": ["small", "medium", "large"]}, quantity=NUMBER, address=TEXT)
PLAN = tool("change_plan", account=TEXT, plan={"enum": ["free", "pro", "team"]}, seats=NUMBER)
LOG = tool("log_work", issue={"type": "string", "pattern": "[A-Z]+-\\d+"}, minutes=NUMBER, day=DAY)
HOTEL = tool("book_hotel", city=TEXT, check_in=DAY, nights=NUMBER, guests=NUMBER)
ROOM = tool("book_room", room=TEXT, day=DAY, start=TIME, end=TIME)
DOSE = tool("log_medication", medicine=TEXT, dose_mg=AMOUNT, time=TIME)
TRAIN = tool("train", origin=TEXT, destination=TEXT, day=DAY, departure_time=TIME)
GIFT = tool("send_gift_card", to=TEXT, amount=AMOUNT, message=TEXT)
SEAT = tool(
    "choose_seat",
    flight={"type": "string", "pattern": "[A-Z]{2}\\d{2,4}"},
    seat={"type": "string", "pattern": "\\d{1,2}[A-F]"},
)
LIGHT = tool("set_light", room=TEXT, brightness=NUMBER, color=TEXT)


def car(**changes: Any) -> dict[str, Any]:
    return {"city": "Lisbon", "pickup": "2027-01-10", "dropoff": "2027-01-14", "car_class": "compact", **changes}


def gym(**changes: Any) -> dict[str, Any]:
    return {"activity": "yoga", "day": "2026-11-30", "time": "18:00", **changes}


def send(**changes: Any) -> dict[str, Any]:
    return {"recipient": "Anna", "amount": 75, "currency": "EUR", **changes}


def doctor(**changes: Any) -> dict[str, Any]:
    return {"doctor": "Dr. Weber", "day": "2026-12-03", "time": "09:15", "reason": "back pain", **changes}


def pizza(**changes: Any) -> dict[str, Any]:
    return {"kind": "margherita", "size": "large", "quantity": 2, "address": "12 Oak Road", **changes}


def plan(**changes: Any) -> dict[str, Any]:
    return {"account": "Acme", "plan": "team", "seats": 12, **changes}


def log(**changes: Any) -> dict[str, Any]:
    return {"issue": "OPS-77", "minutes": 90, "day": "2026-11-25", **changes}


def hotel(**changes: Any) -> dict[str, Any]:
    return {"city": "Vienna", "check_in": "2027-02-05", "nights": 3, "guests": 2, **changes}


def room(**changes: Any) -> dict[str, Any]:
    return {"room": "Aspen", "day": "2026-11-27", "start": "14:00", "end": "15:30", **changes}


def dose(**changes: Any) -> dict[str, Any]:
    return {"medicine": "ibuprofen", "dose_mg": 400, "time": "08:00", **changes}


def train(**changes: Any) -> dict[str, Any]:
    return {"origin": "Bern", "destination": "Zurich", "day": "2026-11-28", "departure_time": "10:02", **changes}


def gift(**changes: Any) -> dict[str, Any]:
    return {"to": "Leo", "amount": 50, "message": "Happy birthday!", **changes}


def light(**changes: Any) -> dict[str, Any]:
    return {"room": "bedroom", "brightness": 40, "color": "warm white", **changes}


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
    ({"amount", "from_account"}, MOVE, move(), ("There are 200 left in savings. Move something to checking.",)),
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
    (set(), MAILS, {"before": "2027-05-02"}, ("show me mails before 2 May",)),
    ({"before"}, MAILS, {"before": "2027-05-02"}, ("show me mails after 2 May",)),
    (set(), SINCE, {"after": "2027-05-02"}, ("show me mails after 2 May",)),
    ({"after"}, SINCE, {"after": "2027-05-02"}, ("show me mails before 2 May",)),
    ({"max_price"}, CHEAPER, {"item": "sofa", "max_price": 300}, ("find a sofa over 300",)),
    (set(), CHEAPER, {"item": "sofa", "max_price": 300}, ("find a sofa for at most 300",)),
    ({"deadline"}, TASK, {"title": "taxes", "deadline": "2027-05-02"}, ("add a task taxes, after 2 May",)),
    (set(), TASK, {"title": "taxes", "deadline": "2027-05-02"}, ("add a task taxes, no later than 2 May",)),
    ({"max_price"}, RANGE, {"item": "sofa", "min_price": 100, "max_price": 100}, ("find a sofa over 100",)),
    ({"day"}, VISIT, {"day": "2027-05-02"}, ("visit me, but not before 2 May",)),
    ({"day"}, VISIT, {"day": "2027-05-02"}, ("visit me, not after 2 May",)),
    (set(), SCALE, scale(), ("Scale api to 3 replicas in staging",)),
    (set(), SCALE, scale(), ("Scale api in staging from 2 to 3",)),
    ({"replicas"}, SCALE, scale(replicas=2), ("Scale api in staging from 2 to 3",)),
    ({"environment"}, SCALE, scale(environment="production"), ("Scale api to 3 replicas",)),
    ({"environment"}, SCALE, scale(environment="production"), ("Scale api to 3 replicas, not in production",)),
    ({"environment"}, SCALE, scale(environment="production"), ("Scale api to 3 replicas, same as in production",)),
    ({"replicas"}, SCALE, scale(replicas=1), ("Scale api in staging down by 1",)),
    ({"replicas"}, SCALE, scale(replicas=2), ("Double the replicas of api in staging",)),
    ({"replicas"}, SCALE, scale(replicas=2), ("api in staging has 2 replicas, scale it up",)),
    (set(), SCALE, scale(), ("api in staging has 2 replicas, scale it to 3",)),
    (set(), DEPLOY, deploy(), ("Deploy api 1.4.2 to production",)),
    ({"version"}, DEPLOY, deploy(version="1.4.3"), ("Deploy api 1.4.2 to production",)),
    ({"version"}, DEPLOY, deploy(), ("Deploy api to production, newer than 1.4.2",)),
    ({"version"}, DEPLOY, deploy(), ("Version 1.4.2 of api is broken in production, deploy the one before",)),
    (set(), DEPLOY, deploy(), ("Deploy what is in staging, api 1.4.2, to production",)),
    ({"environment"}, DEPLOY, deploy(environment="staging"), ("Promote api 1.4.2 from staging to production",)),
    (set(), INVOICE, invoice(), ("Invoice Acme $1,200.00 due 12/31",)),
    ({"amount"}, INVOICE, invoice(), ("Invoice Acme 1,200 plus tax, due 31 December",)),
    ({"amount"}, INVOICE, invoice(), ("Invoice Acme 1,200 minus the discount, due 31 December",)),
    (set(), INVOICE, invoice(due_date="2026-12-26"), ("Invoice Acme 1,200, due in 30 days",)),
    ({"amount"}, INVOICE, invoice(), ("Acme has already paid 1,200. Invoice the rest, due 31 December",)),
    (set(), LEAVE, leave(), ("I'd like vacation from 21 to 31 December",)),
    ({"end_date"}, LEAVE, leave(), ("I'd like vacation from 21 December",)),
    (set(), LEAVE, leave(end_date="2026-12-28"), ("One week of vacation starting 21 December",)),
    (
        set(),
        LEAVE,
        leave(start_date="2026-11-26", end_date="2026-11-27", kind="sick"),
        ("I'm sick, off today and tomorrow",),
    ),
    (set(), RESERVE, reserve(), ("Table for four at Nobu on Friday 4 December at half past seven in the evening",)),
    ({"guests"}, RESERVE, reserve(), ("Table for us and the Millers at Nobu on 4 December at 7:30 pm",)),
    ({"guests"}, RESERVE, reserve(), ("I want a 4 star place: Nobu on 4 December at 7:30 pm",)),
    ({"time"}, RESERVE, reserve(), ("Nobu for four on 4 December. I think they open at 7:30 pm",)),
    ({"time"}, RESERVE, reserve(), ("Nobu for four on 4 December. Last time we came at 7:30 pm",)),
    (
        {"guests"},
        RESERVE,
        reserve(),
        ("Nobu on 4 December at 7:30 pm. Last time we were four, this time I don't know yet.",),
    ),
    ({"time"}, RESERVE, reserve(), ("Nobu for four on 4 December, earlier than 7:30 pm",)),
    (set(), RESERVE, reserve(), ("Nobu for four on 4 December, around 7:30 pm",)),
    (set(), RESERVE, reserve(), ("Nobu for two adults and two kids on 4 December at 7:30 pm",)),
    (
        set(),
        RESERVE,
        reserve(guests=5),
        (
            "Nobu for four on 4 December 7:30 pm",
            "Shall I reserve Nobu for four on 4 December at 7:30 pm?",
            "yes, but for five",
        ),
    ),
    (
        {"guests"},
        RESERVE,
        reserve(),
        (
            "Nobu for four on 4 December 7:30 pm",
            "Shall I reserve Nobu for four on 4 December at 7:30 pm?",
            "yes, but for five",
        ),
    ),
    (
        {"day"},
        RESERVE,
        reserve(),
        (
            "Nobu for four on 4 December 7:30 pm",
            "Shall I reserve Nobu for four on 4 December at 7:30 pm?",
            "a day later please",
        ),
    ),
    (
        {"time"},
        RESERVE,
        reserve(),
        (
            "Nobu for four on 4 December 7:30 pm",
            "Shall I reserve?",
            "half an hour later please",
        ),
    ),
    (set(), SHIP, ship(), ("Ship 2.5 kg express to 4 Elm Street, Boston",)),
    ({"speed"}, SHIP, ship(), ("Ship 2.5 kg as fast as possible to 4 Elm Street, Boston",)),
    (set(), SHIP, ship(), ("Ship 2500 g express to 4 Elm Street, Boston",)),
    ({"weight_kg"}, SHIP, ship(), ("Ship 2.5 lb express to 4 Elm Street, Boston",)),
    ({"speed"}, SHIP, ship(), ("Ship 2.5 kg to 4 Elm Street, Boston. How much is express?",)),
    (
        set(),
        CONTACT,
        {"person": "Ann Lee", "phone": "+41 44 555 01 99", "email": "ann@lee.org"},
        ("Ann Lee's new number is +41 44 555 01 99 and her email ann@lee.org",),
    ),
    (
        {"phone"},
        CONTACT,
        {"person": "Ann Lee", "phone": "+41 44 555 01 99", "email": "ann@lee.org"},
        ("Ann Lee's old number +41 44 555 01 99 is wrong, her email is ann@lee.org",),
    ),
    (
        {"email"},
        CONTACT,
        {"person": "Ann Lee", "phone": "+41 44 555 01 99", "email": "ann@lee.org"},
        ("Ann Lee's number is +41 44 555 01 99. She no longer uses ann@lee.org",),
    ),
    (set(), STOCK, {"ticker": "AAPL", "shares": 10, "order_type": "market"}, ("Buy 10 AAPL at market",)),
    ({"shares"}, STOCK, {"ticker": "AAPL", "shares": 500, "order_type": "market"}, ("Buy $500 of AAPL at market",)),
    (
        {"shares"},
        STOCK,
        {"ticker": "AAPL", "shares": 500, "order_type": "market"},
        ("Buy AAPL worth 500 dollars at market",),
    ),
    ({"shares"}, STOCK, {"ticker": "AAPL", "shares": 190, "order_type": "limit"}, ("Buy AAPL with a limit of 190",)),
    (
        {"shares"},
        STOCK,
        {"ticker": "AAPL", "shares": 10, "order_type": "market"},
        ("I own 10 AAPL. Buy more at market.",),
    ),
    (set(), CONVERT, {"amount": 50, "from_currency": "EUR", "to_currency": "USD"}, ("50 EUR in USD",)),
    (set(), PLAY, {"artist": "Bach", "volume": 30}, ("Play Bach at volume 30",)),
    ({"volume"}, PLAY, {"artist": "Bach", "volume": 30}, ("Play Bach louder than 30",)),
    ({"volume"}, PLAY, {"artist": "Bach", "volume": 10}, ("Play Bach 10 percent louder",)),
    ({"artist"}, PLAY, {"artist": "Bach", "volume": 30}, ("Play something like Bach at volume 30",)),
    (set(), DELETE, {"path": "a/b.txt", "permanently": True}, ("Delete a/b.txt permanently",)),
    ({"permanently"}, DELETE, {"path": "a/b.txt", "permanently": True}, ("Delete a/b.txt, but not permanently",)),
    ({"permanently"}, DELETE, {"path": "a/b.txt", "permanently": True}, ("Delete a/b.txt",)),
    (
        {"path"},
        DELETE,
        {"path": "a/b.txt", "permanently": True},
        ("Keep a/b.txt, delete everything else in a permanently",),
    ),
    (
        {"path"},
        DELETE,
        {"path": "a/b.txt", "permanently": True},
        ("Don't touch a/b.txt. Delete the other one permanently.",),
    ),
    (
        set(),
        REMIND,
        {"text": "call mom", "at": "18:00", "day": "2026-11-27"},
        ("Remind me tomorrow at 6pm to call mom",),
    ),
    (set(), REMIND, {"text": "call mom", "at": "14:00", "day": "2026-11-26"}, ("Remind me in two hours to call mom",)),
    (set(), CAR, car(), ("I need a compact car in Lisbon from January 10 to 14",)),
    (set(), CAR, car(), ("hi, renting a car in lisbon, pick up 10 jan, drop off 14 jan, something compact",)),
    ({"dropoff"}, CAR, car(), ("I need a compact car in Lisbon from January 10",)),
    ({"car_class"}, CAR, car(), ("I need a car in Lisbon from January 10 to 14",)),
    (set(), CAR, car(), ("Compact in Lisbon, January 10, for four days",)),
    ({"city"}, CAR, car(), ("I live in Porto. I need a compact car from January 10 to 14",)),
    (set(), GYM, gym(), ("Put me down for yoga on Monday at 6 in the evening",)),
    ({"time"}, GYM, gym(), ("Put me down for yoga on Monday evening",)),
    ({"day"}, GYM, gym(), ("yoga at 6pm please",)),
    ({"activity"}, GYM, gym(), ("Book me a class on Monday at 6pm, anything but spinning",)),
    ({"activity"}, GYM, gym(), ("Book me a class on Monday at 6pm. I am tired of yoga.",)),
    (set(), GYM, gym(time="19:00"), ("yoga Monday 6pm... hmm, 7pm would be better",)),
    ({"time"}, GYM, gym(), ("yoga Monday 6pm... hmm, 7pm would be better",)),
    (set(), SEND, send(), ("Send Anna 75 euros",)),
    ({"currency"}, SEND, send(), ("Send Anna 75",)),
    ({"amount"}, SEND, send(), ("Send Anna the 75 euros I owe her, minus what she owes me for lunch",)),
    (set(), SEND, send(), ("75 EUR to Anna pls",)),
    (set(), DOCTOR, doctor(), ("Appointment with Dr. Weber next Thursday at quarter past nine because of back pain",)),
    ({"time"}, DOCTOR, doctor(), ("Appointment with Dr. Weber on 3 December in the morning because of back pain",)),
    ({"doctor"}, DOCTOR, doctor(), ("Appointment on 3 December at 9:15 for back pain, but not with Dr. Weber",)),
    (
        {"time"},
        DOCTOR,
        doctor(),
        ("Appointment with Dr. Weber on 3 December because of back pain. I work until 9:15.",),
    ),
    (
        {"day"},
        DOCTOR,
        doctor(),
        ("Appointment with Dr. Weber at 9:15 because of back pain, any day except 3 December",),
    ),
    (set(), PIZZA, pizza(), ("Two large margheritas to 12 Oak Road",)),
    ({"size"}, PIZZA, pizza(), ("Two margheritas to 12 Oak Road",)),
    ({"quantity"}, PIZZA, pizza(), ("Large margheritas to 12 Oak Road",)),
    (set(), PIZZA, pizza(quantity=1), ("A large margherita to 12 Oak Road",)),
    ({"quantity"}, PIZZA, pizza(quantity=12), ("Large margheritas to 12 Oak Road",)),
    (set(), PLAN, plan(), ("Move Acme to the team plan with 12 seats",)),
    (set(), PLAN, plan(), ("Upgrade Acme from pro to team, 12 seats",)),
    ({"plan"}, PLAN, plan(plan="pro"), ("Upgrade Acme from pro to team, 12 seats",)),
    ({"seats"}, PLAN, plan(), ("Upgrade Acme to team. They have 12 seats now and want a few more",)),
    ({"seats"}, PLAN, plan(seats=3), ("Acme on team, add 3 seats to the 12 they have",)),
    (set(), LOG, log(), ("Log an hour and a half on OPS-77 for yesterday",)),
    ({"minutes"}, LOG, log(), ("Log work on OPS-77 for yesterday",)),
    ({"issue"}, LOG, log(), ("Log 90 minutes for yesterday on the ticket that blocks OPS-77",)),
    (set(), HOTEL, hotel(), ("Hotel in Vienna for my wife and me, February 5 to 8",)),
    ({"guests"}, HOTEL, hotel(), ("Hotel in Vienna, three nights from February 5",)),
    (set(), HOTEL, hotel(), ("three nights in Vienna for 2, arriving 5 Feb",)),
    ({"nights"}, HOTEL, hotel(), ("Hotel in Vienna for two from 5 February, two or three nights",)),
    ({"nights"}, HOTEL, hotel(), ("Hotel in Vienna for two from 5 February, at least three nights",)),
    (set(), ROOM, room(), ("Aspen tomorrow from 2 to 3:30 pm",)),
    ({"end"}, ROOM, room(), ("Aspen tomorrow at 2 pm",)),
    (set(), ROOM, room(), ("Aspen tomorrow at 2 pm for 90 minutes",)),
    ({"room"}, ROOM, room(), ("Any room except Aspen, tomorrow 14:00-15:30",)),
    (set(), DOSE, dose(), ("I took 400 mg ibuprofen at 8 this morning",)),
    ({"dose_mg"}, DOSE, dose(), ("I took two ibuprofen at 8 this morning",)),
    ({"dose_mg"}, DOSE, dose(), ("ibuprofen at 8 am, less than 400 mg",)),
    (set(), TRAIN, train(), ("The 10:02 from Bern to Zurich on Saturday",)),
    (
        {"origin", "destination"},
        TRAIN,
        train(origin="Zurich", destination="Bern"),
        ("The 10:02 from Bern to Zurich on Saturday",),
    ),
    (set(), GIFT, gift(), ("50 dollar gift card for Leo saying Happy birthday!",)),
    ({"amount"}, GIFT, gift(), ("Gift card for Leo, he turns 50, saying Happy birthday!",)),
    (set(), SEAT, {"flight": "LX318", "seat": "12A"}, ("Seat 12A on LX318",)),
    ({"seat"}, SEAT, {"flight": "LX318", "seat": "12A"}, ("A window seat on LX318. 12A is taken.",)),
    ({"seat"}, SEAT, {"flight": "LX318", "seat": "12A"}, ("12A or 12F on LX318",)),
    (set(), LIGHT, light(), ("Bedroom light to 40 percent, warm white",)),
    ({"brightness"}, LIGHT, light(), ("Bedroom light 40 percent brighter, warm white",)),
    ({"brightness"}, LIGHT, light(), ("The bedroom light is at 40, dim it a bit, warm white",)),
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


RENT = tool("rent", city=TEXT, start=DAY, days=NUMBER)
TABLE = tool("table", place=TEXT, date=DAY, guests=NUMBER)


@pytest.mark.parametrize(
    ("tool", "day", "number", "said", "wanted"),
    [
        (RENT, "2026-11-30", 4, "Rent a car in Lisbon in 4 days", {"days"}),
        (RENT, "2026-11-30", 4, "In 4 days I need a car in Lisbon", {"days"}),
        (RENT, "2026-11-30", 4, "A car in Lisbon in four days' time", {"days"}),
        (TABLE, "2026-12-05", 5, "A table in Lisbon on 5 December", {"guests"}),
        (TABLE, "2026-12-03", 3, "Lisbon on the 3rd of December, please", {"guests"}),
        (TABLE, "2026-12-10", 2, "Lisbon in two weeks", {"guests"}),
        (RENT, "2026-11-30", 4, "A car in Lisbon, in 4 days, for 4 days", set()),
        (RENT, "2026-11-30", 4, "A car in Lisbon from 30 November for 4 days", set()),
        (RENT, "2026-11-30", 4, "A car in Lisbon, 4 days, starting in 4 days", set()),
        (TABLE, "2026-12-05", 5, "5 of us in Lisbon on 5 December", set()),
        (TABLE, "2026-12-10", 2, "Lisbon in two weeks, two of us", set()),
        (TABLE, "2026-11-27", 4, "Lisbon tomorrow, 4 people", set()),
    ],
)
def test_a_number_that_is_part_of_a_day_counts_nothing_else(
    tool: dict[str, Any], day: str, number: int, said: str, wanted: set[str]
) -> None:
    call = dict(zip(tool["parameters"]["properties"], ("Lisbon", day, number), strict=True))
    assert asked_for(tool, call, said) == wanted


@pytest.mark.parametrize(
    ("origin", "destination"),
    [("departure_city", "arrival_city"), ("departureCity", "arrivalCity"), ("DepartureCity", "ArrivalCity")],
)
def test_the_way_a_name_is_written_changes_nothing(origin: str, destination: str) -> None:
    flight = tool("book_flight", **{origin: TEXT, destination: TEXT})
    said = "A flight from Oslo to Rome, please."
    assert asked_for(flight, {origin: "Oslo", destination: "Rome"}, said) == set()
    assert asked_for(flight, {origin: "Rome", destination: "Oslo"}, said) == {origin, destination}


@pytest.mark.parametrize(
    "said", ["Water the garden on Mondays.", "Jeden Montag den Garten gie\u00dfen", "on Monday, the garden"]
)
def test_a_weekday_is_known_by_its_short_form(said: str) -> None:
    water = tool("water", day={"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]})
    assert asked_for(water, {"day": "mon"}, said) == set()
    assert asked_for(water, {"day": "sun"}, said) == {"day"}
    assert asked_for(water, {"day": "sun"}, "The sun burns my garden. Water it.") == {"day"}
