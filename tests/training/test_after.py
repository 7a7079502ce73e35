"""What becomes of a trained model: its adapter merged later, its precision, the Hub; and rows that were set aside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

from sml_agents.asker.load import READY
from sml_agents.cli import main
from sml_agents.data.export import export
from sml_agents.errors import InputError, MissingExtra, TrainingError
from sml_agents.traces import TraceStore
from sml_agents.training import SFTSettings, TrainingRow, TrainResult, load_run, preview, train_run, train_sft
from sml_agents.training.held_out import set_aside
from sml_agents.training.hub import push
from sml_agents.training.merge import merge
from sml_agents.training.runtime import check_weights, weights_of
from tests.models import small_model
from tests.traces.samples import make_trace
from tests.training.conftest import dialogue_row
from tests.training.hub_server import Hub, hub_server

ROWS = [dialogue_row(number) for number in range(2, 14)]


def settings(model: Path, **changes: Any) -> SFTSettings:
    given = {"model": str(model), "batch_size": 4, "max_steps": 2, "learning_rate": 1e-2, "checkpoint_seconds": None}
    return SFTSettings(**{**given, "device": "cpu", **changes})


@pytest.fixture(scope="module")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    out = tmp_path_factory.mktemp("adapter") / "model"
    return train_sft(ROWS, settings(tiny_model, method="lora", lora={"merge": False}), out)


class TestMerge:
    def test_later_is_as_at_once(self, adapter: TrainResult, tiny_model: Path, tmp_path: Path) -> None:
        at_once = train_sft(ROWS, settings(tiny_model, method="lora"), tmp_path / "whole").path
        (adapter.path / "decision.json").write_text('{"ask": 1, "answer": 2, "threshold": 0.4}')
        done = merge(adapter.path, tmp_path / "merged")
        ours, theirs = (load_file(folder / "model.safetensors") for folder in (tmp_path / "merged", at_once))
        assert ours.keys() == theirs.keys()
        assert max(float((ours[name] - theirs[name]).abs().max()) for name in ours) < 1e-6
        assert done["dtype"] == "float32" and done["base"] == str(tiny_model)
        for name in ("tokenizer.json", "generation_config.json", "decision.json", "training.json", "README.md"):
            assert (tmp_path / "merged" / name).is_file(), name
        card = (tmp_path / "merged" / "README.md").read_text()
        assert "library_name: transformers" in card and "model_name: merged" in card and "\n# merged\n" in card
        card = (adapter.path / "README.md").read_text()
        assert "library_name: peft" in card and "model_name: model" in card
        assert not list((tmp_path / "merged").glob("adapter*"))

    @pytest.mark.parametrize("dtype", ["bf16", "fp16"])
    def test_in_another_precision(self, adapter: TrainResult, tmp_path: Path, dtype: str) -> None:
        assert main(["merge", str(adapter.path), "--out", str(tmp_path / "m"), "--dtype", dtype]) == 0
        kinds = {value.dtype for value in load_file(tmp_path / "m" / "model.safetensors").values()}
        assert kinds == {torch.bfloat16 if dtype == "bf16" else torch.float16}

    def test_what_cannot_be_merged_says_why(
        self, adapter: TrainResult, tiny_model: Path, embedded_model: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "file").touch()
        for given, reason in (
            ((tiny_model, tmp_path / "a"), "holds no LoRA adapter"),
            ((tmp_path / "nowhere", tmp_path / "a"), "holds no LoRA adapter"),
            ((adapter.path, tmp_path / "full"), "not an empty folder"),
            ((adapter.path, tmp_path / "full" / "file"), "not an empty folder"),
        ):
            with pytest.raises(InputError, match=reason):
                merge(*given)
        with pytest.raises(InputError, match="was trained on"):
            merge(adapter.path, tmp_path / "a", base=str(embedded_model))
        with pytest.raises(InputError, match="no dtype"):
            merge(adapter.path, tmp_path / "a", dtype="int4")
        assert not (tmp_path / "a").exists()


class TestWeights:
    def test_an_adapter_may_name_its_base_by_a_spec(self, embedded_model: Path, tiny_model: Path) -> None:
        asker = str(READY)  # its base is `embedded:`
        assert weights_of(SFTSettings(model="embedded:", adapter=asker)) == (str(embedded_model), asker)
        assert weights_of(SFTSettings(model=asker)) == (str(embedded_model), asker)
        with pytest.raises(InputError, match="was trained on"):
            weights_of(SFTSettings(model=str(tiny_model), adapter=asker))

    @pytest.mark.parametrize(
        ("given", "kind", "reason"),
        [
            ({"quantize": "4bit"}, InputError, "method: lora"),
            ({"quantize": "8bit", "method": "lora", "weights": "fp32"}, InputError, "computes in bf16"),
            ({"quantize": "4bit", "method": "lora", "precision": "fp32"}, InputError, "computes in bf16"),
            ({"quantize": "4bit", "method": "lora"}, InputError, "needs an NVIDIA GPU"),
            ({"weights": "bf16", "precision": "fp32"}, InputError, "cannot be computed with in fp32"),
        ],
    )
    def test_what_does_not_go_is_refused_before_anything_is_written(
        self, tiny_model: Path, tmp_path: Path, given: dict[str, Any], kind: Any, reason: str
    ) -> None:
        with pytest.raises(kind, match=reason):
            train_sft(ROWS, settings(tiny_model, **given), tmp_path / "out")
        with pytest.raises(kind, match=reason):
            preview(ROWS, settings(tiny_model, **given))
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    def test_quantizing_without_its_library_names_the_extra(
        self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        with pytest.raises(MissingExtra, match=r"sml-agents\[qlora\]"):
            check_weights(settings(tiny_model, quantize="4bit", method="lora", device="cuda"))

    def test_an_adapter_is_not_merged_into_what_is_quantized(self, adapter: TrainResult) -> None:
        with pytest.raises(InputError, match="sml-agents merge"):
            check_weights(settings(adapter.path, quantize="4bit", method="lora"))
        assert settings(adapter.path, quantize="4bit", method="lora").saves_adapter

    def test_an_attention_that_is_not_there_is_refused(self, tiny_model: Path, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot load a model"):
            train_sft(ROWS, settings(tiny_model, attn_implementation="flash_attention_2"), tmp_path / "out")

    def test_bf16_weights_eager_attention_saved_in_fp16(self, tiny_model: Path, tmp_path: Path) -> None:
        given = settings(tiny_model, weights="bf16", attn_implementation="eager", saved_dtype="fp16")
        result = train_sft(ROWS, given, tmp_path / "out")
        assert result.precision == "bf16" and result.last_loss is not None
        saved = load_file(tmp_path / "out" / "model.safetensors")
        assert {value.dtype for value in saved.values()} == {torch.float16}
        assert preview(ROWS, given).memory_gb < preview(ROWS, settings(tiny_model)).memory_gb


class TestRowsSetAside:
    def test_problems_stay_together(self) -> None:
        rows = [TrainingRow((), id=str(n), pair=f"p{n // 2}" if n < 40 else "") for n in range(60)]
        for share, wanted in ((0.1, 4), (0.5, 20), (0.9, 36), (1e-9, 1)):
            kept, aside = set_aside(rows, share, 0)
            assert sorted([*kept, *aside], key=lambda row: int(row.id)) == rows
            assert not {row.pair for row in kept if row.pair} & {row.pair for row in aside if row.pair}
            assert len({row.pair or row.id for row in aside}) == wanted
            assert set_aside(rows, share, 0)[1] == aside != set_aside(rows, 0.5, 1)[1]
        assert set_aside(rows, 0.0, 0) == (rows, [])
        with pytest.raises(InputError, match="take less"):
            set_aside(rows[40:41], 0.5, 0)

    def test_the_best_weights_are_saved_and_it_ends_when_nothing_gains(self, tiny_model: Path, tmp_path: Path) -> None:
        """At this rate the loss on other rows soon rises."""
        given = {"eval_share": 0.25, "eval_every": 1, "patience": 2, "max_steps": 40, "learning_rate": 0.3}
        result = train_sft(ROWS, settings(tiny_model, schedule="constant_with_warmup", **given), tmp_path / "out")
        about = result.notes["held_out"]
        losses = dict(about["losses"])
        assert result.stopped == "patience" and result.steps < 40
        assert about["rows"] == 3 and result.data.rows == 9
        assert about["best_step"] == min(losses, key=losses.__getitem__) == result.steps - 2
        assert min(losses.values()) < losses[result.steps]
        assert not (tmp_path / "out" / "checkpoints").exists()
        again = settings(tmp_path / "out", **{**given, "max_steps": 1, "learning_rate": 1e-12})
        found = train_sft(ROWS, again, tmp_path / "again").notes["held_out"]["losses"][0][1]
        assert found == pytest.approx(min(losses.values()), abs=1e-5), "what was saved has the lowest loss"

    @pytest.mark.parametrize("recipe", ["dpo", "kto"])
    def test_of_judged_turns(self, embedded_model: Path, tmp_path: Path, recipe: str) -> None:
        from sml_agents import DialogueSettings, OracleTeacher, load_tasks, run_dialogues_sync
        from sml_agents.roles import GuessingStudent, OraclePrimer

        with TraceStore.open(tmp_path / "t.sqlite") as store:
            tasks, primer = load_tasks("arithmetic?form=paired&n=16"), OraclePrimer(demonstrate=True)
            dialogue = DialogueSettings(q_priming=0.75)
            run_dialogues_sync(
                tasks, GuessingStudent(questions=0.2), OracleTeacher(), store, settings=dialogue, primer=primer
            )
        roomy = small_model(embedded_model, tmp_path / "roomy")
        section = {"model": str(roomy), "max_steps": 2, "batch_size": 4, "eval_share": 0.3, "eval_every": 1}
        path = tmp_path / "run.yaml"
        stores = {"stores": [str(tmp_path / "t.sqlite")], "out": str(tmp_path / "out")}
        path.write_text(yaml.safe_dump({"recipe": recipe, **stores, recipe: {**section, "device": "cpu"}}))
        result = train_run(load_run(path))
        assert [step for step, _ in result.notes["held_out"]["losses"]] == [1, 2]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    with hub_server() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", server.token)
        yield server


def card_of(files: dict[str, bytes]) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load(files["README.md"].decode().split("---")[1])
    return values


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the Hub's client, of httpx
class TestHub:
    def test_training_pushes_what_it_saved(self, hub: Hub, tiny_model: Path, tmp_path: Path) -> None:
        to = {"push_to": "ada/asker", "license": "mit", "datasets": ["ada/dialogues"]}
        out = train_sft(ROWS, settings(tiny_model, hub=to, keep_checkpoints=True), tmp_path / "out").path
        files = hub.files["ada/asker"]
        assert files["model.safetensors"] == (out / "model.safetensors").read_bytes()
        assert {"README.md", "training.json", "tokenizer.json", "config.json"} <= files.keys()
        assert not [name for name in files if name.startswith("checkpoints")]
        assert hub.repositories["ada/asker"]["visibility"] == "private"
        card = card_of(files)
        assert (card["license"], card["datasets"], card["library_name"]) == ("mit", ["ada/dialogues"], "transformers")
        assert card["pipeline_tag"] == "text-generation" and "base_model" not in card

    def test_a_card_that_the_hub_links(self, hub: Hub, tiny_model: Path, tmp_path: Path) -> None:
        from sml_agents.training.card import add_figures, write_card

        folder = train_sft(ROWS, settings(tiny_model, max_steps=1), tmp_path / "model").path
        record = json.loads((folder / "training.json").read_text())
        record["settings"]["model"] = "embedded:"
        write_card(folder, record)
        figure = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 40}
        add_figures(folder, {"students": {"asker": {"success": figure}}}, on="arithmetic?n=40")
        (folder / "dialogues.sqlite").write_bytes(b"what teachers knew")
        push(folder, "ada/linked", private=False)
        card = card_of(hub.files["ada/linked"])
        assert card["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct" and card["license"] == "apache-2.0"
        assert card["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.5
        assert "dialogues.sqlite" not in hub.files["ada/linked"]
        assert hub.repositories["ada/linked"]["visibility"] == "public"

    def test_a_data_set(self, hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        export([make_trace(n) for n in range(3)], "parquet", tmp_path / "data", licence="cc-by-4.0", name="Dialogues")
        assert main(["push", str(tmp_path / "data"), "--to", "ada/dialogues", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["repository"] == "ada/dialogues"
        assert hub.repositories["ada/dialogues"]["type"] == "dataset"
        files = hub.files["ada/dialogues"]
        assert card_of(files)["license"] == "cc-by-4.0" and any(name.endswith(".parquet") for name in files)

    def test_what_cannot_be_pushed_is_said_before_training(
        self, hub: Hub, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_wrong")
        with pytest.raises(InputError, match="hf auth login") as refused:
            train_sft(ROWS, settings(tiny_model, hub={"push_to": "ada/asker"}), tmp_path / "out")
        assert "hf_wrong" not in str(refused.value) and "\n" not in str(refused.value)
        for name in ("a/b/c", "ä", "-x/"):
            with pytest.raises(InputError, match="check its name"):
                train_sft(ROWS, settings(tiny_model, hub={"push_to": name}), tmp_path / f"out{len(name)}")
        assert not hub.files

    def test_a_push_that_fails_keeps_the_model_and_names_the_way_on(
        self, hub: Hub, tiny_model: Path, tmp_path: Path
    ) -> None:
        hub.down = True
        with pytest.raises(TrainingError, match=r"sml-agents push .* --to ada/asker"):
            train_sft(ROWS, settings(tiny_model, hub={"push_to": "ada/asker"}), tmp_path / "out")
        assert (tmp_path / "out" / "training.json").is_file()
        hub.down = False
        push(tmp_path / "out", "ada/asker")
        assert "model.safetensors" in hub.files["ada/asker"]

    def test_other_folders_are_refused(self, hub: Hub, tmp_path: Path) -> None:
        (tmp_path / "README.md").touch()
        for folder in (tmp_path, tmp_path / "nowhere"):
            with pytest.raises(InputError, match="neither a trained model"):
                push(folder, "ada/x")
