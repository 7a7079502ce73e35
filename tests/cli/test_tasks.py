"""`sml-agents tasks`: a file that is a task spec itself."""

from __future__ import annotations

import json
from pathlib import Path

from sml_agents.tasks import load_tasks
from sml_agents.types import Form

from .conftest import Cli

SOLD = {
    "question": "Ada buys 4 pens. Each pen costs 3 dollars. How many dollars does she pay?",
    "answer": "She pays 4*3=<<4*3=12>>12.\n#### 12",
}


def test_a_file_gives_the_tasks_that_were_written(cli: Cli, tmp_path: Path) -> None:
    specs = ("arithmetic?form=paired&n=5&seed=3", "functions?n=2")
    done = cli("tasks", "--tasks", specs[0], "--tasks", specs[1], "--out", tmp_path / "t.jsonl", "--json")
    assert done.code == 0 and done.json["tasks"] == 12, done.err
    assert load_tasks(f"tasks:{tmp_path / 't.jsonl'}") == [task for spec in specs for task in load_tasks(spec)]
    assert len(load_tasks(f"tasks:{tmp_path / 't.jsonl'}?n=3&offset=2")) == 3


def test_a_model_takes_a_fact_out_and_is_checked(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sold.jsonl").write_text(json.dumps(SOLD) + "\n")
    change = {
        "prompt": "Ada buys 4 pens. How many dollars does she pay?",
        "fact": "Each pen costs 3 dollars.",
        "question": "What does each pen cost?",
    }
    for name, reply in (("good", change), ("bad", {**change, "fact": "Each pen costs 7 dollars."})):
        (tmp_path / f"{name}.json").write_text(json.dumps([json.dumps(reply)]))
    asked = ("tasks", "--tasks", f"gsm8k:{tmp_path / 'sold.jsonl'}?form=full", "--json")
    good = cli(*asked, "--hide-with", f"scripted:{tmp_path / 'good.json'}", "--out", tmp_path / "good.jsonl")
    assert good.code == 0, good.err
    (task,) = load_tasks(f"tasks:{tmp_path / 'good.jsonl'}")
    assert task.form is Form.UNDERSPECIFIED and task.private.facts[0].statement == "Each pen costs 3 dollars."
    bad = cli(*asked, "--hide-with", f"scripted:{tmp_path / 'bad.json'}", "--out", tmp_path / "bad.jsonl")
    assert bad.code == 2 and "no task is left" in bad.json["error"] and not (tmp_path / "bad.jsonl").exists()


def test_what_is_no_task_is_counted(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"id": 1}\nnonsense\n')
    done = cli("tasks", "--tasks", f"tasks:{tmp_path / 't.jsonl'}", "--out", tmp_path / "out.jsonl", "--json")
    assert done.code == 2 and "not a task: id, input should be" in done.json["error"], done.err
