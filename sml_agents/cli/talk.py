"""A person takes part: reads lines from a terminal or a pipe until they end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sml_agents.cli.clean import clean
from sml_agents.cli.screen import make_console, print_indented, print_turn
from sml_agents.types import Act, Role, Task, Trace, Turn

if TYPE_CHECKING:
    from rich.console import Console

    from sml_agents.dialogue import DialogueSettings
    from sml_agents.roles import Student
    from sml_agents.traces import TraceStore

STOP_WORDS = ("/quit", "/stop", "/exit")


class Ended(Exception):
    """The input is at its end."""


def read_line(prompt: str) -> str | None:
    """The next line that is not empty; None for a stop word. Raises Ended at the end of the input."""
    while True:
        if sys.stdin.isatty():
            print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            raise Ended
        text = line.strip()
        if text in STOP_WORDS:
            return None
        if text:
            return text


def teach(
    task: Task,
    student: Student,
    settings: DialogueSettings,
    runner: asyncio.Runner,
    *,
    sample: int = 0,
    dialogue_id: str | None = None,
    stop_at_end: bool = True,
) -> Trace:
    """One dialogue in which the person at the terminal is the teacher; `/stop` ends it as `teacher_stopped`.

    The end of the input does the same, or raises Ended with `stop_at_end=False`.
    """
    from langgraph.types import Command

    from sml_agents.dialogue import build_dialogue
    from sml_agents.roles import HumanTeacher

    console = make_console()
    graph: Any = build_dialogue(student, HumanTeacher(), settings=settings, checkpointer=_memory())
    config = {"configurable": {"thread_id": "person"}}
    given: Any = {"task": task, "sample": sample}
    if dialogue_id is not None:
        given["id"] = dialogue_id
    _show_task(task, console)
    turns = 0
    while True:
        state = runner.run(graph.ainvoke(given, config))
        paused = state.get("__interrupt__")
        if not paused:
            trace: Trace = state["trace"]
            _show_last(trace, turns, console)
            return trace
        turns += 1
        _show_pause(paused[0].value, turns, console)
        try:
            text = read_line("teacher> ")
        except Ended:
            if not stop_at_end:
                raise
            text = None
        given = Command(resume={"text": text} if text is not None else {"stop": True})


def _memory() -> Any:
    """A checkpointer in memory that revives our nouns and no other class."""
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    from sml_agents import types

    nouns = [(types.__name__, name) for name in types.__all__ if isinstance(getattr(types, name), type)]
    return InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=nouns))


def teach_all(
    tasks: Iterable[Task],
    student: Student,
    settings: DialogueSettings,
    store: TraceStore,
    *,
    specs: list[str],
    samples: int,
    resume: bool,
) -> dict[str, Any]:
    """A run with the person at the terminal as the teacher, one dialogue after the other, until the input ends.

    A dialogue that the end of the input cuts off is not recorded: `resume` holds it again.
    """
    from sml_agents.roles import HumanTeacher
    from sml_agents.rollout import dialogue_id

    shaped_by = {
        "dialogue": settings.model_dump(mode="json"),
        "student": student.settings,
        "teacher": HumanTeacher().settings,
    }
    store.start_run({**shaped_by, "samples": samples, "seed": settings.seed, "tasks": specs}, resume=resume)
    finished = store.finished_ids()
    resumed = len(finished)
    with asyncio.Runner() as runner, suppress(Ended):
        for task in tasks:
            for sample in range(samples):
                id = dialogue_id(task, sample, shaped_by, settings.seed)
                if id in finished:
                    continue
                trace = teach(task, student, settings, runner, sample=sample, dialogue_id=id, stop_at_end=False)
                store.add(trace)
                finished.add(id)
    return {"n": len(finished), "resumed": resumed}


def talk(student: Student, runner: asyncio.Runner, *, seed: int) -> list[tuple[Role, str]]:
    """A free conversation in which the person is the user of `student`; returns what was said."""
    from sml_agents.views import StudentView

    console = make_console()
    history: list[tuple[Role, str]] = []
    with suppress(Ended):
        while (text := read_line("you> ")) is not None:
            history.append((Role.TEACHER, text))
            reply = runner.run(_reply(student, StudentView(tuple(history)), seed + len(history) // 2))
            history.append((Role.STUDENT, reply))
            print_turn(Turn(role=Role.STUDENT, text=reply), len(history) // 2, console)
    return history


async def _reply(student: Student, view: Any, seed: int) -> str:
    return (await student.reply(view, seed=seed)).text


def _show_task(task: Task, console: Console) -> None:
    print_turn(Turn(role=Role.TEACHER, text=task.prompt), 0, console)
    _show_private(
        [f"answer: {task.private.answer}", *(f"missing: {fact.statement}" for fact in task.private.facts)], console
    )


def _show_pause(pause: dict[str, Any], number: int, console: Console) -> None:
    turn = Turn(role=Role.STUDENT, text=str(pause["student"]), act=Act(pause["act"]))
    print_turn(turn, number, console)
    if pause["correct"] is False:
        _show_private([f"not right. {pause['diagnosis']}".strip()], console)


def _show_last(trace: Trace, shown: int, console: Console) -> None:
    """The student's turns that ended the dialogue: no pause has shown them."""
    for number, turn in enumerate(trace.student_turns[shown:], start=shown + 1):
        print_turn(turn, number, console)


def _show_private(lines: list[str], console: Console) -> None:
    from rich.text import Text

    for line in lines:
        print_indented(Text(f"private  {clean(line)}", style="yellow"), console)
