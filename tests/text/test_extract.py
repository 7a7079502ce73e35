"""Where a text gives its final answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.text.answers import extract_answer, find_answer, find_answers
from tests.pace import within


@pytest.mark.parametrize(
    ("text", "answer", "rule"),
    [
        ("The answer is 12.", "12", "marked"),
        ("the answer is 3.14.", "3.14", "marked"),
        ("So 4*3=12. The answer is 12 because 6*2 = 12.", "12", "marked"),
        ("Answer: $3.50", "$3.50", "marked"),
        ("Answer = 50%", "50%", "marked"),
        ("**Final Answer:** 42", "42", "marked"),
        ("*Answer*: 1,250", "1,250", "marked"),
        ("#### 7", "7", "marked"),
        ("work\n#### 1,234\n", "1,234", "marked"),
        ("The answer is: $\\frac{1}{2}$.", "\\frac{1}{2}", "marked"),
        ("The answer is \\(x = 5\\).", "x = 5", "marked"),
        ("The answer is:\n\n$$\n42\n$$", "42", "marked"),
        ("The answer is 3 1/2 cups.", "3 1/2 cups", "marked"),
        ("My answer would be 9!", "9", "marked"),
        ("The correct answer should be 7", "7", "marked"),
        ("The answer to this question is 5 apples", "5 apples", "marked"),
        ("The answer is [1, 2, 3].", "[1, 2, 3]", "marked"),
        ("The answer is Zoe is a knight, and Bo is a knave.", "Zoe is a knight, and Bo is a knave", "marked"),
        ("The answer is x=3 or x=4.", "x=3 or x=4", "marked"),
        ("The answer is '12'", "12", "marked"),
        ("The answer is 12, since 3 * 4 = 12.", "12", "marked"),
        ("The answer is 5. No, wait: the answer is 6.", "6", "marked"),
        ("\u7b54\u6848\u662f 42\u3002", "42", "marked"),
        ("La respuesta es 42.", "42", "marked"),
        ("The answer is \\boxed{12}.", "12", "boxed"),
        ("\\boxed{3} no wait. So \\boxed{4}", "4", "boxed"),
        ("\\boxed{3} or \\boxed{4}", "3, 4", "boxed"),
        ("$\\boxed{\\frac{1}{2}}$. I hope it is correct.", "\\frac{1}{2}", "boxed"),
        ("\\boxed{5}. The answer is 6.", "5", "boxed"),
        ("\\boxed 5", "5", "boxed"),
        ("<answer>12</answer>", "12", "boxed"),
        ("4 * 3 = 12", "12", "bare"),
        ("The total is 3 * 4 = <<3*4=12>>12 dollars", "12", "bare"),
        ("So Tom has 12 apples left.", "12", "bare"),
        ("He buys 3. Then 4 * 3 = $12.", "$12", "bare"),
        ("12", "12", "bare"),
        ("It is -5.", "-5", "bare"),
    ],
)
def test_the_rule(text: str, answer: str, rule: str) -> None:
    found = find_answer(text)
    assert found is not None
    assert (found.text, found.rule) == (answer, rule)
    if "," not in answer or rule != "boxed":
        assert text[slice(*found.span)] == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What is the answer?",
        "I don't know what the answer is.",
        "The answer is unknown.",
        "The answer cannot be determined.",
        "The answer cannot be 5.",
        "The answer is not 5.",
        "The answer isn't 5.",
        "The answer depends on the price.",
        "12 or 13",
        "How many apples are there? I have 3.",
        "Could you tell me the price of 3 pens?",
        "4 pens at 3 dollars, is it 12?",
        "\\boxed{",
        "\\boxed{}",
        "If x = 3",
        "We still need to add 5",
        "There are 4 pens and 3 books.",
    ],
)
def test_no_answer(text: str) -> None:
    assert extract_answer(text) is None


def test_a_bare_number_counts_only_when_asked_for() -> None:
    assert extract_answer("4 * 3 = 12", bare=False) is None
    assert extract_answer("The answer is 12", bare=False) == "12"


def test_all_answers_of_the_deciding_rule_are_given() -> None:
    assert [found.text for found in find_answers("The answer is 5. No: the answer is 6.")] == ["5", "6"]
    assert len(find_answers("\n\nNext.\n".join(f"\\boxed{{{k}}}" for k in range(3000)))) == 32


@given(st.text())
def test_the_span_is_where_the_answer_stands(text: str) -> None:
    for found in find_answers(text):
        start, end = found.span
        assert 0 <= start < end <= len(text)
        assert found.text == text[start:end].strip() or found.rule == "boxed" or "\n" in text[start:end]


NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.integers(1000, 10**12).map(lambda k: f"{k:,}"),
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**6).map(str),
    st.integers(1, 99).map(lambda k: f"{k}%"),
    st.integers(1, 99).map(lambda k: f"${k}.50"),
    st.tuples(st.integers(1, 99), st.integers(1, 99)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)
SPEECH = st.sampled_from(["First 4 * 3 = 12. ", "There are 7 pens.\n", "Let me see! ", "How many? I count 5. ", ""])


@given(SPEECH, NUMBERS)
def test_every_mark_finds_every_spelling_of_a_number(before: str, number: str) -> None:
    for text in (
        f"{before}The answer is {number}.",
        f"{before}The answer is: {number}",
        f"{before}**Answer:** {number}",
        f"{before}Final answer = {number}.",
        f"{before}\n#### {number}\n",
        f"{before}The answer is $\\boxed{{{number}}}$.",
        f"{before}<answer>{number}</answer>",
    ):
        assert extract_answer(text) == number


@given(NUMBERS, NUMBERS)
def test_a_box_outranks_words_and_words_outrank_bare_numbers(one: str, other: str) -> None:
    assert extract_answer(f"\\boxed{{{one}}}. The answer is {other}.") == one
    assert extract_answer(f"The answer is {one}. Check: 1 + 1 = {other}.") == one


@pytest.mark.parametrize(
    "piece",
    [
        "\\boxed{",
        "\\boxed{1} ",
        "the answer is ",
        "answer: ",
        "#### ",
        "<answer>",
        "= 1 ",
        "1,",
        "$",
        "1 ",
        "(",
        "\u0661",
    ],
)
def test_time_is_linear_in_the_text(piece: str) -> None:
    text = piece * (500_000 // len(piece))
    with within(5):
        find_answers(text)
