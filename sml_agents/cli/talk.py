"""A person takes part: reads lines from a terminal or a pipe until they end."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sml_agents.cli.clean import clean
from sml_agents.cli.screen import make_console, print_indented, print_turn
from sml_agents.errors import EndsTheRun
from sml_agents.types import Act, Reply, Role, Task, ToolCall, Trace, Turn

if TYPE_CHECKING:
    from rich.console import Console

    from sml_agents.dialogue import Cast
    from sml_agents.roles import Student
    from sml_agents.traces import TraceStore

STOP_WORDS = ("/quit", "/stop", "/exit")


class Ended(EndsTheRun):
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


async def next_line(prompt: str) -> str | None:
    """`read_line` in a thread that nothing waits for: an interrupted program must not hang on a line never typed."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str | None] = loop.create_future()

    def settle(text: str | None, error: Exception | None) -> None:
        if line.done():
            return
        line.set_result(text) if error is None else line.set_exception(error)

    def work() -> None:
        text, error = None, None
        try:
            text = read_line(prompt)
        except Exception as problem:
            error = problem
        with suppress(RuntimeError):  # the loop is gone
            loop.call_soon_threadsafe(settle, text, error)

    threading.Thread(target=work, daemon=True).start()
    return await line


async def teach(task: Task, cast: Cast, *, sample: int = 0, id: str | None = None, stop_at_end: bool = True) -> Trace:
    """One dialogue in which the person at the terminal is the teacher; `/stop` ends it as `teacher_stopped`.

    The end of the input does the same, or raises Ended with `stop_at_end=False`.
    """
    from langgraph.types import Command

    console = make_console()
    graph: Any = cast.graph(_memory())
    config = {"configurable": {"thread_id": "person"}}
    given: Any = {"task": task, "sample": sample}
    if id is not None:
        given["id"] = id
    _show_task(task, console)
    turns = 0
    while True:
        state = await graph.ainvoke(given, config)
        paused = state.get("__interrupt__")
        if not paused:
            trace: Trace = state["trace"]
            _show_last(trace, turns, console)
            return trace
        turns += 1
        _show_pause(paused[0].value, turns, console)
        try:
            text = await next_line("teacher> ")
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
    tasks: Iterable[Task], cast: Cast, store: TraceStore, *, kept: dict[str, Any], samples: int, resume: bool
) -> dict[str, Any]:
    """A run with the person at the terminal as the teacher, one dialogue after the other, until the input ends.

    A dialogue that the end of the input cuts off is not recorded: `resume` runs it again.
    """
    from sml_agents.rollout import Item, run_into_store

    resumed = 0

    async def dialogue(item: Item, journal: Any) -> Trace:
        return await teach(item.task, cast, sample=item.sample, id=item.id, stop_at_end=False)

    async def run() -> None:
        nonlocal resumed
        resumed = len(store.finished_ids())
        options: Any = {"samples": samples, "resume": resume, "run_settings": kept, "concurrency": 1}
        await run_into_store(tasks, dialogue, store, cast.record, seed=cast.settings.seed, **options)

    with suppress(Ended):
        asyncio.run(run())
    return {"n": len(store.finished_ids()), "resumed": resumed}


async def talk(student: Student, *, seed: int, tools: tuple[dict[str, Any], ...] = ()) -> list[Turn]:
    """A free conversation in which the person is the user of `student`; returns what was said.

    Where the student calls one of `tools`, the person types what it returns, and the student goes on.
    """
    from sml_agents.dialogue.referee import call_seed
    from sml_agents.roles.repeats import drawn
    from sml_agents.views import StudentView

    console = make_console()
    said: list[Turn] = []

    def view() -> StudentView:
        history = tuple((turn.role, turn.text) for turn in said)
        calls = tuple((at, turn.tool_calls) for at, turn in enumerate(said) if turn.tool_calls)
        return StudentView(history, calls, tools=tools)

    def spoken() -> int:
        return sum(turn.role is Role.STUDENT for turn in said)

    async def draw(one: Student, number: int) -> Reply:
        turn = seed + spoken()
        return await one.reply(view(), seed=call_seed(turn, number) if number else turn)

    with suppress(Ended):
        while (text := await next_line("you> ")) is not None:
            said.append(Turn(role=Role.TEACHER, text=text))
            while True:
                reply = await drawn(student, view(), draw)
                turn = Turn(
                    role=Role.STUDENT,
                    text=reply.text,
                    call=reply.call,
                    tool_calls=reply.tool_calls,
                    at_once=reply.at_once,
                )
                said.append(turn)
                print_turn(turn, spoken(), console)
                if not tools or not reply.tool_calls:  # an agent's tools have run
                    break
                results = await _results(reply.tool_calls)
                if results is None:
                    return said
                said[-1] = turn.model_copy(update={"tool_calls": results})
    return said


async def _results(calls: Sequence[ToolCall]) -> tuple[ToolCall, ...] | None:
    """The calls with what the person says that they return; None for a stop word. Raises Ended."""
    made = []
    for call in calls:
        if (result := await next_line(f"{clean(call.name)} returns> ")) is None:
            return None
        made.append(call.model_copy(update={"result": result}))
    return tuple(made)


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
