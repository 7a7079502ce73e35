"""What every message of the command line has in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sml_agents.cli import main
from sml_agents.cli.entry import _sentence


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("There is no store.", "there is no store"),
        ("there is\n no   store", "there is no store"),
        ("A key is needed. Set one.", "a key is needed. Set one"),
        ("JSON is no text", "JSON is no text"),
        ("PostgreSQL is away.", "PostgreSQL is away"),
        ("Qwen2.5 is too large", "Qwen2.5 is too large"),
        ("wait...", "wait..."),
        ("--out is missing", "--out is missing"),
    ],
)
def test_the_style(message: str, said: str) -> None:
    assert _sentence(message) == said


def test_a_folder_that_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["show", "s.sqlite", "--json"]) == 2
    assert "was removed" in json.loads(capsys.readouterr().out)["error"]
