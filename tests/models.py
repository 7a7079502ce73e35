"""Models for tests: small ones with random weights and the embedded model's tokenizer, made in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def small_config(tokenizer: Any, **changes: Any) -> Any:
    """Of a Llama of 2 thin layers that the tokenizer fits; `changes` are fields of it."""
    from transformers import LlamaConfig

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
    return LlamaConfig(**{**fields, **changes})


def small_model(embedded: Any, folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Saves such a model in `folder`; `embedded` is a tokenizer, or the folder of one."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(embedded) if isinstance(embedded, Path) else embedded
    torch.manual_seed(seed)
    LlamaForCausalLM(small_config(tokenizer, **changes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
