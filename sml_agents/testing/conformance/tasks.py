"""What every source of tasks has to do."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from sml_agents.roles import OracleTeacher
from sml_agents.testing.conformance.roles import view_of
from sml_agents.types import Act, Form, Task
from sml_agents.verifiers import get_verifier, is_unscored

__all__ = ["TasksConformance"]


class TasksConformance:
    """What a source of tasks promises."""

    def make_tasks(self) -> Iterable[Task]:
        """Some of its tasks, in all of its forms; called more than once."""
        raise NotImplementedError

    def correct(self, task: Task) -> str | None:
        """A right attempt at `task`; None where nobody knows one. By default its worked solution, or its answer."""
        return task.private.solution or task.private.answer or None

    def wrong(self, task: Task) -> str:
        """A wrong attempt at it."""
        return "I do not know."

    @cache  # noqa: B019  one instance lives as long as its test
    def _tasks(self) -> tuple[Task, ...]:
        return tuple(self.make_tasks())

    def test_there_are_some_and_they_come_out_the_same_again(self) -> None:
        tasks = self._tasks()
        assert tasks and tasks == tuple(self.make_tasks())

    def test_their_ids_are_their_own(self) -> None:
        ids = [task.id for task in self._tasks()]
        assert all(ids) and len(set(ids)) == len(ids)

    def test_they_go_through_json(self) -> None:
        for task in self._tasks():
            assert Task.model_validate_json(task.model_dump_json()) == task

    def test_a_prompt_tells_no_fact_that_it_lacks(self) -> None:
        for task in self._tasks():
            assert task.prompt.strip()
            assert task.form is not Form.FULL or not task.private.facts
            assert not any(fact.statement in task.prompt for fact in task.private.facts)

    def test_facts_have_names_and_are_told_to_who_asks(self) -> None:
        for task in self._tasks():
            names = [fact.name for fact in task.private.facts]
            assert all(names) and len(set(names)) == len(names)
            for fact in task.private.facts:
                assert fact.statement.strip()
                if fact.question:
                    view = view_of(task, fact.question, Act.CLARIFICATION)
                    assert fact.name in asyncio.run(OracleTeacher().reply(view)).reveals, fact.question

    def test_its_verifier_takes_the_right_and_refuses_the_wrong(self) -> None:
        async def verdicts(task: Task) -> tuple[bool | None, bool | None]:
            verifier, right = get_verifier(task.verifier), self.correct(task)
            good = await verifier.verify(task, right) if right is not None else None
            return (good.correct if good is not None else True), (await verifier.verify(task, self.wrong(task))).correct

        for task in self._tasks():
            if not is_unscored(task.verifier):
                assert asyncio.run(verdicts(task)) == (True, False), task.id

    def test_the_forms_of_one_problem_have_one_answer(self) -> None:
        answers = defaultdict(set)
        for task in self._tasks():
            if task.pair:
                answers[task.pair].add(task.private.answer)
        assert all(len(found) == 1 for found in answers.values())
