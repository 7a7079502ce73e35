"""`sml-agents demo`: the whole loop on a small real model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sml_agents.cli.files import output_folder
from sml_agents.cli.result import DONE, FAILED, JsonFlag, Result, kept, seed_option
from sml_agents.demo import Domain


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the model, traces, report and summary.json.")
    ] = Path("demo-out"),
    domain: Annotated[Domain, typer.Option(help="What the model learns to ask about.")] = "requests",
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Measure on these requests of others, too: rows with tools, gold_call, request_complete, "
            "request_missing and missing_param, or any of tools-jsonl:.",
        ),
    ] = None,
    seed: Annotated[int, seed_option("Seed of tasks, dialogues and training.", least=0)] = 0,
    json: JsonFlag = False,
) -> Result:
    """Teach the embedded model to ask, and measure it.

    Needs no API key and no model hub; fifty minutes of one core, with arithmetic an hour.
    """
    from sml_agents.demo import check_pairs, run_demo

    check_pairs(pairs, domain)
    output_folder(out)
    with kept(f"what is finished is in {out}, and the same command goes on where it was"):
        summary = run_demo(out, domain, seed=seed, pairs=pairs)
    failed = any(student["failed"] for student in summary["students"].values())
    return Result(summary, code=FAILED if failed else DONE)
