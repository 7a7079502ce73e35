"""What a text says, in the form in which a call has it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sml_agents.text.values import Clock
from sml_agents.text.values.forms import formed, kind_by_form, today_in

CLOCK = Clock(dt.datetime(2026, 11, 27))


@pytest.mark.parametrize(
    ("schema", "name", "sort"),
    [
        ({"type": "string", "format": "date"}, "x", "date"),
        ({"type": "string", "description": "First night, YYYY-MM-DD."}, "x", "date"),
        ({"type": "string", "description": "24-hour time as HH:MM"}, "x", "time"),
        ({"type": "string", "description": "YYYY-MM-DD HH:MM"}, "x", "datetime"),
        ({"type": "string", "description": "Day of the visit"}, "day", "text"),
        ({"type": "integer", "description": "Day, as in YYYY-MM-DD"}, "x", "number"),
        ({"enum": ["a", "b"]}, "x", "enum"),
    ],
)
def test_the_form_that_a_schema_states(schema: dict[str, Any], name: str, sort: str) -> None:
    assert kind_by_form(schema, name).sort == sort


@pytest.mark.parametrize(
    ("schema", "text", "values"),
    [
        ({"type": "integer"}, "Six of us on 7 May at 8 pm for 2 hours, table 14", [6, 2, 14]),
        ({"type": "integer", "description": "Minutes."}, "an hour and a half, at 8 pm", [90]),
        ({"type": "integer"}, "half a dozen of A-7093 for $1,050", [6, 1050]),
        ({"type": "number"}, "0.001 mol and $1.250", [0.001, 1250]),
        ({"type": "integer"}, "another one for two, and one for the other one", [2, 1]),
        ({"type": "number"}, "3000 m and 1.5M", [3000, 1500000]),
        ({"type": "string", "format": "date"}, "born on 5 May 1990, moving tomorrow", ["1990-05-05", "2026-11-28"]),
        ({"type": "string", "format": "time"}, "from noon to quarter past 3 pm", ["12:00", "15:15"]),
        ({"type": "string", "format": "date-time"}, "on 5 May 2027", []),
        ({"type": "string", "pattern": "^ORD-\\d+$"}, "not ORD-1 but ORD-22", ["ORD-22"]),
        ({"type": "string"}, "anything", None),
        ({"type": "boolean"}, "yes", None),
    ],
)
def test_every_value_of_a_kind(schema: dict[str, Any], text: str, values: list[Any] | None) -> None:
    found = formed(kind_by_form(schema, "it"), text, CLOCK)
    assert values == (None if found is None else [one.value for one in found])
    for one in found or ():
        assert 0 <= one.span.start < one.span.end <= len(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Today is Monday, 5 April 2027. On Friday, please.", dt.date(2027, 4, 5)),
        ("(Today: 5 April 2027.)", dt.date(2027, 4, 5)),
        ("The date today is Thursday, 8 April 2027.", dt.date(2027, 4, 8)),
        ("Note that it's Monday, 6 April 2026.", dt.date(2026, 4, 6)),
        ("For your reference, today's date is 2027-04-05.", dt.date(2027, 4, 5)),
        ("Current date: Friday, 8 October 2027.", dt.date(2027, 10, 8)),
        ("We have Thursday, 19 February 2026 today.", dt.date(2026, 2, 19)),
        ("I need it today, the flight is on 5 April 2027.", None),
        ("It's 5 April 2027 that I leave.", None),
        ("It is Monday.", None),
        ("On Monday, 5 April 2027", None),
    ],
)
def test_which_day_it_is(text: str, day: dt.date | None) -> None:
    found = today_in(["Hello.", text])
    assert (None if found is None else found[2]) == day
    if found is not None:
        place, span, _ = found
        rest = text[: span.start] + text[span.end :]
        assert place == 1 and not formed(kind_by_form({"format": "date"}, "it"), rest.split(" On ")[0], CLOCK)
