"""The embedded model's tokenizer, dressed with the chat templates and control tokens of other model families."""

from __future__ import annotations

import re
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


CONTROL = re.compile(
    r"<\|[a-z_]+>(?=\w)|<(?:turn|eos|bos|channel)\|?>|<\|[^|<>\s]+\|>|<\uff5c[^\uff5c<>]+\uff5c>|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|"
    r"SYSTEM_PROMPT)\]|<(?:start|end)_of_turn>|<end_of_utterance>|</?s>"
)
"""What a template writes as a token of its own."""


def trl_templates() -> list[str]:
    """The names of the chat templates that TRL ships."""
    import trl

    return sorted(path.stem for path in (Path(trl.__file__).parent / "chat_templates").glob("*.jinja"))


def template_named(name: str) -> str:
    """The text of one of TRL's templates, or of one in the folder here."""
    import trl

    folders = (Path(trl.__file__).parent / "chat_templates", FOLDER)
    return next(path for folder in folders if (path := folder / f"{name}.jinja").is_file()).read_text(encoding="utf-8")


def tiny(template: str) -> Any:
    """A tokenizer of single bytes, with the control tokens that `template` writes and the template itself."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokens = sorted({*CONTROL.findall(template), "<s>", "</s>"})
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", additional_special_tokens=tokens
    )
    tokenizer.chat_template = template
    return tokenizer


def dressed(base: Path, family: str) -> Any:
    """A tokenizer with the chat template and control tokens of `family`."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    names = dict(CONTROL_TOKENS[family])
    others = names.pop("others")
    tokenizer.add_special_tokens({**names, "additional_special_tokens": others})
    tokenizer.chat_template = (FOLDER / f"{family}.jinja").read_text(encoding="utf-8")
    return tokenizer
