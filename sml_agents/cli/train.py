"""`sml-agents train`: fine-tune a model on the dialogues of a store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.result import JsonFlag, Result, kept, print_left_out
from sml_agents.errors import InputError, StoreError

if TYPE_CHECKING:
    from sml_agents.training import Preview, TrainResult


def train(
    context: typer.Context,
    config: Annotated[Path, typer.Option(metavar="FILE", help="YAML file with the settings of the run.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and stop.")] = False,
    json: JsonFlag = False,
) -> Result:
    """Fine-tune a model on the student's turns.

    Usage: train [sft|dpo|kto|sdft|grpo] --config FILE [--key value ...]. The file names the recipe, the dialogues, the
    folder for the result and how to train; every setting, TRL's own included, can also be given as --key value, such as
    --epochs 2 --lora.r 8. The result loads as transformers:OUT.

    For files to start from: sml-agents recipes copy finetune/train
    """
    from sml_agents.training import ProgressLine, load_run, named_values, preview_run, train_run

    words = list(context.args)
    recipe = words.pop(0) if words and not words[0].startswith("--") else None
    given = named_values(words)
    if recipe is not None and given.setdefault("recipe", recipe) != recipe:
        raise InputError(f"the recipe is given twice, as {recipe!r} and as {given['recipe']!r}: give it once")
    if not os.path.lexists(config):
        raise InputError(f"there is no settings file {config}: {_where_from(config)}")
    run = load_run(config, given)
    try:
        if dry_run:
            plan = preview_run(run)
            payload = {**plan.model_dump(mode="json", exclude={"example"}), "example": plan.marked()}
            return Result(payload, lambda: _print_plan(plan))
        with kept("the same command with --resume true goes on from the last checkpoint, or else begins anew"):
            done = train_run(run, ProgressLine())
    except StoreError as error:
        raise InputError(str(error)) from error
    return Result(done.model_dump(mode="json"), lambda: _print_result(done))


def _where_from(config: Path) -> str:
    """How to come by a settings file that is not there."""
    from sml_agents.cli.recipes import recipe_with

    name = recipe_with(config.name)
    if name is None:
        return "give the path of yours, or start from one of those that `sml-agents recipes copy finetune/train` writes"
    folder = config.parent.as_posix()
    to = "" if folder == name.rpartition("/")[0] else f" --to {folder}"
    return f"`sml-agents recipes copy {name}{to}` writes it"


def _print_plan(plan: Preview) -> None:
    from sml_agents.cli.clean import clean
    from sml_agents.training.dry_run import describe

    print(clean(describe(plan)))


_EARLY = {
    "time": ": max_seconds were over",
    "reached": ": the measure was reached",
    "patience": ": the loss on the rows set aside fell no more",
}


def _print_result(result: TrainResult) -> None:
    losses = "" if result.last_loss is None else f", loss {result.first_loss:.3f} -> {result.last_loss:.3f}"
    planned, why = (f" of {result.planned_steps}", _EARLY[result.stopped]) if result.stopped in _EARLY else ("", "")
    print(f"{result.steps}{planned} steps in {result.seconds:.0f} s{losses}{why}")
    if (held := result.notes.get("held_out")) and held["losses"]:
        best = dict(held["losses"])[held["best_step"]]
        print(f"  kept is step {held['best_step']}, with a loss of {best:.3f} on {held['rows']} rows set aside")
    for name, count in result.notes.get("sources", {}).items():
        print(f"  {count} {name}")
    if (data := result.data).dialogues is not None:
        print(f"{data.rows:,} rows from {data.dialogues:,} dialogues")
    print_left_out(data.all_left_out)
    print(f"use it as transformers:{result.path}")
