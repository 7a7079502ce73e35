"""Every parameter of every command, given wrong values of its kind: one sentence of one style, and nothing left behind.

The cases are made of the parser: a new command needs a line in `GOOD`, a parameter of a new kind one in `WRONG`.
"""

from __future__ import annotations

import io
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_origin

import pytest
from typer.main import get_command

from sml_agents.cli import entry
from sml_agents.cli.app import app
from sml_agents.cli.entry import _sentence
from sml_agents.traces import TraceStore

MODEL = "scripted:good.json"
GOOD: dict[str, dict[str, str]] = {
    "demo": {},
    "run": {"--tasks": "arithmetic?n=1", "--student": MODEL, "--store": "new.sqlite"},
    "tasks": {"--tasks": "arithmetic?n=1", "--out": "new.jsonl"},
    "import": {"logs": "openai:log.jsonl", "--store": "new.sqlite"},
    "mine": {"logs": "good.sqlite", "--store": "new.sqlite"},
    "review": {"store": "good.sqlite"},
    "redact": {"logs": "good.sqlite", "--store": "new.sqlite"},
    "export": {"store": "good.sqlite", "--format": "trl", "--out": "new.jsonl"},
    "train": {"--config": "good.yaml"},
    "merge": {"adapter": "adapter", "--out": "new"},
    "push": {"folder": "trained", "--to": "me/it"},
    "eval": {"--student": MODEL, "--tasks": "arithmetic?n=1"},
    "report": {"source": "good.sqlite", "--out": "new.html"},
    "show": {"store": "good.sqlite"},
    "view": {"store": "good.sqlite", "--port": "0"},
    "chat": {"--student": MODEL},
    "ask": {"text": "Book a table", "--tools": "tools.json"},
    "mcp": {},
    "serve": {"model": MODEL, "--port": "0"},
    "gguf": {"folder": "folder", "out": "new.gguf"},
    "doctor": {},
    "completions": {"shell": "bash"},
    "recipes list": {},
    "recipes copy": {"name": "finetune/train", "--to": "new"},
}
"""For each command arguments of which one at a time is then made wrong."""

BESIDE: dict[str, dict[str, str | None]] = {
    "run --primer": {"--q-priming": "0.5"},
    "eval --decider": {"--student": None, "--tasks": None, "--lessons": "good.sqlite"},
    "eval --lessons": {"--student": None, "--tasks": None, "--decider": MODEL},
    "eval --split": {"--student": None, "--tasks": None, "--decider": MODEL, "--lessons": "good.sqlite"},
    "chat --tasks": {"--as": "teacher"},
    "chat --store": {"--as": "teacher", "--tasks": "arithmetic?n=1"},
}
"""What else has to be given (or left out) where a parameter is to be looked at."""

LONG = "n" * 256
"""A name longer than file systems take: they refuse even to say whether it is there."""
STORES = [
    "pipe",
    LONG,
    "nowhere.sqlite",
    "text.txt",
    "cut.sqlite",
    "other.sqlite",
    "folder",
    "empty",
    "binary",
    "",
    "text.txt/x.sqlite",
    "mongodb://host/x",
]
NEW_STORES = [one for one in STORES if one not in ("nowhere.sqlite", "empty")]
MODELS = [
    "nope",
    "",
    "openai:",
    "openai:m?temperature=hot",
    "openai:m?heat=1",
    "scripted:nowhere",
    "scripted:folder",
    "scripted:empty",
    "scripted:binary",
    "scripted:deep",
    "openai:m@http://[",
    "openai:m@http://localhost:99999/v1",
    "transformers:./nowhere",
    "transformers:folder",
    "agent:json:loads",
    "agent:nope:x",
]
ROLES = [model for model in MODELS if not model.startswith("agent:")]
ASKERS = ["nope", "asker:nowhere", "asker:folder", "asker:text.txt"]
NAMES = ["bored", ""]
SPECS = [
    *("nope", "", "arithmetic?n=x", "arithmetic?m=1", "arithmetic?n=0", "arithmetic?form=vague", "gsm8k:nowhere"),
    *(f"tasks:{name}" for name in ("nowhere", "folder", "empty", "binary", "text.txt", "deep.json", LONG)),
]
TOOLS = ["nowhere", "folder", "empty", "binary", "text.txt", "log.jsonl", "deep", LONG, ""]
WRONG: dict[str, list[str]] = {
    "STORE": STORES,
    "STORE|DIR": STORES,
    "PATH|URL": NEW_STORES,
    "BACKEND": MODELS,
    "[NAME=]BACKEND": [*MODELS, "=nope", "mine=nope"],
    "oracle|human|BACKEND": MODELS[:-2],
    "oracle|student|BACKEND": MODELS[:-2],
    "oracle|student|self|BACKEND": MODELS[:-2],
    "BACKEND|MODULE:NAME": [*MODELS[:-2], "asker:nowhere", "nope.such:thing", "json.decoder:scanstring_"],
    "FOLDER|BACKEND": [*MODELS[:-2], "folder", "text.txt", "runs/nowhere"],
    "SPEC": SPECS,
    "FORMAT:PATH": [
        "x",
        "",
        "openai:",
        "nope:log.jsonl",
        "openai:nowhere",
        "langgraph:text.txt",
        "langgraph:folder",
        "langgraph:pipe",
        "openai:pipe",
        f"openai:{LONG}",
    ],
    "NAME[:FILE][?n=N]": ["nope", "", "nope:good.json", "nope?n=1"],
    "FORMAT": NAMES,
    "FORM": NAMES,
    "REASON": NAMES,
    "ACT": NAMES,
    "KIND": NAMES,
    "DATE": ["soon", "", "2026-13-01", "31.12.2026"],
    "NAME=VALUE": ["tag", "=prod", ""],
    "JSON": ["{", "[]", "1", "", "[" * 100_000],
    "heldout|train|all": NAMES,
    "ADDRESS": ["0.0.0.0", "nope.invalid", ""],
    "KEY": ["short", ""],
    "USER/NAME": ["", "nope", "a/b/c", "me/ it"],
    "export --select": NAMES,
    "recipes copy name": [*NAMES, "a/b/c"],
    "recipes copy --to": ["text.txt", "text.txt/x"],
    "tasks --out": ["folder", "text.txt/x", "", "pipe", LONG],
    "export --out": ["folder", "text.txt/x", "", "pipe", LONG],
    "report --out": ["folder", "text.txt/x", ""],
    "gguf out": ["folder", "text.txt/x", ""],
    "demo --pairs": ["nowhere", "folder", "empty", "binary", "text.txt", "log.jsonl", LONG, ""],
    "demo --out": ["text.txt", "text.txt/x"],
    "eval --out": ["text.txt", "text.txt/x"],
    "merge --out": ["text.txt", ""],
    "merge --base": [""],
    "FOLDER": ["nowhere", "text.txt", "empty", ""],
    "train --config": ["nowhere", "folder", "binary", "text.txt", "broken.yaml", "deep", ""],
    "ask --tools": TOOLS,
    "import --tools": TOOLS,
    "chat --tools": TOOLS,
    "ask --asker": ["nope", "", "asker:nowhere", "asker:folder", "asker:text.txt"],
    "mcp --asker": ["nope", "", "asker:nowhere", "asker:folder", "asker:text.txt"],
    "ask --tool": NAMES,
    "ask text": ["", "  "],
}
FREE = {"TEXT", "export --family", "export --split", "export --licence", "show id", "serve --name"}
"""Any text will do."""


PARTS = re.compile(r"[\w.,]+(?:-[\w.,]+)*")


def parameters() -> Iterator[tuple[str, Any]]:
    """Each command with each of its parameters."""

    def below(parser: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for name, inner in getattr(parser, "commands", {}).items():
            yield from below(inner, (*path, name))
        if not hasattr(parser, "commands"):
            yield from ((" ".join(path), parameter) for parameter in parser.params)

    return below(get_command(app), ())


def called(parameter: Any) -> str:
    return str(parameter.opts[0])


def wrong(command: str, parameter: Any) -> list[str] | None:
    """Values that `parameter` may not have; None when its kind is not known here."""
    name = f"{command} {called(parameter)}"
    for key in (name, parameter.metavar):
        if key in WRONG:
            return WRONG[key]
    kind = getattr(parameter.type_descriptor, "annotation", None)
    if name in FREE or parameter.metavar in FREE or kind is bool:
        return []
    if get_origin(kind) is Literal:
        return NAMES
    if kind in (int, float):
        values = ["many", "", "nan", "1,5", *(["1e3", "2.5"] if kind is int else [])]
        if parameter.min is not None:
            values.append(str(parameter.min - 1))
        if parameter.max is not None:
            values += [str(parameter.max + 1), "9" * 30]
        return values
    return None


def words(command: str, given: dict[str, str | None]) -> list[str]:
    """The command line; what is None is left out."""
    there = {name: value for name, value in given.items() if value is not None}
    options = [part for name, value in there.items() if name.startswith("-") for part in (name, value)]
    return [*command.split(), *options, "--", *(value for name, value in there.items() if not name.startswith("-"))]


def cases() -> Iterator[tuple[list[str], str]]:
    """Command lines with one fault each, and what their message has to name."""
    for command, parameter in parameters():
        good: dict[str, str | None] = dict(GOOD[command])
        name = called(parameter)
        values = wrong(command, parameter)
        assert values is not None, f"what would be wrong for {command} {name} is not known: say it in WRONG or FREE"
        beside = BESIDE.get(f"{command} {name}", {})
        for value in values:
            yield words(command, {**good, **beside, name: value}), f"{value} {name}" if value.strip() else ""
        if parameter.required:
            yield words(command, {**good, name: None}), name if name.startswith("-") else "missing argument"
        if name.startswith("--") and parameter.type_descriptor.annotation is not bool:
            yield [*command.split(), name], name
    for command in GOOD:
        yield [*command.split(), *(["--config=good.yaml"] if command == "train" else []), "--nonsense"], "nonsense"


def furnish() -> None:
    """Something of everything, in the current folder."""
    Path("folder").mkdir()
    Path("good.json").write_text('["The answer is 1."]')
    for name, file in {"adapter": "adapter_config.json", "trained": "training.json"}.items():
        Path(name).mkdir()
        Path(name, file).write_text("{}")
    Path("log.jsonl").write_text('{"messages": []}\n')
    Path("tools.json").write_text('{"name": "book", "parameters": {"type": "object", "properties": {}}}')
    Path("good.yaml").write_text("recipe: sft\nstores: good.sqlite\nout: new\nsft: {model: 'embedded:'}\n")
    Path("broken.yaml").write_text("model: [unfinished\n")
    Path("text.txt").write_text("This is a text and no database. " * 50)
    Path("empty").touch()
    Path("deep").write_text("[" * 5_000)
    Path("deep.json").write_text("[" * 5_000)
    os.mkfifo("pipe")
    Path("binary").write_bytes(bytes(range(256)) * 20)
    TraceStore.open("good.sqlite").close()
    Path("cut.sqlite").write_bytes(Path("good.sqlite").read_bytes()[:5000])
    with closing(sqlite3.connect("other.sqlite")) as other:
        other.execute("CREATE TABLE meta (key TEXT)")


def contents() -> dict[Path, bytes]:
    return {path: path.read_bytes() if path.is_file() else b"" for path in Path().rglob("*")}


def test_each_wrong_value_is_told_in_one_sentence_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("typer.main.get_command", cache(get_command))  # making it is most of the time
    furnish()
    there = contents()
    faults = []
    for line, named in cases():
        monkeypatch.setattr("sys.stdin", io.StringIO("hello\n"))
        code = entry.main(line)
        said = capsys.readouterr()
        sentence = said.err.splitlines()[-1].removeprefix("sml-agents: ") if said.err else ""
        found = [
            *(["its exit code"] if code != 2 else []),
            *(["that it began"] if said.out else []),
            *(["no sentence"] if len(sentence) < 10 or "Traceback" in said.err else []),
            *(["its length"] if len(sentence) > 600 else []),
            *(["its style"] if sentence != _sentence(sentence) or "Input should" in sentence else []),
            *(["lines"] if said.err.count("\n") > 1 else []),
            *(["what it names"] if named and not any(part in sentence for part in PARTS.findall(named)) else []),
            *(
                [f"what it leaves: {sorted(map(str, left))}"]
                if (left := dict(contents().items() ^ there.items()))
                else []
            ),
        ]
        if found:
            faults.append((" ".join(line), code, found, said.err[-400:]))
    assert faults == []
