"""Exact equality after normalising: for strings, lists and words, where mathematics would be too lenient.

Not told apart: letter case, runs of white space, quotes and wrapping (`$...$`, `**`, `\\text{}`), a final full stop,
and how a list is written (`a, b`, `[a, b]`, `a; b`, `a and b`). Told apart: order, number and spelling.
"""

from __future__ import annotations

import re

from sml_agents.text.answers import find_answer, plain
from sml_agents.types import Outcome, Task, Verdict

__all__ = ["ExactVerifier", "items", "normalise"]

_SEPARATOR = re.compile(r"\s*(?:[,;\n]|\band\b)\s*(?:and\b\s*)?")
_QUOTES = re.compile(r"[\"'`]")
_WRAP = " \t*_$:.!"
_LIMIT = 10_000
_ROUNDS = 5


class ExactVerifier:
    """Compares the final answer of a text with the task's private answer as text."""

    name = "exact"

    async def verify(self, task: Task, text: str) -> Verdict:
        """The verdict on the last answer that `text` gives, or on a whole text of one line without a marked answer."""
        reference = task.private.answer
        if not reference.strip():
            return Verdict(outcome=Outcome.ERROR, diagnosis="The task has no answer to compare with.")
        found = find_answer(text, bare=False)
        answer = found.text if found else text.strip()
        if not answer or (found is None and "\n" in answer):
            return Verdict(outcome=Outcome.UNPARSEABLE, diagnosis="No answer could be found.")
        shown = answer[:200]
        if normalise(answer) == normalise(reference):
            return Verdict(outcome=Outcome.CORRECT, extracted=shown)
        return Verdict(
            outcome=Outcome.INCORRECT, extracted=shown, diagnosis=_diagnosis(items(reference), items(answer))
        )


def normalise(text: str) -> str:
    """`text` in the form in which answers are compared."""
    form = ", ".join(items(text))
    for _ in range(_ROUNDS):  # what is joined may read as a notation that is not told apart, such as a thin space
        before, form = form, ", ".join(items(form))
        if form == before:
            break
    return form


def items(text: str) -> list[str]:
    """The entries of a list, or the one entry of anything else, normalised."""
    text = text[:_LIMIT]
    if "\n" not in text:
        text = re.sub(r"\\[nN]", "\n", text)  # in either case, since case is not told apart
    spelled = ", ".join(plain(" ".join(line.split())) for line in text.splitlines()).casefold().strip(_WRAP)
    if len(spelled) > 1 and (spelled[0], spelled[-1]) in (("[", "]"), ("(", ")"), ("{", "}")):
        spelled = spelled[1:-1]
    entries = [" ".join(_QUOTES.sub("", entry).split()) for entry in _SEPARATOR.split(spelled)]
    return [entry for entry in (entry.strip(_WRAP) for entry in entries) if entry]


def _diagnosis(gold: list[str], given: list[str]) -> str:
    same = len(gold) > 1 and sorted(gold) == sorted(given)
    return "The entries are right, their order is not." if same else ""
