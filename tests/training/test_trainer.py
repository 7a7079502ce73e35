"""The parts under `train_sft`: collator, sampler, head, settings, dry run, progress."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from sml_agents.errors import InputError, TrainingError
from sml_agents.training import Message, SFTSettings, TrainingProgress, TrainingRow, load_settings, preview
from sml_agents.training.progress import describe
from sml_agents.training.tokens.masks import DialogueRenderer
from sml_agents.training.tokens.nouns import TokenRow
from sml_agents.training.tokens.rows import tokenize_rows
from tests.training.conftest import dialogue_row


class TestCollator:
    def test_padding_carries_no_loss_and_the_true_end_token_does(self, embedded_model: Path) -> None:
        """The embedded tokenizer pads with its end-of-turn token."""
        from transformers import AutoTokenizer

        from sml_agents.training.trainers.sft import TokenDataset, WeightedCollator

        tokenizer = AutoTokenizer.from_pretrained(embedded_model)
        assert tokenizer.pad_token_id == tokenizer.eos_token_id
        rows = [dialogue_row(2), dialogue_row(3, filler=5)]
        made, _ = tokenize_rows(rows, DialogueRenderer(tokenizer), max_length=500)
        dataset = TokenDataset(made)
        batch = WeightedCollator(pad_token_id=tokenizer.pad_token_id)([dataset[0], dataset[1]])
        short = len(made[0].input_ids)
        assert batch["input_ids"].shape == batch["labels"].shape == (2, len(made[1].input_ids))
        assert batch["labels"][0, short - 1] == tokenizer.eos_token_id
        assert (batch["labels"][0, short:] == -100).all()
        assert (batch["attention_mask"][0, short:] == 0).all()
        assert int((batch["labels"] == tokenizer.eos_token_id).sum()) == 4  # one for each student turn
        assert "weights" not in batch

    def test_weights_are_padded_with_zero(self) -> None:
        from sml_agents.training.trainers.sft import TokenDataset, WeightedCollator

        dataset = TokenDataset([TokenRow([1, 2, 3], [-100, 2, 3], [0.5, 0.5, 0.5]), TokenRow([4, 5], [-100, 5])])
        batch = WeightedCollator(pad_token_id=0)([dataset[0], dataset[1]])
        assert batch["weights"].tolist() == [[0.5, 0.5, 0.5], [1.0, 1.0, 0.0]]


class TestSampler:
    LENGTHS = tuple((7 * number) % 100 + 1 for number in range(1003))

    def sampler(self, seed: int = 0, epoch: int = 0) -> list[int]:
        from sml_agents.training.trainers.sft import LengthGroupedSampler

        sampler = LengthGroupedSampler(self.LENGTHS, 8, seed)
        sampler.set_epoch(epoch)
        assert len(sampler) == len(self.LENGTHS)
        return list(sampler)

    def padding(self, order: list[int]) -> float:
        batches = [[self.LENGTHS[index] for index in order[at : at + 8]] for at in range(0, len(order), 8)]
        return sum(max(batch) * len(batch) for batch in batches) / sum(self.LENGTHS) - 1

    def test_each_row_once_in_an_order_that_seed_and_epoch_decide(self) -> None:
        assert sorted(self.sampler()) == list(range(len(self.LENGTHS)))
        assert self.sampler() == self.sampler()
        assert self.sampler() != self.sampler(epoch=1)
        assert self.sampler() != self.sampler(seed=1)

    def test_little_padding(self) -> None:
        assert self.padding(self.sampler()) < 0.08
        assert self.padding(list(range(len(self.LENGTHS)))) > 0.5

    def test_long_and_short_batches_are_mixed(self) -> None:
        order = self.sampler()
        means = [sum(self.LENGTHS[i] for i in order[at : at + 80]) / 80 for at in range(0, 960, 80)]
        assert max(means) < 4 * min(means)  # sorted by length it would be 18 times


class TestHead:
    @pytest.mark.parametrize("weighted", [False, True])
    def test_loss_and_gradients_are_those_of_all_logits(self, tiny_model: Path, weighted: bool) -> None:
        from torch.nn import functional as F
        from transformers import AutoModelForCausalLM
        from trl.trainer.utils import add_fused_lm_head

        from sml_agents.training.trainers.lm_head import score_trained_tokens_only

        generator = torch.Generator().manual_seed(0)
        ids_BT = torch.randint(0, 49_000, (3, 20), generator=generator)
        labels_BT = ids_BT.masked_fill(torch.rand(3, 20, generator=generator) < 0.6, -100)
        weights_BT = torch.rand(3, 20, generator=generator) if weighted else torch.ones(3, 20)

        plain: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
        token_loss = F.cross_entropy(
            plain(ids_BT).logits[:, :-1].flatten(0, 1), labels_BT[:, 1:].flatten(), reduction="none", ignore_index=-100
        )
        wanted = (token_loss * weights_BT[:, 1:].flatten()).sum()
        wanted.backward()

        patched: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
        add_fused_lm_head(patched, outputs=("log_probs", "entropy", "is_top1"))
        score_trained_tokens_only(patched)
        more = {"weights": weights_BT} if weighted else {}
        outputs = patched(input_ids=ids_BT, labels=labels_BT, fused_lm_head=True, **more)
        loss = -outputs.log_probs.sum()
        loss.backward()

        assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
        assert int(outputs.label_mask.sum()) == int((labels_BT[:, 1:] != -100).sum())
        for (name, left), (_, right) in zip(plain.named_parameters(), patched.named_parameters(), strict=True):
            assert torch.allclose(left.grad, right.grad, atol=1e-5), name
        assert torch.equal(patched(ids_BT).logits, plain(ids_BT).logits)

    def test_a_batch_without_a_trained_token_has_loss_zero(self, tiny_model: Path) -> None:
        from transformers import AutoModelForCausalLM
        from trl.trainer.utils import add_fused_lm_head

        from sml_agents.training.trainers.lm_head import score_trained_tokens_only

        model: Any = AutoModelForCausalLM.from_pretrained(tiny_model)
        add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
        score_trained_tokens_only(model)
        ids_BT = torch.ones(2, 5, dtype=torch.long)
        outputs = model(input_ids=ids_BT, labels=torch.full((2, 5), -100), fused_lm_head=True)
        outputs.log_probs.sum().backward()
        assert outputs.loss.item() == 0.0


class TestTokenizing:
    @pytest.fixture
    def renderer(self, embedded_model: Path) -> DialogueRenderer:
        from transformers import AutoTokenizer

        return DialogueRenderer(AutoTokenizer.from_pretrained(embedded_model))

    def test_ids_of_another_tokenizer_fall_back_to_the_text_and_are_counted(self, renderer: DialogueRenderer) -> None:
        own = tuple(renderer.tokenizer("Yes")["input_ids"])
        for ids, verbatim, retokenized in (((*own, 2), 1, 0), ((5, 6), 0, 1)):
            row = TrainingRow((Message("user", "?"), Message("assistant", "Yes", trainable=True, sampled=ids)))
            made, counts = tokenize_rows([row], renderer, max_length=100)
            assert (counts.verbatim_turns, counts.retokenized_turns) == (verbatim, retokenized)
            assert tuple(made[0].input_ids[-2:]) == (*own, 2)

    def test_weights_of_rows_and_turns_multiply(self, renderer: DialogueRenderer) -> None:
        said = (Message("user", "?"), Message("assistant", "Yes", trainable=True, weight=0.5))
        (row,), _ = tokenize_rows([TrainingRow(said, weight=0.7)], renderer, max_length=100)
        assert row.weights is not None and row.weights[-1] == pytest.approx(0.35)
        unweighted = TrainingRow((said[0], Message("assistant", "Yes", trainable=True)))
        (plain,), _ = tokenize_rows([unweighted], renderer, max_length=100)
        assert plain.weights is None

    def test_one_bad_row_is_named(self, renderer: DialogueRenderer) -> None:
        rows = [dialogue_row(1), dialogue_row(2, filler=30)]
        with pytest.raises(TrainingError, match="row 2 has"):
            tokenize_rows(rows, renderer, max_length=100)


class TestSettings:
    def test_a_file_with_overrides_on_top(self, tmp_path: Path) -> None:
        path = tmp_path / "sft.yaml"
        path.write_text("model: 'embedded:'\nmethod: lora\nlora: {r: 4, alpha: 8}\nepochs: 3\n")
        settings = load_settings(path, epochs=1, lora={"r": 2})
        assert (settings.epochs, settings.lora.r, settings.lora.alpha) == (1, 2, 8)
        assert settings.resolved_learning_rate == 2e-4

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("model: m\nlearning_rat: 1", "no setting 'learning_rat'; did you mean 'learning_rate'"),
            ("model: m\noptim: sgd", "TRL's own fields go under 'trl:'"),
            ("model: m\nepochs: -1", "setting 'epochs': -1 should be greater than 0"),
            ("epochs: 1", "setting 'model' is missing"),
            ("- a\n- b", "must hold settings"),
            ("a: [", "cannot read the settings"),
        ],
    )
    def test_wrong_input(self, tmp_path: Path, text: str, reason: str) -> None:
        path = tmp_path / "sft.yaml"
        path.write_text(text)
        with pytest.raises(InputError, match=reason):
            load_settings(path)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot read the settings in"):
            load_settings(tmp_path / "none.yaml")


def test_a_dry_run_shows_what_would_be_trained(tiny_model: Path) -> None:
    rows = [dialogue_row(number) for number in range(10)]
    shown = preview(rows, SFTSettings(model=str(tiny_model), batch_size=4, epochs=2))
    assert (shown.steps, shown.data.rows, shown.trained_parameters) == (6, 10, shown.parameters)
    text = shown.marked("[[", "]]")
    assert text.count("[[") == 2
    assert "[[What does a pen cost?<|im_end|>]]" in text
    assert "[[0 times 3 is 0.<|im_end|>]]" in text
    assert 0.01 < shown.memory_gb < 1
    lora = preview(rows, SFTSettings(model=str(tiny_model), method="lora"))
    assert 0 < lora.trained_parameters < shown.parameters / 10


@pytest.mark.parametrize("loss", [None, 12.3456])
def test_progress_fits_80_columns(loss: float | None) -> None:
    for step in (0, 99_999):
        assert len(describe(TrainingProgress(step, 99_999, loss, 123_456.7, 1.0, 360_000.0))) < 80


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
@pytest.mark.parametrize("wanted", [True, False])
def test_freed_memory_is_kept_while_training_lasts_and_goes_back_at_its_end(wanted: bool) -> None:
    program = f"""
import psutil
from sml_agents.backends.memory import freed_memory_kept

def used():
    return psutil.Process().memory_info().rss / 2**20

def steps():
    blocks = [bytearray(b"1") * 2**20 for _ in range(300)]
    del blocks[::2]
    del blocks

start = used()
with freed_memory_kept({wanted}):
    steps()
    kept = used() - start
left = used() - start
steps()  # the limits are the usual ones again: what is freed goes back at once
print(kept > 200, left < 50, used() - start < 50)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(wanted), "True", "True"]
