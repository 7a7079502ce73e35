"""Programs that cheat, harm or hang: none passes, none outlives its grading; as this user and as an ordinary one."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sml_agents.sandbox.local import LocalSandbox
from sml_agents.verifiers.code import CodeVerifier
from tests.sandbox.attacks import PATIENT, RIGHT, SECONDS, all_attacks, task
from tests.sandbox.generated import programs

NOBODY = 65534
SPARE = 4.0
"""Seconds beyond the deadline that a machine with other work may need."""


def _python_for_nobody(environment: dict[str, str]) -> str | None:
    """An interpreter that an ordinary user can start and that finds the package."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        again = (
            "import subprocess, sys, sml_agents.verifiers.code; subprocess.run([sys.executable, '-c', ''], check=True)"
        )
        probe = [*_as_nobody(), python, "-c", again]  # root may start what an ordinary user may not
        try:
            if subprocess.run(probe, env=environment, capture_output=True, timeout=60).returncode == 0:
                return python
        except OSError:
            continue
    return None


def _as_nobody() -> list[str]:
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def _environment(repository: Path) -> dict[str, str]:
    paths = [str(repository), *(path for path in sys.path if path.endswith("site-packages"))]
    return {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}


@pytest.fixture(
    scope="module",
    params=["this user", "an ordinary user", "no namespaces", "an ordinary user, no namespaces", "no filters"],
)
def report(request: pytest.FixtureRequest, repository: Path) -> Iterator[dict[str, Any]]:
    """What became of every attack, run in a process of its own."""
    environment, command = _environment(repository), [sys.executable]
    if request.param.startswith("an ordinary user"):
        if os.getuid() != 0 or shutil.which("setpriv") is None:
            pytest.skip("becoming an ordinary user needs root and setpriv (util-linux)")
        python = _python_for_nobody(environment)
        if python is None:
            pytest.skip("no Python that an ordinary user can start finds the package")
        command = [*_as_nobody(), python]
    without = ["namespaces"] if "no namespaces" in request.param else []
    without += ["seccomp", "landlock"] if request.param == "no filters" else []
    program = str(repository / "tests" / "sandbox" / "attacks.py")
    with tempfile.TemporaryDirectory() as own:  # other tests have sandboxes of their own at the same time
        Path(own).chmod(0o1777)
        environment["TMPDIR"] = own
        line = [*command, program, *without]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    yield json.loads(done.stdout) | {"filters": "seccomp" not in without}


CONTAINED = {
    *("listening", "killing the launcher", "an orphan", "System V shared memory", "a message queue"),
    *("a file in memory", "killing everyone", "new namespaces", "system calls", "a socket of any kind"),
    *("AF_VSOCK", "an input that signals others"),
}
"""Without the filters these happen, inside the namespaces, and end there with the program; but for sockets to the
machine's host (AF_VSOCK), which no namespace holds: without seccomp the level is `process`."""


def test_no_attack_is_graded_correct(report: dict[str, Any]) -> None:
    passed = {name for name, found in report["results"].items() if found["verdict"]["outcome"] == "correct"}
    assert passed - set(RIGHT) <= (set() if report["filters"] else CONTAINED)
    assert set(RIGHT) <= passed, "what is right passes in the same sandbox"


def test_every_attack_is_the_programs_own_failure_and_names_its_isolation(report: dict[str, Any]) -> None:
    for name, found in report["results"].items():
        if name not in RIGHT and report["filters"]:
            assert found["verdict"]["outcome"] == "incorrect", (name, found)
        assert "process" in found["verdict"]["isolation"], (name, found)


def test_every_attack_ends_at_its_deadline(report: dict[str, Any]) -> None:
    late = {
        name: found["seconds"] for name, found in report["results"].items() if found["seconds"] > 3 * SECONDS + SPARE
    }
    assert set(late) <= set(RIGHT)


def test_nothing_is_left_behind(report: dict[str, Any]) -> None:
    assert report["left"] == [], "files, shared memory, queues"
    assert report["processes_left"] == 0
    assert report["idle_processes"] <= 2 * report["launchers"], "warm launchers and nothing else, after all attacks"


def test_there_are_as_many_attacks_as_claimed() -> None:
    assert len(all_attacks()) >= 130


async def test_of_500_generated_programs_only_right_ones_pass() -> None:
    """References, their mutants and cheats on top of both; what is right is found out without the sandbox."""
    import asyncio

    verifier, made = CodeVerifier(), list(programs(500, random.Random(5)))
    verdicts = await asyncio.gather(*(verifier.verify(one.task, one.text) for one in made))
    passed = [one for one, verdict in zip(made, verdicts, strict=True) if verdict.correct]
    assert all(verdict.correct is not None for verdict in verdicts)
    assert [one.text for one in passed if not one.right] == []
    assert [one.text for one in made if one.right and one not in passed] == []
    assert 100 <= len(passed) <= 400, "a test that all or none pass would show nothing"


async def test_less_isolation_than_asked_for_is_refused_before_anything_runs(tmp_path: Path) -> None:
    bare = LocalSandbox(without=["namespaces", "user", "landlock", "seccomp"])
    mark = tmp_path / "ran"
    program = f"open({str(mark)!r}, 'w').close()\n{RIGHT['the right one']}"
    refused = await CodeVerifier(sandbox=bare).verify(task(PATIENT), f"```python\n{program}\n```")
    assert refused.outcome.value == "error" and refused.correct is None
    assert "SML_AGENTS_MIN_ISOLATION" in refused.diagnosis and not mark.exists()
    accepted = CodeVerifier(sandbox=bare, min_isolation="process")
    assert (await accepted.verify(task(PATIENT), RIGHT["the right one"])).isolation == "process (process, limits)"
    bare.close()
