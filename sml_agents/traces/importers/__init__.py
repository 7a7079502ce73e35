"""Logs of other people's agents as traces.

    with TraceStore.open("logs.sqlite") as store:
        report = import_logs("langgraph:checkpoints.sqlite", store)

Formats (`FORMAT:PLACE`):
    langgraph             a LangGraph checkpointer: an SQLite file or a PostgreSQL URL, every thread
    openai                chat JSONL: `messages`, or logged requests with their responses
    sharegpt              `conversations` of `from` and `value`
    langsmith             runs of LangSmith, JSON or its bulk export
    langfuse              traces of Langfuse, with their scores, JSON or its blob export
    otel                  spans of a model's calls, by OpenTelemetry's GenAI conventions or another known one
    openinference         the same: spans of OpenInference, as Phoenix exports them
    mint                  outputs of MINT
    lost-in-conversation  simulation logs of Lost in Conversation
    inspect               logs of Inspect

Importing is streaming and tolerant: a record that cannot be read is reported with its place and never stops the rest,
what is left out of one that can is counted by name, and a file that brings nothing is a loss. Importing again replaces
what was imported before.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from sml_agents.errors import InputError
from sml_agents.traces.importers.chat import read_openai, read_sharegpt
from sml_agents.traces.importers.chats import tools_in
from sml_agents.traces.importers.checkpoints import read_langgraph
from sml_agents.traces.importers.likeness import likeness
from sml_agents.traces.importers.messages import DAMAGE, why
from sml_agents.traces.importers.platforms import read_langfuse, read_langsmith
from sml_agents.traces.importers.published import read_inspect, read_lost, read_mint
from sml_agents.traces.importers.record import Log, Loss, OnLoss, Score, trace_of
from sml_agents.traces.importers.spans import read_openinference, read_otel
from sml_agents.traces.store import Batch, TraceStore
from sml_agents.types import Trace

__all__ = ["FORMATS", "ImportReport", "Log", "Loss", "Score", "import_logs", "log_place", "read_logs"]

Reader = Callable[[str, OnLoss], Iterator[Log]]

FORMATS: dict[str, Reader] = {
    "langgraph": read_langgraph,
    "openai": read_openai,
    "sharegpt": read_sharegpt,
    "langsmith": read_langsmith,
    "langfuse": read_langfuse,
    "otel": read_otel,
    "openinference": read_openinference,
    "mint": read_mint,
    "lost-in-conversation": read_lost,
    "inspect": read_inspect,
}

_BATCH = 500
_MOST_LOSSES = 100_000


class ImportReport(BaseModel):
    """What an import read, kept and lost."""

    format: str
    place: str
    records: int = 0
    """Conversations met, lost ones included."""
    imported: int = 0
    without_system: int = 0
    """Imported conversations that hold no system prompt, as checkpoints of LangGraph do not."""
    without_tools: int = 0
    """Imported conversations whose agent called tools that the log does not define."""
    repeated: int = 0
    """Conversations that are the same as an earlier one of this import."""
    lost: int = 0
    unread: dict[str, int] = Field(default_factory=dict)
    """What the imported records hold beside what was read, by name, and how often; see `Trace.tags["unread"]`."""
    losses: list[Loss] = Field(default_factory=list)
    """The first 100,000 that were lost, each with its place and the reason."""
    hint: str = ""
    """Where more was lost than imported and the log looks like something else: what it looks like, and what to do."""
    seconds: float = 0.0


def read_logs(spec: str, on_loss: OnLoss) -> Iterator[Trace]:
    """The conversations at `FORMAT:PLACE` as traces, one at a time; losses are reported as they are met.

    Raises InputError at once when the format is unknown or the place holds nothing of the kind.
    """
    format, place = log_place(spec)
    return _traces(FORMATS[format](place, on_loss), format, on_loss)


def import_logs(
    spec: str,
    store: TraceStore,
    *,
    system: str = "",
    tools: Sequence[dict[str, Any]] = (),
    on_progress: Callable[[ImportReport], None] | None = None,
) -> ImportReport:
    """Write the conversations at `FORMAT:PLACE` to `store`.

    `system`, `tools`: the agent's prompt and tools, in any provider's format, for conversations that hold none.

    Raises InputError and StoreError, never anything for a bad record.
    """
    format, place = log_place(spec)
    report = ImportReport(format=format, place=shown_place(place))
    began = time.monotonic()

    def lose(loss: Loss) -> None:
        report.lost += 1
        report.records += 1
        if len(report.losses) < _MOST_LOSSES:
            report.losses.append(loss)

    def flush() -> None:
        store.write(Batch(done=rows))
        rows.clear()
        report.seconds = round(time.monotonic() - began, 3)
        if on_progress is not None:
            on_progress(report)

    own = tuple(tools_in({"tools": list(tools)}))
    seen: set[int] = set()
    rows: list[dict[str, Any]] = []
    """Of the next transaction. Rows, not traces: collecting garbage goes through all objects that are kept."""
    for trace in _traces(FORMATS[format](place, lose), format, lose):
        report.records += 1
        key = int(trace.id, 16)
        if key in seen:
            report.repeated += 1
            continue
        seen.add(key)
        lacks = {
            name: value for name, value in (("system", system), ("tools", own)) if value and not getattr(trace, name)
        }
        trace = trace.model_copy(update=lacks) if lacks else trace
        report.without_system += not trace.system
        report.without_tools += not trace.tools and any(turn.tool_calls for turn in trace.turns)
        rows.append(store.done_row(trace))
        report.imported += 1
        for name, count in trace.tags.get("unread", {}).items():
            report.unread[name] = report.unread.get(name, 0) + count
        if len(rows) >= _BATCH:
            flush()
    if rows:
        flush()
    if not report.records:
        lose(Loss("end", f"it holds nothing that is known as {format}: is that its format?"))
    if report.lost > report.imported:
        report.hint = _other_format(format, place)
    report.seconds = round(time.monotonic() - began, 3)
    return report


def _other_format(format: str, place: str) -> str:
    """What a log looks like that was given as `format`, if that is something else."""
    found = likeness(place) if "://" not in place else None
    same = found is None or FORMATS.get(found.format) is FORMATS[format]
    return "" if found is None or same else found.sentence(place)


def by_reason(losses: list[Loss]) -> dict[str, int]:
    """How often each reason occurs, the most frequent first."""
    return dict(Counter(loss.why for loss in losses).most_common())


def shown_place(place: str) -> str:
    """`place` without the password of a URL."""
    if "://" not in place:
        return place
    from sqlalchemy import make_url

    return make_url(place).render_as_string(hide_password=True)


def _traces(logs: Iterator[Log], format: str, on_loss: OnLoss) -> Iterator[Trace]:
    for log in logs:
        try:
            trace = trace_of(log, format)
        except DAMAGE as error:
            on_loss(Loss(log.where, why(error)))
        else:
            yield trace


def log_place(spec: str) -> tuple[str, str]:
    """Format and place of `FORMAT:PATH`. Raises InputError for an unknown format and where nothing is."""
    format, colon, place = spec.partition(":")
    if format not in FORMATS or not colon or not place:
        there = next((one for one in (spec, place) if one and Path(one).expanduser().exists()), "")
        found = likeness(there) if there else None
        hint = f"; {found.sentence(there)}" if found is not None else ""
        raise InputError(f"{spec!r} is not FORMAT:PATH with one of the formats {', '.join(FORMATS)}{hint}")
    if "://" not in place and not Path(place).expanduser().exists():
        raise InputError(f"there is nothing at {place}: give the path of a log in the format {format}")
    return format, place
