"""What ends a turn in training ends generation, and what the template was told in training holds in use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.backends import resolve
from sml_agents.backends.chat_format import ChatFormat, bake
from sml_agents.errors import BackendSpecError, InputError
from sml_agents.training import SFTSettings, train_sft
from tests.training.conftest import dialogue_row
from tests.training.templates import FOLDER, template_named, tiny

ROWS = [dialogue_row(number) for number in range(2, 6)]
TURN = [{"role": "user", "content": "How much?"}]


def config_of(folder: Path) -> Any:
    return json.loads((folder / "generation_config.json").read_text(encoding="utf-8"))


@pytest.fixture
def base_model(tiny_model: Path, tmp_path: Path) -> Path:
    """As base models are: the end of a text is the only token at which it stops."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.eos_token = "<|endoftext|>"
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    model.config.eos_token_id = model.generation_config.eos_token_id = tokenizer.eos_token_id
    for part in (tokenizer, model):
        part.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.mark.parametrize("lora", [{}, {"method": "lora", "lora": {"r": 2, "merge": False}}])
def test_a_base_model_learns_where_to_stop(base_model: Path, tmp_path: Path, lora: dict[str, Any]) -> None:
    from transformers import AutoTokenizer

    settings = SFTSettings(model=str(base_model), max_steps=1, batch_size=2, **lora)
    result = train_sft(ROWS, settings, tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(result.path)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert end in config_of(result.path)["eos_token_id"]
    assert tokenizer.convert_tokens_to_ids("<|endoftext|>") in config_of(result.path)["eos_token_id"]
    assert result.notes["ends_generation"] == ["<|im_end|>"]

    from sml_agents.backends.loading import load_model
    from sml_agents.backends.settings import LocalSettings

    model, _ = load_model(str(result.path), "m", LocalSettings(device="cpu"))
    assert end in model.generation_config.eos_token_id


def test_a_name_that_the_template_never_reads_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    settings = SFTSettings(model=str(tiny_model), max_steps=1, template_kwargs={"enable_thinkin": False})
    with pytest.raises(InputError, match="never reads 'enable_thinkin'"):
        train_sft(ROWS, settings, tmp_path / "out")


@pytest.mark.parametrize("value", [False, True, None, 3, 'it\'s "so" %} {{ x }}', ["a", {"b": 1}]])
def test_baked_names_say_what_they_would_when_given(value: Any) -> None:
    template = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}[{{ wish | tojson }}]"
    tokenizer = tiny(template)
    given = tokenizer.apply_chat_template(TURN, tokenize=False, wish=value)
    bake(tokenizer, {"wish": value})
    assert tokenizer.apply_chat_template(TURN, tokenize=False) == given
    bake(tokenizer, {"wish": "other"})
    assert tokenizer.apply_chat_template(TURN, tokenize=False).endswith('["other"]')
    assert tokenizer.chat_template.count("set wish") == 1


@pytest.mark.parametrize("name", ["qwen3", "qwen3_5_think", "glm4moe", "nemotron_3_nano", "smollm3", "gemma4_v5"])
def test_a_switch_reaches_the_prompt(name: str) -> None:
    switched, plain = tiny(template_named(name)), tiny(template_named(name))
    wanted = plain.apply_chat_template(TURN, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    bake(switched, {"enable_thinking": False})
    assert switched.decode(ChatFormat(switched, name).encode(TURN)) == wanted


def test_a_backend_takes_template_kwargs(tiny_model: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = (FOLDER / "qwen3_thinking.jinja").read_text(encoding="utf-8")
    AutoModelForCausalLM.from_pretrained(tiny_model).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    prompts = {}
    for said in ("", '&template_kwargs={"enable_thinking":false}'):
        model = resolve(f"transformers:{tmp_path}?max_tokens=1{said}")
        prompts[said] = tokenizer.decode(model.invoke("How much?").response_metadata["prompt_ids"])
    plain, switched = prompts.values()
    assert switched == plain + "<think>\n\n</think>\n\n"
    assert model.describe()["template_kwargs"] == {"enable_thinking": False}  # type: ignore[attr-defined]
    with pytest.raises(BackendSpecError, match="never reads 'thinking_mode'"):
        resolve(f"transformers:{tmp_path}", template_kwargs={"thinking_mode": 1}).invoke("a")
    with pytest.raises(BackendSpecError, match="no JSON object"):
        resolve(f"transformers:{tmp_path}?template_kwargs=off")
