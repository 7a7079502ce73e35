"""`sml-agents eval`: what a student does in dialogues, in figures with intervals, beside another one's."""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.files import output_folder
from sml_agents.cli.result import DONE, FAILED, JsonFlag, Result, kept, seed_option
from sml_agents.cli.run import STUDENT_HELP, TASKS_HELP
from sml_agents.errors import InputError
from sml_agents.files import whole_file

if TYPE_CHECKING:
    from sml_agents.evaluation.compare import Summary
    from sml_agents.evaluation.suites import Part


def evaluate(
    student: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]BACKEND", help=f"{STUDENT_HELP}; may be given several times, each with a name of its own."
        ),
    ] = None,
    tasks: Annotated[list[str] | None, typer.Option(help=TASKS_HELP, metavar="SPEC")] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:FILE][?n=N]",
            help="A named choice of tasks, teacher and turns; may be given several times. `--suite list` shows all.",
        ),
    ] = None,
    decider: Annotated[
        str | None,
        typer.Option(metavar="BACKEND|MODULE:NAME", help="Instead: who decides when to ask, on lessons of your logs."),
    ] = None,
    lessons: Annotated[str | None, typer.Option(metavar="STORE", help="With --decider: what `mine` wrote.")] = None,
    split: Annotated[
        str, typer.Option(metavar="heldout|train|all", help="With --decider: lessons of which threads.")
    ] = "heldout",
    threshold: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="With --decider: how sure it has to be to ask.")
    ] = 0.5,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="BACKEND", help="A model to compare with, on the same tasks; else the first student."),
    ] = None,
    min_effect: Annotated[
        float | None,
        typer.Option(
            metavar="D", help="A difference in success that has to show, such as 0.1: too few tasks are refused."
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="oracle|student|self|BACKEND",
            help="oracle (where no suite says otherwise); student: its own model, told the answer; self: the same, "
            "told nothing; or a model as for --student.",
        ),
    ] = None,
    max_turns: Annotated[
        int, typer.Option(min=1, max=1000, metavar="T", help="Student turns at most, where no suite says.")
    ] = 10,
    samples: Annotated[
        int, typer.Option(min=1, max=1_000_000, metavar="N", help="Dialogues of each student on each task.")
    ] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=10_000, metavar="C", help="Dialogues at once.")] = 32,
    seed: Annotated[int, seed_option("Seed of the dialogues and of the intervals.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder to keep dialogues, summary.json and report.html in; else nothing is kept."
        ),
    ] = None,
    first_token: Annotated[
        bool,
        typer.Option(
            "--first-token", help="Only read off local models' first token whether they would ask: no dialogues."
        ),
    ] = False,
    answer_loss: Annotated[
        bool,
        typer.Option(
            "--answer-loss", help="Also: how surprising the answer is to local models after each teacher turn."
        ),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an evaluation in --out.")] = False,
    json: JsonFlag = False,
) -> Result:
    """Measure a student, alone or beside another.

    Does it ask when something is missing, and only then? Does it get there with feedback?

    --tasks says on what, or --suite, which also says with which teacher and for how many turns.
    Every figure carries its number of dialogues and a 95 % interval. Several students are compared with the first, task
    by task; with --baseline that one is the first, called `base`, and a student without a name `trained`. Scripts that
    understand nothing stand beside them in every table.

    With --decider and --lessons a model is shown the decisions of your own agent, beside a rule, always and never
    asking; --samples then says how often it is asked about each.
    """
    if decider is not None or lessons is not None:
        from sml_agents.cli.deciders import measure_decider

        if decider is None or lessons is None or student is not None or tasks:
            raise InputError("--decider and --lessons go together, without --student and --tasks")
        if out is not None:
            raise InputError("--out is of measured students: with --decider, --json prints all figures")
        if split not in ("heldout", "train", "all"):
            raise InputError(f"--split {split!r} is none of heldout, train and all")
        return measure_decider(
            decider,
            lessons,
            split=split,
            threshold=threshold,
            samples=samples,
            concurrency=concurrency,
            seed=seed,
        )
    if suite and "list" in suite:
        return _suites()
    if not student or not (tasks or suite):
        raise InputError("give --student and --tasks or --suite to measure a student, or --decider and --lessons")
    from sml_agents.evaluation.report import write_report
    from sml_agents.evaluation.run import EvaluationOptions, evaluate
    from sml_agents.rollout import ProgressBar

    students = _named(student, baseline)
    parts = _parts(suite or [], tasks or [])
    if first_token:
        return _first_tokens(students, [part if isinstance(part, str) else part.spec for part in parts], seed, out)
    how: EvaluationOptions = {
        "teacher": teacher,
        "max_turns": max_turns,
        "samples": samples,
        "concurrency": concurrency,
        "seed": seed,
        "resume": resume,
        "answer_loss": answer_loss,
        "progress": ProgressBar,
    }
    if min_effect is not None:
        how["min_effect"] = min_effect
    on = "nothing is kept without --out" if out is None else f"what is finished is in {out}: go on with --resume"
    with kept(on), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) if out is None else output_folder(out)
        summary = evaluate(students, parts, folder, **how)
        report = None if out is None else write_report(folder, folder / "report.html")
    payload = summary.model_dump(mode="json")
    if report is not None:
        payload["report"] = str(report)
    failed = any(counts.failed for counts in summary.students.values())
    return Result(payload, lambda: _print(summary, report), FAILED if failed else DONE)


def _named(given: list[str], baseline: str | None) -> dict[str, str]:
    """The students by name. A spec without one is its own name where there are several."""
    alone = "student" if baseline is None else "trained"
    found = {} if baseline is None else {"base": baseline}
    for one in given:
        name, spec = named.groups() if (named := re.fullmatch(r"([\w.-]+)=(.+)", one)) else ("", one)
        name = name or (alone if len(given) == 1 else spec)
        if name in found:
            raise InputError(f"two students are called {name!r}: give each a name, as in --student mine={spec}")
        found[name] = spec
    return found


def _parts(suites: list[str], tasks: list[str]) -> list[str | Part]:
    """What to evaluate: the tasks go to the suites that take some, and stand for themselves where there is no suite."""
    from sml_agents.evaluation.suites import SUITES, parts_of, takes_tasks

    if not suites:
        return list(tasks)
    takers = [name for name in suites if takes_tasks(name)]
    if tasks and not takers:
        able = ", ".join(name for name, known in SUITES.items() if known.takes_tasks)
        raise InputError(f"--tasks beside --suite is for suites that are about any tasks: {able}; leave it out")
    return [part for name in suites for part in parts_of(name, tasks if name in takers else ())]


def _suites() -> Result:
    from sml_agents.evaluation.suites import SUITES, usage

    known = {usage(name): suite for name, suite in SUITES.items()}
    payload = {name: {"meaning": suite.meaning, "keys": dict(suite.keys)} for name, suite in known.items()}

    def show() -> None:
        for name, suite in known.items():
            print(f"{name:28}{suite.meaning}")
            for key, meaning in suite.keys.items():
                print(f"{'':28}  ?{key}=  {meaning}")

    return Result({"suites": payload}, show)


def _first_tokens(students: dict[str, str], tasks: list[str], seed: int, out: Path | None) -> Result:
    from sml_agents.cli.screen import make_console
    from sml_agents.evaluation.first_token import first_token
    from sml_agents.evaluation.table import first_token_table

    found = first_token(students, tasks, seed=seed)
    payload = found.model_dump(mode="json")
    if out is not None:
        with whole_file(output_folder(out) / "first_token.json") as path:
            path.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return Result(payload, lambda: make_console().print(first_token_table(found)))


def _print(summary: Summary, report: Path | None) -> None:
    from sml_agents.cli.screen import make_console
    from sml_agents.evaluation.table import print_summary

    print_summary(summary, make_console())
    if report is not None:
        print(f"report: {report}")
