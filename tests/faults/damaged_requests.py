"""Requests whose tools, calls and turns were damaged: whatever a store or a file holds, it is read or refused in words.

    python -m tests.faults.damaged_requests [10000]

A damaged trace that is no trace any more is refused when it is read. One that still is goes through all that reads
traces: rows for every kind of training, every format of export, the figures, and a dialogue about its task anew. Rows
of function-calling data, schemas in them, are counted with a reason or become tasks, about which dialogues are held.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sml_agents import errors
from sml_agents.data.export import FORMATS, export
from sml_agents.data.rows import training_rows
from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.errors import SmlError
from sml_agents.evaluation.metrics import compute
from sml_agents.roles import GuessingStudent, OraclePrimer, OracleTeacher
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.training.tokens.pairs import preference_examples
from sml_agents.types import StopReason, Task, Trace
from tests.damage import damaged
from tests.tool_requests import FLIGHT_REQUEST, UNSERVED, request
from tests.tool_rows import OPENAI, ROW, SGD, TABLE, written

TASKS = (request(), request("day"), request("day", "guests"), FLIGHT_REQUEST, UNSERVED)
SETTINGS = DialogueSettings(max_turns=3, q_priming=0.7)


async def talk(task: Task, questions: float = 0.3) -> Trace:
    cast = Cast(GuessingStudent(questions=questions), OracleTeacher(), SETTINGS, primer=OraclePrimer(demonstrate=True))
    trace: Trace = (await cast.graph().ainvoke({"task": task}))["trace"]
    return trace


def hold(count: int, seed: int = 0) -> Counter[str]:
    """What became of `count` damaged traces. Raises whatever is no refusal in words."""
    rng = random.Random(seed)
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        sound = [runner.run(talk(task, questions)) for task in TASKS for questions in (0.0, 0.3, 1.0)]
        written = [json.loads(trace.model_dump_json()) for trace in sound]
        became: Counter[str] = Counter()
        for number in range(count):
            try:
                trace = Trace.model_validate(part_damaged(rng.choice(written), rng))
            except ValidationError:
                became["refused"] += 1
                continue
            became["read"] += 1
            for use in (rows, pairs, figures):
                became[f"{use.__name__} {in_words(use, trace)}"] += 1
            format = FORMATS[number % (len(FORMATS) - 1)]  # all but Parquet, whose folders take their time
            became[f"export {in_words(export, [trace], format, Path(folder) / 'rows')}"] += 1
            again = runner.run(talk(trace.task))
            became[f"again {again.stop}"] += 1
            assert ended_in_words(again), f"{again.error}: {trace.task!r}"
        return became


def hold_rows(count: int, seed: int = 0, talked: int = 20) -> Counter[str]:
    """What became of `count` damaged rows of each kind of data; `talked`: dialogues that are held about those read."""
    rng = random.Random(seed)
    became: Counter[str] = Counter()
    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        for family, sound in (("tools-jsonl", [ROW, OPENAI, TABLE]), ("sgd", [SGD])):
            made = [json.dumps(damaged(rng.choice(sound), rng)) for _ in range(count)]
            report = LoadReport()
            tasks = load_tasks(f"{family}:{written(Path(folder) / 'rows.jsonl', made)}?form=mixed", report=report)
            assert report.made == len(tasks) and report.read == count == len(tasks) + report.left_out
            for reason, times in (report.bad + report.refused).items():
                assert re.fullmatch(r"[\w ,.'-]{3,80}", reason), reason
                became[f"{family} left out: {reason}"] += times
            became[f"{family} read"] += len(tasks)
            for task in tasks:
                assert Task.model_validate_json(task.model_dump_json()) == task
            for task in rng.sample(tasks, min(talked, len(tasks))):
                trace = runner.run(talk(task))
                assert ended_in_words(trace), f"{trace.error}: {task!r}"
    return became


def part_damaged(trace: Any, rng: random.Random) -> Any:
    """Damage in the task's tools or calls, in a turn, or anywhere."""
    path = rng.choice((("task", "tools"), ("task", "private", "calls"), ("turns",), ()))
    if not path:
        return damaged(trace, rng)
    made = json.loads(json.dumps(trace))
    at = made
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = damaged(at[path[-1]], rng)
    return made


def ended_in_words(trace: Trace) -> bool:
    """Whether a dialogue came to its end, or was refused for what its task says: a verifier that there is not."""
    failed = trace.stop is StopReason.FAILED
    return not failed or (trace.error is not None and issubclass(getattr(errors, trace.error.type, object), SmlError))


def in_words(use: Any, *given: Any) -> str:
    """How a use of a trace ended."""
    try:
        use(*given)
    except SmlError as error:
        assert str(error) and "\n" not in str(error), error
        return "refused"
    return "done"


def rows(trace: Trace) -> None:
    training_rows([trace], "mt_sft")


def pairs(trace: Trace) -> None:
    preference_examples([trace], paired=True)


def figures(trace: Trace) -> None:
    compute([trace])


if __name__ == "__main__":
    count, parts = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, 10
    became: Counter[str] = Counter()
    for part in range(parts):
        became += hold(count // parts, seed=part)
        print(f"{became['read'] + became['refused']:,} damaged traces", file=sys.stderr, flush=True)
    became += hold_rows(count, talked=200)
    for what, times in sorted(became.items()):
        print(f"{times:7,} {what}")
