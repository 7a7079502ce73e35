"""Mathematical equality.

First the fast path of `compare` (numbers, no process), then algebra by math-verify in a killable worker, behind a gate
that turns away what no honest answer needs: long texts and digit runs, deep braces, towers of powers, huge factorials.

A text may correct itself: the last answer counts. But whoever gives more than three different answers has given none.
"""

from __future__ import annotations

import re

from sml_agents.errors import VerifierError
from sml_agents.text.answers import Found, find_answers, plain
from sml_agents.types import Outcome, Task, Verdict
from sml_agents.verifiers.compare import answers_equal
from sml_agents.verifiers.diagnosis import diagnose
from sml_agents.verifiers.workers import Workers, WorkerTimeout, shared_workers

__all__ = ["MathVerifier", "too_much_for_algebra"]

_MAX_ANSWERS = 3
_MAX_CHARS = 400
_MAX_BRACES = 12
_DIGITS = re.compile(r"\d{60}")
_POWER = re.compile(r"([)}\]]?)\s*\^\s*[{(]?\s*-?\s*(\d+)")
_TOWER = re.compile(r"\^[^+\-*/=,;&]{0,40}\^|\*\*[^+\-*/=,;&]{0,40}\*\*")
_FACTORIAL = re.compile(r"(?:\d{4,}|[)}\]])\s*!|!\s*!|\^[^!]{0,40}!")
_HEAVY = re.compile(r"\\(?:int|sum|prod|lim|binom|begin)(?![a-z])")
_MAX_POWER = 100
_MAX_POWER_OF_SUM = 20


class MathVerifier:
    """Compares the final answer of a text with the task's private answer."""

    name = "math"

    def __init__(self, *, deadline: float = 3.0, workers: Workers | None = None) -> None:
        self.deadline = deadline
        self._workers = workers

    async def verify(self, task: Task, text: str) -> Verdict:
        """The verdict on the last answer that `text` gives; the rule is that of `sml_agents.text.answers.extract`."""
        reference = task.private.answer
        if not reference.strip():
            return Verdict(outcome=Outcome.ERROR, diagnosis="The task has no answer to compare with.")
        answers = find_answers(text)
        if not answers:
            return Verdict(outcome=Outcome.UNPARSEABLE, diagnosis="No answer could be found.")
        answer = answers[-1].text
        if _different(answers) > _MAX_ANSWERS:
            return Verdict(outcome=Outcome.INCORRECT, extracted=answer[:200], diagnosis="It gives too many answers.")
        return await self._compare(task, reference, answer)

    async def _compare(self, task: Task, reference: str, answer: str) -> Verdict:
        equal = answers_equal(reference, answer)
        shown = answer[:200]
        if equal is None:
            if too_much_for_algebra(reference):
                return Verdict(
                    outcome=Outcome.ERROR, extracted=shown, diagnosis="The task's answer cannot be compared."
                )
            if too_much_for_algebra(answer):
                return Verdict(outcome=Outcome.UNPARSEABLE, extracted=shown, diagnosis="It is too involved to be read.")
            try:
                workers = self._workers or shared_workers(self.deadline)
                equal = await workers.ask("equal", reference=reference, answer=answer)
            except WorkerTimeout as error:
                return Verdict(outcome=Outcome.TIMEOUT, extracted=shown, diagnosis=str(error))
            except VerifierError as error:
                return Verdict(outcome=Outcome.ERROR, extracted=shown, diagnosis=str(error))
        if equal is None:
            return Verdict(outcome=Outcome.UNPARSEABLE, extracted=shown, diagnosis="It cannot be read as mathematics.")
        if equal:
            return Verdict(outcome=Outcome.CORRECT, extracted=shown)
        return Verdict(outcome=Outcome.INCORRECT, extracted=shown, diagnosis=diagnose(task, answer))


def _different(answers: list[Found]) -> int:
    if len(answers) <= _MAX_ANSWERS:
        return len(answers)
    return len({plain(answer.text).casefold() for answer in answers})


def too_much_for_algebra(text: str) -> bool:
    """The gate: whether `text` asks more of algebra than an answer can need. Linear and without computing anything."""
    if len(text) > _MAX_CHARS or _depth(text) > _MAX_BRACES:
        return True
    spelled = plain(text)
    if _DIGITS.search(spelled) or _TOWER.search(spelled) or _FACTORIAL.search(spelled) or _HEAVY.search(spelled):
        return True
    return any(int(power[:9]) > (_MAX_POWER_OF_SUM if sum_ else _MAX_POWER) for sum_, power in _POWER.findall(spelled))


def _depth(text: str) -> int:
    depth = deepest = 0
    for letter in text:
        if letter in "{([":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "})]":
            depth -= 1
    return deepest
