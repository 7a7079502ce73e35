"""What every verifier has to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from sml_agents.testing.conformance.odd import ODD_TEXTS
from sml_agents.types import Outcome, Task, Verdict
from sml_agents.verifiers import Verifier

__all__ = ["VerifierConformance"]


class VerifierConformance:
    """What a `Verifier` promises."""

    seconds = 20.0
    """The longest that any text may take."""

    def make_verifier(self) -> Verifier:
        """The verifier under test."""
        raise NotImplementedError

    def examples(self) -> Sequence[tuple[Task, str, str]]:
        """A task, a right attempt at it and a wrong one; one or more of them."""
        raise NotImplementedError

    def verdicts(self, task: Task, *texts: str) -> list[Verdict]:
        async def run() -> list[Verdict]:
            verifier = self.make_verifier()
            return list(await asyncio.gather(*(verifier.verify(task, text) for text in texts)))

        return asyncio.run(run())

    def test_it_keeps_the_seam(self) -> None:
        verifier = self.make_verifier()
        assert isinstance(verifier, Verifier) and isinstance(verifier.name, str)

    def test_right_is_correct_and_wrong_is_not(self) -> None:
        for task, right, wrong in self.examples():
            good, bad = self.verdicts(task, right, wrong)
            assert (good.outcome, good.correct, good.diagnosis) == (Outcome.CORRECT, True, "")
            assert bad.correct is False

    def test_a_diagnosis_does_not_state_the_answer(self) -> None:
        for task, _, wrong in self.examples():
            (verdict,) = self.verdicts(task, wrong)
            secrets = [task.private.answer, verdict.expected]
            assert not any(len(secret) > 1 and secret in verdict.diagnosis for secret in secrets)

    def test_the_same_attempt_gets_the_same_verdict(self) -> None:
        for task, right, wrong in self.examples():
            first, second, *rest = self.verdicts(task, right, right, wrong, wrong)
            assert first == second and rest[0] == rest[1]

    def test_any_text_gets_a_verdict_in_time(self) -> None:
        task = self.examples()[0][0]
        for text in ODD_TEXTS:
            began = time.monotonic()
            (verdict,) = self.verdicts(task, text)
            assert time.monotonic() - began < self.seconds
            assert isinstance(verdict, Verdict) and verdict.correct is not True

    def test_the_task_is_left_as_it_was(self) -> None:
        for task, right, _ in self.examples():
            before = task.model_dump_json()
            self.verdicts(task, right)
            assert task.model_dump_json() == before
