"""Code data sets as tasks, from files in the form in which they are published.

humaneval       rows of `prompt`, `entry_point`, `canonical_solution`, `test` (a function `check(candidate)`)
mbpp            rows of `text` (or `prompt`), `code`, `test_list`; the first assertion is in the prompt, all are tested
livecodebench   rows of `question_content`, `starter_code`, `public_test_cases`, `private_test_cases`: functions with
                one JSON argument a line, or whole programs with standard input and output; both find the names imported
                that its own grader imports

The prompt shows what the data set makes public; the rest is private. Tests become cases where they can be read as such
(see `asserts`), else a suite.
"""

from __future__ import annotations

import ast
import base64
import builtins
import json
import pickletools
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sml_agents.tasks.code.asserts import read_asserts
from sml_agents.tasks.rows import read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec
from sml_agents.types import Case, Code, Private, Task, stable_hash

__all__ = ["ASK", "as_solution", "make"]

ASK = "Answer with the whole function in a Python code block."
_ASK_PROGRAM = "Answer with a whole Python program in a code block. It reads standard input and prints its answer."
_SECONDS = 10.0
"""Processor time for an attempt: some published solutions need three."""
_SECONDS_A_TEST = 0.5
"""And as much for each test, where there are dozens with large inputs."""
_IMPORTED = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json"),
)
_USUAL_IMPORTS = "\n".join(
    [
        *(f"from {name} import *" for name in (*_IMPORTED, "builtins", "typing")),
        *(f"import {name}" for name in _IMPORTED),
        "sys.setrecursionlimit(50_000)\n",
    ]
)
"""What LiveCodeBench's grader puts before every program (its `testing_util`): answers rely on it."""
_LARGEST = 64 << 20
"""Bytes of one task's tests, unpacked."""


class _Bad(ValueError):
    """A row that makes no task; the message is the reason, for the report."""


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    read = _READERS[spec.family]
    for index, row in enumerate(read_rows(spec.arg, report)):
        if index < spec.offset:
            continue
        report.read += 1
        try:
            prompt, private, name = read(row)
        except _Bad as bad:
            report.bad[str(bad)] += 1
            continue
        except (SyntaxError, ValueError, TypeError, RecursionError, KeyError):
            report.bad["tests or code that cannot be read"] += 1
            continue
        identity = stable_hash(spec.family, "full", prompt, private.code)
        yield (
            Task(
                id=identity,
                family=spec.family,
                prompt=prompt,
                private=private,
                verifier="code",
                pair=stable_hash(spec.family, "pair", prompt),
                meta={"name": name},
            ),
        )


def as_solution(code: str) -> str:
    """Code as a student would answer with it."""
    return f"```python\n{code.strip()}\n```"


def _private(answer: str, code: Code) -> Private:
    if not code.cases and not code.suite:
        raise _Bad("no tests")
    return Private(answer=answer, solution=as_solution(answer) if answer else "", code=code)


def _humaneval(row: Mapping[str, Any]) -> tuple[str, Private, str]:
    prompt, entry, test = str(row.get("prompt", "")), text_in(row, "entry_point"), str(row.get("test", ""))
    if not prompt or not entry or not test:
        raise _Bad("no prompt, entry_point or test")
    at = re.search(rf"^def {re.escape(entry)}\b", prompt, re.MULTILINE)
    if at is None:
        raise _Bad("the prompt does not define entry_point")
    solution = prompt.rstrip("\n") + "\n" + str(row.get("canonical_solution", "    pass"))
    cases, whole = read_asserts(test, ("candidate",))
    code = Code(
        entry=entry,
        cases=cases,
        suite="" if whole else f"{test}\n\ncheck(candidate)\n",
        setup="" if whole else solution,
        prelude=prompt[: at.start()],
        seconds=_SECONDS,
    )
    shown = f"Complete this Python function. {ASK}\n\n{as_solution(prompt)}"
    return shown, _private(solution, code), text_in(row, "task_id")


def _mbpp(row: Mapping[str, Any]) -> tuple[str, Private, str]:
    text, solution = text_in(row, "text") or text_in(row, "prompt"), text_in(row, "code").replace("\r\n", "\n")
    tests = [str(test).replace("\r\n", "\n").strip() for test in row.get("test_list") or ()]
    if not text or not tests:
        raise _Bad("no text or no test_list")
    challenge = [str(test).replace("\r\n", "\n").strip() for test in row.get("challenge_test_list") or ()]
    imports = row.get("test_imports") or []
    setup = "\n".join([*map(str, imports), text_in(row, "test_setup_code")]).strip()
    entry = _called(tests[0], solution)
    suite = "\n".join([*tests, *challenge])
    cases, whole = read_asserts(suite, (entry,))
    code = Code(entry=entry, cases=cases, suite="" if whole else suite, setup=setup, seconds=_SECONDS)
    shown = f"{text} {ASK} It has to pass this test:\n\n{tests[0]}"
    return shown, _private(solution, code), text_in(row, "task_id")


def _called(test: str, solution: str) -> str:
    """The function that a test calls: one that the solution defines, if it says."""
    defined = set(re.findall(r"^def (\w+)", solution, re.MULTILINE))
    nodes = [node.func for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Call)]
    calls = [node.id for node in nodes if isinstance(node, ast.Name)]
    for name in calls:
        if name in defined or (not defined and name not in dir(builtins)):
            return name
    raise _Bad("no test calls a function of the solution")


def _livecodebench(row: Mapping[str, Any]) -> tuple[str, Private, str]:
    text, starter = text_in(row, "question_content"), str(row.get("starter_code") or "")
    public, hidden = _tests(row.get("public_test_cases")), _tests(row.get("private_test_cases"))
    if not text or not public + hidden:
        raise _Bad("no question_content or no tests")
    kinds = {str(test.get("testtype", "stdin")) for test in public + hidden}
    if kinds == {"functional"}:
        metadata = json.loads(str(row.get("metadata") or "{}"))
        entry = _entry(starter, str(metadata.get("func_name") or ""))
        cases = tuple(_function_case(test) for test in public + hidden)
        shown = f"{text}\n\n{ASK}" + (f" Begin with:\n\n{as_solution(starter)}" if starter else "")
    elif kinds == {"stdin"}:
        entry, shown = "", f"{text}\n\n{_ASK_PROGRAM}"
        cases = tuple(Case(given=str(test["input"]), expected=str(test["output"])) for test in public + hidden)
    else:
        raise _Bad("tests of an unknown or mixed type")
    seconds = _SECONDS + _SECONDS_A_TEST * len(cases)
    code = Code(entry=entry, cases=cases, prelude=_USUAL_IMPORTS, seconds=seconds)
    return shown, _private("", code), text_in(row, "question_id")


def _entry(starter: str, name: str) -> str:
    found = re.search(r"^\s*def (\w+)", starter, re.MULTILINE)
    name = name or (found[1] if found else "")
    if not name:
        raise _Bad("no func_name")
    return f"Solution.{name}" if re.search(r"^class Solution\b", starter, re.MULTILINE) else name


def _function_case(test: Mapping[str, Any]) -> Case:
    arguments = [json.loads(line) for line in str(test["input"]).split("\n") if line.strip()]
    return Case(given=", ".join(map(repr, arguments)), expected=repr(json.loads(str(test["output"]))))


def _tests(packed: Any) -> list[dict[str, Any]]:
    """Test cases as a list, as JSON, or as the data set packs private ones: a pickled JSON text, zipped, in base64."""
    if isinstance(packed, str) and packed.strip() and not packed.lstrip().startswith("["):
        packed = _pickled_text(_unzipped(base64.b64decode(packed, validate=True)))
    found = json.loads(packed) if isinstance(packed, str) and packed.strip() else packed or []
    return [dict(test) for test in found]


def _unzipped(data: bytes) -> bytes:
    unzip = zlib.decompressobj()
    try:
        plain = unzip.decompress(data, _LARGEST)
    except zlib.error as error:
        raise ValueError("not zipped") from error
    if unzip.unconsumed_tail:
        raise _Bad("tests that are too large")
    return plain


def _pickled_text(data: bytes) -> str:
    """The one text in a pickle that holds nothing else. The pickle is read, never executed."""
    texts = []
    for operation, argument, _ in pickletools.genops(data):
        if operation.name in ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"):
            texts.append(str(argument))
        elif operation.name not in ("PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP"):
            raise _Bad("a pickle that holds more than a text")
    if len(texts) != 1:
        raise _Bad("a pickle that holds more than a text")
    return texts[0]


_READERS: dict[str, Callable[[Mapping[str, Any]], tuple[str, Private, str]]] = {
    "humaneval": _humaneval,
    "mbpp": _mbpp,
    "livecodebench": _livecodebench,
}
