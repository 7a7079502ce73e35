"""The public way to run many dialogues: `run_dialogues` on an event loop, `run_dialogues_sync` anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from sml_agents.errors import InputError
from sml_agents.rollout.engine import Dialogue, Item, run_all
from sml_agents.rollout.sharing import SharedItems
from sml_agents.rollout.signals import run_until_signal
from sml_agents.rollout.summary import Progress, RunSummary, Tally
from sml_agents.traces import AsyncWriter, Finished, TraceStore
from sml_agents.traces.claims import LEASE_SECONDS, ClaimLost
from sml_agents.types import StopReason, Task, Trace

if TYPE_CHECKING:
    from sml_agents.dialogue import DialogueGraph, DialogueSettings, Journal
    from sml_agents.dialogue.referee import Classifier
    from sml_agents.roles.primer import Primer
    from sml_agents.roles.student import Student
    from sml_agents.roles.teacher import Teacher
    from sml_agents.verifiers import Verifier

__all__ = ["RunOptions", "run_dialogues", "run_dialogues_sync", "run_graph", "run_into_store"]


class RunOptions(TypedDict, total=False):
    """How dialogues are run; all may be left out."""

    samples: int
    """Dialogues for each task (1)."""
    concurrency: int
    """Dialogues at once (32)."""
    resume: bool
    """Go on with the run in the store: finish what is missing, refuse changed settings (False)."""
    retry_failed: bool
    """With `resume`, run failed dialogues again, from the call that failed on (False: they stay as recorded)."""
    lease: float
    """Seconds until another process that shares a run on a server takes over the dialogues of one that died (60)."""
    run_settings: Mapping[str, Any]
    """More settings to keep with the run and to compare on resume, such as the task specs."""
    total: int
    """Number of dialogues, for progress; known without it when `tasks` has a length."""
    on_progress: Callable[[Progress], None]
    """Called on the event loop at the start, after each dialogue and at the end."""
    stop: asyncio.Event
    """Set it to end the run early: running dialogues are cancelled and the summary says `interrupted`. With
    `run_dialogues_sync` signals do that."""


async def run_graph(
    tasks: Iterable[Task],
    graph: DialogueGraph,
    store: TraceStore,
    record: Mapping[str, Any],
    *,
    seed: int = 0,
    **options: Unpack[RunOptions],
) -> RunSummary:
    """As `run_dialogues`, for a graph of your own with the dialogue graph's input, output and context.

    `record` must say all that shapes its dialogues: with `seed` it makes the ids.
    """
    from sml_agents.dialogue import DialogueContext

    async def dialogue(item: Item, journal: Journal | None) -> Trace:
        result = await graph.ainvoke(
            {"task": item.task, "sample": item.sample, "id": item.id}, context=DialogueContext(journal=journal)
        )
        trace = result.get("trace")
        if not isinstance(trace, Trace):
            raise TypeError("the graph ended without a trace: a person cannot teach many dialogues at once")
        return trace

    return await run_into_store(tasks, dialogue, store, record, seed=seed, **options)


async def run_into_store(
    tasks: Iterable[Task],
    dialogue: Dialogue,
    store: TraceStore,
    record: Mapping[str, Any],
    *,
    seed: int = 0,
    **options: Unpack[RunOptions],
) -> RunSummary:
    """As `run_graph`, for anything that can run one dialogue."""
    samples, total = options.get("samples", 1), options.get("total")
    if samples < 1:
        raise InputError("samples and concurrency must be at least 1")
    if total is None and isinstance(tasks, Sized):
        total = len(tasks) * samples
    if (lease := options.get("lease", LEASE_SECONDS)) <= 0:
        raise InputError("the lease of a dialogue is a number of seconds above 0")
    kept = {**record, "samples": samples, "seed": seed, **options.get("run_settings", {})}
    store.start_run(kept, resume=options.get("resume", False))
    sink = _StoreSink(store, Tally(total), options.get("on_progress"))
    failed: dict[str, str] = {}
    wanted = _missing(tasks, samples, record, seed, sink.tally, store, failed if options.get("retry_failed") else None)
    if store.is_server:
        sink.share(wanted, lease, failed)
    interrupted = await run_all(
        sink.shared or wanted,
        dialogue,
        sink,
        concurrency=options.get("concurrency", 32),
        record=record,
        stop=options.get("stop"),
    )
    return sink.tally.summary(interrupted=interrupted)


async def run_dialogues(
    tasks: Iterable[Task],
    student: Student,
    teacher: Teacher,
    store: TraceStore,
    *,
    settings: DialogueSettings | None = None,
    primer: Primer | None = None,
    verifier: Verifier | None = None,
    classifier: Classifier | None = None,
    **options: Unpack[RunOptions],
) -> RunSummary:
    """Run a dialogue between `student` and `teacher` for each of `tasks`, and keep the traces in `store`.

    `tasks` is read as needed. Every model reply is committed before it is used: a run that was killed, at any time,
    goes on with `resume=True`, repeats no call that was answered, and ends with the traces of an unbroken one. A
    dialogue that fails is recorded with stop reason `failed`.

    Raises InputError or SettingsMismatch when the store holds another run, StoreError when it cannot be written, and
    BudgetExceeded, MissingExtra or BackendSpecError, which would fail every dialogue; what was finished is kept. When
    cancelled it lets go of the running dialogues first. See `RunOptions` for the options.
    """
    from sml_agents.dialogue import Cast, DialogueSettings
    from sml_agents.roles.primer import OraclePrimer

    cast = Cast(student, teacher, settings or DialogueSettings(), primer or OraclePrimer(), verifier, classifier)
    return await run_graph(tasks, cast.graph(), store, cast.record, seed=cast.settings.seed, **options)


class _StoreSink:
    """Keeps the dialogues of a run in a store, and counts them."""

    shared: SharedItems | None = None
    """The dialogues to run, where other processes may run some of them."""

    def __init__(self, store: TraceStore, tally: Tally, on_progress: Callable[[Progress], None] | None) -> None:
        self.tally = tally
        self.writer = AsyncWriter(store)
        self._on_progress = on_progress

    def share(self, wanted: Iterator[Item], lease: float, again: Mapping[str, str]) -> None:
        """Take from `wanted` what no other process has."""
        self.shared = SharedItems(wanted, self.writer, lease=lease, again=again, on_done=self._done_elsewhere)

    async def __aenter__(self) -> _StoreSink:
        self._report()
        if self.shared is not None:
            await self.shared.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        try:
            if self.shared is not None:
                await self.shared.__aexit__(*error)
        finally:
            await self.writer.drain()
        self._report()

    async def start(self, item: Item) -> Journal:
        if self.shared is None:
            await self.writer.start(item.id, item.task, item.position)
        return self.writer.journal(item.id)

    async def finish(self, item: Item, trace: Trace) -> None:
        if self.writer.failure is not None:  # a graph may have taken it for a failure of the model
            raise self.writer.failure
        try:
            await self.writer.finish(trace, item.position)
        except ClaimLost:
            assert self.shared is not None
            self.shared.give_up(item)
            return
        self.tally.add(trace)
        self._report()

    def _done_elsewhere(self, finished: Finished) -> None:
        self.tally.add_elsewhere(finished)
        self._report()

    def _report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.tally.progress())


def _missing(
    tasks: Iterable[Task],
    samples: int,
    record: Mapping[str, Any],
    seed: int,
    tally: Tally,
    store: TraceStore,
    failed: dict[str, str] | None,
) -> Iterator[Item]:
    """Wanted minus finished, counting the finished; a task that comes twice is run once.

    With `failed`, those that failed are wanted again; it gets their ids, and when each had failed.
    """
    from sml_agents.dialogue import dialogue_id

    finished = store.finished()
    seen: set[str] = set()
    for number, task in enumerate(tasks):
        for sample in range(samples):
            id = dialogue_id(task, sample, record, seed)
            if id in seen:
                continue
            seen.add(id)
            known = finished.pop(id, None)
            again = known is not None and failed is not None and known.stop == StopReason.FAILED
            if known is not None and not again:
                tally.add_resumed(known)
            else:
                if known is not None and failed is not None:
                    failed[id] = known.at
                yield Item(id, task, sample, number * samples + sample)


class DialogueParts(RunOptions, total=False):
    """The options of `run_dialogues`."""

    settings: DialogueSettings | None
    primer: Primer | None
    verifier: Verifier | None
    classifier: Classifier | None


def run_dialogues_sync(
    tasks: Iterable[Task],
    student: Student,
    teacher: Teacher,
    store: TraceStore,
    **options: Unpack[DialogueParts],
) -> RunSummary:
    """`run_dialogues` from code that is not asynchronous, or that is (a notebook): it then runs in a thread.

    SIGINT (Ctrl-C) and SIGTERM end the run cleanly: the summary says `interrupted`, all that was finished or answered
    is in the store. A second signal ends the process at once.
    """

    async def main(stop: asyncio.Event) -> RunSummary:
        options["stop"] = stop
        return await run_dialogues(tasks, student, teacher, store, **options)

    return run_until_signal(main)
