"""Data files as tasks: small files written here, and the real data where it lies beside the checkout."""

from __future__ import annotations

import gzip
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.tasks.static.gsm8k import compact_solution, final_answer
from sml_agents.tasks.static.questbench import complete, statement_of
from sml_agents.text.questions import asked_facts
from sml_agents.text.sentences import sentences
from sml_agents.types import Form
from tests.datasets import data_set

SOLD = {
    "question": "Tom has 12 boxes. Each box holds 1,000 pens. He sells 500 pens. How many pens are left?",
    "answer": "He has 12*1000=<<12*1000=12000>>12,000 pens.\nHe has 12000-500=<<12000-500=11500>>11,500.\n#### 11,500",
}


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def test_gsm8k_rows_become_tasks_with_a_compact_solution(tmp_path: Path) -> None:
    [task] = load_tasks(f"gsm8k:{written(tmp_path / 'a.jsonl', [SOLD])}")
    assert task.private.answer == "11500" and task.prompt == SOLD["question"]
    assert task.private.solution == "12 * 1000 = 12000. 12000 - 500 = 11500. The answer is 11500."
    assert (task.verifier, task.form, task.private.facts) == ("math", Form.FULL, ())


@pytest.mark.parametrize(
    ("worked", "answer"),
    [
        ("#### 5", "5"),
        ("text\n#### -3", "-3"),
        ("#### $1,234,567", "1234567"),
        ("#### 1/2 ", "1/2"),
        ("#### 3.5.", "3.5"),
        ("no mark", ""),
        ("####", ""),
        ("#### 5\nand more", ""),
    ],
)
def test_the_final_answer_stands_after_the_mark(worked: str, answer: str) -> None:
    assert final_answer(worked) == answer


def test_compact_solutions_space_operators_but_keep_signs() -> None:
    worked = "<<-3+5*2=7>> <<7-(2/4)=6.5>> <<6.5x2=13>> <<50%*26=13>>"
    assert compact_solution(worked, "13") == (
        "-3 + 5 * 2 = 7. 7 - (2 / 4) = 6.5. 6.5 * 2 = 13. 50% * 26 = 13. The answer is 13."
    )


def test_bad_rows_are_counted_and_the_good_ones_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [SOLD, "{cut", "[1, 2]", {"question": "x"}, {"question": "How many?", "answer": "none"}, "", "\x00"]
    path = written(tmp_path / "a.jsonl", rows)
    with path.open("ab") as file:
        file.write(b'{"question": "\xff"}\n')
    report = LoadReport()
    assert len(load_tasks(f"gsm8k:{path}", report=report)) == 1
    assert (report.read, report.made) == (7, 1)
    assert report.bad == {"not a JSON object": 4, "no question or no answer": 1, "no '#### answer'": 1}
    assert "6 bad rows" in str(report)
    with caplog.at_level(logging.WARNING):
        load_tasks(f"gsm8k:{path}")
    assert "6 bad rows" in caplog.text


def test_repeated_problems_are_counted(tmp_path: Path) -> None:
    report = LoadReport()
    load_tasks(f"gsm8k:{written(tmp_path / 'a.jsonl', [SOLD, SOLD])}", report=report)
    assert (report.made, report.refused) == (1, {"the same problem again": 1})


def test_data_without_any_task_is_an_error_that_says_why(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [{"question": "How many?", "answer": "none"}])
    with pytest.raises(TaskSpecError, match="no '#### answer'"):
        load_tasks(f"gsm8k:{path}")
    with pytest.raises(TaskSpecError, match="no file"):
        load_tasks(f"gsm8k:{tmp_path / 'none.jsonl'}")
    with pytest.raises(TaskSpecError, match="no JSON array"):
        load_tasks(f"gsm8k:{written(tmp_path / 'a.json', [{}])}")
    (tmp_path / "a.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(TaskSpecError, match="cannot be read"):
        load_tasks(f"gsm8k:{tmp_path / 'a.jsonl.gz'}")


def test_gzip_arrays_and_byte_order_marks_are_read(tmp_path: Path) -> None:
    line = json.dumps(SOLD)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "a.json").write_text(f"[{line}]", "utf-8")
    (tmp_path / "bom.jsonl").write_text("\ufeff" + line + "\r\n", "utf-8")
    ids = {load_tasks(f"gsm8k:{tmp_path / name}")[0].id for name in ("a.jsonl.gz", "a.json", "bom.jsonl")}
    assert len(ids) == 1


def test_jsonl_takes_the_columns_that_the_user_names(tmp_path: Path) -> None:
    rows = [{"data": {"q": "What is 2 + 2?"}, "gold": 4}, {"data": {}, "gold": 4}, {"data": {"q": "y"}, "gold": True}]
    path = written(tmp_path / "a.jsonl", rows)
    report = LoadReport()
    [task] = load_tasks(f"jsonl:{path}?prompt=data.q&answer=gold&verifier=exact", report=report)
    assert (task.prompt, task.private.answer, task.verifier) == ("What is 2 + 2?", "4", "exact")
    assert report.bad == {"no prompt or no answer": 2}
    with pytest.raises(TaskSpecError, match=r"no column 'question' in the data: the columns are data, gold"):
        load_tasks(f"jsonl:{path}?prompt=question&answer=gold")


def test_jsonl_makes_the_other_forms_from_a_worked_solution(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [{"q": SOLD["question"], "a": "11500", "s": SOLD["answer"]}])
    missing, full = load_tasks(f"jsonl:{path}?prompt=q&answer=a&solution=s&form=paired")
    assert missing.form is Form.UNDERSPECIFIED and len(missing.private.facts) == 1
    assert all(part in full.prompt for part in sentences(SOLD["question"])) and missing.pair == full.pair
    assert missing.prompt != full.prompt
    with pytest.raises(TaskSpecError, match="no worked solution"):
        load_tasks(f"jsonl:{path}?prompt=q&answer=a&form=paired")


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_hf_reads_local_files_and_saved_folders(tmp_path: Path, suffix: str) -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    data = datasets.Dataset.from_list([{"q": "What is 1 + 1?", "a": "2"}, {"q": "What is 1 + 2?", "a": "3"}])
    path = tmp_path / f"data.{suffix}"
    {"jsonl": data.to_json, "csv": data.to_csv, "parquet": data.to_parquet}[suffix](str(path))
    tasks = load_tasks(f"hf:{path}?prompt=q&answer=a")
    assert [task.private.answer for task in tasks] == ["2", "3"]
    data.save_to_disk(str(tmp_path / "folder"))
    again = load_tasks(f"hf:{tmp_path / 'folder'}?prompt=q&answer=a&offset=1")
    assert [task.id for task in again] == [tasks[1].id]


def test_hf_names_what_cannot_be_loaded(tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="datasets is not installed")
    with pytest.raises(TaskSpecError, match="cannot be loaded"):
        load_tasks(f"hf:{tmp_path / 'nothing'}?prompt=q&answer=a")


def test_questbench_completes_an_item_before_its_question() -> None:
    assert complete("A has apples. B has 3. How many?", "The number is 2.") == (
        "A has apples. B has 3. The number is 2. How many?"
    )
    assert complete("It costs $1.50 each. If he pays, what is left?", "X is 2.") == (
        "It costs $1.50 each. X is 2. If he pays, what is left?"
    )
    assert complete("A.\n\nHow many?", "X is 2.") == "A. X is 2.\n\nHow many?"
    assert complete("How many apples?", "X is 2.") == "X is 2. How many apples?"


@pytest.mark.parametrize(
    ("description", "statement"),
    [
        ("Number of stories Alani wrote in Week 1", "The number of stories Alani wrote in Week 1 is 20."),
        ("Adam's total points", "Adam's total points is 20."),
        ("Pieces eaten on the second day", "The number of pieces eaten on the second day is 20."),
        ("Distance from city 1 to city 2 in miles.", "The distance from city 1 to city 2 in miles is 20."),
        ("The amount of money that Mike gave", "The amount of money that Mike gave is 20."),
        ("Total no. of Hats", "The total number of Hats is 20."),
    ],
)
def test_questbench_tells_the_fact_in_a_sentence(description: str, statement: str) -> None:
    assert statement_of("20", description) == statement


def test_questbench_pairs_real_items() -> None:
    report = LoadReport()
    tasks = load_tasks(f"questbench:{data_set('quest_bench.jsonl')}?form=paired", report=report)
    assert (len(tasks), report.left_out) == (122, 0)
    assert len({task.id for task in tasks}) == 122
    for missing, full in zip(tasks[::2], tasks[1::2], strict=True):
        [fact] = missing.private.facts
        assert missing.pair == full.pair and full.private.facts == ()
        assert fact.statement in full.prompt and fact.statement not in missing.prompt
        assert "".join(full.prompt.replace(fact.statement, "").split()) == "".join(missing.prompt.split())
        assert asked_facts(fact.question, [fact]), fact
        assert re.search(r" (is|was) ", fact.statement)


def test_lost_in_conversation_shards_real_items() -> None:
    path = data_set("sharded_gsm8k.jsonl")
    tasks = load_tasks(f"lost-in-conversation:{path}")
    assert len(tasks) == 134 and {task.form for task in tasks} == {Form.SHARDED}
    full = load_tasks(f"lost-in-conversation:{path}?form=full")
    assert [task.pair for task in full] == [task.pair for task in tasks]
    for task in tasks:
        assert len(task.private.facts) >= 1 and all(fact.keywords for fact in task.private.facts)
        assert task.private.solution.endswith(f"The answer is {task.private.answer}.")


def test_lost_in_conversation_refuses_other_tasks(tmp_path: Path) -> None:
    shards = [{"shard_id": 1, "shard": "How many?"}, {"shard_id": 2, "shard": "There are 3."}]
    rows = [
        {"task": "math", "question": "There are 3. How many?", "answer": "#### 3", "shards": shards},
        {"task": "code", "question": "x", "answer": "y", "shards": shards},
        {"task": "math", "question": "x", "answer": "#### 3", "shards": shards[:1]},
    ]
    report = LoadReport()
    [task] = load_tasks(f"lost-in-conversation:{written(tmp_path / 'a.jsonl', rows)}", report=report)
    assert task.prompt == "How many?" and [fact.statement for fact in task.private.facts] == ["There are 3."]
    assert report.refused == {"not a math problem": 1} and report.bad == {"fewer than two shards or no answer": 1}


@pytest.mark.parametrize("form", ["underspecified", "sharded"])
def test_real_gsm8k_problems_are_counted_to_the_last(form: str) -> None:
    report = LoadReport()
    tasks = load_tasks(f"gsm8k:{data_set('gsm8k_test.jsonl')}?form={form}", report=report)
    assert report.read == 649 == len(tasks) + report.left_out
    assert not report.bad and len(tasks) > 150
    for task in tasks:
        assert task.private.facts and task.private.answer
        assert all(fact.statement not in task.prompt for fact in task.private.facts)
        assert task.private.solution.endswith(f"The answer is {task.private.answer}.")
