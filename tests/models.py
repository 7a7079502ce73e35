"""Models made on the spot: a Llama with random weights and the tokenizer of another model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["llama_config", "tiny_llama"]

SHAPE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
LONGEST = 8192
"""Room for a prompt with tools."""


def llama_config(tokenizer: Any, **changes: Any) -> Any:
    """Of a Llama of two layers that the tokenizer fits; `changes` are fields of transformers' `LlamaConfig`."""
    from transformers import LlamaConfig

    own = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    own |= {"vocab_size": len(tokenizer), "max_position_embeddings": LONGEST, "tie_word_embeddings": True}
    return LlamaConfig(**{**SHAPE, **own, **changes})


def tiny_llama(folder: Path, tokenizer: Any, **changes: Any) -> Path:
    """Saved with its tokenizer, which may be the folder of one; the same weights each time."""
    import torch
    from transformers import AutoTokenizer, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tokenizer) if isinstance(tokenizer, Path) else tokenizer
    torch.manual_seed(0)
    LlamaForCausalLM(llama_config(tokenizer, **changes)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
