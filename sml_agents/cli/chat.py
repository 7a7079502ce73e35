"""`sml-agents chat`: a person talks with a student, as its user or as its teacher."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sml_agents.cli.files import open_store, read_tools
from sml_agents.cli.result import JsonFlag, Result, seed_option
from sml_agents.errors import InputError


def chat(
    student: Annotated[str, typer.Option(metavar="BACKEND", help="The model that you talk with.")] = "embedded:",
    me: Annotated[Literal["user", "teacher"], typer.Option("--as", help="What you are to it.")] = "user",
    system: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Its system prompt, '' for none; else the built-in one.")
    ] = None,
    tools: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="As a user, JSON: its tools. You then type what a call of one returns."),
    ] = None,
    tasks: Annotated[
        str | None, typer.Option(metavar="SPEC", help="As the teacher: the task spec; its first task is taken.")
    ] = None,
    max_turns: Annotated[
        int, typer.Option(min=1, max=1000, metavar="T", help="As the teacher: student turns at most.")
    ] = 4,
    store: Annotated[
        str | None, typer.Option(metavar="PATH|URL", help="As the teacher: keep the dialogue in this store.")
    ] = None,
    seed: Annotated[int, seed_option("Seed of the student's sampling.")] = 0,
    json: JsonFlag = False,
) -> Result:
    """Talk with a student, as user or as teacher.

    A model that was trained on lessons of an agent decides under that agent's prompt and tools: give it both, as to
    sml-agents import. Ends at the end of the input (Ctrl-D) or at /quit. Lines may also come from a pipe.
    """
    if me == "user" and (tasks or store):
        raise InputError("--tasks and --store belong to --as teacher; leave them out to talk as a user")
    if me == "teacher" and not tasks:
        raise InputError("--as teacher needs a task: --tasks 'arithmetic?form=underspecified&n=1'")
    if me == "teacher" and tools is not None:
        raise InputError("--tools belongs to --as user: a task brings the tools that serve it")
    known = _tools(student, tools) if me == "user" else ()
    from sml_agents.cli.talk import talk, teach
    from sml_agents.roles import HumanTeacher, student_from

    someone = student_from(student, system=system)
    if tasks is None:
        from sml_agents.data.rows import messages_of

        said = asyncio.run(talk(someone, seed=seed, tools=known))
        return Result({"messages": [one.as_chat() for one in messages_of(said, [False] * len(said), "")]})
    from sml_agents.cli.screen import outcome
    from sml_agents.dialogue import Cast, DialogueSettings
    from sml_agents.rollout.typed import held_tasks

    chosen = held_tasks(tasks)
    if not chosen:
        raise InputError(f"{tasks} gives no task")
    cast = Cast(someone, HumanTeacher(), DialogueSettings(max_turns=max_turns, seed=seed))
    with nullcontext() if store is None else open_store(store, write=True) as traces:  # before anything is said
        trace = asyncio.run(teach(chosen[0], cast))
        if traces is not None:
            traces.add(trace)
    return Result({"trace": trace.model_dump(mode="json")}, lambda: print(f"\n{outcome(trace)}"))


def _tools(student: str, path: Path | None) -> tuple[dict[str, Any], ...]:
    """The tools in the file that a student is offered; none without a file."""
    if path is None:
        if student.startswith("asker:"):
            raise InputError(f"{student} reads requests to tools: give them with --tools FILE")
        return ()
    if student.startswith(("agent:", "script:")):
        raise InputError(f"{student} takes no tools: an agent brings its own, and a script reads nothing; leave it out")
    return tuple(read_tools(path))
