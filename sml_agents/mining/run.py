"""Mining from store to store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from pydantic import BaseModel, Field

from sml_agents.errors import InputError
from sml_agents.mining.find import find_moments
from sml_agents.mining.lessons import HELDOUT, decide, lesson, moment_of
from sml_agents.mining.moments import Kind, Moment
from sml_agents.traces.store import Batch, TraceStore
from sml_agents.types import Trace

__all__ = ["Finder", "MiningReport", "accept_above", "mine"]

Finder = Callable[[Trace], list[Moment]]
"""What finds the moments of a conversation: `find_moments`, a judge, or your own."""

_BATCH = 500


class MiningReport(BaseModel):
    """What mining read and found."""

    traces: int = 0
    moments: int = 0
    kinds: dict[str, int] = Field(default_factory=dict)
    rules: dict[str, int] = Field(default_factory=dict)
    unsure: int = 0
    """Moments left out because they were below `min_confidence`."""
    own: int = 0
    """Dialogues of a student and a teacher that were run here, among the conversations."""
    without: int = 0
    """Conversations in which nothing was found."""
    kept: int = 0
    """Lessons that were reviewed before, and were left as they are."""
    splits: dict[str, int] = Field(default_factory=dict)
    """Lessons for training, and lessons of other threads to measure on."""
    judged: int = 0
    """Moments that a judge gave its opinion on."""
    unjudged: dict[str, int] = Field(default_factory=dict)
    """Moments that were left as the rules found them although there is a judge, by reason."""


def mine(
    traces: Iterable[Trace],
    store: TraceStore,
    *,
    find: Finder = find_moments,
    min_confidence: float = 0.0,
    heldout: float = HELDOUT,
    on_progress: Callable[[MiningReport], None] | None = None,
) -> MiningReport:
    """Write a lesson to `store` for each moment in `traces`; one that was reviewed already is not touched.

    `heldout`: share of the threads whose lessons are marked as not for training (`split` is `heldout`). Raises
    InputError for lessons.
    """
    report = MiningReport()
    kinds: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    reviewed = {id for id, known in store.finished().items() if known.solved is not None}
    batch: list[Trace] = []

    def flush() -> None:
        store.write(Batch(done=[store.done_row(one) for one in batch]))
        batch.clear()
        report.splits = dict(splits)
        report.kinds, report.rules = dict(kinds.most_common()), dict(rules.most_common())
        if on_progress is not None:
            on_progress(report)

    for trace in traces:
        if "moment" in trace.tags:
            raise InputError("these are lessons already: mine the store of the logs that they came from")
        report.traces += 1
        report.own += not trace.is_log
        moments = find(trace)
        report.without += not moments
        for moment in moments:
            if moment.confidence < min_confidence:
                report.unsure += 1
                continue
            made = lesson(trace, moment, heldout=heldout)
            if made.id in reviewed:
                report.kept += 1
                continue
            report.moments += 1
            splits[made.task.split] += 1
            kinds[moment.kind] += 1
            rules[moment.by] += 1
            batch.append(made)
        if len(batch) >= _BATCH:
            flush()
    flush()
    return report


def accept_above(store: TraceStore, confidence: float, kinds: Collection[Kind] | None = None) -> int:
    """Accept every open lesson at least this sure, with no person looking; returns how many."""
    accepted = []
    for trace in store.traces():
        moment = moment_of(trace)
        if moment is None or moment.review != "open" or moment.confidence < confidence:
            continue
        if not kinds or moment.kind in kinds:
            accepted.append(decide(trace, "accepted"))
    for start in range(0, len(accepted), _BATCH):
        store.write(Batch(done=[store.done_row(one) for one in accepted[start : start + _BATCH]]))
    return len(accepted)
