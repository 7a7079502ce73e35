"""The page as text: complete, self-contained, the same every time, and safe whatever models wrote."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from sml_agents.errors import InputError
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.dialogues import MAX_TEXT, Streams, choose
from sml_agents.evaluation.report import render_report, write_report
from sml_agents.evaluation.wording import UNKNOWN
from sml_agents.traces import TraceStore
from sml_agents.types import Trace
from tests.evaluation.crafted import task, trace
from tests.evaluation.pages import ATTACK, awkward, study, summarised

Dialogues = dict[str, dict[str, list[Trace]]]


def reader(traces: Iterable[Trace]) -> Callable[[], Iterable[Trace]]:
    kept = list(traces)
    return lambda: iter(kept)


def streams_of(dialogues: Dialogues) -> Streams:
    return {name: reader(t for traces in specs.values() for t in traces) for name, specs in dialogues.items()}


def page_of(dialogues: Dialogues, limit: int = 200) -> str:
    return render_report(summarised(dialogues), streams_of(dialogues), dialogues=limit)


def data_in(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def test_the_page_names_nothing_outside_itself() -> None:
    page = page_of(study(10))
    markup = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    links = re.findall(r"""(?:src|href|action|data|poster|srcset)\s*=\s*["']([^"']*)""", markup)
    assert links
    assert all(link.startswith(("#", "data:image/svg+xml")) for link in links)
    assert "@import" not in markup
    assert not re.search(r"url\(", markup)
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|import)\s*\(", markup)


def test_the_policy_allows_exactly_the_script_and_style_of_the_page() -> None:
    page = page_of(study(3))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy and policy.group(1).startswith("default-src 'none'")
    for tag in ("script", "style"):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(bodies) == 1
        digest = base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.group(1)
    assert not re.search(r"<[^>]+\s(style|on\w+)=", page)


def test_what_models_wrote_cannot_become_markup() -> None:
    page = page_of({"<b>base": {"<i>spec": awkward()}})
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page and "<b>" not in page and "<i>" not in page and "<!-- " not in page
    attack = next(entry for entry in data_in(page)["tasks"] if entry["id"] == "attack")
    assert attack["prompt"] == ATTACK
    assert attack["answer"] == ATTACK


def test_private_knowledge_is_in_a_place_of_its_own() -> None:
    entry = data_in(page_of({"base": {"spec": [trace("1q+r")]}}))["tasks"][0]
    assert (entry["answer"], entry["facts"][0]["name"]) == ("28", "price")
    turns = entry["talks"]["base"]["turns"]
    assert [turn["role"] for turn in turns] == ["student", "teacher", "student", "teacher", "student"]
    assert turns[3]["reveals"] == ["price"]
    assert turns[3]["after"] == 2
    assert turns[0]["verdict"]["diagnosis"]


def test_the_same_dialogues_give_the_same_page() -> None:
    assert page_of(study(30), 20) == page_of(study(30), 20)


def test_the_choice_is_a_mix_on_the_same_tasks_and_says_how_many() -> None:
    dialogues = study(60)
    page = page_of(dialogues, 40)
    tasks = data_in(page)["tasks"]
    assert len(tasks) == 20
    assert all(set(entry["talks"]) == {"base", "trained"} for entry in tasks)
    assert {entry["kind"] for entry in tasks} == {"arithmetic · underspecified", "arithmetic · full"}
    assert {talk["outcome"] for entry in tasks for talk in entry["talks"].values()} >= {"solved", "unsolved"}
    assert "40 of 240 dialogues" in page
    assert "All 120 dialogues" in page_of(study(30))


def test_a_page_may_be_asked_for_without_dialogues() -> None:
    page = page_of(study(3), 0)
    assert data_in(page)["tasks"] == []
    assert "None of the 12 dialogues is in this page" in page


def test_rare_ends_are_among_the_chosen() -> None:
    traces = [trace("r", task(f"t{k}")) for k in range(500)]
    traces += [trace("1t", task("odd"))]
    chosen = choose({"base": reader(traces)}, 10)
    assert "unscored" in {entry["talks"]["base"]["outcome"] for entry in chosen.tasks}
    assert (chosen.shown, chosen.total) == (10, 501)


def test_samples_of_a_task_are_told_apart() -> None:
    traces = [trace("r", task("t"), sample=0), trace("1r", task("t"), sample=1)]
    assert [entry["key"] for entry in choose({"base": reader(traces)}).tasks] in (["t", "t/1"], ["t/1", "t"])


def test_endless_texts_are_cut_and_counted() -> None:
    long = trace("1", task(prompt="y" * (MAX_TEXT + 5)))
    turn = long.turns[1].model_copy(update={"text": "x" * (MAX_TEXT + 1234)})
    entry = choose({"base": reader([long.model_copy(update={"turns": (long.turns[0], turn)})])}).tasks[0]
    assert entry["cut"] == 5
    said = entry["talks"]["base"]["turns"][0]
    assert (len(said["text"]), said["cut"]) == (MAX_TEXT, 1234)


def test_the_page_stays_small_enough_to_open() -> None:
    def endless(k: int) -> Trace:
        one = trace("1111", task(f"t{k}"))
        return one.model_copy(update={"turns": tuple(t.model_copy(update={"text": "x" * MAX_TEXT}) for t in one.turns)})

    assert len(page_of({"base": {"spec": [endless(k) for k in range(120)]}})) < 12_000_000


@pytest.mark.parametrize(
    "dialogues",
    [
        {},
        {"only": {"spec": []}},
        {"only": {"spec": [trace("t", task(f"t{k}")) for k in range(3)]}},
        {"only": {"spec": [trace("", task("silent"))]}},
        {"a": {"s": awkward()}, "b": {"s": awkward()}, "c": {"s": awkward()}},
        {"a": {"s": [trace("r")]}, "b": {"t": [trace("r", task("other"))]}},
    ],
    ids=["nobody", "no dialogue", "nothing scored", "silence", "three students", "nothing shared"],
)
def test_every_kind_of_result_makes_a_page(dialogues: Dialogues) -> None:
    page = page_of(dialogues)
    assert page.rstrip().endswith("</html>")
    shown = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|None|undefined|inf)\b", shown)


def test_unknown_is_shown_as_a_dash_and_never_as_zero() -> None:
    page = page_of({"only": {"spec": [trace("t", task(f"t{k}")) for k in range(3)]}})
    rows = re.findall(r'<a href="#word-success_at">.*?</tr>', page, re.DOTALL)
    assert rows
    assert all(UNKNOWN in row and "0\u202f%" not in row for row in rows)


def test_a_report_from_a_store(tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "run.sqlite") as store:
        for specs in study(6).values():
            for traces in specs.values():
                for one in traces:
                    store.add(one)
    out = write_report(tmp_path / "run.sqlite", tmp_path / "new" / "report.html")
    page = out.read_text(encoding="utf-8")
    data = data_in(page)
    assert data["students"] == ["base", "trained"]
    assert len(data["tasks"]) == 12
    assert "All 24 dialogues" in page
    assert "arithmetic · full" in page


def test_a_report_from_a_folder_with_a_summary(tmp_path: Path) -> None:
    dialogues = study(6)
    stores = {}
    for student, specs in dialogues.items():
        with TraceStore.open(tmp_path / f"{student}.sqlite") as store:
            for traces in specs.values():
                for one in traces:
                    store.add(one)
        stores[student] = [f"{student}.sqlite"]
    summarised(dialogues).model_copy(update={"stores": stores}).write(tmp_path / "summary.json")
    page = write_report(tmp_path, tmp_path / "report.html", title="A & B").read_text(encoding="utf-8")
    assert "<title>A &amp; B</title>" in page
    assert len(data_in(page)["tasks"]) == 12
    (tmp_path / "trained.sqlite").unlink()
    page = write_report(tmp_path, tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(set(entry["talks"]) == {"base"} for entry in data_in(page)["tasks"])


def test_surrogates_do_not_break_the_file(tmp_path: Path) -> None:
    with TraceStore.open(tmp_path / "run.sqlite") as store:
        for one in awkward():
            store.add(one)
    page = write_report(tmp_path / "run.sqlite", tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(data_in(page)["tasks"]) == len(awkward())


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("missing.sqlite", "no trace store or folder"),
        ("empty", "holds no summary.json"),
        ("empty.sqlite", "no finished dialogue"),
    ],
)
def test_a_source_with_nothing_in_it_is_refused(tmp_path: Path, source: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    TraceStore.open(tmp_path / "empty.sqlite").close()
    with pytest.raises(InputError, match=words):
        write_report(tmp_path / source, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_summary_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    summary = summarised(study(2)).model_copy(update={"stores": {"base": ["../secret.sqlite"]}})
    (tmp_path / "in").mkdir()
    summary.write(tmp_path / "in" / "summary.json")
    with pytest.raises(InputError, match="outside its folder"):
        write_report(tmp_path / "in", tmp_path / "report.html")


def test_a_report_without_dialogues_has_the_figures() -> None:
    page = render_report(Summary.model_validate_json(summarised(study(5)).model_dump_json()))
    assert "No dialogues were found" in page
    assert 'id="reader"' not in page
