"""Values that a person gives by a name."""

from __future__ import annotations

import time

import pytest

from sml_agents.text.values.named import named_values


def said(text: str) -> dict[str, str]:
    return {one.name: text[one.span.start : one.span.end] for one in named_values(text)}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Zone: the herb corner, liters: 40.", {"Zone": "the herb corner", "liters": "40"}),
        ("zone=the herb corner; start = 6:30 pm", {"zone": "the herb corner", "start": "6:30 pm"}),
        ("A table? Name: Bar and Grill", {"Name": "Bar and Grill"}),
        ("We want Napa for the region.", {"region": "Napa"}),
        ("I have chosen Exam week as the deck, thanks", {"deck": "Exam week"}),
        ("Pick a red wine, 40 dollars for the budget", {"budget": "40 dollars"}),
        ("Make the tax 91%.", {"tax": "91%"}),
        ("The party size is 6 and the budget is $40.", {"party size": "6", "budget": "$40"}),
        ('The title is "Up and away".', {"title": '"Up and away"'}),
        ("weight: 70 kg and height: 180 cm", {"weight": "70 kg", "height": "180 cm"}),
        ("Budget: $1,200, weight: 2,5 kg", {"Budget": "$1,200", "weight": "2,5 kg"}),
        ("Please do this:\n- Zone: north bed\n- Liters: 20", {"Zone": "north bed", "Liters": "20"}),
        ("Run it with tolerance = 0.5", {"tolerance": "0.5"}),
        ("A table (people: 6), please. Fertilizer: no.", {"people": "6", "Fertilizer": "no"}),
        ("Could you set the tax to 91%", {"tax": "91%"}),
    ],
)
def test_a_value_and_its_name(text: str, named: dict[str, str]) -> None:
    assert said(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "Zone: to be decided.",
        "Day: I don't know yet",
        "Region: TBD",
        "Color: any",
        "I don't want Napa for the region.",
        "Not Napa for the region, please.",
        "Region: Napa, no, Sonoma.",
        "Region: Napa - sorry, Sonoma",
        "Hotel: you choose, please",
        "Region: which one is best?",
        "The hotel: is it open?",
        "I come as the region.",
        "See https://example.org for the rest of it",
        "It is at 6:30.",
        "Zone:",
    ],
)
def test_what_names_no_value(text: str) -> None:
    names = {"zone", "day", "region", "color", "hotel"}
    assert not {name for name in said(text) if name.casefold() in names or name.startswith("http")}


@pytest.mark.parametrize(
    "text",
    [
        "Zone: we'll see.",
        "Zone: depends on the weather",
        "Zone: see below.",
        "Zone: n/a",
        "Zone: <zone>, liters: 20",
        "Zone: {{zone}}",
        "zone=$ZONE",
        "Zone: (to fill in)",
        "Zone: herbs (or the roses)",
        "Zone: noch offen",
        "Region: Napa is too expensive.",
        "Region: Rome or Milan",
        "Region: Rome, Milan or Naples.",
        "Budget: 20 - 30 dollars",
        "Budget: 10, 8, 6",
        "Budget: $40, is that enough?",
        "Region: Napa, if they have it",
        "Region: Napa, then Sonoma",
        "Region: current",
        "It is 20 dollars for the budget? No way.",
    ],
)
def test_what_is_open_hedged_or_one_of_several_is_no_value(text: str) -> None:
    assert not {name.casefold() for name in said(text)} & {"zone", "region", "budget"}


@pytest.mark.parametrize(
    "text",
    [
        "If the budget is $40, what is there?",
        "If you set the budget to $40, what is there?",
        "I doubt that the budget is $40.",
        "My boss decides whether the budget is $40.",
        "Last time the budget was: $40.",
        "Last time we had region: Napa.",
        "My friend said: budget: $40.",
        "The log says: zone: herbs, region: Napa",
        "Traceback:\n  budget: 40",
        "Here is my code:\nzone = 42",
        "After budget: $40",
        "Is the region: Napa, a good one?",
        "My mother would set the budget to $40.",
        "They want $40 for the budget.",
        "Its budget: $40.",
        "His budget: $40.",
        "To the hotel: my key is lost",
        "For the hotel: applause!",
        "Date of the region: Monday",
        "Hello hotel: my key is lost",
        "Don't use the region: Napa.",
        "Call connect(zone=herbs)",
        "See https://example.org/?zone=herbs",
    ],
)
def test_what_is_supposed_past_or_said_of_others_is_no_value(text: str) -> None:
    words = {word for name in said(text) for word in name.casefold().split()}
    assert not words & {"zone", "region", "hotel", "budget"}


def test_a_long_text_takes_no_long_time() -> None:
    began = time.process_time()
    for text in (
        "a: " * 20_000,
        "a: b" * 20_000,
        "x for the y " * 5_000,
        "make the a " * 10_000,
        "a and " * 20_000,
        "a: b, " * 9_000,
        "\n" * 20_000,
    ):
        list(named_values(text))
    assert time.process_time() - began < 20
