"""`sml-agents report`: the figures and the dialogues as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sml_agents.cli.files import output_file
from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError, StoreError


def report(
    source: Annotated[str, typer.Argument(help="A store, or a folder that eval or demo wrote.", metavar="STORE|DIR")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The HTML file to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Heading of the page.")] = None,
    dialogues: Annotated[int, typer.Option(min=0, metavar="N", help="Dialogues to put into the page at most.")] = 200,
    json: JsonFlag = False,
) -> Result:
    """Write the report, one HTML file.

    It holds figures, curves and dialogues to read, and loads nothing from elsewhere.
    """
    from sml_agents.evaluation.report import write_report

    output_file(out)
    try:
        path = write_report(source, out, title=title, dialogues=dialogues)
    except StoreError as error:
        raise InputError(str(error)) from error
    return Result({"report": str(path), "bytes": path.stat().st_size}, lambda: print(path))
