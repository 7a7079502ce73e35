"""QuestBench's GSM-like items: word problems from which exactly one needed fact was taken.

A row holds `ori_question` (the problem without the fact), `degraded_info` (`A1 = 20 [Number of stories Alani wrote in
Week 1]`) and `expected_answer`. The underspecified form is the item as it is. The full form is the same item completed:
the missing fact's statement, `The number of stories Alani wrote in Week 1 is 20.`, is put in before the last sentence,
which asks the question, so that both forms differ by that sentence alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import islice

from sml_agents.tasks.rows import read_rows, text_in
from sml_agents.tasks.spec import LoadReport, TaskSpec, choose_forms
from sml_agents.tasks.static.problems import StaticProblem, task
from sml_agents.text.sentences import sentence_spans
from sml_agents.text.words import keywords_of
from sml_agents.types import Fact, Form, Task, stable_hash

__all__ = ["complete", "make", "statement_of"]

_INFO = re.compile(r"\s*(\w+)\s*=\s*([^\[\]]+?)\s*\[(.+)\]\s*")
_POSSESSIVE = re.compile(r"^[A-Z]\w*'s?\b")
_MEASURE = re.compile(
    r"^(?:the )?(?:total |original |minimum |average )*"
    r"(?:number|amount|distance|cost|price|value|discount|miles|points|no\b|length|weight|age|time|rate|speed)",
    re.IGNORECASE,
)


def make(spec: TaskSpec, report: LoadReport) -> Iterator[tuple[Task, ...]]:
    seen: set[str] = set()
    for row in islice(read_rows(spec.arg, report), spec.offset, None):
        report.read += 1
        prompt, answer = text_in(row, "ori_question"), text_in(row, "expected_answer")
        info = text_in(row, "degraded_info")
        if not prompt or not answer:
            report.bad["no ori_question or no expected_answer"] += 1
        elif not (fact := fact_of(info, prompt)):
            report.bad["degraded_info is not 'NAME = VALUE [description]'"] += 1
        else:
            pair = stable_hash(spec.family, "pair", prompt, answer, fact.statement)
            if pair in seen:
                report.refused["the same problem again"] += 1
                continue
            seen.add(pair)
            rng = random.Random(stable_hash(spec.family, spec.seed, pair))
            forms = choose_forms(spec.form, (Form.FULL, Form.UNDERSPECIFIED), rng)
            problem = StaticProblem(prompt, answer)
            yield tuple(_task(problem, form, pair, fact) for form in forms)


def _task(problem: StaticProblem, form: Form, pair: str, fact: Fact) -> Task:
    if form is Form.FULL:
        return task(problem, "questbench", form, pair, complete(problem.prompt, fact.statement))
    return task(problem, "questbench", form, pair, problem.prompt, (fact,))


def fact_of(info: str, prompt: str) -> Fact | None:
    """The missing fact of an item, or None when `degraded_info` cannot be read."""
    found = _INFO.fullmatch(info)
    if found is None:
        return None
    name, value, description = found.groups()
    subject = _subject(description)
    told = statement_of(value, description)
    return Fact(name=name, statement=told, keywords=keywords_of(told, prompt), question=f"What is {subject}?")


def statement_of(value: str, description: str) -> str:
    """`20`, `Number of stories Alani wrote` -> `The number of stories Alani wrote is 20.`"""
    subject = _subject(description)
    return f"{subject[0].upper()}{subject[1:]} is {value}."


def _subject(description: str) -> str:
    text = re.sub(r"^total no\.", "total number", " ".join(description.split()).rstrip(". "), flags=re.IGNORECASE)
    if _POSSESSIVE.match(text):
        return text
    text = re.sub(r"^the ", "", text, flags=re.IGNORECASE)
    lower = text[0].lower() + text[1:]
    plural = not _MEASURE.match(text) and re.match(r"\w+s\b", text) and not re.match(r"\w+ss\b", text)
    return f"the number of {lower}" if plural else f"the {lower}"


def complete(prompt: str, statement: str) -> str:
    """The prompt with `statement` before its last sentence."""
    start, end = sentence_spans(prompt)[-1]
    before, last = prompt[:start], prompt[start:end]
    gap = before[len(before.rstrip()) :] or " "
    return f"{before.rstrip()} {statement}{gap}{last}".strip()
