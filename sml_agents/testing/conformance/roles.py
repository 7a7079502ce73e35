"""What every student, teacher and primer has to do: shown in real dialogues on generated tasks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.roles import GuessingStudent, OracleTeacher, Primer, Student, Teacher
from sml_agents.roles.guard import find_leak
from sml_agents.tasks import load_tasks
from sml_agents.testing.conformance.odd import ODD_TEXTS
from sml_agents.types import Act, Form, Outcome, Reply, Role, StopReason, Task, Trace, Verdict
from sml_agents.views import TeacherView

__all__ = ["PrimerConformance", "StudentConformance", "TeacherConformance"]


def _dialogues(student: Student, teacher: Teacher, tasks: Sequence[Task], **parts: Any) -> list[Trace]:
    """One dialogue of two student turns for each task, all at once."""
    settings = DialogueSettings(max_turns=2, q_priming=1.0 if "primer" in parts else None)
    graph = build_dialogue(student, teacher, settings=settings, **parts)

    async def run() -> list[Trace]:
        ended = await asyncio.gather(*(graph.ainvoke({"task": task}) for task in tasks))
        return [end["trace"] for end in ended]

    return asyncio.run(run())


def view_of(task: Task, said: str, act: Act, *, untold: bool = True) -> TeacherView:
    """What a teacher sees when the student has said `said` to the problem; `untold`: no fact has been told yet."""
    verdict = Verdict(outcome=Outcome.INCORRECT, extracted=said) if act is Act.ANSWER_ATTEMPT else None
    return TeacherView(
        history=((Role.TEACHER, task.prompt), (Role.STUDENT, said)),
        private=task.private,
        act=act,
        verdict=verdict,
        untold=task.private.facts if untold else (),
        told=() if untold else task.private.facts,
        one_a_turn=task.form is Form.SHARDED,
    )


class _OnTasks:
    def tasks(self) -> Sequence[Task]:
        """Tasks to try it on; by default generated word problems, complete and with a fact missing."""
        return load_tasks("arithmetic?form=paired&split=train&steps=1&n=4")


class StudentConformance(_OnTasks):
    """What a `Student` promises."""

    def make_student(self) -> Student:
        """The student under test."""
        raise NotImplementedError

    def test_its_settings_are_json_and_stay_as_they_are(self) -> None:
        student = self.make_student()
        before = json.dumps(student.settings, sort_keys=True)
        _dialogues(student, OracleTeacher(), self.tasks()[:1])
        assert json.dumps(student.settings, sort_keys=True) == before
        assert json.dumps(self.make_student().settings, sort_keys=True) == before

    def test_dialogues_come_to_an_end_many_at_once(self) -> None:
        tasks = self.tasks()
        traces = _dialogues(self.make_student(), OracleTeacher(), tasks)
        for task, trace in zip(tasks, traces, strict=True):
            assert trace.stop is not StopReason.FAILED, str(trace.error)
            assert trace.task.id == task.id and 1 <= len(trace.student_turns) <= 2

    def test_a_turn_is_text_and_its_calls_have_arguments(self) -> None:
        for trace in _dialogues(self.make_student(), OracleTeacher(), self.tasks()):
            for turn in trace.student_turns:
                assert isinstance(turn.text, str)
                assert all(isinstance(call.arguments, dict) for call in turn.tool_calls or ())

    def test_a_trace_of_it_outlives_the_process(self) -> None:
        for trace in _dialogues(self.make_student(), OracleTeacher(), self.tasks()[:2]):
            assert Trace.model_validate_json(trace.model_dump_json()) == trace


class TeacherConformance(_OnTasks):
    """What a `Teacher` promises. A person as the teacher is asked through the graph, and has no suite."""

    def make_teacher(self) -> Teacher:
        """The teacher under test."""
        raise NotImplementedError

    def reply(self, view: TeacherView, seed: int = 0) -> Reply:
        """What it answers there."""
        return asyncio.run(self.make_teacher().reply(view, seed=seed))

    def test_its_settings_are_json_and_stay_as_they_are(self) -> None:
        teacher = self.make_teacher()
        before = json.dumps(teacher.settings, sort_keys=True)
        _dialogues(GuessingStudent(questions=0.5), teacher, self.tasks()[:1])
        assert json.dumps(teacher.settings, sort_keys=True) == before

    def test_it_answers_questions_attempts_and_silence(self) -> None:
        for task in self.tasks():
            for said, act in (
                ("What is missing?", Act.CLARIFICATION),
                ("It is 1.", Act.ANSWER_ATTEMPT),
                ("", Act.MISSING),
            ):
                reply = self.reply(view_of(task, said, act))
                assert isinstance(reply, Reply) and (reply.text.strip() or reply.stop)

    def test_it_reveals_facts_of_the_task_alone(self) -> None:
        for task in self.tasks():
            names = {fact.name for fact in task.private.facts}
            for fact in task.private.facts:
                assert set(self.reply(view_of(task, fact.question, Act.CLARIFICATION)).reveals) <= names

    def test_no_text_of_a_student_breaks_it(self) -> None:
        task = self.tasks()[0]
        for text in ODD_TEXTS:
            assert isinstance(self.reply(view_of(task, text[:20_000], Act.DISCUSSION)), Reply)

    def test_one_that_goes_by_rule_says_the_same_again(self) -> None:
        if not getattr(self.make_teacher(), "by_rule", False):
            return
        for task in self.tasks():
            view = view_of(task, "It is 1.", Act.ANSWER_ATTEMPT)
            assert self.reply(view, seed=1) == self.reply(view, seed=2)

    def test_dialogues_come_to_an_end(self) -> None:
        for trace in _dialogues(GuessingStudent(questions=0.5), self.make_teacher(), self.tasks()):
            assert trace.stop is not StopReason.FAILED, str(trace.error)


class PrimerConformance(_OnTasks):
    """What a `Primer` promises: a turn in place of one that did not solve the task, or None to leave it."""

    def make_primer(self) -> Primer:
        """The primer under test."""
        raise NotImplementedError

    def rewrite(self, view: TeacherView) -> Reply | None:
        """What it writes there."""
        return asyncio.run(self.make_primer().rewrite(view, seed=0))

    def test_its_settings_are_json(self) -> None:
        json.dumps(self.make_primer().settings)

    def test_what_it_asks_does_not_give_the_answer_away(self) -> None:
        for task in self.tasks():
            if not task.private.facts:
                continue
            reply = self.rewrite(view_of(task, "It is 1.", Act.ANSWER_ATTEMPT))
            if reply is not None:
                public = [task.prompt, "It is 1."]
                told = [fact.statement for fact in task.private.facts]
                assert reply.text.strip()
                assert find_leak(reply.text, task.private.answer, public=public, allowed=told) is None

    def test_with_nothing_missing_it_asks_nothing_new(self) -> None:
        for task in self.tasks():
            reply = self.rewrite(view_of(task, "It is 1.", Act.ANSWER_ATTEMPT, untold=False))
            assert reply is None or reply.text.strip()

    def test_its_turns_stand_in_the_dialogue_as_primed(self) -> None:
        traces = _dialogues(
            GuessingStudent(),
            OracleTeacher(),
            [task for task in self.tasks() if task.private.facts],
            primer=self.make_primer(),
        )
        for trace in traces:
            assert trace.stop is not StopReason.FAILED, str(trace.error)
            assert all(turn.replaced is not None for turn in trace.student_turns if turn.primed)
