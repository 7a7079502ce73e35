"""The generated requests, end to end: who asks for what is missing and makes the usual call solves every one of them,
who guesses solves none that lacks something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.roles import OracleTeacher
from sml_agents.roles.user import PERSONAS
from sml_agents.tasks import load_tasks
from sml_agents.types import Form, Reply, Role, StopReason, Task, Trace
from sml_agents.verifiers.call import usual_calls
from sml_agents.views import StudentView


class Knowing:
    """Asks each missing thing with the task's own question, then makes the usual calls; `guesses` calls at once."""

    def __init__(self, tasks: Sequence[Task], *, guesses: bool = False) -> None:
        self.tasks = {self._key(task.prompt, task.tools): task for task in tasks}
        self.guesses = guesses
        self.settings: dict[str, Any] = {"model": "knowing"}

    @staticmethod
    def _key(prompt: str, tools: tuple[dict[str, Any], ...]) -> str:
        return f"{prompt} {tools}"

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        task = self.tasks[self._key(view.history[0][1], view.tools)]
        turn = sum(role is Role.STUDENT for role, _ in view.history)
        facts = () if self.guesses or task.form is Form.FULL else task.private.facts
        if turn < len(facts):
            return Reply(text=facts[turn].question)
        calls = usual_calls(task.private)
        return Reply(text="" if calls else "None of my tools does that.", tool_calls=calls or None, at_once=bool(calls))


async def talk(tasks: Sequence[Task], persona: Any = "plain", *, guesses: bool = False) -> list[Trace]:
    settings = DialogueSettings(max_turns=1 if guesses else 8)
    graph = Cast(Knowing(tasks, guesses=guesses), OracleTeacher(persona=persona), settings).graph()
    return [(await graph.ainvoke({"task": task}))["trace"] for task in tasks]


@pytest.mark.parametrize("spec", ["requests?form=mixed&n=40&seed=3", "requests?form=paired&n=20&seed=4&split=heldout"])
async def test_asking_and_then_calling_solves_every_request(spec: str) -> None:
    tasks = list(load_tasks(spec))
    for number, persona in enumerate(PERSONAS):
        for trace in await talk(tasks[number :: len(PERSONAS)], persona):
            said = [(turn.text, turn.act, turn.leak, turn.verdict and turn.verdict.faults) for turn in trace.turns]
            assert trace.solved, (persona, said)
            assert not any(turn.leak for turn in trace.turns), (persona, said)


async def test_guessing_solves_none_that_lacks_something() -> None:
    faults: Counter[str] = Counter()
    for trace in await talk(list(load_tasks("requests?form=paired&n=20&seed=5")), guesses=True):
        task = trace.task
        assert (trace.stop is StopReason.SOLVED) == (task.form is Form.FULL)
        verdict = trace.student_turns[0].verdict
        assert verdict is not None
        faults.update(verdict.faults)
        if task.form is not Form.FULL:
            assert set(verdict.guessed) == {fact.name for fact in task.private.facts}
    assert faults and all(fault.startswith("guessed:") for fault in faults)
