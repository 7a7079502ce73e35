"""The guide from logs to a tuned model, as it is written: every command and every snippet, on fewer conversations."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import run_forked
from tests.traces.importers.reading import read

THREADS = "60"


def blocks(repository: Path, language: str) -> list[str]:
    text = (repository / "docs" / "from-logs.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """With the logs made by the guide's first command, which needs a checkout; the others do not."""
    folder = tmp_path_factory.mktemp("guide")
    shutil.copytree(repository / "benchmarks", folder / "benchmarks")
    (command,) = blocks(repository, "bash")[0].splitlines()
    words = shlex.split(command.replace("1000", THREADS))
    assert words[0] == "python"
    subprocess.run([sys.executable, *words[1:]], cwd=folder, check=True)
    return folder


def test_the_commands(folder: Path, repository: Path, embedded_model: Path) -> None:
    """All but the measuring at the end, the training as a dry run."""
    done = {}
    for command in blocks(repository, "bash")[1].splitlines():
        words = shlex.split(command)
        if words[0] != "sml-agents":
            assert words[1] == "benchmarks/from_logs.py"
            continue
        dry = ["--dry-run"] if words[1] == "train" else []
        if words[1] == "eval":  # the model is not trained here
            (folder / "asks.json").write_text('["For which day?"]')
            words = ["scripted:asks.json" if word.startswith("transformers:") else word for word in words]
        ran = run_forked(*words[1:], *dry, "--json", cwd=folder)
        assert ran.code == 0, ran.err
        done[words[1]] = json.loads(ran.out)
    assert list(done) == ["import", "mine", "review", "recipes", "train", "eval"]
    assert done["import"]["imported"] == int(THREADS) and done["import"]["lost"] == 0
    assert {"corrected", "late_fact", "answered"} <= set(done["mine"]["kinds"])
    assert set(done["mine"]["splits"]) == {"train", "heldout"}
    assert done["eval"]["cases"] >= done["mine"]["splits"]["heldout"] > 0
    assert done["review"]["accepted"] > 0 and done["review"]["rejected"] == 0
    assert done["train"]["data"]["rows"] > 10 and done["train"]["trained_parameters"] < done["train"]["parameters"] / 10


def test_the_snippets(folder: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = blocks(repository, "python")
    assert len(found) == 4
    for snippet in found:
        exec(compile(snippet, "from-logs.md", "exec"), {})
        if "talks.jsonl" in snippet:
            traces, losses = read("openai:talks.jsonl")
            assert losses == [] and traces[0].turns[0].text == "A table for four"
            assert [len(trace.turns) for trace in traces] in ([2], [2, 2])
            assert len(traces) > 1 or (traces[0].source, traces[0].tags["ended"][11:16]) == ("3", "10:01")


def test_reviewing_by_hand(folder: Path) -> None:
    """Edit a question, accept it, reject one, ask for help, stop; every decision is kept."""
    lessons = folder / "by-hand.sqlite"
    logs = folder / "by-hand-logs.sqlite"
    for words in (
        ("import", f"langgraph:{folder}/runs/from-logs/checkpoints.sqlite", "--store", str(logs)),
        ("mine", str(logs), "--store", str(lessons)),
    ):
        assert run_forked(*words, cwd=folder).code == 0
    typed = "?\nq\nFor which day do you want it?\na\nr\n/quit\n"
    ran = run_forked("review", lessons, "--kind", "corrected", cwd=folder, stdin=typed)
    assert ran.code == 0, ran.err
    assert "1 accepted, 1 rejected" in ran.out and "because: " in ran.out and "[a]ccept" in ran.out
    shown = run_forked("export", lessons, "--format", "preference", "--out", "p.jsonl", "--solved", cwd=folder)
    assert shown.code == 0, shown.err
    (pair,) = (folder / "p.jsonl").read_text().splitlines()
    assert json.loads(pair)["chosen"][0]["content"] == "For which day do you want it?"


def test_wrong_input_is_one_sentence(folder: Path) -> None:
    for words in (
        ("import", "nothing:x", "--store", "x.sqlite"),
        ("import", "openai:missing.jsonl", "--store", "x.sqlite"),
        ("mine", "missing.sqlite", "--store", "y.sqlite"),
        ("review", "by-hand-logs.sqlite", "--kind", "nonsense"),
    ):
        ran = run_forked(*words, "--json", cwd=folder)
        assert ran.code == 2 and "\n" not in json.loads(ran.out)["error"]
    (folder / "bad.jsonl").write_text("{\n")
    ran = run_forked("import", "openai:bad.jsonl", "--store", "x.sqlite", "--strict", cwd=folder)
    assert ran.code == 1 and "line 1: its brackets are not closed" in ran.out
