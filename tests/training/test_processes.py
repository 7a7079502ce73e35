"""Training in two processes that torchrun started: they stay equal, and equal to one that takes the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from sml_agents import DialogueSettings, OracleTeacher, load_tasks, run_dialogues_sync
from sml_agents.roles import GuessingStudent, OraclePrimer
from sml_agents.traces import TraceStore
from sml_agents.training import TrainResult, load_run, train_run

pytestmark = pytest.mark.timeout(1800)

STEPS = 20
WITHIN_A_PASS = 8
"""Steps that the rows fill: several processes fill the last one of a pass up with rows of its beginning."""
ROWS = {"sft": 4, "dpo": 4, "kto": 4, "sdft": 2, "grpo": 4}
"""Of one step in each of two processes."""
COMPARED = ("sft", "dpo", "kto")

Job = Callable[..., Path]


@pytest.fixture(scope="module")
def job(
    tiny_model: Path, guesser: Path, problems: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Writes the file of a training, whose result is beside it, under the name given."""
    folder = tmp_path_factory.mktemp("jobs")
    roomy = folder / "roomy"
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig.from_pretrained(tiny_model, max_position_embeddings=1024)
    LlamaForCausalLM(config).save_pretrained(roomy)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(roomy)
    store = folder / "dialogues.sqlite"
    with TraceStore.open(store) as traces:
        tasks, student = load_tasks("arithmetic?form=paired&n=40"), GuessingStudent(questions=0.2)
        settings = DialogueSettings(q_priming=0.75)
        run_dialogues_sync(
            tasks, student, OracleTeacher(), traces, settings=settings, primer=OraclePrimer(demonstrate=True)
        )

    def write(recipe: str, name: str, **changes: Any) -> Path:
        values: dict[str, Any] = {
            "model": str(roomy),
            "batch_size": ROWS[recipe],
            "max_steps": STEPS,
            "learning_rate": 1e-3,
            "precision": "fp32",
            "checkpoint_seconds": None,
        }
        if recipe == "sdft":
            values["max_tokens"] = 4
        if recipe == "grpo":
            values |= {"model": str(guesser), "tasks": [problems], "group": 4, "max_turns": 2, "max_tokens": 8}
            values |= {"micro_batch_size": 2, "trl": {"beta": 0.0}}
        data = {} if recipe == "grpo" else {"stores": [str(store)]}
        path = folder / f"{name}.yaml"
        path.write_text(
            yaml.safe_dump({"recipe": recipe, "out": str(folder / name), **data, recipe: {**values, **changes}})
        )
        return path

    return write


def in_two_processes(*files: Path, **environment: str) -> int:
    """The exit code of torchrun."""
    script = Path(__file__).with_name("in_processes.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    threads = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [*command, *map(str, files)],
        env={**os.environ, **threads, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode and not environment.get("DIES_AT"):
        pytest.fail(f"torchrun ended with {done.returncode}:\n{done.stderr[-6000:]}")
    return done.returncode


def ranks_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(file.with_name(f"{file.stem}.{rank}.json").read_text()) for rank in (0, 1)]


def result_of(file: Path) -> TrainResult:
    return TrainResult.model_validate_json(file.with_suffix("").joinpath("training.json").read_text())


def distance(left: Path, right: Path) -> float:
    from safetensors.torch import load_file

    ours, theirs = (load_file(file.with_suffix("") / "model.safetensors") for file in (left, right))
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


@pytest.fixture(scope="module")
def trained_in_two(job: Job) -> dict[str, Path]:
    """Every recipe, one after another in the same two processes."""
    files = {recipe: job(recipe, f"two-{recipe}") for recipe in ROWS}
    compared = [job(recipe, f"compared-{recipe}", max_steps=WITHIN_A_PASS) for recipe in COMPARED]
    in_two_processes(*files.values(), *compared)
    return files


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ROWS)
def test_processes_stay_equal_to_the_bit(trained_in_two: dict[str, Path], recipe: str) -> None:
    first, second = ranks_of(trained_in_two[recipe])
    assert first == second
    assert first["steps"] == STEPS
    result = result_of(trained_in_two[recipe])
    assert (result.processes, len(result.devices), result.rows_a_step) == (2, 2, 2 * ROWS[recipe])
    card = trained_in_two[recipe].with_suffix("").joinpath("README.md").read_text()
    assert f"{STEPS} of {STEPS} steps of {2 * ROWS[recipe]} " in card
    assert "2 processes on cpu (2 x " in card


@pytest.mark.slow
@pytest.mark.parametrize("recipe", COMPARED)
def test_two_processes_train_what_one_would(trained_in_two: dict[str, Path], job: Job, recipe: str) -> None:
    alone = job(recipe, f"one-{recipe}", batch_size=2 * ROWS[recipe], max_steps=WITHIN_A_PASS)
    train_run(load_run(alone))
    assert distance(alone, trained_in_two[recipe].with_stem(f"compared-{recipe}")) < 1e-6
    assert result_of(alone).rows_a_step == 2 * ROWS[recipe]


@pytest.mark.slow
def test_the_dialogues_of_all_processes_are_kept_and_none_twice(trained_in_two: dict[str, Path]) -> None:
    folder = trained_in_two["grpo"].with_suffix("")
    with TraceStore.open(folder / "dialogues.sqlite", read_only=True) as store:
        traces = list(store.traces())
    assert len(traces) == STEPS * 2 * ROWS["grpo"] == len({trace.id for trace in traces})
    by_step: dict[Any, list[Any]] = {}
    for trace in traces:
        by_step.setdefault(trace.tags["step"], []).append(trace)
    # Two tasks a step, a group of four on each: were seeds counted within a process, the groups would be alike.
    assert {len(held) for held in by_step.values()} == {2 * ROWS["grpo"]}
    halves = [
        [sorted(turn.text for trace in held if trace.task.id == id for turn in trace.turns) for id in ids]
        for held in by_step.values()
        if len(ids := sorted({trace.task.id for trace in held})) == 2
    ]
    assert any(first != second for first, second in halves)
    notes = result_of(trained_in_two["grpo"]).notes
    assert notes["groups"] == STEPS * 2 > notes["flat_groups"]


@pytest.mark.slow
def test_the_first_clock_counts_for_all(job: Job) -> None:
    files = [job(recipe, f"timed-{recipe}", max_steps=None, epochs=500, max_seconds=2.0) for recipe in ("sft", "dpo")]
    in_two_processes(*files, CLOCK_AHEAD="0.3")
    for file in files:
        first, second = ranks_of(file)
        assert first == second
        assert first["stopped"] == "time"


@pytest.mark.slow
def test_killed_and_resumed_is_as_unbroken(trained_in_two: dict[str, Path], job: Job) -> None:
    safe = {"checkpoint_seconds": 1e-9}
    for recipe, dies_at in (("sft", "14"), ("grpo", "7")):  # supervised rows: in the second pass over them
        broken = job(recipe, f"broken-{recipe}", **safe)
        assert in_two_processes(broken, DIES_AT=dies_at)
        assert not broken.with_suffix("").joinpath("training.json").exists()
    resumed = [job(recipe, f"broken-{recipe}", **safe, resume=True) for recipe in ("sft", "grpo")]
    in_two_processes(*resumed)
    for recipe, file in zip(("sft", "grpo"), resumed, strict=True):
        first, second = ranks_of(file)
        assert first == second
        assert first["weights"] == ranks_of(trained_in_two[recipe])[0]["weights"]
        whole, parts = result_of(trained_in_two[recipe]), result_of(file)
        assert parts.resumed_from is not None
        assert [point["step"] for point in parts.curve] == [point["step"] for point in whole.curve]
        assert parts.first_loss == whole.first_loss
