"""DPO and KTO: which pairs, what carries loss, and two real steps of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sml_agents.data.pairs import Pair, judged_turns, make_pairs
from sml_agents.data.selection import Conversation, TraceFilter
from sml_agents.errors import InputError, TrainingError
from sml_agents.traces import TraceStore
from sml_agents.training import DialogueRenderer, load_run, preview_run, train_run
from sml_agents.training.preference import train_dpo, train_kto
from sml_agents.training.settings import PreferenceSettings
from sml_agents.training.tokens.pairs import alternating, preference_examples, rotated, sources, tokenize_sides
from sml_agents.types import Call, Form, Outcome, Trace, Turn, Verdict
from tests.training.test_rows import AGAIN, QUESTION, RIGHT, TELLS, WRONG, ask, attempt, teacher, trace

FULL = Form.FULL


def conversations(*traces: Trace) -> list[Conversation]:
    taken = [TraceFilter().take(one, judging=True) for one in traces]
    return [one for one in taken if isinstance(one, Conversation)]


def same_task(one: Trace, *others: Trace) -> list[Trace]:
    """Samples of one task, so that their histories are the same."""
    return [one, *(other.model_copy(update={"task": one.task}) for other in others)]


def said(pairs: list[Pair]) -> list[tuple[str, str, str]]:
    return [(pair.source, pair.chosen.text, pair.rejected.text) for pair in pairs]


def wrong(text: str, extracted: str) -> Turn:
    return attempt(False).model_copy(
        update={"text": text, "verdict": Verdict(outcome=Outcome.INCORRECT, extracted=extracted)}
    )


ASKED = same_task(trace(ask(), TELLS, attempt(True), id="m"), trace(attempt(False), AGAIN, id="n"))
ANSWERED = same_task(trace(attempt(True), id="c", form=FULL), trace(ask(), teacher("All is said."), id="d", form=FULL))
REPAIRED = [trace(wrong("It is 4.", "4"), AGAIN, attempt(True), id="r", form=FULL)]


class TestPairs:
    @pytest.mark.parametrize(
        ("traces", "expected"),
        [
            (ASKED, [("asked_over_guessed", QUESTION, WRONG)]),
            (ANSWERED, [("answered_over_asked", RIGHT, QUESTION)]),
            (REPAIRED, [("repaired_over_repeated", RIGHT, "It is 4.")]),
            ([trace(attempt(True), id="lucky")], []),
            ([trace(attempt(False), AGAIN, ask(), TELLS, attempt(False), id="lost")], []),
        ],
        ids=["asked", "answered", "repaired", "right by luck", "nothing right"],
    )
    def test_better_and_worse_at_the_same_history(
        self, traces: list[Trace], expected: list[tuple[str, str, str]]
    ) -> None:
        assert said(list(make_pairs(conversations(*traces)))) == expected

    def test_a_repeated_error_of_another_sample_is_the_worse_side_too(self) -> None:
        first = wrong("It is 4.", "4")
        samples = same_task(
            trace(first, AGAIN, attempt(True), id="a", form=FULL),
            trace(first, AGAIN, wrong("Again, 4.", "4"), id="b", form=FULL),
            trace(first, AGAIN, wrong("Maybe 5.", "5"), id="c", form=FULL),
        )
        assert said(list(make_pairs(conversations(*samples)))) == [
            ("repaired_over_repeated", RIGHT, "It is 4."),
            ("repaired_over_repeated", RIGHT, "Again, 4."),
        ]

    def test_every_history_ends_with_the_teacher(self) -> None:
        for pair in make_pairs(conversations(*ASKED, *ANSWERED, *REPAIRED)):
            assert pair.history[-1].role == "teacher"

    def test_turns_are_judged_one_by_one(self) -> None:
        judged = [one for each in conversations(*ASKED, *ANSWERED, *REPAIRED) for one in judged_turns(each)]
        assert [(one.good, one.reason) for one in judged] == [
            (True, "asked"),
            (True, "answered"),
            (False, "guessed"),
            (True, "answered"),
            (False, "asked_needlessly"),
            (True, "repaired"),
        ]

    def test_nothing_to_compare_says_what_to_do(self) -> None:
        with pytest.raises(TrainingError, match=r"two student turns at the same history.*--samples 4"):
            preference_examples([trace(attempt(True))], paired=True)
        with pytest.raises(TrainingError, match="1 other family"):
            preference_examples([trace(attempt(True))], TraceFilter(families=("gsm8k",)), paired=False)


@pytest.fixture(scope="module")
def tokenizer(embedded_model: Path) -> object:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(embedded_model)


class TestTokens:
    def test_both_sides_answer_the_same_prompt_and_only_the_turns_are_trained(self, tokenizer: object) -> None:
        renderer = DialogueRenderer(tokenizer)
        pairs = list(make_pairs(conversations(*ASKED, *ANSWERED, *REPAIRED)))
        made, counts = tokenize_sides(pairs, renderer, max_length=256)
        for pair, sides in made:
            assert isinstance(pair, Pair)
            end = renderer.end
            decoded = [renderer.tokenizer.decode(side.completion_ids) for side in sides]
            assert decoded == [pair.chosen.text + end, pair.rejected.text + end]
            assert sides[0].prompt_ids == sides[1].prompt_ids
            prompt = renderer.tokenizer.decode(sides[0].prompt_ids)
            assert prompt.endswith("assistant\n")
            assert all(turn.text in prompt for turn in pair.history)
        assert (counts.rows, counts.trained_turns) == (3, 6)
        assert counts.trained_tokens == sum(len(side.completion_ids) for _, sides in made for side in sides)

    def test_sampled_ids_are_kept_and_a_cut_turn_gets_no_end(self, tokenizer: object) -> None:
        renderer = DialogueRenderer(tokenizer)
        pair = next(make_pairs(conversations(*ASKED)))
        pieces = tuple(token for word in ("What", " does", " a", " pen", " cost?") for token in _ids(renderer, word))
        cut = pair.rejected.model_copy(update={"call": Call(finish="length")})
        pair = replace(pair, chosen=pair.chosen.model_copy(update={"call": Call(completion_ids=pieces)}), rejected=cut)
        [(_, sides)], counts = tokenize_sides([pair], renderer, max_length=256)
        assert tuple(sides[0].completion_ids) == (*pieces, *renderer.end_ids)
        assert renderer.tokenizer.decode(sides[1].completion_ids) == WRONG
        assert counts.verbatim_turns == 1
        _, counts = tokenize_sides([pair], renderer, max_length=256, verbatim=False)
        assert counts.verbatim_turns == 0

    def test_too_long_is_an_error_or_left_out(self, tokenizer: object) -> None:
        renderer = DialogueRenderer(tokenizer)
        pairs = list(make_pairs(conversations(*ASKED, *REPAIRED)))
        with pytest.raises(TrainingError, match=r"a turn of dialogue . .* more than the 50 allowed.*too_long='drop'"):
            tokenize_sides(pairs, renderer, max_length=50)
        with pytest.raises(TrainingError, match="2 of 2 given are longer than 20"):
            tokenize_sides(pairs, renderer, max_length=20, too_long="drop")

    def test_kto_rows_alternate_and_the_neighbours_answers_rotate(self) -> None:
        turns = [one for each in conversations(*ASKED, *ANSWERED) for one in judged_turns(each)] * 3
        order = [turn.good for turn in alternating(turns, seed=1)]
        assert {True, False} <= set(order[:4]) and {True, False} <= set(order[-4:])
        assert sorted(order) == sorted(turn.good for turn in turns)
        assert rotated([[1], [2], [3], [4], [5]], 3) == [[3], [1], [2], [5], [4]]


@pytest.fixture(scope="module")
def config(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    with TraceStore.open(folder / "store.sqlite") as store:
        for number in range(6):
            for one in (*ASKED, *ANSWERED):
                task = one.task.model_copy(update={"id": f"{one.task.id}-{number}", "prompt": f"{number} pens?"})
                turns = (one.turns[0].model_copy(update={"text": task.prompt}), *one.turns[1:])
                store.add(one.model_copy(update={"id": f"{one.id}-{number}", "task": task, "turns": turns}))
    path = folder / "run.yaml"
    common = f"{{model: {tiny_model}, batch_size: 4, learning_rate: 0.003, precision: fp32, max_steps: 2, warmup: 0}}"
    path.write_text(f"stores: {folder / 'store.sqlite'}\nout: nowhere\nrecipe: dpo\ndpo: {common}\nkto: {common}\n")
    return path


class TestRuns:
    @pytest.mark.parametrize(("recipe", "method"), [("dpo", "full"), ("dpo", "lora"), ("kto", "full")])
    def test_two_real_steps(self, config: Path, tmp_path: Path, recipe: str, method: str) -> None:
        run = load_run(config, {"recipe": recipe, "method": method, "out": str(tmp_path / "out")})
        result = train_run(run)
        assert (result.steps, result.recipe) == (2, recipe)
        assert (tmp_path / "out" / "model.safetensors").exists()
        # At the start model and reference are the same: DPO's loss is ln 2, KTO's half the weight of a row.
        low, high = {"dpo": (0.693, 0.694), "kto": (0.5, 1.0)}[recipe]
        assert low <= result.curve[0]["loss"] <= high
        assert result.curve[1]["loss"] != result.curve[0]["loss"]
        assert "rewards/chosen" in result.curve[0]

    @pytest.mark.parametrize("recipe", ["dpo", "kto"])
    def test_equal_weights_prefer_nothing_in_any_precision(self, config: Path, tmp_path: Path, recipe: str) -> None:
        run = load_run(config, {"recipe": recipe, "precision": "bf16", "max_steps": "1", "out": str(tmp_path / "out")})
        first = train_run(run).curve[0]
        assert {name: first[name] for name in ("rewards/chosen", "rewards/rejected")} == {
            "rewards/chosen": 0.0,
            "rewards/rejected": 0.0,
        }

    def test_the_margin_grows(self, config: Path, tmp_path: Path) -> None:
        run = load_run(config, {"max_steps": "12", "out": str(tmp_path / "out")})
        curve = train_run(run).curve
        assert curve[-1]["loss"] < curve[0]["loss"] - 0.05
        assert curve[-1]["rewards/margins"] > 0.05

    def test_the_report_says_where_pairs_came_from(self, config: Path) -> None:
        plan = preview_run(load_run(config))
        assert plan.notes == {"sources": {"asked_over_guessed": 6, "answered_over_asked": 6}}
        assert (plan.data.rows, plan.steps) == (12, 2)
        marked = plan.marked()
        assert "[better] ⟦" in marked and "[worse] ⟦" in marked
        kto = preview_run(load_run(config, {"recipe": "kto", "missing": "null"}))
        assert kto.notes["sources"] == {"answered": 12, "asked": 6, "guessed": 6, "asked_needlessly": 6}

    def test_what_cannot_work_is_refused(self, config: Path, tmp_path: Path, tiny_model: Path) -> None:
        settings = PreferenceSettings(model=str(tiny_model), batch_size=1)
        good = [one for each in conversations(ASKED[0]) for one in judged_turns(each)]
        bad = [one for each in conversations(ASKED[1]) for one in judged_turns(each)]
        with pytest.raises(TrainingError, match="2 of 2 are good"):
            train_kto(good, settings, tmp_path / "out")
        with pytest.raises(InputError, match="micro_batch_size to 2"):
            train_kto([*good, *bad], settings, tmp_path / "out")
        with pytest.raises(TrainingError, match="with nothing missing"):
            load_run(config).sample(list(make_pairs(conversations(*ASKED))))

    def test_a_loss_that_is_no_number_stops(self, tiny_model: Path, tmp_path: Path) -> None:
        pairs = list(make_pairs(conversations(*ASKED))) * 8
        settings = PreferenceSettings(
            model=str(tiny_model), batch_size=4, learning_rate=1e30, warmup=0, epochs=3, precision="fp32"
        )
        with pytest.raises(TrainingError, match="not a number at step"):
            train_dpo(pairs, settings, tmp_path / "out")
        assert sources(pairs) == {"asked_over_guessed": 8}


def _ids(renderer: DialogueRenderer, text: str) -> list[int]:
    return list(renderer.tokenizer(text, add_special_tokens=False)["input_ids"])
