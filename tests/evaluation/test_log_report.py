"""The report of a log: person and agent, calls and arguments, date and request; no figures of students."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import mining as synthetic
from sml_agents.evaluation.report import write_report
from sml_agents.mining import mine
from sml_agents.traces import TraceStore


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    path = tmp_path / "logs.sqlite"
    with TraceStore.open(path) as store:
        for one in synthetic.written(10, seed=2):
            turns = one.trace.turns
            nasty = turns[0].model_copy(update={"text": "<script>alert(1)</script> " + turns[0].text})
            review = {"call": "c1", "name": "book_table", "decision": "edit", "proposed": {"city": "Rome"}}
            tags = {**one.trace.tags, "reviews": [review]}
            store.add(one.trace.model_copy(update={"turns": (nasty, *turns[1:]), "tags": tags}))
    return path


def test_a_log_has_a_page_of_its_own(logs: Path, tmp_path: Path) -> None:
    page = write_report(logs, tmp_path / "report.html", dialogues=5).read_text(encoding="utf-8")
    assert "An agent&#39;s log" in page and "5 of 20, person and agent in turn." in page
    assert page.count("<details>") == 5 and "2027-03-01 09:00" in page
    assert "<script>" not in page and "&lt;script&gt;alert(1)" in page
    assert "→ ok" in page and "Tools called" in page and "Reviewers&#39; decisions" in page
    assert "student" not in page and "teacher" not in page and "drafted" in page


def test_lessons_show_what_the_question_replaces(logs: Path, tmp_path: Path) -> None:
    lessons = tmp_path / "lessons.sqlite"
    with TraceStore.open(logs, read_only=True) as store, TraceStore.open(lessons) as out:
        mine(store.traces(), out)
    page = write_report(lessons, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Lessons from an agent&#39;s log" in page and "put here by mining" in page
    assert "in place of: " in page and "What was missing" in page
