"""What a static problem's solution starts from, each number as a question and its answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sml_agents.tasks.static.givens import numbers_in
from sml_agents.tasks.static.surgery import indirect_question, own_clause
from sml_agents.tasks.static.underspecify import Underspecified
from sml_agents.text.sentences import sentences
from sml_agents.types import Need

__all__ = ["needs_of"]

_POLITE = re.compile(r"^Could you tell me ")
_LONGEST = 18
"""Words of a question."""


def needs_of(cut: Underspecified, solution_numbers: Sequence[str]) -> tuple[Need, ...]:
    """Of the complete problem, in the order of the solution; the fact that was taken out has its own name and question.

    What is not told as a number (`a dozen`, `each month`) is none: it is told in both forms. Empty where a number
    stands in a clause too long to ask about.
    """
    missing = {value for *_, value in numbers_in(cut.removed)}
    needs = []
    for value in solution_numbers:
        place = next(
            ((part, *found) for part in sentences(cut.full_prompt) for found in numbers_in(part) if found[2] == value),
            None,
        )
        if place is None:
            continue
        part, start, end, _ = place
        if value in missing:
            name, question = cut.fact.name, cut.fact.question
        else:
            name, question = f"number {len(needs) + 1}", indirect_question(part, start, end) or _echo(part, start, end)
        question = _POLITE.sub("", question)
        if not question or len(question.split()) > _LONGEST:
            return ()
        needs.append(Need(name=name, question=question[0].upper() + question[1:], value=value))
    return tuple(needs) if cut.fact.name in {need.name for need in needs} else ()


def _echo(sentence: str, start: int, end: int) -> str:
    """`A robe takes 2 bolts of fiber.` -> `A robe takes how many bolts of fiber?`"""
    begin, finish = own_clause(sentence, start, end)
    ask = "how much" if sentence[start] == "$" else "what percent" if sentence[end - 1] == "%" else "how many"
    return f"{sentence[begin:start].lstrip(' ,')}{ask}{sentence[end:finish].rstrip(' .,;!?:')}?"
