"""A run from a YAML file, and the recipe in `finetune/` that trains it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sml_agents.errors import InputError, TrainingError
from sml_agents.traces import TraceStore
from sml_agents.training import SFTSettings, load_run, train_sft
from sml_agents.training.settings import GRPOSettings, PreferenceSettings
from sml_agents.types import Form
from tests.training.conftest import dialogue_row
from tests.training.test_rows import TELLS, ask, attempt, trace

RUN = """
stores: {store}
out: {out}
sft:
  model: {model}
  batch_size: 4
  learning_rate: 0.01
  precision: fp32
  lora: {{r: 4}}
"""


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "traces.sqlite"
    with TraceStore.open(path) as traces:
        for number in range(6):
            traces.add(trace(ask(), TELLS, attempt(True), id=f"m{number}", pair=f"p{number}"))
            traces.add(trace(attempt(True), id=f"c{number}", form=Form.FULL, pair=f"p{number}"))
        traces.add(trace(ask(), TELLS, attempt(True), id="alone"))
    return path


@pytest.fixture
def config(store: Path, tiny_model: Path, tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(RUN.format(store=store, out=tmp_path / "out", model=tiny_model))
    return path


@pytest.fixture
def recipe(repository: Path) -> Callable[[Sequence[str]], int]:
    spec = importlib.util.spec_from_file_location("recipe_train", repository / "finetune" / "train.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    main: Callable[[Sequence[str]], int] = module.main
    return main


class TestConfig:
    def test_names_find_their_place(self, config: Path) -> None:
        run = load_run(
            config,
            {
                "limit": "8",
                "learning-rate": "1e-4",
                "lora.alpha": "8",
                "sft.seed": 3,
                "neftune_noise_alpha": "5",
                "out": "x",
            },
        )
        assert (run.limit, run.out) == (8, Path("x"))
        assert (run.settings.learning_rate, run.settings.lora.r, run.settings.lora.alpha, run.settings.seed) == (
            1e-4,
            4,
            8,
            3,
        )
        assert run.settings.trl == {"neftune_noise_alpha": 5}

    @pytest.mark.parametrize("stores", ["a.sqlite", "[a.sqlite]"])
    def test_one_name_is_a_list_of_one(self, config: Path, stores: str) -> None:
        spec = "arithmetic?form=paired&n=2"
        run = load_run(config, {"recipe": "grpo", "model": "m", "tasks": spec, "hub.datasets": "a/b", "stores": stores})
        settings = run.settings_as(GRPOSettings)
        assert (settings.tasks, settings.hub.datasets, run.stores) == ((spec,), ("a/b",), ("a.sqlite",))
        listed = load_run(config, {"recipe": "grpo", "model": "m", "tasks": f"['{spec}']", "hub.datasets": "[a/b]"})
        assert listed.settings == settings

    def test_each_recipe_reads_its_own_section(self, config: Path) -> None:
        config.write_text(config.read_text() + "\ndpo: {model: other, beta: 0.3}\n")
        run = load_run(config, {"recipe": "dpo", "loss_type": "[ipo]"})
        assert (run.recipe, run.settings.model) == ("dpo", "other")
        assert run.settings_as(PreferenceSettings).beta == 0.3
        assert run.settings.trl == {"loss_type": ["ipo"]}
        assert load_run(config).recipe == "sft"
        assert load_run(config, {"recipe": "mt_sft"}).select == "mt_sft"

    @pytest.mark.parametrize(
        ("overrides", "reason"),
        [
            ({"lerning_rate": "1"}, "no setting 'lerning_rate'; did you mean 'learning_rate'"),
            ({"lora.rank": "1"}, "no setting 'sft.lora.rank'; there are r, alpha"),
            ({"missing": "2"}, "setting 'missing': 2 should be less than 1"),
            ({"epochs": "many"}, "setting 'sft.epochs': 'many' should be a valid number$"),
            ({"recipe": "gepo"}, "no training recipe 'gepo': choose one of sft, dpo, kto, sdft, grpo"),
            ({"recipe": "dpo", "rows_as": "turn"}, "no setting 'rows_as'"),
        ],
    )
    def test_wrong_names_and_values(self, config: Path, overrides: dict[str, str], reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            load_run(config, overrides)

    def test_rows_are_balanced_unless_told_otherwise(self, config: Path) -> None:
        kinds = [row.missing for row in load_run(config).rows()]
        assert (kinds.count(True), kinds.count(False)) == (6, 6)
        assert len(load_run(config, {"missing": "null"}).rows()) == 13
        assert len(load_run(config, {"missing": "null", "limit": "5"}).rows()) == 5

    def test_no_store_and_no_row(self, config: Path) -> None:
        with pytest.raises(InputError, match=r"no trace store at nowhere\.sqlite"):
            load_run(config, {"stores": "nowhere.sqlite"}).rows()
        with pytest.raises(TrainingError, match="families: gsm8k: 13 other family"):
            load_run(config, {"filter": {"families": ["gsm8k"]}}).rows()

    @pytest.mark.parametrize("name", ["cpu", "gpu_24gb", "gpu_80gb", "multi_gpu"])
    @pytest.mark.parametrize("recipe", ["sft", "dpo", "kto"])
    def test_the_shipped_files_are_valid(self, repository: Path, name: str, recipe: str) -> None:
        run = load_run(repository / "finetune" / f"train_{name}.yaml", {"recipe": recipe})
        assert (run.recipe, run.missing) == (recipe, 0.5)


class TestRecipe:
    def test_a_dry_run_trains_nothing(
        self, config: Path, recipe: Callable[[Sequence[str]], int], capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert recipe(["--config", str(config), "--dry-run"]) == 0
        printed = capsys.readouterr().out
        assert "rows       12, 18 turns trained" in printed
        assert "The answer is 12.<|im_end|>⟧" in printed
        assert not (tmp_path / "out").exists()

    def test_it_trains(
        self, config: Path, recipe: Callable[[Sequence[str]], int], capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert recipe(["--config", str(config), "--epochs", "3"]) == 0
        assert (tmp_path / "out" / "model.safetensors").exists()
        assert "in 9 steps" in capsys.readouterr().out
        assert recipe(["--config", str(config)]) == 2
        assert "already holds a trained model" in capsys.readouterr().err


def test_a_killed_run_goes_on(tiny_model: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of training; the second run ends as one that was never killed."""
    program = f"""
import sys
sys.path[:0] = {sys.path!r}
from sml_agents.training import SFTSettings, train_sft
from tests.training.conftest import dialogue_row
settings = SFTSettings(model={str(tiny_model)!r}, batch_size=4, precision="fp32", checkpoint_seconds=1e-9, epochs=500)
train_sft([dialogue_row(n) for n in range(12)], settings, {str(tmp_path / "killed")!r},
          progress=lambda p: print(p.step, flush=True))
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 4:
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    left = sorted(path.parent.name for path in (tmp_path / "killed").glob("checkpoints/*/complete"))
    assert left and not (tmp_path / "killed" / "training.json").exists()

    # The plan says 500 epochs; the rest of them would take too long, so the clock ends it after a step or so.
    settings = SFTSettings(
        model=str(tiny_model), batch_size=4, precision="fp32", epochs=500, resume=True, max_seconds=0.01
    )
    result = train_sft([dialogue_row(number) for number in range(12)], settings, tmp_path / "killed")
    assert result.resumed_from is not None and result.resumed_from >= 3
    assert result.steps > result.resumed_from
    assert (tmp_path / "killed" / "model.safetensors").exists()


def test_a_record_that_does_not_say_how_it_was_asked_for(tmp_path: Path) -> None:
    """As earlier releases wrote it, and as a run that Python started writes it."""
    path = tmp_path / "training.json"
    path.write_text(json.dumps({"recipe": "sft", "settings": {"model": "embedded:"}, "planned_steps": 3}))
    with pytest.raises(InputError, match="does not say which dialogues"):
        load_run(path, {"out": str(tmp_path / "again")})
