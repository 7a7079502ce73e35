"""What a user may set about training.

TrainSettings        what every recipe has: model, full or LoRA, steps, precision, checkpoints, TRL's own fields
EvaluatedSettings    of recipes that can set rows aside and stop when the loss on them no longer falls
HubSettings          where the finished model goes, and what its card says
SFTSettings          supervised fine-tuning
PreferenceSettings   DPO and KTO
DistillSettings      self-distillation
GRPOSettings         online RL
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sml_agents.errors import InputError, complaint, one_line, refused_value
from sml_agents.files import read_text

__all__ = [
    "DistillSettings",
    "EvaluatedSettings",
    "GRPOSettings",
    "HubSettings",
    "LoraSettings",
    "PreferenceSettings",
    "SFTSettings",
    "TrainSettings",
    "load_settings",
]


def several(value: Any) -> Any:
    """A single text, as it is given on a command line, is a list of one."""
    return (value,) if isinstance(value, str) else value


class LoraSettings(BaseModel):
    """Low-rank adapters (arXiv 2106.09685), by peft."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: str | list[str] = "all-linear"
    """Module names, or `all-linear`: every linear layer but the output head."""
    merge: bool = True
    """Save a plain model with the adapter merged in; otherwise the adapter alone, which needs its base to load."""


class HubSettings(BaseModel):
    """The Hugging Face Hub, or what server `HF_ENDPOINT` names. The token is that of `hf auth login` or HF_TOKEN."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    push_to: str | None = None
    """Repository (`user/name`) that gets the finished folder; asked for before training, so that no wrong name or token
    is found out after it."""
    private: bool = True
    """Of a repository that is made."""
    license: str | None = None
    """For the card: an identifier of the Hub's, such as `apache-2.0`. None takes that of the base model, where it is
    known here."""
    datasets: tuple[str, ...] = ()
    """For the card: data sets on the Hub that the dialogues are in."""

    _one = field_validator("datasets", mode="before")(several)


class TrainSettings(BaseModel):
    """What every recipe has. Every further field of the TRL config that the recipe uses can be given in `trl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_rates: ClassVar[tuple[float, float]] = (5e-5, 2e-4)
    """Learning rates for full fine-tuning and for LoRA, where `learning_rate` is None."""

    model: str
    """A folder or hub name that transformers loads, `transformers:` in front or not, or `embedded:`."""
    adapter: str | None = None
    """Folder of a LoRA adapter that is merged into the model before training; it has to be one of this model."""
    method: Literal["full", "lora"] = "full"
    lora: LoraSettings = LoraSettings()
    weights: Literal["auto", "fp32", "bf16"] = "auto"
    """In what the weights are kept while training. `auto`: fp32, and on a GPU bf16 for the frozen base under LoRA. With
    `bf16` gradients and optimiser are in it, too: half the memory, and small steps are lost in rounding."""
    quantize: Literal["4bit", "8bit"] | None = None
    """QLoRA (arXiv 2305.14314): the frozen base under LoRA in 4 (NF4) or 8 bits, by bitsandbytes. Needs an NVIDIA GPU;
    the adapter is saved alone, to be merged into the base as it came (`sml-agents merge`)."""
    attn_implementation: str | None = None
    """How attention is computed (`sdpa`, `eager`, `flash_attention_2`, ...); None leaves it to transformers."""
    saved_dtype: Literal["fp32", "bf16", "fp16"] | None = None
    """In what the model is saved; None: as it was trained."""
    hub: HubSettings = HubSettings()
    epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps, in place of `epochs`."""
    max_seconds: float | None = Field(default=None, gt=0)
    """Train no longer than this; the learning rate then falls with the clock, so that it ends low."""
    batch_size: int = Field(default=16, ge=1)
    """Rows in one optimiser step and process."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Rows in one forward pass; None takes `batch_size`, and a smaller divisor of it saves memory."""
    learning_rate: float | None = Field(default=None, gt=0)
    """None takes the recipe's own: for SFT 5e-5, with LoRA 2e-4."""
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    max_length: int | None = Field(default=None, ge=8)
    """Tokens in a row; None takes the model's context."""
    too_long: Literal["error", "drop"] = "error"
    """What becomes of longer rows. Nothing is cut: half a turn would teach the model to stop anywhere."""
    verbatim: bool = True
    """Train on the sampled token ids where the traces hold them, instead of tokenising the text again."""
    chat_template: str | None = None
    """Path of a Jinja file to use in place of the model's own chat template; it is saved with the model."""
    template_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Names for the chat template, such as `{"enable_thinking": false}`; the template that is saved with the model has
    them set, so that it is asked in use as it was trained."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """`auto`: bf16 autocast where the device computes in bf16, else fp32. Weights and optimiser stay in fp32."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    gradient_checkpointing: bool = False
    """Less memory for about a third more time."""
    seed: int = 0
    checkpoint_seconds: float | None = Field(default=600.0, gt=0)
    """Write a checkpoint this often; None writes none."""
    keep_checkpoints: bool = False
    """Keep the folder `checkpoints` when training is done."""
    keep_freed_memory: bool = True
    """On a CPU, keep memory that a step has freed for the next one until training ends: about a third faster, for more
    memory. False where memory is short."""
    resume: bool = False
    """Go on from the last complete checkpoint in the output folder, if there is one."""
    trl: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the recipe's TRL config, such as `{"adam_beta2": 0.99}`; they win over the ones above.
    Those that would have no effect here are refused (`sml_agents.training.fields`)."""

    @property
    def saves_adapter(self) -> bool:
        """Whether the result is an adapter that needs its base."""
        return self.method == "lora" and (not self.lora.merge or self.quantize is not None)

    @property
    def resolved_learning_rate(self) -> float:
        return self.learning_rate or self.default_rates[self.method == "lora"]


class EvaluatedSettings(TrainSettings):
    """Rows can be set aside: their loss is taken now and then, and the weights with the lowest one are saved."""

    eval_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of the problems whose rows are set aside; rows of one problem stay together. 0: none."""
    eval_every: int = Field(default=50, ge=1)
    """Optimiser steps from one evaluation to the next; there is always one at the end."""
    patience: int | None = Field(default=None, ge=1)
    """End training after so many evaluations without a lower loss; None never does."""


class SFTSettings(EvaluatedSettings):
    """Settings of `train_sft`; `trl` takes the fields of TRL's `SFTConfig`."""

    budget_tokens: int | None = Field(default=None, ge=1)
    """Tokens to read at most, those of prompts included and rows seen again counted again; in place of `epochs` and
    `max_steps`. The number of steps follows from it and from the rows, so that no clock has a say in the result."""
    stop_at: float | None = Field(default=None, gt=0, le=1)
    """Stop before the budget is used up when the measure that is given to `train_sft` reaches this."""
    measure_tokens: int = Field(default=40_000, ge=1)
    """How often that measure is taken."""
    first_token_weight: float = Field(default=1.0, gt=0)
    """Factor on the loss of the first token of a student turn: there it decides whether to ask or to answer, and
    among the many tokens of the words that follow that decision weighs little."""
    rows_as: Literal["auto", "dialogue", "turn"] = "auto"
    """A dialogue as one row, or a row for each of its student turns; `auto`: dialogues if the template allows."""


class PreferenceSettings(EvaluatedSettings):
    """Settings of DPO and KTO; `trl` takes the fields of TRL's `DPOConfig` or `KTOConfig`."""

    default_rates: ClassVar[tuple[float, float]] = (1e-6, 1e-5)
    beta: float = Field(default=0.1, gt=0)
    """How strongly the model is held to where it started; smaller lets it move further."""


class DistillSettings(TrainSettings):
    """Settings of self-distillation; `trl` takes the fields of TRL's `SDFTConfig`, such as `teacher_model_kind`."""

    default_rates: ClassVar[tuple[float, float]] = (1e-5, 1e-4)
    max_tokens: int = Field(default=128, ge=1)
    """Of the turn that is sampled while training."""
    temperature: float = Field(default=1.0, gt=0)


class GRPOSettings(TrainSettings):
    """Settings of online RL; `trl` takes the fields of TRL's `GRPOConfig`.

    MT-RL as the paper has it: groups of 8 dialogues of at most 4 turns, gamma 0.7, no KL term. ST-RL is `max_turns: 1`.
    """

    default_rates: ClassVar[tuple[float, float]] = (1e-6, 1e-5)

    tasks: tuple[str, ...] = Field(min_length=1)
    """Task specs, such as `arithmetic?form=paired&split=train&n=500`; one epoch holds a group on each task."""
    teacher: str = "oracle"
    """`oracle`, or a model spec."""
    max_turns: int = Field(default=4, ge=1, le=100)
    """Student turns of a dialogue at most."""
    group: int | None = Field(default=None, ge=2)
    """Dialogues on one task. None: 8, and 32 with a single turn, so that as many turns are generated."""
    batch_size: int = Field(default=64, ge=2)
    """Dialogues in one optimiser step and process: a multiple of `group`."""
    micro_batch_size: int | None = Field(default=8, ge=1)
    """Dialogues in one forward pass with gradients: a divisor of `batch_size`."""
    max_tokens: int = Field(default=256, ge=1)
    """Of one student turn."""
    temperature: float = Field(default=1.0, gt=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    gamma: float = Field(default=0.7, gt=0, le=1)
    """A dialogue solved in student turn k is worth gamma^(k-1)."""
    credit: Literal["dialogue", "turn"] = "dialogue"
    """Every token gets its dialogue's advantage, or that of the return from its own turn on."""
    needless_question_cost: float = Field(default=0.1, ge=0)
    """Taken off for each thing asked for that brings no missing fact; the paper takes nothing off (0)."""
    asked_fact_reward: float = Field(default=0.0, ge=0)
    """Earned for each missing fact that a question brings; the paper gives nothing (0). Where few dialogues are solved
    after a fact was told, asking for it is unlearned without."""
    repeated_turn_cost: float = Field(default=0.0, ge=0)
    """Taken off for each turn that says again what the student said before in the dialogue; the paper takes nothing off
    (0). Saying the same again is else worth as much as a new attempt, or a new question, that fails."""
    premature_success: bool = True
    """False: an attempt that is right while a fact is missing still, by luck, is worth nothing."""
    leak_penalty: float = Field(default=0.0, ge=0)
    """Taken off for each turn to which the teacher answers with the solution."""
    guard: Literal["off", "flag", "mask", "end"] = "end"
    """What happens when the teacher gives the answer away; `end`: the dialogue ends unsolved."""
    curriculum: bool = False
    """Prefer tasks that are neither always nor never solved."""
    generator: Literal["own", "trl"] = "own"
    """`own`: the batched engine of this package, on the trainer's weights. `trl`: TRL's, for vLLM (`use_vllm`)."""
    importance_cap: float | None = Field(default=2.0, ge=1)
    """Of `generator: own` in bf16: a sampled token counts by how much likelier the weights find it than the rounded
    copy that sampled it, at most so much (truncated importance sampling). None: as if the two were one."""
    concurrency: int = Field(default=64, ge=1)
    """Dialogues generated at the same time."""
    keep_dialogues: bool = True
    """Write every dialogue to `dialogues.sqlite` in the output folder."""

    _one = field_validator("tasks", mode="before")(several)

    @property
    def resolved_group(self) -> int:
        return self.group or (32 if self.max_turns == 1 else 8)

    @property
    def reward_weights(self) -> dict[str, float]:
        """The reward terms in use (`sml_agents.training.online.rewards`), and what each counts."""
        optional = {
            "needless_question": self.needless_question_cost,
            "fact_asked_for": self.asked_fact_reward,
            "repeated_turn": self.repeated_turn_cost,
            "leak": self.leak_penalty,
        }
        success = "success" if self.premature_success else "informed_success"
        return {success: 1.0, **{name: weight for name, weight in optional.items() if weight}}


S = TypeVar("S", bound=TrainSettings)


def load_settings(path: str | Path | None = None, **overrides: Any) -> SFTSettings:
    """Settings from a YAML file, with `overrides` on top (`lora={"r": 8}` replaces single fields of a section).

    Raises:
        InputError: when the file cannot be read or a setting is unknown or out of range.
    """
    values = {} if path is None else read_yaml(path)
    for name, value in overrides.items():
        old = values.get(name)
        values[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return checked(SFTSettings, values)


def checked(kind: type[S], values: dict[str, Any], section: str = "") -> S:
    """Settings of this kind; `section` is where in a file they stand.

    Raises:
        InputError: a setting is unknown or out of range.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        raise InputError(explain(error, kind, section=section)) from error


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        InputError: when it cannot be read or is no mapping.
    """
    import yaml

    text = read_text(Path(path), "the settings")
    try:
        values = yaml.safe_load(text) or {}
    except RecursionError as error:
        raise InputError(f"cannot read the settings in {path}: they are nested too deeply") from error
    except ValueError as error:  # a number or a date that is none
        raise InputError(f"cannot read the settings in {path}: {error}") from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or one_line(error)
        place = f", line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"cannot read the settings in {path}{place}: {problem}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} must hold settings as 'name: value' lines")
    return values


def explain(error: ValidationError, *kinds: type[BaseModel], section: str = "") -> str:
    """The first complaint in words for a user; `kinds` are the settings that could have been meant."""
    where, _ = complaint(error)
    name = ".".join(filter(None, (section, where)))
    if error.errors()[0]["type"] == "missing":
        return f"setting {name!r} is missing: give it in the file, or as --{name}"
    if error.errors()[0]["type"] != "extra_forbidden":
        return f"setting {name!r}: {refused_value(error)}"
    *above, last = where.split(".")
    known = _fields(kinds, above)
    if near := difflib.get_close_matches(last, known, n=1):
        hint = f"did you mean {near[0]!r}?"
    else:
        hint = f"there are {', '.join(known)}" if above and known else "TRL's own fields go under 'trl:'"
    return f"there is no setting {name!r}; {hint}"


def _fields(kinds: Sequence[type[BaseModel]], path: Sequence[str]) -> list[str]:
    """The names of the settings below `path`."""
    for name in path:
        found = [kind.model_fields[name].annotation for kind in kinds if name in kind.model_fields]
        parts = [part for one in found for part in (one, *get_args(one))]
        kinds = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
    return [name for kind in kinds for name in kind.model_fields]
