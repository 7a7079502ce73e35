"""Models to train: a tiny one made on the spot, and the embedded one, really trained for a few steps, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sml_agents.roles.prompts import render
from sml_agents.training import DialogueRenderer, Message, SFTSettings, TrainingRow, TrainResult, train_sft
from tests.models import small_model
from tests.training.templates import dressed

PROBLEM = "What is two plus two?"


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
    """So thin and short that it trains in a moment."""
    return small_model(embedded_model, tmp_path_factory.mktemp("tiny-model"), max_position_embeddings=256)


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


@pytest.fixture(scope="session")
def guesser(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, taught to answer 4 or 5, or to ask, each about a third of the time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-2)
    opening = [{"role": "system", "content": render("student")}, {"role": "user", "content": PROBLEM}]
    again = [{"role": "assistant", "content": "The answer is 5."}, {"role": "user", "content": "That is not right."}]
    rows = []
    for reply in ("The answer is 4.", "The answer is 5.", "What is two?"):
        for messages in (opening, [*opening, *again]):
            head = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            ids, said = (
                tokenizer(text, add_special_tokens=False)["input_ids"] for text in (head, reply + "<|im_end|>")
            )
            rows.append((ids + said, [-100] * len(ids) + said))
    width = max(len(ids) for ids, _ in rows)
    input_BT = torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in rows])
    labels_BT = torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in rows])[:, 1:]
    said_BT = labels_BT != -100
    for _ in range(30):
        optimizer.zero_grad()
        hidden_BTD = model.model(input_ids=input_BT).last_hidden_state[:, :-1]
        torch.nn.functional.cross_entropy(model.lm_head(hidden_BTD[said_BT]), labels_BT[said_BT]).backward()
        optimizer.step()
    folder = tmp_path_factory.mktemp("guesser")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def problems(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tasks") / "sums.jsonl"
    path.write_text("".join(json.dumps({"q": PROBLEM, "a": str(answer)}) + "\n" for answer in (4, 5)))
    return f"jsonl:{path}?prompt=q&answer=a"
