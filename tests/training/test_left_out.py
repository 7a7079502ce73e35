"""Every dialogue that a run reads becomes a row, or stands with the reason why not, in the words of an export."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sml_agents.cli import main
from sml_agents.data.export import export
from sml_agents.data.nouns import LeftOut
from sml_agents.data.selection import TraceFilter
from sml_agents.traces import TraceStore
from sml_agents.training import TrainingRow, balanced, load_run, preview_run, train_run
from sml_agents.training.distill import hindsights
from sml_agents.training.tokens.nouns import DataCounts
from sml_agents.types import Form, StopReason, Trace
from tests.training.test_rows import AGAIN, TELLS, ask, attempt, teacher, trace

FULL = Form.FULL
LONG = "x y z " * 300


def lesson(one: Trace, *, split: str = "train", accepted: bool | None = True) -> Trace:
    tags = {"moment": {"kind": "asked"}}
    task = one.task.model_copy(update={"split": split})
    return one.model_copy(update={"task": task, "tags": tags, "solved": accepted})


def dialogues() -> list[Trace]:
    """Nine of which something was missing, seven whole ones, and of each reason one."""
    asked = [trace(ask(), TELLS, attempt(True), id=f"asked{k}", pair=f"p{k}") for k in range(9)]
    whole = [trace(attempt(True), id=f"whole{k}", form=FULL, pair=f"p{k}") for k in range(7)]
    return [
        *asked,
        *whole,
        trace(teacher(LONG), attempt(True), id="long", form=FULL),
        trace(attempt(False), id="wrong", form=FULL),
        trace(ask(), TELLS, attempt(True), id="failed").model_copy(update={"stop": StopReason.FAILED}),
        lesson(trace(attempt(True), id="open", form=FULL), accepted=None),
        lesson(trace(attempt(True), id="kept", form=FULL), split="heldout"),
    ]


REFUSED = {
    "not solved": 1,
    "failed": 1,
    "not accepted in a review": 1,
    "held out to measure on (split: heldout)": 1,
}


def stored(folder: Path, traces: Iterable[Trace]) -> Path:
    folder.mkdir(exist_ok=True)
    with TraceStore.open(path := folder / "talks.sqlite") as store:
        for one in traces:
            store.add(one)
    return path


@pytest.fixture
def config(tmp_path: Path, tiny_model: Path) -> Path:
    store = stored(tmp_path, dialogues())
    path = tmp_path / "run.yaml"
    path.write_text(
        f"stores: {store}\nout: {tmp_path / 'model'}\nselect: q_primed\nsystem: ''\n"
        f"sft: {{model: {tiny_model}, batch_size: 32, max_length: 200, too_long: drop, max_steps: 1}}\n"
    )
    return path


def accounted(data: DataCounts) -> int:
    return data.rows + data.set_aside + sum(data.all_left_out.values())


def test_every_dialogue_of_a_dry_run_is_accounted_for(config: Path, tmp_path: Path) -> None:
    """Of 17 that the selection takes 16 are of both kinds alike, and the one that is too long is one of these."""
    data = preview_run(load_run(config)).data
    assert data.dialogues == len(dialogues()) == accounted(data)
    more = {"with something missing, more than missing: 0.5 takes": 1}
    assert data.left_out == {**REFUSED, **more} and data.too_long == 1
    assert data.rows == 15
    written = export(dialogues(), "trl", tmp_path / "rows.jsonl", TraceFilter(solved=True))
    assert written.left_out.items() <= data.left_out.items()


def test_a_lesson_that_is_held_out_is_called_so_also_where_a_split_is_named() -> None:
    held = lesson(trace(attempt(True), form=FULL), split="heldout")
    for filters in (TraceFilter(), TraceFilter(splits=("train",))):
        assert filters.take(held) == "held out to measure on (split: heldout)"
    assert not isinstance(TraceFilter(splits=("train", "heldout")).take(held), str)
    assert TraceFilter(splits=("train",)).take(held.model_copy(update={"tags": {}})) == "other split"


def test_rows_beyond_the_limit_and_rows_set_aside_are_counted(config: Path) -> None:
    limited = preview_run(load_run(config, {"limit": 8})).data
    assert limited.left_out["more than limit: 8 takes"] == 8
    assert limited.dialogues == accounted(limited)
    as_they_are = preview_run(load_run(config, {"missing": None, "limit": 5, "eval_share": 0.4})).data
    assert as_they_are.left_out["more than limit: 5 takes"] == 12
    assert as_they_are.rows + as_they_are.set_aside == 5 and as_they_are.set_aside
    assert as_they_are.dialogues == accounted(as_they_are)


def test_a_dry_run_says_so_and_what_a_step_holds(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", str(config), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "dialogues  21 read\n" in said and "left out   1 not accepted in a review\n" in said
    assert "left out   1 with something missing, more than missing: 0.5 takes\n" in said
    assert "left out   1 longer than max_length\n" in said
    assert "1 of 15 rows\n" in said


def test_training_says_so_too(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    assert "15 rows from 21 dialogues\n  left out: 1 " in said
    assert "  left out: 1 held out to measure on (split: heldout)\n" in said
    record = load_run(config).out / "training.json"
    assert '"not accepted in a review": 1' in record.read_text()
    assert "1 not accepted in a review" in (record.parent / "README.md").read_text()


@pytest.mark.parametrize("recipe", ["dpo", "kto", "sdft"])
def test_the_other_recipes_name_dialogues_that_teach_nothing(
    config: Path, tmp_path: Path, tiny_model: Path, recipe: str
) -> None:
    nothing = trace(attempt(True), id="lucky", pair="l")
    guessed = trace(attempt(False), AGAIN, ask(), TELLS, attempt(True), id="g").model_copy(
        update={"task": dialogues()[0].task}
    )
    store = stored(tmp_path / "more", [*dialogues(), nothing, guessed])
    own = ", max_tokens: 8" if recipe == "sdft" else ""
    config.write_text(
        f"recipe: {recipe}\nstores: {store}\nout: {tmp_path / 'm'}\nmissing: null\nsystem: ''\n"
        f"{recipe}: {{model: {tiny_model}, too_long: drop, max_steps: 1{own}}}\n"
    )
    data = preview_run(load_run(config)).data
    assert data.dialogues == 23
    reason = {
        "dpo": "holds no side of a pair",
        "kto": "holds no student turn that can be told good from bad",
        "sdft": "holds no student turn that a hint makes better",
    }[recipe]
    assert data.left_out[reason] >= 1
    if recipe != "sdft":
        format = {"dpo": "preference", "kto": "kto"}[recipe]
        with TraceStore.open(str(store)) as talks:
            assert export(talks.traces(), format, tmp_path / "rows.jsonl").left_out == data.left_out


def test_a_run_that_is_read_twice_counts_once(config: Path) -> None:
    run = load_run(config)
    run.rows()
    first = run.counts
    run.rows()
    assert run.counts == first and first.dialogues == 21


def test_a_given_row_of_which_nothing_is_known_is_counted() -> None:
    left_out: LeftOut = Counter()
    rows = [TrainingRow((), id=str(k), missing=missing) for k, missing in enumerate([True, True, False, None])]
    assert len(balanced(rows, left_out=left_out)) == 2
    assert +left_out == {
        "with something missing, more than missing: 0.5 takes": 1,
        "of which it is not known whether something was missing": 1,
    }


def test_places_that_are_there_twice_are_counted() -> None:
    wrong = trace(attempt(False), AGAIN, attempt(True), form=FULL)
    left_out: LeftOut = Counter()
    hindsights([wrong, wrong.model_copy(update={"id": "again"})], left_out=left_out)
    assert +left_out == {"places that say the same as another one": 1}


def test_of_a_lesson_the_turns_before_it_do_not_count() -> None:
    """`last_turn: 1` takes what is to be learnt first, wherever in its conversation that was."""
    before: Any = [attempt(True).model_copy(update={"trainable": False, "verdict": None}), teacher("And two pens?")]
    one = trace(*before, ask(), TELLS, attempt(True))
    filters = TraceFilter(last_turn=1)
    taken = filters.take(lesson(one))
    assert not isinstance(taken, str) and [taken.turns[at].text for at in taken.targets] == [ask().text]
    assert filters.take(one) == "no student turn is taken"


def test_what_training_gives_back_holds_the_account(config: Path) -> None:
    data = train_run(load_run(config)).data
    assert data.dialogues == accounted(data) == 21
