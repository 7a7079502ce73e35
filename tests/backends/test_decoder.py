"""Continuous batching against plain generation, on small models of many kinds with random weights."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from sml_agents.backends.decoder import Decoder, Row, SingleDecoder, _would_say, decoder_for
from sml_agents.backends.kv import PrefixStore
from sml_agents.backends.sampling import Sampler, choose

SMALL: dict[str, Any] = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "initializer_range": 0.6,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen2": {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 2},
    "qwen3": {},
    "mistral": {"sliding_window": 6},
    "gemma2": {"sliding_window": 6, "query_pre_attn_scalar": 8},
    "gemma3_text": {"sliding_window": 6, "query_pre_attn_scalar": 8},
    "phi3": {},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 128},
    "falcon_h1": {"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1},
}


def small_model(kind: str) -> Any:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **{**SMALL, **KINDS[kind]})
    return AutoModelForCausalLM.from_config(config, trust_remote_code=False).eval()


def plainly(model: Any, prompt: list[int], tokens: int) -> list[int]:
    """Greedy generation that computes everything anew for each token."""
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(tokens):
            ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return ids[len(prompt) :]


PROMPTS = [[5, 6, 7], [9] * 17, [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [40, 3], [5, 6, 7, 8, 20, 21]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore")  # falcon_h1 says that its fast kernels are missing
def test_rows_that_come_and_go_generate_what_each_would_alone(kind: str) -> None:
    model = small_model(kind)
    decoder = decoder_for(model, 1 << 20)
    assert isinstance(decoder, SingleDecoder if kind == "falcon_h1" else Decoder)
    rows = [Row(prompt, Sampler(), 0) for prompt in PROMPTS]
    decoder.add(rows[:2])
    decoder.step()
    decoder.add(rows[2:4])
    decoder.step()
    decoder.remove(rows[0])
    decoder.step()
    decoder.add(rows[4:])
    decoder.step()
    for row in rows:
        assert row.ids == plainly(model, row.prompt_ids, len(row.ids))
    assert [len(row.ids) for row in rows] == [3, 5, 4, 4, 2]
    # The next turn of the dialogue that ended: only the new tokens are computed.
    follow = Row([*rows[0].prompt_ids, *rows[0].ids, 30, 31, 32], Sampler(), 0)
    before = getattr(decoder, "computed_tokens", 0)
    decoder.add([follow])
    if isinstance(decoder, Decoder):
        assert decoder.computed_tokens - before == 4
    decoder.step()
    assert follow.ids == plainly(model, follow.prompt_ids, 2)


def test_a_long_prompt_goes_in_several_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model("llama")
    passes: list[int] = []
    model.register_forward_pre_hook(
        lambda module, args, kwargs: passes.append(kwargs["input_ids"].numel()), with_kwargs=True
    )
    monkeypatch.setattr("sml_agents.backends.decoder._TOKENS_AT_ONCE", 16)
    decoder = Decoder(model, 0)
    rows = [Row(list(range(3, 60)), Sampler(), 0), Row(list(range(4, 58)), Sampler(), 0)]
    decoder.add(rows)
    assert max(passes) <= 16
    for row in rows:
        assert row.ids == plainly(model, row.prompt_ids, 1)


def test_samples_of_one_prompt_share_its_states() -> None:
    decoder = Decoder(small_model("llama"), 1 << 20)
    rows = [Row(list(range(3, 50)), Sampler(9.0, seed=seed), 0) for seed in range(8)]
    decoder.add(rows)
    assert decoder.computed_tokens == 47 + 7
    assert len({row.ids[0] for row in rows}) > 1
    off = Decoder(small_model("llama"), 0)
    off.add([Row(row.prompt_ids, Sampler(9.0, seed=seed), 0) for seed, row in enumerate(rows)])
    assert off.computed_tokens == 8 * 47
    assert [row.ids for row in off.rows] == [row.ids for row in rows]


def test_a_row_samples_the_same_whatever_runs_beside_it() -> None:
    def sampled(others: int) -> list[int]:
        decoder = Decoder(small_model("qwen2"), 1 << 20)
        row = Row([5, 6, 7], Sampler(0.9, 0.8, seed=7), 0)
        decoder.add([*[Row([9] * (n + 1), Sampler(1.5, seed=n), 0) for n in range(others)], row])
        for _ in range(10):
            decoder.step()
        return row.ids

    assert sampled(0) == sampled(1) == sampled(5)


def test_frequencies_follow_temperature_and_nucleus() -> None:
    logits_V = torch.tensor([2.0, 1.0, 0.0, -1.0])
    trials = 4000

    def shares(temperature: float, top_p: float) -> list[float]:
        samplers = [Sampler(temperature, top_p, seed=seed) for seed in range(trials)]
        tokens = choose(logits_V.expand(trials, -1), samplers)
        return [tokens.count(token) / trials for token in range(4)]

    expected = torch.softmax(logits_V / 0.5, -1).tolist()
    assert shares(0.5, 1.0) == pytest.approx(expected, abs=0.03)
    assert shares(0.0, 1.0) == [1, 0, 0, 0]
    # The two likeliest hold 0.64 + 0.24 = 0.88 of the probability.
    first, second, *rest = shares(1.0, 0.85)
    assert rest == [0, 0]
    assert first == pytest.approx(0.731, abs=0.03)
    assert second > 0
    assert shares(1.0, 0.5) == [1, 0, 0, 0]


def test_a_nucleus_wider_than_the_usual_search() -> None:
    flat_V = torch.zeros(5000)
    tokens = choose(flat_V.expand(300, -1), [Sampler(1.0, 0.99, seed=seed) for seed in range(300)])
    assert len(set(tokens)) > 250


def test_settings_may_differ_within_a_batch() -> None:
    logits_BV = torch.tensor([[0.0, 3.0, 0.0]] * 3)
    tokens = [
        choose(logits_BV, [Sampler(), Sampler(50.0, seed=seed), Sampler(50.0, 0.1, seed=seed)]) for seed in range(60)
    ]
    assert {token[0] for token in tokens} == {token[2] for token in tokens} == {1}
    assert {token[1] for token in tokens} == {0, 1, 2}


def states_of(size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(torch.zeros(1, size, 2), torch.zeros(1, size, 2))]


def test_the_prefix_store_finds_the_longest_and_forgets_the_oldest() -> None:
    store = PrefixStore(limit_bytes=3 * 4 * 16)
    assert store.longest([1, 2]) == (None, 0)
    store.put([1, 2, 3, 4], states_of(4))
    store.put([1, 2, 9, 9], states_of(4))
    assert store.longest([1, 2, 3, 8])[1] == 3
    assert store.longest([1, 2, 9, 9])[1] == 3, "the last token must be computed again: its logits are wanted"
    assert store.longest([7])[1] == 0
    store.put([5, 5, 5, 5], states_of(4))
    store.longest([1, 2, 3, 4, 5])
    store.put([6, 6, 6, 6], states_of(4))
    assert not store.has([1, 2, 9, 9])
    assert store.has([1, 2, 3, 4])
    assert store.bytes <= store.limit
    store.put([8] * 100, states_of(100))
    assert len(store) == 3, "what cannot fit pushes nothing out"


def test_a_longer_conversation_replaces_what_it_extends() -> None:
    store = PrefixStore(1 << 20)
    store.put([1, 2], states_of(2))
    store.put([1, 2, 3], states_of(3))
    assert len(store) == 1
    assert store.bytes == 3 * 16


@pytest.mark.parametrize(
    ("dtype", "said", "agrees"),
    [
        (torch.bfloat16, [0, 0], True),
        (torch.bfloat16, [1, 0], True),  # a step of bfloat16 below
        (torch.bfloat16, [0, 2], False),
        (torch.bfloat16, [], False),
        (torch.float32, [1], False),
    ],
)
def test_what_is_likeliest_but_for_rounding_is_no_disagreement(dtype: Any, said: list[int], agrees: bool) -> None:
    class Model:
        device = "cpu"

        def __call__(self, input_ids: Any, use_cache: bool) -> Any:
            return SimpleNamespace(logits=torch.tensor([[[35.0, 34.75, 34.0]] * input_ids.shape[1]], dtype=dtype))

    assert _would_say(Model(), [3, 5], said) == agrees
