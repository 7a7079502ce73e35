"""The table of tool requests: what a model's turn counts as, what is kept of it, and what the page shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import tool_requests as bench
from benchmarks.tool_request_data import Decision

TOOL = {
    "name": "book",
    "description": "Book a table.",
    "parameters": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]},
}
OTHER = {**TOOL, "name": "cancel"}
SAID = (("user", "A table, please."), ("assistant", "Where?"), ("user", "In Rome."))


@pytest.mark.parametrize(
    ("reply", "act"),
    [
        ("On which day?", "ask"),
        ("Could you tell me the day, please?", "ask"),
        ('<tool_call>{"name": "book", "arguments": {"day": "5 May"}}</tool_call>', "call"),
        ('{"name": "book", "arguments": {"day": "5 May"}}', "call"),
        ("I cannot do that with these tools.", "none"),
        ("Done. Is there anything else I can assist you with?", "none"),
    ],
)
def test_a_models_turn_is_a_question_a_call_or_neither_and_said_once(reply: str, act: str, tmp_path: Path) -> None:
    script, kept = tmp_path / "script.json", tmp_path / "kept.jsonl"
    script.write_text(json.dumps([reply]), encoding="utf-8")
    decision = Decision("1", "1", SAID, (TOOL, OTHER), "ask", "book")
    [found] = bench.student(f"scripted:{script}", kept)([decision], False, True)
    assert found is not None and (found.act, found.sure) == (act, float(act == "ask"))
    script.write_text(json.dumps(["Hm."]), encoding="utf-8")
    assert bench.student(f"scripted:{script}", kept)([decision], False, True) == [found]
    assert len(kept.read_text().splitlines()) == 1
    assert bench.student(f"scripted:{script}", kept)([decision], True, True) == [None], "it writes its own calls"


@pytest.mark.parametrize("tail", ["", '["c", 3]\n', '["c", "kil', "["])
def test_what_was_kept_is_read_again_but_for_a_line_that_was_cut_short(tail: str, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "kept.jsonl"
    bench.Kept(path).put("a", 1)
    with path.open("a") as file:
        file.write('["b", 2]\n' + tail)
    again = bench.Kept(path)
    assert again.known == {"a": 1, "b": 2, **({"c": 3} if tail.endswith("]\n") else {})}
    again.put("d", 4)
    assert bench.Kept(path).known == {**again.known, "d": 4}


def test_how_many_decisions_a_decider_takes() -> None:
    assert bench.limit("30") == ("", 30) and bench.limit("base=30") == ("base", 30)
    assert bench.named("base=embedded:?max_tokens=4") == ("base", "embedded:?max_tokens=4")
    assert bench.named("embedded:?max_tokens=4") == ("embedded:?max_tokens=4",) * 2


def test_the_page_shows_what_was_measured(repository: Path) -> None:
    found = json.loads((repository / "benchmarks" / "results" / "tool_requests.json").read_bytes())
    assert bench.markdown(found) in (repository / "docs" / "tool-requests.md").read_text(encoding="utf-8")
