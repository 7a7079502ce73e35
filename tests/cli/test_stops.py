"""Ctrl-C and SIGTERM at every moment, and standard streams that are closed or full."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PROGRAM, TASKS

AT = """
import importlib, sys, time
from sml_agents.__main__ import run
module, _, name = {place!r}.rpartition(".")
def work(*_, **__):
    print("at work", file=sys.stderr, flush=True)
    {work}
setattr(importlib.import_module(module), name, work)
sys.argv = ["sml-agents", *{arguments!r}]
sys.exit(run())
"""
"""A command that, where it comes to `place`, does `work` instead."""
WAITS = "time.sleep(600)"


def stopped(
    place: str, arguments: list[str], *, cwd: Path, work: str = WAITS, at: str = "at work", number: int = signal.SIGINT
) -> tuple[int, str, str]:
    """The exit code and what was printed of a command that was sent a signal when it had said `at`."""
    code = AT.format(place=place, arguments=arguments, work=work)
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        said = ""
        while at not in said:
            said = process.stderr.readline()
            assert said, "it has ended"
        process.send_signal(number)
        out, err = process.communicate()
    assert "Traceback" not in err
    return process.returncode, out, err


RUN = ["run", "--tasks", TASKS, "--student", "scripted:script.json", "--store", "new.sqlite"]
EVAL = ["eval", "--tasks", TASKS, "--student", "scripted:script.json"]


@pytest.fixture
def folder(store: Path) -> Path:
    """With a store, a script and a recipe in it."""
    place = store.parent
    (place / "script.json").write_text('["Hm."]')
    (place / "sft.yaml").write_text("stores: traces.sqlite\nout: trained\nsft: {model: 'embedded:'}\n")
    return place


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("place", "arguments", "told"),
    [
        ("sml_agents.cli.run.count_tasks", RUN,
         "what was answered is in new.sqlite: go on with the same command and --resume"),
        ("sml_agents.evaluation.run._tasks", [*EVAL, "--out", "ev"], "what is finished is in ev: go on with --resume"),
        ("sml_agents.evaluation.run._tasks", EVAL, "nothing is kept without --out"),
        ("sml_agents.training.train_run", ["train", "sft", "--config", "sft.yaml"],
         "the same command with --resume true goes on from the last checkpoint, or else begins anew"),
        ("sml_agents.mining.mine", ["mine", "traces.sqlite", "--store", "lessons.sqlite"],
         "the lessons found so far are in lessons.sqlite, and the same command finds the rest"),
        ("sml_agents.traces.importers.import_logs", ["import", "openai:script.json", "--store", "logs.sqlite"],
         "what was imported is in logs.sqlite, and the same command brings the rest"),
        ("sml_agents.data.export.export", ["export", "traces.sqlite", "--format", "trl", "--out", "rows.jsonl"],
         "nothing was written, and rows.jsonl is as it was"),
        ("sml_agents.demo.run_demo", ["demo", "--out", "demo"],
         "what is finished is in demo, and the same command goes on where it was"),
    ],
)  # fmt: skip
def test_the_first_signal_ends_a_command_that_says_what_is_kept(
    folder: Path, place: str, arguments: list[str], told: str, number: signal.Signals
) -> None:
    code, out, err = stopped(place, arguments, cwd=folder, number=number)
    assert (code, out) == (130, "")
    assert err.strip().splitlines()[-1] == f"sml-agents: interrupted: {told}"


def test_the_sentence_is_json_where_it_is_asked_for(folder: Path) -> None:
    code, out, _ = stopped("sml_agents.demo.run_demo", ["demo", "--out", "demo", "--json"], cwd=folder)
    told = json.loads(out)
    assert (code, told["exit_code"], told["type"]) == (130, 130, "Interrupted")
    assert told["error"].endswith("the same command goes on where it was")


@pytest.mark.parametrize(
    "work",
    [
        "import threading; threading.Thread(target=time.sleep, args=(600,)).start(); time.sleep(600)",
        "import atexit; atexit.register(time.sleep, 600); time.sleep(600)",
    ],
)
def test_an_interrupt_waits_for_no_thread(folder: Path, work: str) -> None:
    code, _, err = stopped("sml_agents.cli.run.count_tasks", RUN, cwd=folder, work=work)
    assert code == 130
    assert "interrupted" in err


def test_an_interrupt_of_which_a_library_made_another_error(folder: Path) -> None:
    work = f"""try: {WAITS}
    except KeyboardInterrupt: raise ImportError("numpy is broken")"""
    code, _, err = stopped("sml_agents.cli.show._row", ["show", "traces.sqlite"], cwd=folder, work=work)
    assert code == 130
    assert err.strip().splitlines()[-1] == "sml-agents: interrupted"


def test_an_interrupt_after_all_is_done_changes_nothing(folder: Path) -> None:
    work = """import atexit
    atexit.register(lambda: (print("now", file=sys.stderr, flush=True), time.sleep(600)))"""
    code, _, _ = stopped("sml_agents.cli.show._print_list", ["show", "traces.sqlite"], cwd=folder, work=work, at="now")
    assert code == 0


def shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(["bash", "-c", command], cwd=cwd, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">&- --json"])
@pytest.mark.parametrize("words", [["show", "traces.sqlite"], ["chat", "--student", "scripted:script.json"], RUN])
def test_a_stream_that_is_closed_is_an_empty_one(folder: Path, streams: str, words: list[str]) -> None:
    done = shell(f"sml-agents {shlex.join(words)} {streams}", folder)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize("options", ["", "--json"])
def test_a_full_disk_under_the_result(folder: Path, options: str) -> None:
    done = shell(f"sml-agents show traces.sqlite {options} > /dev/full", folder)
    told = "sml-agents: the result cannot be printed: No space left on device: free some space, or choose another place"
    assert (done.returncode, done.stderr) == (1, f"{told}\n")


def test_an_mcp_server_that_waits_for_its_client_ends(tmp_path: Path) -> None:
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([PROGRAM, "mcp"], cwd=tmp_path, text=True, **pipes) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(asked + "\n")
        process.stdin.flush()
        assert '"serverInfo"' in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert "Traceback" not in process.stderr.read()
