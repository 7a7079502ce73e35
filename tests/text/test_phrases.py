"""Quantities in words: what they are worth, and what is not read."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.text.answers import Kind, read
from sml_agents.text.answers.arithmetic import evaluate
from sml_agents.text.answers.phrases import changes_a_number, phrase
from sml_agents.text.numbers import in_words, ordinal

SMALL = st.integers(2, 60)
UNITS = st.sampled_from(["", " pens", " red apples", " dollars each", " km per hour"])


@given(st.integers(0, 10**6), UNITS)
def test_a_number_in_words_is_worth_what_it_says(value: int, unit: str) -> None:
    for text in (f"{in_words(value)}{unit}", f"about {in_words(value)}{unit}", f"Tom has {in_words(value)}{unit}"):
        reading = read(text)
        assert reading.kind is Kind.VALUE and reading.value == value, text


@given(SMALL, SMALL, st.booleans())
def test_operations_in_words_are_done(one: int, other: int, spell: bool) -> None:
    a, b = (in_words(one), in_words(other)) if spell else (str(one), str(other))
    expected = {
        f"{a} plus {b}": Fraction(one + other),
        f"{a} minus {b}": Fraction(one - other),
        f"{a} times {b}": Fraction(one * other),
        f"{a} divided by {b}": Fraction(one, other),
        f"the sum of {a} and {b}": Fraction(one + other),
        f"the product of {a} and {b}": Fraction(one * other),
        f"half of {a}": Fraction(one, 2),
        f"a third of {a}": Fraction(one, 3),
        f"three quarters of {a}": Fraction(3 * one, 4),
        f"twice {a}": Fraction(2 * one),
        f"minus {a}": Fraction(-one),
        f"{a} squared": Fraction(one**2),
        f"{a} cubed": Fraction(one**3),
        f"{a} to the {ordinal(other % 8 + 2)} power": Fraction(one ** (other % 8 + 2)),
        f"{a} factorial": evaluate(f"{one}!"),
        f"{a} and a half": one + Fraction(1, 2),
        f"{a} thousand": Fraction(1000 * one),
        f"{a} percent of {b}": Fraction(one * other, 100),
    }
    for text, value in expected.items():
        assert (read(text).kind, read(text).value) == (Kind.VALUE, value), text


CHANGED = [
    *("the successor of {}", "{} less", "{} short of 100", "one less than {}", "the number before {}", "{} modulo 5"),
    *("the digit sum of {}", "the complement of {}", "log {}", "the sine of {}", "{} reversed", "{} (squared)"),
    *("{} times as many as 3", "the {}th root of 2", "two more than {}", "x{}", "{} below zero", "{} tens less"),
]


@given(st.integers(2, 500), st.sampled_from(CHANGED))
def test_no_part_of_what_is_said_is_taken(value: int, form: str) -> None:
    reading = read(form.format(value))
    assert reading.kind is not Kind.VALUE or reading.value != value


@pytest.mark.parametrize(
    "text", ["12 double rooms", "12 third graders", "12 square feet", "12 short videos", "12 quarters"]
)
def test_words_of_a_unit_change_nothing(text: str) -> None:
    assert read(text).kind is Kind.VALUE and read(text).value == 12


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [("Tom has 12 red pens", "Tom has", "red pens"), ("a total of 12", "a total of", ""), ("twelve", "", "")],
)
def test_the_words_around_are_kept(text: str, before: str, after: str) -> None:
    found = phrase(text)
    assert found is not None and (found.before, found.after) == (before, after)


def test_which_words_change_a_number() -> None:
    assert changes_a_number("twice the price") and changes_a_number("squared", behind=True)
    assert not changes_a_number("red pens") and not changes_a_number("double rooms", behind=True)


@given(st.text(alphabet="0123456789 abcdefghijklmnop-/*+^!()%.,", max_size=60))
def test_any_phrase_can_be_read(text: str) -> None:
    assert read(text).kind in Kind
