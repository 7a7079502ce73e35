"""GSM8K files: rows of `question` and `answer`; the answer is worked out with `<<48/2=24>>` and ends in `#### 72`.

The compact solution takes the annotations alone: `48 / 2 = 24. 48 + 24 = 72. The answer is 72.`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sml_agents.tasks.rows import read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec
from sml_agents.tasks.static.problems import StaticProblem, make_tasks
from sml_agents.types import Task

__all__ = ["compact_solution", "final_answer", "make"]

_FINAL = re.compile(r"####\s*(\S[^\n]*?)\s*$")
_STEP = re.compile(r"<<([^<>=]+)=([^<>=]+)>>")
_BINARY_MINUS = re.compile(r"(?<=[\d)%])\s*-\s*")


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    return make_tasks(_problems(spec.arg, report), spec, report)


def _problems(path: str, report: LoadReport) -> Iterator[StaticProblem]:
    for row in read_rows(path, report):
        report.read += 1
        question, worked = text_in(row, "question"), text_in(row, "answer")
        if not question or not worked:
            report.bad["no question or no answer"] += 1
        elif not (answer := final_answer(worked)):
            report.bad["no '#### answer'"] += 1
        else:
            yield StaticProblem(question, answer, compact_solution(worked, answer), worked)


def final_answer(worked: str) -> str:
    """What stands after `####`, without thousands separators and currency; empty when there is nothing."""
    found = _FINAL.search(worked.strip())
    return re.sub(r"(?<=\d),(?=\d{3})", "", found.group(1)).strip("$ ").rstrip(".") if found else ""


def compact_solution(worked: str, answer: str) -> str:
    """The annotated steps as equations separated by periods, with the answer last."""
    steps = [f"{_spaced(left)} = {right.strip()}." for left, right in _STEP.findall(worked)]
    return " ".join([*steps, f"The answer is {answer}."])


def _spaced(expression: str) -> str:
    expression = re.sub(r"\s*([+*/])\s*", r" \1 ", expression.replace("x", "*"))
    return " ".join(_BINARY_MINUS.sub(" - ", expression).split())
