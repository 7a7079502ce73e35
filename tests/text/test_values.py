"""Comparing values as people say them: what is said, and what only looks like it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sml_agents.text.values import Clock, find, kind_of, mentions, same
from sml_agents.text.values.words import find_part

CLOCK = Clock(dt.datetime(2026, 11, 26, 12))  # a Thursday
TEXT = {"type": "string"}
DATE = {"type": "string", "format": "date"}
TIME = {"type": "string", "format": "time"}
WHEN = {"type": "string", "format": "date-time"}
NUMBER = {"type": "number"}
COUNT = {"type": "integer"}
FLAG = {"type": "boolean"}
SIZE = {"enum": ["S", "M", "L"]}
CABIN = {"enum": ["economy", "business", "first"]}
KIND = {"enum": ["Music", "Theater", "Comedy", "Romance", "Classic", "Personal"]}
GLOSSED = {"enum": ["Music", "Sports"], "description": "What to see: Music (concert, gig), Sports (match or game)."}
ORDER = {"type": "string", "pattern": r"^ORD-\d{4}$"}


def said(schema: dict[str, Any], name: str, value: Any, text: str, clock: Clock = CLOCK) -> bool:
    return bool(find(kind_of(schema, name, value), value, text, clock))


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("Leave on 5 May", "2027-05-05"),
        ("on May 5th", "2027-05-05"),
        ("the 5th of May 2028", "2028-05-05"),
        ("2027-05-05 please", "2027-05-05"),
        ("am 5. Mai nach Rom", "2027-05-05"),
        ("le 5 mai 2027", "2027-05-05"),
        ("el 5 de mayo", "2027-05-05"),
        ("5 \u043c\u0430\u044f", "2027-05-05"),
        ("2027\u5e745\u67085\u65e5\u51fa\u53d1", "2027-05-05"),
        ("5/6/2027", "2027-06-05"),
        ("5/6/2027", "2027-05-06"),
        ("5.6.2027", "2027-06-05"),
        ("tomorrow", "2026-11-27"),
        ("the day after tomorrow", "2026-11-28"),
        ("\u00fcbermorgen", "2026-11-28"),
        ("in two weeks", "2026-12-10"),
        ("in zwei Wochen", "2026-12-10"),
        ("this Friday", "2026-11-27"),
        ("next Friday", "2026-11-27"),
        ("next Friday", "2026-12-04"),
        ("n\u00e4chsten Dienstag", "2026-12-01"),
        ("a week from Friday", "2026-12-04"),
        ("on the 5th", "2026-12-05"),
        ("on the 12th of next month", "2026-12-12"),
        ("at the end of the month", "2026-11-30"),
        ("on Christmas Eve", "2026-12-24"),
        ("from 3 to 7 June", "2027-06-03"),
        ("from 3 to 7 June", "2027-06-07"),
        ("No. The 5th.", "2026-12-05"),
        ("I need it march 1st", "2027-03-01"),
        ("January 22 at 21:00", "2027-01-22"),
    ],
)
def test_a_date_is_said(words: str, day: str) -> None:
    assert said(DATE, "day", day, words)


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("not on Monday", "2026-11-30"),
        ("any day except 5 May", "2027-05-05"),
        ("I was born on 3 March 1990", "1990-03-03"),
        ("Last Friday I was ill", "2026-11-20"),
        ("I want to march 5 km", "2027-03-05"),
        ("I may come with 5 people", "2027-05-05"),
        ("send 12.50 to Bob", "2027-12-05"),
        ("on 5 May", "2027-05-06"),
        ("on 5 May", "2024-05-05"),
        ("this Friday", "2026-12-04"),
        ("c'est mon vol", "2026-11-30"),
        ("I sat in the sun", "2026-11-28"),
    ],
)
def test_no_date_is_said(words: str, day: str) -> None:
    assert not said(DATE, "day", day, words)


def test_a_birthday_is_the_date_of_birth() -> None:
    assert said(DATE, "date_of_birth", "1990-03-03", "I was born on 3 March 1990")


def test_without_a_clock_only_what_needs_none_is_compared() -> None:
    blind = Clock(CLOCK.now, known=False)
    assert said(DATE, "day", "2023-05-05", "on 5 May", blind)
    assert said(DATE, "day", "2023-10-06", "this Friday", blind) and not said(
        DATE, "day", "2023-10-05", "Friday", blind
    )
    assert not said(DATE, "day", "2026-11-27", "tomorrow", blind)


@pytest.mark.parametrize(
    ("words", "time", "right"),
    [
        ("half past seven", "19:30", True),
        ("half past seven in the evening", "07:30", False),
        ("um halb acht", "07:30", True),
        ("quarter to 8", "19:45", True),
        ("at 7 pm", "19:00", True),
        ("19 Uhr", "19:00", True),
        ("at noon", "12:00", True),
        ("8 in the evening", "20:00", True),
        ("at seven, please", "07:00", True),
        ("around evening 5 thanks", "17:00", True),
        ("with an afternoon 12 pick up time", "12:00", True),
        ("in the morning 9:45", "09:45", True),
        ("this evening 5 people come", "17:00", True),
        ("this evening 5 guests come", "17:00", False),
        ("a table for 7", "07:00", False),
        ("at 7 pm", "07:00", False),
        ("from 5 to 7 people", "07:00", False),
    ],
)
def test_times(words: str, time: str, right: bool) -> None:
    assert said(TIME, "time", time, words) is right


@pytest.mark.parametrize(
    ("name", "value", "words", "right"),
    [
        ("amount", 12.5, "send 12.50 to Bob", True),
        ("amount", 1200, "pay $1,200", True),
        ("amount", 1234.56, "1.234,56 Euro", True),
        ("amount", 5000, "about 5k", True),
        ("amount", 45, "forty-five dollars", True),
        ("guests", 7, "seven of us", True),
        ("guests", 2, "f\u00fcr zwei Personen", True),
        ("rooms", 1, "I want a room", True),
        ("nights", 3, "for 3 nights", True),
        ("minutes", 90, "an hour and a half", True),
        ("minutes", 75, "an hour and a quarter", True),
        ("minutes", 60, "an hour and a quarter", False),
        ("hours", 2.5, "two hours and a half", True),
        ("minutes", 60, "an hour and a quarter of the cake", True),
        ("months", 6, "for half a year", True),
        ("months", 18, "a year and a half", True),
        ("months", 24, "a two-year plan", True),
        ("months", 14, "a year and two months", True),
        ("months", 6, "ein halbes Jahr", True),
        ("months", 12, "half a year", False),
        ("years", 1.5, "for 18 months", True),
        ("days", 60, "two months", True),
        ("days", 7, "for a week", True),
        ("year", 2022, "in February 2022", True),
        ("month", 2, "in February 2022", True),
        ("floor", 3, "we live on the 3rd floor", True),
        ("floor", 2, "we live on the 3rd floor, not the second floor", False),
        ("guests", 3, "for 3 nights", False),
        ("guests", 5, "on 5 May", False),
        ("guests", 7, "at 7 pm", False),
        ("guests", 4711, "order ORD-4711", False),
        ("amount", 12, "send 12.50 to Bob", False),
        ("days", 5, "from 5 March", False),
    ],
)
def test_numbers(name: str, value: float, words: str, right: bool) -> None:
    assert said(NUMBER, name, value, words) is right


IN_MINUTES, IN_EUROS = {**COUNT, "description": "Duration in minutes"}, {**NUMBER, "description": "Amount in euros"}


@pytest.mark.parametrize(
    ("schema", "name", "value", "words", "right"),
    [
        (COUNT, "minutes", 2, "Water the roses for 2 hours.", False),
        (COUNT, "num_minutes", 2, "for 2 hours", False),
        (IN_MINUTES, "duration", 2, "for 2 hours", False),
        (COUNT, "minutes", 120, "for 2 hours", True),
        (COUNT, "minutes", 19, "Water the roses and set the bedroom to 19 degrees.", False),
        (COUNT, "minutes", 40, "with 40 litres", False),
        (COUNT, "minutes", 12, "Water the 12 roses.", False),
        (COUNT, "minutes", 12, "make it 12 instead", True),
        (COUNT, "minutes", 45, "45 works for me", True),
        (COUNT, "minutes", 10, "10 mins please", True),
        (COUNT, "minutes", 5, "5 minutos", True),
        (COUNT, "hours", 30, "for 30 minutes", False),
        (COUNT, "seconds", 30, "30 secs", True),
        (COUNT, "days", 2, "2 weeks", False),
        (COUNT, "days", 14, "2 weeks", True),
        (NUMBER, "miles", 20, "a 20 km run", False),
        (NUMBER, "miles", 20, "20 miles", True),
        (NUMBER, "liters", 20, "20 litres", True),
        (NUMBER, "amount_eur", 20, "$20", False),
        (IN_EUROS, "amount", 20, "pay 20 dollars", False),
        (IN_EUROS, "amount", 20, "pay 20 euros", True),
        (NUMBER, "amount", 20, "pay 20 dollars", True),
        ({**NUMBER, "description": "Most that a night may cost"}, "price_per_night", 200, "200 dollars a night", True),
        (NUMBER, "celsius", 19, "19 degrees", True),
        (NUMBER, "celsius", 20, "for 20 minutes", False),
        (COUNT, "age", 30, "he is 30 years old", True),
    ],
)
def test_a_number_with_a_unit_is_of_an_argument_that_counts_in_it(
    schema: Any, name: str, value: float, words: str, right: bool
) -> None:
    assert said(schema, name, value, words) is right


@pytest.mark.parametrize(
    ("schema", "name", "value", "words", "right"),
    [
        (SIZE, "size", "M", "a medium shirt", True),
        (SIZE, "size", "M", "size M please", True),
        (SIZE, "size", "M", "I'm looking for a shirt", False),
        (SIZE, "size", "S", "Tom's shirt", False),
        (SIZE, "size", "L", "anything but large", False),
        (CABIN, "cabin", "first", "in first class", True),
        (CABIN, "cabin", "first", "First of all, book Paris", False),
        (CABIN, "cabin", "first", "the first time I fly", False),
        (CABIN, "cabin", "first", "anything but first class", False),
        (CABIN, "cabin", "business", "a business trip in economy", True),
        ({"enum": ["one_way", "round_trip"]}, "kind", "one_way", "a one-way flight", True),
        ({"enum": ["damaged", "late"]}, "reason", "damaged", "it was late", False),
        ({"enum": [", air", "lamp, on"]}, "command", "lamp, on", "turn the lamp on", True),
        ({"enum": ["fast", "any"]}, "speed", "any", "I don't care", True),
        (ORDER, "order", "ORD-4711", "refund ORD-4711, it was late", True),
        (ORDER, "order", "ORD-4711", "refund ORD-47112", False),
        (FLAG, "gift_wrap", True, "gift wrapped, please", True),
        (FLAG, "gift_wrap", False, "no gift wrap", True),
        (FLAG, "gift_wrap", True, "without gift wrap", False),
        (FLAG, "gift_wrap", True, "a gift", False),
        (WHEN, "start", "2027-06-03T09:00:00", "3 June at 9 am", True),
        (WHEN, "start", "2027-06-03T10:00:00", "3 June at 9 am", False),
        (KIND, "kind", "Music", "a musical performance", True),
        (KIND, "kind", "Theater", "a theatre play", True),
        (KIND, "kind", "Theater", "a theatrical evening", True),
        (KIND, "kind", "Comedy", "I love comedians", True),
        (KIND, "kind", "Romance", "romantic films", True),
        (KIND, "kind", "Classic", "in economy class", False),
        (KIND, "kind", "Personal", "for one person", False),
        (KIND, "kind", "Romance", "a trip to Rome", False),
        (GLOSSED, "category", "Music", "a concert in Rome", True),
        (GLOSSED, "category", "Music", "some gigs", True),
        (GLOSSED, "category", "Sports", "a football match", True),
        (GLOSSED, "category", "Sports", "a concert in Rome", False),
        (GLOSSED, "category", "Music", "something to do in Rome", False),
        ({"type": "integer", "description": "1 for Bangkok, 2 for Chiang Mai"}, "province", 1, "in Bangkok", True),
        ({"type": "integer", "description": "1 for Bangkok, 2 for Chiang Mai"}, "province", 2, "in Bangkok", False),
    ],
)
def test_choices_codes_and_flags(schema: Any, name: str, value: Any, words: str, right: bool) -> None:
    assert said(schema, name, value, words) is right


@pytest.mark.parametrize(
    ("value", "words", "right"),
    [
        ("New York", "book NYC", True),
        ("NYC", "book New York", True),
        ("Los Angeles", "from LAX", True),
        ("San Francisco", "to San Fran", True),
        ("Paris, France", "paris, please", True),
        ("paris", "Paris, France", True),
        ("Portland, OR", "Portland, ME", False),
        ("Z\u00fcrich", "to zurich", True),
        ("\u5317\u4eac", "\u6211\u60f3\u53bb\u5317\u4eac", True),
        (
            "\u041c\u043e\u0441\u043a\u0432\u0430",
            "\u043c\u043e\u0441\u043a\u0432\u0430 \u0437\u0430\u0432\u0442\u0440\u0430",
            True,
        ),
        ("bob@example.com", "mail bob@example.com", True),
        ("+49 170 1234567", "call +49 (170) 123-4567", True),
        ("the screen is broken", "My laptop's screen broke", True),
        ("the screen is broken", "the keyboard is broken", False),
        ("broken screen", "the screen is broken", True),
        ("Par", "Paris", False),
        ("Rome", "anything but Rome", False),
        ("ORD-0001", "ORD-4711", False),
        ("San Diego", "San Jose", False),
        ("Las Vegas", "I like to go to vegas", True),
        ("New York", "to York", False),
        ("Philadelphia", "a museum in Philly", True),
        ("Chicago", "the weather in Chi-town", True),
        ("Atlanta", "a concert in ATL", True),
        ("Atlanta", "from at least one", False),
        ("San Francisco", "I want a mall in sf", True),
        ("San Francisco", "Tell Sf about Rome", False),
        ("partridge", "a party", False),
        ("Marseille", "with Mary", False),
    ],
)
def test_names_and_other_texts(value: str, words: str, right: bool) -> None:
    assert said(TEXT, "value", value, words) is right


@pytest.mark.parametrize(
    ("words", "named", "right"),
    [
        ("Make it the Thunderbird", ["Try the Thunderbird Boutique Hotel."], True),
        ("Thunderbird Boutique, please", ["Try the Thunderbird Boutique Hotel."], True),
        ("not the Thunderbird", ["Try the Thunderbird Boutique Hotel."], False),
        ("the Thunderbird", ["Try the Sunset Inn."], False),
        ("the Thunderbird", ["Thunderbird Boutique Hotel or Thunderbird Lodge?"], False),
        ("the hotel", ["Try the Thunderbird Boutique Hotel."], False),
        ("the Thunderbird", [], False),
    ],
)
def test_a_name_that_was_given_is_picked_out_by_its_first_words(words: str, named: list[str], right: bool) -> None:
    assert bool(find_part("Thunderbird Boutique Hotel", words, named)) is right


def test_every_value_of_a_kind_is_found_with_its_place() -> None:
    text = "Leave on 5 May, back on 9 May, not on 11 May."
    found = mentions(kind_of(DATE), text, CLOCK)
    assert [(text[one.span.start : one.span.end], one.denied) for one in found] == [
        ("5 May", False),
        ("9 May", False),
        ("11 May", True),
    ]
    assert [one.value for one in mentions(kind_of(CABIN, "cabin"), "first class, else business", CLOCK)] == [
        "first",
        "business",
    ]


@pytest.mark.parametrize(
    ("schema", "one", "other", "right"),
    [
        (DATE, "5 May 2027", "2027-05-05", True),
        (DATE, "2027-05-05", "05/05/2027", True),
        (DATE, "2027-05-05", "2027-05-06", False),
        (NUMBER, "12.50", 12.5, True),
        (TIME, "7 pm", "19:00", True),
        ({"enum": ["one_way"]}, "One Way", "one_way", True),
        (TEXT, "paris", "Paris", True),
        (TEXT, "Paris", "Rome", False),
    ],
)
def test_two_values_are_one(schema: Any, one: Any, other: Any, right: bool) -> None:
    assert same(kind_of(schema, "x", other), one, other, CLOCK) is right


def test_long_and_odd_texts_end_soon() -> None:
    """Linear work: a page of dates, digits and signs takes no longer than a moment."""
    text = "on 5 May at 7 pm for 3 nights, " * 300 + "1" * 5000 + "(" * 2000 + "\ud83d" + "a-" * 3000
    for schema in (DATE, TIME, NUMBER, SIZE, ORDER, FLAG, TEXT, WHEN):
        find(kind_of(schema, "x", "5"), "2027-05-05", text, CLOCK)


@pytest.mark.parametrize(
    ("schema", "sort"),
    [
        ({"type": ["integer", "null"]}, "number"),
        ({"type": ["null", "boolean"]}, "bool"),
        ({"type": ("number",)}, "number"),
        ({"type": ["string", "integer"], "format": "date"}, "date"),
        ({"type": {"$ref": "#"}, "format": "date"}, "date"),
        ({"type": [{}, "integer"]}, "number"),
        ({"type": [["integer"]]}, "text"),
        ({"type": 3}, "text"),
        ({"enum": [["red"], ["blue"]], "type": "array"}, "text"),
        ({"enum": [{"a": 1}]}, "text"),
        ({"enum": ["red", {"a": 1}]}, "text"),
        ({"enum": ["red", None]}, "enum"),
        ({"enum": {"red": 1}}, "text"),
        ({"enum": [{}], "pattern": "[A-Z]+"}, "pattern"),
    ],
)
def test_the_kind_of_a_schema_in_whatever_form(schema: dict[str, Any], sort: str) -> None:
    kind = kind_of(schema, "colour")
    assert kind.sort == sort
    assert mentions(kind, "Red on 5 May, or three of AB.", Clock(dt.datetime(2026, 1, 1))) is not None


UNIT = {"enum": ["cm", "in", "ft", "yd"]}
COUNTRY = {"enum": ["us", "de", "it", "fr"]}


@pytest.mark.parametrize(
    ("schema", "text", "values"),
    [
        (UNIT, "In feet, ideally.", ["ft"]),
        (UNIT, "in inches please", ["in"]),
        (UNIT, "measured in centimetres", ["cm"]),
        (UNIT, "40 yards of it", ["yd"]),
        (UNIT, "a board of 5 in, please", ["in"]),
        (UNIT, "unit: in", ["in"]),
        (UNIT, "in", ["in"]),  # the answer to a question
        (UNIT, "put it in the box", []),
        (UNIT, "In the box, please", []),
        (COUNTRY, "tell us about it", []),
        (COUNTRY, "ship it to the US", ["us"]),
        (COUNTRY, "somewhere in the us", ["us"]),
        (COUNTRY, "it is late", []),
        (COUNTRY, "TELL US ABOUT IT", []),  # capitals say nothing there
        ({"enum": ["kg", "lb"]}, "200 lbs", ["lb"]),
        ({"enum": ["kg", "lb"]}, "30 pounds sterling", []),
        ({"enum": ["kg", "lb"]}, "5kg of flour", ["kg"]),  # right behind a figure
        ({"enum": ["kilograms", "pounds"]}, "5 kilos", ["kilograms"]),  # by the other names of a unit
        ({"enum": ["kilograms", "pounds"]}, "in kg", ["kilograms"]),
        ({"enum": ["meters", "feet"]}, "2.5m", ["meters"]),
        ({"enum": ["m", "ft"]}, "100 m", ["m"]),
        ({"enum": ["m", "ft"]}, "i'm Tom", []),
        ({"enum": ["C", "F"]}, "70f", ["F"]),
        ({"enum": ["celsius", "fahrenheit"]}, "21\u00b0C", ["celsius"]),
        ({"enum": ["S", "M", "L"]}, "a bottle of 2 liters, 5 m away", []),  # sizes are no units
        ({"enum": ["ml", "gal"]}, "500 ml", ["ml"]),
        ({"enum": ["m", "yd"]}, "2.5 meters from the yard", ["m"]),
        ({"enum": ["m", "ft"]}, "by foot to the parking meter", []),
        ({"enum": ["m", "ft"]}, "a six foot ladder", ["ft"]),
        (UNIT, "at 5 in the evening", []),
        (UNIT, "I need 2 in red", []),
        ({"enum": ["OR", "NY"]}, "call me at 5 or 6", []),
        ({"enum": ["USD", "EUR"]}, "in us dollars", ["USD"]),
        ({"enum": ["USD", "EUR"]}, "20 canadian dollars", []),  # another country's
        ({"enum": ["USD", "CAD"]}, "20 canadian dollars", ["CAD"]),
        ({"enum": ["yes", "no", "abstain"]}, "I am voting in favor", ["yes"]),
        ({"enum": ["yes", "no", "abstain"]}, "we vote against it", ["no"]),
    ],
)
def test_short_names_of_choices_and_units(schema: dict[str, Any], text: str, values: list[str]) -> None:
    assert [one.value for one in mentions(kind_of(schema, "unit"), text, CLOCK)] == values
