"""The demo, small: every step on a tiny model, and a second call that finds everything done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sml_agents.backends.decision import Decision
from sml_agents.data.nouns import TrainingRow
from sml_agents.data.rows import whole_pairs
from sml_agents.demo.arithmetic import DemoSettings, _hold, _primer, _rows, run_demo
from sml_agents.roles import GuessingStudent
from sml_agents.roles.inventory import _numbers
from sml_agents.traces import TraceStore
from sml_agents.training import DialogueRenderer
from sml_agents.training.tokens.rows import tokenize_rows
from sml_agents.training.trainers.sft import LengthGroupedSampler
from sml_agents.types import Act, Role
from tests.models import small_model

EASY = "arithmetic?form=paired&steps=1&largest=20"
SMALL = DemoSettings(
    demonstrated=(f"{EASY}&split=train&n=8&seed=12",),
    guessed=(f"{EASY}&split=train&n=4&seed=14",),
    dev=(f"{EASY}&split=dev&n=4&seed=16",),
    measured=(f"{EASY}&split=heldout&n=2&seed=101",),
    max_turns=2,
    max_tokens=16,
    budget_tokens=1500,
)


@pytest.mark.slow
def test_the_closed_loop(embedded_model: Path, tmp_path: Path) -> None:
    tiny = small_model(embedded_model, tmp_path / "tiny")
    settings = SMALL.model_copy(update={"model": f"transformers:{tiny}"})
    summary = run_demo(tmp_path, settings=settings)
    assert list(summary["students"]) == ["base", "trained"], "what is compared with comes first"
    assert all(student["n"] == 4 and not student["failed"] for student in summary["students"].values())
    assert set(summary["baselines"]) == {
        *("always ask", "never ask", "surface features", "reads nothing", "repeats the prompt")
    }
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "trained" / "model.safetensors").stat().st_size > 1_000_000
    decision = Decision.read(tmp_path / "trained")
    assert decision is not None and decision.chosen_on == settings.dev
    read = json.loads((tmp_path / "first_token.json").read_text())
    assert set(read["students"]["trained"]["lines"]) == {"greedy", "class mass", "threshold"}
    assert read["students"]["trained"]["auc"]["value"] is not None
    record = json.loads((tmp_path / "trained" / "training.json").read_text())
    assert record["steps"] == record["planned_steps"] and record["settings"]["max_seconds"] is None

    trained = (tmp_path / "trained" / "training.json").stat().st_mtime_ns
    again = run_demo(tmp_path, settings=settings)
    assert (tmp_path / "trained" / "training.json").stat().st_mtime_ns == trained
    assert again["students"] == summary["students"] and again["first_token"] == summary["first_token"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Dialogues as the demo makes them, larger."""
    folder = tmp_path_factory.mktemp("dialogues")
    settings = DemoSettings()
    paths = [folder / "demonstrated.sqlite", folder / "guessed.sqlite"]
    specs = (f"{EASY}&split=train&n=40&seed=12", "lists?form=paired&split=train&n=10&seed=12")
    for path, latest in zip(paths, (0, 2), strict=True):
        _hold(path, GuessingStudent(questions=0.3), specs, _primer(settings, latest), settings)
    yield paths


def demonstrated(stores: list[Path]) -> list[TrainingRow]:
    return _rows(stores[0], DemoSettings(), last_turn=1)


def guessed(stores: list[Path]) -> list[TrainingRow]:
    return _rows(stores[1], DemoSettings())


def test_every_problem_is_trained_in_both_forms(stores: list[Path]) -> None:
    rows = demonstrated(stores)
    assert len(rows) == 100
    kinds: dict[str, list[bool | None]] = {}
    for row in rows:
        kinds.setdefault(row.pair, []).append(row.missing)
    assert all(sorted(map(bool, found)) == [False, True] for found in kinds.values())


def test_the_batches_hold_both_forms_of_a_problem(stores: list[Path], embedded_model: Path) -> None:
    """What the trainer will see: both forms in one batch, and no batch of questions or answers alone."""
    from transformers import AutoTokenizer

    settings = DemoSettings()
    rows = demonstrated(stores)
    made, _ = tokenize_rows(rows, DialogueRenderer(AutoTokenizer.from_pretrained(embedded_model)), max_length=2000)
    order = list(
        LengthGroupedSampler(
            [len(row.input_ids) for row in made], settings.batch_size, settings.seed, [row.pair for row in made]
        )
    )
    batches = [order[at : at + settings.batch_size] for at in range(0, len(order), settings.batch_size)]
    whole = [batch for batch in batches if len(batch) == settings.batch_size]
    assert all({rows[place].missing for place in batch} == {True, False} for batch in whole)
    at = {place: number for number, batch in enumerate(batches) for place in batch}
    torn = {row.pair for place, row in enumerate(rows) if at[place] != at[pair_of(rows, place)]}
    assert len(torn) <= 0.05 * len({row.pair for row in rows})


def pair_of(rows: list[TrainingRow], place: int) -> int:
    return next(other for other, row in enumerate(rows) if row.pair == rows[place].pair and other != place)


def test_turns_after_a_turn_in_vain_are_trained(stores: list[Path]) -> None:
    after: set[Act] = set()
    with TraceStore.open(stores[1], read_only=True) as store:
        for trace in store.traces():
            turns = [turn for turn in trace.turns if turn.role is Role.STUDENT]
            for turn, following in pairwise(turns):
                if not turn.primed and following.primed and turn.act is not None:
                    after.add(turn.act)
    assert {Act.CLARIFICATION, Act.ANSWER_ATTEMPT} <= after
    contexts = [[message for message in row.messages if message.role == "assistant"] for row in guessed(stores)]
    assert any(not first.trainable and last.trainable for first, *_, last in (own for own in contexts if len(own) > 1))


def test_every_trained_turn_opens_by_its_kind(stores: list[Path]) -> None:
    for row in [*demonstrated(stores), *guessed(stores)]:
        first, *_ = [message for message in row.messages if message.role == "assistant"]
        trained = [message.content for message in row.messages if message.trainable]
        assert all(text.startswith(("Question. ", "Answer. ")) for text in trained), trained
        if first.trainable:
            assert first.content.startswith("Question. ") is row.missing


def test_numbers_are_gone_through_before_the_decision(stores: list[Path]) -> None:
    """As a private thought that stands in no history, and tells nothing that has not been told."""
    for row in [*demonstrated(stores), *guessed(stores)]:
        told = ""
        for message in row.messages:
            if message.role == "user":
                told += f" {message.content}"
            elif message.trainable and " = " in row.messages[-1].content:
                found = re.fullmatch(r"<think>\n(.+ (?:yes|no))\n([\d ?]+)\n</think>\n\n", message.thought)
                assert found and ("?" in found[2]) == message.content.startswith("Question. "), message
                needed = re.findall(r"(\S+)(?: [^\d,]+)? yes\b", found[1])
                assert found[2].removesuffix("?").split() == list(dict.fromkeys(needed)), message
                numbers = {int(one) for one in re.findall(r"(?<![\w.])\d+", found[1])}
                assert numbers <= {int(value) for _, _, value in _numbers(told)}
            assert "<think>" not in message.content


def test_problems_that_lost_a_form_are_left_out() -> None:
    rows = [
        TrainingRow((), "a", True, pair="1"),
        TrainingRow((), "b", False, pair="1"),
        TrainingRow((), "c", True, pair="2"),
    ]
    assert [row.id for row in whole_pairs(rows)] == ["a", "b"]
