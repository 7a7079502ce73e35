"""The floors of the house: a room imports only from floors below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sml_agents

PACKAGE = Path(sml_agents.__file__).parent
FLOORS = [
    {"types", "errors", "files", "specs", "views", "text"},
    {"sandbox"},
    {"tasks", "verifiers", "backends", "traces"},
    {"roles"},
    {"dialogue"},
    {"rollout", "data", "asker"},
    {"agents", "training", "evaluation", "mining", "serving"},
    {"testing", "demo", "viewer", "integrations"},
    {"cli"},
    {"__main__"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
OUTSIDE = {"graphs", "finetune", "examples", "tests", "benchmarks"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """`traces` for sml_agents/traces/store.py, `types` for sml_agents/types.py, empty for the package itself."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports_of(path: Path) -> Iterator[str]:
    """Every imported module by its full name, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            prefix = ""
            if node.level:
                package = path.relative_to(PACKAGE.parent).with_suffix("").parts[: -node.level]
                prefix = ".".join(package) + "."
            base = (prefix + (node.module or "")).strip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(path: Path) -> list[str]:
    here = room_of(path)
    found = []
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] in OUTSIDE:
            found.append(f"{path}: {name} is not part of the library")
        if parts[0] != "sml_agents" or len(parts) < 2 or not here:
            continue
        there = parts[1]
        if there not in FLOOR_OF or there == here:
            continue
        ground = FLOOR_OF[here] == FLOOR_OF[there] == 0
        if FLOOR_OF[there] >= FLOOR_OF[here] and not ground:
            found.append(f"{path}: {here} must not import {there}")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_from_floors_below(path: Path) -> None:
    assert violations(path) == []


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(path) for path in modules()} - {""}
    assert rooms <= set(FLOOR_OF), f"say in FLOORS where these belong: {rooms - set(FLOOR_OF)}"


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("traces/x.py", "from sml_agents.rollout import run"),
        ("traces/x.py", "import sml_agents.tasks.families"),
        ("dialogue/x.py", "def f():\n    from sml_agents import cli"),
        ("roles/x.py", "from ..evaluation import metrics"),
        ("types.py", "from sml_agents.roles import student"),
        ("cli/x.py", "import graphs.student_teacher"),
    ],
)
def test_the_rule_sees_a_violation(where: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sml_agents"
    module = package / where
    module.parent.mkdir(parents=True)
    module.write_text(code)
    monkeypatch.setattr(f"{__name__}.PACKAGE", package)
    assert violations(module)


def arrows() -> dict[str, set[str]]:
    """Which module imports which, anywhere in it: `sml_agents.traces.store` -> {`sml_agents.errors`, ...}."""
    names = {path: ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in modules()}
    known = {name.removesuffix(".__init__") for name in names.values()}
    found: dict[str, set[str]] = {}
    for path, name in names.items():
        if name.endswith(".__init__"):  # it gathers names, and is nobody's part
            continue
        there = found.setdefault(name, set())
        for imported in imports_of(path):
            parts = imported.split(".")
            for length in range(len(parts), 1, -1):
                if (module := ".".join(parts[:length])) in known:
                    there.add(module)
                    break
    return found


def test_no_module_needs_itself() -> None:
    """Two modules that import each other, at whatever moment, are one that was cut in two."""
    graph = arrows()

    reached: dict[str, set[str]] = {}
    for name in graph:
        seen, waiting = set(), [*graph[name]]
        while waiting:
            if (module := waiting.pop()) not in seen:
                seen.add(module)
                waiting += graph.get(module, ())
        reached[name] = seen
    assert [name for name, seen in reached.items() if name in seen] == []
