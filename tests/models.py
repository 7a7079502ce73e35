"""Models for tests: small ones with random weights and the embedded model's tokenizer, made in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def small_model(embedded: Path, folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Saves a Llama of 2 thin layers in `folder`; `changes` are fields of its config."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(embedded)
    fields = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 1024,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(seed)
    LlamaForCausalLM(LlamaConfig(**{**fields, **changes})).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
