"""A model carried as GGUF, read back by transformers, which knows nothing of how it was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sml_agents.backends.decision import Decision
from sml_agents.errors import InputError
from sml_agents.serving.gguf import write_gguf

PROMPTS = [
    "What is 12 + 345?\n\n 6 apples",
    "Zürich: naïve café, 東京 and \U0001f600\u200d!",
    "  two spaces,\ttabs\n\n\nand 3.14159, 1,000,000",
    "don't we'll I'M <|im_end|> not a <| token |>, <think> is one",
    "def f(x):\n    return x ** 2  # comment",
]


@pytest.fixture(scope="module")
def folder(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random model with grouped heads and an output matrix of its own, and a tokenizer of 600 tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        [__doc__, Path(__file__).read_text(encoding="utf-8")],
        trainers.BpeTrainer(vocab_size=600, special_tokens=special, initial_alphabet=alphabet),
    )
    bpe.add_tokens(["<think>"])
    names = {"unk_token": special[0], "bos_token": special[1], "eos_token": special[2], "pad_token": special[2]}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, **names)
    tokenizer.chat_template = (embedded_model / "chat_template.jinja").read_text()

    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=608, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0}, max_position_embeddings=512,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(2)
    folder = tmp_path_factory.mktemp("models") / "small"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def read_back(path: Path) -> tuple[Any, Any]:
    """As transformers reads it. It leaves out what GGUF calls `smollm`, that digits stand alone."""
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    given: Any = {"gguf_file": path.name}
    tokenizer: Any = AutoTokenizer.from_pretrained(path.parent, **given)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, **given).eval(), tokenizer


@pytest.mark.parametrize("number_type", ["f32", "f16", "bf16", "q8_0"])
def test_prompts_and_replies_are_equal(folder: Path, tmp_path: Path, number_type: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    carried = write_gguf(folder, tmp_path / "m.gguf", number_type)
    assert carried.tensors == 2 * 9 + 3 and carried.size == carried.path.stat().st_size
    model, tokenizer = read_back(carried.path)
    plain: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    own: Any = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.chat_template == own.chat_template
    furthest = 0.0
    for text in PROMPTS:
        messages = [{"role": "user", "content": text}]
        given: Any = {"add_generation_prompt": True, "return_dict": True, "return_tensors": "pt"}
        ids = own.apply_chat_template(messages, **given)["input_ids"]
        assert ids.tolist() == tokenizer.apply_chat_template(messages, **given)["input_ids"].tolist()
        with torch.inference_mode():
            before, after = plain(ids).logits, model(ids).logits
        furthest = max(furthest, float((before - after).abs().max() / before.abs().max()))
        if number_type == "f32":
            assert (before.argmax(-1) == after.argmax(-1)).all()
    assert furthest < {"f32": 1e-4, "f16": 5e-3, "bf16": 0.05, "q8_0": 0.05}[number_type]


@pytest.mark.parametrize("number_type", ["f32", "q8_0"])
def test_llama_cpp_reads_it_alike(folder: Path, tmp_path: Path, number_type: Any) -> None:
    pytest.importorskip("xllamacpp", reason="no llama.cpp on this machine: pip install xllamacpp")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from sml_agents.backends import resolve
    from tests.serving.llama import llama_server

    carried = write_gguf(folder, tmp_path / "m.gguf", number_type)
    plain: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    own: Any = AutoTokenizer.from_pretrained(folder)
    given: Any = {"add_generation_prompt": True, "return_dict": True}
    same = 0
    with llama_server(carried.path) as llama:
        for text in PROMPTS:
            ids = own.apply_chat_template([{"role": "user", "content": text}], **given)["input_ids"]
            assert llama.prompt_ids(text) == ids
            with torch.inference_mode():
                reply = plain.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=8)[0, len(ids) :].tolist()
            same += llama.greedy(ids, 8) == reply
        served: Any = resolve(f"openai:m@{llama.url}/v1?max_tokens=4&temperature=0", api_key="none")
        assert served.invoke(PROMPTS[0]).usage_metadata["output_tokens"] == 4
    assert same == len(PROMPTS) or (number_type == "q8_0" and same)


def test_scaled_positions_are_carried(folder: Path, tmp_path: Path) -> None:
    """Their factors are Llama 3's own rule, written out anew here."""
    import math

    from gguf import GGUFReader

    theirs = shutil.copytree(folder, tmp_path / "long")
    config = json.loads((theirs / "config.json").read_text())
    scaling = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128}
    config["rope_parameters"] = {"rope_type": "llama3", "rope_theta": 5000.0, **scaling}
    (theirs / "config.json").write_text(json.dumps(config))
    carried = write_gguf(theirs, tmp_path / "m.gguf", "f32")
    (found,) = [tensor for tensor in GGUFReader(carried.path).tensors if tensor.name == "rope_freqs.weight"]
    for place, factor in enumerate(found.data.tolist()):
        length = 2 * math.pi * 5000.0 ** (2 * place / 16)
        share = (128 / length - 1.0) / (4.0 - 1.0)
        smooth = min(1.0, max(0.0, share))
        assert factor == pytest.approx(1 / ((1 - smooth) / 8.0 + smooth), rel=1e-4)
    assert len(set(found.data.tolist())) > 2


def test_the_modelfile_says_what_the_template_says(folder: Path, tmp_path: Path) -> None:
    carried = write_gguf(folder, tmp_path / "a folder" / "m.gguf", "q8_0")
    text = carried.modelfile.read_text()
    assert text.startswith("FROM ./m.gguf\n") and 'PARAMETER stop "<|im_end|>"' in text
    template = text.partition('TEMPLATE """')[2].partition('"""')[0]
    from transformers import AutoTokenizer

    own: Any = AutoTokenizer.from_pretrained(folder)
    system = text.partition('SYSTEM """')[2].partition('"""')[0]
    for words in (["Be kind.", "Hi", "Hello.", "2 + 2?"], ["S", "U"]):
        roles = ["system", "user", "assistant", "user"]
        messages = [{"role": role, "content": word} for role, word in zip(roles, words, strict=False)]
        wanted = own.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        assert as_ollama(template, messages) == wanted
        bare = own.apply_chat_template(messages[1:], tokenize=False, add_generation_prompt=True)
        assert as_ollama(template, [{"role": "system", "content": system}, *messages[1:]]) == bare
    assert carried.notes == ()


def as_ollama(template: str, messages: list[dict[str, str]]) -> str:
    """What Go's template engine makes of the few forms that are written."""
    import re

    body, end = re.fullmatch(r"\{\{ range \.Messages \}\}(.*)\{\{ end \}\}\{\{ end \}\}(.*)", template, re.S).groups()  # type: ignore[union-attr]
    cases = dict(
        re.findall(r'\{\{ (?:else )?if eq \.Role "(\w+)" \}\}(.*?\{\{ \.Content \}\}.*?)(?=\{\{ else|\Z)', body, re.S)
    )
    return "".join(cases[m["role"]].replace("{{ .Content }}", m["content"]) for m in messages) + end


def test_what_is_not_carried_is_said(folder: Path, tmp_path: Path) -> None:
    theirs = shutil.copytree(folder, tmp_path / "asker")
    Decision(ask=5, answer=7, threshold=0.3).write(theirs)
    (theirs / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m.role }}: {{ m.content | trim | upper }}\n{% endfor %}reply:"
    )
    carried = write_gguf(theirs, tmp_path / "m.gguf")
    assert len(carried.notes) == 2 and "chat template" in carried.notes[0] and "threshold" in carried.notes[1]
    assert "TEMPLATE" not in carried.modelfile.read_text()


def changed(folder: Path, to: Path, file: str, **values: Any) -> Path:
    shutil.copytree(folder, to)
    known = json.loads((to / file).read_text())
    for name, value in values.items():
        part = known
        *path, last = name.split("__")
        for step in path:
            part = part[step]
        part[last] = value
    (to / file).write_text(json.dumps(known))
    return to


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("config.json", {"model_type": "mistral"}, "is a mistral model"),
        ("config.json", {"hidden_act": "gelu"}, "activation gelu"),
        (
            "config.json",
            {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}},
            "type dynamic",
        ),
        ("tokenizer.json", {"pre_tokenizer": {"type": "Whitespace"}}, "byte-level BPE"),
        ("tokenizer.json", {"normalizer": {"type": "NFC"}}, "byte-level BPE"),
        ("tokenizer.json", {"model__ignore_merges": True}, "merges unlike"),
    ],
)
def test_what_cannot_be_carried_is_refused(
    folder: Path, tmp_path: Path, file: str, values: dict[str, Any], words: str
) -> None:
    theirs = changed(folder, tmp_path / "m", file, **values)
    with pytest.raises(InputError, match=words):
        write_gguf(theirs, tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists() and not list(tmp_path.glob(".*partial*"))


def test_wrong_places(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "d.gguf").mkdir()
    for source, out, words in (
        (tmp_path, "m.gguf", "no config.json"),
        (tmp_path / "none", "m.gguf", "holds no model"),
        (folder, "model.bin", r"ends in \.gguf"),
        (folder, "d.gguf", "no name for the file"),
    ):
        with pytest.raises(InputError, match=words):
            write_gguf(source, tmp_path / out)
    with pytest.raises(InputError, match="f32, f16"):
        write_gguf(folder, tmp_path / "m.gguf", "q4_0")  # type: ignore[arg-type]
