"""The public suites: our own parts keep them, and parts that break a promise are found out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from langchain_core.tools import tool

from sml_agents import Fact, Form, Private, Task, load_tasks
from sml_agents.roles import ChatStudent, ChatTeacher, GuessingStudent, OraclePrimer, OracleTeacher
from sml_agents.testing import ScriptedModel
from sml_agents.testing.conformance import (
    DeciderConformance,
    PrimerConformance,
    StudentConformance,
    TasksConformance,
    TeacherConformance,
)
from sml_agents.types import Reply


class TestChatStudent(StudentConformance):
    def make_student(self) -> ChatStudent:
        return ChatStudent(ScriptedModel(replies=["What is missing?", "It is 7."]))


class TestGuessingStudent(StudentConformance):
    def make_student(self) -> GuessingStudent:
        return GuessingStudent(questions=0.3)


class TestOracleTeacher(TeacherConformance):
    def make_teacher(self) -> OracleTeacher:
        return OracleTeacher()


class TestChatTeacher(TeacherConformance):
    def make_teacher(self) -> ChatTeacher:
        return ChatTeacher(ScriptedModel(replies=["Look at it again."], cycle=True))


class TestOraclePrimer(PrimerConformance):
    def make_primer(self) -> OraclePrimer:
        return OraclePrimer(demonstrate=True)


class TestArithmetic(TasksConformance):
    def make_tasks(self) -> Iterable[Task]:
        return [*load_tasks("arithmetic?form=paired&n=6"), *load_tasks("arithmetic?form=sharded&n=3")]


class TestLists(TasksConformance):
    def make_tasks(self) -> Iterable[Task]:
        return load_tasks("lists?form=paired&n=6")


@tool
def book(city: str, date: str) -> str:
    """Book a trip."""
    return f"Booked {city} for {date}."


class TestRule(DeciderConformance):
    """The guard's own rule on the fields that a person named."""

    def make_decider(self) -> Any:
        def what_is_missing(view: Any) -> str | None:
            return None if "May" in view.told else "On which date?"

        return what_is_missing

    def examples(self) -> list[tuple[str, dict[str, Any], bool]]:
        return [
            ("Book me a trip to Paris.", {"city": "Paris", "date": "2027-05-05"}, True),
            ("Book me a trip to Paris on 5 May.", {"city": "Paris", "date": "2027-05-05"}, False),
        ]

    def tools(self) -> list[Any]:
        return [book]


class Broken(OracleTeacher):
    """Says nothing to who asks, names a fact that the task does not have, and changes its settings by talking."""

    async def reply(self, view: Any, *, seed: int = 0) -> Reply:
        self.settings["calls"] = self.settings.get("calls", 0) + 1
        return Reply(text="" if view.untold else f"Try again ({seed}).", reveals=("nobody's",))


def fails(suite: Any, test: str) -> None:
    with pytest.raises(AssertionError):
        getattr(suite, test)()


@pytest.mark.parametrize(
    "test",
    [
        "test_its_settings_are_json_and_stay_as_they_are",
        "test_it_answers_questions_attempts_and_silence",
        "test_it_reveals_facts_of_the_task_alone",
    ],
)
def test_a_teacher_that_breaks_a_promise_is_found_out(test: str) -> None:
    class Suite(TeacherConformance):
        def make_teacher(self) -> Broken:
            return Broken()

    fails(Suite(), test)


def test_a_primer_that_gives_the_answer_away_is_found_out() -> None:
    class Tells(OraclePrimer):
        async def rewrite(self, view: Any, *, seed: int = 0) -> Reply:
            return Reply(text=f"Is it {view.private.answer}?")

    class Suite(PrimerConformance):
        def make_primer(self) -> Tells:
            return Tells()

    fails(Suite(), "test_what_it_asks_does_not_give_the_answer_away")


@pytest.mark.parametrize(
    ("test", "change"),
    [
        (
            "test_there_are_some_and_they_come_out_the_same_again",
            lambda task, again: {"prompt": f"{task.prompt} {again}"},
        ),
        ("test_their_ids_are_their_own", lambda task, again: {"id": "one"}),
        (
            "test_a_prompt_tells_no_fact_that_it_lacks",
            lambda task, again: {"prompt": "It costs 3 euros. How much are two?"},
        ),
        (
            "test_facts_have_names_and_are_told_to_who_asks",
            lambda task, again: {
                "private": Private(answer="6", facts=(Fact(name="a", statement="b c.", question="Who is there?"),))
            },
        ),
        (
            "test_its_verifier_takes_the_right_and_refuses_the_wrong",
            lambda task, again: {"private": Private(answer="")},
        ),
        ("test_the_forms_of_one_problem_have_one_answer", lambda task, again: {"private": Private(answer=task.id)}),
    ],
)
def test_tasks_that_break_a_promise_are_found_out(test: str, change: Any) -> None:
    class Suite(TasksConformance):
        calls = 0

        def make_tasks(self) -> list[Task]:
            self.calls += 1
            fact = Fact(name="price", statement="It costs 3 euros.", question="What does it cost?")
            made = [
                Task(
                    id=str(number),
                    family="shop",
                    form=Form.UNDERSPECIFIED,
                    prompt="How much are two?",
                    private=Private(answer="6", facts=(fact,)),
                    pair="p",
                )
                for number in range(2)
            ]
            return [task.model_copy(update=change(task, self.calls)) for task in made]

        def correct(self, task: Task) -> str:
            return "It is 6."

    fails(Suite(), test)


@pytest.mark.parametrize("always", [True, False])
def test_a_decider_that_does_not_read_is_found_out(always: bool) -> None:
    class Suite(TestRule):
        def make_decider(self) -> Any:
            return lambda view: "On which date?" if always else None

    fails(Suite(), "test_it_asks_where_something_is_missing_and_only_there")
