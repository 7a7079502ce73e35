"""Every sandbox and every verifier keeps what the public suites ask for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import cache

import pytest

from sml_agents.sandbox import Sandbox, open_sandbox
from sml_agents.sandbox.commands import bubblewrap, container
from sml_agents.sandbox.local import LocalSandbox
from sml_agents.testing.conformance import SandboxConformance, VerifierConformance
from sml_agents.types import Case, Code, Private, Task
from sml_agents.verifiers import Verifier, get_verifier

IMAGE = "python:3.12-slim"


@cache
def bare() -> Sandbox:
    return LocalSandbox(without=["namespaces", "user", "landlock", "seccomp"])


class TestLocal(SandboxConformance):
    def make_sandbox(self) -> Sandbox:
        return open_sandbox("local")


class TestProcessAlone(SandboxConformance):
    def make_sandbox(self) -> Sandbox:
        return bare()


class TestBubblewrap(SandboxConformance):
    def make_sandbox(self) -> Sandbox:
        if shutil.which("bwrap") is None:
            pytest.skip("no bwrap on this machine: apt-get install bubblewrap")
        return bubblewrap()


class TestDocker(SandboxConformance):
    def make_sandbox(self) -> Sandbox:
        if not has_image():
            pytest.skip(f"no docker daemon that has {IMAGE}")
        return container("docker", IMAGE)


@cache
def has_image() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, timeout=30).returncode == 0


def problem(verifier: str, answer: str, code: Code | None = None) -> Task:
    return Task(id="t", family="f", prompt="p", private=Private(answer=answer, code=code), verifier=verifier)


class TestCode(VerifierConformance):
    def make_verifier(self) -> Verifier:
        return get_verifier("code")

    def examples(self) -> Sequence[tuple[Task, str, str]]:
        right, wrong = "def f(x):\n    return x * 2\n", "def f(x):\n    return x + 3\n"
        cases = Code(entry="f", cases=(Case(given="21", expected="42"),))
        suite = Code(entry="f", suite="assert f(21) == 42")
        program = Code(cases=(Case(given="21", expected="42"),))
        return [
            (problem("code", right, cases), right, wrong),
            (problem("code", right, suite), f"```python\n{right}```", wrong),
            (problem("code", "", program), "print(int(input()) * 2)", "print(24)"),
        ]


class TestMath(VerifierConformance):
    def make_verifier(self) -> Verifier:
        return get_verifier("math")

    def examples(self) -> Sequence[tuple[Task, str, str]]:
        return [(problem("math", "42"), "The answer is 42.", "The answer is 41.")]


class TestExact(VerifierConformance):
    def make_verifier(self) -> Verifier:
        return get_verifier("exact")

    def examples(self) -> Sequence[tuple[Task, str, str]]:
        return [(problem("exact", "a, b, c"), "The answer is a, b, c.", "The answer is a, c, b.")]
