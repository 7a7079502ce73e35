"""The public way to hold many dialogues: `run_dialogues` on an event loop, `run_dialogues_sync` anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from sml_agents.rollout.engine import hold_dialogues
from sml_agents.rollout.signals import run_until_signal
from sml_agents.rollout.summary import Progress, RunSummary
from sml_agents.traces import TraceStore
from sml_agents.types import Task, Trace

if TYPE_CHECKING:
    from sml_agents.dialogue import DialogueGraph, DialogueSettings
    from sml_agents.dialogue.referee import Classifier
    from sml_agents.roles.primer import Primer
    from sml_agents.roles.student import Student
    from sml_agents.roles.teacher import Teacher
    from sml_agents.verifiers import Verifier

__all__ = ["RunOptions", "run_dialogues", "run_dialogues_sync", "run_graph"]


class RunOptions(TypedDict, total=False):
    """How dialogues are run; all may be left out."""

    samples: int
    """Dialogues for each task (1)."""
    concurrency: int
    """Dialogues at once (32)."""
    resume: bool
    """Go on with the run in the store: finish what is missing, refuse changed settings (False)."""
    retry_failed: bool
    """With `resume`, hold failed dialogues again, from the call that failed on (False: they stay as recorded)."""
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
    settings: Mapping[str, Any],
    *,
    seed: int = 0,
    **options: Unpack[RunOptions],
) -> RunSummary:
    """As `run_dialogues`, for a graph of your own with the dialogue graph's input, output and context.

    `settings` must say all that shapes its dialogues: with `seed` they make the ids.
    """
    from sml_agents.dialogue import DialogueContext

    async def dialogue(task: Task, sample: int, id: str, journal: Any) -> Trace:
        result = await graph.ainvoke(
            {"task": task, "sample": sample, "id": id}, context=DialogueContext(journal=journal)
        )
        trace = result.get("trace")
        if not isinstance(trace, Trace):
            raise TypeError("the graph ended without a trace: a person cannot teach many dialogues at once")
        return trace

    samples, total = options.get("samples", 1), options.get("total")
    if total is None and isinstance(tasks, Sized):
        total = len(tasks) * samples
    kept = {**settings, "samples": samples, "seed": seed, **options.get("run_settings", {})}
    store.start_run(kept, resume=options.get("resume", False))
    return await hold_dialogues(
        tasks,
        dialogue,
        store,
        settings=settings,
        seed=seed,
        samples=samples,
        concurrency=options.get("concurrency", 32),
        retry_failed=options.get("retry_failed", False),
        total=total,
        on_progress=options.get("on_progress"),
        stop=options.get("stop"),
    )


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
    """Hold a dialogue between `student` and `teacher` for each of `tasks`, and keep the traces in `store`.

    `tasks` is read as needed. Every model reply is committed before it is used: a run that was killed, at any time,
    goes on with `resume=True`, repeats no call that was answered, and ends with the traces of an unbroken one. A
    dialogue that fails is recorded with stop reason `failed`.

    Raises InputError or SettingsMismatch when the store holds another run, StoreError when it cannot be written, and
    BudgetExceeded, MissingExtra or BackendSpecError, which would fail every dialogue; what was finished is kept. When
    cancelled it lets go of the running dialogues first. See `RunOptions` for the options.
    """
    from sml_agents.dialogue import DialogueSettings, build_dialogue
    from sml_agents.roles.primer import OraclePrimer

    settings = settings or DialogueSettings.model_validate({})
    graph = build_dialogue(student, teacher, settings=settings, primer=primer, verifier=verifier, classifier=classifier)
    made_of: dict[str, Any] = {
        "dialogue": settings.model_dump(mode="json"),
        "student": student.settings,
        "teacher": teacher.settings,
    }
    if settings.q_priming is not None:
        made_of["primer"] = (primer or OraclePrimer()).settings
    for name, part in (("verifier", verifier), ("classifier", classifier)):
        if part is not None:
            made_of[name] = type(part).__name__
    return await run_graph(tasks, graph, store, made_of, seed=settings.seed, **options)


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
