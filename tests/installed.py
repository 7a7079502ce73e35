"""What a user gets from the wheel: installed with each extra into an empty environment, away from the checkout.

    make test-installed                                     # core and every extra, with this Python
    python tests/installed.py --extra core --extra agents   # what continuous integration runs
    make test-installed ARGS="--python python3.12 --python python3.13"

For each: pip's own check, no torch where none is asked for, the version, `sml-agents --help`, `recipes list`, README's
lines that the extra makes possible, and what it costs: megabytes of all that was installed, and processor seconds of
`import sml_agents` and of the extra's own part, the interpreter's start not counted, the best of three. Prints the
table of docs/deploy.md; exits 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "core": "sml_agents.dialogue",
    "local": "sml_agents.backends.local",
    "train": "sml_agents.training",
    "qlora": "bitsandbytes",
    "all": "sml_agents.training, sml_agents.agents.middleware",
    "tasks": "reasoning_gym",
    "agents": "sml_agents.agents.middleware",
    "openai": "sml_agents.backends.openai_sdk",
    "mcp": "sml_agents.agents.mcp_server",
    "parquet": "pyarrow",
    "logs": "sml_agents.traces.importers",
    "postgres": "psycopg",
    "verifiers": "sml_agents.integrations.verifiers",
    "openenv": "sml_agents.integrations.openenv",
    "openevals": "openevals, sml_agents.integrations.evaluators",
    "inspect": "sml_agents.integrations.inspect",
}
"""What is imported to see that an extra brings what it is for."""
WITH_TORCH = {"local", "train", "qlora", "all"}

SCRIPTED = '{"when": "/./", "reply": "How many are there?"}\n'
FIVE_LINES = """
import asyncio
from sml_agents import ChatStudent, OracleTeacher, build_dialogue, load_tasks, resolve

async def main():
    graph = build_dialogue(ChatStudent(resolve("scripted:script.jsonl")), OracleTeacher())
    task = load_tasks("arithmetic?form=underspecified&n=1")[0]
    return (await graph.ainvoke({"task": task}))["trace"]

assert asyncio.run(main()).student_turns
"""
IN_YOUR_AGENT = """
from langchain.agents import create_agent
from sml_agents import resolve
from sml_agents.agents import ClarifyMiddleware

agent = create_agent(resolve("scripted:script.jsonl"), [], middleware=[ClarifyMiddleware()])
assert "How many" in agent.invoke({"messages": [("user", "Book it.")]})["messages"][-1].text
"""


class Failed(Exception):
    """A step that did not do what it should."""


def run(command: Sequence[str | Path], folder: Path, **more: str) -> str:
    """Standard output of a command that must succeed, run away from the checkout and without its settings."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env={**kept, **more}, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if not line.startswith("WARNING")]
        raise Failed(f"{' '.join(words)[:200]} ({done.returncode})\n{chr(10).join(said)[-1500:]}")
    return done.stdout


def seconds(python: Path, code: str, folder: Path) -> float:
    """Processor seconds of the best of three runs."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run([python, "-c", code], folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def install(wheel: Path, extra: str, python: str, folder: Path, torch: str) -> Path:
    """The interpreter of a new environment in `folder`, with the wheel and one extra. Raises Failed."""
    own = folder / "venv" / "bin" / "python"
    run([python, "-m", "venv", "--without-pip", folder / "venv"], folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", own]
    if extra in WITH_TORCH and torch:
        run([*pip, "install", "--quiet", torch], folder)
    run([*pip, "install", "--quiet", f"{wheel}[{extra}]" if extra != "core" else wheel], folder)
    run([*pip, "check"], folder)
    return own


def check(wheel: Path, extra: str, own: Path, folder: Path) -> None:
    """Try what was installed. Raises Failed."""
    if extra not in WITH_TORCH:
        run([own, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is not None)"], folder)
    program = own.with_name("sml-agents")
    wanted = wheel.name.split("-")[1]
    said = json.loads(run([program, "--version", "--json"], folder))["version"]
    told = run([own, "-c", "import sml_agents; print(sml_agents.__version__, sml_agents.__file__)"], folder).split()
    if {said, told[0]} != {wanted} or str(ROOT) in told[1]:
        raise Failed(f"versions {wanted}, {said} and {told[0]}, from {told[1]}")
    run([program, "--help"], folder)
    if not json.loads(run([program, "recipes", "list", "--json"], folder))["recipes"]:
        raise Failed("the wheel holds no recipes")
    (folder / "script.jsonl").write_text(SCRIPTED)
    run([own, "-c", f"import {PARTS[extra]}"], folder)
    run([own, "-c", FIVE_LINES], folder)
    if extra == "core":
        line = ["run", "--tasks", "arithmetic?n=2", "--student", "scripted:script.jsonl", "--store", "t.sqlite"]
        run([program, *line], folder)
        run([program, "export", "t.sqlite", "--format", "trl", "--out", "train.jsonl", "--unsolved"], folder)
    if extra == "agents":
        run([own, "-c", IN_YOUR_AGENT], folder)


def cost(extra: str, own: Path, folder: Path) -> str:
    """What it costs, as columns of the table."""
    size = sum(file.stat().st_size for file in (folder / "venv" / "lib").rglob("*") if file.is_file()) / 1e6
    bare = seconds(own, "pass", folder)
    package, part = (seconds(own, f"import {name}", folder) - bare for name in ("sml_agents", PARTS[extra]))
    return f"{size:.0f} | {package:.2f} s | `{PARTS[extra]}` | {part:.2f} s |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extra", action="append", choices=list(PARTS))
    parser.add_argument("--python", action="append", help="An interpreter; may be given several times.")
    parser.add_argument("--torch", default=os.environ.get("TORCH", "torch==2.13.0"), help="Installed first, if needed.")
    given = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", Path(name) / "wheel"]
        run(build, ROOT)
        (wheel,) = (Path(name) / "wheel").glob("*.whl")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB\n")
        print("| Python | extra | MB | `import sml_agents` | its part | |\n|---|---|---|---|---|---|")
        for python in given.python or [sys.executable]:
            version = re.sub(r"\D*([\d.]+).*", r"\1", run([python, "--version"], Path(name)).strip())
            for extra in given.extra or PARTS:
                with tempfile.TemporaryDirectory() as folder:
                    try:
                        own = install(wheel, extra, python, Path(folder), given.torch)
                        check(wheel, extra, own, Path(folder))
                        row = cost(extra, own, Path(folder))
                    except Failed as error:
                        failed += 1
                        row = f"FAILED: {error}"
                    print(f"| {version} | {extra} | {row}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
