"""The decision between asking and answering: one token, and a threshold that is stored with the model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from sml_agents.backends import resolve
from sml_agents.backends.decision import DECISION, Decision
from sml_agents.backends.first_token import openings_of
from sml_agents.backends.local import TransformersChatModel
from sml_agents.errors import BackendSpecError
from tests.models import small_model

PROMPT = [("user", "Tom buys 3 pens. How much does he pay?")]


@pytest.fixture(scope="module")
def folder(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model whose random weights are large enough for it to say another token at each place."""
    shape = {"hidden_size": 64, "tie_word_embeddings": False, "initializer_range": 0.2}
    return small_model(embedded_model, tmp_path_factory.mktemp("model"), **shape)


def first_tokens(spec: str, conversation: list[tuple[str, str]] = PROMPT) -> int:
    reply = resolve(spec, temperature=0, max_tokens=2).invoke(conversation)
    return int(reply.response_metadata["completion_ids"][0])


def test_the_threshold_decides_the_first_token_of_a_first_turn(folder: Path) -> None:
    spec = f"transformers:{folder}"
    usual = first_tokens(spec)
    rival = usual + 1
    Decision(ask=rival, answer=usual, threshold=1e-12).write(folder)
    assert first_tokens(spec) == rival
    assert first_tokens(f"{spec}?decision=greedy") == usual
    later = [*PROMPT, ("assistant", "What does a pen cost?"), ("user", "A pen costs 2 dollars.")]
    assert first_tokens(spec, later) == first_tokens(f"{spec}?decision=greedy", later)
    Decision(ask=usual, answer=rival, threshold=1 - 1e-12).write(folder)
    assert first_tokens(spec) != usual
    (folder / DECISION).unlink()
    assert first_tokens(spec) == usual


def test_after_a_thought_the_threshold_decides_where_the_words_open(folder: Path) -> None:
    """What comes before either opening stays as it is, and the decision is read at the same place."""
    backend = resolve(f"transformers:{folder}", temperature=0, max_tokens=6)
    said = list(backend.invoke(PROMPT).response_metadata["completion_ids"])
    at = next(at for at, token in enumerate(said) if at > 1 and token not in said[:at])
    rival = max(said) + 1
    Decision(ask=rival, answer=said[at], threshold=1e-12).write(folder)
    decided = resolve(f"transformers:{folder}", temperature=0, max_tokens=6)
    assert isinstance(decided, TransformersChatModel)
    assert list(decided.invoke(PROMPT).response_metadata["completion_ids"][: at + 1]) == [*said[:at], rival]
    [opening], kinds = openings_of(decided, [[HumanMessage(PROMPT[0][1])]])
    assert kinds == ((rival,), (said[at],)) and opening.likeliest == said[at]
    assert opening.answer > opening.ask and opening.share < 0.5
    (folder / DECISION).unlink()


def test_the_kind_is_decided_at_any_temperature_and_the_rest_is_sampled(folder: Path) -> None:
    later = [*PROMPT, ("assistant", "What does a pen cost?"), ("user", "A pen costs 2 dollars.")]
    for conversation in (PROMPT, later):
        usual = first_tokens(f"transformers:{folder}", conversation)
        rival = usual + 1
        Decision(ask=rival, answer=usual, threshold=1e-12).write(folder)
        model = resolve(f"transformers:{folder}", temperature=2, max_tokens=4)
        said = [model.invoke(conversation, seed=seed).response_metadata["completion_ids"] for seed in range(6)]
        (folder / DECISION).unlink()
        # A first turn is on the threshold's side of the line, a later one of the likelier kind.
        assert {ids[0] for ids in said} == {rival if conversation is PROMPT else usual}
        assert len({tuple(ids) for ids in said}) > 3
        free = resolve(f"transformers:{folder}", temperature=2, max_tokens=2)
        drawn = [free.invoke(conversation, seed=seed).response_metadata["completion_ids"] for seed in range(6)]
        assert len({ids[0] for ids in drawn}) > 1


def test_one_half_changes_nothing_and_higher_asks_less() -> None:
    even, strict = (Decision(ask=5, answer=6, threshold=value).bias[5] for value in (0.5, 0.9))
    assert even == 0 and strict == pytest.approx(-2.197, abs=1e-3)


def test_it_is_part_of_what_a_run_records(folder: Path) -> None:
    Decision(ask=5, answer=6, threshold=0.7).write(folder)
    assert resolve(f"transformers:{folder}").describe()["threshold"] == 0.7
    assert "threshold" not in resolve(f"transformers:{folder}?decision=greedy").describe()


@pytest.mark.parametrize(
    "text", ["", "{}", '{"ask": 1, "answer": 2}', '{"ask": 1, "answer": 2, "threshold": 1.0}', "[1]", "\x00"]
)
def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / DECISION).write_text(text)
    with pytest.raises(BackendSpecError, match=r"holds no decision .*choose it anew, or delete the file"):
        Decision.read(tmp_path)


def test_it_is_kept_as_it_was_written(tmp_path: Path) -> None:
    assert Decision.read(tmp_path) is None
    kept = Decision(ask=17872, answer=21350, threshold=0.61, chosen_on=("arithmetic?split=dev",))
    kept.write(tmp_path)
    assert Decision.read(tmp_path) == kept and json.loads((tmp_path / DECISION).read_text())["threshold"] == 0.61
