"""Training does what it says: the loss falls, the folder is a student, a cut run goes on where it was."""

from __future__ import annotations

import itertools
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sml_agents.errors import InputError, SettingsMismatch, TrainingError
from sml_agents.training import Message, SFTSettings, TrainingProgress, TrainingRow, TrainResult, train_sft
from tests.training.conftest import dialogue_row

ROWS = [dialogue_row(number, filler=number % 3) for number in range(2, 14)]


def tiny(model: Path, **more: Any) -> SFTSettings:
    values: dict[str, Any] = {"batch_size": 4, "learning_rate": 1e-2, "precision": "fp32", **more}
    return SFTSettings(model=str(model), **values)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    return dict(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict())


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


class Stop(Exception):
    """Stands for a kill."""


def stop_at(step: int) -> Callable[[TrainingProgress], None]:
    def tell(progress: TrainingProgress) -> None:
        if progress.step == step:
            raise Stop

    return tell


@pytest.mark.slow
class TestEmbeddedModel:
    def test_the_loss_falls(self, trained: TrainResult) -> None:
        assert trained.steps == trained.planned_steps == 7
        assert trained.first_loss is not None and trained.last_loss is not None
        assert trained.last_loss < 0.6 * trained.first_loss
        assert [point["step"] for point in trained.curve] == list(range(1, 8))

    def test_only_the_students_tokens_were_trained(self, trained: TrainResult, embedded_model: Path) -> None:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(embedded_model)
        said = [message.content for n in range(2, 30) for message in dialogue_row(n).messages if message.trainable]
        assert trained.data.trained_tokens == sum(len(tokenizer(f"{text}<|im_end|>")["input_ids"]) for text in said)
        assert trained.data.trained_turns == 56

    def test_the_folder_is_a_model_that_answers_and_stops(self, trained: TrainResult) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(trained.path)
        model = AutoModelForCausalLM.from_pretrained(trained.path)
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": "Tom buys 7 pens. How much does he pay?"}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        answer = model.generate(**prompt, max_new_tokens=24, do_sample=False)[0][prompt["input_ids"].shape[1] :]
        assert tokenizer.decode(answer) == "What does a pen cost?<|im_end|>"

    def test_what_ends_its_turns_already_is_left_alone(self, trained: TrainResult) -> None:
        assert "ends_generation" not in trained.notes

    def test_the_record(self, trained: TrainResult) -> None:
        record = json.loads((trained.path / "training.json").read_text(encoding="utf-8"))
        assert record["settings"]["learning_rate"] == 1e-4
        assert record["data"]["rows"] == 28
        assert record["curve"] == trained.curve
        assert {"torch", "transformers", "trl"} <= set(record["versions"])
        left = {path.name for path in trained.path.iterdir()}
        assert left.isdisjoint({"checkpoints", "plan.json", "saving"})
        assert {"chat_template.jinja", "generation_config.json", "model.safetensors", "tokenizer.json"} <= left


@pytest.fixture(scope="module")
def unbroken(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    settings = tiny(tiny_model, epochs=2, checkpoint_seconds=None)
    return train_sft(ROWS, settings, tmp_path_factory.mktemp("unbroken") / "model")


class TestResume:
    def test_a_run_cut_twice_ends_as_an_unbroken_one(
        self, tiny_model: Path, tmp_path: Path, unbroken: TrainResult
    ) -> None:
        out = tmp_path / "model"
        settings = tiny(tiny_model, epochs=2, checkpoint_seconds=1e-9)
        for step in (3, 5):
            with pytest.raises(Stop):
                train_sft(ROWS, settings.model_copy(update={"resume": True}), out, progress=stop_at(step))
        # What a kill in the middle of writing leaves behind: the newest checkpoint, not marked as complete.
        newest = max((out / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
        (newest / "complete").unlink()
        (newest / "model.safetensors").write_bytes(b"half")
        result = train_sft(ROWS, settings.model_copy(update={"resume": True}), out)
        assert result.resumed_from is not None and 0 < result.resumed_from < 5
        assert result.steps == unbroken.steps == 6
        assert same(weights(out), weights(unbroken.path))
        assert not (out / "checkpoints").exists()

    def test_the_same_seed_gives_the_same_model_another_seed_another(
        self, tiny_model: Path, tmp_path: Path, unbroken: TrainResult
    ) -> None:
        for seed, equal in ((0, True), (1, False)):
            result = train_sft(ROWS, tiny(tiny_model, epochs=2, seed=seed), tmp_path / str(seed))
            assert same(weights(result.path), weights(unbroken.path)) is equal

    def test_other_settings_or_rows_are_refused(self, tiny_model: Path, tmp_path: Path) -> None:
        with pytest.raises(Stop):
            train_sft(ROWS, tiny(tiny_model), tmp_path / "out", progress=stop_at(1))
        with pytest.raises(InputError, match=r"not empty.*resume=True"):
            train_sft(ROWS, tiny(tiny_model), tmp_path / "out")
        with pytest.raises(SettingsMismatch, match="learning_rate"):
            train_sft(ROWS, tiny(tiny_model, learning_rate=1e-3, resume=True), tmp_path / "out")
        with pytest.raises(SettingsMismatch, match="other rows"):
            train_sft(ROWS[1:], tiny(tiny_model, resume=True), tmp_path / "out")

    def test_a_finished_folder_is_not_trained_over(self, tiny_model: Path, unbroken: TrainResult) -> None:
        with pytest.raises(InputError, match="already holds a trained model"):
            train_sft(ROWS, tiny(tiny_model, resume=True), unbroken.path)


class TestLora:
    def test_merged_it_is_a_plain_model_in_which_only_linear_layers_changed(
        self, tiny_model: Path, tmp_path: Path
    ) -> None:
        result = train_sft(ROWS, tiny(tiny_model, method="lora"), tmp_path / "out")
        before, after = weights(tiny_model), weights(result.path)
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert changed and all(".self_attn." in name or ".mlp." in name for name in changed)
        assert not (result.path / "adapter_config.json").exists()

    def test_unmerged_it_is_an_adapter_that_loads_on_its_base(self, tiny_model: Path, tmp_path: Path) -> None:
        result = train_sft(ROWS, tiny(tiny_model, method="lora", lora={"r": 2, "merge": False}), tmp_path / "out")
        assert (result.path / "adapter_config.json").exists()
        assert not (result.path / "model.safetensors").exists()
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(result.path)
        assert sum("lora_" in name for name, _ in model.named_parameters()) > 0

    def test_training_goes_on_from_an_adapter_and_from_no_other_models(self, tiny_model: Path, tmp_path: Path) -> None:
        made = train_sft(ROWS, tiny(tiny_model, method="lora", lora={"r": 2, "merge": False}), tmp_path / "adapter")
        still = {"learning_rate": 1e-30, "max_steps": 1}
        told = train_sft(ROWS, tiny(tiny_model, adapter=str(made.path), **still), tmp_path / "told")
        found = train_sft(ROWS, tiny(made.path, **still), tmp_path / "found")
        assert same(weights(told.path), weights(found.path))
        assert not same(weights(told.path), weights(tiny_model))

        record = json.loads((made.path / "adapter_config.json").read_text())
        other = tmp_path / "other"
        shutil.copytree(made.path, other)
        (other / "adapter_config.json").write_text(json.dumps({**record, "base_model_name_or_path": "org/large-model"}))
        with pytest.raises(InputError, match=r"was trained on 'org/large-model', not on"):
            train_sft(ROWS, tiny(tiny_model, adapter=str(other)), tmp_path / "out")
        (other / "adapter_config.json").write_text(json.dumps({**record, "r": 8}))
        with pytest.raises(InputError, match=r"does not fit the model .* trained on another: "):
            train_sft(ROWS, tiny(tiny_model, adapter=str(other)), tmp_path / "out2")
        with pytest.raises(InputError, match="holds no LoRA adapter"):
            train_sft(ROWS, tiny(tiny_model, adapter=str(tiny_model)), tmp_path / "out3")


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock on which every look takes 0.02 s, however busy the machine is."""
    from sml_agents.training.trainers import callbacks

    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.02 * next(looks), perf_counter=time.perf_counter)
    monkeypatch.setattr(callbacks, "time", clock)


class TestLimits:
    @pytest.mark.usefixtures("ticking")
    def test_the_clock_ends_training_and_the_model_is_saved(self, tiny_model: Path, tmp_path: Path) -> None:
        result = train_sft(ROWS, tiny(tiny_model, epochs=10_000, max_seconds=1.0, warmup=0.0), tmp_path / "out")
        assert result.stopped == "time"
        assert 0 < result.steps < result.planned_steps
        rates = [point["learning_rate"] for point in result.curve]
        assert rates[-1] < 0.3 * max(rates)
        assert (result.path / "model.safetensors").exists()

    def test_a_loss_that_is_not_a_number_stops_and_keeps_the_checkpoint(self, tiny_model: Path, tmp_path: Path) -> None:
        settings = tiny(tiny_model, learning_rate=1e30, epochs=5, checkpoint_seconds=1e-9, warmup=0.0)
        with pytest.raises(TrainingError, match=r"not a number at step \d+.*is kept in .*checkpoint-"):
            train_sft(ROWS, settings, tmp_path / "out")
        assert list((tmp_path / "out" / "checkpoints").glob("checkpoint-*/complete"))
        assert not (tmp_path / "out" / "training.json").exists()

    def test_a_gradient_that_is_not_a_number_does_not_reach_the_weights(
        self, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from sml_agents.training.trainers.sft import DialogueTrainer

        usual = DialogueTrainer.training_step

        def spoiled(trainer: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            loss = usual(trainer, model, *args, **kwargs)
            if trainer.state.global_step == 2:
                next(model.parameters()).grad[0] = float("nan")
            return loss

        monkeypatch.setattr(DialogueTrainer, "training_step", spoiled)
        settings = tiny(tiny_model, epochs=5, checkpoint_seconds=1e-9)
        with pytest.raises(TrainingError, match=r"gradient is not a number at step 3.*is kept in .*checkpoint-2"):
            train_sft(ROWS, settings, tmp_path / "out")

    def test_rows_longer_than_the_context(self, tiny_model: Path, tmp_path: Path) -> None:
        rows = [*ROWS, dialogue_row(99, filler=100)]
        with pytest.raises(TrainingError, match=r"row 99 has \d+ tokens, more than the 256 allowed.*too_long='drop'"):
            train_sft(rows, tiny(tiny_model), tmp_path / "error")
        result = train_sft(rows, tiny(tiny_model, too_long="drop"), tmp_path / "drop")
        assert (result.data.rows, result.data.too_long) == (len(ROWS), 1)

    def test_nothing_to_train_on(self, tiny_model: Path, tmp_path: Path) -> None:
        untrained = TrainingRow((Message("user", "a"), Message("assistant", "b")))
        with pytest.raises(TrainingError, match="no row can be trained on: of 2 given, 2 have no trainable"):
            train_sft([untrained, untrained], tiny(tiny_model), tmp_path / "out")
        with pytest.raises(TrainingError, match="of 0 given"):
            train_sft([], tiny(tiny_model), tmp_path / "none")

    @pytest.mark.parametrize(
        ("more", "reason"),
        [
            ({"model": "openai:gpt-4o"}, "cannot be trained here"),
            ({"model": "./no-such-folder"}, "cannot load a tokenizer from './no-such-folder'"),
            ({"batch_size": 4, "micro_batch_size": 3}, "must be a multiple of micro_batch_size"),
            ({"trl": {"no_such_field": 1}}, "TRL does not accept.*no_such_field"),
            ({"chat_template": "missing.jinja"}, "cannot read the chat template missing.jinja"),
            ({"device": "cuda"}, "no CUDA device"),
            ({"trl": {"report_to": "no-such-tracker"}}, "TRL does not accept.*no-such-tracker"),
        ],
    )
    def test_unusable_settings(self, tiny_model: Path, tmp_path: Path, more: dict[str, Any], reason: str) -> None:
        if "device" in more and torch.cuda.is_available():
            pytest.skip("there is a CUDA device here")
        with pytest.raises(InputError, match=reason):
            train_sft(ROWS, tiny(tiny_model).model_copy(update=more), tmp_path / "out")


def test_a_tracker_keeps_the_curve(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    train_sft(ROWS, tiny(tiny_model, max_steps=2, trl={"report_to": "tensorboard"}), tmp_path / "out")
    assert list((tmp_path / "out").rglob("events.out.tfevents.*"))
    assert not list((tmp_path / "out" / "checkpoints").glob("checkpoint-*"))


def test_micro_batches_add_up_to_the_same_step(tiny_model: Path, tmp_path: Path) -> None:
    whole = train_sft(ROWS, tiny(tiny_model, trl={"train_sampling_strategy": "sequential"}), tmp_path / "a")
    parts = train_sft(
        ROWS, tiny(tiny_model, micro_batch_size=1, trl={"train_sampling_strategy": "sequential"}), tmp_path / "b"
    )
    assert [point["loss"] for point in parts.curve] == pytest.approx([p["loss"] for p in whole.curve], abs=1e-3)


def test_gradient_checkpointing_changes_nothing_but_memory(tiny_model: Path, tmp_path: Path) -> None:
    results = [train_sft(ROWS, tiny(tiny_model, gradient_checkpointing=on), tmp_path / str(on)) for on in (False, True)]
    losses = [[point["loss"] for point in result.curve] for result in results]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_row_of_weight_zero_teaches_nothing(tiny_model: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    silent = [replace(row, weight=0.0) for row in ROWS]
    result = train_sft(silent, tiny(tiny_model), tmp_path / "out")
    before, after = weights(tiny_model), weights(result.path)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_nothing_is_reported_to_anyone(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import trl.trainer.base_trainer

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("telemetry")

    monkeypatch.setattr(trl.trainer.base_trainer, "send_telemetry", refuse)
    monkeypatch.delenv("CI", raising=False)
    train_sft(ROWS, tiny(tiny_model), tmp_path / "out")
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


def test_a_thinking_template_is_trained_turn_by_turn(tiny_model: Path, tmp_path: Path) -> None:
    from tests.training.templates import FOLDER

    settings = tiny(
        tiny_model,
        chat_template=str(FOLDER / "qwen3_thinking.jinja"),
        template_kwargs={"enable_thinking": False},
        max_steps=1,
    )
    result = train_sft(ROWS, settings, tmp_path / "out")
    assert result.data.rows_as == "turn"
    assert result.data.rows == result.data.trained_turns == 2 * len(ROWS)
    saved = (result.path / "chat_template.jinja").read_text(encoding="utf-8")
    # What was set in training is set for everybody who loads the folder.
    own = (FOLDER / "qwen3_thinking.jinja").read_text(encoding="utf-8")
    assert saved == "{%- set enable_thinking = False %}\n" + own


@pytest.mark.usefixtures("ticking")
def test_a_run_by_the_clock_goes_on_where_it_was_cut_short(tiny_model: Path, tmp_path: Path) -> None:
    """Seconds, learning rate and curve are those of the whole run."""
    before: dict[int, TrainingProgress] = {}

    def stop(progress: TrainingProgress) -> None:
        before[progress.step] = progress
        if progress.seconds >= 2.0:
            raise Stop

    by_clock = {"epochs": 5000, "max_seconds": 3.0, "checkpoint_seconds": 0.2, "warmup": 0.0}
    with pytest.raises(Stop):
        train_sft(ROWS, tiny(tiny_model, **by_clock), tmp_path / "out", progress=stop)
    told: list[TrainingProgress] = []
    result = train_sft(ROWS, tiny(tiny_model, **by_clock, resume=True), tmp_path / "out", progress=told.append)
    assert result.stopped == "time" and result.resumed_from is not None
    assert told[0].seconds > before[max(1, result.resumed_from - 1)].seconds
    assert result.seconds >= 3.0 and all(progress.seconds < 3.0 for progress in told[:-2])
    assert [point["step"] for point in result.curve] == list(range(1, result.steps + 1))
    rates = [point["learning_rate"] for point in result.curve]
    assert rates == sorted(rates, reverse=True)
    assert rates[result.resumed_from] < rates[0]
