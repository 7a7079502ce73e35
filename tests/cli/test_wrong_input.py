"""Every mistake is answered with exit code 2 and one clear sentence."""

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
    "unknown option": ([*run_with(), "--turns", "3"], "--turns"),
    "misspelt option": ([*run_with(), "--sample", "3"], "--samples"),
    "no tasks": (run_with(tasks=None), "--tasks"),
    "no student": (run_with(student=None), "--student"),
    "option without value": (["run", "--tasks"], "--store"),
    "samples 0": (run_with(samples="0"), "--samples"),
    "turns 0": (run_with(max_turns="0"), "--max-turns"),
    "turns not a number": (run_with(max_turns="four"), "--max-turns"),
    "concurrency 0": (run_with(concurrency="0"), "--concurrency"),
    "priming above 1": (run_with(q_priming="1.5"), "--q-priming"),
    "unknown guard": (run_with(guard="jail"), "jail"),
    "unknown family": (run_with(tasks="arithmetics?n=1"), "arithmetics"),
    "unknown task key": (run_with(tasks="arithmetic?m=1"), "'m'"),
    "no tasks at all": (run_with(tasks="arithmetic?n=0"), "n="),
    "unknown form": (run_with(tasks="arithmetic?form=vague"), "vague"),
    "missing data": (run_with(tasks="gsm8k:nowhere.jsonl"), "nowhere.jsonl"),
    "family without data": (run_with(tasks="gsm8k"), "gsm8k"),
    "unknown backend": (run_with(student="oracle"), "oracle"),
    "missing script": (run_with(student="scripted:nowhere.json"), "nowhere.json"),
    "broken script": (run_with(student="scripted:broken.json"), "broken.json"),
    "missing model folder": (run_with(student="transformers:./nowhere"), "nowhere"),
    "unknown model setting": (run_with(student="openai:m?heat=1"), "heat"),
    "wrong model setting": (run_with(student="openai:m?temperature=hot"), "temperature"),
    "wrong teacher": (run_with(teacher="wizard"), "wizard"),
    "store is a folder": (run_with(store="folder"), "folder"),
    "store is a text": (run_with(store="text.txt"), "text.txt"),
    "store of an unknown kind": (run_with(store="mongodb://host/x"), "mongodb"),
    "show without store": (["show"], "STORE"),
    "show a missing store": (["show", "nowhere.sqlite"], "nowhere.sqlite"),
    "show a text": (["show", "text.txt"], "text.txt"),
    "unknown stop reason": (["show", "text.txt", "--stop", "bored"], "bored"),
    "eval without tasks": (["eval", "--student", "scripted:good.json"], "--tasks"),
    "eval by hand": (
        ["eval", "--student", "scripted:good.json", "--teacher", "human", "--tasks", "arithmetic?n=1"],
        "person",
    ),
    "eval into a file": (
        ["eval", "--student", "scripted:good.json", "--tasks", "arithmetic?n=1", "--out", "text.txt"],
        "text.txt",
    ),
    "report on nothing": (["report", "nowhere"], "nowhere"),
    "report on an empty folder": (["report", "folder"], "summary.json"),
    "report on a text": (["report", "text.txt"], "text.txt"),
    "report into a folder": (["report", "text.txt", "--out", "folder"], "folder"),
    "export without store": (["export", "--format", "trl", "--out", "x.jsonl"], "STORE"),
    "export in an unknown format": (["export", "s", "--format", "csv", "--out", "x.csv"], "csv"),
    "export from nothing": (["export", "nowhere.sqlite", "--format", "trl", "--out", "x"], "nowhere.sqlite"),
    "unknown recipe": (["recipes", "copy", "perpetuum-mobile"], "perpetuum-mobile"),
    "teach without a task": (["chat", "--student", "scripted:good.json", "--as", "teacher"], "--tasks"),
    "task for a user": (["chat", "--student", "scripted:good.json", "--tasks", "arithmetic?n=1"], "--as teacher"),
    "unknown part": (["chat", "--student", "scripted:good.json", "--as", "dog"], "dog"),
    "unknown training": (["train", "magic", "--config", "good.yaml"], "magic"),
    "training without settings": (["train", "sft"], "--config"),
    "training from a missing file": (["train", "sft", "--config", "nowhere.yaml"], "nowhere.yaml"),
    "training from a broken file": (["train", "sft", "--config", "broken.yaml"], "broken.yaml"),
    "unknown training setting": (["train", "sft", "--config", "misspelt.yaml"], "epochs"),
    "wrong training setting": (["train", "sft", "--config", "good.yaml", "--batch_size", "many"], "batch_size"),
    "training on nothing": (["train", "sft", "--config", "good.yaml"], "nowhere.sqlite"),
    "training on a text": (["train", "sft", "--config", "good.yaml", "--stores", "text.txt"], "text.txt"),
    "stray words in training": (["train", "sft", "--config", "good.yaml", "fast"], "fast"),
    "demo into a file": (["demo", "--out", "text.txt"], "text.txt"),
    "demo of an unknown domain": (["demo", "--domain", "chess"], "arithmetic"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with something of everything."""
    folder = tmp_path / "place"
    (folder / "folder").mkdir(parents=True)
    (folder / "good.json").write_text('["The answer is 1."]')
    (folder / "broken.json").write_text('["unfinished')
    (folder / "text.txt").write_text("This is a text and no database. " * 50)
    (folder / "good.yaml").write_text("stores: nowhere.sqlite\nout: trained\nsft: {model: 'embedded:'}\n")
    (folder / "misspelt.yaml").write_text("stores: s\nout: trained\nsft: {model: 'embedded:', epoch: 2}\n")
    (folder / "broken.yaml").write_text("model: [unfinished\n")
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
