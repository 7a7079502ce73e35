"""Models to train: a tiny one made on the spot, and the embedded one, really trained for a few steps, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sml_agents.training import DialogueRenderer, Message, SFTSettings, TrainingRow, TrainResult, train_sft
from tests.training.templates import dressed


def dialogue_row(number: int, *, price: int = 3, filler: int = 0) -> TrainingRow:
    """A student who asks for the price, is told, and answers."""
    return TrainingRow(
        (
            Message("user", f"Ann buys {number} pens. {'She likes blue. ' * filler}How much does she pay?"),
            Message("assistant", "What does a pen cost?", trainable=True),
            Message("user", f"A pen costs {price} dollars."),
            Message("assistant", f"{number} times {price} is {number * price}.", trainable=True),
        ),
        id=str(number),
        missing=True,
    )


@pytest.fixture(scope="session")
def tiny_model(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 2 layers with random weights and the embedded model's tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny-model")
    tokenizer = AutoTokenizer.from_pretrained(embedded_model)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def trained(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """The embedded model after seven steps of four short dialogues."""
    rows = [dialogue_row(number) for number in range(2, 30)]
    settings = SFTSettings(model=f"transformers:{embedded_model}", batch_size=4, learning_rate=1e-4, warmup=0.0)
    return train_sft(rows, settings, tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture(scope="session")
def renderer_of(embedded_model: Path) -> Callable[[str], DialogueRenderer]:
    made: dict[str, DialogueRenderer] = {}

    def get(family: str) -> DialogueRenderer:
        if family not in made:
            made[family] = DialogueRenderer(dressed(embedded_model, family))
        return made[family]

    return get
