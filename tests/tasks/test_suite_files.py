"""Files of AskBench and IN3: what is made of a row, and which rows are left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.text.questions import asked_facts
from sml_agents.types import Form, Task

FILES = Path(__file__).parents[1] / "suites"
ROW = {
    "ori_question": "A ferry takes 45 cars on each trip. It makes 6 trips a day. How many cars does it take in a day?",
    "degraded_question": "A ferry takes some cars. It makes 6 trips a day. How many cars does it take in a day?",
    "expected_answer": "270",
    "required_points": ["Number of cars on each trip"],
}
VAGUE = {
    "task": "Book me a hotel in Lisbon.",
    "vague": True,
    "missing_details": [
        {"description": "Dates of the stay", "importance": "3", "inquiry": "When?", "options": ["1 to 3 May", "now"]},
        {"description": "Price range", "importance": "2", "inquiry": "What may it cost?", "options": ["low", "high"]},
        {"description": "View", "importance": "1", "inquiry": "With a view?", "options": []},
    ],
}


def loaded(family: str, row: Any, path: Path, settings: str = "") -> tuple[list[Task], LoadReport]:
    file = path / "rows.jsonl"
    good = ROW if family == "askbench" else {**VAGUE, "task": "Find me a laptop."}
    file.write_text(json.dumps(row) + "\n" + json.dumps({**good, "expected_answer": "1"}) + "\n", "utf-8")
    report = LoadReport()
    tasks = [task for task in load_tasks(f"{family}:{file}{settings}", report=report)]
    return [task for task in tasks if task.private.answer != "1" and "laptop" not in task.prompt], report


def test_what_was_taken_out_is_what_is_told() -> None:
    tasks = load_tasks(f"askbench:{FILES}/askbench.jsonl?form=paired")
    pairs = {task.pair: [one for one in tasks if one.pair == task.pair] for task in tasks}
    assert len(pairs) == 7
    for lacking, whole in pairs.values():
        assert (lacking.form, whole.form) == (Form.UNDERSPECIFIED, Form.FULL)
        assert lacking.private.answer == whole.private.answer and not whole.private.facts
        for fact in lacking.private.facts:
            assert fact.statement in whole.prompt and fact.statement not in lacking.prompt
    lettered = next(task for task in tasks if "option" in task.prompt)
    assert lettered.private.answer == "B"
    assert not any("Format your response" in task.prompt for task in tasks)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("How many cars does it take on each trip?", True),
        ("What is the number of cars on a trip?", True),
        ("How many trips does it make in a day?", False),
        ("What else do I need to know?", False),
        ("What is the colour of the ferry?", False),
    ],
)
def test_a_question_is_matched_by_the_words_of_its_point(question: str, named: bool, tmp_path: Path) -> None:
    [task], _ = loaded("askbench", ROW, tmp_path)
    assert bool(asked_facts(question, task.private.facts, (task.prompt,))) is named


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"degraded_question": ROW["ori_question"]}, "no sentence is missing"),
        ({"degraded_question": "A ferry sails. How many cars is that?"}, "more is rewritten"),
        ({"required_points": []}, "more is rewritten"),
        ({"required_points": "cars"}, "more is rewritten"),
        ({"overconfidence_question": "Since it takes 9 cars, how many?"}, "a wrong premise"),
        ({"expected_answer": None}, "no ori_question"),
        ({"ori_question": 7, "degraded_question": ""}, "no ori_question"),
    ],
)
def test_askbench_rows_that_are_left_out(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    tasks, report = loaded("askbench", {**ROW, **change}, tmp_path)
    assert not tasks
    assert any(key.startswith(reason) for key in (*report.bad, *report.refused))


def test_a_vague_task_lacks_its_details_and_a_clear_one_nothing() -> None:
    tasks = load_tasks(f"in3:{FILES}/in3.jsonl")
    assert [task.form is Form.UNDERSPECIFIED for task in tasks].count(True) == 6
    assert all(bool(task.private.facts) == (task.form is Form.UNDERSPECIFIED) for task in tasks)
    assert {task.verifier for task in tasks} == {"none"} and all(not task.private.answer for task in tasks)
    again = load_tasks(f"in3:{FILES}/in3.jsonl?seed=1")
    assert [task.id for task in again] == [task.id for task in tasks]
    assert [task.private.facts for task in again] != [task.private.facts for task in tasks]
    clear = load_tasks(f"in3:{FILES}/in3.jsonl?form=full")
    assert [task.id for task in clear] == [task.id for task in tasks if task.form is Form.FULL]


@pytest.mark.parametrize(("importance", "names"), [("1", 3), ("2", 2), ("3", 1)])
def test_details_count_from_an_importance_on(importance: str, names: int, tmp_path: Path) -> None:
    [task], _ = loaded("in3", VAGUE, tmp_path, f"?importance={importance}")
    assert [fact.name for fact in task.private.facts] == ["Dates of the stay", "Price range", "View"][:names]
    assert task.private.facts[0].statement in ("Dates of the stay: 1 to 3 May.", "Dates of the stay: now.")


@pytest.mark.parametrize(
    "change",
    [
        {"task": ""},
        {"vague": "yes"},
        {"missing_details": []},
        {"missing_details": "many"},
        {"missing_details": [{"inquiry": "When?"}, 5]},
    ],
)
def test_in3_rows_that_are_left_out(change: dict[str, Any], tmp_path: Path) -> None:
    tasks, report = loaded("in3", {**VAGUE, **change}, tmp_path)
    assert not tasks and report.left_out == 1


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("lost-in-conversation:{}/lost_in_conversation.json?simulation=half", "snowball"),
        ("in3:{}/in3.jsonl?importance=0", "importance"),
        ("in3:{}/in3.jsonl?form=sharded", "underspecified"),
        ("askbench:{}/askbench.jsonl?form=sharded", "paired"),
    ],
)
def test_settings_that_there_are_not_are_refused(spec: str, named: str) -> None:
    with pytest.raises(TaskSpecError, match=named):
        load_tasks(spec.format(FILES))


def test_the_simulations_tell_the_same_problem() -> None:
    made = {
        name: load_tasks(f"lost-in-conversation:{FILES}/lost_in_conversation.json?simulation={name}")
        for name in ("full", "concat", "shuffle-concat", "sharded", "recap", "snowball")
    }
    for tasks in zip(*made.values(), strict=True):
        assert len({task.pair for task in tasks}) == 1 and len({task.id for task in tasks}) == 6
        assert len({task.private.answer for task in tasks}) == 1
        full, concat, shuffled, sharded, recap, _ = tasks
        assert [task.max_turns for task in tasks[:3]] == [1, 1, 1]
        assert recap.max_turns == (sharded.max_turns or 0) + 1 == len(sharded.private.facts) + 2
        assert sorted(concat.prompt.splitlines()) == sorted(shuffled.prompt.splitlines())
        assert concat.prompt.startswith(f"- {sharded.prompt}\n") and full.prompt not in concat.prompt
    orders = [a.prompt != b.prompt for a, b in zip(made["concat"], made["shuffle-concat"], strict=True)]
    assert sum(orders) > 7
