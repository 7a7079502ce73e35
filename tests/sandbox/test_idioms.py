"""What CPython accepts is accepted: usual ways to write a program, run by both."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from sml_agents.types import Case, Code, Verdict
from sml_agents.verifiers.code import CodeVerifier
from tests.sandbox.attacks import task
from tests.sandbox.idioms import PROGRAMS, REFUSED, SUITES


def plainly(folder: Path, source: str, given: str = "") -> str:
    """What `python main.py < given` prints."""
    (folder / "main.py").write_text(source)
    (folder / "given").write_bytes(given.encode())
    with open(folder / "given") as file:
        done = subprocess.run(
            [sys.executable, "main.py"], cwd=folder, stdin=file, capture_output=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


async def graded(source: str, code: Code) -> Verdict:
    return await CodeVerifier().verify(task(code.model_copy(update={"seconds": 10.0})), f"````python\n{source}\n````")


@pytest.mark.parametrize("name", PROGRAMS)
async def test_a_program_prints_what_it_prints_under_cpython(name: str, tmp_path: Path) -> None:
    source, given = PROGRAMS[name]
    expected = await asyncio.to_thread(plainly, tmp_path, source + "\n", given)
    assert expected.strip()
    verdict = await graded(source, Code(cases=(Case(given=given, expected=expected),)))
    assert verdict.correct, verdict.diagnosis


@pytest.mark.parametrize("name", SUITES)
async def test_a_suite_passes_that_passes_under_cpython(name: str, tmp_path: Path) -> None:
    source, suite = SUITES[name]
    await asyncio.to_thread(plainly, tmp_path, f"{source}\n{suite}\n")
    verdict = await graded(source, Code(entry="f", suite=suite))
    assert verdict.correct, verdict.diagnosis


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_is_refused_for_a_documented_reason(name: str, tmp_path: Path, repository: Path) -> None:
    source, reason = REFUSED[name]
    expected = await asyncio.to_thread(plainly, tmp_path, source, "")
    verdict = await graded(source, Code(cases=(Case(given="", expected=expected),)))
    assert verdict.correct is False
    assert f"| {reason} |" in (repository / "docs" / "code.md").read_text()


def test_there_are_96() -> None:
    assert len(PROGRAMS) + len(SUITES) == 96
