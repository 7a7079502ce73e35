"""The guide to an asker for one's own tools, as it is written: every command and every snippet, with one small step."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from sml_agents.cli.entry import main as cli

SMALL = ["--rows", "1", "--generated", "8", "--dev", "3"]


def blocks(repository: Path, language: str) -> list[str]:
    text = (repository / "docs" / "own" / "asker.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_guide(
    repository: Path,
    embedded_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(repository / "finetune", tmp_path / "finetune")
    shutil.copytree(repository / "examples" / "own_asker", tmp_path / "examples" / "own_asker")
    shown, trained = (shlex.split(block) for block in blocks(repository, "bash"))
    monkeypatch.chdir(tmp_path)
    assert cli(shown[1:]) == 0
    asked = capsys.readouterr().out
    assert re.search(r"hire_no +0\.\d\d", asked) and re.search(r"asset_tag +0\.\d\d", asked)
    words = ["1" if before == "--steps" else word for before, word in zip(["", *trained], trained, strict=False)]
    assert words[:2] == ["python", "finetune/asker.py"] and "1" in words
    monkeypatch.setattr(sys, "argv", [*words[1:], *SMALL])
    assert runpy.run_path("finetune/asker.py", run_name="recipe")["main"]() == 0
    printed = capsys.readouterr().out
    for source in ("asked in the logs", "by rule"):
        for spec in ("asker:", "asker:runs/own"):
            line = rf"{spec}, {source}, \d+ that lack something and \d+ that do not: AUC [01]\.\d\d, asks \d+%"
            assert re.search(line, printed), printed
    assert {path.name for path in (tmp_path / "runs" / "own").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "asker.json",
    }
    (snippet,) = blocks(repository, "python")
    exec(compile(snippet, "asker.md", "exec", dont_inherit=True), {})
