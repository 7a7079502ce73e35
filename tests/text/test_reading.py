"""Plain spelling, exact values, and what an answer says."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.text.answers import Kind, evaluate, plain, read, spelled_numbers
from tests.pace import within


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("$1,250.50", Fraction(2501, 2)),
        ("-$5", -5),
        ("$-5", -5),
        ("\u22125", -5),
        ("\u20135", -5),
        ("+7", 7),
        (".5", Fraction(1, 2)),
        ("1/2", Fraction(1, 2)),
        ("-1/2", Fraction(-1, 2)),
        ("3 1/2", Fraction(7, 2)),
        ("2\u00bd", Fraction(5, 2)),
        ("\\frac{1}{2}", Fraction(1, 2)),
        ("-\\frac{1}{2}", Fraction(-1, 2)),
        ("3\\frac{1}{2}", Fraction(7, 2)),
        ("\\dfrac12", Fraction(1, 2)),
        ("\\frac{\\frac{1}{2}}{3}", Fraction(1, 6)),
        ("1{,}000", 1000),
        ("1\\,000", 1000),
        ("1 000 000", 10**6),
        ("1\u202f000", 1000),
        ("\uff14\uff12", 42),
        ("\u0664\u0662", 42),
        ("\u096a\u0968", 42),
        ("2^{10}", 1024),
        ("2\u00b3", 8),
        ("1.5e3", 1500),
        ("1.5 \\times 10^3", 1500),
        ("12 \u00d7 3", 36),
        ("6 \u00f7 3", 2),
        ("6 * 7 = 42 apples", 42),
        ("x = 3", 3),
        ("total = 5", 5),
        ("10 / 3 = 3.33", Fraction(333, 100)),
        ("forty-two", 42),
        ("one hundred and five pens", 105),
        ("three quarters", Fraction(3, 4)),
        ("Tom has 42 apples", 42),
        ("42 apples (all of them)", 42),
        ("about 42", 42),
        ("42.", 42),
        ("\\text{42}", 42),
        ("60 km/h", 60),
        ("5 m^2", 5),
        ("45\u00b0", 45),
        ("12%", 12),
    ],
)
def test_one_quantity(text: str, value: Fraction | int) -> None:
    reading = read(text)
    assert reading.kind is Kind.VALUE
    assert reading.value == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("12 or 13", Kind.SEVERAL),
        ("(3, 4)", Kind.SEVERAL),
        ("{1,2,3}", Kind.SEVERAL),
        ("[0,100]", Kind.SEVERAL),
        ("3\u20135", Kind.SEVERAL),
        ("between 3 and 5", Kind.SEVERAL),
        ("\u00b14", Kind.SEVERAL),
        ("x=3 or x=4", Kind.SEVERAL),
        ("12 hours and 30 pens", Kind.SEVERAL),
        ("at least 12", Kind.BOUND),
        ("> 12", Kind.BOUND),
        ("not 42", Kind.BOUND),
        ("1 = 2 = 42", Kind.CONTRADICTION),
        ("42 = x = 41", Kind.CONTRADICTION),
        ("6 * 7 = 43", Kind.CONTRADICTION),
        ("Paris", Kind.WORDS),
        ("a", Kind.WORDS),
        ("x^2 + 1", Kind.FORMULA),
        ("2x", Kind.FORMULA),
        ("2\\pi", Kind.FORMULA),
        ("\\sqrt{2}", Kind.FORMULA),
        ("9^{9^{9^{9}}}", Kind.FORMULA),
        ("9" * 1000, Kind.TOO_LONG),
        ("1 " * 2000, Kind.TOO_LONG),
        ("", Kind.EMPTY),
        ("**", Kind.EMPTY),
    ],
)
def test_anything_else(text: str, kind: Kind) -> None:
    assert read(text).kind is kind


def test_units_percent_and_decimals_are_kept() -> None:
    assert read("$5").unit == "dollar"
    assert read("5 red apples").unit == "red apples"
    assert read("50%").percent and not read("50").percent
    assert read("3.14").decimals == 2 and read("3").decimals is None and read("22/7").decimals is None


@given(st.integers(-(10**12), 10**12))
def test_integers_in_every_spelling(k: int) -> None:
    for text in (str(k), f"{k:,}", f"${k}$", f"\\boxed{{{k}}}", f"{k}.0", f"{k} dollars", f"x = {k}", f"**{k}**"):
        assert read(text).value == k, text


@given(st.fractions(max_denominator=10**6))
def test_fractions_in_every_spelling(value: Fraction) -> None:
    top, bottom = value.numerator, value.denominator
    for text in (f"{top}/{bottom}", f"\\frac{{{top}}}{{{bottom}}}", f"({top})/({bottom})"):
        assert read(text).value == value, text


EXPRESSIONS = st.recursive(
    st.integers(0, 50).map(str),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_calculations_are_exact(expression: str) -> None:
    try:
        expected = eval(expression.replace("(", "(Fraction(1)*").replace("/", "*Fraction(1)/"), {"Fraction": Fraction})
    except ZeroDivisionError:
        expected = None
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    "expression",
    ["", "2 +", "(2", "2)", "2 3", "a", "1/0", "0^-1", "9^9999", "9^9^9^9", "9" * 500, "(" * 50 + "1" + ")" * 50],
)
def test_what_is_no_calculation_or_too_big_has_no_value(expression: str) -> None:
    assert evaluate(expression) is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert plain(text).isascii() or not text.isascii()
    assert read(text).kind in Kind


@pytest.mark.parametrize("piece", ["1", "1,", "(", "9^", "one ", "-", "\\frac", "{", "=", "1 or ", "$", "\u00bd", "x+"])
def test_hostile_text_is_read_at_once(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    with within(3):
        for length in (300, 1_900, len(text)):
            read(text[:length])
            evaluate(text[:length])
        list(spelled_numbers(text))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("forty-two", [42]),
        ("twenty-one thousand and six hundred", [21600]),
        ("two thousand twenty-four", [2024]),
        ("nineteen hundred", [1900]),
        ("minus five", [-5]),
        ("two point five", [Fraction(5, 2)]),
        ("two and a half", [Fraction(5, 2)]),
        ("a hundred books and two dozen pens", [100, 24]),
        ("two three", [2, 3]),
        ("Someone often weighs tenfold", []),
        ("the first and the second", []),
    ],
)
def test_spelled_numbers(text: str, values: list[Fraction | int]) -> None:
    assert [value for _, _, value in spelled_numbers(text)] == values


def test_spelled_numbers_stand_where_they_say() -> None:
    text = "She has Forty-Two pens and one hundred books."
    assert [text[start:end] for start, end, _ in spelled_numbers(text)] == ["Forty-Two", "one hundred"]
