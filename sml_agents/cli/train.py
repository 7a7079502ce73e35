"""`sml-agents train`: fine-tune a model on the dialogues of a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sml_agents.cli.files import open_store
from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError

if TYPE_CHECKING:
    from sml_agents.cli.train_settings import DataSettings
    from sml_agents.training import Preview, SFTSettings, TrainingRow, TrainResult

METHODS = ("sft",)


def train(
    context: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="sft")],
    config: Annotated[Path, typer.Option(metavar="FILE", help="YAML file with settings.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be trained, and stop.")] = False,
    json: JsonFlag = False,
) -> Result:
    """Fine-tune a model on the student's turns.

    The file names the data (store, recipe, missing, limit, discount, system), the folder (out), the model and how to
    train it; every one of these can also be given as --key value, such as --epochs 2 --lora.r 8. The result loads as
    transformers:OUT.
    """
    if method not in METHODS:
        raise InputError(f"there is no training method {method!r} in this version; choose {' or '.join(METHODS)}")
    from sml_agents.cli.train_settings import DataSettings, data_settings, overrides, read_file
    from sml_agents.training import load_settings

    file = read_file(config)
    given = {**file, **overrides(context.args, file)}
    names = DataSettings.model_fields
    settings = load_settings(None, **{name: value for name, value in given.items() if name not in names})
    data = data_settings({name: value for name, value in given.items() if name in names}, config)
    rows = _rows(data, settings)
    if dry_run:
        from sml_agents.training import preview

        planned = preview(rows, settings)
        payload = {**planned.model_dump(mode="json", exclude={"example"}), "example": planned.marked()}
        return Result(payload, lambda: _print_plan(planned))
    from sml_agents.training import ProgressLine, train_sft

    done = train_sft(rows, settings, data.out, progress=ProgressLine())
    return Result(done.model_dump(mode="json"), lambda: _print_result(done))


def _rows(data: DataSettings, settings: SFTSettings) -> list[TrainingRow]:
    from sml_agents.training import balanced, training_rows

    def read() -> Any:
        for place in data.stores:
            with open_store(place) as store:
                yield from store.traces()

    rows = training_rows(read(), data.recipe, system=data.system, discount=data.discount)
    if data.missing is None:
        return rows
    return balanced(rows, missing=data.missing, limit=data.limit, seed=settings.seed)


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
