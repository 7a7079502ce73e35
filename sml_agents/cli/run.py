"""`sml-agents run`: many dialogues between a student and a teacher, into a store."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sml_agents.cli.files import open_store
from sml_agents.cli.result import JsonFlag, Result, kept, seed_option
from sml_agents.errors import InputError

if TYPE_CHECKING:
    from sml_agents.rollout import RunSummary
    from sml_agents.types import Task

MODEL_HELP = "openai:MODEL[@URL], transformers:PATH, embedded:, scripted:FILE; may go on with ?temperature=0.7&..."
STUDENT_HELP = (
    f"{MODEL_HELP}; asker: asks for what a call lacks and writes it, agent:MODULE:GRAPH is an agent of your own, "
    "script:bisect and others read nothing; a model's may set fresh=true: it says nothing twice"
)
TASKS_HELP = "Task spec, such as 'arithmetic?form=paired&n=100'; may be given several times."


def run(
    context: typer.Context,
    store: Annotated[str, typer.Option(metavar="PATH|URL", help="File or database URL that keeps the dialogues.")],
    tasks: Annotated[list[str] | None, typer.Option(help=TASKS_HELP, metavar="SPEC")] = None,
    student: Annotated[str | None, typer.Option(help=STUDENT_HELP, metavar="BACKEND")] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="STORE", help="Run what the run in this store was asked for; other options win over it."),
    ] = None,
    teacher: Annotated[
        str, typer.Option(metavar="oracle|human|BACKEND", help="oracle, human, or a model as for --student.")
    ] = "oracle",
    samples: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="Dialogues for each task.")] = 1,
    max_turns: Annotated[int, typer.Option(min=1, max=1000, metavar="T", help="Student turns at most.")] = 4,
    concurrency: Annotated[int, typer.Option(min=1, max=10_000, metavar="C", help="Dialogues at once.")] = 32,
    q_priming: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="P",
            help="Replace a wrong turn t (from 0) by a question with chance P^t; paper: 0.75.",
        ),
    ] = None,
    primer: Annotated[
        str,
        typer.Option(
            metavar="oracle|student|BACKEND",
            help="With --q-priming: who writes the questions; student is the paper's way, its own model.",
        ),
    ] = "oracle",
    demonstrate: Annotated[
        bool,
        typer.Option("--demonstrate", help="With --q-priming: where nothing is missing, write the worked solution."),
    ] = False,
    guard: Annotated[
        Literal["off", "flag", "mask", "end"], typer.Option(help="What to do when the teacher gives the answer away.")
    ] = "flag",
    seed: Annotated[int, seed_option("Seed of everything random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Finish what is missing in the store.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="With --resume: run failed dialogues again.")
    ] = False,
    lease: Annotated[
        float,
        typer.Option(min=1, metavar="SECONDS", help="On PostgreSQL: after it others go on for a dead process."),
    ] = 60.0,
    json: JsonFlag = False,
) -> Result:
    """Run dialogues and keep them in a store.

    A run that was stopped, in whatever way, goes on with --resume; no model call that was answered is repeated.
    The same command on several machines with one PostgreSQL store: they share the work.
    Exits 1 when dialogues failed; they are recorded with a reason.
    """
    asked: dict[str, Any] = {name: context.params[name] for name in _ASKED}
    if config is not None:
        given = {name for name in _ASKED if _was_given(context, name)}
        asked |= {name: value for name, value in _command_of(config).items() if name not in given}
    with kept(f"what was answered is in {store}: go on with the same command and --resume"):
        return _run(asked, store, concurrency, lease, resume=resume, retry_failed=retry_failed)


_ASKED = (
    "tasks",
    "student",
    "teacher",
    "primer",
    "samples",
    "max_turns",
    "q_priming",
    "demonstrate",
    "guard",
    "seed",
)
"""The options that shape dialogues: a store keeps them, and `--config STORE` asks for the same again."""


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _command_of(config: str) -> dict[str, Any]:
    with open_store(config) as traces:
        command = (traces.run_settings() or {}).get("command")
    if not isinstance(command, dict):
        raise InputError(f"{config} does not say how its run was asked for: give --tasks and --student")
    return {name: value for name, value in command.items() if name in _ASKED}


def _run(
    asked: dict[str, Any], store: str, concurrency: int, lease: float, *, resume: bool, retry_failed: bool
) -> Result:
    if not asked["tasks"] or not asked["student"]:
        missing = "--tasks" if not asked["tasks"] else "--student"
        raise InputError(f"{missing} is missing: say what to run, or name a store with --config to run the same again")
    q_priming, primer, demonstrate = asked["q_priming"], asked["primer"], asked["demonstrate"]
    if q_priming is None and (demonstrate or primer != "oracle"):
        option = "--demonstrate" if demonstrate else "--primer"
        raise InputError(f"{option} is about Q-priming's rewritten turns: add --q-priming 0.75, or leave it out.")
    specs = list(dict.fromkeys(asked["tasks"]))
    total = count_tasks(specs)
    samples = asked["samples"]

    from sml_agents.dialogue import Cast, DialogueSettings
    from sml_agents.roles import HumanTeacher, primer_from, student_from, teacher_from
    from sml_agents.rollout import ProgressBar, run_dialogues_sync

    settings = DialogueSettings(
        max_turns=asked["max_turns"], q_priming=q_priming, guard=asked["guard"], seed=asked["seed"]
    )
    someone = student_from(asked["student"])
    tutor = teacher_from(asked["teacher"], student=someone, person=True)
    writer = primer_from(primer, someone, demonstrate=demonstrate)
    recorded = {"tasks": specs, "command": asked}
    if isinstance(tutor, HumanTeacher):
        from sml_agents.cli.talk import teach_all

        with open_store(store, write=True) as traces:
            cast = Cast(someone, tutor, settings, writer)
            counted = teach_all(every_task(specs), cast, traces, kept=recorded, samples=samples, resume=resume)
        return Result({"store": store, **counted}, lambda: print(f"{counted['n']} dialogues finished, in {store}"))
    with open_store(store, write=True) as traces, ProgressBar() as bar:
        summary = run_dialogues_sync(
            every_task(specs),
            someone,
            tutor,
            traces,
            settings=settings,
            primer=writer,
            samples=samples,
            concurrency=concurrency,
            resume=resume,
            retry_failed=retry_failed,
            lease=lease,
            run_settings=recorded,
            total=total * samples,
            on_progress=bar,
        )
    return Result(_payload(summary, store), lambda: _print(summary, store), summary.exit_code)


def every_task(specs: Sequence[str]) -> Iterator[Task]:
    """The tasks of all specs, one at a time."""
    from sml_agents.rollout.typed import typed_tasks

    for spec in specs:
        yield from typed_tasks(spec)


def count_tasks(specs: Sequence[str]) -> int:
    """How many tasks the specs give. Reads all data, so that what is bad is found before a model is called.

    What was left out, and why, is said on standard error. What is generated is not made for this.
    """
    from sml_agents.rollout.typed import typed_tasks
    from sml_agents.tasks import LoadReport
    from sml_agents.tasks.families import count_generated

    total = 0
    for spec in specs:
        report = LoadReport()
        made = typed_tasks(spec, report=report)
        if (known := count_generated(spec)) is not None:
            next(made, None)
            total += known
            continue
        total += sum(1 for _ in made)
        if report.left_out:
            print(f"{spec}: {report}", file=sys.stderr)
    return total


def _payload(summary: RunSummary, store: str) -> dict[str, Any]:
    numbers = ("n", "resumed", "elsewhere", "solved", "primed", "asked", "failed", "tokens", "interrupted")
    values = {name: getattr(summary, name) for name in numbers}
    return {"store": store, **values, "stops": dict(summary.stops), "seconds": round(summary.seconds, 3)}


def _print(summary: RunSummary, store: str) -> None:
    stops = ", ".join(f"{count} {stop}" for stop, count in summary.stops.items())
    print(f"{summary.n} dialogues ({stops or 'none'}), a question was asked in {summary.asked}; kept in {store}")
    if summary.primed:
        print(f"the student itself solved {summary.solved}; in {summary.primed} Q-priming wrote the right answer")
    if summary.elsewhere:
        print(f"{summary.elsewhere} of them were run by other processes meanwhile")
    if summary.interrupted:
        print("interrupted: go on with the same command and --resume")
    elif summary.failed:
        print(f"{summary.failed} failed: sml-agents show '{store}' --stop failed")
