"""Evaluation from models to figures: hold the dialogues, keep them, count them.

evaluate        for programs and the command line; signals end it cleanly
evaluate_async  the same on a running event loop

Every student talks about every task in stores of its own (one file for each student and task spec), so that an
evaluation that was cut off goes on with `resume=True`, and the report can show what was said.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from sml_agents.errors import InputError
from sml_agents.evaluation.answer_loss import answer_loss
from sml_agents.evaluation.baselines import BASELINES, baseline_students
from sml_agents.evaluation.compare import Comparison, Summary
from sml_agents.evaluation.sources import SUMMARY
from sml_agents.types import Trace, stable_hash

if TYPE_CHECKING:
    from sml_agents.roles import Student
    from sml_agents.roles.make import StudentLike, TeacherLike
    from sml_agents.rollout import Progress

__all__ = ["EvaluationOptions", "evaluate", "evaluate_async"]


class EvaluationOptions(TypedDict, total=False):
    """How students are evaluated; all may be left out."""

    teacher: TeacherLike
    """Who answers (`oracle`)."""
    max_turns: int
    """Student turns at most (10, as in the paper's evaluation)."""
    guard: str
    """What happens when the teacher gives the answer away, as in `DialogueSettings.guard` (`flag`)."""
    samples: int
    """Dialogues of each student on each task (1)."""
    concurrency: int
    """Dialogues at once (32)."""
    seed: int
    """Of the dialogues and of the bootstrap (0)."""
    resamples: int
    """Of the bootstrap (2000)."""
    baseline: str
    """The student that the others are compared with (the first)."""
    baselines: bool
    """Measure scripts that understand nothing beside the students (True); see `evaluation.baselines`."""
    resume: bool
    """Go on with the evaluation in the folder (False)."""
    answer_loss: bool
    """Also measure how surprising the answer is to students that run here after each teacher turn (False)."""
    progress: Callable[[str], AbstractContextManager[Callable[[Progress], None]]]
    """Makes what shows the progress of one student on one spec, given a title; `rollout.ProgressBar` is one."""


async def evaluate_async(
    students: Mapping[str, StudentLike],
    task_specs: Sequence[str],
    store_dir: str | Path,
    *,
    stop: asyncio.Event | None = None,
    **options: Unpack[EvaluationOptions],
) -> Summary:
    """Let each of `students` (by name) talk about the tasks of every spec; write and return the summary.

    `store_dir` receives the stores and `summary.json`, from which `report.write_report` makes the page. Students take
    their turns one after another, so that one local model is in memory at a time.

    Raises InputError for names, specs or a folder that cannot be used, and asyncio.CancelledError when `stop` was set:
    what was finished is kept.
    """
    from sml_agents.dialogue import DialogueSettings
    from sml_agents.roles import student_from, teacher_from
    from sml_agents.rollout import run_dialogues
    from sml_agents.rollout.typed import held_tasks
    from sml_agents.traces import TraceStore

    if not students or not task_specs:
        raise InputError("Evaluation needs at least one student and one task spec.")
    if taken := [name for name in students if name in BASELINES]:
        raise InputError(f"{taken[0]!r} is the name of a baseline: call the student something else.")
    specs = list(dict.fromkeys(task_specs))
    settings = DialogueSettings.model_validate(
        {
            "max_turns": options.get("max_turns", 10),
            "guard": options.get("guard", "flag"),
            "seed": options.get("seed", 0),
        }
    )
    teacher = teacher_from(options.get("teacher", "oracle"))
    folder = Path(store_dir)
    comparison = Comparison(
        baseline=options.get("baseline"), seed=settings.seed, resamples=options.get("resamples", 2000)
    )
    stores: dict[str, list[str]] = {}
    described: dict[str, Any] = {}
    local: dict[str, Path] = {}
    by_spec = {spec: held_tasks(spec) for spec in specs}
    if empty := [spec for spec, tasks in by_spec.items() if not tasks]:
        raise InputError(f"The task spec {empty[0]!r} gives no tasks: change it.")

    async def run(name: str, spec: str, student: Student, *, script: bool = False) -> None:
        file = f"{_slug(name)}-{_slug(spec)}.sqlite"
        stores.setdefault(name, []).append(file)
        show = options.get("progress", _Silent)
        with TraceStore.open(folder / file) as store, show(f"{name}, {spec}") as bar:
            result = await run_dialogues(
                by_spec[spec],
                student,
                teacher,
                store,
                settings=settings,
                samples=options.get("samples", 1),
                concurrency=options.get("concurrency", 32),
                resume=options.get("resume", False),
                on_progress=bar,
                stop=stop or asyncio.Event(),
            )
            if result.interrupted:
                raise asyncio.CancelledError
            comparison.add(name, spec, store.traces(), script=script)

    for name, given in students.items():
        student = student_from(given)
        described[name] = student.settings
        if options.get("answer_loss", False):
            local[name] = _folder_of(name, student)
        for spec in specs:
            await run(name, spec, student)
    if options.get("baselines", True):
        for spec in specs:
            for name, script in baseline_students(spec, by_spec[spec]).items():
                await run(name, spec, script, script=True)
    record = {
        "dialogue": settings.model_dump(mode="json"),
        "teacher": teacher.settings,
        "students": described,
        "samples": options.get("samples", 1),
        "resamples": comparison.resamples,
    }
    summary = comparison.summary(settings=record, stores=stores)
    for name, path in local.items():
        losses = answer_loss(_traces(folder, stores[name]), path, seed=settings.seed, resamples=comparison.resamples)
        summary.students[name] = summary.students[name].model_copy(update={"answer_loss": losses})
    summary.write(folder / SUMMARY)
    return summary


def evaluate(
    students: Mapping[str, StudentLike],
    task_specs: Sequence[str],
    store_dir: str | Path,
    **options: Unpack[EvaluationOptions],
) -> Summary:
    """`evaluate_async` from code that is not asynchronous, or that is (a notebook): it then runs in a thread.

    SIGINT and SIGTERM end it cleanly with KeyboardInterrupt; go on with `resume=True`.
    """
    from sml_agents.rollout import run_until_signal

    async def main(stop: asyncio.Event) -> Summary | None:
        try:
            return await evaluate_async(students, task_specs, store_dir, stop=stop, **options)
        except asyncio.CancelledError:
            if stop.is_set():
                return None
            raise

    summary = run_until_signal(main)
    if summary is None:
        raise KeyboardInterrupt
    return summary


def _folder_of(name: str, student: Student) -> Path:
    """Where the weights of a student that runs here lie. Raises InputError for another one."""
    model = student.settings.get("model")
    known = model if isinstance(model, dict) else {}
    if known.get("backend") == "embedded":
        from sml_agents.backends.embedded import embedded_path

        return embedded_path()
    if known.get("backend") != "transformers":
        raise InputError(
            f"answer loss needs a model that runs here (transformers:PATH or embedded:), which {name!r} is not"
        )
    return Path(str(known["model"]))


def _traces(folder: Path, files: Sequence[str]) -> Iterator[Trace]:
    from sml_agents.traces import TraceStore

    for file in files:
        with TraceStore.open(folder / file, read_only=True) as store:
            yield from store.traces()


class _Silent:
    def __init__(self, title: str) -> None:
        self.title = title

    def __enter__(self) -> Callable[[Progress], None]:
        return lambda progress: None

    def __exit__(self, *_: object) -> None:
        return None


def _slug(text: str) -> str:
    """`text` as a part of a file name, with a hash where letters had to go."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40]
    return plain if plain == text else f"{plain}-{stable_hash(text, length=6)}".lstrip("-")
