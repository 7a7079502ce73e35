"""Mathematical equality: the policies, the outcomes, the diagnoses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.types import Outcome
from sml_agents.verifiers import answers_equal
from sml_agents.verifiers.math import MathVerifier
from tests.pace import within
from tests.verifiers.problems import task

CORRECT, INCORRECT, UNPARSEABLE = Outcome.CORRECT, Outcome.INCORRECT, Outcome.UNPARSEABLE


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("12", "12"),
        ("12", "12.0"),
        ("12", "$12"),
        ("12", "12 dollars"),
        ("12 dollars", "$12.00"),
        ("12", "3 * 4 = 12"),
        ("12", "x = 12"),
        ("1250", "1,250"),
        ("1250", "1 250"),
        ("-5", "\u22125"),
        ("0.5", "1/2"),
        ("0.5", "\\frac{1}{2}"),
        ("0.5", "50%"),
        ("50", "50%"),
        ("50%", "0.5"),
        ("3.5", "3 1/2"),
        ("3.5", "three and a half"),
        ("1/3", "0.333"),
        ("2/3", "0.6667"),
        ("3.142", "3.14159"),
        ("42", "forty-two"),
        ("60 miles per hour", "60 miles"),
        ("5 km", "5 kilometers"),
        ("Paris", "paris"),
        ("\\text{Paris}", "Paris"),
        ("B", "(B)"),
        ("[0,1)", "[0, 1)"),
    ],
)
def test_equal_on_the_fast_path(reference: str, answer: str) -> None:
    assert answers_equal(reference, answer) is True


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("12", "13"),
        ("12", "-12"),
        ("12", "12.1"),
        ("1/3", "0.33"),
        ("1/3", "0.334"),
        ("0.5", "5%"),
        ("5 km", "5 miles"),
        ("42", "12 or 42"),
        ("42", "{41, 42, 43}"),
        ("42", "[0, 100]"),
        ("42", "between 40 and 44"),
        ("42", "at least 42"),
        ("42", "\u00b142"),
        ("42", "not 42"),
        ("42", "41 = 42"),
        ("42", "42 = 41"),
        ("42", "42\u201343"),
        ("42", "the number of pens"),
        ("42", ""),
        ("Paris", "London"),
        ("x+y", "London"),
    ],
)
def test_unequal_on_the_fast_path(reference: str, answer: str) -> None:
    assert answers_equal(reference, answer) is False


@given(st.fractions(max_denominator=1000), st.fractions(max_denominator=1000))
def test_exact_fractions_are_equal_only_to_themselves(one: st.SearchStrategy, other: st.SearchStrategy) -> None:
    assert answers_equal(str(one), str(other)) is (one == other)


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_two_texts_can_be_compared(reference: str, answer: str) -> None:
    assert answers_equal(reference, answer) in (True, False, None)


@pytest.mark.parametrize(
    ("reference", "answer", "outcome"),
    [
        ("x^2+1", "1+x^2", CORRECT),
        ("\\sqrt{16}", "4", CORRECT),
        ("4", "\\sqrt{16}", CORRECT),
        ("\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}", CORRECT),
        ("\\{1,2\\}", "\\{2,1\\}", CORRECT),
        ("120", "5!", CORRECT),
        ("(1,2)", "(2,1)", INCORRECT),
        ("[0,1)", "[0,1]", INCORRECT),
        ("x+y", "x-y", INCORRECT),
        ("2\\pi", "6.28", INCORRECT),
    ],
)
async def test_algebra(reference: str, answer: str, outcome: Outcome) -> None:
    verdict = await MathVerifier(deadline=20).verify(task(reference), f"The answer is ${answer}$.")
    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("text", "outcome", "extracted"),
    [
        ("4 * 3 = 12. The answer is 12.", CORRECT, "12"),
        ("The answer is 11. Wait. The answer is 12.", CORRECT, "12"),
        ("The answer is 12. Wait. The answer is 11.", INCORRECT, "11"),
        ("\\boxed{12}", CORRECT, "12"),
        ("\\boxed{11} or \\boxed{12}", INCORRECT, "11, 12"),
        ("I do not know.", UNPARSEABLE, None),
        ("", UNPARSEABLE, None),
        ("What is a pen?", UNPARSEABLE, None),
    ],
)
async def test_a_whole_turn(text: str, outcome: Outcome, extracted: str | None) -> None:
    verdict = await MathVerifier().verify(task("12"), text)
    assert (verdict.outcome, verdict.extracted) == (outcome, extracted)


async def test_whoever_gives_many_answers_gives_none() -> None:
    three = " ".join(f"The answer is {k}." for k in (10, 11, 12))
    four = " ".join(f"The answer is {k}." for k in (9, 10, 11, 12))
    assert (await MathVerifier().verify(task("12"), three)).outcome is CORRECT
    verdict = await MathVerifier().verify(task("12"), four)
    assert verdict.outcome is INCORRECT and verdict.diagnosis == "It gives too many answers."
    same = " ".join(["The answer is 12."] * 5)
    assert (await MathVerifier().verify(task("12"), same)).outcome is CORRECT


async def test_a_task_without_an_answer_is_an_error_and_not_scored() -> None:
    verdict = await MathVerifier().verify(task(" "), "The answer is 12.")
    assert verdict.outcome is Outcome.ERROR and verdict.correct is None


@pytest.mark.parametrize(
    ("reference", "solution", "answer", "diagnosis"),
    [
        ("17", "4 * 3 = 12. 12 + 5 = 17. The answer is 17.", "12", ""),  # never how it compares with the answer
        ("17", "", "18", ""),
        ("17", "", "-17", ""),
        ("17", "", "170", ""),
        ("17 km", "", "17 miles", "The number is right, the unit is not."),
        ("17", "", "16 or 17", "It gives several values where one is asked for."),
        ("17", "", "at least 17", "It gives a bound and not a value."),
        ("17", "", "16 = 17", "Its equation does not hold."),
        ("17", "", "seventeenish", "It is not a number."),
        ("1, 2, 3", "", "1, 2", ""),
    ],
)
async def test_the_diagnosis_says_what_is_wrong_without_the_answer(
    reference: str, solution: str, answer: str, diagnosis: str
) -> None:
    verdict = await MathVerifier(deadline=20).verify(task(reference, solution=solution), f"The answer is {answer}.")
    assert verdict.outcome is INCORRECT
    assert verdict.diagnosis == diagnosis


async def test_the_fast_path_is_fast() -> None:
    verifier, the_task = MathVerifier(), task("1250")
    with within(3):
        for k in range(3_000):
            await verifier.verify(the_task, f"4 * 3 = 12. The answer is ${k:,}.00.")
