"""The longer recipe, run whole with a tiny model, a step of each: what each step hands to the next."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sml_agents.backends.decision import Decision
from sml_agents.traces import TraceStore
from sml_agents.types import Form
from tests.models import small_model

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, dict[str, Any]] = {
    "shown": {"max_steps": 1, "batch_size": 4, "max_length": 512, "too_long": "drop", "first_token_weight": 6},
    "played": {"max_steps": 1, "batch_size": 4, "max_length": 512, "too_long": "drop"},
    "dpo": {"max_steps": 1, "batch_size": 2, "max_length": 512, "too_long": "drop"},
    "grpo": {"max_steps": 1, "batch_size": 4, "micro_batch_size": 2, "group": 2, "max_turns": 2, "max_tokens": 8},
}
for _step in SETTINGS.values():  # one step at a rate that is not nought
    _step.update(warmup=0.0, learning_rate=1e-3)
NAMES = "Anna Bruno Clara Dario Elena Franz Greta Hugo Ines Jonas Karin Luis Mona Nils Olga Paul Rosa Simon Tilda Uwe"
THINGS = ("pears", "stamps", "marbles", "tickets", "cards")


def rows() -> list[dict[str, str]]:
    """As GSM8K writes them, of our own."""
    found = []
    for number, name in enumerate(NAMES.split() * 8):
        thing, a, b, c = THINGS[number % 5], 3 + number, 12 + 2 * number, 2 + number % 7
        found.append(
            {
                "question": f"{name} has {a} boxes of {thing}. Each box holds {b} {thing}. A friend brings {c} more "
                f"{thing}. How many {thing} does {name} have in the end?",
                "answer": f"In the boxes are {a}*{b}=<<{a}*{b}={a * b}>>{a * b} {thing}.\n"
                f"With the friend's there are {a * b}+{c}=<<{a * b}+{c}={a * b + c}>>{a * b + c}.\n#### {a * b + c}",
            }
        )
    return found


@pytest.fixture(scope="module")
def at(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ask-first")
    small_model(embedded_model, folder / "start", max_position_embeddings=1024)
    (folder / "gsm8k.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    (folder / "steps.yaml").write_text(json.dumps(SETTINGS))  # JSON is YAML
    return folder


def recipe(at: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "finetune" / "ask_first.py", "--gsm8k", at / "gsm8k.jsonl", "--out", at / "out"]
    command += ["--model", f"transformers:{at / 'start'}", "--problems", "150", "--exercises", "5"]
    return subprocess.run(
        [*map(str, command), "--config", str(at / "steps.yaml"), *more],
        capture_output=True, text=True, timeout=600, cwd=at,
    )  # fmt: skip


def weights(at: Path, step: str) -> bytes:
    return (at / "out" / step / "model.safetensors").read_bytes()


def test_every_step_hands_on_to_the_next(at: Path) -> None:
    first = recipe(at, "--until", "shown")
    assert first.returncode == 0, first.stderr[-2000:]
    assert weights(at, "model") == weights(at, "shown-model")
    done = recipe(at)
    assert done.returncode == 0, done.stderr[-2000:]
    # The model of the earlier end does not stay.
    assert weights(at, "model") == weights(at, "grpo") != weights(at, "shown-model")
    steps = [line.removeprefix("step: ") for line in done.stderr.splitlines() if line.startswith("step: ")]
    assert steps == ["shown", "played", "dpo", "grpo"]
    for step in ("shown-model", "played-model", "dpo", "grpo"):
        assert (at / "out" / step / "training.json").is_file()
    decision = Decision.read(at / "out" / "model")
    assert decision is not None and 0 < decision.threshold < 1
    assert not list((at / "out" / "model").glob("*.sqlite*"))
    # Both forms of a problem: as many tasks lack a fact as do not.
    for name in ("shown", "played"):
        with TraceStore.open(at / "out" / f"{name}.sqlite", read_only=True) as store:
            lacking = [trace.task.form is not Form.FULL for trace in store.traces()]
        assert lacking and sum(lacking) * 2 == len(lacking)


def test_a_recipe_that_is_done_trains_nothing_again(at: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (at / "out").glob("*/training.json")}
    assert recipe(at).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (at / "out").glob("*/training.json")} == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--gsm8k", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--model", "transformers:nowhere", "--out", "other"], "nowhere"),
        (["--seed", "1"], "seed"),  # the dialogues in the folder are of another
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(at: Path, more: list[str], said: str) -> None:
    done = recipe(at, *more)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and said in last
    assert "Traceback" not in done.stderr
