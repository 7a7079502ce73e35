"""Processes in which the libraries of `sml-agents` are loaded already: a command then takes a tenth of the time."""

from __future__ import annotations

import multiprocessing
import os
import sys
import traceback
from multiprocessing.context import ForkServerContext
from pathlib import Path

LOADED = [
    "sml_agents.cli",
    "sml_agents.dialogue",
    "sml_agents.rollout",
    "sml_agents.tasks",
    "sml_agents.backends.scripted",
]


def server() -> ForkServerContext:
    """Forks from a process that has imported `LOADED` and has never run anything else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context


def command(arguments: list[str], cwd: str, environment: dict[str, str], files: Path) -> None:
    """Runs in the child: `files` holds `in`, and receives `out`, `err` and the exit code."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, (name, flags) in enumerate({"in": os.O_RDONLY, "out": os.O_WRONLY, "err": os.O_WRONLY}.items()):
        os.dup2(os.open(files / name, flags | os.O_CREAT, 0o600), number)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    code = 1
    try:
        from sml_agents.cli import main

        code = main(arguments)
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    (files / "code").write_text(str(code))
    os._exit(code)
