"""Does the person that is played by rule answer who asks rightly, and only then?

    python benchmarks/simulator.py [--gsm8k gsm8k_train.jsonl gsm8k_test.jsonl] [--show] [--out FILE]

`simulator_questions.jsonl` has, for 495 tasks that lack something, three questions by which somebody would ask for
exactly that, and three that ask for something else, 2,970 in all: written by a large language model that saw the
problem, or the tool and the request, and what is missing, and nothing of the rule. With the `known` ones at hand the
rule was made; the `fresh` ones were written afterwards, about other facts and arguments, and only how many come out
wrong was looked at. Each question is the first turn of a dialogue with the oracle; what is counted is whether it tells
the missing fact. Tasks are made anew from their specs; those of GSM8K need its files, and are left out without. 95 %
Wilson intervals.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from shares import share

from sml_agents.backends.scripted import ScriptedModel
from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.errors import SmlError
from sml_agents.roles import ChatStudent, OracleTeacher
from sml_agents.tasks import load_tasks
from sml_agents.types import Task

QUESTIONS = Path(__file__).with_name("simulator_questions.jsonl")
ASKED = "asks for what is missing"


@cache
def tasks_of(spec: str) -> dict[str, Task]:
    return {task.id: task for task in load_tasks(spec)}


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


async def is_told(task: Task, fact: str, question: str) -> bool:
    """Whether the person tells the fact when this is the first thing that they are asked."""
    student = ChatStudent(ScriptedModel(replies=[question]))
    graph = build_dialogue(student, OracleTeacher(), settings=DialogueSettings(max_turns=2))
    done = await graph.ainvoke({"task": task}, {"recursion_limit": 30})  # type: ignore[typeddict-item]
    return fact in done["trace"].turns[2].reveals


async def measure(files: dict[str, Path], show: bool) -> dict[str, dict[str, dict[str, list[bool]]]]:
    """By set and domain, of each kind of question which were answered with the fact."""
    found: dict[str, dict[str, dict[str, list[bool]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in rows():
        family, _, rest = row["spec"].partition("?")
        name, _, file = family.partition(":")
        if file and file not in files:
            continue
        task = tasks_of(f"{name}:{files[file]}?{rest}" if file else row["spec"])[row["task"]]
        domain = "requests to tools" if name == "requests" else "word problems, lists and functions"
        for kind, question in [*((ASKED, one) for one in row["right"]), *row["wrong"].items()]:
            told = await is_told(task, row["fact"], question)
            found[row["set"]][domain][kind].append(told)
            if show and told != (kind == ASKED):
                print(f"{row['set']} | {kind} | {question} | {row['fact']} | {task.prompt[-160:]!r}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gsm8k", type=Path, nargs="*", default=[], help="gsm8k_train.jsonl, gsm8k_test.jsonl")
    parser.add_argument("--show", action="store_true", help="print what comes out wrong")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    try:
        found = asyncio.run(measure({path.name: path for path in options.gsm8k}, options.show))
    except SmlError as error:
        parser.error(str(error))
    figures = {
        name: {domain: {kind: share(told) for kind, told in kinds.items()} for domain, kinds in domains.items()}
        for name, domains in found.items()
    }
    for name, domains in figures.items():
        for domain, kinds in domains.items():
            print(f"{name}, {domain}")
            for kind, told in kinds.items():
                print(f"  {kind}: {told}")
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
