"""The warm sandbox: deaths, many callers, a clean end, whatever dies first."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sml_agents.errors import InputError, SandboxError
from sml_agents.sandbox import GuestEnded, Isolation, Level, Limits, least_isolation, open_sandbox
from sml_agents.sandbox.local import LocalSandbox
from sml_agents.verifiers.code import CodeVerifier
from tests.processes import gone
from tests.sandbox.attacks import PATIENT, RIGHT, task

SQUARE = {"load": "def f(x): return x * x", "prelude": ""}
CALL = {"call": "f", "body": b'[[3], {"d": []}]'}


@pytest.fixture
def sandbox() -> Iterator[LocalSandbox]:
    made = LocalSandbox()
    yield made
    made.close()


def test_a_launcher_is_used_again_and_its_guests_are_not(sandbox: LocalSandbox) -> None:
    for _ in range(3):
        guest = sandbox.open(Limits())
        assert guest.ask(SQUARE) == {"ok": True}
        assert guest.ask(CALL)["value"] == "9"
        guest.close()
    assert len(sandbox.pids) == 1
    with pytest.raises((GuestEnded, OSError, ValueError)):
        guest.ask(CALL)


def test_a_launcher_that_was_killed_is_replaced(sandbox: LocalSandbox) -> None:
    sandbox.open(Limits()).close()
    (first,) = sandbox.pids
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while sandbox.pids and time.monotonic() < deadline:
        time.sleep(0.01)
    guest = sandbox.open(Limits())
    guest.ask(SQUARE)
    assert guest.ask(CALL)["value"] == "9"
    guest.close()


def test_a_launcher_that_dies_takes_its_guest_along(sandbox: LocalSandbox) -> None:
    guest = sandbox.open(Limits(seconds=10))
    guest.ask(SQUARE)
    os.killpg(sandbox.pids[0], signal.SIGKILL)
    with pytest.raises(GuestEnded):
        for _ in range(100):
            guest.ask(CALL)
            time.sleep(0.02)
    guest.close()
    assert sandbox.pids == []


def test_without_namespaces_a_program_writes_below_the_folder_for_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sandbox = LocalSandbox(without=["namespaces"])
    guest = sandbox.open(Limits())
    guest.ask({"load": "import os\ndef f(x): return os.getcwd()", "prelude": ""})
    (scratch,) = tmp_path.iterdir()
    assert guest.ask(CALL)["value"] == f"'{scratch}'"
    guest.close()
    assert list(tmp_path.iterdir()) == []
    sandbox.close()


def test_a_closed_sandbox_opens_nothing(sandbox: LocalSandbox) -> None:
    sandbox.open(Limits()).close()
    sandbox.close()
    sandbox.close()
    with pytest.raises(SandboxError, match="closed"):
        sandbox.open(Limits())


def test_the_same_program_sees_the_same_hashes(sandbox: LocalSandbox) -> None:
    def once() -> object:
        other = LocalSandbox()
        guest = other.open(Limits())
        guest.ask({"load": "def f(x): return hash('a'), list({'a', 'b', 'c', 'd'})", "prelude": ""})
        value = guest.ask(CALL)
        other.close()
        return value

    assert once() == once()


async def test_a_grading_that_is_cancelled_opens_no_more_guests(sandbox: LocalSandbox) -> None:
    endless = "def f(n):\n    while True: pass"
    code = PATIENT.model_copy(update={"seconds": 0.5})
    job = asyncio.create_task(CodeVerifier(sandbox=sandbox).verify(task(code), endless))
    await asyncio.sleep(0.4)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert (await CodeVerifier(sandbox=sandbox).verify(task(PATIENT), RIGHT["the right one"])).correct


PROGRAM = """
import os, sys
from sml_agents.sandbox import Limits
from sml_agents.sandbox.local import LocalSandbox
sandbox = LocalSandbox()
guest = sandbox.open(Limits(seconds=60))
guest.ask({"load": "def f(): pass", "prelude": ""})
def below(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            children = file.read().split()
        for child in children:
            yield int(child)
            yield from below(child)
print(*below(os.getpid()), flush=True)
if sys.argv[1:]:
    os.kill(os.getpid(), int(sys.argv[1]))
"""


@pytest.mark.parametrize("end", [[], [str(int(signal.SIGKILL))], [str(int(signal.SIGINT))]])
def test_no_process_outlives_the_program(end: list[str], repository: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *end]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=repository)
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) >= 2, done.stderr
    if not end:
        assert (done.returncode, done.stderr) == (0, "")
    until = time.monotonic() + 10
    while not all(map(gone, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pid for pid in pids if not gone(pid)] == []


@pytest.mark.parametrize(
    ("layers", "level"),
    [
        (["process", "limits"], Level.PROCESS),
        (["process", "limits", "seccomp"], Level.PROCESS),
        (["process", "landlock", "limits", "seccomp"], Level.CONFINED),
        (["process", "namespaces", "limits"], Level.PROCESS),
        (["process", "namespaces", "landlock", "limits"], Level.PROCESS),
        (["process", "landlock", "limits"], Level.PROCESS),
        (["process", "namespaces", "limits", "seccomp"], Level.CONFINED),
        (["process", "namespaces", "landlock", "limits", "seccomp"], Level.LAYERED),
        (["docker", "process", "limits"], Level.PROCESS),
        (["docker", "process", "limits", "seccomp"], Level.CONTAINER),
        (["bubblewrap", "process", "landlock", "limits", "seccomp"], Level.CONTAINER),
    ],
)
def test_levels_are_made_of_layers(layers: list[str], level: Level) -> None:
    assert Isolation.of(layers).level is level
    assert str(Isolation.of(layers)).startswith(str(level))


def test_names_and_levels_that_there_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jail", "docker:", "docker"):
        with pytest.raises(InputError, match="bubblewrap"):
            open_sandbox(name)
    monkeypatch.setenv("SML_AGENTS_MIN_ISOLATION", "fortress")
    with pytest.raises(InputError, match="confined, layered, container"):
        least_isolation()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SandboxError, match="no podman"):
        open_sandbox("podman:image")
