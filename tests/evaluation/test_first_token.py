"""The decision read off the first token, on a small model with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from sml_agents.backends import resolve
from sml_agents.backends.decision import Decision
from sml_agents.backends.local import TransformersChatModel
from sml_agents.errors import InputError
from sml_agents.evaluation.first_token import FirstTokens, apart, choose_decision, first_token
from sml_agents.evaluation.table import first_token_table
from sml_agents.tasks import load_tasks
from sml_agents.testing import ScriptedModel
from tests.models import small_model

SPEC = "arithmetic?form=paired&split=heldout&steps=1&largest=20&n=10"
DEV = ("arithmetic?form=paired&split=dev&n=6",)


@pytest.fixture(scope="module")
def model(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(embedded_model, tmp_path_factory.mktemp("random-model"), num_key_value_heads=2)


@pytest.fixture(scope="module")
def read(model: Path) -> FirstTokens:
    decision, reached = choose_decision(resolve(f"transformers:{model}"), DEV, ask="Question", answer="Answer")
    assert reached is not None and 0 <= reached <= 1 and decision.chosen_on == DEV
    decision.write(model)
    return first_token({"random": f"transformers:{model}"}, [SPEC], resamples=50)


def test_three_lines_and_the_curve_stand_side_by_side(read: FirstTokens) -> None:
    found = read.students["random"]
    assert list(found.lines) == ["greedy", "class mass", "threshold"] and found.n == 20
    assert found.threshold is not None and found.mass is not None and 0 <= found.mass <= 1
    asks = [asks for _, asks, _ in found.curve]
    assert asks == sorted(asks, reverse=True) and len(asks) == 19
    for line in found.lines.values():
        gap, one, other = line.asking_gap.value, line.asks_when_needed.value, line.needless_questions.value
        assert gap is not None and one is not None and other is not None and gap == pytest.approx(one - other)
    assert set(found.groups) == {"digits", "words"}


def test_the_surface_classifier_stands_beside(read: FirstTokens) -> None:
    surface = read.baselines["surface features"]
    assert surface.auc.value is not None and 0.3 <= surface.auc.value <= 0.7 and surface.auc.n == 20
    assert first_token_table(read).row_count == 4


def test_the_stored_threshold_is_where_the_model_decides(model: Path, read: FirstTokens) -> None:
    """The share of asking at the line is that of the model's own first tokens between the two openings."""
    backend = resolve(f"transformers:{model}")
    assert isinstance(backend, TransformersChatModel)
    decision = backend.decision
    assert decision is not None and read.students["random"].threshold == decision.threshold
    assert Decision.read(model) == decision


def test_a_model_in_training_is_measured_and_left_in_training(model: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    live, tokenizer = AutoModelForCausalLM.from_pretrained(model).train(), AutoTokenizer.from_pretrained(model)
    reached = apart(live, tokenizer, load_tasks(SPEC), ask="Question", answer="Answer")
    assert 0 <= reached <= 1 and live.training


def test_what_cannot_be_read_is_refused(model: Path) -> None:
    with pytest.raises(InputError, match="form=paired"):
        first_token({"one": f"transformers:{model}"}, ["arithmetic?form=full&n=2"])
    with pytest.raises(InputError, match="embedded: and transformers: models only"):
        first_token({"one": ScriptedModel(replies=["hello"])}, [SPEC])
    with pytest.raises(InputError, match=r"is \d+ tokens of this model"):
        choose_decision(resolve(f"transformers:{model}"), DEV, ask="Unanswerable", answer="Answer")
