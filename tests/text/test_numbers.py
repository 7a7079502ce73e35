"""Numbers in words, both ways."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.text.numbers import NUMBER_WORDS, in_words, leading_number, ordinal, spelled_numbers, word_value
from sml_agents.text.numerals import one_word_numbers


@given(st.integers(0, 10**9 - 1))
def test_words_say_the_number_that_they_were_made_of(value: int) -> None:
    assert [found for _, _, found in spelled_numbers(in_words(value))] == [value]
    assert in_words(value).isascii()


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_number_in_a_sentence_is_found_where_it_stands(one: int, other: int) -> None:
    text = f"They had {in_words(one)} pens, of which {in_words(other)} were blue."
    found = list(spelled_numbers(text))
    assert [value for _, _, value in found] == [one, other]
    assert [text[start:end] for start, end, _ in found] == [in_words(one), in_words(other)]


@pytest.mark.parametrize(
    ("value", "word"),
    [(0, "zeroth"), (1, "first"), (3, "third"), (12, "twelfth"), (20, "twentieth"), (42, "forty-second")],
)
def test_ordinals(value: int, word: str) -> None:
    assert ordinal(value) == word


@pytest.mark.parametrize(("call", "value"), [(in_words, -1), (in_words, 10**9), (ordinal, 100), (ordinal, -1)])
def test_what_has_no_words_is_refused(call: object, value: int) -> None:
    with pytest.raises(ValueError, match="here"):
        call(value)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("seven eighths", [Fraction(7, 8)]),
        ("two ninths and one tenth", [Fraction(2, 9), Fraction(1, 10)]),
        ("three hundredths", [Fraction(3, 100)]),
        ("one and a half dozen", [18]),
        ("two point five million", [2_500_000]),
        ("two and a half, two and three quarters", [Fraction(5, 2), Fraction(11, 4)]),
        ("one half, one and a half", [Fraction(1, 2), Fraction(3, 2)]),
        ("one hundred and one half", [Fraction(201, 2)]),
        ("five and six", [5, 6]),
        ("the twenty-fifth of May", [20]),
        ("a seventh, the fifth", []),
        ("twelve hundred", [1200]),
        ("minus forty-two", [-42]),
        ("zero point zero five", [Fraction(1, 20)]),
    ],
)
def test_parts_and_decimals(text: str, values: list[Fraction | int]) -> None:
    assert [value for _, _, value in spelled_numbers(text)] == values


def test_single_words() -> None:
    assert [word_value(word) for word in ("Seven", "dozen", "half")] == [7, 12, Fraction(1, 2)]
    assert word_value("pens") is None and word_value("third") is None
    assert leading_number(["two", "point", "five", "pens"]) == (Fraction(5, 2), 3)
    assert {"seven", "forty", "hundred", "million", "dozen"} <= NUMBER_WORDS


@pytest.mark.parametrize(
    ("word", "value"),
    [("eine", 1), ("zw\u00f6lf", 12), ("vingt", 20), ("twintig", 20), ("oito", 8), ("quaranta", 40), ("tausend", 1000)],
)
def test_one_word_numbers_of_other_languages(word: str, value: int) -> None:
    assert one_word_numbers()[word] == value


@pytest.mark.parametrize("word", ["um", "een", "null", "zero", "doze", "dix-sept", "table"])
def test_other_words_are_none(word: str) -> None:
    assert word not in one_word_numbers()
