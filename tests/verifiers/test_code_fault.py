"""Whose fault it is: sizes of the task, suites without end, broken tests, one budget, floods of replies."""

from __future__ import annotations

import asyncio
import time
import tracemalloc

import pytest

from sml_agents.types import Case, Code, Outcome, Private, Task, Verdict
from sml_agents.verifiers import grading
from sml_agents.verifiers.code import CodeVerifier


def task(code: Code, reference: str = "") -> Task:
    return Task(id="t", family="f", prompt="p", private=Private(answer=reference, code=code), verifier="code")


async def graded(code: Code, program: str, reference: str = "") -> Verdict:
    return await CodeVerifier().verify(task(code, reference), f"```python\n{program}\n```")


# Sizes of the task

COPY = "import sys\nsys.stdout.write(sys.stdin.read())"
SIZES = {
    "nine megabytes of input": ("12345678\n" * 1_000_000, "1000000", "import sys\nprint(len(sys.stdin.readlines()))"),
    "and they are added up": ("7\n" * 4_500_000, "31500000", "print(sum(map(int, open(0))))"),
    "a megabyte and more to print": ("", "12345\n" * 300_000, "print('12345\\n' * 300_000)"),
    "in one line": ("", "x" * 1_500_000, "print('x' * 1_500_000)"),
    "many short writes": ("700000", "1\n" * 700_000, "for _ in range(int(input())): print(1)"),
    "as much in as out": ("ab cd\n" * 400_000, "ab cd\n" * 400_000, COPY),
}
RESULTS = {
    "a list": ("250_000", list(range(250_000)), "def f(n): return list(range(n))"),
    "an argument": (repr(list(range(250_000))), 250_000, "def f(xs): return len(xs)"),
    "pairs": ("70_000", [(k, str(k)) for k in range(70_000)], "def f(n): return [(k, str(k)) for k in range(n)]"),
    "a dict": ("100_000", {k: k / 2 for k in range(100_000)}, "def f(n): return {k: k / 2 for k in range(n)}"),
    "a set": ("200_001", set(range(200_001)), "def f(n): return set(range(n))"),
    "a text": ("2_000_000", "ab" * 1_000_000, "def f(n): return 'ab' * (n // 2)"),
    "a matrix": ("600", [[k] * 600 for k in range(600)], "def f(n): return [[k] * n for k in range(n)]"),
}
SPOILT = """
g = f
def f(x):
    y = g(x)
    if type(y) is dict: y.popitem()
    return y if type(y) is dict else y + 1 if type(y) is int else type(y)(list(y)[:-1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
async def test_a_large_task_is_not_the_programs_fault(name: str) -> None:
    given, expected, program = SIZES[name]
    code = Code(cases=(Case(given=given, expected=expected),))
    verdict = await graded(code, program)
    assert verdict.correct, verdict.diagnosis
    assert (await graded(code, f"{program}\nprint(5)")).outcome is Outcome.INCORRECT


@pytest.mark.slow
@pytest.mark.parametrize("name", RESULTS)
async def test_neither_is_a_large_value(name: str) -> None:
    given, value, program = RESULTS[name]
    code = Code(entry="f", cases=(Case(given=given, expected=repr(value)),))
    verdict = await graded(code, program)
    assert verdict.correct, verdict.diagnosis
    assert (await graded(code, program + SPOILT)).outcome is Outcome.INCORRECT


async def test_a_large_value_in_a_suite() -> None:
    code = Code(entry="f", suite="assert f(list(range(300_000))) == list(range(1, 300_001))")
    verdict = await graded(code, "def f(xs): return [x + 1 for x in xs]")
    assert verdict.correct, verdict.diagnosis


async def test_a_test_that_is_too_large_to_be_run_is_not_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "_LARGEST", 1_000)
    verdict = await graded(Code(cases=(Case(given="x" * 1_001, expected="1"),)), "print(2)")
    assert verdict.outcome is Outcome.ERROR and "1,000 characters" in verdict.diagnosis


# Suites without end

SAME = "def f(n): return n"
ENDLESS = {
    "counting to it": ("assert sum(1 for _ in range(f(3))) == 3", "def f(x): return 10**10", SAME),
    "waiting for it": ("n = 0\nwhile f(n) != 5: n += 1", "def f(n): return 0", SAME),
    "a loop to it": ("for _ in range(f(2)): pass", "def f(n): return 10**12", SAME),
    "a power of it": ("assert 3 ** f(2) == 9", "def f(n): return 10**11", SAME),
    "a list as long": ("assert [0] * f(2) == [0, 0]", "def f(n): return 10**11", SAME),
    "all that it yields": (
        "assert list(f(2)) == [0, 1]",
        "import itertools\ndef f(n): return itertools.count()",
        "def f(n): yield from range(n)",
    ),
    "sleeping for it": ("import time\ntime.sleep(f(0))", "def f(n): return 3600", SAME),
    "a text to match": (
        "import re\nassert not re.match('(a+)+$', f(2))",
        "def f(n): return 'a' * 60 + 'b'",
        "def f(n): return 'b'",
    ),
    "a callback without end": (
        "assert f(lambda: 1) == 1",
        "def f(g):\n    while True: g()",
        "def f(g): return g()",
    ),
    "keys that collide": (
        "assert len(set(f(2))) == 2",
        "def f(n): return [k * (2**61 - 1) for k in range(60_000)]",
        "def f(n): return [1, 2]",
    ),
    "a value of 40 MB": ("assert len(f(2)) == 2", "def f(n): return 'x' * 40_000_000", "def f(n): return 'ab'"),
    "an exit while it is called": ("assert f(2) == 2", "import os\ndef f(n): os._exit(0)", SAME),
    "no end while it is called": ("assert f(2) == 2", "def f(n):\n    while True: pass", SAME),
    "an object that cannot be handed over": ("assert f(2)", "class A: pass\ndef f(n): return A()", SAME),
}


@pytest.mark.parametrize("known", [False, True], ids=["no reference", "a reference"])
@pytest.mark.parametrize("name", ENDLESS)
async def test_a_suite_without_end_for_the_programs_own_values_is_wrong(name: str, known: bool) -> None:
    suite, program, right = ENDLESS[name]
    verdict = await graded(Code(entry="f", suite=suite, seconds=0.4), program, right if known else "")
    assert verdict.outcome is Outcome.INCORRECT, verdict
    assert verdict.diagnosis.startswith("f(")


BROKEN = {
    "a wrong expectation": "assert f(2) == 5",
    "an error of its own": "assert f(2) == undefined",
    "a package that is not there": "f(2)\nimport numpy",
    "no end by itself": "f(2)\nwhile True: pass",
    "an exit": "f(2)\nraise SystemExit",
    "an argument that does not travel": "class Node: pass\nassert f(2) == 4\nassert f(Node()) == 2",
    "more memory than there is": "f(2)\nx = bytearray(8 << 30)",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_tests_that_the_reference_fails_are_not_scored(name: str) -> None:
    code = Code(entry="f", suite=BROKEN[name], seconds=0.4)
    verdict = await graded(code, "def f(x): return x", "def f(x): return x * 2")
    assert (verdict.outcome, verdict.correct) == (Outcome.ERROR, None), verdict


async def test_an_answer_that_is_no_program_is_no_reference() -> None:
    verdict = await graded(Code(entry="f", suite="assert f(2) == 4"), "def f(x): return x", "see the book")
    assert verdict.outcome is Outcome.INCORRECT


COMPACT = "def f(a):\n    k = 0\n    for x in a:\n        if x:\n            a[k] = x\n            k += 1\n    return k"
KEEPS = "a = [0, 3, 0, 5]\nk = f(a)\nassert a[:k] == [3, 5]"
EMPTIES = "def f(x):\n    x.clear()\n    return []"
EQUAL = "def f(x):\n    x[:] = [1, 1]\n    return [1, 1]"
IS_SORTED = "a = [3, 1]\nassert f(a) == sorted(a) and len(a) == 2"
SORTS = "def f(a): return sorted(a)"


@pytest.mark.parametrize(
    ("suite", "reference", "program", "correct"),
    [
        (KEEPS, COMPACT, COMPACT, True),
        (KEEPS, COMPACT, "def f(a): return 2", False),
        (KEEPS, "", COMPACT, False),
        (IS_SORTED, SORTS, EMPTIES, False),
        (IS_SORTED, SORTS, EQUAL, False),
        (IS_SORTED, "", EQUAL, False),
        (IS_SORTED, SORTS, "def f(a):\n    a.sort()\n    return a[:]", True),
    ],
)
async def test_changed_arguments_show_where_the_reference_needs_it(
    suite: str, reference: str, program: str, correct: bool
) -> None:
    verdict = await graded(Code(entry="f", suite=suite), program, reference)
    assert verdict.correct is correct, verdict


# One budget

NAPS = Code(cases=tuple(Case(given=str(n), expected=str(n)) for n in range(5)), seconds=0.5)
BURNS = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass\nprint(input())"
SLEEPS = "import time\ndef f(n):\n    time.sleep(0.8)\n    return n"
ONE = (Case(given="1", expected="1"),)


@pytest.mark.parametrize(
    ("code", "program"),
    [
        (NAPS, "import time\ntime.sleep(0.8)\nprint(input())"),
        (NAPS, BURNS),
        (NAPS.model_copy(update={"entry": "f"}), SLEEPS),
        (Code(entry="f", suite="for n in range(5): assert f(n) == n", seconds=0.5), SLEEPS),
        (Code(entry="f", cases=ONE, suite="import time\nf(1)\ntime.sleep(9)", seconds=0.5), SLEEPS),
        (Code(entry="f", cases=ONE, suite="import time\nf(1)\nwhile True: pass", seconds=0.5), SLEEPS),
    ],
    ids=["programs asleep", "programs at work", "calls", "a suite's calls", "cases, a suite asleep", "a suite at work"],
)
async def test_all_tests_of_a_program_share_one_budget(code: Code, program: str) -> None:
    began = time.monotonic()
    verdict = await graded(code, program)
    assert verdict.outcome is Outcome.INCORRECT
    assert time.monotonic() - began < 3 * 0.5 + 1.5


async def test_a_program_may_use_its_budget_up() -> None:
    code = Code(cases=NAPS.cases[:3], seconds=2.0)
    verdict = await graded(code, BURNS)
    assert verdict.correct, verdict.diagnosis


# What comes back

NESTED = "b'[' + b'[],' * 2_600_000 + b'[]]'"
FLOODS = {
    "a body of nothing but lists": (NESTED, "dict(value='x', size=len(body))"),
    "a head of nothing but lists": ("b''", f"dict(value=({NESTED}).decode(), size=0)"),
    "a size that is not there": ("b'x'", "dict(value='x', size=10**12)"),
    "a size below nothing": ("b'x'", "dict(value='x', size=-5)"),
    "deep brackets": ("b'[' * 8_000_000", "dict(do='return', size=len(body))"),
    "an end that is none": (NESTED, "dict(ended=0, cpu=0, size=len(body))"),
    "a size that is a list": ("b'x'", "dict(value='x', size=[1])"),
}
FLOOD = """
import gc, json, os
def f(a, b):
    lines = next(x for x in gc.get_objects() if type(x).__name__ == 'Lines')
    body = {body}
    data = json.dumps({{**{head}, 'n': lines.number}}).encode() + b'\\n' + body
    while data: data = data[os.write(3, data):]
    return [1]
"""


@pytest.mark.parametrize("suite", ["", "assert f(1, [2]) == [1, 2]"], ids=["cases", "a suite"])
@pytest.mark.parametrize("name", FLOODS)
async def test_what_comes_back_neither_holds_the_loop_nor_fills_memory(name: str, suite: str) -> None:
    body, head = FLOODS[name]
    cases = () if suite else (Case(given="1, [2]", expected="[1, 2]"),)
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            began = time.thread_time(), time.monotonic()
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - began[1])

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.02)
    tracemalloc.start()
    try:
        verdict = await graded(
            Code(entry="f", cases=cases, suite=suite, seconds=2.0), FLOOD.format(body=body, head=head)
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        ticking.cancel()
    assert verdict.outcome is Outcome.INCORRECT, verdict
    assert peak < 48 << 20
    assert max(gaps) < 0.5


LIES = """
import gc, json, os, random
ODD = [None, True, -1, 0, 10**9, 10**400, 0.5, float("nan"), "", "do", "call", "next", "return", "raise", "x" * 500, []]
ODD += [[[]] * 50, {}, {"do": 1}, ["ValueError"], ["StopIteration"], [1], ["x", 1, 10**400], ["x" * 99, [[[]]], -5]]
KEYS = "do of kinds value unplain error unfit passed changed shown ended cpu ok printed report body".split()
BODIES = [b"", b"[]", b"[1, []]", b"{}", b"[[[", b'[{"o": 5}, []]', b'[{"y": 0}, [[0, 1]]]', b'[{"g": -1}, []]']
BODIES += [b'[{"u": "a"}, [["a", {"n": 3}]]]', b"\\xff", b'[{"e": "1e9999999"}, []]', b'[{"i": "zz"}, []]', b"null"]
def f(x):
    rng = random.Random(SEED)
    lines = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Lines")
    head = {key: rng.choice(ODD) for key in rng.sample(KEYS, rng.randint(0, 6))}
    if rng.random() < 0.5: head["do"] = rng.choice(["call", "return", "raise", "next"])
    body = rng.choice(BODIES)
    size = len(body) if rng.random() < 0.9 else rng.choice(ODD)
    os.write(3, json.dumps({**head, "size": size, "n": lines.number}).encode() + b"\\n" + body)
    return 0
"""


async def test_whatever_a_program_sends_it_is_wrong_and_nothing_breaks() -> None:
    by_case = Code(entry="f", cases=(Case(given="[1]", expected="58"),), seconds=0.5)
    by_suite = Code(entry="f", suite="x = [1]\nassert f(x) == 58 and x == [1]", seconds=0.5)
    jobs = [graded(code, f"SEED = {seed}\n{LIES}") for seed in range(150) for code in (by_case, by_suite)]
    outcomes = [verdict.outcome for verdict in await asyncio.gather(*jobs)]
    assert set(outcomes) == {Outcome.INCORRECT}


async def test_a_whole_program_cannot_tell_how_it_ends() -> None:
    """It has no channel: no time that it did not use, no output that it did not print."""
    lie = (
        "import json, os\nfor fd in range(3, 64):\n"
        "    message = json.dumps(dict(ended=0, cpu=-1e9, printed=2, size=2)).encode() + b'\\n58'\n"
        "    try: os.write(fd, message)\n    except OSError: pass\n"
    )
    code = Code(cases=(Case(given="", expected="58"), Case(given="", expected="58")), seconds=0.5)
    assert (await graded(code, lie)).outcome is Outcome.INCORRECT
    assert (await graded(code, lie + "print(58)")).outcome is Outcome.INCORRECT, "it says that it failed"
    burn = "import time\nwhile time.process_time() < 0.4: pass\nprint(58)"
    assert (await graded(code, lie + burn)).outcome is Outcome.INCORRECT


@pytest.mark.parametrize("error", ["StopIteration", "StopIteration(True)", "StopAsyncIteration", "GeneratorExit"])
@pytest.mark.parametrize(
    "suite",
    [
        "assert all(map(lambda n: f(n) == n, [1, 2]))",
        "for _ in map(f, [1]): assert False\nassert sum(map(f, [1])) == 0",
    ],
)
async def test_no_error_ends_an_iteration_of_the_suite(suite: str, error: str) -> None:
    verdict = await graded(Code(entry="f", suite=suite), f"def f(n): raise {error}")
    assert verdict.outcome is Outcome.INCORRECT
