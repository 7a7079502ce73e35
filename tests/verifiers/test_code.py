"""The code verifier: outcomes, diagnoses that name what happened, data sets' own solutions."""

from __future__ import annotations

import asyncio

import pytest

from sml_agents.tasks import load_tasks
from sml_agents.types import Case, Code, Outcome, Private, Task
from sml_agents.verifiers import get_verifier
from sml_agents.verifiers.code import CodeVerifier
from sml_agents.verifiers.grading import same_output
from tests.datasets import DATA

ADD = Code(entry="f", cases=(Case(given="1, [2]", expected="[1, 2]"), Case(given="3, []", expected="[3]")), seconds=1.0)
SUITE = Code(
    entry="f",
    setup="def near(a, b): return abs(a - b) < 1e-6",
    suite="def check(candidate):\n    for n in range(4):\n        assert near(candidate(n), n / 3)\ncheck(f)",
)
RAISES = Code(
    entry="f",
    suite="try:\n    f(-1)\n    raise SystemExit\nexcept ValueError as no:\n    assert str(no)\nassert f(2) == 4",
)
SUM = Code(cases=(Case(given="3\n4\n", expected="7\n"), Case(given="1\n1\n", expected="2\n")), seconds=2.0)
METHOD = Code(entry="Solution.twice", cases=(Case(given="4", expected="8"),), prelude="from typing import *\n")


def task(code: Code | None) -> Task:
    return Task(id="t", family="f", prompt="p", private=Private(answer="", code=code), verifier="code")


@pytest.mark.parametrize(
    ("code", "program", "outcome", "diagnosis"),
    [
        (ADD, "def f(a, b):\n    return [a, *b]", "correct", ""),
        (ADD, "def f(a, b):\n    return (a, *b)", "incorrect", "f(1, [2]) returned (1, 2), which is not right."),
        (ADD, "def f(a, b):\n    return [a] + b + b", "incorrect", "f(1, [2]) returned [1, 2, 2], which is not right."),
        (ADD, "def f(a, b):\n    return b[0]", "incorrect", "f(1, [2]) returned 2, which is not right."),
        (ADD, "def f(a, b):\n    return a / 0", "incorrect", "ZeroDivisionError: division by zero (line 2)."),
        (ADD, "def f(a):\n    return a", "incorrect", "f() takes 1 positional argument but 2 were given."),
        (
            ADD,
            "def f(a, b):\n    return [a",
            "incorrect",
            "The code does not load: SyntaxError: '[' was never closed (line 2)",
        ),
        (
            ADD,
            "import nothing_there\ndef f(a, b): pass",
            "incorrect",
            "No module named 'nothing_there': only the standard library is there (line 1).",
        ),
        (ADD, "def f(a, b):\n    while True: pass", "incorrect", "f(1, [2]) does not come to an end in time."),
        (ADD, "def f(a, b):\n    return f", "incorrect", "returned a function, which is no plain value."),
        (ADD, "def g(a, b):\n    return [a, *b]", "incorrect", "name 'f' is not defined."),
        (ADD, "The answer is [1, 2].", "unparseable", "There is no code: the function f is needed."),
        (SUITE, "def f(n): return n / 3", "correct", ""),
        (SUITE, "def f(n): return n // 3", "incorrect", "f(1) returned 0, and a test fails."),
        (SUITE, "def f(n): raise KeyError(n)", "incorrect", "f(0) raised KeyError: 0 (line 1), and a test fails."),
        (RAISES, "def f(n):\n    if n < 0: raise ValueError('no')\n    return n * n", "correct", ""),
        (RAISES, "def f(n): return n * n", "incorrect", "f(-1) returned 1, and a test fails."),
        (SUM, "print(int(input()) + int(input()))", "correct", ""),
        (SUM, "import sys\nprint(sum(map(int, sys.stdin.read().split())), end='')\nsys.exit(0)", "correct", ""),
        (SUM, "print(sum(map(int, open(0))))", "correct", ""),
        (SUM, "print(7)", "incorrect", "With the input '1\\n1\\n' it prints '7\\n', which is not right."),
        (SUM, "print(input(), input(), input())", "incorrect", "it fails: EOFError: EOF when reading a line (line 1)."),
        (METHOD, "class Solution:\n    def twice(self, n: List[int]):\n        return n * 2", "correct", ""),
    ],
)
async def test_outcome_and_diagnosis(code: Code, program: str, outcome: str, diagnosis: str) -> None:
    text = program if program.startswith("The") else f"Here it is:\n```python\n{program}\n```\nDone."
    verdict = await get_verifier("code").verify(task(code), text)
    assert verdict.outcome.value == outcome
    assert diagnosis in verdict.diagnosis and bool(diagnosis) == bool(verdict.diagnosis)
    assert verdict.isolation or outcome == "unparseable"


async def test_what_was_expected_is_beside_the_diagnosis_and_not_in_it() -> None:
    verdict = await get_verifier("code").verify(task(ADD), "def f(a, b): return [a]")
    assert verdict.expected == "[1, 2]" and "[1, 2]" not in verdict.diagnosis


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (None, "no tests"),
        (Code(entry="f"), "no tests"),
        (Code(entry="f", cases=(Case(given="1", expected="open('x')"),)), "cannot be read"),
        (Code(entry="f", suite="assert True"), "call nothing"),
        (Code(entry="f", suite="assert nonsense"), "broken"),
    ],
)
async def test_broken_tests_are_an_error_and_not_scored(code: Code | None, says: str) -> None:
    verdict = await get_verifier("code").verify(task(code), "def f(n): return n")
    assert (verdict.outcome, verdict.correct) == (Outcome.ERROR, None)
    assert says in verdict.diagnosis


@pytest.mark.parametrize(
    ("expected", "output", "same"),
    [
        ("7\n", "7", True),
        ("1 2\n3\n", "1  2 \n3\n\n", True),
        ("2.50", "2.5", True),
        ("1\n2", "1 2", False),
        ("7", "7 7", False),
        ("YES", "yes", False),
        ("1", "1e0", False),
        ("0.1", "0.10000001", False),
        ("", "", True),
        ("1", "9" * 10_000, False),
    ],
)
def test_outputs_are_compared_by_line_and_word(expected: str, output: str, same: bool) -> None:
    assert same_output(expected, output) is same


HEADER = (
    "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass Pair:\n    one: int = 1\n"
)


@pytest.mark.parametrize(
    ("name", "file", "count", "header"),
    [
        ("humaneval", "HumanEval.jsonl.gz", 164, ""),
        ("humaneval", "HumanEval.jsonl.gz", 164, HEADER),
        ("mbpp", "mint_mbpp.jsonl", 91, ""),
    ],
)
async def test_the_reference_solutions_of_published_sets_pass(name: str, file: str, count: int, header: str) -> None:
    if not (DATA / file).is_file():
        pytest.skip(f"no {file} beside the repository (SML_AGENTS_DATA names its folder)")
    tasks = load_tasks(f"{name}:{DATA / file}")
    assert len(tasks) == count
    verifier = CodeVerifier()
    solutions = [f"```python\n{header}{one.private.answer}\n```" for one in tasks]
    verdicts = await asyncio.gather(*(verifier.verify(*one) for one in zip(tasks, solutions, strict=True)))
    wrong = [(t.meta["name"], v.diagnosis) for t, v in zip(tasks, verdicts, strict=True) if not v.correct]
    assert wrong == []
