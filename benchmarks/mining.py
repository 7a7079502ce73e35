"""What mining finds in a log whose truth is known: conversations with a planted correction, and harmless ones.

    python benchmarks/mining.py [--each 400] [--seed 0] [--questions 50] [--out benchmarks/results/mining.json]
    python benchmarks/mining.py --each 900 --seed 12 --store logs.sqlite     the conversations, for `sml-agents mine`

A script writes every conversation, and with it which argument was a guess that the person corrected; no comparison of
the package's own takes part in that. Precision is the share of the lessons that ask first (`corrected`, `late_fact`)
which name the argument that was planted there; recall the share of the planted ones that were found so; 95 % Wilson
intervals. Phrases of persons are few dozens; real ones are harder.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
from shares import counted

from sml_agents.mining import Kind, find_moments
from sml_agents.traces import TraceStore
from sml_agents.types import Private, Role, StopReason, Task, ToolCall, Trace, Turn

ASKS_FIRST = (Kind.CORRECTED, Kind.LATE_FACT)
STARTED = dt.datetime(2027, 3, 1, 9, 0)


class Argument(NamedTuple):
    """An argument of a tool: its path, its schema, and values with the words by which people say them."""

    path: str
    schema: dict[str, Any]
    values: tuple[tuple[Any, tuple[str, ...]], ...]
    kind: str


def _dates() -> tuple[tuple[Any, tuple[str, ...]], ...]:
    found = []
    for day, month in ((5, 5), (12, 6), (23, 4), (3, 9), (30, 11), (17, 7), (8, 10), (21, 5)):
        date = dt.date(2027, month, day)
        name = date.strftime("%B")
        nth = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day not in (11, 12, 13) else 0, "th")
        words = (f"{day} {name}", f"{name} {day}", f"the {day}{nth} of {name}", f"{name} {day}{nth}", date.isoformat())
        found.append((date.isoformat(), words))
    return tuple(found)


def _values(*given: Any) -> tuple[tuple[Any, tuple[str, ...]], ...]:
    return tuple(one if isinstance(one, tuple) else (one, (str(one),)) for one in given)


DATE = {"type": "string", "format": "date"}
TEXT = {"type": "string"}
CITIES = _values("Paris", "Rome", "Oslo", "Lima", "Cairo", "Vienna", "Kyoto", "Boston")
TIMES = _values(
    ("18:00", ("6 pm", "18:00", "6 o'clock in the evening")),
    ("09:30", ("9:30", "half past nine", "9:30 am")),
    ("12:00", ("noon", "12:00")),
    ("20:15", ("8:15 pm", "20:15")),
    ("07:00", ("7 am", "7:00")),
)
GUESTS = _values(
    *((n, (str(n), word)) for n, word in ((2, "two"), (3, "three"), (4, "four"), (6, "six"), (8, "eight")))
)
TOOLS: dict[str, tuple[Argument, ...]] = {
    "book_table": (
        Argument("restaurant", TEXT, _values("Luigi's", "Nobu", "The Ivy", "Casa Lola"), "text"),
        Argument("date", DATE, _dates(), "date"),
        Argument("time", {"type": "string", "format": "time"}, TIMES, "time"),
        Argument("guests", {"type": "integer"}, GUESTS, "number"),
    ),
    "reserve_flight": (
        Argument("trip.to", TEXT, CITIES, "nested"),
        Argument("trip.departure", DATE, _dates(), "nested"),
        Argument(
            "cabin",
            {"type": "string", "enum": ["economy", "business", "first"]},
            _values(
                "economy",
                ("business", ("business", "business class")),
                ("first", ("first class", "in first")),
            ),
            "enum",
        ),
        Argument("passengers", {"type": "integer"}, GUESTS, "number"),
    ),
    "order_shirt": (
        Argument(
            "item.size",
            {"type": "string", "enum": ["S", "M", "L", "XL"]},
            _values(
                ("S", ("small", "size S")),
                ("M", ("medium", "size M")),
                ("L", ("large", "size L")),
                ("XL", ("XL", "extra large")),
            ),
            "nested",
        ),
        Argument(
            "item.colour",
            {"type": "string", "enum": ["red", "blue", "green", "black"]},
            _values("red", "blue", "green", "black"),
            "nested",
        ),
        Argument("quantity", {"type": "integer"}, GUESTS, "number"),
        Argument("address.city", TEXT, CITIES, "nested"),
    ),
    "refund": (
        Argument(
            "order_id",
            {"type": "string", "pattern": r"^ORD-\d{4}$"},
            _values("ORD-4711", "ORD-1234", "ORD-9001", "ORD-5555"),
            "code",
        ),
        Argument(
            "reason",
            {"type": "string", "enum": ["damaged", "late", "wrong_item"]},
            _values(
                "damaged",
                "late",
                ("wrong_item", ("wrong item",)),
            ),
            "enum",
        ),
    ),
    "schedule_meeting": (
        Argument("with", TEXT, _values("Ann", "Bob", "Carla", "Deniz"), "text"),
        Argument("slot.day", DATE, _dates(), "nested"),
        Argument("slot.start_time", {"type": "string", "format": "time"}, TIMES, "nested"),
        Argument(
            "minutes",
            {"type": "integer"},
            _values((30, ("30", "thirty")), (45, ("45",)), (60, ("60", "sixty"))),
            "number",
        ),
    ),
}
VERBS = {
    "book_table": "Book a table",
    "reserve_flight": "Reserve a flight",
    "order_shirt": "Order a shirt",
    "refund": "Refund an order",
    "schedule_meeting": "Schedule a meeting",
}
SAYS = {
    "restaurant": "at {}",
    "date": "on {}",
    "time": "at {}",
    "guests": "for {} guests",
    "trip.to": "to {}",
    "trip.departure": "leaving on {}",
    "cabin": "in {}",
    "passengers": "for {} passengers",
    "item.size": "in {}",
    "item.colour": "in {}",
    "quantity": "{} of them",
    "address.city": "sent to {}",
    "order_id": "{}",
    "reason": "because it was {}",
    "with": "with {}",
    "slot.day": "on {}",
    "slot.start_time": "at {}",
    "minutes": "for {} minutes",
}
CORRECTIONS = (
    "No, {now}.",
    "No, {now}, please.",
    "That's wrong, {now}.",
    "I meant {now}.",
    "Sorry, I meant {now}.",
    "Wrong. It should be {now}.",
    "Not {before}. {now_cap}!",
    "No, not {before}, {now}.",
    "Actually {now}.",
    "Wait, {now}!",
    "No no, {now}",
    "Please make it {now} instead.",
    "That is not right: {now}.",
    "Nope, {now}.",
    "Hmm, no. I wanted {now}.",
    "You got it wrong, {now}.",
    "I don't want it {before}, {now} please.",
)
LATE = ("{now_cap}, please.", "{now_cap} would be best.", "It has to be {now}.", "We need it {now}.", "{now_cap}.")
DONE = ("Done.", "All set.", "It is booked.", "That is arranged.", "Done, anything else?")
THANKS = ("Thanks!", "Perfect, thank you.", "Great.", "Thank you so much!", "Lovely, thanks.")


class Written(NamedTuple):
    """A conversation and the argument that was a guess in it; None for a harmless one."""

    trace: Trace
    planted: str | None
    kind: str


def _wanted(schema: dict[str, Any], name: str) -> None:
    if name not in schema["required"]:
        schema["required"].append(name)


def schema(tool: str) -> dict[str, Any]:
    root: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for argument in TOOLS[tool]:
        here = root
        *above, last = argument.path.split(".")
        for part in above:
            _wanted(here, part)
            here = here["properties"].setdefault(part, {"type": "object", "properties": {}, "required": []})
        _wanted(here, last)
        here["properties"][last] = argument.schema
    return {"type": "function", "function": {"name": tool, "description": VERBS[tool] + ".", "parameters": root}}


def nested(values: dict[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path, value in values.items():
        here = root
        *above, last = path.split(".")
        for part in above:
            here = here.setdefault(part, {})
        here[last] = value
    return root


class Writer:
    """Writes one conversation."""

    def __init__(self, random: random.Random, number: int) -> None:
        self.random = random
        self.number = number
        self.tool = random.choice(list(TOOLS))
        self.arguments = TOOLS[self.tool]
        self.values = {one.path: random.choice(one.values)[0] for one in self.arguments}
        self.turns: list[Turn] = []

    def words(self, path: str, value: Any) -> str:
        argument = next(one for one in self.arguments if one.path == path)
        said = dict(argument.values)[value]
        return SAYS[path].format(self.random.choice(said))

    def request(self, leave_out: str = "") -> str:
        told = [self.words(path, value) for path, value in self.values.items() if path != leave_out]
        self.random.shuffle(told)
        opening = self.random.choice(("", "", "Hi, ", "Could you please: ", "Hello! "))
        return f"{opening}{VERBS[self.tool]} {', '.join(told)}."

    def person(self, text: str) -> None:
        self.turns.append(Turn(role=Role.TEACHER, text=text))

    def agent(self, text: str, call: bool = True, tool: str = "", **arguments: Any) -> None:
        calls = None
        if call:
            given = arguments or nested(self.values)
            calls = (ToolCall(name=tool or self.tool, arguments=given, result="ok", id=f"c{len(self.turns)}"),)
        self.turns.append(Turn(role=Role.STUDENT, text=text, tool_calls=calls, trainable=True))

    def trace(self, planted: str | None, kind: str) -> Written:
        id = f"{self.number:016}"
        task = Task(
            id=id,
            family="recorded",
            prompt=self.turns[0].text,
            private=Private(answer=""),
            verifier="none",
            meta={"source": id},
        )
        trace = Trace(
            id=id,
            task=task,
            turns=tuple(self.turns),
            stop=StopReason.RECORDED,
            tools=tuple(schema(tool) for tool in TOOLS),
            tags={"started": STARTED.isoformat()},
        )
        return Written(trace, planted, kind)

    def other(self, path: str) -> Any:
        argument = next(one for one in self.arguments if one.path == path)
        return self.random.choice([value for value, _ in argument.values if value != self.values[path]])

    def corrected(self) -> Written:
        """The person leaves an argument out, the agent guesses it, and the person puts it right."""
        random = self.random
        argument = random.choice(self.arguments)
        path, right = argument.path, self.values[argument.path]
        self.person(self.request(leave_out=path))
        self.values[path] = guess = self.other(path)
        self.agent(random.choice(DONE))
        late = random.random() < 0.2
        said = random.choice(LATE if late else CORRECTIONS)
        now = self.words(path, right)
        words = said.format(now=now, before=self.words(path, guess), now_cap=now[0].upper() + now[1:])
        self.values[path] = right
        if not late and random.random() < 0.15:
            self.person("No, that is wrong.")
            self.agent("Sorry! What should it be?", call=False)
            words = now[0].upper() + now[1:]
        self.person(words)
        self.agent("Changed." if random.random() < 0.5 else random.choice(DONE))
        if random.random() < 0.6:
            self.person(random.choice(THANKS))
        kind = "late" if late else "negation" if "{before}" in said else argument.kind
        return self.trace(path, kind)

    def harmless(self) -> Written:
        """Everything was said, or what comes next is no correction of a guess."""
        random = self.random
        kind = random.choice(("thanks", "nothing", "again", "mind", "chat", "asked", "look", "refused", "detail"))
        path = random.choice(self.arguments).path
        if kind == "asked":
            self.person(self.request(leave_out=path))
            self.agent(f"Which {path.replace('.', ' ').replace('_', ' ')} should it be?", call=False)
            now = self.words(path, self.values[path])
            self.person(now[0].upper() + now[1:])
            self.agent(random.choice(DONE))
            return self.trace(None, kind)
        self.person(self.request())
        self.agent(random.choice(DONE))
        if kind == "thanks":
            self.person(random.choice(THANKS))
        elif kind == "again":
            self.values[path] = self.other(path)
            now = self.words(path, self.values[path])
            said = (
                "Now {verb} {now} as well.",
                "Also {verb} {now}, please.",
                "Thanks! Another one {now}, please.",
                "Great. And one more {now}.",
                "Can you {verb} {now}, too?",
            )
            verb = VERBS[self.tool][0].lower() + VERBS[self.tool][1:]
            self.person(random.choice(said).format(verb=verb, now=now))
            self.agent(random.choice(DONE))
        elif kind == "mind":
            self.values[path] = self.other(path)
            now = self.words(path, self.values[path])
            said = (
                "Actually, I changed my mind: {now}.",
                "Sorry, plans changed. Make it {now} instead.",
                "Hm, {now} is better after all.",
                "Could you change it? {cap} now.",
                "No, wait, {now} suits me better.",
            )
            self.person(random.choice(said).format(now=now, cap=now[0].upper() + now[1:]))
            self.agent("Changed.")
        elif kind == "chat":
            self.person(
                random.choice(
                    (
                        "Do you know a good book for the way?",
                        "What is the weather like?",
                        "How are you?",
                        "Is there a fee for that?",
                        "No rush with the receipt, by the way.",
                    )
                )
            )
            self.agent("Let me think: I would say yes.", call=False)
        elif kind == "look":
            self.person("And what else is on my list?")
            self.agent("Here it is.", tool="show_list", page=1)
            self.person(random.choice(("Next page, please.", "And page 2?", "More.")))
            self.agent("Here it is.", tool="show_list", page=2)
        elif kind == "refused":
            self.person(
                random.choice(("No, thanks, that is all.", "No problem, bye.", "No need for more.", "Nothing else."))
            )
            self.agent("Have a nice day.", call=False)
        elif kind == "detail":
            self.person(
                random.choice(("Please send me the confirmation.", "And tell Ann about it.", "Add it to my calendar."))
            )
            self.agent("Sent.", tool="notify", channel="mail", body="It is done.")
        return self.trace(None, kind)


def written(each: int, seed: int) -> list[Written]:
    """`each` conversations with a planted correction and as many harmless ones."""
    found = []
    for number in range(2 * each):
        writer = Writer(random.Random(f"{seed}/{number}"), number)
        found.append(writer.corrected() if number < each else writer.harmless())
    return found


def measure(each: int, seed: int) -> dict[str, Any]:
    found: Counter[str] = Counter()
    by_kind: dict[str, list[int]] = {}
    questions, missed, wrong = [], [], []
    for one in written(each, seed):
        asks = [moment for moment in find_moments(one.trace) if moment.kind in ASKS_FIRST]
        right = [moment for moment in asks if one.planted and moment.fact == one.planted]
        found["lessons"] += len(asks)
        found["right"] += len(right)
        found["planted"] += one.planted is not None
        found["found"] += bool(right)
        if one.planted:
            hits = by_kind.setdefault(one.kind, [0, 0])
            hits[0], hits[1] = hits[0] + bool(right), hits[1] + 1
        said = [turn.text for turn in one.trace.turns]
        questions += [(said[0], moment.question, said[moment.told or 0]) for moment in asks]
        if one.planted and not right:
            missed.append((one.planted, said))
        if len(asks) > len(right):
            wrong.append((one.kind, said, [moment.question for moment in asks]))
    return {
        "planted": each,
        "harmless": each,
        "seed": seed,
        "precision": counted(found["right"], found["lessons"]),
        "recall": counted(found["found"], found["planted"]),
        "recall_by_kind": {kind: counted(*hits) for kind, hits in sorted(by_kind.items())},
        "questions": questions,
        "missed": missed,
        "wrong": wrong,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--each", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--questions", type=int, default=0, help="Show so many questions, and what was missed or wrong."
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--store", help="write the conversations to this new store, and measure nothing")
    options = parser.parse_args()
    if options.store:
        with TraceStore.open(options.store) as store:
            for one in written(options.each, options.seed):
                store.add(one.trace)
        return
    result = measure(options.each, options.seed)
    questions, missed, wrong = (result.pop(name) for name in ("questions", "missed", "wrong"))
    print(json.dumps(result, indent=1))
    for one in random.Random(0).sample(questions, min(options.questions, len(questions))):
        print(*one, sep="  |  ")
    if options.questions:
        for one in [*missed[:30], *wrong[:30]]:
            print(one)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
