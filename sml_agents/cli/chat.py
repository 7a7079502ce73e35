"""`sml-agents chat`: a person talks with a student, as its user or as its teacher."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Annotated, Literal

import typer

from sml_agents.cli.files import open_store
from sml_agents.cli.result import JsonFlag, Result, seed_option
from sml_agents.errors import InputError


def chat(
    student: Annotated[str, typer.Option(metavar="BACKEND", help="The model that you talk with.")] = "embedded:",
    me: Annotated[Literal["user", "teacher"], typer.Option("--as", help="What you are to it.")] = "user",
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

    Ends at the end of the input (Ctrl-D) or at /quit. Lines may also come from a pipe.
    """
    if me == "user" and (tasks or store):
        raise InputError("--tasks and --store belong to --as teacher; leave them out to talk as a user")
    if me == "teacher" and not tasks:
        raise InputError("--as teacher needs a task: --tasks 'arithmetic?form=underspecified&n=1'")
    from sml_agents.cli.talk import talk, teach
    from sml_agents.roles import HumanTeacher, student_from

    someone = student_from(student)
    if tasks is None:
        said = asyncio.run(talk(someone, seed=seed))
        messages = [{"role": "user" if role == "teacher" else "assistant", "content": text} for role, text in said]
        return Result({"messages": messages})
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
