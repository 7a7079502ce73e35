"""Tasks of reasoning-gym, scored by the family's own `score_answer`."""

from __future__ import annotations

from typing import Any

from sml_agents.errors import MissingExtra, TaskSpecError, VerifierError
from sml_agents.text.answers import find_answer
from sml_agents.types import Outcome, Task, Verdict
from sml_agents.verifiers.workers import Workers, WorkerTimeout, shared_workers

__all__ = ["ReasoningGymVerifier"]

_LIMIT = 8_000


class ReasoningGymVerifier:
    """Scores with reasoning-gym's scorer of `family`, in a killable worker. Full marks (1.0) are correct.

    The entry to score against is drawn again from `task.meta["recipe"]` (`seed`, `size`, `index`), since JSON cannot
    carry every entry unchanged; without a recipe `task.meta["entry"]` (`question`, `answer`, `metadata`) is used.
    """

    def __init__(self, family: str, *, deadline: float = 20.0, workers: Workers | None = None) -> None:
        self.name = f"reasoning-gym:{family}"
        self.family = family
        self.deadline = deadline
        self._workers = workers
        _check(family)

    async def verify(self, task: Task, text: str) -> Verdict:
        """The verdict on the best of: the answer found in `text`, what follows its mark, the whole text."""
        spellings = _spellings(text)
        if not spellings:
            return Verdict(outcome=Outcome.UNPARSEABLE, diagnosis="No answer could be found.")
        shown = spellings[0][:200]
        try:
            score = await self._score(task, spellings)
        except VerifierError:
            outcome, diagnosis = await self._whose_fault(task)
            return Verdict(outcome=outcome, extracted=shown, diagnosis=diagnosis)
        if score >= 1:
            return Verdict(outcome=Outcome.CORRECT, extracted=shown)
        partly = "It is partly right." if score >= 0.3 else ""
        return Verdict(outcome=Outcome.INCORRECT, extracted=shown, diagnosis=partly)

    async def _score(self, task: Task, answers: list[str]) -> float:
        workers = self._workers or shared_workers(self.deadline)
        score: float = await workers.ask("reasoning_gym", family=self.family, answers=answers, **_source(task))
        return score

    async def _whose_fault(self, task: Task) -> tuple[Outcome, str]:
        """The outcome of a scoring that failed: the answer's own doing, if the task's own answer can be scored."""
        try:
            await self._score(task, [task.private.answer])
        except WorkerTimeout as error:
            return Outcome.TIMEOUT, str(error)
        except VerifierError as error:
            return Outcome.ERROR, str(error)
        return Outcome.INCORRECT, "It cannot be scored: it is too involved, or not in the form that is asked for."


def _check(family: str) -> None:
    try:
        from reasoning_gym.factory import DATASETS
    except ImportError as error:
        raise MissingExtra(f"The verifier 'reasoning-gym:{family}'", "tasks") from error
    if family not in DATASETS:
        raise TaskSpecError(f"reasoning-gym has no family {family!r}; `reasoning_gym.factory.DATASETS` lists them.")


def _source(task: Task) -> dict[str, Any]:
    recipe, entry = task.meta.get("recipe"), task.meta.get("entry")
    bare = {"question": task.prompt, "answer": task.private.answer, "metadata": task.meta}
    return {"recipe": recipe or {}, "entry": entry or bare}


def _spellings(text: str) -> list[str]:
    text = text.strip()[:_LIMIT]
    found = find_answer(text, bare=False)
    if found is None:
        return [text] if text else []
    rest = text[found.span[0] :].strip() if found.rule == "marked" else found.text
    return list(dict.fromkeys((found.text, rest)))
