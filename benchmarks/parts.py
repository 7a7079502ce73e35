"""Where the client's CPU goes in a dialogue of two models: what each part costs per model call.

    python benchmarks/parts.py [--dialogues 300] [--repeats 7] [--json] [--out results.json]

The dialogues are those of throughput.py, each part alone and with nothing to wait for: `graph` is LangGraph's machine
with roles that answer at once, `roles` makes prompts, hashes and replies, `judging` labels acts, verifies answers and
looks for leaks, `store` commits every reply and trace (as many at once as throughput.py holds), `model` is one call of
the chat model on loopback, HTTP included, whose server answers at once. CPU is user and system time of the process;
medians over repeats, the parts taking turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from clients import PROBLEM, STUDENT_TURNS, at_once, our_model, our_model_loop, problem
from server import REPLY

from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.dialogue.referee import Referee
from sml_agents.roles.guard import find_leak
from sml_agents.roles.student import ChatStudent
from sml_agents.roles.teacher import ChatTeacher
from sml_agents.traces import AsyncWriter, TraceStore
from sml_agents.types import Act, Call, Private, Reply, Role, StopReason, Task, Trace, Turn, Usage, Verdict
from sml_agents.views import StudentView, TeacherView

REQUESTS = 2 * STUDENT_TURNS - 1
TASK = Task(id="pencils", family="pencils", prompt=PROBLEM, private=Private(answer="144"))
ANSWERED = Reply(
    text=REPLY,
    call=Call(
        model="loopback",
        prompt_hash="0123456789abcdef",
        seed=1,
        usage=Usage(prompt_tokens=100, completion_tokens=30),
        finish="stop",
    ),
)


class AtOnce:
    """A role that answers at once; for the graph alone, with nothing to judge."""

    def __init__(self, text: str) -> None:
        self.settings: dict[str, Any] = {}
        self.answer = ANSWERED.model_copy(update={"text": text})

    async def reply(self, view: Any, *, seed: int) -> Reply:
        return self.answer


async def graph(dialogues: int) -> None:
    role = AtOnce("Hm.")
    machine = build_dialogue(role, role, settings=DialogueSettings(max_turns=STUDENT_TURNS, guard="off"))
    for _ in range(dialogues):
        result = await machine.ainvoke({"task": TASK})
        assert result["trace"].stop == StopReason.MAX_TURNS


class Parrot:
    """A model that answers at once, with the same message."""

    takes_seed = True

    def __init__(self) -> None:
        from langchain_core.messages import AIMessage

        self.message = AIMessage(
            REPLY,
            usage_metadata={"input_tokens": 100, "output_tokens": 30, "total_tokens": 130},
            response_metadata={"model_name": "loopback", "finish_reason": "stop"},
        )

    async def ainvoke(self, messages: Any, **_: Any) -> Any:
        return self.message


def history(turns: int) -> tuple[tuple[Role, str], ...]:
    said = [(Role.STUDENT if n % 2 else Role.TEACHER, REPLY) for n in range(1, turns)]
    return ((Role.TEACHER, PROBLEM), *said)


async def roles(dialogues: int) -> None:
    model: Any = our_model("http://127.0.0.1:1/v1")
    student, teacher = ChatStudent(model), ChatTeacher(model)
    student.model = teacher.model = Parrot()  # type: ignore[assignment]
    verdict = Verdict(outcome="incorrect", extracted="5", diagnosis="The answer 5 is not right.")
    for _ in range(dialogues):
        for turn in range(STUDENT_TURNS):
            await student.reply(StudentView(history(2 * turn + 1)), seed=turn)
            if turn < STUDENT_TURNS - 1:
                view = TeacherView(history(2 * turn + 2), TASK.private, Act.ANSWER_ATTEMPT, verdict, ())
                await teacher.reply(view, seed=turn)


async def judging(dialogues: int) -> None:
    referee = Referee()
    for _ in range(dialogues):
        for turn in range(STUDENT_TURNS):
            label, verdict = await referee.judge(TASK, ANSWERED)
            assert label.act is Act.ANSWER_ATTEMPT and verdict is not None
            if turn < STUDENT_TURNS - 1:
                public = [text for _, text in history(2 * turn + 2)]
                find_leak(REPLY, "144", public=public)


async def store(dialogues: int) -> None:
    turn = Turn(role=Role.STUDENT, text=REPLY, act=Act.ANSWER_ATTEMPT, act_by="rule:marked", trainable=True)
    turn = turn.model_copy(update=dict(ANSWERED) | {"reveals": ()})
    numbers = iter(range(dialogues))
    with tempfile.TemporaryDirectory() as folder, TraceStore.open(Path(folder) / "traces.sqlite") as kept:
        kept.start_run({"a": 1})
        writer = AsyncWriter(kept)

        async def hold() -> None:
            number = next(numbers)
            id, task = f"{number:016x}", TASK.model_copy(update={"prompt": problem(number)})
            await writer.start(id, task, number)
            journal = writer.journal(id)
            for call in range(REQUESTS):
                await journal.put(f"student/{call}", ANSWERED)
                await asyncio.sleep(0)
            trace = Trace(id=id, task=task, turns=(turn,) * (REQUESTS + 1), stop=StopReason.MAX_TURNS)
            await writer.finish(trace, number)

        await at_once(hold, dialogues, 64)
        await writer.drain()


def measured(part: Callable[[int], Awaitable[Any]], dialogues: int, requests: int) -> float:
    import uvloop

    begin = time.process_time()
    uvloop.run(part(dialogues))  # type: ignore[arg-type]
    return 1000 * (time.process_time() - begin) / (dialogues * requests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--out", type=Path, help="also write the JSON object to this file")
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py")), "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"

    async def model(dialogues: int) -> None:
        await our_model_loop(url, dialogues, 64)

    parts = {"graph": graph, "roles": roles, "judging": judging, "store": store, "model": model}
    requests = {name: 8 if name == "model" else REQUESTS for name in parts}
    try:
        for name, part in parts.items():
            measured(part, 4, requests[name])
        runs: dict[str, list[float]] = {name: [] for name in parts}
        for _ in range(options.repeats):
            for name, part in parts.items():
                runs[name].append(measured(part, options.dialogues, requests[name]))
    finally:
        server.terminate()
        server.wait()
    found = {
        name: {"median": statistics.median(values), "min": min(values), "max": max(values)}
        for name, values in runs.items()
    }
    report = {"dialogues": options.dialogues, "repeats": options.repeats, "cpu_ms_per_request": found}
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    if options.json:
        print(json.dumps(report))
        return
    print(f"{'':10}  CPU ms / request")
    for name, value in found.items():
        print(f"{name:10}  {value['median']:.3f} ({value['min']:.3f} - {value['max']:.3f})")
    print(f"{'sum':10}  {sum(value['median'] for value in found.values()):.3f}")


if __name__ == "__main__":
    main()
