"""What the oracle says of a wrong attempt: never how it compares with the answer, so that nobody can search for it.

Shown working is read step by step: the first that does not come out, else the first that the worked solution does not
have, is named by its place in the student's own working. Of an attempt without working the hint says which quantity of
the worked solution it is, if it is one. No hint tells an operation or a value, and at most two of a dialogue name a
step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from sml_agents.text.answers import evaluate, read
from sml_agents.text.answers.plain import NUMBER
from sml_agents.types import Role
from sml_agents.views import TeacherView

__all__ = ["hint"]

MOST_STEPS = 2
"""Hints of one dialogue that may name a step."""

_COMES_OUT = "Step {} of your working does not come out."
_LEADS_AWAY = "Step {} of your working is not one that the solution takes."
_ON_THE_WAY = "That is what step {} of the solution gives, and not the end."
_GIVEN = "That is a number that the problem gives, and not its result."
_NAMES_A_STEP = re.compile(r"\bStep \d|\bstep \d")

_ANNOTATION = re.compile(r"<<[^<>\n]{0,80}>>")
_UNIT = re.compile(r"(?<=\d) [^\W\d_]{2,20}(?=\s*[-+*/\u00d7\u00f7)=])")
_EQUATION = re.compile(
    rf"(?P<left>[-$\u20ac\u00a3(]*\d[\d.,()+\-*/x\u00d7\u00f7$\u20ac\u00a3 ]{{1,120}}?)\s?=\s?"
    rf"(?P<value>[-$\u20ac\u00a3 ]{{0,3}}{NUMBER})(?![\d(]|\s?[-+*/x\u00d7\u00f7]\s?\d)"
)
_MONEY = str.maketrans({"$": "", "\u20ac": "", "\u00a3": ""})
_LONGEST = 4_000


def hint(view: TeacherView) -> str:
    """A sentence about the wrong attempt `view.last`, or an empty string where nothing is said but that it is wrong."""
    steps = list(_steps(view.private.solution))
    named = sum(bool(_NAMES_A_STEP.search(text)) for role, text in view.history if role is Role.TEACHER)
    may_name = named < MOST_STEPS
    results = [result for _, result in steps]
    working = list(_steps(view.last))
    for place, (computed, result) in enumerate(working, start=1):
        if may_name and computed != result:
            return _COMES_OUT.format(place)
    for place, (_, result) in enumerate(working, start=1):
        if may_name and steps and result not in results:
            return _LEADS_AWAY.format(place)
    extracted = view.verdict.extracted if view.verdict is not None else None
    value = read(extracted).value if extracted else None
    if value is None or not steps:
        return ""
    if value in results:
        return _ON_THE_WAY.format(results.index(value) + 1) if may_name else ""
    return _GIVEN if value in _numbers(view.private.solution) else ""


def _steps(text: str) -> Iterator[tuple[Fraction, Fraction]]:
    """Of each calculation in `text` what it gives and what it is said to give."""
    plain = _UNIT.sub("", _ANNOTATION.sub("", text[-_LONGEST:]))
    for found in _EQUATION.finditer(plain):
        left = found["left"].translate(_MONEY).replace("x", "*")
        computed, result = evaluate(left.strip()), read(found["value"].strip()).value
        if computed is not None and result is not None and re.search(r"\d\s*[)]?\s*[-+*/\u00d7\u00f7]", left):
            yield computed, result


def _numbers(text: str) -> set[Fraction]:
    found = (read(number).value for number in re.findall(NUMBER, text[:_LONGEST]))
    return {value for value in found if value is not None}
