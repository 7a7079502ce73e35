"""A choice that is told by another word: what a dictionary tells, and what only has to do with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agents.test_wanted import TEXT, asked_for, tool

EVENTS = tool("find_events", city=TEXT, event_type={"enum": ["Music", "Sports", "Theater"]})
FILMS = tool("find_movies", genre={"type": "string", "description": "Category of the content"})
EATING = tool("find_restaurant", area=TEXT, cuisine={"type": "string", "description": "Cuisine of food served"})
FLIGHT = tool("book_flight", city=TEXT, seat_class={"enum": ["economy", "business", "first"]})
GAME = tool("find_game", title={"type": "string", "description": "Name of the game"})

TOLD: list[tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    (EVENTS, {"city": "Oslo", "event_type": "Music"}, ("I would like to go to a concert in Oslo.",)),
    (EVENTS, {"city": "Oslo", "event_type": "Music"}, ("Any rock concerts in Oslo?",)),
    (EVENTS, {"city": "Oslo", "event_type": "Sports"}, ("Find some games in Oslo",)),
    (EVENTS, {"city": "Oslo", "event_type": "Sports"}, ("I'm in Oslo and love soccer events.",)),
    (
        EVENTS,
        {"city": "Oslo", "event_type": "Music"},
        ("What is on in Oslo?", "Which event type do you prefer?", "Something with a singer"),
    ),
    (FILMS, {"genre": "Comedy"}, ("Show me some funny movies.",)),
    (EATING, {"area": "Oslo", "cuisine": "Italian"}, ("I feel like pizza, somewhere in Oslo.",)),
    (EATING, {"area": "Oslo", "cuisine": "Seafood"}, ("Where in Oslo can I eat lobster?",)),
]
NOT_TOLD: list[tuple[set[str], dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    ({"event_type"}, EVENTS, {"city": "Oslo", "event_type": "Music"}, ("Find something fun to do in Oslo.",)),
    ({"event_type"}, EVENTS, {"city": "Oslo", "event_type": "Theater"}, ("I would like a concert in Oslo.",)),
    ({"event_type"}, EVENTS, {"city": "Oslo", "event_type": "Music"}, ("What is on in Oslo? No concerts, please.",)),
    ({"event_type"}, EVENTS, {"city": "Oslo", "event_type": "Music"}, ("Sports in Oslo, as last year's concert.",)),
    ({"event_type"}, EVENTS, {"city": "Oslo", "event_type": "Music"}, ("A concert or a game in Oslo, which is on?",)),
    (
        {"event_type"},
        EVENTS,
        {"city": "Oslo", "event_type": "Music"},
        ("We went to a concert yesterday. What can we do in Oslo tonight?",),
    ),
    (
        {"event_type"},
        EVENTS,
        {"city": "Oslo", "event_type": "Music"},
        ("I heard a concert last week. What is on in Oslo?",),
    ),
    (
        {"event_type"},
        EVENTS,
        {"city": "Oslo", "event_type": "Music"},
        ("We did music last week. Find tickets in Oslo for tonight",),
    ),
    (
        {"event_type"},
        EVENTS,
        {"city": "Oslo", "event_type": "Music"},
        ("My sister is off to a concert. What is on in Oslo?",),
    ),
    ({"event_type"}, EVENTS, {"city": "Oslo", "event_type": "Music"}, ("Events in Oslo near the concert hall",)),
    ({"genre"}, FILMS, {"genre": "Comedy"}, ("Find a movie.", "Which genre?", "Nothing funny")),
    ({"genre"}, FILMS, {"genre": "Comedy"}, ("That is a funny idea. Find me a movie.",)),
    ({"cuisine"}, EATING, {"area": "Oslo", "cuisine": "Thai"}, ("I feel like pizza, somewhere in Oslo.",)),
    (
        {"seat_class"},
        FLIGHT,
        {"city": "Berlin", "seat_class": "business"},
        ("My company has a meeting in Berlin, fly me there.",),
    ),
    ({"title"}, GAME, {"title": "Chess"}, ("Find me a board game.",)),
]


@pytest.mark.parametrize(("wanted", "call", "said"), TOLD)
def test_a_word_that_is_or_describes_what_is_chosen_tells_it(
    wanted: dict[str, Any], call: dict[str, Any], said: tuple[str, ...]
) -> None:
    assert asked_for(wanted, call, *said) == set()


@pytest.mark.parametrize(("missing", "wanted", "call", "said"), NOT_TOLD)
def test_a_word_that_only_has_to_do_with_it_does_not(
    missing: set[str], wanted: dict[str, Any], call: dict[str, Any], said: tuple[str, ...]
) -> None:
    assert asked_for(wanted, call, *said) == missing


FAN = tool("set_climate", room=TEXT, mode={"enum": ["heat", "cool", "fan"]})
RETURN = tool("return_order", order_id=TEXT, reason={"enum": ["damaged", "wrong item", "late"]})


@pytest.mark.parametrize(
    ("missing", "wanted", "call", "said"),
    [
        ({"mode"}, FAN, {"room": "study", "mode": "fan"}, "I'm a big fan of this system! Now do the study, please."),
        (set(), FAN, {"room": "study", "mode": "fan"}, "I'd like the fan. It is for the study, please."),
        (set(), FAN, {"room": "study", "mode": "fan"}, "I'm in the study and the fan is what I need."),
        (set(), FAN, {"room": "study", "mode": "fan"}, "Fan on in the study. I am too hot!"),
        (set(), RETURN, {"order_id": "A-1", "reason": "damaged"}, "It came damaged. Return A-1, please."),
    ],
)
def test_a_choice_in_a_statement_beside_the_request_is_none(
    missing: set[str], wanted: dict[str, Any], call: dict[str, Any], said: str
) -> None:
    assert asked_for(wanted, call, said) == missing
