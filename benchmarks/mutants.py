"""Mutants of published solutions: does the grader fail those that misbehave, and only those?

    python benchmarks/mutants.py HUMANEVAL_FILE [--each 3] [--json]

Each reference solution is changed in up to `--each` ways: a constant off by one, another comparison, another operator,
a swapped branch, a list around what is returned. Whether a mutant misbehaves is found out by running the data set's own
`check` on it in a plain subprocess, as the mutants are harmless. Disagreements are printed, one a line.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sml_agents.tasks import load_tasks
from sml_agents.verifiers.code import CodeVerifier
from tests.sandbox.generated import mutated


def plainly(row: dict[str, Any], source: str) -> bool:
    """Whether the data set's own check passes."""
    program = f"{source}\n{row['test']}\ncheck({row['entry_point']})\n"
    try:
        return subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


async def run(path: str, each: int) -> dict[str, Any]:
    tasks = load_tasks(f"humaneval:{path}")
    with gzip.open(path, "rt") if path.endswith(".gz") else open(path) as file:
        rows = {row["task_id"]: row for row in map(json.loads, file)}
    mutants = []
    for task in tasks:
        rng, found = random.Random(str(task.meta["name"])), set()
        for _ in range(each * 3):
            if len(found) < each:
                found.add(mutated(task.private.answer, rng))
        mutants += [(task, source) for source in sorted(found)]
    verifier = CodeVerifier()
    verdicts = await asyncio.gather(*(verifier.verify(task, f"```python\n{source}\n```") for task, source in mutants))
    with ThreadPoolExecutor(2) as threads:
        passes = list(threads.map(lambda one: plainly(rows[one[0].meta["name"]], one[1]), mutants))
    counts: Counter[str] = Counter()
    odd = []
    for (task, _source), verdict, passed in zip(mutants, verdicts, passes, strict=True):
        counts[f"check {'passes' if passed else 'fails'}, graded {verdict.outcome}"] += 1
        if verdict.correct is not passed:
            odd.append(f"{task.meta['name']}: check {'passes' if passed else 'fails'}: {verdict.diagnosis}")
    return {"mutants": len(mutants), "counts": dict(counts), "disagreements": odd}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("humaneval", help="HumanEval.jsonl or .jsonl.gz")
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = asyncio.run(run(options.humaneval, options.each))
    print(json.dumps(report) if options.json else "\n".join([str(report["mutants"]), str(report["counts"])]))
    if not options.json:
        print("\n".join(report["disagreements"]))


if __name__ == "__main__":
    main()
