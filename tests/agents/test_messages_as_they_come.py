"""Messages of many pages, with pictures between the words, and picks from a long offer."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from sml_agents.agents.evidence import Request
from sml_agents.agents.grounding import ground
from sml_agents.agents.slots import slots_of
from tests.agents.test_wanted import CLOCK, DAY, NUMBER, TEXT, asked_for, tool
from tests.pace import within


@pytest.mark.parametrize(
    "sentence", ["Rome was 200 a night on 3 May, my sister said. ", "Rome was 200 a night on 3 May and so "]
)
def test_a_message_of_many_pages_takes_seconds_and_tells_what_it_tells(sentence: str) -> None:
    flight = tool("book", origin=TEXT, destination=TEXT, date=DAY, seats=NUMBER)
    call = {"origin": "Oslo", "destination": "Turin", "date": "2026-05-07", "seats": 4}
    pages = sentence * (50_000 // len(sentence))
    with within(30):
        assert asked_for(flight, call, f"{pages} Book it from Oslo to Turin on 7 May.") == {"seats"}


def test_words_on_both_sides_of_a_picture_are_two_stretches() -> None:
    blocks: list[Any] = [
        {"type": "text", "text": "A flight from Oslo to Rome"},
        {"type": "image", "url": "https://example.com/rome.png"},
        {"type": "text", "text": "on 5 May, for two"},
    ]
    flight = tool("book", origin=TEXT, destination=TEXT, date=DAY, seats=NUMBER)
    call = {"origin": "Oslo", "destination": "Rome", "date": "2026-05-05", "seats": 2}
    request = Request.read([HumanMessage(blocks)], lambda name: name == "book").for_tool("book")
    assert {one.slot.name for one in ground(call, slots_of(flight), request, CLOCK) if not one.ok} == set()


def test_what_is_picked_from_a_long_offer_is_counted_in_the_whole_of_it() -> None:
    hotel = tool("book_hotel", hotel=TEXT)
    offer = f"{'We have many, quiet ones too. ' * 80}Shall it be Hotel Zach, Hotel Krone or Hotel Post?"
    said = ("A hotel, please.", offer, "the second one")
    assert asked_for(hotel, {"hotel": "Hotel Krone"}, *said) == set()
    assert asked_for(hotel, {"hotel": "Hotel Post"}, *said) == {"hotel"}
