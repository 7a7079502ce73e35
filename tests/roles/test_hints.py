"""Hints: which step, or which quantity; never how far or on which side, never an operation or a value."""

from __future__ import annotations

import re

import pytest

from sml_agents.roles.guard import find_leak
from sml_agents.roles.hints import hint
from sml_agents.roles.teacher import ASK_OR_ANSWER, NOT_YET, ONE_AT_A_TIME, WRONG, OracleTeacher
from sml_agents.types import Act, Fact, Outcome, Private, Role, Verdict
from sml_agents.views import TeacherView

PROMPT = "Ada buys 4 boxes of 6 pens, gives 5 away and finds 3. How many pens has she?"
SOLUTION = "4 * 6 = 24. 24 - 5 = 19. 19 + 3 = 22. The answer is 22."
PRICE = Fact(name="price", statement="Each pen costs 3 dollars.", keywords=("pen", "cost"))
COMPARES = re.compile(
    r"\b(?:low|high|more|less|small|large|big|close|near|far|factor|off|sign|almost|too)", re.IGNORECASE
)


def view(
    said: str, extracted: str | None = None, *, solution: str = SOLUTION, before: tuple[str, ...] = ()
) -> TeacherView:
    history = [(Role.TEACHER, PROMPT)]
    for text in before:
        history += [(Role.STUDENT, "Hm, 1?"), (Role.TEACHER, text)]
    verdict = Verdict(outcome=Outcome.INCORRECT, extracted=extracted)
    return TeacherView(
        history=(*history, (Role.STUDENT, said)),
        private=Private(answer="22", solution=solution),
        act=Act.ANSWER_ATTEMPT,
        verdict=verdict,
        untold=(),
    )


@pytest.mark.parametrize(
    ("said", "extracted", "expected"),
    [
        ("4 * 6 = 23. 23 - 5 = 18. The answer is 18.", "18", "Step 1 of your working does not come out."),
        ("4 x 6 = 24. 24 - 5 = 18. So 18.", "18", "Step 2 of your working does not come out."),
        ("$4 * $6 = $24 and then 24-5 = 20", "20", "Step 2 of your working does not come out."),
        ("4 boxes * 6 pens = 20 pens. The answer is 20.", "20", "Step 1 of your working does not come out."),
        ("4*6=<<4*6=25>>25 pens. #### 25", "25", "Step 1 of your working does not come out."),
        ("4 + 6 = 10. 10 - 5 = 5. The answer is 5.", "5", "Step 1 of your working is not one that the solution takes."),
        (
            "4 * 6 = 24. 24 + 5 = 29. The answer is 29.",
            "29",
            "Step 2 of your working is not one that the solution takes.",
        ),
        ("4 * 6 = 24. The answer is 24.", "24", "That is what step 1 of the solution gives, and not the end."),
        ("The answer is 19.", "19", "That is what step 2 of the solution gives, and not the end."),
        ("The answer is 6.", "6", "That is a number that the problem gives, and not its result."),
        ("The answer is 21.", "21", ""),
        ("The answer is 23.", "23", ""),
        ("The answer is -22.", "-22", ""),
        ("The answer is 220.", "220", ""),
        ("The answer is many.", "many", ""),
    ],
)
def test_what_a_hint_says(said: str, extracted: str, expected: str) -> None:
    found = hint(view(said, extracted))
    assert found == expected
    assert find_leak(f"{WRONG} {found}", "22", public=(PROMPT, said)) is None


@pytest.mark.parametrize("value", [*range(-30, 60), 220, 2.2, 10**9])
def test_no_hint_compares_with_the_answer(value: float) -> None:
    assert not COMPARES.search(hint(view(f"The answer is {value}.", str(value))))


def test_at_most_two_hints_name_a_step() -> None:
    one = hint(view("The answer is 24.", "24"))
    assert hint(view("The answer is 19.", "19", before=(one,)))
    assert hint(view("The answer is 19.", "19", before=(one, one))) == ""
    assert hint(view("4 * 6 = 23. The answer is 23.", "23", before=(one, one))) == ""
    assert hint(view("The answer is 6.", "6", before=(one, one)))  # names no step


def test_without_a_worked_solution_only_the_students_own_working_is_checked() -> None:
    assert hint(view("The answer is 19.", "19", solution="")) == ""
    assert hint(view("4 * 6 = 24. The answer is 24.", "24", solution="")) == ""
    assert hint(view("4 * 6 = 23. The answer is 23.", "23", solution="")) == "Step 1 of your working does not come out."


async def said_to(question: str, untold: tuple[Fact, ...], told: tuple[Fact, ...] = (), shards: bool = False) -> str:
    asked = TeacherView(
        history=((Role.TEACHER, "Ada buys 4 pens. What does she pay?"), (Role.STUDENT, question)),
        private=Private(answer="12", facts=(*untold, *told)),
        act=Act.CLARIFICATION,
        verdict=None,
        untold=untold,
        told=told,
        one_a_turn=shards,
    )
    return (await OracleTeacher().reply(asked)).text


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much does each pen cost?", PRICE.statement),
        ("Kindly share the price of a pen.", PRICE.statement),
        ("I'd need the price of one pen to go on.", PRICE.statement),
        ("How many pens does Ada buy, and what does each pen cost?", PRICE.statement),
        ("Could you clarify the colour of the pen?", ASK_OR_ANSWER),
        ("Why does each pen cost so much?", ASK_OR_ANSWER),
        ("pen costs?", ASK_OR_ANSWER),
        ("How are you? A pen costs money.", ASK_OR_ANSWER),
        ("Tell me more.", ASK_OR_ANSWER),
        ("Ada buys 4 pens. What does she pay?", ASK_OR_ANSWER),
        ("Who is Ada? Where does a pen cost that much? What is a pen?", ONE_AT_A_TIME),
        ("How many pens, costs, dollars and Adas are there?", ONE_AT_A_TIME),
    ],
)
async def test_the_oracle_tells_a_fact_to_who_asks_for_it(question: str, answer: str) -> None:
    assert await said_to(question, (PRICE,)) == answer
    told_again = PRICE.statement if answer == PRICE.statement else answer
    assert await said_to(question, (), (PRICE,)) == told_again
    if answer != PRICE.statement:
        assert await said_to(question, ()) == answer  # the same words when nothing is missing at all


async def test_a_sharded_task_tells_a_fact_whatever_was_asked() -> None:
    assert await said_to("Tell me more.", (PRICE,), shards=True) == PRICE.statement
    assert await said_to("a? b? c?", (PRICE,), shards=True) in (f"{ONE_AT_A_TIME} {PRICE.statement}", PRICE.statement)


async def test_a_wrong_attempt_before_the_fact_gets_no_hint() -> None:
    early = view("The answer is 24.", "24")
    early = TeacherView(early.history, early.private, early.act, early.verdict, untold=(PRICE,))
    assert (await OracleTeacher().reply(early)).text == f"{WRONG} {NOT_YET}"
    assert (await OracleTeacher(hints=False).reply(view("The answer is 24.", "24"))).text == WRONG
