"""Wrong inputs of every command, in one process: each ends with one sentence of one style and leaves nothing behind."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from sml_agents.cli import main
from sml_agents.cli.entry import _sentence
from sml_agents.traces import TraceStore

STORES = ["nowhere.sqlite", "text.txt", "cut.sqlite"]
READERS: dict[str, list[str]] = {
    "show": ["show", "?"],
    "export": ["export", "?", "--format", "trl", "--out", "out.jsonl"],
    "mine": ["mine", "?", "--store", "new.sqlite"],
    "review": ["review", "?"],
    "redact": ["redact", "?", "--store", "new.sqlite"],
    "view": ["view", "?", "--no-open"],
    "lessons": ["eval", "--decider", "scripted:good.json", "--lessons", "?"],
    "config": ["run", "--config", "?", "--store", "new.sqlite"],
    "report": ["report", "?", "--out", "out.html"],
}
RUN = ["run", "--tasks", "arithmetic?n=1", "--student", "scripted:good.json", "--store", "new.sqlite"]
OTHERS = {
    "a huge number": [[*RUN, "--samples", "9" * 20], ["show", "good.sqlite", "--limit", "9" * 20]],
    "no number": [[*RUN, "--samples", word] for word in ("many", "", "1e9", "nan", "-1")],
    "a port": [["view", "good.sqlite", "--port", word] for word in ("x", "-1", "70000")],
    "an unknown value": [
        [*RUN, "--guard", "jail"],
        ["demo", "--domain", "chess"],
        ["completions", "tcsh"],
        ["chat", "--as", "dog"],
        ["gguf", "folder", "x.gguf", "--type", "q1"],
        ["export", "good.sqlite", "--format", "csv", "--out", "x"],
    ],
    "an agent": [["chat", "--student", f"agent:{name}"] for name in ("json:loads", "nope:x", "json:__name__", "x")],
    "a model": [
        ["chat", "--student", spec]
        for spec in ("nope", "openai:m?temperature=hot", "scripted:empty", "scripted:binary", "scripted:folder", "")
    ],
    "tasks": [
        ["tasks", "--tasks", spec, "--out", "out.jsonl"]
        for spec in ("nope", "arithmetic?n=x", "arithmetic?form=x", "tasks:empty", "tasks:binary", "tasks:folder", "")
    ],
    "a log": [
        ["import", spec, "--store", "new.sqlite"]
        for spec in ("x", "openai:", "nope:good.json", "openai:nowhere", "openai:folder", "langgraph:text.txt")
    ],
    "tools": [
        ["ask", "Book a table", "--tools", name] for name in ("nowhere", "folder", "empty", "binary", "text.txt")
    ],
    "a recipe": [["recipes", "copy", "nope"], ["recipes", "copy", "sft", "--to", "text.txt"], ["recipes", "nope"]],
    "a place": [
        ["demo", "--out", "text.txt"],
        ["export", "good.sqlite", "--format", "trl", "--out", "folder"],
        ["mine", "good.sqlite", "--store", "good.sqlite"],
        ["redact", "good.sqlite", "--store", "good.sqlite"],
        ["serve", "scripted:good.json", "--host", "0.0.0.0"],
    ],
    "the command": [["nope"], ["--nope"], ["show"], ["doctor", "x"], ["mine"], ["push", "folder"], ["merge"]],
}
CASES = [
    *([store if word == "?" else word for word in words] for store in STORES for words in READERS.values()),
    *(case for cases in OTHERS.values() for case in cases),
]


def test_one_sentence_of_one_style_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    Path("folder").mkdir()
    Path("good.json").write_text('["The answer is 1."]')
    Path("text.txt").write_text("This is a text and no database. " * 50)
    Path("empty").touch()
    Path("binary").write_bytes(bytes(range(256)) * 20)
    TraceStore.open("good.sqlite").close()
    Path("cut.sqlite").write_bytes(Path("good.sqlite").read_bytes()[:5000])
    there = sorted(Path().rglob("*"))
    wrong = []
    for case in CASES:
        code = main([*case, "--json"])
        said = capsys.readouterr()
        sentence = str(json.loads(said.out).get("error", ""))
        found = [
            *(["its exit code"] if code != 2 else []),
            *(["no sentence"] if len(sentence) < 10 or "\n" in sentence else []),
            *(["its length"] if len(sentence) > 600 else []),
            *(["its style"] if sentence != _sentence(sentence) else []),
            *(["a traceback"] if "Traceback" in said.err or "internal error" in sentence else []),
        ]
        if found:
            wrong.append((" ".join(case), code, found, sentence, said.err[-300:]))
    assert wrong == []
    left = [path for path in sorted(Path().rglob("*")) if path not in there]
    assert [path for path in left if not path.name.startswith(("new.sqlite", "good.sqlite"))] == []


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
