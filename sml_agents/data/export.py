"""Traces as training data for other tools.

    report = export(store.traces(solved=True), "trl", "out/train.jsonl", TraceFilter(last_turn=3))

Formats:
    trl                    `messages`: whole dialogues (train with `assistant_only_loss=True`)
    trl-prompt-completion  one row for each student turn: `prompt` is the history, `completion` the turn
    preference             `prompt`, `chosen`, `rejected`: two student turns at the same history
    kto                    `prompt`, `completion`, `label`: one student turn, good or bad at its place
    openai                 JSONL for OpenAI's fine-tuning; student turns that are not taken have `weight` 0
    sharegpt               `conversations` of `from` and `value`
    parquet                a folder with Parquet and a dataset card

Only what the student could see is written: the public turns and labels on them, its tools, its own calls and what they
returned, and in `preference` the student's own attempt that Q-priming replaced. A call is there to be learnt, a result
is not. Formats that cannot mask a turn leave out dialogues of which only a part is taken.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import orjson
from pydantic import BaseModel, Field

from sml_agents.data.formats import MIXED, ROW_MAKERS, System, pair_row
from sml_agents.data.lines import write_lines
from sml_agents.data.nouns import LeftOut
from sml_agents.data.pairs import Pair, PairMaker
from sml_agents.data.parquet import check_folder, dataset_card, write_rows
from sml_agents.data.selection import UNJUDGED, UNPAIRED, UNREVIEWED, Conversation, TraceFilter, leaks_to_student
from sml_agents.errors import InputError
from sml_agents.files import obstacle
from sml_agents.types import Role, Trace

__all__ = ["FORMATS", "JUDGING", "ExportReport", "Format", "TraceFilter", "export"]

Format = Literal["trl", "trl-prompt-completion", "preference", "kto", "openai", "sharegpt", "parquet"]
FORMATS: tuple[str, ...] = get_args(Format)

JUDGING = ("preference", "kto")
"""Formats whose rows say of a turn that it was good or bad."""


class ExportReport(BaseModel):
    """What an export read, left out and wrote."""

    format: str
    path: Path
    traces: int = 0
    """Traces read."""
    taken: int = 0
    """Traces that passed the filter."""
    rows: int = 0
    left_out: dict[str, int] = Field(default_factory=dict)
    """Traces that are not in the output, by reason."""
    sources: dict[str, int] = Field(default_factory=dict)
    """Of `preference` and `kto`: where the rows came from."""
    unmined: int = 0
    """Of the traces taken: logs as they were recorded, with what the agent guessed; see `sml_agents.mining`."""
    leak_rate: float | None = None
    """Share of the teacher turns in the traces taken from which the answer can be read off; None without any."""
    sha256: str = ""
    """Of the file; of `parquet` of the rows as JSON lines."""
    seconds: float = 0.0


def export(
    traces: Iterable[Trace],
    format: str,
    out: str | Path,
    filters: TraceFilter | None = None,
    *,
    system: System = None,
    tool_calls: bool = True,
    licence: str = "unknown",
    name: str = "",
) -> ExportReport:
    """Write `traces` in `format` to the file (for `parquet`: the folder) `out`, in one pass.

    The output appears when all of it has been written; an export that fails leaves what was there before.

    Args:
        filters: None takes every student turn but wrong attempts (which `preference` and `kto` need), and of lessons
            those that were accepted and are not held out.
        system: system prompt put before every dialogue, as the student will have it; empty for none. None takes that
            of the agent whose log a trace is, and none for other traces.
        tool_calls: False leaves out tools, calls and results: what the two said to each other remains.
        licence: of the data set card; the traces themselves do not know theirs.
        name: title of the data set card; the folder's name when empty.

    Raises:
        InputError: an unknown format, an unusable path, or nothing left to write (the message names the filter).
    """
    if format not in FORMATS:
        raise InputError(f"unknown export format {format!r}: choose one of {', '.join(FORMATS)}")
    out = Path(out)
    report = ExportReport(format=format, path=out)
    traces = traces if tool_calls else map(_without_tools, traces)
    work = _Export(traces, format, filters or TraceFilter(), system, report)
    started = time.monotonic()
    try:
        if format == "parquet":
            check_folder(out)
            report.rows = write_rows(work.hashed_rows(), out, lambda: work.card(name or out.name, licence))
        else:
            if out.is_dir():
                raise InputError(f"{out} is a folder; give a file name for the {format} format")
            report.rows, report.sha256 = write_lines(work.rows(), out)
    except EOFError:
        raise InputError(work.nothing_left()) from None
    except (UnicodeEncodeError, orjson.JSONEncodeError) as error:
        raise InputError(
            f"a text cannot be written as UTF-8 ({error}): pass the traces through a TraceStore"
        ) from error
    except OSError as error:
        raise InputError(f"cannot write to {out}: {obstacle(out, error)}") from error
    work.finish()
    work.report.seconds = round(time.monotonic() - started, 3)
    return work.report


class _Export:
    """One pass over the traces, counting as it goes."""

    def __init__(
        self, traces: Iterable[Trace], format: str, filters: TraceFilter, system: System, report: ExportReport
    ) -> None:
        self.traces = traces
        self.format = format
        self.filters = filters
        self.system = system
        self.report = report
        self.left_out: LeftOut = Counter()
        self.sources: Counter[str] = Counter()
        headings = ("Logs", "Ends", "Forms", "Acts of turns taken", "Tools called")
        self.tables: dict[str, Counter[str]] = {heading: Counter() for heading in headings}
        self.logs = 0
        self.times: list[str] = []
        self.traces_read = self.taken = self.leaking = self.teacher_turns = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        pairs = PairMaker() if self.format == "preference" else None
        make = ROW_MAKERS.get(self.format)
        for trace in self.traces:
            self.traces_read += 1
            conversation = self._take(trace)
            if isinstance(conversation, str):
                self.left_out[conversation] += 1
                continue
            self.taken += 1
            self._count(trace)
            if pairs is not None:
                yield from self._paired(pairs.add(conversation))
            elif make is not None:
                made = False
                for row in make(conversation, self.system):
                    made = True
                    if self.format == "kto":
                        self.sources[row["source"]] += 1
                    yield row
                if not made:
                    self.left_out[UNJUDGED if self.format == "kto" else MIXED] += 1
                if self.format == "parquet":
                    if not trace.is_log:
                        self.tables["Ends"][trace.stop] += 1
                        self.tables["Forms"][trace.task.form] += 1
                    self.tables["Acts of turns taken"].update(
                        str(conversation.turns[at].act or "unknown") for at in conversation.targets
                    )
        if pairs is not None:
            yield from self._paired(pairs.rest())
            self.left_out[UNPAIRED] += pairs.unpaired

    def _take(self, trace: Trace) -> Conversation | str:
        """What the filter leaves of a trace. In `parquet` stand dialogues, too, of which no turn is to be learnt."""
        found = self.filters.take(trace, judging=self.format in (*JUDGING, "parquet"))
        if isinstance(found, str) or self.format != "parquet":
            return found
        learnt = self.filters.take(trace)
        nothing = tuple(False for _ in found.turns)
        return replace(found, taken=nothing if isinstance(learnt, str) else learnt.taken)

    def hashed_rows(self) -> Iterator[dict[str, Any]]:
        """The rows, their hash in the report at the end."""
        digest = hashlib.sha256()
        for row in self.rows():
            digest.update(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            yield row
        self.report.sha256 = digest.hexdigest()

    def _paired(self, pairs: Iterable[Pair]) -> Iterator[dict[str, Any]]:
        for pair in pairs:
            if (row := pair_row(pair, self.system)) is not None:
                self.sources[pair.source] += 1
                yield row

    def _count(self, trace: Trace) -> None:
        if trace.is_log:
            self.logs += 1
            self.report.unmined += "moment" not in trace.tags
            self.tables["Logs"][str(trace.tags.get("imported") or trace.task.family)] += 1
            self.times += [str(trace.tags[name]) for name in ("started", "ended") if trace.tags.get(name)]
            self.times = [min(self.times), max(self.times)] if self.times else []
        self.tables["Tools called"].update(call.name for turn in trace.turns for call in turn.tool_calls or ())
        for turn in trace.turns:
            if turn.role is Role.TEACHER and not trace.is_log:
                self.teacher_turns += 1
                self.leaking += leaks_to_student(turn)

    def finish(self) -> None:
        self.report.traces, self.report.taken = self.traces_read, self.taken
        self.report.left_out = {reason: count for reason, count in self.left_out.most_common() if count}
        self.report.sources = dict(self.sources)
        self.report.leak_rate = self.leaking / self.teacher_turns if self.teacher_turns else None

    def card(self, name: str, licence: str) -> str:
        return dataset_card(
            name=name,
            licence=licence,
            rows=self.taken,
            tables={heading: dict(counts) for heading, counts in self.tables.items() if counts},
            leaks=(self.leaking, self.teacher_turns),
            filters=self.filters.describe(),
            logs=self.logs,
            times=self.times,
            sha256=self.report.sha256,
        )

    def nothing_left(self) -> str:
        if not self.traces_read:
            return "there is no trace to export: the store is empty, or the query on it matches nothing"
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.left_out.most_common(4) if count)
        what = "no pair could be made" if self.format == "preference" and self.taken else "nothing is left"
        waiting = self.left_out[UNREVIEWED]
        return (
            f"{what} of {self.traces_read} traces with {self.filters.describe()}{f' ({reasons})' if reasons else ''}: "
            f"{'accept lessons first, by `sml-agents review` or `view`' if waiting else 'loosen the filter'}"
        )


def _without_tools(trace: Trace) -> Trace:
    turns = tuple(turn.model_copy(update={"tool_calls": None}) for turn in trace.turns)
    tags = {name: value for name, value in trace.tags.items() if name != "replaced_calls"}
    return trace.model_copy(update={"turns": turns, "tools": (), "tags": tags})
