"""Chat templates of public reports: what others trained wrongly, and what is trained here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sml_agents.data.nouns import Message, TrainingRow
from sml_agents.text.thinking import split_thought
from sml_agents.training.tokens.rows import tokenize_rows
from tests.training.test_template_matrix import ROWS, TALK, TOOLS, parts, renderer_of

RAW = "It is plain.\n</think>\n\nThe answer is 12."
"""A model's own answer where the prompt opened the reasoning."""


@pytest.mark.parametrize("name", ["qwen3_5_think", "qwen3", "deepseek_r1_distill", "glm4moe", "nemotron_3_nano"])
def test_trl_6361_a_reasoning_is_opened_once(name: str) -> None:
    """huggingface/trl#6361: an empty reasoning, then the real one, then a closing mark of nothing."""
    renderer = renderer_of(name, "")
    thought, words = split_thought(RAW)
    answer = Message("assistant", words, thought=thought, trainable=True)
    ((prompt, trained),) = [
        parts(one)
        for one in tokenize_rows([TrainingRow((TALK[1], answer))], renderer, max_length=9_000, rows_as="turn")[0]
    ]
    whole = renderer.tokenizer.decode([*prompt, *trained])
    assert whole.count("</think>") == 1 and whole.count("<think>") == 1
    assert whole.index("<think>") < whole.index("It is plain.") < whole.index("</think>") < whole.index("The answer is")


@pytest.mark.parametrize("name", ["qwen3", "qwen3_5_think", "chatml", "glm4moe", "llama3"])
def test_prime_rl_2492_what_opens_a_turn_is_no_target(name: str) -> None:
    """PrimeIntellect-ai/prime-rl#2492: tokens that the template writes before each answer were trained."""
    renderer = renderer_of(name, "")
    made, _ = tokenize_rows([ROWS["talk"]], renderer, max_length=100_000)
    for one in made:
        text = renderer.tokenizer.decode([label for label in one.labels if label >= 0])
        assert "assistant" not in text and ("What is the price?" in text or "The answer is 12." in text)
        assert not text.lstrip().startswith("<|im_start|>")


@pytest.mark.parametrize("name", ["qwen3", "qwen3_5_think", "glm4moe"])
@pytest.mark.parametrize("system", [True, False])
def test_prime_rl_2470_no_turn_of_a_longer_dialogue_is_dropped(name: str, system: bool) -> None:
    """PrimeIntellect-ai/prime-rl#2470 and #1334: templates that write a turn otherwise once another one follows."""
    talk = TALK if system else TALK[1:]
    _, counts = tokenize_rows([TrainingRow(talk)], renderer_of(name, ""), max_length=100_000)
    assert counts.trained_turns == 2


@pytest.mark.parametrize("name", ["glm4moe", "qwen3", "gptoss"])
def test_prime_rl_2644_the_end_of_a_turn_of_calls_is_trained(name: str) -> None:
    """PrimeIntellect-ai/prime-rl#2644: in GLM's template the token at which a call ends belongs to the tool's message;
    masked, it was never learned, and models went on calling."""
    renderer = renderer_of(name, "")
    several = replace(ROWS["tools"], messages=TOOLS)
    made, _ = tokenize_rows([several], renderer, max_length=100_000, rows_as="turn")
    text = renderer.tokenizer.decode(parts(made[0])[1])
    assert "book" in text and text.endswith(renderer.stops), text[-60:]
