"""The inventory of numbers that a student takes before it decides."""

from __future__ import annotations

import re

import pytest

from sml_agents.roles.inventory import inventory, with_inventories
from sml_agents.tasks import load_tasks
from sml_agents.text.thinking import reasoning_in
from sml_agents.types import Act, Call, Form, Role, Task, Trace, Turn

BOARD = "A shelf takes 4 inches. The board is {} long. He drills two holes. Far off lies a mountain with 19 peaks."
SOLUTION = "20 / 4 = 5. The answer is 5."


@pytest.mark.parametrize(
    ("told", "solution", "wanted"),
    [
        (
            BOARD.format("20 inches"),
            SOLUTION,
            "shelf takes 4 inches yes, board 20 inches yes, drills 2 holes no, lies mountain 19 peaks no\n4 20",
        ),
        ("Twelve pens, twice as many caps.", "12 * 2 = 24. The answer is 24.", "12 pens yes, 2 caps yes\n12 2"),
        ("She read 8, then 16 more.", "8 * 2 = 16. 8 + 16 = 24.", "read 8 yes, 16 no\n8"),
        ("One pen costs $1.50.\nForty-two are sold.", "42 * 1.50 = 63.", "pen costs 1.50 yes, 42 sold yes\n1.50 42"),
        ("The third of 1,200 runners", "1,200 - 3 = 1,197.", "3 yes, 1200 runners yes\n3 1200"),
        ("Route66 and 7up are names, 9 is one.", "9 + 1 = 10. The answer is 10.", "9 yes\n9"),
        ("48 clips, half of that.", "48/2 = <<48/2=24>>24 clips. 48+24 = 72.", "48 clips yes, 2 yes\n48 2"),
        ("$500, 20% off", "$500*20/100 = $100. $500-$100 = $400", "500 yes, 20 yes\n500 20"),
        ("If Ann has 4 and Bo 5 pens", "4 + 5 = 9.", "Ann 4 yes, Bo 5 pens yes\n4 5"),
        ("The first 6 guests and 6 more", "6 + 6 = 12.", "first 6 guests yes, 6 yes\n6"),
        ("Some pens.", SOLUTION, ""),
        ("4, 9, 2", "4, 9, 2 -> 2, 9, 4. The answer is 2, 9, 4.", ""),
        ("4 pens", "", ""),
    ],
)
def test_every_number_among_its_words_and_then_the_needed_ones(told: str, solution: str, wanted: str) -> None:
    assert inventory(told, solution) == wanted


@pytest.mark.parametrize(
    ("told", "solution", "untold", "wanted"),
    [
        (
            BOARD.format("quite long"),
            SOLUTION,
            "It is 20 inches long.",
            "shelf takes 4 inches yes, drills 2 holes no, lies mountain 19 peaks no\n4 ?",
        ),
        ("It took 2 months. She read 7.", "7 * 2 = 14.", "Twice as many.", "took 2 months no, read 7 yes\n7 ?"),
        ("8 calls, 42 lamps", "40 / 8 = 5. 40 - 5 = 35.", "40 calls.", "8 calls yes, 42 lamps no\n8 ?"),
        (
            "3 trees, 12 a basket",
            "3 * 16 = 48. 48 / 12 = 4.",
            "16 each.",
            "3 trees yes, 12 basket yes\n3 12 ?",
        ),
        ("It is 15.", "6 + 9 = 15. The answer is 15.", "There are nine.", "15 no\n?"),
    ],
)
def test_what_nobody_told_is_a_question_mark_behind_the_needed_numbers(
    told: str, solution: str, untold: str, wanted: str
) -> None:
    assert inventory(told, solution, [untold]) == wanted


@pytest.mark.parametrize("split", ["train", "dev", "heldout"])
def test_what_the_question_needs_is_marked_and_nothing_else(split: str) -> None:
    """In the complete form every number that the solution starts from, in the other form all but the missing one; a
    number that is told twice, for one thing and another, is marked twice."""
    marks: dict[str, dict[Form, int]] = {}
    for task in load_tasks(f"arithmetic?form=paired&split={split}&steps=1&largest=20&n=60"):
        untold = [fact.statement for fact in task.private.facts]
        found = re.findall(r" yes\b", inventory(task.prompt, task.private.solution, untold))
        marks.setdefault(task.pair, {})[task.form] = len(found)
    assert all(found[Form.UNDERSPECIFIED] == 1 and found[Form.FULL] in (2, 3) for found in marks.values())
    assert sum(found[Form.FULL] == 2 for found in marks.values()) >= 0.95 * len(marks)


def trace_of(task: Task, *student: tuple[str, str, Act]) -> Trace:
    fact = task.private.facts[0]
    turns = [Turn(role=Role.TEACHER, text=task.prompt)]
    for thought, text, act in student:
        call = Call(completion_ids=(1, 2))
        turns.append(Turn(role=Role.STUDENT, text=text, thought=thought, act=act, call=call))
        turns.append(Turn(role=Role.TEACHER, text=fact.statement, reveals=(fact.name,)))
    return Trace(id="t", task=task, turns=tuple(turns), stop="max_turns", settings={})


@pytest.fixture
def task() -> Task:
    return next(one for one in load_tasks("arithmetic?form=paired&steps=1&n=4") if one.private.facts)


def test_what_was_told_later_is_in_it_and_feedback_is_not(task: Task) -> None:
    asks, answers = ("", "How many?", Act.CLARIFICATION), ("", "The answer is 3.", Act.ANSWER_ATTEMPT)
    trace = trace_of(task, asks, answers)
    hint = Turn(role=Role.TEACHER, text="Step 77 of your working does not come out.")
    turns = (*trace.turns[:2], hint, *trace.turns[2:])
    first, second = with_inventories(trace.model_copy(update={"turns": turns})).student_turns
    before, after = (reasoning_in(turn.thought).split("\n") for turn in (first, second))
    assert after[0].endswith(before[0]) and "?" in before[1] and "?" not in after[1]
    assert after[0].count(" yes") == before[0].count(" yes") + 1
    assert "77" not in second.thought and task.private.answer not in re.findall(r"\d+", first.thought)


def test_a_turn_that_neither_asks_nor_answers_has_none(task: Task) -> None:
    [turn] = with_inventories(trace_of(task, ("", "I do not know.", Act.REFUSE))).student_turns
    assert turn.thought == ""


def test_what_was_sampled_stays_where_it_is_right(task: Task) -> None:
    asks = ("", "How many?", Act.CLARIFICATION)
    written = with_inventories(trace_of(task, asks)).student_turns[0]
    assert written.call is None
    kept = with_inventories(trace_of(task, (written.thought, *asks[1:]))).student_turns[0]
    assert kept.call is not None and kept.thought == written.thought
    other = with_inventories(trace_of(task, ("<think>\n9 no\n</think>\n\n", *asks[1:]))).student_turns[0]
    assert other.call is None and other.thought == written.thought
