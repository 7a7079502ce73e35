"""`sml-agents train`: fine-tune a model on the dialogues of a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError, StoreError

if TYPE_CHECKING:
    from sml_agents.training import Preview, TrainResult

METHODS = ("sft",)


def train(
    context: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="sft")],
    config: Annotated[Path, typer.Option(metavar="FILE", help="YAML file with the settings of the run.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and stop.")] = False,
    json: JsonFlag = False,
) -> Result:
    """Fine-tune a model on the student's turns.

    The file names the stores, the folder for the result, which dialogues to take and how to train; every setting,
    TRL's own included, can also be given as --key value, such as --epochs 2 --lora.r 8. The result loads as
    transformers:OUT. For files to start from: sml-agents recipes copy finetune/sft
    """
    if method not in METHODS:
        raise InputError(f"there is no training method {method!r} in this version; choose {' or '.join(METHODS)}")
    given = named_values(context.args)
    from sml_agents.training import ProgressLine, load_run, preview, train_sft
    from sml_agents.training.config import rows_of

    run = load_run(config, given)
    try:
        rows = rows_of(run)
    except StoreError as error:
        raise InputError(str(error)) from error
    if dry_run:
        plan = preview(rows, run.sft)
        payload = {**plan.model_dump(mode="json", exclude={"example"}), "example": plan.marked()}
        return Result(payload, lambda: _print_plan(plan))
    done = train_sft(rows, run.sft, run.out, progress=ProgressLine())
    return Result(done.model_dump(mode="json"), lambda: _print_result(done))


def named_values(words: list[str]) -> dict[str, str]:
    """`--key value` and `--key=value` pairs; InputError for anything else."""
    found: dict[str, str] = {}
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or name == "--":
            raise InputError(f"{name!r} is not expected here; settings are given as --key value")
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise InputError(f"{name} needs a value, such as {name} VALUE")
            value = rest.pop(0)
        found[name.removeprefix("--")] = value
    return found


def _print_plan(plan: Preview) -> None:
    from sml_agents.cli.clean import clean

    data = plan.data
    print(f"{data.rows} rows, {data.tokens:,} tokens, {data.trained_tokens:,} of them trained; {plan.steps} steps")
    print(f"{plan.trained_parameters:,} of {plan.parameters:,} parameters in {plan.precision} on {plan.device}")
    print(f"about {plan.memory_gb} GB of memory; the first row, trained parts between brackets:\n")
    print(clean(plan.marked()))


def _print_result(result: TrainResult) -> None:
    losses = "" if result.last_loss is None else f", loss {result.first_loss:.3f} -> {result.last_loss:.3f}"
    print(f"{result.steps} steps in {result.seconds:.0f} s{losses}")
    print(f"use it as transformers:{result.path}")
