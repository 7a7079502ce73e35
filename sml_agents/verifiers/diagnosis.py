"""What is wrong with an answer, in one sentence that does not state the right one.

A diagnosis never says on which side of the right answer, how far from it or how long it is: by such words it can be
searched for without reading the task.
"""

from __future__ import annotations

from sml_agents.text.answers import Kind, Reading, read
from sml_agents.types import Task
from sml_agents.verifiers.compare import same_quantity, same_value

__all__ = ["diagnose"]

_OF_KIND = {
    Kind.SEVERAL: "It gives several values where one is asked for.",
    Kind.BOUND: "It gives a bound and not a value.",
    Kind.CONTRADICTION: "Its equation does not hold.",
    Kind.WORDS: "It is not a number.",
    Kind.UNREAD: "It cannot be read as one value: it should end with the number alone.",
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
    if same_value(gold, given) and not same_quantity(gold, given):
        return "The number is right, the unit is not."
    return ""


def _of_list(gold: Reading, given: Reading) -> str:
    comparable = gold.kind is Kind.SEVERAL and given.kind in (Kind.SEVERAL, Kind.VALUE)
    if comparable and gold.values and given.values and sorted(given.values) == sorted(gold.values):
        return "The values are right, their order or form is not."
    return ""
