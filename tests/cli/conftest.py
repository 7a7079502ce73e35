"""The real program, each command in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .forked import command, server

PROGRAM = Path(sys.executable).parent / "sml-agents"
TASKS = "arithmetic?form=paired&n=3&seed=1"


@dataclass(frozen=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object and nothing else."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        assert self.out.count("\n") == 1, "one line"
        return value


Cli = Callable[..., Run]


def run_program(*arguments: str | Path, cwd: Path, stdin: str = "", **environment: str) -> Run:
    """`sml-agents` with arguments, 80 columns wide, without keys."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        input=stdin.encode(),
        capture_output=True,
        cwd=cwd,
        env={**kept, "COLUMNS": "80", **environment},
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_forked(*arguments: str | Path, cwd: Path, stdin: str = "", **environment: str) -> Run:
    """As `run_program`, in a process of its own that has the libraries loaded."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    with tempfile.TemporaryDirectory() as name:
        files = Path(name)
        (files / "in").write_text(stdin, encoding="utf-8")
        given = ([*map(str, arguments)], str(cwd), {**kept, "COLUMNS": "80", **environment}, files)
        child = server().Process(target=command, args=given)
        child.start()
        child.join()
        assert child.exitcode == int((files / "code").read_text())
        return Run(child.exitcode, *((files / name).read_text(encoding="utf-8") for name in ("out", "err")))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder to run commands in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def cli(work: Path) -> Cli:
    """Runs commands."""
    return partial(run_forked, cwd=work)


@pytest.fixture
def program(work: Path) -> Cli:
    """Runs commands as the installed program, imports and all."""
    return partial(run_program, cwd=work)


def write_script(folder: Path, replies: Sequence[Any]) -> str:
    path = folder / "script.json"
    path.write_text(json.dumps(replies))
    return f"scripted:{path}"


@pytest.fixture
def script(tmp_path: Path) -> Callable[[Sequence[Any]], str]:
    """Writes a script and returns its backend spec."""
    return partial(write_script, tmp_path)


STUDENT = ["How many are there? \x1b[31mred\x1b[0m", "The answer is 7."]
"""Asks about what may be missing, and tries to colour the terminal; then guesses."""


@pytest.fixture(scope="session")
def finished_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    arguments = ("--student", write_script(folder, STUDENT), "--store", "traces.sqlite", "--max-turns", "3", "--json")
    done = run_program("run", "--tasks", TASKS, *arguments, cwd=folder)
    assert done.code == 0, done.err
    return folder / "traces.sqlite"


@pytest.fixture
def store(finished_store: Path, tmp_path: Path) -> Path:
    """A store of six dialogues of three student turns each, none solved; a copy of its own for each test."""
    return Path(shutil.copyfile(finished_store, tmp_path / "traces.sqlite"))
