"""The real program in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Runs `sml-agents` with arguments in an empty folder, 80 columns wide, without keys."""
    home = tmp_path / "work"
    home.mkdir()

    def run(*arguments: str | Path, stdin: str = "", cwd: Path = home, **environment: str) -> Run:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            input=stdin.encode(),
            capture_output=True,
            cwd=cwd,
            env={**kept, "COLUMNS": "80", **environment},
            timeout=120,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[[Sequence[Any]], str]:
    """Writes a script and returns its backend spec."""

    def write(replies: Sequence[Any]) -> str:
        path = tmp_path / "script.json"
        path.write_text(json.dumps(replies))
        return f"scripted:{path}"

    return write


@pytest.fixture
def store(cli: Cli, script: Callable[[Sequence[Any]], str], tmp_path: Path) -> Path:
    """A store of six dialogues: the student asks about the number that may be missing, then gives up on 7."""
    path = tmp_path / "traces.sqlite"
    student = script(["How many are there? \x1b[31mred\x1b[0m", "The answer is 7."])
    done = cli("run", "--tasks", TASKS, "--student", student, "--store", path, "--max-turns", "3", "--json")
    assert done.code == 0, done.err
    return path
