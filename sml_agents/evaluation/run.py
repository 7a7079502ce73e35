"""Evaluation from models to figures: hold the dialogues, keep them, count them.

evaluate        for programs and the command line; signals end it cleanly
evaluate_async  the same on a running event loop

Every student talks about every task in stores of its own (one file for each student and part), so that an evaluation
that was cut off goes on with `resume=True`, and the report can show what was said.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from sml_agents.errors import InputError
from sml_agents.evaluation.answer_loss import answer_loss
from sml_agents.evaluation.baselines import BASELINES, baseline_students
from sml_agents.evaluation.bootstrap import tasks_needed
from sml_agents.evaluation.compare import Comparison, Summary
from sml_agents.evaluation.sources import SUMMARY
from sml_agents.evaluation.suites import Part
from sml_agents.specs import read_spec
from sml_agents.types import Trace, stable_hash

if TYPE_CHECKING:
    from sml_agents.dialogue import DialogueSettings
    from sml_agents.roles import Student
    from sml_agents.roles.make import StudentLike, TeacherLike
    from sml_agents.rollout import Progress
    from sml_agents.types import Task

__all__ = ["EvaluationOptions", "evaluate", "evaluate_async"]


class EvaluationOptions(TypedDict, total=False):
    """How students are evaluated; all may be left out."""

    teacher: TeacherLike | None
    """Who answers (`oracle`, or the simulated person of a suite), as `roles.teacher_from` reads it. Where that is the
    student's own model (`student`, `self`), scripts talk to the oracle: they have none."""
    max_turns: int
    """Student turns at most, where a suite does not say (10, as in the paper's evaluation)."""
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
    min_effect: float
    """A difference in success that has to show: fewer tasks than that needs are refused before anything is run (see
    `bootstrap.tasks_needed`; by default any number of tasks will do)."""
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
    task_specs: Sequence[str | Part],
    store_dir: str | Path,
    *,
    stop: asyncio.Event | None = None,
    **options: Unpack[EvaluationOptions],
) -> Summary:
    """Let each of `students` (by name) talk about the tasks of every spec, or part of a suite (see `parts_of`).

    `store_dir` receives the stores and `summary.json`, from which `report.write_report` makes the page. Students take
    their turns one after another, so that one local model is in memory at a time.

    Raises InputError for names, specs or a folder that cannot be used, or too few tasks, and asyncio.CancelledError
    when `stop` was set: what was finished is kept.
    """
    from sml_agents.roles import student_from
    from sml_agents.rollout import run_dialogues
    from sml_agents.traces import TraceStore

    if not students or not task_specs:
        raise InputError("Evaluation needs at least one student and one task spec.")
    if taken := [name for name in students if name in BASELINES]:
        raise InputError(f"{taken[0]!r} is the name of a baseline: call the student something else.")
    if wrong := [one for one in task_specs if not isinstance(one, str | Part)]:
        raise InputError(
            f"a task spec is a text such as 'arithmetic?n=50', not {type(wrong[0]).__name__}: write tasks of your own "
            "to a file, task.model_dump_json() on each line, and name it tasks:PATH"
        )
    parts = {part.title: part for part in (Part(one, one) if isinstance(one, str) else one for one in task_specs)}
    settings = {title: _settings(part, options) for title, part in parts.items()}
    folder = Path(store_dir)
    comparison = Comparison(
        baseline=options.get("baseline"), seed=options.get("seed", 0), resamples=options.get("resamples", 2000)
    )
    stores: dict[str, list[str]] = {}
    described: dict[str, Any] = {}
    local: dict[str, Path] = {}
    by_part = {title: _tasks(part.spec) for title, part in parts.items()}
    if (effect := options.get("min_effect")) is not None:
        _check_size(effect, sum(map(len, by_part.values())))
    record: dict[str, Any] = {title: {"tasks": part.spec, **_origin(part.spec)} for title, part in parts.items()}

    if not options.get("resume", False):
        scripts = BASELINES if options.get("baselines", True) else ()
        _refuse_held(folder, [_store_of(name, title) for name in (*students, *scripts) for title in parts])

    async def run(name: str, title: str, student: Student, *, script: bool = False) -> None:
        teacher = _teacher(parts[title], options, student, script=script)
        if not script:
            record[title].setdefault("teacher", teacher.settings)
        file = _store_of(name, title)
        stores.setdefault(name, []).append(file)
        show = options.get("progress", _Silent)
        with TraceStore.open(folder / file) as store, show(f"{name}, {title}") as bar:
            result = await run_dialogues(
                by_part[title],
                student,
                teacher,
                store,
                settings=settings[title],
                samples=options.get("samples", 1),
                concurrency=options.get("concurrency", 32),
                resume=options.get("resume", False),
                on_progress=bar,
                stop=stop or asyncio.Event(),
            )
            if result.interrupted:
                raise asyncio.CancelledError
            comparison.add(name, title, store.traces(), script=script)

    for name, given in students.items():
        student = student_from(given)
        described[name] = student.settings
        if options.get("answer_loss", False):
            local[name] = _folder_of(name, student)
        for title in parts:
            await run(name, title, student)
    if options.get("baselines", True):
        for title, part in parts.items():
            for name, script in baseline_students(part.spec, by_part[title]).items():
                await run(name, title, script, script=True)
    for title, chosen in settings.items():
        record[title]["dialogue"] = chosen.model_dump(mode="json")
    summary = comparison.summary(
        settings={
            "dialogue": _settings(Part("", ""), options).model_dump(mode="json"),
            "parts": record,
            "students": described,
            "samples": options.get("samples", 1),
            "resamples": comparison.resamples,
        },
        stores=stores,
        shown={title: [".".join(filter(None, figure)) for figure in part.figures] for title, part in parts.items()},
    )
    for name, path in local.items():
        losses = answer_loss(_traces(folder, stores[name]), path, seed=comparison.seed, resamples=comparison.resamples)
        summary.students[name] = summary.students[name].model_copy(update={"answer_loss": losses})
    summary.write(folder / SUMMARY)
    return summary


def _store_of(name: str, title: str) -> str:
    """The file of a student's dialogues on a part."""
    return f"{_slug(name)}-{_slug(title)}.sqlite"


def _refuse_held(folder: Path, files: Sequence[str]) -> None:
    """InputError where one of these stores holds dialogues already: before any is held, which may have to be paid."""
    from sml_agents.traces import TraceStore

    for path in (folder / file for file in files):
        if path.exists():
            with TraceStore.open(path, read_only=True) as store:
                if next(iter(store.traces()), None) is not None:
                    raise InputError(
                        f"{path} already holds a run: add --resume to finish it, or name another folder with --out"
                    )


def evaluate(
    students: Mapping[str, StudentLike],
    task_specs: Sequence[str | Part],
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


def _check_size(effect: float, tasks: int) -> None:
    if not 0 < effect <= 1:
        raise InputError(
            f"The difference that has to show is a share of the tasks, above 0 and at most 1, not {effect:g}."
        )
    if tasks < (needed := tasks_needed(effect, undecided=max(0.5, effect))):
        raise InputError(
            f"A difference of {effect:g} in success needs {needed:,} tasks to show (four times in five, where half of "
            f"them are solved by one student and not by the other), and there are {tasks:,}: take more, or look for a "
            "larger difference."
        )


def _settings(part: Part, options: EvaluationOptions) -> DialogueSettings:
    from sml_agents.dialogue import DialogueSettings

    return DialogueSettings.model_validate(
        {
            "max_turns": part.max_turns or options.get("max_turns", 10),
            "guard": options.get("guard", "flag"),
            "seed": options.get("seed", 0),
            "last_turn_decides": part.last_turn_decides,
        }
    )


def _tasks(spec: str) -> list[Task]:
    from sml_agents.rollout.typed import held_tasks

    if tasks := held_tasks(spec):
        return tasks
    raise InputError(f"The task spec {spec!r} gives no tasks: change it.")


def _origin(spec: str) -> dict[str, str]:
    """The file that a spec reads, by its SHA-256: a figure says on which rows it was measured."""
    path = Path(read_spec(spec).arg or ".").expanduser()
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return {"file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _teacher(part: Part, options: EvaluationOptions, student: Student, *, script: bool) -> Any:
    from sml_agents.roles import teacher_from

    asked = options.get("teacher")
    given = part.teacher or (asked if asked is not None else part.person or "oracle")
    if script and given in ("student", "self"):
        given = "oracle"
    return teacher_from(given, student=student)


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
