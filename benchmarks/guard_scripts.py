"""Scripted conversations with an agent whose model fills in what it does not know, and the server that plays it.

Each script says, for each request, which value of each argument is true and in which words the person gives it, or that
a tool, the state or the person's other words give it. So whether a call was right is known without comparing texts: the
model's guesses are never the truth.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from langchain_core.tools import BaseTool, StructuredTool, tool
from pydantic import BaseModel, Field

NOW = dt.datetime(2026, 11, 26, 12, 0)
CONTACTS = {
    "Maria Lopez": "maria.lopez@example.org",
    "Tom Weber": "tom.weber@example.org",
    "Ada Byron": "ada@example.org",
}
ORDERS = {"the blue lamp": "ORD-4711", "the tea kettle": "ORD-8823", "the desk chair": "ORD-1290"}
HOME = "12 Elm Street, Springfield"

Reason = Literal["damaged", "late", "wrong item"]
CAR = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "_from": {"type": "string", "format": "date", "description": "First day, in the format YYYY-MM-DD."},
        "days": {"type": "integer", "description": "Number of days."},
        "kind": {"enum": ["small", "large", "van"]},
    },
    "required": ["city", "_from", "days", "kind"],
}
"""A schema as function-calling data has it; no Python name may begin with an underscore."""
RAN: dict[str, list[tuple[str, dict[str, Any]]]] = {}
"""What tools did, by conversation."""


class Trip(BaseModel):
    origin: str
    destination: str
    departure: dt.date = Field(description="Day of departure.")
    back: dt.date = Field(description="Day of return.")


class Dish(BaseModel):
    dish: str
    quantity: int


def tools_for(conversation: str) -> list[BaseTool]:
    """The twelve guarded tools, and two that change nothing."""

    def did(name: str, **arguments: Any) -> str:
        RAN.setdefault(conversation, []).append((name, json.loads(json.dumps(arguments, default=_plain))))
        return f"Done: {name} {', '.join(map(str, arguments.values()))}."

    @tool
    def book_trip(city: str, date: str) -> str:
        """Book a trip."""
        return did("book_trip", city=city, date=date)

    @tool
    def book_table(place: str, day: dt.date, time: str, guests: int) -> str:
        """Reserve a table in a restaurant."""
        return did("book_table", place=place, day=day, time=time, guests=guests)

    @tool
    def refund(order: str, reason: Reason) -> str:
        """Refund an order."""
        return did("refund", order=order, reason=reason)

    @tool
    def send_money(to: str, amount: float, account: Literal["savings", "checking"]) -> str:
        """Send money from one of the person's accounts."""
        return did("send_money", to=to, amount=amount, account=account)

    @tool
    def order_shirt(size: Literal["S", "M", "L"], colour: str, gift_wrap: bool) -> str:
        """Order a shirt."""
        return did("order_shirt", size=size, colour=colour, gift_wrap=gift_wrap)

    @tool
    def book_flight(trip: Trip, cabin: Literal["economy", "business", "first"]) -> str:
        """Book a flight there and back."""
        return did("book_flight", trip=trip, cabin=cabin)

    @tool
    def book_hotel(city: str, check_in: dt.date, check_out: dt.date) -> str:
        """Book a hotel room."""
        return did("book_hotel", city=city, check_in=check_in, check_out=check_out)

    @tool
    def send_email(to: str, subject: str, body: str) -> str:
        """Send an e-mail to an address."""
        return did("send_email", to=to)

    @tool
    def schedule(title: str, start: dt.datetime, end: dt.datetime) -> str:
        """Put an appointment into the calendar."""
        return did("schedule", title=title, start=start, end=end)

    def rent(**arguments: Any) -> str:
        return did("rent_car", **arguments)

    rent_car = StructuredTool.from_function(rent, name="rent_car", description="Rent a car.", args_schema=CAR)

    @tool
    def order_food(items: list[Dish], address: str) -> str:
        """Order food to an address."""
        return did("order_food", items=items, address=address)

    @tool
    def set_alarm(time: str) -> str:
        """Set an alarm."""
        return did("set_alarm", time=time)

    @tool
    def find_contact(name: str) -> str:
        """Look up a contact's address."""
        return json.dumps({"name": name, "email": CONTACTS[name]})

    @tool
    def find_order(product: str) -> str:
        """Look up the number of an order."""
        return f"The last order of {product} is {ORDERS[product]}."

    guarded = [book_trip, book_table, refund, send_money, order_shirt, book_flight, book_hotel, send_email, schedule]
    return [*guarded, rent_car, order_food, set_alarm, find_contact, find_order]


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


@dataclass(frozen=True)
class Fact:
    """One argument: its true value, how the person says it, and what the model makes up instead."""

    path: str
    value: Any
    words: str
    """In a sentence. Empty: it comes from elsewhere (`source`)."""
    answer: str
    """As an answer to a question."""
    guess: Any
    source: Literal["person", "tool", "state", "derived", "model"] = "person"
    needs: tuple[str, ...] = ()
    """Paths that a derived value is reckoned from."""


@dataclass
class Request:
    tool: str
    opening: str
    """The person's first words about it, without its facts."""
    facts: list[Fact]
    missing: tuple[str, ...] = ()
    """Paths that the person leaves out at first."""
    lookup: tuple[str, dict[str, Any], str] | None = None
    """A read-only tool, its arguments, and the text of its result by which the model knows it."""
    cancels: bool = False
    """Asked, the person withdraws."""
    replies: Literal["all", "one", "unsure", "together"] = "all"
    """How the person answers: every question, the first alone, `I don't know yet` first, or all in one sentence."""
    corrected: tuple[str, Fact] | None = None
    """A path, and the first (taken back) value of it."""
    noise: str = ""
    language: str = "en"

    @property
    def complete(self) -> bool:
        return not self.missing and not self.cancels

    def truth(self) -> dict[str, Any]:
        return _nested({fact.path: fact.value for fact in self.facts if fact.source != "model"})

    def text(self) -> str:
        said = [fact.words for fact in self.facts if fact.words and fact.path not in self.missing]
        words = " ".join([self.opening, *said]).strip() + "."
        if self.corrected is not None:
            path, old = self.corrected
            new = next(fact for fact in self.facts if fact.path == path)
            words = words.replace(new.words, old.words) + f" No wait, {new.words}."
        return f"{self.noise} {words}".strip()


@dataclass
class Script:
    name: str
    kind: str
    requests: list[Request] = field(default_factory=list)


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for path, value in flat.items():
        if "[]." in path:
            name, leaf = path.split("[].")
            rows = whole.setdefault(name, [{}])
            rows[0][leaf] = value
            continue
        *parents, leaf = path.split(".")
        at = whole
        for parent in parents:
            at = at.setdefault(parent, {})
        at[leaf] = value
    return whole


CITIES = ["Paris", "Rome", "Oslo", "Lisbon", "Vienna", "New York"]
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
]  # fmt: skip
MONATE = [
    "Januar", "Februar", "M\u00e4rz", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
    "November", "Dezember",
]  # fmt: skip


class Maker:
    """Makes requests with their truth."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def two(self, values: list[Any]) -> tuple[Any, Any]:
        first, second = self.random.sample(values, 2)
        return first, second

    def day(self, relative: bool = False, after: dt.date | None = None) -> tuple[dt.date, str, str]:
        """A day, how a person says it, and how a German does."""
        if relative:
            days, words, german = self.random.choice(
                [
                    (1, "tomorrow", "morgen"),
                    (2, "the day after tomorrow", "\u00fcbermorgen"),
                    (14, "in two weeks", "in zwei Wochen"),
                    (1, "this Friday", "diesen Freitag"),
                    (5, "next Tuesday", "n\u00e4chsten Dienstag"),
                    (4, "in 4 days", "in 4 Tagen"),
                ]
            )
            return NOW.date() + dt.timedelta(days=days), words, german
        start = after or NOW.date() + dt.timedelta(days=20)
        day = start + dt.timedelta(days=self.random.randrange(1, 90))
        form = self.random.choice(["{d} {m}", "{m} {d}", "the {d}{nth} of {m}"])
        nth = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 if day.day not in (11, 12, 13) else 0, "th")
        said = form.format(d=day.day, m=MONTHS[day.month - 1], nth=nth)
        return day, said, f"{day.day}. {MONATE[day.month - 1]}"

    def wrong_day(self, day: dt.date) -> str:
        return (day + dt.timedelta(days=self.random.choice([9, 11, 16]))).isoformat()

    def fact_day(
        self, path: str, before: str = "on ", relative: bool = False, german: bool = False, after: dt.date | None = None
    ) -> tuple[Fact, dt.date]:
        day, words, de = self.day(relative, after)
        words = de if german else words
        lead = ("am " if not relative else "") if german else ("" if relative else before)
        value = (
            self.random.choice([day.isoformat()])
            if path != "date"
            else self.random.choice([day.isoformat(), f"{day.day} {MONTHS[day.month - 1]} {day.year}"])
        )
        return Fact(
            path, value, f"{lead}{words}", self.random.choice([f"{lead}{words}", words]), self.wrong_day(day)
        ), day

    def city(self, path: str, before: str) -> Fact:
        city, other = self.two(CITIES)
        said = "NYC" if city == "New York" and self.random.random() < 0.4 else city
        return Fact(path, city, f"{before} {said}", said, other)

    def time(self, path: str = "time") -> Fact:
        value, words = self.random.choice(
            [
                ("19:30", "half past seven in the evening"),
                ("08:00", "8 am"),
                ("20:00", "8 pm"),
                ("18:15", "6:15 pm"),
                ("12:00", "noon"),
                ("21:00", "21:00"),
            ]
        )
        return Fact(path, value, f"at {words}", words, "17:45")

    def make(self, name: str, **how: Any) -> Request:
        made: Request = getattr(self, name)(**how)
        return made

    def book_trip(self, relative: bool = False, german: bool = False) -> Request:
        city = self.city("city", "nach" if german else "to")
        day, _ = self.fact_day("date", relative=relative, german=german)
        return Request(
            "book_trip",
            "Buche mir eine Reise"
            if german
            else self.random.choice(["Book me a trip", "I need a trip", "Please book a journey"]),
            [city, day],
            language="de" if german else "en",
        )

    def book_table(self, relative: bool = False, german: bool = False) -> Request:
        place, other = self.two(["Luigi's", "the Golden Lion", "Sakura", "Chez Paul"])
        guests, more = self.two([2, 3, 4, 6])
        day, _ = self.fact_day("day", relative=relative, german=german)
        words = (
            {2: "zwei", 3: "drei", 4: "vier", 6: "sechs"}[guests]
            if german
            else self.random.choice([str(guests), {2: "two", 3: "three", 4: "four", 6: "six"}[guests]])
        )
        time = Fact("time", "19:30", "um halb acht abends", "halb acht abends", "17:45") if german else self.time()
        people = Fact("guests", guests, f"f\u00fcr {words} Personen" if german else f"for {words} people", words, more)
        return Request(
            "book_table",
            "Reserviere einen Tisch" if german else "Book a table",
            [Fact("place", place, f"{'bei' if german else 'at'} {place}", place, other), day, time, people],
            language="de" if german else "en",
        )

    def refund(self, lookup: bool = False) -> Request:
        product, number = self.random.choice(list(ORDERS.items()))
        reason, other = self.two(["damaged", "late", "wrong item"])
        words = {
            "damaged": "because it was damaged",
            "late": "because it came late",
            "wrong item": "because it was the wrong item",
        }[reason]
        order = Fact(
            "order", number, "" if lookup else number, number, "ORD-0001", source="tool" if lookup else "person"
        )
        opening = f"Please refund {product}" if lookup else "Refund the order"
        found = ("find_order", {"product": product}, number) if lookup else None
        return Request("refund", opening, [order, Fact("reason", reason, words, reason, other)], lookup=found)

    def send_money(self) -> Request:
        to, other = self.two(["Bob", "Anna", "Omar", "Lena"])
        amount, more = self.two([12.5, 80.0, 1200.0, 45.0])
        said = {12.5: "$12.50", 80.0: "80 dollars", 1200.0: "$1,200", 45.0: "forty-five dollars"}[amount]
        account, wrong = self.two(["savings", "checking"])
        facts = [
            Fact("amount", amount, said, said, more),
            Fact("to", to, f"to {to}", to, other),
            Fact("account", account, f"from my {account} account", account, wrong),
        ]
        return Request("send_money", "Send", facts)

    def order_shirt(self) -> Request:
        size, other = self.two(["S", "M", "L"])
        words = {"S": "small", "M": "medium", "L": "large"}[size]
        colour, wrong = self.two(["blue", "green", "red", "black"])
        wrap = self.random.random() < 0.5
        facts = [
            Fact("size", size, f"in size {words}", self.random.choice([size, words]), other),
            Fact("colour", colour, f"in {colour}", colour, wrong),
            Fact(
                "gift_wrap",
                wrap,
                "with gift wrap" if wrap else "without gift wrap",
                "yes please" if wrap else "no",
                not wrap,
            ),
        ]
        return Request("order_shirt", "I'm looking for Tom's birthday, order a shirt", facts)

    def book_flight(self) -> Request:
        here, there = self.two(CITIES[:5])
        other = next(city for city in CITIES if city not in (here, there))
        out, day = self.fact_day("trip.departure", "leaving on ")
        back, _ = self.fact_day("trip.back", "and coming back on ", after=day + dt.timedelta(days=2))
        cabin, wrong = self.two(["economy", "business", "first"])
        facts = [
            Fact("trip.origin", here, f"from {here}", here, other),
            Fact("trip.destination", there, f"to {there}", there, other),
            out,
            back,
            Fact("cabin", cabin, f"in {cabin} class", f"{cabin} class", wrong),
        ]
        return Request("book_flight", "First of all, book a flight", facts)

    def book_hotel(self) -> Request:
        city = self.city("city", "in")
        start, day = self.fact_day("check_in", "from ")
        nights = self.random.choice([2, 3, 5, 7])
        end = day + dt.timedelta(days=nights)
        words = {2: "two nights", 3: "3 nights", 5: "five nights", 7: "a week"}[nights]
        stay = Fact(
            "check_out", end.isoformat(), f"for {words}", f"I stay {words}", self.wrong_day(end), needs=("check_in",)
        )
        return Request("book_hotel", "Book a hotel", [city, start, stay])

    def send_email(self) -> Request:
        name, address = self.random.choice(list(CONTACTS.items()))
        to = Fact("to", address, "", address, "someone@else.example", source="tool")
        facts = [
            to,
            Fact("subject", "Our meeting", "", "", "Our meeting", source="model"),
            Fact("body", "Dear friend, I will be late.", "", "", "Dear friend, I will be late.", source="model"),
        ]
        return Request(
            "send_email",
            f"Write an e-mail to {name} that I will be late",
            facts,
            lookup=("find_contact", {"name": name}, address),
        )

    def schedule(self) -> Request:
        title, other = self.two(["dentist", "team lunch", "piano lesson"])
        day, words, _ = self.day()
        hour = self.random.choice([9, 11, 15])
        start = dt.datetime.combine(day, dt.time(hour))
        minutes, length = self.random.choice([(30, "half an hour"), (90, "an hour and a half"), (45, "45 minutes")])
        said = f"on {words} at {hour if hour < 13 else hour - 12} {'am' if hour < 13 else 'pm'}"
        end = start + dt.timedelta(minutes=minutes)
        wrong = start + dt.timedelta(days=9)
        facts = [
            Fact("title", title, f"called {title}", title, other),
            Fact("start", start.isoformat(), said, said, wrong.isoformat()),
            Fact(
                "end",
                end.isoformat(),
                f"for {length}",
                f"it takes {length}",
                (wrong + dt.timedelta(minutes=60)).isoformat(),
                needs=("start",),
            ),
        ]
        return Request("schedule", "Put an appointment into my calendar", facts)

    def rent_car(self, relative: bool = False) -> Request:
        start, _ = self.fact_day("_from", "starting ", relative=relative)
        days, more = self.two([2, 3, 4, 6])
        kind, wrong = self.two(["small", "large", "van"])
        facts = [
            self.city("city", "in"),
            start,
            Fact("days", days, f"for {days} days", f"{days} days", more),
            Fact("kind", kind, f"and take a {kind} one" if kind != "van" else "and take a van", kind, wrong),
        ]
        return Request("rent_car", "Rent a car", facts)

    def order_food(self) -> Request:
        dish, other = self.two(["pizza", "ramen", "falafel wrap"])
        count, more = self.two([1, 2, 3])
        words = {1: "one", 2: "two", 3: "three"}[count]
        facts = [
            Fact("items[].quantity", count, words, words, more),
            Fact("items[].dish", dish, dish, dish, other),
            Fact("address", HOME, "", HOME, "1 Nowhere Road", source="state"),
        ]
        return Request("order_food", "Order", facts)

    def set_alarm(self) -> Request:
        return Request("set_alarm", "Set an alarm", [self.time()])


NOISE = [
    "Hi there, I hope you are well.",
    "My sister was born on 3 March 1990.",
    "Last Friday I was ill.",
    "Thanks for the help so far!",
    "I'm in a hurry, so let us be quick.",
    "Don't ask me why it rains all day.",
]
TOOLS = [
    "book_trip",
    "book_table",
    "refund",
    "send_money",
    "order_shirt",
    "book_flight",
    "book_hotel",
    "send_email",
    "schedule",
    "rent_car",
    "order_food",
    "set_alarm",
]
KINDS = [
    "complete",
    "missing",
    "partial",
    "together",
    "unsure",
    "cancel",
    "correct",
    "second",
    "german",
    "relative",
    "lookup",
    "chatty",
]


def scripts(n: int = 300, seed: int = 0) -> list[Script]:
    """`n` conversations, all kinds and tools in turn."""
    return [_script(number, seed) for number in range(n)]


def _script(number: int, seed: int) -> Script:
    maker = Maker(seed * 100_003 + number)
    kind = KINDS[number % len(KINDS)]
    name = TOOLS[(number // len(KINDS) + number) % len(TOOLS)]
    how: dict[str, Any] = {}
    if kind == "german":
        name, how = maker.random.choice(["book_trip", "book_table"]), {"german": True}
    elif kind == "relative":
        name, how = maker.random.choice(["book_trip", "book_table", "rent_car"]), {"relative": True}
    elif kind == "lookup":
        name = maker.random.choice(["refund", "send_email"])
        how = {"lookup": True} if name == "refund" else {}
    request = maker.make(name, **how)
    _shape(request, kind, maker)
    made = [request]
    if kind == "second":
        again = maker.make(maker.random.choice([name, maker.random.choice(TOOLS)]))
        _shape(again, maker.random.choice(["complete", "missing"]), maker)
        made.append(again)
    return Script(f"{number}-{kind}-{name}", kind, made)


def _shape(request: Request, kind: str, maker: Maker) -> None:
    """Leaves out, cancels, corrects."""
    mine = [fact.path for fact in request.facts if fact.words and fact.source == "person" and "[]" not in fact.path]
    few = maker.random.sample(mine, min(len(mine), 2))
    if kind in ("missing", "unsure", "cancel", "german", "chatty", "relative") and mine:
        leave = kind in ("missing", "unsure", "cancel") or maker.random.random() < 0.5
        request.missing = (few[0],) if leave else ()
    if kind in ("partial", "together"):
        request.missing = tuple(few)
    request.replies = {"partial": "one", "together": "together", "unsure": "unsure"}.get(kind, "all")  # type: ignore[assignment]
    request.cancels = kind == "cancel" and bool(request.missing)
    if kind == "correct":
        days = [
            fact
            for fact in request.facts
            if fact.path.rsplit(".", 1)[-1]
            in ("date", "day", "check_in", "_from", "reason", "size", "cabin", "account", "city", "time")
        ]
        others = [fact for fact in request.facts if fact.words and fact.source == "person" and not fact.needs]
        if days:
            new = days[0]
            old = _other_words(request.tool, new, maker)
            if old is not None:
                request.corrected = (new.path, old)
                del others
    if kind in ("chatty", "correct", "second", "complete") and maker.random.random() < 0.7:
        request.noise = maker.random.choice(NOISE)


def _other_words(tool_name: str, new: Fact, maker: Maker) -> Fact | None:
    """Another value of the same argument, in words."""
    for _ in range(50):
        other = next(fact for fact in maker.make(tool_name).facts if fact.path == new.path)
        if other.value != new.value and other.words != new.words:
            return other
    return None


# The model


def draft(script: Script, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """What a model that never asks says next: it calls at once, and makes up what it was not told."""
    texts = [(m["role"], _text(m)) for m in messages if m["role"] in ("user", "tool")]
    begun = [
        (k, request)
        for k, (role, text) in enumerate(texts)
        for request in script.requests
        if role == "user" and request.text() in text
    ]
    if not begun:
        return {"content": "How can I help?"}
    begin, request = begun[-1]
    after = texts[begin:]
    last = messages[-1]
    refused = [text for role, text in after if role == "tool" and text.startswith("Not run")]
    if last["role"] == "tool" and _text(last).startswith("Done"):
        return {"content": "It is done."}
    if len(refused) >= 4:
        return {"content": "I could not do it."}
    said = "\n".join(text for _, text in after)
    asked = any(m["role"] == "assistant" and _text(m) for m in messages[-3:])
    found = request.lookup is None or request.lookup[2] in said
    arguments: dict[str, Any] = {}
    for fact in request.facts:
        known = (
            fact.source in ("model", "state")
            or (fact.source == "tool" and found)
            or (fact.words in said and bool(fact.words))
        )
        known = known or (bool(fact.answer) and any(fact.answer in text for _, text in after[1:]))
        known = known and all(_known(request, need, after) for need in fact.needs)
        value = fact.value if known else fact.guess
        if request.corrected and request.corrected[0] == fact.path and not asked and len(after) == 1 and not refused:
            value = request.corrected[1].value
        arguments[fact.path] = value
    calls = []
    if not found and request.lookup:
        calls.append((request.lookup[0], request.lookup[1]))
    calls.append((request.tool, _nested(arguments)))
    return {
        "content": "",
        "tool_calls": [
            {
                "id": f"call_{len(messages)}_{k}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(args)},
            }
            for k, (name, args) in enumerate(calls)
        ],
    }


def _known(request: Request, path: str, after: list[tuple[str, str]]) -> bool:
    fact = next(fact for fact in request.facts if fact.path == path)
    return fact.words in "\n".join(text for _, text in after) or any(fact.answer in text for _, text in after[1:])


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


@contextmanager
def served(made: list[Script]) -> Iterator[str]:
    """An OpenAI-compatible server on the loopback that plays the stubborn model; gives its address."""
    by_name = {script.name: script for script in made}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            system = " ".join(_text(m) for m in body["messages"] if m["role"] == "system")
            found = re.search(r"Conversation (\S+)\.", system)
            assert found is not None
            message = {"role": "assistant", **draft(by_name[found[1]], body["messages"])}
            reason = "tool_calls" if message.get("tool_calls") else "stop"
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            reply = {
                "id": f"chatcmpl-{uuid.uuid4()}",
                "object": "chat.completion",
                "created": 0,
                "model": "stubborn",
                "choices": [{"index": 0, "message": message, "finish_reason": reason}],
                "usage": usage,
            }
            data = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# The person


def reply(request: Request, asked: list[str], times: int) -> str | dict[str, str]:
    """What the person answers to questions about `asked`, the `times`-th time: a text, or a text for each."""
    if request.cancels:
        return ["Never mind, cancel that.", "Forget it.", "No thanks, I changed my mind.", "Vergiss es."][
            len(request.opening) % 4
        ]
    if request.replies == "unsure" and times == 1:
        return "I don't know yet, hold on."
    facts = {fact.path: fact.answer for fact in request.facts}
    known = {path: facts[path] for path in asked if facts.get(path)}
    if not known:
        return "What do you mean?"
    if request.replies == "one" and times == 1:
        path = next(iter(known))
        return {path: known[path]}
    if request.replies == "together":
        return ", ".join(known.values())
    return known
