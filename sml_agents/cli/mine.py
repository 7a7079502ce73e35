"""`sml-agents mine`: teachable moments out of imported logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.files import open_store
from sml_agents.cli.result import JsonFlag, Result

if TYPE_CHECKING:
    from sml_agents.mining import MiningReport


def mine(
    store: Annotated[str, typer.Option(metavar="PATH|URL", help="The store with the imported or recorded logs.")],
    out: Annotated[str, typer.Option(metavar="PATH|URL", help="The store for the lessons; made when missing.")],
    judge: Annotated[
        str | None, typer.Option(metavar="BACKEND", help="A model that reads each moment and says what was missing.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, metavar="C", help="Leave out what is less sure than this.")
    ] = 0.0,
    json: JsonFlag = False,
) -> Result:
    """Find teachable moments in logs.

    Corrections, facts that came late, questions that helped, answers that were right at once: each becomes a lesson,
    with its evidence. Nothing is trained on before it was accepted: sml-agents review OUT
    """
    from sml_agents.mining import find_moments
    from sml_agents.mining import mine as write

    find = find_moments
    if judge is not None:
        from sml_agents.backends import resolve
        from sml_agents.mining.judge import Judge

        find = Judge(resolve(judge)).find
    with open_store(store) as logs, open_store(out, write=True) as lessons:
        report = write(logs.traces(), lessons, find=find, min_confidence=min_confidence, on_progress=_progress)
    return Result({"store": out, **report.model_dump(mode="json")}, lambda: _print(report, out))


def _progress(report: MiningReport) -> None:
    if sys.stderr.isatty():
        print(f"\r{report.traces:,} read, {report.moments:,} moments", end="", file=sys.stderr, flush=True)


def _print(report: MiningReport, out: str) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.kinds.items())
    print(f"{report.moments:,} moments in {report.traces:,} conversations ({kinds or 'none'}); lessons in {out}")
    print(f"nothing found in {report.without:,}" + (f", {report.unsure:,} not sure enough" if report.unsure else ""))
    print(f"look at them: sml-agents review {out}")
