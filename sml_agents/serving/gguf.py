"""A model of the Llama family as one GGUF file, for llama.cpp and what is built on it: Ollama, LM Studio, ...

Weights, tokenizer and chat template are in the file; a Modelfile for Ollama lies beside it. Layout and key names are
those of the GGUF specification (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), written with its `gguf`
package. Only what can be carried faithfully is: another architecture, tokenizer or position encoding is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from sml_agents.backends.chat_format import ChatFormat
from sml_agents.backends.decision import DECISION
from sml_agents.backends.loading import load_model
from sml_agents.backends.settings import LocalSettings
from sml_agents.errors import ConversationError, InputError, MissingExtra
from sml_agents.files import whole_file, write_whole

__all__ = ["Carried", "NumberType", "write_gguf"]

NumberType = Literal["f32", "f16", "bf16", "q8_0"]
"""How weights are kept; norms are float32 always."""

_LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PRE_TOKENIZERS: dict[str, list[dict[str, Any]]] = {
    "gpt-2": [{"type": "ByteLevel", "use_regex": True}],
    "smollm": [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "use_regex": True}],
    "llama-bpe": [
        {"type": "Split", "pattern": {"Regex": _LLAMA3_SPLIT}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "use_regex": False},
    ],
}
"""llama.cpp's name for how a text is cut before merging, and what that is in `tokenizer.json`."""
_IGNORES_MERGES = {"llama-bpe"}
"""Where a word that is a token of its own is taken whole, by llama.cpp's own rule for the name."""


@dataclass(frozen=True)
class Carried:
    """What was written."""

    path: Path
    modelfile: Path
    tensors: int
    size: int
    """Of the file, in bytes."""
    pre_tokenizer: str
    notes: tuple[str, ...] = ()
    """What the file does not carry, each a sentence."""


def write_gguf(folder: str | Path, out: str | Path, number_type: NumberType = "f16") -> Carried:
    """Write the model in `folder` to the file `out`, and a `Modelfile` beside it; both whole or not at all.

    An adapter is merged into its base first.

    Raises:
        InputError: the model cannot be carried faithfully, or the files cannot be written.
        MissingExtra: the `local` extra is not installed (for an adapter the `train` extra).
    """
    try:
        import gguf  # noqa: F401
        import torch  # noqa: F401
    except ImportError:
        raise MissingExtra("Writing GGUF", "local") from None
    if number_type not in get_args(NumberType):
        raise InputError(f"There is no number type {number_type!r}: choose from {', '.join(get_args(NumberType))}.")
    folder, out = Path(folder).expanduser(), Path(out).expanduser()
    if out.suffix != ".gguf" or out.is_dir():
        raise InputError(f"{out} is no name for the file: it ends in .gguf.")
    if not any((folder / name).is_file() for name in ("config.json", "adapter_config.json")):
        raise InputError(f"{folder} holds no model: it has no config.json.")
    model, tokenizer = load_model(str(folder), str(folder), LocalSettings(device="cpu", dtype="float32"))
    if (folder / "adapter_config.json").is_file():
        model = _merged(folder)
    words = _Words.of(tokenizer, model, folder)
    factors = _rope_factors(model, folder)
    try:
        with whole_file(out) as partial:
            tensors = _write(partial, model, words, factors, number_type, folder.resolve().name)
    except OSError as error:
        raise InputError(f"Cannot write {out}: {error.strerror or error}; choose another place.") from error
    notes = []
    turns = _Turns.of(ChatFormat(tokenizer, str(folder)), tokenizer.bos_token if words.adds_bos else "")
    if turns is None:
        notes.append("Its chat template cannot be written as Ollama's: llama.cpp reads it from the file, Ollama not.")
    if (folder / DECISION).is_file():
        notes.append(f"The threshold in {DECISION} is not carried: these servers ask when asking is likelier.")
    modelfile = out.with_name("Modelfile")
    write_whole(modelfile, _modelfile(out.name, turns, words))
    return Carried(out, modelfile, tensors, out.stat().st_size, words.pre_tokenizer, tuple(notes))


def _merged(folder: Path) -> Any:
    """The base of an adapter with the adapter merged in."""
    import torch
    from peft import AutoPeftModelForCausalLM

    return AutoPeftModelForCausalLM.from_pretrained(folder, dtype=torch.float32).merge_and_unload().eval()


def _rope_factors(model: Any, folder: Path) -> Any:
    """By what each frequency of the position encoding is divided, None where all are as the base says.

    Raises InputError for an architecture or encoding of another kind.
    """
    config = model.config
    if config.model_type != "llama":
        raise InputError(f"{folder} is a {config.model_type} model: only the Llama family can be written as GGUF.")
    if config.hidden_act != "silu":
        raise InputError(f"{folder} has the activation {config.hidden_act}, and GGUF's Llama has silu.")
    rotary = model.model.rotary_emb
    kind = config.rope_parameters.get("rope_type", "default")
    if kind not in ("default", "linear", "llama3") or rotary.attention_scaling != 1.0:
        raise InputError(f"{folder} has positions of the type {kind}, which cannot be carried in GGUF from here.")
    import torch

    width = _head_width(config)
    plain = 1.0 / config.rope_parameters["rope_theta"] ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    factors = plain / rotary.inv_freq.float()
    return None if torch.allclose(factors, torch.ones_like(factors), atol=1e-5) else factors.numpy()


def _head_width(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


@dataclass(frozen=True)
class _Words:
    """A tokenizer as GGUF keeps it."""

    tokens: list[str]
    types: list[int]
    merges: list[str]
    pre_tokenizer: str
    template: str
    special: dict[str, int] = field(default_factory=dict)
    """Ids by what they are for: bos, eos, eot, unk, pad."""
    adds_bos: bool = False

    @classmethod
    def of(cls, tokenizer: Any, model: Any, folder: Path) -> _Words:
        """Raises InputError for a tokenizer that is no byte-level BPE of a known kind."""
        from gguf import TokenType

        known = json.loads(tokenizer.backend_tokenizer.to_str())
        bpe, added = known["model"], {token["id"]: token for token in known["added_tokens"]}
        name = _pre_tokenizer(known)
        if name is None or bpe["type"] != "BPE" or bpe.get("byte_fallback") or known["normalizer"]:
            raise InputError(
                f"The tokenizer of {folder} is not one that GGUF's readers know from here: byte-level BPE that cuts "
                f"words as {', '.join(_PRE_TOKENIZERS)} does."
            )
        if bool(bpe.get("ignore_merges")) != (name in _IGNORES_MERGES):
            raise InputError(f"The tokenizer of {folder} merges unlike llama.cpp's {name}.")
        size = model.get_input_embeddings().weight.shape[0]
        by_id = {number: text for text, number in bpe["vocab"].items()} | {
            number: token["content"] for number, token in added.items()
        }
        if max(by_id) >= size:
            raise InputError(f"The tokenizer of {folder} has more tokens than its model: {max(by_id) + 1} and {size}.")
        types = [
            TokenType.UNUSED
            if number not in by_id
            else TokenType.NORMAL
            if number not in added
            else TokenType.CONTROL
            if added[number]["special"]
            else TokenType.USER_DEFINED
            for number in range(size)
        ]
        template = tokenizer.chat_template
        if not isinstance(template, str):
            raise InputError(f"{folder} has no chat template, or several: GGUF holds one.")
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        others = [end for end in ends if end not in (None, tokenizer.eos_token_id)]
        special = {
            "bos": tokenizer.bos_token_id,
            "eos": tokenizer.eos_token_id,
            "eot": others[0] if others else None,
            "unk": tokenizer.unk_token_id,
            "pad": tokenizer.pad_token_id,
        }
        return cls(
            tokens=[by_id.get(number, f"[PAD{number}]") for number in range(size)],
            types=[int(kind) for kind in types],
            merges=[" ".join(pair) if isinstance(pair, list) else pair for pair in bpe["merges"]],
            pre_tokenizer=name,
            template=template,
            special={name: number for name, number in special.items() if number is not None},
            adds_bos=tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id],
        )

    @property
    def ends(self) -> list[str]:
        """The texts of the tokens that end a turn."""
        return list(dict.fromkeys(self.tokens[self.special[name]] for name in ("eos", "eot") if name in self.special))


def _pre_tokenizer(known: dict[str, Any]) -> str | None:
    """llama.cpp's name for the way in which this `tokenizer.json` cuts texts."""
    found = known["pre_tokenizer"] or {}
    steps = found["pretokenizers"] if found.get("type") == "Sequence" else [found]
    for name, wanted in _PRE_TOKENIZERS.items():
        if len(steps) == len(wanted) and all(
            all(step.get(key) == value for key, value in want.items()) and not step.get("add_prefix_space")
            for step, want in zip(steps, wanted, strict=True)
        ):
            return name
    return None


def _write(path: Path, model: Any, words: _Words, factors: Any, number_type: NumberType, name: str) -> int:
    """Write the file; returns the number of tensors."""
    import gguf
    from gguf.quants import quantize

    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_file_type(getattr(gguf.LlamaFileType, _FILE_TYPES[number_type]))
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(_head_width(config))
    writer.add_value_length(_head_width(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(_head_width(config))
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_vocab_size(len(words.tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(words.pre_tokenizer)
    writer.add_token_list(words.tokens)
    writer.add_token_types(words.types)
    writer.add_token_merges(words.merges)
    for role, number in words.special.items():
        getattr(writer, f"add_{role}_token_id")(number)
    writer.add_add_bos_token(words.adds_bos)
    writer.add_chat_template(words.template)
    kind = gguf.GGMLQuantizationType[number_type.upper()]
    count = 0
    for title, tensor in _tensors(model):
        data = tensor.numpy()
        stored = kind if data.ndim > 1 and data.shape[-1] % 32 == 0 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(title, quantize(data, stored), raw_dtype=stored)
        count += 1
    if factors is not None:
        writer.add_tensor("rope_freqs.weight", factors)
        count += 1
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return count


_FILE_TYPES = {"f32": "ALL_F32", "f16": "MOSTLY_F16", "bf16": "MOSTLY_BF16", "q8_0": "MOSTLY_Q8_0"}


def _tensors(model: Any) -> Iterator[tuple[str, Any]]:
    """Names and values as GGUF has them: queries and keys with their two halves in turns, as its rotation wants them.

    Raises InputError for a tensor that has no name there.
    """
    import gguf

    config = model.config
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for key, value in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        title = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if title is None:
            raise InputError(f"The tensor {key} has no place in a GGUF file of the Llama family.")
        value = value.detach().float().contiguous()
        part = title.split(".")[2] if title.startswith("blk.") else ""
        if part in heads:
            halves = value.reshape(heads[part], 2, -1, *value.shape[1:])
            value = halves.transpose(1, 2).reshape(value.shape).contiguous()
        yield title, value


@dataclass(frozen=True)
class _Turns:
    """A chat template that puts each message between two fixed texts, as Ollama's can say it."""

    around: dict[str, tuple[str, str]]
    opening: str
    """What the reply begins after."""
    system: str | None
    """The system prompt that stands where a conversation has none."""

    @classmethod
    def of(cls, form: ChatFormat, bos: str) -> _Turns | None:
        """None for a template that does anything else."""

        def write(*words: str, opened: bool = False) -> str:
            roles = {"S": "system", "U": "user", "A": "assistant"}
            messages = [{"role": roles[word[0]], "content": word} for word in words]
            return form.write(messages, opened=opened).removeprefix(bos)

        try:
            first = write("S-1", "U-1", "A-1", "U-2")
            shorter = [write(*("S-1", "U-1", "A-1")[:size]) for size in (1, 2, 3)]
            texts = [shorter[0], *(b.removeprefix(a) for a, b in zip(shorter, [*shorter[1:], first], strict=True))]
            around = {
                role: (pieces[0], pieces[2])
                for role, word, text in zip(("system", "user", "assistant"), ("S-1", "U-1", "A-1"), texts, strict=False)
                if (pieces := text.partition(word))[1]
            }
            if len(around) < 3 or texts[3] != "U-2".join(around["user"]):
                return None
            opening = write("S-1", "U-1", opened=True).removeprefix(shorter[1])
            bare = write("U-1").removesuffix("U-1".join(around["user"]))
            before, after = around["system"]
            system = bare.removeprefix(before).removesuffix(after) if bare else None
            if bare and before + (system or "") + after != bare:
                return None
        except ConversationError:
            return None
        turns = cls(around, opening, system)
        whole = "".join([*turns._pieces(), system or ""])
        return None if "{{" in whole or '"""' in whole else turns

    def _pieces(self) -> Sequence[str]:
        return [*(piece for pair in self.around.values() for piece in pair), self.opening]

    def written(self) -> str:
        """As a template of Go's, for Ollama."""
        kinds = [
            f'{{{{ {"else if" if number else "if"} eq .Role "{role}" }}}}{before}{{{{ .Content }}}}{after}'
            for number, (role, (before, after)) in enumerate(self.around.items())
        ]
        return f"{{{{ range .Messages }}}}{''.join(kinds)}{{{{ end }}}}{{{{ end }}}}{self.opening}"


def _modelfile(name: str, turns: _Turns | None, words: _Words) -> str:
    lines = [f"FROM ./{name}"]
    if turns is not None:
        lines.append(f'TEMPLATE """{turns.written()}"""')
        if turns.system:
            lines.append(f'SYSTEM """{turns.system}"""')
    lines += [f"PARAMETER stop {json.dumps(end, ensure_ascii=False)}" for end in words.ends]
    return "\n".join([*lines, "PARAMETER temperature 0", ""])
