"""`sml-agents import`: logs of other people's agents as traces."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.files import open_store, read_tools
from sml_agents.cli.result import FAILED, JsonFlag, Result, kept

if TYPE_CHECKING:
    from sml_agents.traces.importers import ImportReport, Loss

_SHOWN = 10
FORMATS_HELP = (
    "FORMAT:PATH with langgraph, openai, sharegpt, langsmith, langfuse, otel, openinference, mint, "
    "lost-in-conversation or inspect; may be given several times."
)


def import_(
    logs: Annotated[list[str], typer.Argument(metavar="FORMAT:PATH", help=FORMATS_HELP)],
    store: Annotated[str, typer.Option(metavar="PATH|URL", help="The store to write to; made when missing.")],
    personal: Annotated[
        bool, typer.Option("--redact-personal", help="Take out mail addresses, phone, card and account numbers, too.")
    ] = False,
    system: Annotated[
        str, typer.Option(metavar="TEXT", help="The agent's system prompt, for conversations that hold none.")
    ] = "",
    tools: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: the agent's tools, for conversations that hold none.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when a record was lost.")] = False,
    json: JsonFlag = False,
) -> Result:
    """Import logs of agents into a trace store.

    A record that cannot be read is reported with its place, and the rest is imported. Importing again replaces. Secrets
    are taken out. The exit code is 1 when a log brought nothing.
    """
    from sml_agents.traces import Redactor
    from sml_agents.traces.importers import import_logs, log_place

    for spec in logs:
        log_place(spec)  # before the store is made, and before the first of several is read
    known = read_tools(tools) if tools is not None else []
    reports = []
    told = kept(f"what was imported is in {store}, and the same command brings the rest")
    with told, open_store(store, write=True, redactor=Redactor(personal=personal)) as traces:
        for spec in logs:
            reports.append(import_logs(spec, traces, system=system, tools=known, on_progress=_progress))
    lost = sum(report.lost for report in reports)
    nothing = [report.place for report in reports if not report.imported]
    why = f"nothing was imported from {', '.join(nothing)}" if nothing else ""
    if strict and lost and not why:
        why = f"{lost:,} {'record was' if lost == 1 else 'records were'} lost, and --strict was given"
    payload = {
        "store": store,
        "imported": sum(report.imported for report in reports),
        "lost": lost,
        "failed": why,
        "logs": [{**report.model_dump(), "losses": [loss._asdict() for loss in report.losses]} for report in reports],
    }
    return Result(payload, lambda: _print(reports, store, why), FAILED if why else 0)


def _progress(report: ImportReport) -> None:
    if sys.stderr.isatty():
        print(f"\r{report.imported:,} imported, {report.lost:,} lost", end="", file=sys.stderr, flush=True)


def _print(reports: list[ImportReport], store: str, why: str) -> None:
    from sml_agents.cli.clean import clean

    if sys.stderr.isatty():
        print(file=sys.stderr)
    for report in reports:
        again = f", {report.repeated:,} of them twice" if report.repeated else ""
        print(f"{report.imported:,} conversations from {clean(report.place)}{again}; {report.lost:,} lost; in {store}")
        lacks = [
            f"{count:,} {what}: {option} gives the agent's"
            for count, what, option in (
                (report.without_system, "without a system prompt", "--system"),
                (report.without_tools, "without definitions of the tools that they call", "--tools"),
            )
            if count
        ]
        if lacks:
            print("\n".join(f"  {one}" for one in lacks))
        if report.unread:
            most = sorted(report.unread.items(), key=lambda one: -one[1])[:_SHOWN]
            print(f"  not read: {', '.join(f'{count:,} x {clean(name)}' for name, count in most)}")
        if report.hint:
            print(f"  {clean(report.hint)}")
        alike: dict[str, list[Loss]] = {}
        for loss in report.losses:
            alike.setdefault(loss.why.partition(" (")[0], []).append(loss)
        shown = list(alike.values())[:_SHOWN]
        for first, *more in shown:
            others = f" and {len(more):,} more like it" if more else ""
            print(f"  {clean(first.where)}{others}: {clean(first.why)[:300]}")
        if (left := report.lost - sum(map(len, shown))) > 0:
            print(f"  and {left:,} more: --json lists them")
    if why:
        print(f"exit code {FAILED}: {clean(why)}")
