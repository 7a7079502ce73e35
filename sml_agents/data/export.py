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

Only what the student could see is written: the public turns and labels on them, and in `preference` the student's own
attempt that Q-priming replaced. Formats that cannot mask a turn leave out dialogues of which only a part is taken.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import orjson
from pydantic import BaseModel, Field

from sml_agents.data.formats import MIXED, ROW_MAKERS, pair_row
from sml_agents.data.pairs import PairMaker
from sml_agents.data.parquet import check_folder, dataset_card, write_rows
from sml_agents.data.selection import TraceFilter, leaks_to_student
from sml_agents.errors import InputError
from sml_agents.files import whole_file
from sml_agents.types import Role, Trace

__all__ = ["FORMATS", "ExportReport", "Format", "TraceFilter", "export"]

Format = Literal["trl", "trl-prompt-completion", "preference", "kto", "openai", "sharegpt", "parquet"]
FORMATS: tuple[str, ...] = get_args(Format)

_BUFFER = 1 << 20

UNJUDGED = "holds no student turn that can be told good from bad"


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
    leak_rate: float | None = None
    """Share of the teacher turns in the traces taken from which the answer can be read off; None without any."""
    seconds: float = 0.0


def export(
    traces: Iterable[Trace],
    format: str,
    out: str | Path,
    filters: TraceFilter | None = None,
    *,
    system: str = "",
    licence: str = "unknown",
    name: str = "",
) -> ExportReport:
    """Write `traces` in `format` to the file (for `parquet`: the folder) `out`, in one pass.

    The output appears when all of it has been written; an export that fails leaves what was there before.

    Args:
        system: system prompt put before every dialogue, as the student will have it; empty for none.
        licence: of the data set card; the traces themselves do not know theirs.
        name: title of the data set card; the folder's name when empty.

    Raises:
        InputError: an unknown format, an unusable path, or nothing left to write (the message names the filter).
    """
    if format not in FORMATS:
        raise InputError(f"unknown export format {format!r}: choose one of {', '.join(FORMATS)}")
    out = Path(out)
    work = _Export(traces, format, filters or TraceFilter(), system, ExportReport(format=format, path=out))
    started = time.monotonic()
    try:
        if format == "parquet":
            check_folder(out)
            work.report.rows = write_rows(work.rows(), out, lambda: work.card(name or out.name, licence))
        else:
            if out.is_dir():
                raise InputError(f"{out} is a folder; give a file name for the {format} format")
            work.report.rows = _write_lines(work.rows(), out)
    except EOFError:
        raise InputError(work.nothing_left()) from None
    except (UnicodeEncodeError, orjson.JSONEncodeError) as error:
        raise InputError(
            f"a text cannot be written as UTF-8 ({error}): pass the traces through a TraceStore"
        ) from error
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror or error}") from error
    work.finish()
    work.report.seconds = round(time.monotonic() - started, 3)
    return work.report


class _Export:
    """One pass over the traces, counting as it goes."""

    def __init__(
        self, traces: Iterable[Trace], format: str, filters: TraceFilter, system: str, report: ExportReport
    ) -> None:
        self.traces = traces
        self.format = format
        self.filters = filters
        self.system = system
        self.report = report
        self.left_out: Counter[str] = Counter()
        self.sources: Counter[str] = Counter()
        self.tables: dict[str, Counter[str]] = {"Ends": Counter(), "Forms": Counter(), "Acts of turns taken": Counter()}
        self.traces_read = self.taken = self.leaking = self.teacher_turns = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        pairs = PairMaker() if self.format == "preference" else None
        make = ROW_MAKERS.get(self.format)
        for trace in self.traces:
            self.traces_read += 1
            conversation = self.filters.take(trace)
            if isinstance(conversation, str):
                self.left_out[conversation] += 1
                continue
            self.taken += 1
            self._count(trace)
            if pairs is not None:
                for pair in pairs.add(conversation):
                    self.sources[pair.source] += 1
                    yield pair_row(pair, self.system)
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
                    self.tables["Ends"][trace.stop] += 1
                    self.tables["Forms"][trace.task.form] += 1
                    self.tables["Acts of turns taken"].update(
                        str(conversation.turns[at].act or "unknown") for at in conversation.targets
                    )
        if pairs is not None:
            for pair in pairs.rest():
                self.sources[pair.source] += 1
                yield pair_row(pair, self.system)

    def _count(self, trace: Trace) -> None:
        for turn in trace.turns:
            if turn.role is Role.TEACHER:
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
            tables={heading: dict(counts) for heading, counts in self.tables.items()},
            leaks=(self.leaking, self.teacher_turns),
            filters=self.filters.describe(),
        )

    def nothing_left(self) -> str:
        if not self.traces_read:
            return "there is no trace to export: the store is empty, or the query on it matches nothing"
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.left_out.most_common(4) if count)
        what = "no pair could be made" if self.format == "preference" and self.taken else "nothing is left"
        return (
            f"{what} of {self.traces_read} traces with {self.filters.describe()}"
            f"{f' ({reasons})' if reasons else ''}: loosen the filter"
        )


def _write_lines(rows: Iterator[dict[str, Any]], path: Path) -> int:
    written = 0
    with whole_file(path) as partial:
        with partial.open("wb", buffering=_BUFFER) as file:
            for written, row in enumerate(rows, start=1):  # noqa: B007
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        if not written:
            raise EOFError
    return written
