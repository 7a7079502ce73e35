"""Answer loss with the embedded model: what it should fall for, and that padding and splitting change nothing."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from sml_agents.backends import resolve
from sml_agents.backends.scripted import ScriptedModel
from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.evaluation.answer_loss import _continuation, _reference, answer_loss, losses_of
from sml_agents.roles import ChatStudent, OraclePrimer, OracleTeacher
from sml_agents.tasks import load_tasks
from sml_agents.text.tools import find_calls
from sml_agents.types import Role, StopReason
from sml_agents.verifiers.call import usual_calls
from tests.evaluation.crafted import task, trace

torch = pytest.importorskip("torch", reason="the answer loss needs torch: pip install 'sml-agents[local]'")


@pytest.fixture(scope="module")
def model(embedded_model: Path) -> tuple[Any, Any]:
    from sml_agents.backends import LocalSettings
    from sml_agents.backends.chat_format import ChatFormat
    from sml_agents.backends.loading import load_model

    network, tokenizer = load_model(str(embedded_model), "embedded", LocalSettings())
    return network, ChatFormat(tokenizer, "embedded")


def test_being_told_the_answer_makes_it_likelier(model: tuple[Any, Any]) -> None:
    made = trace("1q+r")
    turns = list(made.turns)
    turns[4] = turns[4].model_copy(update={"text": "She pays 28 dollars. The answer is 28."})
    losses = losses_of(made.model_copy(update={"turns": tuple(turns)}), *model, system="")
    assert len(losses) == 3
    assert all(math.isfinite(loss) and loss > 0 for loss in losses)
    assert losses[2] < losses[1] / 2


def test_batches_and_padding_do_not_change_the_loss(model: tuple[Any, Any]) -> None:
    made = trace("1q+12")
    one = losses_of(made, *model, system="Be brief.", batch_size=1)
    many = losses_of(made, *model, system="Be brief.", batch_size=8)
    assert many == pytest.approx(one, rel=1e-3)


def test_the_loss_is_that_of_the_answer_alone(model: tuple[Any, Any]) -> None:
    """Against a loss worked out token by token from the whole text."""
    network, form = model
    lead, answer = _continuation(form, "28")
    assert form.decode([*lead, *answer]) == "The answer is 28"
    assert "28" in form.decode(answer) and "answer" not in form.decode(answer)
    ids = [*form.encode([{"role": "user", "content": task().prompt}]), *lead, *answer]
    with torch.inference_mode():
        logs = network(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
    expected = -sum(float(logs[at - 1, ids[at]]) for at in range(len(ids) - len(answer), len(ids))) / len(answer)
    assert losses_of(trace(""), network, form, system="") == pytest.approx([expected], rel=1e-4)


def test_means_and_changes_by_turn(embedded_model: Path) -> None:
    failed = trace("1", task("broken"), stop=StopReason.FAILED, error="x")
    traces = [trace("q+r", task("a")), trace("r", task("b")), trace("1q+r", task("c")), failed]
    found = answer_loss(traces, embedded_model, system="", resamples=50)
    assert [metric.n for metric in found.by_turn.values()] == [3, 2, 1]
    assert list(found.change_by_turn) == ["2", "3"]
    assert found.change_by_turn["2"].n == 2
    for metric in found.by_turn.values():
        assert 0 < (metric.low or 0) <= (metric.value or 0) <= (metric.high or 0)


def test_a_history_that_is_too_long_ends_the_measurement(model: tuple[Any, Any]) -> None:
    made = trace("1q+12")
    assert losses_of(made, *model, system="", max_tokens=5) == []
    assert 0 < len(losses_of(made, *model, system="", max_tokens=60)) < 4


def test_the_answer_to_a_request_is_the_call_and_a_value_that_is_told_makes_it_likelier(model: tuple[Any, Any]) -> None:
    network, form = model
    cast = Cast(
        ChatStudent(resolve(ScriptedModel(replies=["I do not know."]))),
        OracleTeacher(),
        DialogueSettings(max_turns=3, q_priming=1.0),
        OraclePrimer(demonstrate=True),
    )
    told, untold = [], []
    for request in load_tasks("requests?form=underspecified&n=3&seed=3&distractors=0&arguments=2"):
        made = asyncio.run(cast.graph().ainvoke({"task": request}))["trace"]
        lead, answer = _reference(form, request)
        assert not lead
        assert find_calls(form.decode(answer)).made == tuple(
            (c.name, c.arguments) for c in usual_calls(request.private)
        )
        losses = losses_of(made, network, form, system=None)
        assert len(losses) == len([turn for turn in made.turns if turn.role is Role.TEACHER])
        silent = [turn.model_copy(update={"text": "As always."}) if turn.reveals else turn for turn in made.turns]
        told.append(losses[-1])
        untold.append(losses_of(made.model_copy(update={"turns": tuple(silent)}), network, form, system=None)[-1])
    assert sum(told) < sum(untold)
