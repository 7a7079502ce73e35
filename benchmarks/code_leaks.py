"""How often the leak guard catches a teacher who tells what a hidden test expected, and how often it cries wolf.

    python benchmarks/code_leaks.py [--n 100] [--seed 7] [--json]

Generated functions, a student whose program returns nothing, one turn of feedback each: once by an oracle that tells
the expected value, once by the ordinary one, which says only what went wrong. Counted are the turns that the guard
flagged, with 95 % Wilson intervals; the told values that it missed are listed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from typing import Literal

from sml_agents.backends.scripted import ScriptedModel
from sml_agents.dialogue import DialogueSettings
from sml_agents.evaluation.bootstrap import wilson
from sml_agents.roles import ChatStudent, OracleTeacher
from sml_agents.rollout import run_dialogues
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.types import Role, Task, Turn

NOTHING = "```python\ndef {entry}(*given):\n    return None\n```"


async def feedback(tasks: list[Task], hints: bool | Literal["expected"]) -> list[Turn]:
    """The teacher's turn after a wrong program, for each task."""
    turns = []
    for task in tasks:
        assert task.private.code is not None
        student = ChatStudent(ScriptedModel(replies=[NOTHING.format(entry=task.private.code.entry)]))
        with TraceStore.open(":memory:") as store:
            settings = DialogueSettings(max_turns=2, guard="flag")
            await run_dialogues([task], student, OracleTeacher(hints=hints), store, settings=settings)
            (trace,) = store.traces()
        turns += [turn for turn in trace.turns[:3] if turn.role is Role.TEACHER][-1:]
    return turns


def share(count: int, n: int) -> str:
    """In words, with its Wilson interval."""
    low, high = wilson(count / n, n)
    return f"{count} of {n}, {count / n:.0%} ({100 * low:.0f} to {100 * high:.0f})"


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    tasks = load_tasks(f"functions?form=full&split=all&n={arguments.n}&seed={arguments.seed}")
    told = await feedback(tasks, "expected")
    plain = await feedback(tasks, True)
    missed = [turn.text for turn in told if turn.leak is None]
    result = {
        "told values flagged": share(len(told) - len(missed), len(told)),
        "plain feedback flagged": share(sum(turn.leak is not None for turn in plain), len(plain)),
        "missed": missed,
    }
    if arguments.json:
        print(json.dumps(result))
        return 0
    for name, value in result.items():
        if isinstance(value, str):
            print(f"{name:<24} {value}")
    for text in missed:
        print("missed:", re.sub(r"\s+", " ", text)[-120:])
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
