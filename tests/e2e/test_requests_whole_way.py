"""Requests from task to trained row to figures, on a tiny model that calls natively."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore
from tests.e2e.requests_whole_way import whole_way
from tests.training.templates import dressed


def tiny_model(folder: Path, embedded_model: Path, family: str) -> str:
    """A Llama of 2 layers with random weights, and the chat template of a family."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = dressed(embedded_model, family)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"transformers:{folder}"


@pytest.mark.slow
def test_from_task_to_figures(tmp_path: Path, embedded_model: Path) -> None:
    model = tiny_model(tmp_path / "tiny", embedded_model, "qwen_tools")
    told: dict[str, Any] = whole_way(
        tmp_path / "out", model, 8, steps=1, batch=2, limits="?temperature=0&max_tokens=6", grpo=2, turn_tokens=6
    )
    assert told["dialogues"] == {"full: solved": 4, "underspecified: solved": 4}
    assert all(not told[f"export {name}"].startswith("0 rows") for name in ("trl", "openai", "preference", "kto"))
    assert {"figures base", "figures trained"} <= set(told)
    with TraceStore.open(tmp_path / "out" / "dialogues.sqlite", read_only=True) as store:
        traces = list(store.traces())
    assert all(trace.tools and trace.system for trace in traces)
