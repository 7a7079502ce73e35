"""A run of 100 scripted dialogues that can be killed, as a process of its own.

Started as a program it reads orders, one JSON object a line, and forks a child for each: the imports are paid for once.
The first line that it answers is the child's pid, the second how the child ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sml_agents.types import Call, Fact, Form, Private, Reply, Task, ToolCall, Usage
from tests.tool_requests import RIGHT, request

ROOT = Path(__file__).resolve().parents[2]
DIALOGUES = 100


@dataclass(frozen=True)
class Order:
    """What the child does."""

    store: str
    log: str
    """Gets a line `begin SEED` or `end SEED` for each model call; the seed says which dialogue and turn it is."""
    resume: bool = False
    latency: float = 0.002
    point: str = ""
    """Where it kills itself: see `POINTS`."""
    nth: int = 1
    """At which arrival there."""


POINTS = (
    "before a call",
    "reply not committed",
    "committed not used",
    "mid-append",
    "after append",
    "before the first call",
)


@dataclass
class Bomb:
    """Kills the process at the nth arrival at a point."""

    order: Order
    arrivals: int = 0

    def at(self, point: str) -> None:
        if point == self.order.point:
            self.arrivals += 1
            if self.arrivals == self.order.nth:
                os.kill(os.getpid(), signal.SIGKILL)


class Actor:
    """A student, or a teacher, whose words depend on nothing but the call's seed."""

    def __init__(self, role: str, order: Order, bomb: Bomb) -> None:
        self.settings: dict[str, Any] = {"model": f"scripted-{role}"}
        self.role = role
        self.order = order
        self.bomb = bomb
        self.log = os.open(order.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def reply(self, view: Any, *, seed: int) -> Reply:
        self.bomb.at("before a call")
        os.write(self.log, f"begin {seed}\n".encode())
        await asyncio.sleep(self.order.latency * (1 + seed % 3))
        os.write(self.log, f"end {seed}\n".encode())
        self.bomb.at("reply not committed")
        calls: tuple[ToolCall, ...] = ()
        if self.role == "student":
            text = ("How many pencils are there?", "The answer is 12.", "The answer is 7.", "Hm.")[seed % 4]
            if view.tools:
                text = ("On which day is it?", "", "", "Hm.")[seed % 4]
                calls = (ToolCall(name="book_table", arguments={**RIGHT, "guests": 4 + seed % 4}),) if not text else ()
        else:
            text = ("Not quite.", "There are 4 pencils.", "Look at the price again.")[seed % 3]
        model = f"scripted-{self.role}"
        return Reply(
            text=text,
            tool_calls=calls or None,
            at_once=bool(calls),
            call=Call(model=model, seed=seed, usage=Usage(prompt_tokens=9, completion_tokens=4), finish="stop"),
        )


def make_tasks() -> Iterator[Task]:
    fact = Fact(name="count", statement="There are 4 pencils.", keywords=("many", "pencils"))
    for number in range(DIALOGUES):
        if number % 2:  # every other one is a request to an agent with tools
            yield request("day", id=f"table/{number}")
            continue
        yield Task(
            id=f"pencils/{number}",
            family="pencils",
            form=Form.UNDERSPECIFIED,
            prompt=f"Pencils cost 3 dollars each. What do they cost together? ({number})",
            private=Private(answer="12", facts=(fact,)),
            verifier="exact",
        )


def hold(order: Order) -> int:
    """The child's life; its exit code."""
    from sqlalchemy import event

    from sml_agents.dialogue import DialogueSettings
    from sml_agents.rollout import Progress, run_dialogues_sync
    from sml_agents.traces import ReplyJournal, TraceStore

    bomb = Bomb(order)
    put = ReplyJournal.put

    async def put_and_arrive(self: ReplyJournal, key: str, reply: Reply) -> None:
        await put(self, key, reply)
        bomb.at("committed not used")

    ReplyJournal.put = put_and_arrive  # type: ignore[method-assign]
    appended = 0

    def watch(progress: Progress) -> None:
        nonlocal appended
        if progress.done > appended:
            appended = progress.done
            bomb.at("after append")

    with TraceStore.open(order.store) as store:
        write = store.write

        def write_and_arrive(batch: Any) -> None:
            if batch.done:
                # The rows are in the transaction, the commit has not happened.
                event.listen(store._engine, "commit", lambda connection: bomb.at("mid-append"), once=True)
            write(batch)

        store.write = write_and_arrive  # type: ignore[method-assign]
        start_run = store.start_run

        def start_and_arrive(*args: Any, **options: Any) -> None:
            start_run(*args, **options)
            bomb.at("before the first call")

        store.start_run = start_and_arrive  # type: ignore[method-assign]
        summary = run_dialogues_sync(
            make_tasks(),
            Actor("student", order, bomb),
            Actor("teacher", order, bomb),
            store,
            settings=DialogueSettings(max_turns=4, q_priming=None, q_priming_start=0, guard="flag", seed=3),
            concurrency=8,
            resume=order.resume,
            on_progress=watch,
        )
    print(json.dumps({"n": summary.n, "interrupted": summary.interrupted, "failed": summary.failed}), flush=True)
    return summary.exit_code


def serve() -> None:
    import sml_agents.dialogue
    import sml_agents.rollout  # noqa: F401

    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            with open(f"{order.log}.out", "a") as out:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
            sys.stdin.close()
            code = 70
            try:
                code = hold(order)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


class Runner:
    """The other end: starts lives and tells how they ended."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def start(self, order: Order) -> int:
        """The pid of a new life."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        """Waits for it; its exit code, negative for a signal."""
        return int(self._line())

    def live(self, order: Order) -> int:
        self.start(order)
        return self.ended()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def runner() -> Iterator[Runner]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__]
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Runner(process)
        assert process.stdin is not None
        process.stdin.close()


if __name__ == "__main__":
    serve()
