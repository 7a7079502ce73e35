"""Numbers, dates and times that stand close together, and in which of them a figure belongs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from sml_agents.text.values import Clock, find, kind_of

CLOCK = Clock(dt.datetime(2026, 9, 14, 12))
COUNT = {"type": "integer"}
AMOUNT = {"type": "number"}
DAY = {"type": "string", "format": "date"}
TIME = {"type": "string", "format": "time"}


@pytest.mark.parametrize(
    ("name", "schema", "value", "text"),
    [
        ("chairs", COUNT, 40, "On 1 July, forty chairs, please"),
        ("mourners", COUNT, 40, "the 20th of November, about forty people"),
        ("people", COUNT, 2, "a room for two on Thursday, three hours"),
        ("room", COUNT, 33, "please ring me in 33 tomorrow morning"),
        ("guests", COUNT, 35, "a week from today, and 35 of us"),
        ("price", AMOUNT, 1.62, "the car drinks seven, diesel's at 1.62. What will I pay?"),
        ("consumption", AMOUNT, 6.3, "it takes 6.3. We go 1250 km"),
        ("opacity", AMOUNT, 0.3, "watermark it at 0.3 upper left"),
        ("p1", AMOUNT, 0.3, "sample size for p1 .3 p2 .45"),
        ("interest_pct", AMOUNT, 3.4, "at 3.4 percent for 25 years"),
        ("level", AMOUNT, 0.95, "a 95 % interval"),
        ("width_m", AMOUNT, 5.4, "for a wall 5.4 m wide"),
        ("radius_m", COUNT, 3000, "within 3000 m of Exit 12"),
        ("budget", COUNT, 5_000_000, "a budget of 5m"),
        ("height_cm", COUNT, 168, "im 168cm"),
        ("stock_molar", AMOUNT, 5, "dilute 5M salt"),
        ("copies", COUNT, 2, "ramen x2"),
        ("student_no", COUNT, 8831, "number 8831: her marks on paper"),
        ("floor", COUNT, 4, "the 4th floor"),
        ("date", DAY, "2026-09-17", "Cedar on Thursday from ten o'clock"),
        ("date", DAY, "2026-09-21", "snooze it to Monday 8 am"),
        ("back", DAY, "2027-05-21", "out on 19 May, in on 21 May"),
        ("date", DAY, "2027-05-12", "on the twelfth of May 2027"),
        ("start", DAY, "2026-11-02", "from 2 to 6 November 2026"),
        ("time", TIME, "06:30", "six thirty in the morning"),
        ("time", TIME, "16:00", "four in the afternoon, that leaves time"),
        ("time", TIME, "18:30", "dinner at half six"),
    ],
)
def test_a_value_is_found(name: str, schema: Any, value: Any, text: str) -> None:
    assert find(kind_of(schema, name, value), value, text, CLOCK)


@pytest.mark.parametrize(
    ("name", "schema", "value", "text"),
    [
        ("date", DAY, "2040-07-01", "On 1 July, forty chairs, please"),
        ("date", DAY, "2027-05-05", "the golf needs 5.5. station here wants 1.95"),
        ("time", TIME, "01:00", "diesel's at 1.62 today"),
        ("time", TIME, "04:00", "a mortgage at 4.2 percent"),
        ("time", TIME, "06:00", "half six in the morning"),
        ("date", DAY, "2026-10-08", "snooze it to Monday 8 am"),
        ("guests", COUNT, 12, "flat 12b, please"),
        ("time", TIME, "02:30", "half of it"),
        ("level", AMOUNT, 0.95, "95 people"),
        ("student_no", COUNT, 12, "room 12 for her"),
    ],
)
def test_what_only_looks_like_it_is_not(name: str, schema: Any, value: Any, text: str) -> None:
    assert not find(kind_of(schema, name, value), value, text, CLOCK)
