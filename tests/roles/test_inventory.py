"""What the question needs, looked up before a student decides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sml_agents.roles.inventory import UNKNOWN, inventory, with_inventories
from sml_agents.tasks import load_tasks
from sml_agents.text.thinking import reasoning_in
from sml_agents.types import Act, Call, Form, Need, Role, Task, Trace, Turn

BOARD = Need(name="board", question="How long is the board?", value="20")
SHELF = Need(name="shelf", question="How many inches does a shelf take?", value="4")


def test_each_need_is_a_question_and_its_answer_or_unknown() -> None:
    told = f"{BOARD.question} 20\n{SHELF.question} 4"
    assert inventory([BOARD, SHELF]) == inventory([BOARD, SHELF], {"holes"}) == told
    assert inventory([BOARD, SHELF], {"board"}) == told.replace("20", UNKNOWN)
    assert inventory([BOARD, SHELF], {"board", "shelf"}).count(UNKNOWN) == 2
    assert inventory([], {"board"}) == ""


@pytest.mark.parametrize("spec", ["arithmetic?split=train", "arithmetic?split=dev", "lists?split=heldout"])
def test_generated_problems_need_the_same_in_both_forms_and_lack_what_is_missing(spec: str) -> None:
    by_pair: dict[str, dict[Form, Task]] = {}
    for task in load_tasks(f"{spec}&form=paired&n=40"):
        by_pair.setdefault(task.pair, {})[task.form] = task
    for forms in by_pair.values():
        lacking, complete = (forms[form].private for form in (Form.UNDERSPECIFIED, Form.FULL))
        assert lacking.needs == complete.needs and lacking.needs
        assert {fact.name for fact in lacking.facts} < {need.name for need in lacking.needs} or len(lacking.needs) == 1
        [question] = {need.question for need in lacking.needs if need.name == lacking.facts[0].name}
        assert question == lacking.facts[0].question


def test_the_values_are_what_the_solution_starts_from() -> None:
    for task in load_tasks("arithmetic?form=full&n=60"):
        solution = re.findall(r"\d+", task.private.solution)
        assert all(need.value in solution for need in task.private.needs)


GSM8K = [
    (
        "Weng sells pens at the market. Each pen costs $3. She sold 14 pens on Monday and twice as many on Friday. "
        "How much money did Weng make?",
        "She sold 14*2=<<14*2=28>>28 on Friday. In all 14+28=<<14+28=42>>42. That is 42*3=$<<42*3=126>>126.\n#### 126",
    ),
    (
        "A robe takes 2 bolts of blue fiber. It takes 5 bolts of white fiber as well. A bolt costs $8. "
        "How many dollars does the fiber for a robe cost?",
        "It takes 2+5=<<2+5=7>>7 bolts. They cost 7*8=$<<7*8=56>>56.\n#### 56",
    ),
]


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    import json

    path = tmp_path / "gsm8k.jsonl"
    path.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in GSM8K))
    return path


@pytest.mark.parametrize("seed", range(4))
def test_a_static_problem_needs_its_given_numbers(problems: Path, seed: int) -> None:
    tasks = load_tasks(f"gsm8k:{problems}?form=paired&split=train&seed={seed}")
    assert tasks
    for task in tasks:
        needs, facts = task.private.needs, task.private.facts
        givens = {"14", "2", "3"} if "126" in task.private.answer else {"2", "5", "8"}
        assert {need.value for need in needs} <= givens and len(needs) >= 2
        assert all(re.search(r"\b(?:how (?:many|much)|what percent)\b", need.question, re.I) for need in needs)
        assert all(need.value not in re.findall(r"\d+", need.question) for need in needs)
        for fact in facts:
            [need] = [need for need in needs if need.name == fact.name]
            assert need.question.lower() in fact.question.lower() and need.value in fact.statement


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


def test_what_was_told_later_is_known_and_feedback_tells_nothing(task: Task) -> None:
    asks, answers = ("", "How many?", Act.CLARIFICATION), ("", "The answer is 3.", Act.ANSWER_ATTEMPT)
    trace = trace_of(task, asks, answers)
    wrong = trace.turns[1].model_copy(update={"text": "The answer is 7.", "act": Act.ANSWER_ATTEMPT})
    hint = Turn(role=Role.TEACHER, text="Step 77 of your working does not come out.")
    turns = (trace.turns[0], wrong, hint, *trace.turns[1:])
    before, again, after = (
        reasoning_in(turn.thought) for turn in with_inventories(trace.model_copy(update={"turns": turns})).student_turns
    )
    [missing] = [need for need in task.private.needs if need.name == task.private.facts[0].name]
    assert before == again and f"{missing.question} {UNKNOWN}" in before.split("\n")
    assert after == before.replace(UNKNOWN, missing.value)
    assert missing.value not in re.findall(r"\d+", before)


def test_a_turn_that_neither_asks_nor_answers_has_none(task: Task) -> None:
    [turn] = with_inventories(trace_of(task, ("", "I do not know.", Act.REFUSE))).student_turns
    assert turn.thought == ""


def test_what_was_sampled_stays_where_it_is_right(task: Task) -> None:
    asks = ("", "How many?", Act.CLARIFICATION)
    written = with_inventories(trace_of(task, asks)).student_turns[0]
    assert written.call is None
    kept = with_inventories(trace_of(task, (written.thought, *asks[1:]))).student_turns[0]
    assert kept.call is not None and kept.thought == written.thought
    other = with_inventories(trace_of(task, ("<think>\nHow far? 9\n</think>\n\n", *asks[1:]))).student_turns[0]
    assert other.call is None and other.thought == written.thought
