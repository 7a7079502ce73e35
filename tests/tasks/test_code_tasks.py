"""Code tasks: published formats as tasks, generated functions in three forms, and what of them is public."""

from __future__ import annotations

import ast
import asyncio
import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.tasks.code.asserts import read_asserts
from sml_agents.tasks.code.functions import steps_bank
from sml_agents.text.questions import asked_facts
from sml_agents.types import Case, Form, Task
from sml_agents.verifiers import get_verifier

HUMANEVAL = {
    "task_id": "x/1",
    "prompt": 'import math\n\ndef third(n):\n    """Divide.\n    >>> third(3)\n    1.0\n    """\n',
    "entry_point": "third",
    "canonical_solution": "    return n / 3\n",
    "test": "def check(candidate):\n    assert candidate(6) == 2.0\n    assert math.isclose(candidate(1), 1 / 3)\n",
}
MBPP = {
    "task_id": 3,
    "text": "Double it.",
    "code": "def dbl(n):\r\n    return n * 2",
    "test_list": ["assert dbl(2)==4", "assert dbl(5)==10"],
}
STDIN = [{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]
CALLS = [{"input": "[1, 2]\ntrue", "output": "[2, 1]", "testtype": "functional"}]


def packed(tests: list[dict[str, str]]) -> str:
    """As the data set packs its private tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def written(folder: Path, *rows: dict[str, Any]) -> str:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def lcb(tests: list[dict[str, str]], hidden: Any = "", starter: str = "") -> dict[str, Any]:
    row = {"question_id": "q", "question_content": "Do it.", "starter_code": starter, "metadata": "{}"}
    return row | {"public_test_cases": json.dumps(tests), "private_test_cases": hidden or packed(tests)}


async def outcome(task: Task, program: str) -> str:
    return (await get_verifier("code").verify(task, f"```python\n{program}\n```")).outcome.value


async def test_humaneval_keeps_what_it_cannot_read_as_a_suite(tmp_path: Path) -> None:
    (task,) = load_tasks(f"humaneval:{written(tmp_path, HUMANEVAL)}")
    code = task.private.code
    assert code is not None and code.cases == (Case(given="6", expected="2.0"),)
    assert "isclose" in code.suite and code.prelude == "import math\n\n"
    assert ">>> third(3)" in task.prompt and "2.0" not in task.prompt and "isclose" not in task.prompt
    assert await outcome(task, "def third(n):\n    return n / 3") == "correct"
    assert await outcome(task, "def third(n):\n    return n // 3") == "incorrect"


async def test_mbpp_shows_its_first_assertion_and_tests_all(tmp_path: Path) -> None:
    (task,) = load_tasks(f"mbpp:{written(tmp_path, MBPP)}")
    assert "assert dbl(2)==4" in task.prompt and "10" not in task.prompt
    assert await outcome(task, "def dbl(n): return n * 2") == "correct"
    assert await outcome(task, "def dbl(n): return 4") == "incorrect"


@pytest.mark.parametrize("hidden", ["", json.dumps(STDIN)], ids=["pickled", "plain"])
async def test_livecodebench_programs(tmp_path: Path, hidden: str) -> None:
    (task,) = load_tasks(f"livecodebench:{written(tmp_path, lcb(STDIN, hidden))}")
    assert await outcome(task, "print(sum(map(int, input().split())))") == "correct"
    assert await outcome(task, "print(4)") == "incorrect"


async def test_livecodebench_methods(tmp_path: Path) -> None:
    starter = "class Solution:\n    def turn(self, xs: List[int], go: bool) -> List[int]:\n        "
    (task,) = load_tasks(f"livecodebench:{written(tmp_path, lcb(CALLS, starter=starter))}")
    code = task.private.code
    assert code is not None and (code.entry, code.cases[0].given) == ("Solution.turn", "[1, 2], True")
    assert await outcome(task, starter + "return xs[::-1] if go else xs") == "correct"


@pytest.mark.parametrize(
    "body",
    [
        "d = defaultdict(int)\n    for x in xs: d[x] += 1\n    return sorted(d)[::-1]",
        "return [int(math.sqrt(x * x)) for x in reversed(xs)]",
        "heapify(xs)\n    return heapq.nlargest(len(xs), xs)",
        "return list(accumulate(xs, lambda a, b: b))[::-1] if gcd(4, 6) == 2 else []",
        "ys: List[int] = deepcopy(xs)\n    insort(ys, 0)\n    return [x for x in ys[::-1] if x]",
        "@lru_cache(None)\n    def g(n): return n and 1 + g(n - 1)\n    return xs[::-1] if g(2000) == 2000 else []",
        "return [pow(x, 1, 10) for x in Counter(xs).keys()][::-1] if Counter(xs).total() == 2 else []",
        "return json.loads(json.dumps(xs))[::-1] if re.match('a', 'ab') and sys.maxsize else None",
    ],
)
async def test_livecodebench_functions_find_the_usual_imports(tmp_path: Path, body: str) -> None:
    starter = "def turn(xs: List[int], go: bool) -> List[int]:\n    "
    (task,) = load_tasks(f"livecodebench:{written(tmp_path, lcb(CALLS, starter=starter))}")
    verdict = await get_verifier("code").verify(task, f"```python\n{starter}{body}\n```")
    assert verdict.correct, verdict.diagnosis


async def test_so_do_livecodebench_programs_and_their_tests_bring_their_time(tmp_path: Path) -> None:
    (task,) = load_tasks(f"livecodebench:{written(tmp_path, lcb(STDIN * 6, json.dumps(STDIN * 14)))}")
    assert await outcome(task, "print(reduce(add, map(int, sys.stdin.read().split())))") == "correct"
    assert task.private.code is not None and task.private.code.seconds == 20.0


class Evil:
    def __reduce__(self) -> Any:
        return (open, ("evil-was-here", "w"))


def test_a_pickle_in_a_data_set_is_read_and_never_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    report = LoadReport()
    tasks = load_tasks(f"livecodebench:{written(tmp_path, lcb(STDIN, evil), lcb(STDIN))}", report=report)
    assert len(tasks) == 1 and report.bad == {"a pickle that holds more than a text": 1}
    assert not (tmp_path / "evil-was-here").exists()


@pytest.mark.parametrize(
    ("family", "row"),
    [
        ("humaneval", {}),
        ("humaneval", {**HUMANEVAL, "entry_point": "other"}),
        ("humaneval", {**HUMANEVAL, "test": "def check(:"}),
        ("mbpp", {**MBPP, "test_list": []}),
        ("mbpp", {**MBPP, "test_list": ["assert True"]}),
        ("livecodebench", lcb(STDIN, "no base64!")),
        ("livecodebench", lcb([*STDIN, *CALLS])),
        ("livecodebench", lcb(CALLS)),
    ],
)
def test_a_bad_row_is_counted_and_never_fatal(tmp_path: Path, family: str, row: dict[str, Any]) -> None:
    with pytest.raises(TaskSpecError, match="1 bad rows"):
        load_tasks(f"{family}:{written(tmp_path, row)}")


@pytest.mark.parametrize(
    ("source", "cases", "whole"),
    [
        ("assert f(1, [2]) == {'a': 3}", 1, True),
        ("assert f(-1) == (1, 2.5), 'message'", 1, True),
        ("assert f(x=1) == 2", 0, False),
        ("assert f(1) == g(1)", 0, False),
        ("assert f(1) < 3\nassert f(2) == 4", 1, False),
        ("assert True, 'fine'\nMETADATA = {}\nassert f(1) == 1", 1, True),
        ("for n in range(3):\n    assert f(n) == n", 0, False),
        ("assert not f(1)", 0, False),
    ],
)
def test_assertions_are_read_as_cases_where_they_say_the_same(source: str, cases: int, whole: bool) -> None:
    found, complete = read_asserts(source, ("f",))
    assert (len(found), complete) == (cases, whole)


def test_generated_functions_are_seeded_and_split_by_template() -> None:
    assert load_tasks("functions?n=20&seed=3") == load_tasks("functions?n=20&seed=3")
    train = {task.template for task in load_tasks("functions?n=150")}
    heldout = {task.template for task in load_tasks("functions?n=150&split=heldout")}
    assert len(train) > 25 and len(heldout) > 25 and not train & heldout
    held = {step.name for step in steps_bank() if step.split == "heldout"}
    assert all(held & set(name.partition(":")[2].split("+")) for name in heldout)


async def test_the_references_of_generated_functions_pass_in_every_form() -> None:
    tasks = [task for form in ("paired", "sharded") for task in load_tasks(f"functions?form={form}&n=12&split=all")]
    verifier = get_verifier("code")
    verdicts = await asyncio.gather(*(verifier.verify(task, task.private.solution) for task in tasks))
    assert [t.template for t, v in zip(tasks, verdicts, strict=True) if not v.correct] == []


def test_forms_differ_by_the_rule_that_is_left_open() -> None:
    tasks = load_tasks("functions?form=paired&n=60&split=all")
    for missing, full in zip(tasks[::2], tasks[1::2], strict=True):
        assert (missing.pair, missing.private.answer) == (full.pair, full.private.answer)
        (fact,) = missing.private.facts
        assert missing.prompt != full.prompt and full.private.facts == ()
        assert missing.prompt.partition("For example")[2] == full.prompt.partition("For example")[2]
        assert asked_facts(fact.question, [fact]) == (fact,)
    sharded = load_tasks("functions?form=sharded&n=10")
    assert all(task.form is Form.SHARDED and len(task.private.facts) == task.meta["steps"] for task in sharded)


def test_hidden_tests_are_not_in_the_prompt() -> None:
    for task in load_tasks("functions?form=mixed&n=60"):
        assert task.private.code is not None
        for case in task.private.code.cases:
            assert f"({case.given})" not in task.prompt
            ast.literal_eval(case.expected)
