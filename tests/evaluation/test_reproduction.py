"""The comparison of recipes, all but the training: what is drawn for what, and what is made of finished dialogues."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from langchain_core.messages import AIMessage

from benchmarks import apart
from benchmarks.recipes import cells, results, tables, workshop
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.evaluation.run import evaluate
from sml_agents.evaluation.tally import Tally
from sml_agents.roles.chat import reply_from
from sml_agents.tasks import load_tasks
from sml_agents.types import Task, stable_hash
from tests.evaluation.crafted import task, trace


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    few = {"shown": 12, "played": 6, "rl": 6, "pairs": 3, "shards": 2, "other": 2}
    return argparse.Namespace(out=tmp_path, results=tmp_path / "results.json", seeds=[0], **few)


def drawn(options: argparse.Namespace) -> dict[str, list[Task]]:
    return {
        name: [one for spec in specs for one in load_tasks(spec)]
        for name, specs in cells.request_specs(options).items()
    }


def test_nothing_that_is_measured_is_trained_on(options: argparse.Namespace) -> None:
    tasks = drawn(options)
    measured = tasks.pop("measured")
    trained = [one for some in tasks.values() for one in some]
    assert {one.split for one in trained} == {"train"} and {one.split for one in measured} == {"heldout"}
    for key in ("id", "pair", "template", "prompt"):
        assert not {getattr(one, key) for one in trained} & {getattr(one, key) for one in measured}
    assert not {stable_hash(one.tools) for one in trained} & {stable_hash(one.tools) for one in measured}
    for some in tasks.values():
        assert [one.form.value for one in some] == ["underspecified", "full"] * (len(some) // 2)


def test_tools_are_signatures_in_the_students_template() -> None:
    """Every kind of argument, in a nested object, too; a call is written as it is read."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value)
    template = environment.from_string(workshop.TEMPLATE.read_text(encoding="utf-8"))
    trip = {"type": "object", "required": ["to"], "properties": {
        "to": {"type": "string", "description": "City."}, "days": {"type": "integer"},
    }}  # fmt: skip
    cabin = {"type": "string", "enum": ["economy", "business"], "description": "Class."}
    code = {"type": "string", "pattern": "^[A-Z]$"}
    properties = {"trip": trip, "cabin": cabin, "code": code, "late": {"type": "boolean"}}
    schema = {"type": "object", "properties": properties, "required": ["trip", "cabin"]}
    tool = {"type": "function", "function": {"name": "book", "description": "Book a trip.", "parameters": schema}}
    call = {"function": {"name": "book", "arguments": {"cabin": "business"}}}
    said = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "<think>\ncabin: business\n</think>", "tool_calls": [call]},
    ]
    assert template.render(messages=said, tools=[tool], add_generation_prompt=False) == (
        "<|im_start|>system\nbook: Book a trip.\ntrip.to (City)\ntrip.days? (integer)\n"
        "cabin (Class; one of economy, business)\ncode? (^[A-Z]$)\nlate? (yes or no)\n<|im_end|>\n"
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n<think>\ncabin: business\n</think>\n"
        '{"name": "book", "arguments": {"cabin": "business"}}<|im_end|>\n'
    )
    read = reply_from(
        AIMessage(content=said[1]["content"] + '\n{"name": "book", "arguments": {"cabin": "business"}}'),
        [],
        0,
        tools=[tool],
    )
    assert read.text == "" and read.tool_calls is not None and read.tool_calls[0].arguments == {"cabin": "business"}


def test_every_cell_has_what_it_starts_from_before_it() -> None:
    names = list(cells.CELLS)
    for name, cell in cells.CELLS.items():
        assert not cell.parent or cell.parent in names
        assert name == "base" or bool(cell.dialogues) != bool(cell.turns)
    assert {name for pair in cells.CLAIMS for name in pair} <= set(names)


def test_finished_dialogues_become_tables_and_a_page(options: argparse.Namespace) -> None:
    """Two students by script in place of trained ones; the second calls what is right for one of the requests."""
    specs = cells.request_specs(options)["measured"]
    whole = next(one for one in load_tasks(specs[0]) if one.form.value == "full")
    call = f"<tool_call>{whole.private.answer}</tool_call>"
    scripts = {
        "start": ScriptedModel(replies=["Let me see."]),
        "MT-RL": ScriptedModel.model_validate(
            {"replies": [{"when": whole.prompt, "reply": call}, {"when": "", "reply": "Let me see."}]}
        ),
        cells.SILENT: ScriptedModel(replies=["I do not know."]),
    }
    for name, script in scripts.items():
        folder = options.out / "seed-0" / "measured" / cells.slug(name)
        evaluate({name: script}, specs, folder, max_turns=10, baselines=False)
    results.collect(options)
    found = json.loads(options.results.read_text(encoding="utf-8"))
    assert set(found["cells"]) >= {"start", "MT-RL", "says nothing"}
    assert found["cells"]["start"]["suites"]["paired"]["metrics"]["success_at"]["10"]["value"] == 0
    won = found["cells"]["MT-RL"]["suites"]["paired"]["metrics"]["success_at"]["1"]
    assert won["value"] == pytest.approx(1 / 6) and won["n"] == 6
    [paired, sharded] = [one for one in found["differences"] if (one["plus"], one["minus"]) == ("MT-RL", "start")]
    assert (paired["suite"], paired["tasks"], sharded["tasks"]) == ("paired", 3, 2)
    assert paired["metrics"]["success_at"]["10"]["value"] == pytest.approx(1 / 6)
    shown = tables.tables(found)
    assert "| MT-RL | 17 (" in shown and "| MT-RL - start | +17 (" in shown
    assert "| paired, n = 6 dialogues" in shown and "| sharded, n = 2 dialogues" in shown and "arithmetic" not in shown
    assert "MT-RL" in (options.out / "report.html").read_text(encoding="utf-8")


def test_the_page_shows_what_was_measured(repository: Path) -> None:
    found = json.loads((repository / "benchmarks" / "results" / "reproduction.json").read_bytes())
    assert tables.tables(found) in (repository / "docs" / "reproduction.md").read_text(encoding="utf-8")


def test_what_the_turns_after_training_bring() -> None:
    late = [trace("qqqqq" + "r", task(f"late {k}"), max_turns=10) for k in range(10)]
    soon = [trace("r", task(f"soon {k}"), max_turns=10) for k in range(30)]
    found = results.gained_later(Tally().extend([*late, *soon]))
    assert found.value == pytest.approx(0.25) and found.n == 40
    assert found.low is not None and found.high is not None and 0.1 < found.low < 0.25 < found.high < 0.42
    assert results.gained_later(Tally().extend([trace("r", task("brief"), max_turns=4)])).value is None


APART = """
import os, signal, sys, time
from apart import alone

def work(place, how):
    for one in (signal.SIGINT, signal.SIGTERM) if how == "deaf" else ():
        signal.signal(one, signal.SIG_IGN)
    with open(place, "w") as file:
        print(os.getpid(), file=file)
    if how == "fails":
        raise RuntimeError("why")
    time.sleep(0 if how == "works" else 60)
    return "done"

if __name__ == "__main__":
    print(alone(work, *sys.argv[1:], patience=0.3))
"""


@pytest.mark.parametrize(("how", "interrupted"), [("works", False), ("fails", False), ("sleeps", True), ("deaf", True)])
def test_work_apart_ends_with_what_began_it(how: str, interrupted: bool, tmp_path: Path) -> None:
    script, place = tmp_path / "script.py", tmp_path / "pid"
    script.write_text(APART)
    place.touch()
    path = {**os.environ, "PYTHONPATH": str(Path(apart.__file__).parent)}
    program = [sys.executable, str(script), str(place), how]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(program, env=path, text=True, **pipes) as began:  # type: ignore[call-overload]
        while began.poll() is None and not place.read_text().endswith("\n"):
            time.sleep(0.01)
        if interrupted:
            began.send_signal(signal.SIGINT)
        out, error = began.communicate(timeout=30)
    assert out == ("done\n" if how == "works" else "")
    assert (began.returncode == 0) == (how == "works")
    assert ("RuntimeError: why" in error) == (how == "fails") and ("KeyboardInterrupt" in error) == interrupted
    with pytest.raises(ProcessLookupError):
        os.kill(int(place.read_text()), 0)
