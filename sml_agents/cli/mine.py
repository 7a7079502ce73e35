"""`sml-agents mine`: teachable moments out of imported logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.files import open_store, same_place
from sml_agents.cli.result import DONE, FAILED, JsonFlag, Result, kept
from sml_agents.errors import InputError

if TYPE_CHECKING:
    from sml_agents.mining import MiningReport


def mine(
    logs: Annotated[str, typer.Argument(metavar="STORE", help="The store with the imported or recorded logs.")],
    store: Annotated[str, typer.Option(metavar="PATH|URL", help="The store for the lessons; made when missing.")],
    judge: Annotated[
        str | None, typer.Option(metavar="BACKEND", help="A model that reads each moment and says what was missing.")
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, metavar="C", help="Leave out what is less sure than this.")
    ] = 0.0,
    heldout: Annotated[
        float, typer.Option(min=0, max=0.9, metavar="SHARE", help="Share of the threads kept out of training.")
    ] = 0.2,
    json: JsonFlag = False,
) -> Result:
    """Find teachable moments in logs.

    Corrections, facts that came late, questions that helped, answers that were right at once: each becomes a lesson,
    with its evidence. Nothing is trained on before it was accepted: sml-agents review with that store
    """
    from sml_agents.mining import find_moments
    from sml_agents.mining import mine as write

    if same_place(logs, store):
        raise InputError(
            "--store is the store of the logs itself: lessons go into a store of their own, name another one"
        )
    asked = None
    if judge is not None:
        from sml_agents.backends import resolve
        from sml_agents.mining.judge import Judge

        asked = Judge(resolve(judge))
    told = kept(f"the lessons found so far are in {store}, and the same command finds the rest")
    with told, open_store(logs) as recorded, open_store(store, write=True) as lessons:
        report = write(
            recorded.traces(),
            lessons,
            find=asked.find if asked is not None else find_moments,
            min_confidence=min_confidence,
            heldout=heldout,
            on_progress=_progress,
        )
        if not report.traces:
            raise InputError(f"{logs} holds no conversation: sml-agents import fills it")
    if asked is not None:
        report.judged, report.unjudged = asked.judged, dict(asked.unjudged)
    payload = {"store": store, **report.model_dump(mode="json")}
    return Result(payload, lambda: _print(report, store), FAILED if report.unjudged else DONE)


def _progress(report: MiningReport) -> None:
    if sys.stderr.isatty():
        print(f"\r{report.traces:,} read, {report.moments:,} moments", end="", file=sys.stderr, flush=True)


def _print(report: MiningReport, store: str) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.kinds.items())
    print(f"{report.moments:,} moments in {report.traces:,} conversations ({kinds or 'none'}); lessons in {store}")
    rest = (
        (f"nothing found in {report.without:,}", report.without),
        (f"{report.unsure:,} not sure enough", report.unsure),
        (f"{report.kept:,} reviewed before, left as they are", report.kept),
    )
    if words := ", ".join(text for text, count in rest if count):
        print(words)
    if report.own:
        print(f"{report.own:,} are dialogues that were run here: sml-agents export makes rows of them as they are")
    for reason, count in report.unjudged.items():
        print(f"not judged, and as the rules found them: {count:,} ({reason})")
    if out := report.splits.get("heldout", 0):
        print(f"{report.moments - out:,} to train on; {out:,} held out to measure on, whole threads (--heldout)")
        if out == report.moments:
            print("none is left to train on: mine again with --heldout 0")
    if report.moments:
        print(f"look at them: sml-agents review {store}, or sml-agents view {store}")
