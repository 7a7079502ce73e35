"""`sml-agents train`, from a store to a model that talks: the embedded model's tokenizer, and weights made small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from sml_agents.cli import main
from sml_agents.cli.train import _print_result as show
from sml_agents.cli.train import train
from sml_agents.errors import InputError
from sml_agents.training import TrainResult, named_values
from sml_agents.training.tokens.nouns import DataCounts
from tests.models import small_model

from .conftest import Cli, Run


@pytest.fixture(scope="module")
def tiny(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(embedded_model, tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def command(work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs commands in this process, which has torch loaded."""

    def run(*arguments: object) -> Run:
        monkeypatch.chdir(work)
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Run(code, *capfd.readouterr())

    return run


@pytest.mark.slow
def test_from_a_store_to_a_model_that_talks(
    program: Cli, command: Cli, store: Path, tiny: Path, tmp_path: Path
) -> None:
    """Nothing to learn from the dialogues that failed; something from those that were solved."""
    config = tmp_path / "sft.yaml"
    config.write_text(
        f"stores: {store}\nout: trained\nmissing: null\nsft: {{model: {tiny}, batch_size: 3, lora: {{r: 4}}}}\n"
    )
    unsolved = command("train", "sft", "--config", config, "--json")
    assert unsolved.code == 1
    assert "not solved" in unsolved.json["error"]

    done = command("run", "--tasks", "arithmetic?n=4&seed=2", "--student", answers(tmp_path), "--store", "good.sqlite")
    assert done.code == 0, done.err
    common = ("train", "sft", "--config", config, "--stores", "good.sqlite", "--max_steps", "2", "--json")
    plan = command(*common, "--dry-run")
    assert plan.code == 0, plan.err
    assert (plan.json["steps"], plan.json["data"]["rows"]) == (2, 4)
    assert "⟦" in plan.json["example"]
    assert not (tmp_path / "work" / "trained").exists()

    nothing = command("train", "dpo", *common[2:], "--model", tiny)
    assert nothing.code == 1
    assert "two student turns at the same history" in nothing.json["error"]

    trained = program(*common, "--method=lora", "--lora.alpha", "8")
    assert trained.code == 0, trained.err
    assert trained.json["steps"] == 2
    record = "trained/training.json"
    assert "--out" in command("train", "--config", record, "--json").json["error"]
    again = command("train", "--config", record, "--out", "again", "--json")
    assert again.code == 0, again.err
    first, second = (tmp_path / "work" / name / "model.safetensors" for name in ("trained", "again"))
    assert first.read_bytes() == second.read_bytes(), "what a run's folder says is the whole of the run"
    said = program("chat", "--student", "transformers:trained?max_tokens=2", "--json", stdin="hello\n")
    assert said.code == 0, said.err
    assert len(said.json["messages"]) == 2


def answers(folder: Path) -> str:
    """A student who knows the answers to these tasks, because it was told them."""
    import json

    from sml_agents import load_tasks

    rules = [
        {"when": task.prompt, "reply": f"The answer is {task.private.answer}."}
        for task in load_tasks("arithmetic?n=4&seed=2")
    ]
    path = folder / "knows.json"
    path.write_text(json.dumps(rules))
    return f"scripted:{path}"


def test_the_recipe_is_given_once(tmp_path: Path) -> None:
    context = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    context.args = ["kto", "--recipe", "dpo"]
    with pytest.raises(InputError, match="given twice, as 'kto' and as 'dpo'"):
        train(context, tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"stopped": "done"}, "9 steps in 3 s, loss 2.000 -> 1.000\nuse it as transformers:out\n"),
        ({"stopped": "time"}, "9 of 20 steps in 3 s, loss 2.000 -> 1.000: max_seconds were over\nuse it"),
        (
            {
                "stopped": "patience",
                "notes": {"held_out": {"rows": 5, "losses": [(3, 1.5), (6, 1.75)], "best_step": 3}},
            },
            "fell no more\n  kept is step 3, with a loss of 1.500 on 5 rows set aside\nuse it",
        ),
    ],
)
def test_why_it_ended_early_is_said(ended: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = {"path": "out", "steps": 9, "planned_steps": 20, "seconds": 3.0, "tokens_per_second": 1.0, "curve": []}
    result |= {"precision": "fp32", "device": "cpu", "first_loss": 2.0, "last_loss": 1.0, "data": DataCounts()}
    show(TrainResult.model_validate({**result, **ended}))
    assert said in capsys.readouterr().out


def test_settings_on_the_command_line() -> None:
    assert named_values(["--epochs", "2", "--lora.r=8", "--seed", "-1"]) == {"epochs": "2", "lora.r": "8", "seed": "-1"}


@pytest.mark.parametrize("words", [["fast"], ["--epochs"], ["--epochs", "--seed", "1"], ["--", "x"], ["-e", "1"]])
def test_words_that_are_no_settings(words: list[str]) -> None:
    with pytest.raises(InputError):
        named_values(words)
