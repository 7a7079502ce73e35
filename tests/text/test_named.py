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


def test_a_long_text_takes_no_long_time() -> None:
    began = time.process_time()
    for text in ("a: " * 20_000, "a: b" * 20_000, "x for the y " * 5_000, "make the a " * 10_000, "a and " * 20_000):
        list(named_values(text))
    assert time.process_time() - began < 20
