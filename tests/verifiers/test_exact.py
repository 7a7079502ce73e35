"""Exact equality after normalising."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sml_agents.types import Outcome
from sml_agents.verifiers.exact import ExactVerifier, normalise
from tests.verifiers.problems import task


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("cherry, apple, fig", "The answer is cherry, apple, fig."),
        ("cherry, apple, fig", "The answer is [cherry, apple, fig]"),
        ("cherry, apple, fig", "Answer: 'cherry', 'apple', 'fig'"),
        ("cherry, apple, fig", "The answer is Cherry,apple,  FIG."),
        ("cherry, apple, fig", "The answer is cherry, apple, and fig."),
        ("cherry, apple, fig", "Answer: cherry; apple; fig"),
        ("cherry, apple, fig", "cherry, apple, fig"),
        ("[1, 2, 3]", "The answer is 1, 2, 3."),
        ("elppa", 'The answer is "elppa".'),
        ("elppa", "**Answer:** `elppa`"),
        ("Paris", "\\boxed{\\text{Paris}}"),
        ("straw berry", "The answer is straw  berry"),
        ("caf\u00e9", "The answer is cafe\u0301."),
    ],
)
async def test_told_alike(reference: str, text: str) -> None:
    assert (await ExactVerifier().verify(task(reference), text)).outcome is Outcome.CORRECT


@pytest.mark.parametrize(
    ("reference", "text", "diagnosis"),
    [
        ("a, b, c", "The answer is a, c, b.", "The entries are right, their order is not."),
        ("a, b, c", "The answer is a, b.", ""),  # how much is wrong would be a way to search for the answer
        ("a, b, c", "The answer is a, b, c, d.", ""),
        ("a, b, c", "The answer is a, b, d.", ""),
        ("elppa", "The answer is apple.", ""),
        ("12", "The answer is 12.0.", ""),
        ("1, 2", "The answer is 12.", ""),
    ],
)
async def test_told_apart(reference: str, text: str, diagnosis: str) -> None:
    verdict = await ExactVerifier().verify(task(reference), text)
    assert (verdict.outcome, verdict.diagnosis) == (Outcome.INCORRECT, diagnosis)


@pytest.mark.parametrize("text", ["", "  ", "First I look.\nThen I think."])
async def test_no_answer(text: str) -> None:
    assert (await ExactVerifier().verify(task("a"), text)).outcome is Outcome.UNPARSEABLE


@given(st.text(max_size=300))
def test_normalising_is_stable(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.lists(st.text(alphabet="abcdefghij", min_size=1, max_size=6), min_size=1, max_size=6))
async def test_every_way_to_write_a_list(words: list[str]) -> None:
    reference = ", ".join(words)
    for text in (f"The answer is {words}.", f"Answer: {reference}", f"The answer is ({reference})."):
        assert (await ExactVerifier().verify(task(reference), text)).outcome is Outcome.CORRECT
