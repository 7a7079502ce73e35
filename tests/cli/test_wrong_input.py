"""Mistakes in what belongs together are answered with exit code 2 and one clear sentence; for those in one value alone
see `test_every_command.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Cli

GOOD = {"--tasks": "arithmetic?n=1", "--student": "scripted:good.json", "--store": "new.sqlite"}


def run_with(**changed: str | None) -> list[str]:
    """Arguments of a good `run`, some of them changed or left out."""
    given = {**GOOD, **{"--" + name.replace("_", "-"): value for name, value in changed.items()}}
    return ["run", *(part for name, value in given.items() if value is not None for part in (name, value))]


CASES: dict[str, tuple[list[str], str]] = {
    "no command": ([], "no command"),
    "unknown command": (["runn"], "runn"),
    "misspelt option": ([*run_with(), "--sample", "3"], "--samples"),
    "no tasks": (run_with(tasks=None), "--tasks"),
    "no student": (run_with(student=None), "--student"),
    "unknown family": (run_with(tasks="arithmetics?n=1"), "arithmetics"),
    "family without data": (run_with(tasks="gsm8k"), "gsm8k"),
    "broken script": (run_with(student="scripted:broken.json"), "broken.json"),
    "show a text": (["show", "text.txt"], "text.txt"),
    "eval without tasks": (["eval", "--student", "scripted:good.json"], "--tasks"),
    "eval by hand": (
        ["eval", "--student", "scripted:good.json", "--teacher", "human", "--tasks", "arithmetic?n=1"],
        "person",
    ),
    "eval into a file": (
        ["eval", "--student", "scripted:good.json", "--tasks", "arithmetic?n=1", "--out", "text.txt"],
        "text.txt",
    ),
    "a sum for the asker": (run_with(student="asker:"), "requests?form=paired"),
    "a suite of sums for the asker": (["eval", "--student", "asker:", "--suite", "single-turn?n=1"], "none"),
    "unknown recipe": (["recipes", "copy", "perpetuum-mobile"], "perpetuum-mobile"),
    "teach without a task": (["chat", "--student", "scripted:good.json", "--as", "teacher"], "--tasks"),
    "task for a user": (["chat", "--student", "scripted:good.json", "--tasks", "arithmetic?n=1"], "--as teacher"),
    "unknown training": (["train", "magic", "--config", "good.yaml"], "magic"),
    "unknown training setting": (["train", "sft", "--config", "misspelt.yaml"], "epochs"),
    "wrong training setting": (["train", "sft", "--config", "good.yaml", "--batch_size", "many"], "batch_size"),
    "training on nothing": (["train", "sft", "--config", "good.yaml"], "nowhere.sqlite"),
    "training on a text": (["train", "sft", "--config", "good.yaml", "--stores", "text.txt"], "text.txt"),
    "stray words in training": (["train", "sft", "--config", "good.yaml", "fast"], "fast"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with something of everything."""
    folder = tmp_path / "place"
    folder.mkdir()
    (folder / "good.json").write_text('["The answer is 1."]')
    (folder / "broken.json").write_text('["unfinished')
    (folder / "text.txt").write_text("This is a text and no database. " * 50)
    (folder / "good.yaml").write_text("stores: nowhere.sqlite\nout: trained\nsft: {model: 'embedded:'}\n")
    (folder / "misspelt.yaml").write_text("stores: s\nout: trained\nsft: {model: 'embedded:', epoch: 2}\n")
    return folder


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_and_exit_2(case: str, cli: Cli, place: Path) -> None:
    arguments, names = CASES[case]
    before = sorted(place.rglob("*"))
    done = cli(*arguments, "--json", cwd=place)
    assert done.code == 2, done
    assert done.json["exit_code"] == 2
    sentence = done.json["error"]
    assert names in sentence, "it names what was wrong"
    assert len(sentence) < 600
    assert "Traceback" not in done.err
    assert not [path for path in sorted(place.rglob("*")) if path not in before], "nothing is left behind"


@pytest.mark.parametrize("case", ["unknown command", "no tasks", "unknown family", "show a text", "unknown recipe"])
def test_for_a_person_it_is_one_line_on_standard_error(case: str, program: Cli, place: Path) -> None:
    done = program(*CASES[case][0], cwd=place)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("sml-agents: ")
    assert done.err.count("\n") == 1


def test_what_the_user_gave_cannot_drive_the_terminal(cli: Cli, place: Path) -> None:
    done = cli("run", "--tasks", "x\x1b[2Jy", "--student", "scripted:good.json", "--store", "s.sqlite", cwd=place)
    assert done.code == 2
    assert "\x1b" not in done.err


def test_bytes_that_are_not_text(program: Cli, place: Path) -> None:
    done = program("show", b"\xff\xfe.sqlite".decode("utf-8", "surrogateescape"), "--json", cwd=place)
    assert done.code == 2
    assert json.loads(done.out)["type"] == "InputError"
