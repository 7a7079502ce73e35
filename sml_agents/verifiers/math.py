"""Mathematical equality.

First what `compare` decides by itself (numbers, structure, no process), then algebra on single expressions in a
killable worker, behind a gate that turns away what no honest answer needs: long texts and digit runs, deep braces,
towers of powers, huge factorials.

A text may correct itself: the last answer counts. But whoever gives more than three different answers has given none.

What the answer itself made too heavy is wrong. Not scored is only a fault of the task's own answer or of the machine:
when a comparison does not come to an end, the task's answer is compared by itself, and only if that fails too is
nobody's answer judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from sml_agents.errors import VerifierError
from sml_agents.text.answers import Found, Kind, find_answers, plain, read
from sml_agents.text.answers.algebra import too_much_for_algebra
from sml_agents.types import Outcome, Task, Verdict
from sml_agents.verifiers.compare import Pair, compare
from sml_agents.verifiers.diagnosis import diagnose
from sml_agents.verifiers.workers import Workers, WorkerTimeout, shared_workers

__all__ = ["MathVerifier"]

_MAX_ANSWERS = 3


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
        if read(reference).kind is Kind.TOO_LONG:
            return Verdict(outcome=Outcome.ERROR, diagnosis="The task's answer is too long to be compared.")
        answers = find_answers(text)
        if not answers:
            return Verdict(outcome=Outcome.UNPARSEABLE, diagnosis="No answer could be found.")
        answer = answers[-1].text
        if _different(answers) > _MAX_ANSWERS:
            return Verdict(outcome=Outcome.INCORRECT, extracted=answer[:200], diagnosis="It gives too many answers.")
        outcome, diagnosis = await self._compare(reference, answer)
        if outcome is Outcome.INCORRECT and not diagnosis:
            diagnosis = diagnose(task, answer)
        return Verdict(outcome=outcome, extracted=answer[:200], diagnosis=diagnosis)

    async def _compare(self, reference: str, answer: str) -> tuple[Outcome, str]:
        """The outcome and, where it is more than equal or not, why."""
        pairs: dict[Pair, bool | None] = {}
        equal = compare(reference, answer, lambda pair: pairs.setdefault(pair, None))
        if equal is None:
            if any(too_much_for_algebra(pair.reference) for pair in pairs):
                return Outcome.ERROR, "The task's answer cannot be compared."
            if any(too_much_for_algebra(pair.answer) for pair in pairs):
                return Outcome.UNPARSEABLE, "It is too involved to be read."
            try:
                known = await self._algebra(list(pairs))
            except VerifierError as error:
                return await self._whose_fault(list(pairs), error)
            equal = compare(reference, answer, known.get)
        if equal is None:
            return Outcome.UNPARSEABLE, "It cannot be read as mathematics."
        return (Outcome.CORRECT if equal else Outcome.INCORRECT), ""

    async def _algebra(self, pairs: list[Pair]) -> dict[Pair, bool | None]:
        """What algebra says of each pair. Raises VerifierError."""
        workers = self._workers or shared_workers(self.deadline)
        return dict(zip(pairs, await workers.ask("equal", pairs=pairs), strict=True))

    async def _whose_fault(self, pairs: list[Pair], error: VerifierError) -> tuple[Outcome, str]:
        """The outcome of a comparison that failed: the answer's own doing, if the reference alone can be compared."""
        try:
            # With one more than itself, so that its value is needed.
            await self._algebra([pair._replace(answer=f"({pair.reference})+1") for pair in pairs])
        except WorkerTimeout:
            return Outcome.TIMEOUT, str(error)
        except VerifierError as own:
            return Outcome.ERROR, str(own)
        return Outcome.INCORRECT, "It is too involved to be compared."


def _different(answers: Sequence[Found]) -> int:
    if len(answers) <= _MAX_ANSWERS:
        return len(answers)
    return len({plain(answer.text).casefold() for answer in answers})
