"""The embedded model's tokenizer, dressed with the chat templates and control tokens of other model families."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "chat_templates"

CONTROL_TOKENS = {
    "chatml": {"eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "others": ["<|im_start|>"]},
    "llama3": {
        "bos_token": "<|begin_of_text|>",
        "eos_token": "<|eot_id|>",
        "others": ["<|start_header_id|>", "<|end_header_id|>"],
    },
    "qwen2_5": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "others": ["<|im_start|>"]},
    "qwen_tools": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "others": ["<|im_start|>"]},
    "qwen3_thinking": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "others": ["<|im_start|>"]},
    "gemma": {"bos_token": "<bos>", "eos_token": "<eos>", "others": ["<start_of_turn>", "<end_of_turn>"]},
    "mistral": {"bos_token": "<s>", "eos_token": "</s>", "others": ["[INST]", "[/INST]"]},
}
END_OF_TURN = {
    "chatml": "<|im_end|>",
    "llama3": "<|eot_id|>",
    "qwen2_5": "<|im_end|>",
    "qwen_tools": "<|im_end|>",
    "qwen3_thinking": "<|im_end|>",
    "gemma": "<end_of_turn>",
    "mistral": "</s>",
}
TRIMS = {"llama3", "gemma"}
"""Templates that strip white space around a message."""


def dressed(base: Path, family: str) -> Any:
    """A tokenizer with the chat template and control tokens of `family`."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    names = dict(CONTROL_TOKENS[family])
    others = names.pop("others")
    tokenizer.add_special_tokens({**names, "additional_special_tokens": others})
    tokenizer.chat_template = (FOLDER / f"{family}.jinja").read_text(encoding="utf-8")
    return tokenizer
