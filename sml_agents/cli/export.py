"""`sml-agents export`: dialogues of a store as training data for other tools."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from sml_agents.cli.files import open_store
from sml_agents.cli.result import JsonFlag, Result, kept, print_left_out
from sml_agents.errors import InputError

if TYPE_CHECKING:
    from sml_agents.data.export import ExportReport

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
FORMATS_HELP = "trl, trl-prompt-completion, preference, kto, openai, sharegpt or parquet."


def export(
    store: Annotated[str, typer.Argument(metavar="STORE", help="The store to read: a file or a database URL.")],
    format: Annotated[str, typer.Option(metavar="FORMAT", help=FORMATS_HELP)],
    out: Annotated[Path, typer.Option(metavar="PATH", help="File to write; for parquet a folder.")],
    solved: Annotated[
        bool | None, typer.Option("--solved/--unsolved", help="Only dialogues that were, or were not.")
    ] = None,
    family: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Task families.")] = None,
    form: Annotated[
        list[str] | None, typer.Option(metavar="FORM", help="full, underspecified or sharded tasks.")
    ] = None,
    split: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Task splits, such as train.")] = None,
    stop: Annotated[list[str] | None, typer.Option(metavar="REASON", help="How dialogues ended.")] = None,
    min_turns: Annotated[int | None, typer.Option(min=1, metavar="N", help="Student turns at least.")] = None,
    max_turns: Annotated[int | None, typer.Option(min=1, metavar="N", help="Student turns at most.")] = None,
    primed: Annotated[bool | None, typer.Option("--primed/--not-primed", help="With a turn by Q-priming.")] = None,
    select: Annotated[
        str | None, typer.Option(metavar="NAME", help="Start from a selection of train: q_primed, mt_sft or st_sft.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Conversations of logs that ended then or later.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What a log says of a conversation, such as tag=prod."),
    ] = None,
    leaks: Annotated[
        Literal["cut", "drop", "keep"] | None,
        typer.Option(help="Dialogues in which the teacher gave the answer away; cut if not said."),
    ] = None,
    failed: Annotated[bool | None, typer.Option("--failed", help="Also dialogues that ended in an error.")] = None,
    act: Annotated[list[str] | None, typer.Option(metavar="ACT", help="Student turns that do this.")] = None,
    last_turn: Annotated[int | None, typer.Option(min=1, metavar="K", help="Student turns up to this one.")] = None,
    wrong_attempts: Annotated[
        bool | None,
        typer.Option("--wrong-attempts/--no-wrong-attempts", help="Attempts scored as wrong; not taken if not said."),
    ] = None,
    premature: Annotated[
        bool | None, typer.Option("--premature/--no-premature", help="Attempts while a needed fact was untold.")
    ] = None,
    idle_questions: Annotated[
        bool | None,
        typer.Option("--idle-questions/--no-idle-questions", help="Questions that brought no fact to light."),
    ] = None,
    tool_calls: Annotated[
        bool, typer.Option("--tool-calls/--no-tool-calls", help="Tools, calls and results, or only what was said.")
    ] = True,
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="System prompt to put before every dialogue; of logs their own.")
    ] = None,
    student_prompt: Annotated[bool, typer.Option("--student-prompt", help="Put the built-in one there.")] = False,
    licence: Annotated[str, typer.Option(metavar="NAME", help="For the data set card of parquet.")] = "unknown",
    json: JsonFlag = False,
) -> Result:
    """Write dialogues as training data.

    Filters may be combined; those that take a name may be given several times. Only what the student could see is
    written, and of its turns those to learn from: to train on the turns that a recipe takes, give its --select. Of
    lessons those are taken that were accepted in a review and are not held out (--split heldout takes those). A file
    that is there is replaced when the new one is complete.
    """
    from sml_agents.data.export import FORMATS, TraceFilter
    from sml_agents.data.export import export as write
    from sml_agents.data.selection import preset

    if format not in FORMATS:
        raise InputError(f"there is no format {format!r}; choose one of {', '.join(FORMATS)}")
    if student_prompt and system is not None:
        raise InputError("--system and --student-prompt exclude each other; give one of them")
    if student_prompt:
        from sml_agents.roles.prompts import render

        system = render("student")
    from sml_agents.types import Act, Form, StopReason

    given = {
        "solved": solved,
        "families": _some(family),
        "forms": members(Form, form),
        "splits": _some(split),
        "stops": members(StopReason, stop),
        "min_turns": min_turns,
        "max_turns": max_turns,
        "primed": primed,
        "since": _time(since),
        "where": _pairs(where),
        "leaks": leaks,
        "failed": failed,
        "acts": members(Act, act),
        "last_turn": last_turn,
        "wrong_attempts": wrong_attempts,
        "premature": premature,
        "idle_questions": idle_questions,
    }
    base = preset(select) if select is not None else TraceFilter()
    filters = base.model_copy(update={name: value for name, value in given.items() if value is not None})
    with kept(f"nothing was written, and {out} is as it was"), open_store(store) as traces:
        written = write(traces.traces(), format, out, filters, system=system, tool_calls=tool_calls, licence=licence)
    return Result(written.model_dump(mode="json"), lambda: _print(written))


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text is not None else None
    except ValueError:
        raise InputError(f"--since {text!r} is no date: write it as 2026-11-26 or 2026-11-26T08:00+01:00") from None


def _pairs(words: list[str] | None) -> dict[str, tuple[str, ...]] | None:
    found: dict[str, tuple[str, ...]] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InputError(f"--where {word!r} is no NAME=VALUE, such as customer=acme or tag=prod")
        found[name] = (*found.get(name, ()), value)
    return found or None


def members(kind: type[E], words: list[str] | None) -> tuple[E, ...] | None:
    """`words` as members of an enumeration; InputError names those that there are."""
    known = [str(member) for member in kind]
    for word in words or ():
        if word not in known:
            name = re.sub(r"\B[A-Z]", r" \g<0>", kind.__name__).lower()  # StopReason: a stop reason
            raise InputError(f"there is no {name} {word!r}; choose from {', '.join(known)}")
    return _some([kind(word) for word in words or ()])


def _some(values: list[T] | None) -> tuple[T, ...] | None:
    return tuple(values) if values else None


def _print(report: ExportReport) -> None:
    print(f"{report.rows:,} rows from {report.taken:,} of {report.traces:,} dialogues: {report.path}")
    print(f"sha256 {report.sha256}")
    if report.unmined:
        print(
            f"  {report.unmined:,} are logs as recorded, wrong guesses among them: sml-agents mine finds what to learn"
        )
    print_left_out(report.left_out)
