"""Every example runs as it is shipped, and so does every Python snippet of the README."""

from __future__ import annotations

import io
import json
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel

from sml_agents import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.types import Fact

TESTED = {
    "agent_on_requests",
    "ask_before_acting",
    "embed_in_a_graph",
    "export_traces",
    "finetune_local_model",
    "five_lines",
    "learn_from_logs",
    "try_your_agent",
}

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs an example as a program in an empty folder."""

    def run_example(name: str, *arguments: str, typed: str = "") -> dict[str, Any]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        return runpy.run_path(str(repository / "examples" / f"{name}.py"), run_name="__main__")

    return run_example


FIRST = load_tasks("arithmetic?form=underspecified&n=1")[0]
ASKS, TELLS = FIRST.private.facts[0].question, FIRST.private.facts[0].statement
ANSWERS = f"The answer is {FIRST.private.answer}."


@pytest.fixture
def asker(tmp_path: Path) -> str:
    """A student that asks first and then answers: right for the first arithmetic task."""
    path = tmp_path / "lines.json"
    path.write_text(json.dumps([ASKS, ANSWERS]), encoding="utf-8")
    return f"scripted:{path}"


def test_all_are_tested_and_short(repository: Path) -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in (repository / "examples").glob("*.py")}
    assert set(files) == TESTED
    assert {name for name, text in files.items() if len(text.splitlines()) > 70} == set()


def snippets(repository: Path) -> list[str]:
    text = (repository / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_python_in_the_readme_runs(repository: Path, asker: str) -> None:
    found = snippets(repository)
    assert found
    for snippet in found:
        shown = re.sub(r'"embedded:[^"]*"', repr(asker), snippet)
        shown = shown.replace('"openai:gpt-5-mini"', "model")
        names: dict[str, Any] = {"model": GenericFakeChatModel(messages=iter([])), "tools": []}
        exec(compile(shown, "README.md", "exec"), names)
    assert names["trace"].solved_at == 2


def test_five_lines_is_what_the_readme_shows(
    repository: Path, asker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (repository / "examples" / "five_lines.py").read_text(encoding="utf-8")
    shown, count = re.subn(r'"embedded:[^"]*"', repr(asker), source)
    assert count == 1
    example = tmp_path / "five_lines.py"
    example.write_text(shown, encoding="utf-8")
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"student: {ASKS}",
        f"teacher: {TELLS}",
        f"student: {ANSWERS}",
    ]
    (five,) = (one for one in snippets(repository) if "build_dialogue" in one)
    assert five in source


def test_the_dialogue_in_a_graph_of_ones_own(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, _ = load_tasks("arithmetic?form=underspecified&split=heldout&n=3")
    script = tmp_path / "heldout.json"
    # Right in the second exercise only: the tutor goes on after the first, and stops after the second.
    script.write_text(json.dumps([question(second), f"The answer is {second.private.answer}."]), encoding="utf-8")
    run("embed_in_a_graph", "--student", f"scripted:{script}")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{first.template}: max_turns after 4 turns", f"{second.template}: solved after 2 turns"]


def question(task: Any) -> str:
    fact: Fact = task.private.facts[0]
    return fact.question


@pytest.mark.parametrize(
    ("request_", "typed", "asks", "size"),
    [
        ("Order a pizza.", "large\n", True, "large"),
        ("Order a pizza.", "Just go.\n", True, "small"),
        ("Order a large pizza.", "", False, "large"),
        ("Order a pizza.", "never mind\n", True, ""),
    ],
)
def test_asking_before_acting(
    run: Run, request_: str, typed: str, asks: bool, size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("langchain", reason="the 'agents' extra is not installed")
    run("ask_before_acting", request_, typed=typed)
    shown = capsys.readouterr().out
    assert shown.startswith("Which size? (small, large)\n> ") is asks
    assert ("is on its way" in shown) is bool(size)
    if size:
        assert shown.endswith(f"tool: One {size} pizza is on its way.\nai: Enjoy your meal!\n")


def test_a_model_decides_what_to_ask(run: Run, asker: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("langchain", reason="the 'agents' extra is not installed")
    run("ask_before_acting", "Order a pizza.", "--asker", asker, typed="He sells 13.\nsmall\n")
    shown = capsys.readouterr().out
    assert shown.startswith(f"{ASKS}\n> ")
    assert "One small pizza is on its way." in shown


def test_traces_are_exported_and_a_second_run_goes_on(
    run: Run, asker: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs the 'parquet' extra")
    arguments = ("--student", asker, "--n", "3", "--out", str(tmp_path / "data"))
    run("export_traces", *arguments)
    first = capsys.readouterr().out
    assert first.startswith("12 dialogues, ")
    assert f"  student: {ASKS}\n  teacher: {TELLS}" in first
    solved = [json.loads(line) for line in (tmp_path / "data" / "solved.jsonl").read_text().splitlines()]
    assert solved and all(row["messages"][-1]["role"] == "assistant" for row in solved)
    assert (tmp_path / "data" / "dataset" / "README.md").is_file()
    run("export_traces", *arguments)
    assert capsys.readouterr().out == first


def test_simulated_users_try_an_agent(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("langchain", reason="the 'agents' extra is not installed")
    run("try_your_agent")
    lines = capsys.readouterr().out.splitlines()
    booked = "ran book {'city': 'Paris', 'date': '5 May'}"
    assert [line.partition(", ran")[0].partition(":")[0] for line in lines] == [
        "brief",
        "chatty",
        "changes their mind",
        "gives up",
    ]
    assert all(line.endswith(booked) for line in lines[:3]) and lines[3].endswith("ran nothing")


def test_an_agent_on_requests(run: Run, tmp_path: Path) -> None:
    figures = run("agent_on_requests")["figures"]
    assert figures == [(0.8, 0.0), (0.0, 1.0)]
    rows = [json.loads(line) for line in (tmp_path / "runs/requests/guarded.jsonl").read_text().splitlines()]
    calls = [message for row in rows for message in row["messages"] if message.get("tool_calls")]
    results = [message["content"] for row in rows for message in row["messages"] if message["role"] == "tool"]
    assert len(calls) >= 2 and any(text.startswith("Booked Paris") for text in results)
    assert all(row["tools"][0]["function"]["name"] == "book_trip" for row in rows)


def test_what_logs_can_teach(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def call(day: str) -> dict[str, Any]:
        function = {"name": "book", "arguments": json.dumps({"place": "Luigi's", "day": day})}
        return {"role": "assistant", "content": f"Booked for {day}.", "tool_calls": [{"id": day, "function": function}]}

    said = [{"role": "user", "content": "Book Luigi's"}, call("Friday"), {"role": "user", "content": "No, Saturday."}]
    said += [call("Saturday"), {"role": "user", "content": "Thanks!"}]
    (tmp_path / "chat.jsonl").write_text(json.dumps({"messages": said}) + "\n{\n", encoding="utf-8")
    run("learn_from_logs", "openai:chat.jsonl", "--out", "out")
    shown = capsys.readouterr().out
    assert shown.startswith("1 conversations, 1 records lost\n\n1 corrected, the surest (100%")
    assert "to ask: Which day should it be?" in shown and "1 of 1 lessons accepted" in shown
    (pair,) = [json.loads(line) for line in (tmp_path / "out" / "preference.jsonl").read_text().splitlines()]
    assert pair["chosen"][0]["content"] == "Which day should it be?"
    (guess,) = pair["rejected"]
    assert guess["tool_calls"][0]["function"]["name"] == "book", "the guess is the call, not what was said of it"


@pytest.mark.slow
def test_a_local_model_is_fine_tuned_and_measured(
    run: Run, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], embedded_model: Path
) -> None:
    """The embedded model, for real: a step on what it said itself, with short replies to save time."""
    example = runpy.run_path(str(repository / "examples" / "finetune_local_model.py"))
    example["main"].__globals__["LIMITS"] = "?temperature=0&max_tokens=6"
    example["main"]("embedded:", steps=1, problems=1, out=tmp_path)
    shown = capsys.readouterr().out
    assert re.search(r"^1 steps on \d+ dialogues, loss \d\.\d\d -> \d\.\d\d$", shown, re.MULTILINE)
    assert "base" in shown and "trained" in shown
    assert (tmp_path / "model" / "training.json").is_file()
    measured = json.loads((tmp_path / "evaluation" / "summary.json").read_text(encoding="utf-8"))["students"]
    assert {name: student["n"] for name, student in measured.items()} == {"base": 2, "trained": 2}
    with TraceStore.open(tmp_path / "train.sqlite", read_only=True) as store:
        assert any(turn.primed for trace in store.traces(solved=True) for turn in trace.turns)
