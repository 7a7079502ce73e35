"""`sml-agents tasks`: the tasks of a spec as a file, to keep, to look at, or with facts taken out by a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.files import output_file
from sml_agents.cli.result import JsonFlag, Result, kept
from sml_agents.cli.run import MODEL_HELP, TASKS_HELP, every_task
from sml_agents.errors import InputError

if TYPE_CHECKING:
    from sml_agents.tasks import LoadReport
    from sml_agents.types import Task


def tasks(
    tasks: Annotated[list[str], typer.Option(help=TASKS_HELP, metavar="SPEC")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The JSON Lines file to write.")],
    hide_with: Annotated[
        str | None,
        typer.Option(
            metavar="BACKEND", help=f"A model that takes a needed fact out of complete problems. {MODEL_HELP}"
        ),
    ] = None,
    json: JsonFlag = False,
) -> Result:
    """Write tasks to a file, to be named as tasks:FILE.

    The file gives the same tasks whatever later releases generate. A model that --hide-with names makes complete
    problems underspecified; what it writes is checked by count, and refused where the fact is not the one missing.
    """
    from sml_agents.files import whole_file
    from sml_agents.tasks import LoadReport

    report = LoadReport()
    made = every_task(list(dict.fromkeys(tasks)))
    if hide_with is not None:
        made = _hidden(made, hide_with, report)
    written = 0
    with kept(f"nothing was written, and {out} is as it was"), whole_file(output_file(out)) as partial:
        with partial.open("w", encoding="utf-8") as file:
            for task in made:
                file.write(task.model_dump_json(exclude_defaults=True) + "\n")
                written += 1
        if not written:
            raise InputError(f"no task is left to write: {report}")
    refused = dict(report.refused.most_common())
    return Result({"tasks": written, "file": str(out), "refused": refused}, lambda: _print(written, out, report))


def _hidden(tasks: Iterable[Task], spec: str, report: LoadReport) -> Iterator[Task]:
    import asyncio

    from sml_agents.backends import resolve
    from sml_agents.tasks.static.interactive import make_interactive

    made = make_interactive(tasks, resolve(spec), report=report)
    with asyncio.Runner() as runner:
        while (task := runner.run(anext(made, None))) is not None:
            yield task


def _print(written: int, out: Path, report: LoadReport) -> None:
    print(f"{written} tasks in {out}; use them as tasks:{out}")
    for reason, count in report.refused.most_common():
        print(f"  refused {count}: {reason}")
