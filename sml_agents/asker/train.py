"""Training the asker: rows by their number, low-rank or whole weights, checkpoints that are usable at any time.

Row n depends on the seed and n alone, so a resumed run sees what an unbroken one would have. The learning rate rises,
stays, and falls in the last part: a run that is going well can be given more steps, and one that has to end, fewer.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from sml_agents.asker.rows import RowOf, tree_of
from sml_agents.asker.trees import Tree, side_by_side
from sml_agents.asker.weights import WEIGHTS, low_rank_in
from sml_agents.errors import InputError, TrainingError, one_line
from sml_agents.files import whole_file
from sml_agents.types import stable_hash

__all__ = ["STATE", "AskerSettings", "Step", "in_passes", "steps_of", "train_asker", "trees_of_step"]

STATE = "state.pt"
"""What a run goes on from; of no use once the run is done."""
_DRAWING = 4
"""Processes that draw rows for a GPU."""
_PAIRS_AT_ONCE = 4_000_000
"""Pairs of tokens in one pass on a GPU, which attention weighs: some 10 GB with the embedded model."""
_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class AskerSettings(BaseModel):
    """What decides the weights, beside the rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: str = Field(default="lora", pattern="^(lora|full)$")
    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    first_layer: int = Field(default=12, ge=0)
    """Layers below it stay as they are: with low-rank weights, a step then costs less by their way back."""
    steps: int = Field(default=500, ge=1)
    rows: int = Field(default=8, ge=1)
    """Rows in one step."""
    learning_rate: float = Field(default=2e-3, gt=0)
    warmup: float = Field(default=20, ge=0)
    """Steps in which the learning rate rises: the same however many follow, so that a run can be given others."""
    falling: float = Field(default=0.3, ge=0, le=1)
    """Share of the steps in which the learning rate falls at the end."""
    max_norm: float = Field(default=1.0, gt=0)
    most_tokens: int = Field(default=700, ge=16)
    """Longer rows are passed over."""
    seed: int = 0
    start: str = ""
    """Folder of low-rank weights of the same `r` and layers to go on from; empty: from none."""
    precision: str = Field(default="auto", pattern="^(auto|fp32|bf16)$")
    """`auto`: bf16 where the device multiplies in it, else fp32. What is trained is kept in fp32."""

    def rate(self, step: int) -> float:
        """The learning rate of a step, the first being 0."""
        rise = max(1.0, self.warmup)
        fall = max(1.0, self.falling * self.steps)
        return self.learning_rate * min(1.0, (step + 1) / rise, (self.steps - step) / fall)


@dataclass(frozen=True)
class Step:
    """What one step came to."""

    step: int
    loss: float
    tokens: int
    """Read so far, from the first step of the run on."""


def train_asker(
    base: Path,
    row_of: RowOf,
    settings: AskerSettings,
    out: Path,
    *,
    resume: bool = False,
    save_every: int = 50,
    progress: Callable[[Step], None] | None = None,
    device: str = "auto",
) -> None:
    """Train from the model in `base`, and write the weights to `out`: an adapter, or with `full` a whole model.
    Every `save_every` steps the weights so far, usable as they are, and the optimiser's state are written to `out`.

    Args:
        device: of torch; `auto` takes a GPU if there is one. On a GPU a step's rows are read side by side.

    Raises:
        InputError: `out` holds something else, or on resume a run that has ended or has other settings than steps.
        TrainingError: no row can be made, or the loss is not a number.
    """
    import torch
    from transformers import AutoTokenizer

    from sml_agents.backends.loading import resolved_device

    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: name a folder to write the weights to.")
    if out.exists() and any(out.iterdir()) and not resume:
        raise InputError(f"{out} is not empty: choose another folder, or go on with --resume if a run was cut short.")
    if resume and not (out / STATE).exists():
        _refuse_unless_fresh(out)
    out.mkdir(parents=True, exist_ok=True)
    device = resolved_device(device)
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise InputError(f"No model to train can be loaded from {base}: {one_line(error, 200)}") from error
    model = _trainable(base, settings, device)
    trained = [one for one in model.parameters() if one.requires_grad]
    kept = [one.detach().float().clone().requires_grad_() for one in trained]
    optimiser = torch.optim.AdamW(kept, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    done, tokens = 0, 0
    if resume and (out / STATE).is_file():
        try:
            state = torch.load(out / STATE, weights_only=True, map_location=device)
            if {"start": "", **state["settings"], "steps": 0} != {**settings.model_dump(), "steps": 0}:
                raise InputError(f"{out} was started with other settings: give the same ones, steps apart.")
            done, tokens = state["step"], state["tokens"]
            optimiser.load_state_dict(state["optimiser"])
            with torch.no_grad():
                for one, before in zip(kept, state["weights"], strict=True):
                    one.copy_(before)
        except InputError:
            raise
        except (OSError, EOFError, RuntimeError, UnpicklingError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{out / STATE} is damaged: begin anew in another folder.") from error
        _copy(kept, trained)
    model.train()
    with _side_by_side(device) as each:
        for step, trees in enumerate(steps_of(row_of, tokenizer, settings, done, device), start=done):
            weight = sum(one for tree in trees for _, _, one in tree.targets)
            total, summed = 0.0, [torch.zeros_like(one) for one in kept]
            passes = in_passes(trees, 0 if device == "cpu" else _PAIRS_AT_ONCE)
            for loss, gradients in each(partial(_gradients, model, trained, weight, device), passes):
                total += loss
                for sum_so_far, gradient in zip(summed, gradients, strict=True):
                    sum_so_far += gradient.float()
            tokens += sum(len(tree.ids) for tree in trees)
            if not total < float("inf"):
                raise TrainingError(f"the loss is not a number at step {step + 1}: lower the learning rate")
            for one, gradient in zip(kept, summed, strict=True):
                one.grad = gradient
            torch.nn.utils.clip_grad_norm_(kept, settings.max_norm)
            for group in optimiser.param_groups:
                group["lr"] = settings.rate(step)
            optimiser.step()
            _copy(kept, trained)
            if progress is not None:
                progress(Step(step + 1, total, tokens))
            if (step + 1) % save_every == 0 or step + 1 == settings.steps:
                _save(model, tokenizer, settings, out)
                state = {"step": step + 1, "tokens": tokens, "settings": settings.model_dump(), "weights": [*kept]}
                with whole_file(out / STATE) as path:
                    torch.save({**state, "optimiser": optimiser.state_dict()}, path)


def _gradients(
    model: Any, trained: Sequence[Any], weight: float, device: str, some: Sequence[Tree]
) -> tuple[float, Sequence[Any]]:
    """The loss of rows that are read side by side, and what it asks of each weight."""
    import torch

    body, head = _parts(model)
    marked = [(row, *target) for row, tree in enumerate(some) for target in tree.targets]
    rows, places, targets, weights = (list(column) for column in zip(*marked, strict=True))
    hidden_BTD = body(**side_by_side(some, head.weight.dtype, device), use_cache=False).last_hidden_state
    logits_NV = head(hidden_BTD[rows, places]).float()
    targets_N = torch.tensor(targets, device=device)
    losses_N = torch.nn.functional.cross_entropy(logits_NV, targets_N, reduction="none")
    loss = (losses_N * torch.tensor(weights, device=device)).sum() / weight
    return loss.item(), torch.autograd.grad(loss, trained)


@contextmanager
def _side_by_side(device: str) -> Iterator[Callable[..., Iterator[Any]]]:
    """As `map`, on a processor with a thread for each core that torch may use, which reads a row by itself: two cores
    train nearly twice as fast as one, where two threads in every product bring next to nothing at this size. Results
    come in order and are the same for any number of cores."""
    import torch

    if device != "cpu":
        yield map
        return
    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(cores)


def steps_of(row_of: RowOf, tokenizer: Any, settings: AskerSettings, first: int, device: str) -> Iterator[list[Any]]:
    """The rows of each step from `first` on. For a GPU, which would wait for them, other processes draw them."""
    draw = partial(trees_of_step, row_of, tokenizer, settings)
    if device == "cpu":
        yield from map(draw, range(first, settings.steps))
        return
    from torch.utils.data import DataLoader

    workers = max(1, min(_DRAWING, (os.cpu_count() or 1) - 1))
    drawn: Any = _Drawn(draw, first, settings.steps)
    yield from DataLoader(drawn, batch_size=None, num_workers=workers)


def in_passes(trees: Sequence[Tree], pairs: int) -> Iterator[list[Tree]]:
    """What is read side by side: rows of similar length, of at most so many pairs of tokens; with 0 each by itself, as
    they come."""
    some: list[Tree] = []
    for tree in sorted(trees, key=lambda tree: len(tree.ids)) if pairs else trees:
        if some and (len(some) + 1) * len(tree.ids) ** 2 > pairs:
            yield some
            some = []
        some.append(tree)
    if some:
        yield some


@dataclass(frozen=True)
class _Drawn:
    """What the steps from `first` up to `stop` are trained on, as a data set of torch's."""

    draw: Callable[[int], list[Any]]
    first: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.first

    def __getitem__(self, place: int) -> list[Any]:
        return self.draw(self.first + place)


def trees_of_step(row_of: RowOf, tokenizer: Any, settings: AskerSettings, step: int) -> list[Any]:
    """The rows of a step, the first being 0, as tokens. Raises TrainingError when no row can be made."""
    trees: list[Any] = []
    for number in range(settings.rows):
        for attempt in range(100):
            row = row_of(random.Random(stable_hash("asker", settings.seed, step * settings.rows + number, attempt)))
            tree = None if row is None else tree_of(row, tokenizer)
            if tree is not None and tree.targets and len(tree.ids) <= settings.most_tokens:
                trees.append(tree)
                break
    if not trees:
        raise TrainingError("no row can be made: the data hold no complete request with a value that can be taken out")
    return trees


def _trainable(base: Path, settings: AskerSettings, device: str) -> Any:
    """The model, what is to be trained asking for gradients."""
    import torch
    from transformers import AutoModelForCausalLM

    from sml_agents.backends.loading import resolved_dtype, without_progress_bars

    named = {"auto": resolved_dtype("fast", device), "fp32": "float32", "bf16": "bfloat16"}
    dtype = getattr(torch, named[settings.precision])
    with without_progress_bars():
        model: Any = AutoModelForCausalLM.from_pretrained(
            base, dtype=dtype, attn_implementation="eager", trust_remote_code=False
        )
    model = model.to(device)
    if settings.method == "full":
        return model
    from peft import LoraConfig, get_peft_model

    layers = model.config.num_hidden_layers
    config = LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        target_modules=list(_LINEAR),
        layers_to_transform=list(range(min(settings.first_layer, layers - 1), layers)),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(settings.seed)
    with warnings.catch_warnings():  # what peft up to 0.21 and transformers from 5.20 on have to say to each other
        warnings.filterwarnings("ignore", r"`(is_)?gradient_checkpointing\w*` is deprecated", FutureWarning)
        adapted = get_peft_model(model, config, autocast_adapter_dtype=False)
    if settings.start:
        _start_from(adapted, Path(settings.start))
    return adapted


def _refuse_unless_fresh(out: Path) -> None:
    """InputError where a folder without a state holds more than a run leaves that is cut short before it has one."""
    left = [path.name for path in out.iterdir()] if out.exists() else []
    if WEIGHTS in left or "model.safetensors" in left:
        raise InputError(
            f"The run in {out} has ended: choose another folder, or go on from its low-rank weights with --start {out}."
        )
    if foreign := sorted(name for name in left if name != "saving" and not name.endswith(".partial")):
        raise InputError(f"{out} holds no run to go on with, but {foreign[0]}: choose another folder.")


def _start_from(model: Any, folder: Path) -> None:
    from peft import set_peft_model_state_dict

    _, stored = low_rank_in(folder)
    try:
        loaded: Any = set_peft_model_state_dict(model, stored)
    except RuntimeError as error:
        why = str(error).splitlines()[-1].strip()[:200]  # torch says in the last line which of them do not fit
        raise InputError(f"The weights in {folder} cannot be gone on from: {why}") from error
    if loaded.unexpected_keys:
        raise InputError(
            f"The weights in {folder} are of other layers: choose the settings that they were trained with."
        )


def _parts(model: Any) -> tuple[Any, Any]:
    whole = model.get_base_model() if hasattr(model, "peft_config") else model
    return whole.model, whole.lm_head


def _copy(kept: Sequence[Any], trained: Sequence[Any]) -> None:
    import torch

    with torch.no_grad():
        for one, copy in zip(kept, trained, strict=True):
            copy.copy_(one)


def _save(model: Any, tokenizer: Any, settings: AskerSettings, out: Path) -> None:
    """The weights, whole or not at all."""
    staging = out / "saving"
    shutil.rmtree(staging, ignore_errors=True)
    # Embeddings are not trained; peft would look for the base to see whether they are.
    model.save_pretrained(staging, **({} if settings.method == "full" else {"save_embedding_layers": False}))
    (staging / "README.md").unlink(missing_ok=True)  # peft's empty card
    if settings.method == "full":
        tokenizer.save_pretrained(staging)
    else:
        config = json.loads((staging / "adapter_config.json").read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = "embedded:"
        (staging / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    for path in sorted(staging.iterdir()):
        path.chmod(staging.stat().st_mode & 0o666)  # safetensors lets nobody else read what it writes
        path.replace(out / path.name)
    staging.rmdir()
