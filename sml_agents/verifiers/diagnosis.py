"""What is wrong with an answer, in one sentence that does not state the right one."""

from __future__ import annotations

from fractions import Fraction

from sml_agents.text.answers import Kind, Reading, read
from sml_agents.text.answers.extract import numbers_after_equals
from sml_agents.types import Task
from sml_agents.verifiers.compare import same_unit, same_value

__all__ = ["diagnose"]

_OF_KIND = {
    Kind.SEVERAL: "It gives several values where one is asked for.",
    Kind.BOUND: "It gives a bound and not a value.",
    Kind.CONTRADICTION: "Its equation does not hold.",
    Kind.WORDS: "It is not a number.",
    Kind.TOO_LONG: "It is far too long to be an answer.",
    Kind.EMPTY: "There is no answer.",
}


def diagnose(task: Task, answer: str) -> str:
    """A sentence about a wrong `answer`, or an empty string when nothing can be said."""
    gold, given = read(task.private.answer), read(answer)
    if gold.kind is not Kind.VALUE:
        return _of_list(gold, given)
    if given.kind is not Kind.VALUE:
        return _OF_KIND.get(given.kind, "")
    if same_value(gold, given) and not same_unit(gold, given):
        return "The number is right, the unit is not."
    if gold.value is None or given.value is None:
        return ""
    if given.value == -gold.value:
        return "The sign is wrong."
    if _is_intermediate(task, given.value):
        return "That is a step on the way, not the end."
    if (factor := _power_of_ten(given.value, gold.value)) is not None:
        return f"It is off by a factor of {factor}."
    return "It is too low." if given.value < gold.value else "It is too high."


def _of_list(gold: Reading, given: Reading) -> str:
    if gold.kind is Kind.SEVERAL and given.kind in (Kind.SEVERAL, Kind.VALUE) and gold.values and given.values:
        if len(given.values) < len(gold.values):
            return "Something is missing."
        if len(given.values) > len(gold.values):
            return "It gives too much."
        if sorted(given.values) == sorted(gold.values):
            return "The values are right, their order or form is not."
    return ""


def _is_intermediate(task: Task, value: Fraction) -> bool:
    """Whether the worked solution reaches `value` on its way."""
    return value in numbers_after_equals(task.private.solution)


def _power_of_ten(one: Fraction, other: Fraction) -> int | None:
    """10, 100, ... up to a million if one number is the other times that, else None."""
    if not one or not other:
        return None
    ratio = max(abs(one / other), abs(other / one))
    same_sign = (one > 0) == (other > 0)
    return next((10**k for k in range(1, 7) if ratio == 10**k), None) if same_sign else None
