"""Online RL on a tiny model that guesses: real dialogues, real training steps."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sml_agents.errors import BudgetExceeded, InputError, SettingsMismatch, TrainingError
from sml_agents.roles import OracleTeacher
from sml_agents.traces import TraceStore
from sml_agents.training import TrainResult, load_run, preview_run, train_run
from sml_agents.training.dry_run import describe
from sml_agents.training.grpo import DIALOGUES, check_sizes, train_grpo
from sml_agents.training.online.trajectories import trajectory_of
from sml_agents.training.recipes import RECIPES
from sml_agents.training.runtime import known_warnings
from sml_agents.training.settings import GRPOSettings
from sml_agents.types import Reply, StopReason
from sml_agents.views import TeacherView
from tests.training.templates import FOLDER

GRPO = RECIPES["grpo"]


@pytest.fixture
def settings(guesser: Path, problems: str) -> Callable[..., GRPOSettings]:
    def make(**changes: Any) -> GRPOSettings:
        values: dict[str, Any] = {
            "model": str(guesser),
            "tasks": (problems,),
            "group": 4,
            "batch_size": 8,
            "micro_batch_size": 4,
            "max_steps": 2,
            "max_turns": 2,
            "max_tokens": 8,
            "learning_rate": 1e-3,
            "precision": "fp32",
            "checkpoint_seconds": None,
        }
        return GRPOSettings(**{**values, **changes})

    return make


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def moved(before: Path, after: Path) -> float:
    old, new = weights(before), weights(after)
    return max(float((old[name] - new[name]).abs().max()) for name in old)


def test_two_steps_from_a_file(guesser: Path, problems: str, tmp_path: Path) -> None:
    path = tmp_path / "grpo.yaml"
    path.write_text(
        f"recipe: grpo\nout: {tmp_path / 'out'}\ngrpo:\n  model: {guesser}\n  tasks: ['{problems}']\n"
        "  group: 4\n  batch_size: 8\n  micro_batch_size: 4\n  max_tokens: 8\n  max_turns: 2\n  precision: fp32\n"
    )
    told = []
    run = load_run(path, {"learning_rate": "1e-3", "epochs": "2", "scale_rewards": "group"})
    result = train_run(run, told.append)
    assert (result.recipe, result.steps, result.planned_steps) == ("grpo", 2, 2)
    assert moved(guesser, tmp_path / "out") > 1e-5
    assert result.notes["groups"] == 4 > result.notes["flat_groups"]
    assert {"solved", "flat_groups", "rewards/success/mean", "entropy"} <= set(result.curve[-1])
    assert "flat groups" in told[-1].note
    with TraceStore.open(tmp_path / "out" / DIALOGUES, read_only=True) as store:
        traces = list(store.traces())
    assert len(traces) == 16
    assert {trace.tags["step"] for trace in traces} == {1, 2}
    assert len({trace.task.id for trace in traces}) == 2
    for trace in traces:
        trajectory = trajectory_of(trace, 0)
        assert len(trajectory.mask) == len(trajectory.completion_ids)


@pytest.mark.parametrize(
    "changes",
    [
        {"credit": "turn", "needless_question_cost": 0.2, "curriculum": True},
        {"method": "lora", "lora": {"r": 2}, "gradient_checkpointing": True, "precision": "bf16"},
        {"generator": "trl"},
        {"precision": "bf16"},
        {"max_turns": 1, "group": None, "batch_size": 32, "max_steps": 1, "warmup": 0.0},
    ],
    ids=["by turn", "lora", "trl generates", "bf16", "one turn"],
)
def test_other_ways(
    settings: Callable[..., GRPOSettings], guesser: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    result = train_grpo(settings(**changes), tmp_path / "out")
    assert result.notes["groups"] > result.notes["flat_groups"]
    assert moved(guesser, tmp_path / "out") > 1e-6


class Stopped(Exception):
    pass


def test_a_run_that_was_cut_short_ends_as_an_unbroken_one(
    settings: Callable[..., GRPOSettings], tmp_path: Path
) -> None:
    each_step = {"trl": {"save_strategy": "steps", "save_steps": 1}, "curriculum": True, "max_steps": 3}
    unbroken = train_grpo(settings(**each_step), tmp_path / "unbroken")

    def stop(progress: Any) -> None:
        if progress.step == 2:
            raise Stopped

    with pytest.raises(Stopped):
        train_grpo(settings(**each_step), tmp_path / "broken", progress=stop)
    with pytest.raises(SettingsMismatch, match="another gamma"):
        train_grpo(settings(**each_step, resume=True, gamma=0.9), tmp_path / "broken")
    resumed = train_grpo(settings(**each_step, resume=True), tmp_path / "broken")
    assert resumed.resumed_from is not None
    assert resumed.notes["groups"] == unbroken.notes["groups"] == 6
    assert resumed.notes["flat_groups"] == unbroken.notes["flat_groups"]
    assert moved(tmp_path / "unbroken", tmp_path / "broken") < 1e-6


def test_a_teacher_that_breaks_ends_the_run(settings: Callable[..., GRPOSettings], tmp_path: Path) -> None:
    class Broken(OracleTeacher):
        async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
            raise RuntimeError("no line to the teacher")

    only_wrong = settings(max_tokens=1)  # nobody solves anything in one token, so every dialogue needs the teacher
    with pytest.raises(TrainingError, match=r"every dialogue of step 1 failed.*no line to the teacher"):
        train_grpo(only_wrong, tmp_path / "out", teacher=Broken())


def test_a_used_up_budget_ends_the_run_in_one_sentence(settings: Callable[..., GRPOSettings], tmp_path: Path) -> None:
    class Spent(OracleTeacher):
        async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
            raise BudgetExceeded("The budget of 3 model calls is used up; raise budget_calls.")

    with pytest.raises(BudgetExceeded) as ended:
        train_grpo(settings(max_tokens=1), tmp_path / "out", teacher=Spent())
    assert str(ended.value) == "The budget of 3 model calls is used up; raise budget_calls."


def test_a_failed_dialogue_is_tried_again_once(settings: Callable[..., GRPOSettings], tmp_path: Path) -> None:
    class Flaky(OracleTeacher):
        replies = 0

        async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
            Flaky.replies += 1
            if Flaky.replies in (2, 5):
                raise RuntimeError("no line to the teacher")
            return await super().reply(view, seed=seed)

    train_grpo(settings(max_tokens=1, max_steps=1), tmp_path / "out", teacher=Flaky())
    with TraceStore.open(tmp_path / "out" / DIALOGUES, read_only=True) as store:
        stops = [trace.stop for trace in store.traces()]
    assert len(stops) == 8 and StopReason.FAILED not in stops
    assert Flaky.replies == 10


@pytest.mark.parametrize("spread", ["FSDP", "DeepSpeed"])
def test_spread_weights_are_noticed_and_refused_by_name(spread: str) -> None:
    from types import SimpleNamespace

    from sml_agents.training.trainers.grpo import DialogueGRPOTrainer

    trainer: Any = SimpleNamespace(is_fsdp_enabled=spread == "FSDP", is_deepspeed_enabled=spread == "DeepSpeed")
    with pytest.raises(InputError, match=f"weights spread by {spread} need generator: trl"):
        DialogueGRPOTrainer._refuse_shards(trainer)
    neither: Any = SimpleNamespace(is_fsdp_enabled=False, is_deepspeed_enabled=False)
    DialogueGRPOTrainer._refuse_shards(neither)


@pytest.mark.slow
def test_ten_trainings_in_one_process_leave_nothing_behind(
    settings: Callable[..., GRPOSettings], repository: Path, tmp_path: Path
) -> None:
    script = repository / "tests" / "training" / "many_trainings.py"
    made = settings(precision="bf16", max_steps=1).model_dump_json()
    done = subprocess.run(
        [sys.executable, str(script), made, str(tmp_path), "10"],
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    left = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["models"] for one in left] == [0] * 10
    assert left[-1]["memory"] < 1.1 * left[0]["memory"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"batch_size": 9}, "multiple of group"),
        ({"max_tokens": 200}, "lower max_turns or max_tokens"),
        ({"trl": {"use_vllm": True}}, "use_vllm needs generator: trl"),
        ({"teacher": "human"}, "a person cannot teach"),
        ({"tasks": ("nothing",)}, "no task family"),
        ({"template_kwargs": {"enable_thinking": False}}, "template_kwargs"),
    ],
)
def test_wrong_input(
    settings: Callable[..., GRPOSettings], tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        train_grpo(settings(**changes), tmp_path / "out")


def test_template_kwargs_reach_the_dialogues_and_the_saved_template(
    settings: Callable[..., GRPOSettings], tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    changes = {
        "chat_template": str(FOLDER / "qwen3_thinking.jinja"),
        "template_kwargs": {"enable_thinking": False},
        "max_steps": 1,
    }
    result = train_grpo(settings(**changes), tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(result.path)
    with TraceStore.open(result.path / DIALOGUES, read_only=True) as store:
        calls = [turn.call for trace in store.traces() for turn in trace.student_turns]
    assert calls
    for call in calls:
        assert call is not None
        assert tokenizer.decode(call.prompt_ids).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    again = tokenizer.apply_chat_template(
        [{"role": "user", "content": "a"}], add_generation_prompt=True, tokenize=False
    )
    assert again.endswith("</think>\n\n")


def test_an_adapter_belongs_to_the_reference(
    settings: Callable[..., GRPOSettings], guesser: Path, tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    lora = LoraConfig(init_lora_weights=False, target_modules="all-linear")
    with known_warnings():
        model: Any = get_peft_model(AutoModelForCausalLM.from_pretrained(guesser), lora)
        model.save_pretrained(tmp_path / "adapter")
    changes = {"adapter": str(tmp_path / "adapter"), "max_steps": 1, "precision": "bf16", "trl": {"beta": 0.04}}
    result = train_grpo(settings(**changes), tmp_path / "out")
    assert result.curve[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert "reference-" not in (tmp_path / "out" / "config.json").read_text()


def test_a_dry_run(guesser: Path, problems: str, tmp_path: Path) -> None:
    path = tmp_path / "grpo.yaml"
    path.write_text(f"recipe: grpo\nout: out\ngrpo:\n  model: {guesser}\n  tasks: ['{problems}']\n  max_tokens: 20\n")
    plan = preview_run(load_run(path))
    assert (plan.steps, plan.data.rows) == (1, 2)
    assert plan.marked().count("⟦") >= 1
    told = describe(plan)
    assert "tasks      2, dialogues are sampled while training" in told
    assert f"at most {plan.data.longest} in a dialogue, of which 80 are the student's" in told
    assert "1 of 64 dialogues" in told and "rows" not in told
    assert not Path("out").exists()


def test_the_result_is_json(settings: Callable[..., GRPOSettings], tmp_path: Path) -> None:
    train_grpo(settings(max_steps=1, keep_dialogues=False), tmp_path / "out")
    record = json.loads((tmp_path / "out" / "training.json").read_text())
    assert TrainResult.model_validate(record).notes["seconds"].keys() >= {"generate", "forward", "backward", "all"}
    assert not (tmp_path / "out" / DIALOGUES).exists()


def test_failed_dialogues_are_left_out() -> None:
    from tests.training.test_grpo_tokens import trace_of

    trace = trace_of([], stop=StopReason.FAILED)
    assert trajectory_of(trace, 7).mask == [0]


@pytest.mark.parametrize("name", ["cpu", "24gb", "80gb", "multi_gpu", "server"])
def test_the_recipes_for_machines_can_be_read(repository: Path, name: str) -> None:
    run = load_run(repository / "finetune" / f"train_grpo_{name}.yaml", {"model": "embedded:"})
    settings = run.settings_as(GRPOSettings)
    assert (run.recipe, settings.model) == ("grpo", "embedded:")
    check_sizes(settings)
    assert set(settings.trl) <= set(GRPO.config_class().__dataclass_fields__)


def test_the_documented_snippet_runs(
    repository: Path, guesser: Path, problems: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (repository / "docs" / "reinforcement.md").read_text(encoding="utf-8")
    [snippet] = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    for shown, small in (("runs/asker", str(guesser)), ("arithmetic?form=paired&split=train&n=4", problems)):
        assert shown in snippet
        snippet = snippet.replace(shown, small)
    exec(compile(snippet.replace("max_tokens=16", "max_tokens=8, max_turns=2"), "reinforcement.md", "exec"), {})
    assert (tmp_path / "runs" / "rl" / "training.json").exists()
    for name in re.findall(r"`(train_\w+\.yaml)`", text):
        assert (repository / "finetune" / name).is_file(), name
