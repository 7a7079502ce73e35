"""`sml-agents train`, from a store to a model that talks: the embedded model's tokenizer, and weights made small."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from sml_agents.cli.train import train
from sml_agents.errors import InputError
from sml_agents.training import named_values

from .conftest import Cli


@pytest.fixture(scope="module")
def tiny(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two thin layers that transformers loads like any other."""
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("tiny")
    config = AutoConfig.from_pretrained(embedded_model)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config.update({**small, "num_key_value_heads": 1, "head_dim": 16, "layer_types": None})
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(embedded_model).save_pretrained(folder)
    return folder


def test_from_a_store_to_a_model_that_talks(program: Cli, store: Path, tiny: Path, tmp_path: Path) -> None:
    """Nothing to learn from the dialogues that failed; something from those that were solved."""
    config = tmp_path / "sft.yaml"
    config.write_text(
        f"stores: {store}\nout: trained\nmissing: null\nsft: {{model: {tiny}, batch_size: 3, lora: {{r: 4}}}}\n"
    )
    unsolved = program("train", "sft", "--config", config, "--json")
    assert unsolved.code == 1
    assert "not solved" in unsolved.json["error"]

    done = program("run", "--tasks", "arithmetic?n=4&seed=2", "--student", answers(tmp_path), "--store", "good.sqlite")
    assert done.code == 0, done.err
    common = ("train", "sft", "--config", config, "--stores", "good.sqlite", "--max_steps", "2", "--json")
    plan = program(*common, "--dry-run")
    assert plan.code == 0, plan.err
    assert (plan.json["steps"], plan.json["data"]["rows"]) == (2, 4)
    assert "⟦" in plan.json["example"]
    assert not (tmp_path / "work" / "trained").exists()

    nothing = program("train", "dpo", *common[2:], "--model", tiny)
    assert nothing.code == 1
    assert "two student turns at the same history" in nothing.json["error"]

    trained = program(*common, "--method=lora", "--lora.alpha", "8")
    assert trained.code == 0, trained.err
    assert trained.json["steps"] == 2
    record = "trained/training.json"
    assert "--out" in program("train", "--config", record, "--json").json["error"]
    again = program("train", "--config", record, "--out", "again", "--json")
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


def test_settings_on_the_command_line() -> None:
    assert named_values(["--epochs", "2", "--lora.r=8", "--seed", "-1"]) == {"epochs": "2", "lora.r": "8", "seed": "-1"}


@pytest.mark.parametrize("words", [["fast"], ["--epochs"], ["--epochs", "--seed", "1"], ["--", "x"], ["-e", "1"]])
def test_words_that_are_no_settings(words: list[str]) -> None:
    with pytest.raises(InputError):
        named_values(words)
