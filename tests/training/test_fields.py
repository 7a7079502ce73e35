"""Fields of TRL's configs: each reaches TRL, is decided by a setting here, or is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sml_agents.errors import InputError
from sml_agents.training import load_run
from sml_agents.training.fields import OWN, REFUSED, check_fields, standing
from sml_agents.training.recipes import RECIPES
from sml_agents.training.settings import GRPOSettings
from sml_agents.training.sft import refuse_weights
from sml_agents.training.tokens.nouns import TokenRow
from sml_agents.training.tokens.pairs import rotated

DOCS = Path(__file__).resolve().parents[2] / "docs" / "training.md"


def settings(recipe: str, **trl: Any) -> Any:
    more = {"tasks": ("arithmetic",)} if recipe == "grpo" else {}
    return RECIPES[recipe].settings(model="m", trl=trl, **more)


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_every_name_in_the_tables_is_a_field(recipe: str) -> None:
    known = set(RECIPES[recipe].config_class().__dataclass_fields__)
    for table in (OWN, REFUSED):
        assert {*table[""], *table[recipe]} <= known
    assert not {*OWN[""], *OWN[recipe]} & {*REFUSED[""], *REFUSED[recipe]}


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_settings_named_instead_exist(recipe: str) -> None:
    for instead in {**OWN[""], **OWN[recipe]}.values():
        for name in instead.replace(" and ", ", ").split(", "):
            assert name == "out" or name in RECIPES[recipe].settings.model_fields


@pytest.mark.parametrize(
    ("recipe", "field", "value", "reason"),
    [
        ("sft", "model_init_kwargs", {"dtype": "bfloat16"}, "the model is loaded here"),
        ("sft", "load_best_model_at_end", True, "decided by eval_share"),
        ("sft", "dataset_num_proc", 4, "rows come tokenised"),
        ("sft", "packing", True, "rows come tokenised"),
        ("sft", "assistant_only_loss", True, "rows come tokenised"),
        ("sft", "chat_template_path", "a.jinja", "decided by chat_template"),
        ("dpo", "push_to_hub", True, "decided by hub"),
        ("kto", "hub_token", "hf_x", "no secret belongs"),
        ("grpo", "hub_strategy", "all_checkpoints", "sml-agents push"),
        ("sft", "metric_for_best_model", "accuracy", "the loss is taken"),
        ("dpo", "label_smoothing_factor", 0.1, "DPO has label_smoothing"),
        ("kto", "per_device_train_batch_size", 1, "decided by micro_batch_size"),
        ("kto", "train_sampling_strategy", "random", "neighbours"),
        ("sdft", "chat_template_kwargs", {"a": 1}, "decided by template_kwargs"),
        ("sdft", "eval_strategy", "steps", "sml-agents eval"),
        ("grpo", "num_generations", 4, "decided by group"),
        ("grpo", "top_k", 5, "set generator: trl"),
        ("grpo", "vllm_mode", "server", "set generator: trl"),
        ("grpo", "reward_weights", [1.0], "needless_question_cost"),
    ],
)
def test_what_would_be_without_effect_is_refused(recipe: str, field: str, value: Any, reason: str) -> None:
    kind = RECIPES[recipe].config_class()
    with pytest.raises(InputError, match=reason) as refused:
        check_fields(kind, recipe, settings(recipe, **{field: value}))
    assert field in str(refused.value)


@pytest.mark.parametrize(
    ("recipe", "field", "value"),
    [
        ("sft", "adam_beta2", 0.99),
        ("sft", "push_to_hub", False),
        ("sft", "label_smoothing_factor", 0.1),
        ("sft", "loss_type", "dft"),
        ("dpo", "label_smoothing", 0.1),
        ("kto", "desirable_weight", 2.0),
        ("grpo", "beta", 0.04),
        ("grpo", "scale_rewards", "none"),
    ],
)
def test_what_has_its_effect_is_taken(recipe: str, field: str, value: Any) -> None:
    check_fields(RECIPES[recipe].config_class(), recipe, settings(recipe, **{field: value}))


def test_trls_generator_takes_its_own_fields() -> None:
    made = GRPOSettings(model="m", tasks=("arithmetic",), generator="trl", trl={"top_k": 5, "use_vllm": True})
    check_fields(RECIPES["grpo"].config_class(), "grpo", made)


def test_a_file_with_such_a_field_is_refused_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("recipe: sft\nout: o\nsft: {model: m, trl: {packing: true}}\n")
    with pytest.raises(InputError, match="packing has no effect in sft"):
        load_run(path)
    with pytest.raises(InputError, match="push_to_hub is decided by hub"):
        load_run(path, {"sft.trl": {}, "push_to_hub": "true"})


@pytest.mark.parametrize("given", [{"label_smoothing_factor": 0.1}, {"loss_type": "dft"}])
def test_losses_that_know_no_weights_are_refused_with_weights(given: dict[str, Any]) -> None:
    arguments = SimpleNamespace(**{"label_smoothing_factor": 0.0, "loss_type": "nll", **given})
    plain, weighted = TokenRow([1, 2], [1, 2]), TokenRow([1, 2], [1, 2], [1.0, 0.5])
    refuse_weights([plain], arguments)
    with pytest.raises(InputError, match=f"{next(iter(given))} knows no weights"):
        refuse_weights([plain, weighted], arguments)


def test_no_prompt_is_compared_with_its_own_answer() -> None:
    for count in range(2, 8):
        for batch in range(2, 5):
            completions = [[at] for at in range(count)]
            assert all(a != b for a, b in zip(rotated(completions, batch), completions, strict=True)), (count, batch)


def test_the_docs_name_all_of_them() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for recipe in ("", *RECIPES):
        for field in {**OWN[recipe], **REFUSED[recipe]}:
            assert f"`{field}`" in text, field
    assert standing("sft", "adam_beta1") == ("supported", "")
