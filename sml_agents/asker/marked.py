"""Requests in which people marked what was told: the SNIPS benchmark of natural language understanding.

Its seven kinds of request are read as tools, whose required arguments are drawn anew for each row: so what a request
lacks is what its author did not say, and nothing was taken out by rule.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sml_agents.asker.pairs import varied
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.asker.rows import Example, Row, RowOf

__all__ = ["MarkedRequest", "is_marked", "marked_rows", "marked_tools"]

_LONGEST = 200
"""Characters of a request."""
_DRAFTED = 0.3


@dataclass(frozen=True)
class _Kind:
    """A kind of request as a tool: `slots` gives the argument for each mark, several marks may tell the same one."""

    name: str
    purpose: str
    arguments: tuple[Argument, ...]
    slots: Mapping[str, str]
    unclear: frozenset[str] = frozenset()
    """Marks with which it is a matter of opinion what was told: such requests are left out."""


def _kind(name: str, purpose: str, unclear: str = "", /, **slots: tuple[str, str]) -> _Kind:
    arguments = {argument: description for argument, description in slots.values()}
    return _Kind(
        name,
        purpose,
        tuple(Argument(one, text) for one, text in arguments.items()),
        {mark: argument for mark, (argument, _) in slots.items()},
        frozenset(unclear.split()),
    )


_KINDS = {
    "BookRestaurant": _kind(
        "book_restaurant",
        "Book a table at a restaurant.",
        party_size_number=("party_size", "How many people come"),
        party_size_description=("party_size", "How many people come"),
        timeRange=("time", "When the table is needed"),
        city=("city", "City of the restaurant"),
        state=("state", "State of the restaurant"),
        country=("country", "Country of the restaurant"),
        restaurant_name=("restaurant", "Name of the restaurant"),
        cuisine=("cuisine", "Cuisine that is wanted"),
        served_dish=("dish", "Dish that has to be on the menu"),
        facility=("facility", "What the place has to offer, such as parking"),
    ),
    "PlayMusic": _kind(
        "music.play",
        "Play music on a service.",
        artist=("artist", "Who plays"),
        service=("service", "Streaming service to play it on"),
        year=("year", "Year or decade of the music"),
        track=("track", "Title of the song"),
        album=("album", "Title of the album"),
        playlist=("playlist", "Name of the playlist"),
        genre=("genre", "Genre of the music"),
    ),
    "AddToPlaylist": _kind(
        "addToPlaylist",
        "Add a song, an album or an artist to a playlist.",
        playlist=("playlistName", "Playlist to add to"),
        artist=("artistName", "Artist of what is added"),
        entity_name=("title", "Title of the song or album to add"),
    ),
    "GetWeather": _kind(
        "get_weather_forecast",
        "Weather at a place.",
        "current_location geographic_poi spatial_relation",
        timeRange=("when", "Time of the forecast"),
        city=("city", ""),
        state=("state", ""),
        country=("country", ""),
        condition_description=("condition", "Kind of weather that is asked about, such as rain"),
        condition_temperature=("temperature", "Temperature that is asked about, such as cold"),
    ),
    "RateBook": _kind(
        "rate_book",
        "Rate a book.",
        object_name=("title", "Title of the book"),
        rating_value=("rating", "The rating given"),
        best_rating=("out_of", "The best rating there is"),
    ),
    "SearchScreeningEvent": _kind(
        "find_screenings",
        "Find when films are shown.",
        movie_name=("movie", "Title of the film"),
        location_name=("cinema", "Name of the cinema"),
        timeRange=("time", "When it is shown"),
    ),
    "SearchCreativeWork": _kind(
        "search_work",
        "Find a book, film, song or other work.",
        object_name=("title", "Title of the work"),
        object_type=("kind", "Whether it is a book, a film, a song or something else"),
    ),
}


@dataclass(frozen=True)
class MarkedRequest:
    """A request of one kind, and what it tells of each argument."""

    kind: str
    text: str
    told: Mapping[str, str]


def is_marked(content: Any) -> bool:
    """Whether what a file holds is in this form: kinds of request, of each a list of texts in pieces."""
    return isinstance(content, dict) and bool(content) and set(content) <= set(_KINDS)


def marked_tools() -> list[ToolView]:
    """The tools as which the kinds are read, all arguments being required."""
    return [ToolView(kind.name, kind.purpose, kind.arguments) for kind in _KINDS.values()]


def requests_in(content: Mapping[str, Sequence[Any]]) -> Iterator[MarkedRequest]:
    """The requests that a file holds. Raises KeyError or TypeError where a request is in no pieces of text."""
    for name, rows in content.items():
        kind = _KINDS[name]
        for row in rows:
            text = " ".join("".join(piece["text"] for piece in row["data"]).split())
            marks = {piece["entity"]: piece["text"].strip() for piece in row["data"] if "entity" in piece}
            told = {kind.slots[mark]: words for mark, words in marks.items() if mark in kind.slots and words}
            if told and not kind.unclear & set(marks) and len(text) < _LONGEST:
                yield MarkedRequest(name, text, told)


def marked_rows(content: Mapping[str, Sequence[Any]]) -> list[RowOf]:
    """Draws of rows, one for each request of the file."""
    by_kind: dict[str, list[MarkedRequest]] = {}
    for one in requests_in(content):
        by_kind.setdefault(one.kind, []).append(one)
    return [partial(_row, one, group) for group in by_kind.values() for one in group]


def _row(one: MarkedRequest, group: Sequence[MarkedRequest], rng: random.Random) -> Row:
    """The request, with another one that tells what this one does not, of a tool that requires what either tells."""
    kind = _KINDS[one.kind]
    drawn = rng.sample(group, min(12, len(group)))
    other = max(drawn, key=lambda some: len(set(some.told) - set(one.told)))
    names = sorted({*one.told, *other.told})
    rng.shuffle(names)
    names = names[:4]
    arguments = [argument for argument in kind.arguments if argument.name in names]
    rng.shuffle(arguments)
    examples = []
    for request in (one, other):
        values = {name: request.told.get(name) for name in names}
        drafts = {}
        for name in names:
            if rng.random() < _DRAFTED:
                elsewhere = rng.choice(group).told.get(name)
                if (told := request.told.get(name)) and (rng.random() < 0.6 or not elsewhere):
                    drafts[name] = (told, True)
                elif elsewhere and elsewhere.casefold() not in request.text.casefold():
                    drafts[name] = (elsewhere, False)
        examples.append(Example((Said("user", request.text),), values, drafts))
    return Row(varied(ToolView(kind.name, kind.purpose, tuple(arguments)), rng), tuple(examples))
