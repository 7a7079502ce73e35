"""What a copy in bfloat16 samples is weighed by how likely it was there, and not at all where nothing was rounded."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from sml_agents.backends.engine import Job
from sml_agents.backends.sampling import Sampler, choose
from sml_agents.backends.settings import LocalSettings
from sml_agents.traces import TraceStore
from sml_agents.training import GRPOSettings, train_grpo
from sml_agents.training.online.policy import PolicyEngine, _rounded
from sml_agents.training.trainers.batches import importance_weights


@pytest.mark.parametrize(
    ("now", "then", "cap", "wanted"),
    [
        (0.5, 0.5, 2.0, 1.0),
        (0.5, 0.25, 3.0, 2.0),
        (0.9, 0.1, 2.0, 2.0),
        (0.1, 0.4, 2.0, 0.25),
        (0.3, math.nan, 2.0, 1.0),
    ],
)
def test_weights_by_hand(now: float, then: float, cap: float, wanted: float) -> None:
    logprobs_BT, sampled_BT = torch.tensor([[now, 0.5]]).log(), torch.tensor([[then, 0.01]]).log()
    weights_BT = importance_weights(logprobs_BT, sampled_BT, torch.tensor([[1, 0]]), cap)
    assert weights_BT[0].tolist() == pytest.approx([wanted, 1.0]), "a token of the teacher's has no weight"


def test_the_gradient_is_the_one_by_hand() -> None:
    """Of two tokens of one dialogue: d/dx of -(w A log p), and w itself gets none."""
    logits_V = torch.tensor([0.3, -0.2, 0.1], requires_grad=True)
    then = torch.tensor([[0.2, 0.5]]).log()
    logprobs_BT = logits_V.log_softmax(0)[[0, 2]][None]
    weights_BT = importance_weights(logprobs_BT, then, torch.ones(1, 2), 2.0)
    (-(weights_BT * 0.7 * logprobs_BT).sum()).backward()
    probs = torch.tensor([0.3, -0.2, 0.1]).softmax(0)
    weights = [min(2.0, float(probs[0]) / 0.2), min(2.0, float(probs[2]) / 0.5)]
    wanted = sum(-0.7 * w * (torch.eye(3)[at] - probs) for w, at in zip(weights, (0, 2), strict=True))
    assert torch.allclose(logits_V.grad, wanted, atol=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("top_p", [1.0, 0.6])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_sampler_tells_the_probability_it_drew_with(temperature: float, top_p: float) -> None:
    logits_V = torch.tensor([2.0, 1.0, 0.0, -1.0])
    samplers = [Sampler(temperature, top_p, seed, logprobs=[]) for seed in range(400)]
    tokens = choose(logits_V.expand(400, -1), [*samplers[:-1], Sampler(temperature, top_p, 399)])
    probs = (logits_V / temperature).softmax(0)
    before = probs.cumsum(0) - probs
    kept = probs * (before < top_p)
    wanted = (kept / kept.sum()).log()
    for sampler, token in zip(samplers[:-1], tokens, strict=False):
        assert sampler.logprobs == pytest.approx([float(wanted[token])])
    assert samplers[-1].logprobs == []


def test_what_the_engine_tells_is_what_the_trainer_computes(tiny_model: Path) -> None:
    """In fp32 every weight is 1."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for bf16 in (False, True):
        engine = PolicyEngine(model, tokenizer, LocalSettings(batch_size=8), bf16=bf16, logprobs=True)
        jobs = [
            Job([{"role": "user", "content": f"Say {n}."}], max_tokens=6, temperature=1.0, seed=n) for n in range(6)
        ]
        worst = 0.0
        for told in [future.result(60) for future in map(engine.submit, jobs)]:
            assert told.logprobs is not None and len(told.logprobs) == len(told.ids)
            with torch.no_grad():
                logits_TV = model(torch.tensor([[*told.prompt_ids, *told.ids]])).logits[0].log_softmax(-1)
            now = logits_TV[len(told.prompt_ids) - 1 : -1].gather(-1, torch.tensor(told.ids)[:, None])[:, 0]
            weights = importance_weights(now[None], torch.tensor([told.logprobs]), torch.ones(1, len(told.ids)), 2.0)
            worst = max(worst, float((weights - 1).abs().max()))
        engine.stop()
        assert worst < 1e-4 if not bf16 else 1e-4 < worst < 0.2


def test_a_copy_in_bf16_rounds_the_weights_and_no_angle(tiny_model: Path) -> None:
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
    own = _rounded(model)
    assert {one.dtype for one in own.parameters()} == {torch.bfloat16}
    assert {one.dtype for one in model.parameters()} == {torch.float32}
    angles = dict(model.named_buffers())
    assert angles and all(torch.equal(one, angles[name]) for name, one in own.named_buffers())


def test_training_in_bf16_weighs_and_in_fp32_does_not(guesser: Path, problems: str, tmp_path: Path) -> None:
    for precision, cap in (("bf16", 2.0), ("bf16", None), ("fp32", 2.0)):
        out = tmp_path / f"{precision}-{cap}"
        given: dict[str, Any] = {"max_turns": 2, "max_tokens": 8, "group": 8, "batch_size": 8, "max_steps": 1}
        settings = GRPOSettings(
            model=str(guesser), tasks=(problems,), precision=precision, importance_cap=cap, device="cpu", **given
        )
        result = train_grpo(settings, out)
        weighed = [point["importance"] for point in result.curve if "importance" in point]
        with TraceStore.open(out / "dialogues.sqlite") as store:
            calls = [turn.call for trace in store.traces() for turn in trace.student_turns if turn.call]
        if precision == "bf16" and cap:
            assert weighed and all(0.9 < weight < 1.1 for weight in weighed)
            assert all(call.logprobs and len(call.logprobs) == len(call.completion_ids or ()) for call in calls)
        else:
            assert not weighed and all(call.logprobs is None for call in calls)
        assert json.loads((out / "training.json").read_text())["settings"]["importance_cap"] == cap
