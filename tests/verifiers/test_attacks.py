"""Attacks on the mathematics verifier: each gets an answer in time, none is correct, and the worker is back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from sml_agents.types import Outcome
from sml_agents.verifiers.math import MathVerifier
from sml_agents.verifiers.workers import Workers
from tests.pace import within
from tests.verifiers.problems import task

DEADLINE = 1.0
NESTED = "\\frac{" * 500 + "1" + "}{2}" * 500

ATTACKS = {
    # hangs of algebra
    "tower of powers": "9^{9^{9^{9}}}",
    "tower with stars": "9**9**9**9",
    "tower of brackets": "(((9^9)^9)^9)^9",
    "factorial of a billion": "(10^9)!",
    "plain large factorial": "123456789!",
    "factorial of a factorial": "((9!)!)!",
    "nested fractions": NESTED,
    "five thousand braces": "{" * 5000 + "1" + "}" * 5000,
    "unclosed braces": "{" * 3000,
    "power of a sum": "(x+y+z)^{500}",
    "smaller power of a sum": "(a+b+c+d+e+f)^{19}(a-b-c-d-e-f)^{19}",
    "product of sums": "".join(f"(x+{k})" for k in range(60)),
    "nested roots": "\\sqrt{" * 200 + "2" + "}" * 200,
    "an integral": "\\int_0^1 \\int_0^x e^{x^2 y^2 \\sin(xy)} dy dx",
    "an endless sum": "\\sum_{k=1}^{\\infty} \\frac{1}{k^{k}}",
    "a huge exponent": "7^{999999999}",
    "scientific": "1e999999999",
    # sizes and scripts
    "a million digits": "9" * 1_000_000,
    "a million digits with a point": "0." + "3" * 1_000_000,
    "other digits": "\u0669" * 5000,
    "minus signs": "\u2212" * 5000 + "42",
    "macros": "\\def\\x{\\x\\x}\\x" * 20,
    "bidirectional marks": "\u202e24\u202c",
    "many unknown commands": "\\foo" * 300,
    # ways to have it all
    "three thousand boxes": "}. Then \\boxed{".join(str(k) for k in range(3000)),
    "a set of all answers": "\\{" + ", ".join(str(k) for k in range(100)) + "\\}",
    "an interval": "[0, 100]",
    "an open interval": "x \\in (41, 43)",
    "a disjunction": "41 or 42",
    "solutions": "x = 41, x = 42",
    "chained equalities": "41 = 42 = 43",
    "a chain through a name": "41 = x = 42",
    "an inequality": "x \\geq 42",
    "plus or minus": "\\pm 42",
    "a union": "\\{41\\} \\cup \\{42\\}",
    "cases": "\\begin{cases} 41 \\\\ 42 \\end{cases}",
}


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    pool = Workers(1, deadline=DEADLINE)
    yield pool
    pool.close()


@pytest.mark.parametrize("attack", [pytest.param(text, id=name) for name, text in ATTACKS.items()])
@pytest.mark.parametrize("mark", ["\\boxed{%s}", "The answer is %s"], ids=["boxed", "said"])
async def test_an_attack_ends_in_time_and_earns_nothing(attack: str, mark: str, workers: Workers) -> None:
    verifier = MathVerifier(workers=workers)
    await workers.ask("ready")  # starting a worker is not part of an answer
    verdict = await asyncio.wait_for(verifier.verify(task("42"), mark % attack), timeout=60)
    assert verdict.outcome is not Outcome.CORRECT
    assert verdict.correct is not True
    assert len(verdict.extracted or "") <= 200


BOMBS = {
    "a large binomial": "\\dbinom{1000000}{500000}",
    "a large binomial, the old way": "{999999 \\choose 500000}",
    "a sum to a power": "(a+b+c+d+e+f+g)^{20}",
    "nested powers of sums": "((((x+1)^{20}+1)^{20}+1)^{20}+1)^{20}",
    "a tower of exponentials": "\\exp(\\exp(\\exp(\\exp(9))))",
    "a sine of what is too large": "\\sin(\\exp(\\exp(\\exp(9))))",
    "a tangent of what is too large": "\\tan(\\exp(\\exp(30)))",
    "what cancels": "\\exp(\\exp(\\exp(3)))-\\exp(\\exp(\\exp(3)))+42",
    "factorials": "999!^{999}",
}


@pytest.mark.parametrize("bomb", [pytest.param(text, id=name) for name, text in BOMBS.items()])
@pytest.mark.parametrize("reference", ["42", "\\sqrt{2}"])
async def test_what_an_answer_makes_too_heavy_is_wrong_and_scored(bomb: str, reference: str, workers: Workers) -> None:
    await workers.ask("ready")
    verdict = await MathVerifier(workers=workers).verify(task(reference), f"\\boxed{{{bomb}}}")
    assert verdict.correct is False, verdict
    assert verdict.outcome in (Outcome.INCORRECT, Outcome.UNPARSEABLE)


async def test_a_reference_that_comes_to_no_end_is_a_timeout_and_not_scored(workers: Workers) -> None:
    await workers.ask("ready")
    verdict = await MathVerifier(workers=workers).verify(task("\\tan(\\exp(\\exp(30)))"), "The answer is $\\sqrt{2}$.")
    assert verdict.outcome in (Outcome.TIMEOUT, Outcome.ERROR) and verdict.correct is None


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "either 1 ",
            "\\boxed{1} ",
            "the answer is ",
            "#### ",
            "= 1 ",
            "1,",
            "or ",
            "answer\n",
            "```\n",
            "- 1\n",
            "one ",
        ),
        *(
            "half of ",
            "suppose ",
            "I hope that helps. ",
            "n't ",
            "\\frac{",
            "{",
            "1\u0305",
            "answer is 1 or ",
            "\\sqrt ",
        ),
        *("great ", "that is ", "twice ", "to the ", "answer:\n- 1\n", "not "),
    ],
)
@pytest.mark.parametrize("end", ["", "\nThe answer is 12."])
async def test_a_long_text_does_not_hold_the_event_loop(piece: str, end: str, workers: Workers) -> None:
    text = (piece * 300_000)[:300_000] + end
    with within(0.3):
        verdict = await MathVerifier(workers=workers).verify(task("12"), text)
    assert verdict.correct is bool(end) or verdict.outcome is not Outcome.CORRECT


async def test_after_all_attacks_the_worker_is_back(workers: Workers) -> None:
    verifier = MathVerifier(workers=workers)
    await workers.ask("ready")
    verdicts = await asyncio.gather(
        *(verifier.verify(task(f"x+{k}"), f"The answer is ${k}+x$.") for k in range(8)),
    )
    assert {verdict.outcome for verdict in verdicts} == {Outcome.CORRECT}
    assert len(workers.pids) == 1


@pytest.mark.parametrize("reference", ["(x+y+z)^{500}", NESTED, "9^{9^{9^{9}}}"])
async def test_a_monstrous_reference_is_an_error_and_not_scored(reference: str, workers: Workers) -> None:
    verdict = await MathVerifier(workers=workers).verify(task(reference), "The answer is $x+1$.")
    assert verdict.outcome is Outcome.ERROR
