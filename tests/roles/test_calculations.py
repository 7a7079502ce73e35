"""The quick looks before the rules of the leak guard: none of them passes over what a rule would find."""

from __future__ import annotations

import random
import re
from fractions import Fraction
from inspect import getsource

import pytest

from sml_agents.roles import calculations
from sml_agents.roles.calculations import about_own, bounded, in_digits, may_be_about_own, may_calculate, values_said
from sml_agents.roles.guard import find_leak
from sml_agents.text.letters import folded, words_in
from tests.roles.test_guard import LEAKS

WORDS = [
    *re.findall(r"[^\W\d_]{2,}", getsource(calculations).split("def in_digits")[0]),
    *(
        10
        * [
            "two",
            "three",
            "seven",
            "forty",
            "half",
            "third",
            "dozen",
            "hundred",
            "a",
            "the",
            "of",
            "and",
            "than",
            "from",
            "by",
            "to",
            "your",
            "answer",
            "x",
        ]
    ),
]
NUMBERS = ["1", "2", "3", "6", "7", "9", "10", "12", "30", "42", "0.5", "1/2", "1,250", "3.5", "-5", "100"]
BETWEEN = [*(12 * [" "]), ", ", ". ", " x ", " * ", " + ", " - ", "-", ": ", "\n", "; "]


def sentence(seed: int) -> str:
    draw = random.Random(seed)
    words = [draw.choice(NUMBERS if draw.random() < 0.4 else WORDS) for _ in range(draw.randint(3, 12))]
    text = "".join(word + draw.choice(BETWEEN) for word in words)
    return text.upper() if draw.random() < 0.1 else text


TEXTS = [*(text for text, _, _ in LEAKS), *map(sentence, range(1000))]


def test_a_rule_that_matches_has_its_cue() -> None:
    matched = set()
    for text in TEXTS:
        for lower in (folded(text), in_digits(folded(text))):
            words = words_in(lower)
            for number, rule in enumerate(calculations._RULES):
                if rule.pattern.search(lower):
                    matched.add(number)
                    assert not rule.cues.isdisjoint(words), (rule.pattern.pattern, text)
            for cues, pattern in calculations._BOUNDS:
                assert not (pattern.search(lower) and cues.isdisjoint(words)), (pattern.pattern, text)
            for rule in calculations._RELATIVE:
                assert not rule.pattern.search(lower) or any(cue in lower for cue in rule.cues), (rule.pattern, text)
    assert len(matched) > 0.7 * len(calculations._RULES)


def test_a_text_that_is_passed_over_says_nothing() -> None:
    said = 0
    for text in TEXTS:
        lower = folded(text)
        digits = in_digits(lower)
        values = list(values_said(digits))
        said += bool(values)
        assert may_calculate(lower) or not values, text
        assert may_be_about_own(digits) or not list(about_own(digits, Fraction(40))), text
    assert said > len(TEXTS) / 4


@pytest.mark.parametrize(
    "text",
    [
        "144.0",
        "0144",
        "1.44e2",
        "14,400%",
        "14 400 %",
        "288/2",
        "1'440e-1",
        "0,144 or 144",
        "144apples",
        "14400 percent",
    ],
)
def test_another_spelling_has_the_same_figures(text: str) -> None:
    assert find_leak(f"So {text} then.", "144") is not None


@pytest.mark.parametrize(
    ("text", "answer"), [("It is 2/3 of it", "2/3"), ("0.50", "1/2"), ("Now 0.", "0"), ("6 X 7", "42")]
)
def test_other_values_have_theirs(text: str, answer: str) -> None:
    assert find_leak(text, answer) is not None


def test_bounds() -> None:
    assert list(bounded("more than 38 but less than 40")) == [39]
