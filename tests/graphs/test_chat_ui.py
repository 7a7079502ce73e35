"""The page on a guarded agent under a chat UI, followed word by word, on a real LangGraph server."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graphs.test_server import _wait, free_port, is_a_form

pytestmark = pytest.mark.slow


def coming(month: int, day: int) -> str:
    today = dt.date.today()
    return next(date for year in (0, 1) if (date := dt.date(today.year + year, month, day)) >= today).isoformat()


DAY = coming(5, 5)
RULES = [
    {"when": "Scheduled", "reply": f"It is in your calendar on {DAY}."},
    {"when": "5 May", "reply": "", "calls": [{"name": "schedule", "args": {"what": "dentist", "day": DAY}}]},
    {
        "when": "dentist",
        "reply": "",
        "calls": [{"name": "schedule", "args": {"what": "dentist", "day": coming(12, 24)}}],
    },
]
"""A model that makes up the day."""


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "chat-ui.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def server(page: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("chat")
    (folder / "agent.py").write_text(blocks(page, "python")[0], encoding="utf-8")
    (folder / "langgraph.json").write_text(blocks(page, "json")[0], encoding="utf-8")
    (folder / "rules.json").write_text(json.dumps(RULES), encoding="utf-8")
    command = re.search(r"^    MODEL=\S+ (langgraph dev .*)$", page, re.MULTILINE)
    assert command is not None
    words = shlex.split(command[1])
    port = free_port()
    words = [sys.executable, "-m", "langgraph_cli", *words[1:-1], str(port), "--no-reload"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SML_", "LANG"))}
    settings = {
        "MODEL": f"scripted:{folder / 'rules.json'}",
        "LANGSMITH_TRACING": "false",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, cwd=folder, env={**kept, **settings}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_page(page: str, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(blocks(page, "python")[1].replace("http://127.0.0.1:2024", server), names)
    question, problem, last = capsys.readouterr().out.splitlines()
    assert question == "What is the day?" and problem.startswith("That answer cannot be used: ")
    assert last == f"It is in your calendar on {DAY}."
    names["client"].close()
    assert is_a_form(names["paused"]["__interrupt__"]) and is_a_form(names["again"]["__interrupt__"])
    assert "Scheduled dentist" in str(names["done"]) and "Scheduled" not in str(names["paused"])
