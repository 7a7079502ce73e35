"""The comparison of recipes, all but the training: what is drawn for what, and what is made of finished dialogues."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from benchmarks import reproduction
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.evaluation.run import evaluate
from sml_agents.evaluation.tally import Tally
from sml_agents.types import Task, stable_hash
from tests.evaluation.crafted import task, trace


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    few = {"shown": 24, "played": 6, "rl": 6, "pairs": 3, "shards": 2, "other": 2}
    return argparse.Namespace(out=tmp_path, results=tmp_path / "results.json", seeds=[0], **few)


def drawn(options: argparse.Namespace) -> dict[str, list[Task]]:
    return {
        name: [
            one for spec, count in specs for pair in islice(reproduction.problems(spec, count), count) for one in pair
        ]
        for name, specs in reproduction.request_specs(options).items()
    }


def test_nothing_that_is_measured_is_trained_on(options: argparse.Namespace) -> None:
    tasks = drawn(options)
    measured = tasks.pop("measured")
    trained = [one for some in tasks.values() for one in some]
    assert {one.split for one in trained} == {"train"} and {one.split for one in measured} == {"heldout"}
    for key in ("id", "pair", "template", "prompt"):
        assert not {getattr(one, key) for one in trained} & {getattr(one, key) for one in measured}
    assert not {stable_hash(one.tools) for one in trained} & {stable_hash(one.tools) for one in measured}
    assert {one.form.value for one in tasks["played"]} == {"full", "underspecified"}
    assert sum(one.form.value == "underspecified" for one in tasks["shown"]) == options.shown // 4


def test_every_cell_has_what_it_starts_from_before_it() -> None:
    names = list(reproduction.CELLS)
    for name, cell in reproduction.CELLS.items():
        assert not cell.parent or cell.parent in names
        assert name == "base" or bool(cell.dialogues) != bool(cell.turns)
    assert {name for pair in reproduction.CLAIMS for name in pair} <= set(names)


def test_finished_dialogues_become_tables_and_a_page(options: argparse.Namespace) -> None:
    """Two students by script in place of trained ones; the second calls what is right for one of the requests."""
    tasks = drawn(options)["measured"]
    path = options.out / "tasks" / "measured.jsonl"
    path.parent.mkdir()
    path.write_text("".join(one.model_dump_json(exclude_defaults=True) + "\n" for one in tasks), encoding="utf-8")
    whole = next(one for one in tasks if one.form.value == "full")
    call = f"<tool_call>{whole.private.answer}</tool_call>"
    scripts = {
        "start": ScriptedModel(replies=["Let me see."]),
        "MT-RL": ScriptedModel.model_validate(
            {"replies": [{"when": whole.prompt, "reply": call}, {"when": "", "reply": "Let me see."}]}
        ),
        reproduction.SILENT: ScriptedModel(replies=["I do not know."]),
    }
    for name, script in scripts.items():
        folder = options.out / "seed-0" / "measured" / reproduction.slug(name)
        evaluate({name: script}, [f"tasks:{path}"], folder, max_turns=10, baselines=False)
    reproduction.collect(options)
    results = json.loads(options.results.read_text(encoding="utf-8"))
    assert set(results["cells"]) >= {"start", "MT-RL", "says nothing"}
    assert results["cells"]["start"]["suites"]["paired"]["metrics"]["success_at"]["10"]["value"] == 0
    won = results["cells"]["MT-RL"]["suites"]["paired"]["metrics"]["success_at"]["1"]
    assert won["value"] == pytest.approx(1 / 6) and won["n"] == 6
    [paired, sharded] = [one for one in results["differences"] if (one["plus"], one["minus"]) == ("MT-RL", "start")]
    assert (paired["suite"], paired["tasks"], sharded["tasks"]) == ("paired", 3, 2)
    assert paired["metrics"]["success_at"]["10"]["value"] == pytest.approx(1 / 6)
    shown = reproduction.tables(results)
    assert "| MT-RL | 17 (" in shown and "| MT-RL - start | paired | 3 | +17 (" in shown
    assert "premature" in shown and "**sharded**" in shown
    assert "MT-RL" in (options.out / "report.html").read_text(encoding="utf-8")


def test_what_the_turns_after_training_bring() -> None:
    late = [trace("qqqqq" + "r", task(f"late {k}"), max_turns=10) for k in range(10)]
    soon = [trace("r", task(f"soon {k}"), max_turns=10) for k in range(30)]
    found = reproduction.gained_later(Tally().extend([*late, *soon]))
    assert found.value == pytest.approx(0.25) and found.n == 40
    assert found.low is not None and found.high is not None and 0.1 < found.low < 0.25 < found.high < 0.42
    assert reproduction.gained_later(Tally().extend([trace("r", task("brief"), max_turns=4)])).value is None


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

if __name__ == "__main__":
    alone(work, *sys.argv[1:], patience=0.3)
    print("done")
"""


@pytest.mark.parametrize(("how", "interrupted"), [("works", False), ("fails", False), ("sleeps", True), ("deaf", True)])
def test_work_apart_ends_with_what_began_it(how: str, interrupted: bool, tmp_path: Path) -> None:
    script, place = tmp_path / "script.py", tmp_path / "pid"
    script.write_text(APART)
    place.touch()
    path = {**os.environ, "PYTHONPATH": str(Path(reproduction.__file__).parent)}
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
