"""Signals, closed pipes, and nothing but the result on standard output."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from sml_agents.cli import main
from sml_agents.cli.clean import clean

from .conftest import PROGRAM, Cli

NOISY = """
import os, sys
from sml_agents.cli import entry
from sml_agents.cli.result import Result
def app(**_):
    print("printed")
    os.write(1, b"written")
    os.system("echo from a child")
    {what}
entry.app = app
sys.exit(entry.main(["x", "--json"]))
"""


@pytest.mark.parametrize(
    ("what", "code", "expected"),
    [
        ("return Result({'a': float('nan'), 'b': [1.5, float('inf')], 'c': '\\udc80'}, code=1)", 1,
         {"a": None, "b": [1.5, None], "c": "\udc80"}),
        ("raise KeyboardInterrupt", 130, {"error": "interrupted", "type": "Interrupted", "exit_code": 130}),
        ("sys.exit(3)", 3, {}),
    ],
)  # fmt: skip
def test_json_is_all_there_is_on_standard_output(what: str, code: int, expected: dict[str, Any]) -> None:
    done = subprocess.run([sys.executable, "-c", NOISY.format(what=what)], capture_output=True)
    assert done.returncode == code
    assert json.loads(done.stdout) == expected
    for noise in (b"printed", b"written", b"from a child"):
        assert noise in done.stderr


def test_a_fault_of_ours_is_said_to_be_one() -> None:
    done = subprocess.run([sys.executable, "-c", NOISY.format(what="1 / 0")], capture_output=True)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["type"] == "InternalError"
    assert b"Traceback" in done.stderr, "for the report"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_chat_cleanly(
    number: signal.Signals, script: Callable[[Sequence[Any]], str], tmp_path: Path
) -> None:
    command = [PROGRAM, "chat", "--student", script(["First."]), "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as chat:
        assert chat.stdin and chat.stdout and chat.stderr
        chat.stdin.write(b"hello\n")
        chat.stdin.flush()
        said = b""
        while b"First." not in said:
            said += chat.stderr.readline()
        chat.send_signal(number)
        out = chat.stdout.read()
        rest = chat.stderr.read()
        assert chat.wait() == 130
    assert json.loads(out)["type"] == "Interrupted"
    assert b"Traceback" not in rest


def test_a_reader_that_goes_away_is_no_error(store: Path) -> None:
    command = f"'{PROGRAM}' show '{store}' | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True)
    assert done.stderr == b""


def test_help_is_on_standard_output(cli: Cli) -> None:
    done = cli("run", "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: sml-agents run")


def test_every_command_offers_json(capsys: pytest.CaptureFixture[str]) -> None:
    def page(*words: str) -> str:
        assert main([*words, "--help"]) == 0
        return capsys.readouterr().out

    commands = {line.split()[0] for line in page().split("Commands:")[1].splitlines() if line.strip()}
    assert commands == {
        "demo",
        "run",
        "import",
        "mine",
        "mcp",
        "redact",
        "review",
        "export",
        "train",
        "eval",
        "report",
        "show",
        "tasks",
        "chat",
        "doctor",
        "recipes",
        "ask",
        "gguf",
        "completions",
        "merge",
        "push",
        "serve",
        "view",
    }
    for words in (*([command] for command in commands - {"recipes", "mcp"}), ["recipes", "list"], ["recipes", "copy"]):
        assert "--json" in page(*words), words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\rb\x08c\x7f", "a\\rb\\x08c\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("two\nlines\tand a tab, 15 €, 漢字, 👍\u200d💻", "two\nlines\tand a tab, 15 €, 漢字, 👍\u200d💻"),
        ("one\r\ntwo", "one\ntwo"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "sml_agents", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("sml-agents ")


@pytest.mark.parametrize("after", [0.01, 0.05, 0.1, 0.2, 0.4])
def test_an_interrupt_while_it_is_being_loaded_leaves_no_traceback(after: float) -> None:
    code = "import sys; from sml_agents.__main__ import run; print('ready', flush=True); sys.exit(run())"
    with subprocess.Popen(
        [sys.executable, "-c", code, "chat", "--student", "embedded:"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert errors.strip().splitlines()[-1] == "sml-agents: interrupted" and "Traceback" not in errors
