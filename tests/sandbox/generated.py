"""Programs of which it is known whether they are right: references, mutants, and cheats added to both."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sml_agents.tasks import load_tasks
from sml_agents.types import Task

CHEATS = (
    "import builtins\nbuiltins.all = builtins.any = lambda *a: True",
    "import sys\nsys.modules['json'] = None",
    "import os\ntry: os.write(3, b'{\"passed\": true}')\nexcept OSError: pass",
    "print('passed')",
    "class Always(int):\n    __eq__ = lambda s, o: True\n    __hash__ = int.__hash__",
    "import gc\ngc.disable()",
    "import sys\nsys.setrecursionlimit(50)",
    "import atexit\natexit.register(print, 'passed')",
)


@dataclass(frozen=True)
class Program:
    task: Task
    text: str
    right: bool


def programs(count: int, rng: random.Random) -> Iterator[Program]:
    """A third references, two thirds mutants, half of all with a cheat that changes nothing about the values."""
    tasks = load_tasks("functions?split=all&n=60")
    for number in range(count):
        task = tasks[number % len(tasks)]
        source = task.private.answer if rng.random() < 0.34 else mutated(task.private.answer, rng)
        cheat = rng.choice(CHEATS) if rng.random() < 0.5 else ""
        spoils = cheat.startswith("import os")  # a reply that nobody asked for
        text = f"```python\n{cheat}\n{source}\n```"
        yield Program(task, text, is_right(source, task) and not spoils)


def mutated(source: str, rng: random.Random) -> str:
    """`source` with one change: a constant, a comparison, an operator, a branch, or what is returned."""
    tree = ast.parse(source)
    spots: list[Callable[[], None]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) in (int, bool):
            spots.append(lambda node=node: setattr(node, "value", node.value + rng.choice([-1, 1])))
        elif isinstance(node, ast.Compare):
            swap: dict[type, ast.cmpop] = {ast.Lt: ast.LtE(), ast.Gt: ast.GtE(), ast.Eq: ast.NotEq()}
            spots.append(lambda node=node, swap=swap: node.ops.__setitem__(0, swap.get(type(node.ops[0]), ast.Lt())))
        elif isinstance(node, ast.BinOp):
            spots.append(
                lambda node=node: setattr(node, "op", ast.Add() if isinstance(node.op, ast.Sub) else ast.Sub())
            )
        elif isinstance(node, ast.If | ast.IfExp):
            spots.append(lambda node=node: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test)))
        elif isinstance(node, ast.Return) and node.value is not None:
            spots.append(lambda node=node: setattr(node, "value", ast.List([node.value], ast.Load())))
    rng.choice(spots)()
    return ast.unparse(ast.fix_missing_locations(tree))


def is_right(source: str, task: Task) -> bool:
    """Whether a harmless program (a mutant of ours) gives what each hidden test wants."""
    assert task.private.code is not None
    names: dict[str, Any] = {}
    exec(source, names)
    for case in task.private.code.cases:
        try:
            value = names[task.private.code.entry](*ast.literal_eval(f"({case.given},)"))
        except Exception:
            return False
        wanted = ast.literal_eval(case.expected)
        if value != wanted or isinstance(value, bool) != isinstance(wanted, bool):
            return False
    return True
