"""Requests written by hand, and those in which people marked what was told."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sml_agents.asker.marked import marked_rows, marked_tools, requests_in
from sml_agents.asker.material import marked_in
from sml_agents.asker.mix import Mix, heldout, set_aside
from sml_agents.asker.rows import Choice, Row
from sml_agents.asker.written import OUTSIDE, WRITTEN, read_written
from sml_agents.errors import InputError

TOOL: dict[str, Any] = {
    "name": "book_ferry",
    "description": "Book a crossing.",
    "parameters": {
        "type": "object",
        "properties": {
            "harbour": {"type": "string"},
            "date": {"type": "string", "format": "date"},
            "cars": {"type": "integer"},
            "cabin": {"type": "boolean"},
            "class": {"type": "string", "enum": ["deck", "lounge"]},
        },
        "required": ["harbour", "date", "cars"],
    },
}
PAIR: dict[str, Any] = {
    "full": "Ferry out of Rosslare for our two cars, the day after tomorrow, in the lounge",
    "lack": "Ferry out of Rosslare for our two cars, Dad crosses the day after tomorrow, in the lounge",
    "call": {"harbour": "Rosslare", "date": "2026-05-14", "cars": 2, "class": "lounge"},
    "said": {"date": "the day after tomorrow", "cars": "two"},
    "today": "2026-05-12",
    "missing": "date",
    "kind": "other_person",
    "guess": "2026-05-14",
}


def file_of(folder: Path, *rows: Any) -> Path:
    path = folder / "requests.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_pair_is_read_with_values_as_they_were_said(tmp_path: Path) -> None:
    (one,) = read_written(file_of(tmp_path, {"tool": TOOL, "by": "a"}, PAIR))
    assert one.author == "a" and one.missing == ("date",) and one.kind == "other_person"
    assert one.pair.whole.values == {"harbour": "Rosslare", "date": "the day after tomorrow", "cars": "two"}
    assert one.pair.lacking.values == {"harbour": "Rosslare", "cars": "two", "date": None}
    assert one.pair.whole.optional == one.pair.lacking.optional == {"cabin": None, "class": "lounge"}
    assert one.pair.whole.drafts["date"] == ("2026-05-14", True)
    assert one.pair.lacking.drafts["date"] == ("2026-05-14", False) and one.pair.lacking.drafts["cars"] == ("2", True)
    assert not one.misleads, "the guess is the right value, and a relative date cannot be judged without the day"


def test_what_is_inside_an_object_is_lacking_with_it_and_turns_are_kept(tmp_path: Path) -> None:
    tool = {
        "name": "ship",
        "parameters": {
            "type": "object",
            "properties": {
                "to": {
                    "type": "object",
                    "properties": {"street": {"type": "string"}, "town": {"type": "string"}},
                    "required": ["street", "town"],
                },
                "urgent": {"type": "boolean"},
                "items": {"type": "array"},
            },
            "required": ["to", "urgent", "items"],
        },
    }
    turns = [["user", "Ship the lamp and the rug at once"], ["assistant", "Where to?"]]
    pair = {
        "full": [*turns, ["user", "Elm Road 3 in Cork"]],
        "lack": [*turns, ["user", "not to Elm Road 3 in Cork"]],
        "call": {"to": {"street": "Elm Road 3", "town": "Cork"}, "urgent": True, "items": ["lamp", "rug"]},
        "said": {"urgent": "at once"},
        "missing": "to",
        "kind": "negated",
        "guess": {"street": "Elm Road 33", "town": "Cork"},
    }
    (one,) = read_written(file_of(tmp_path, {"tool": tool}, pair))
    assert one.missing == one.pair.lacking.missing == ("to.street", "to.town")
    assert [said.role for said in one.pair.whole.said] == ["user", "assistant", "user"]
    assert one.pair.whole.values["urgent"] == "yes" and one.pair.whole.values["items"] == "lamp, rug"
    assert one.misleads == {"to.street": "Elm Road 33"}


@pytest.mark.parametrize(
    "change",
    [
        {"full": ""},
        {"full": PAIR["lack"]},
        {"lack": [["user", "A ferry"], ["assistant", "When?"]]},
        {"missing": "cabin"},
        {"missing": "port"},
        {"call": {"harbour": "Rosslare", "date": "2026-05-14"}},
        {"call": None},
        {"full": 7},
        {"guess": None, "kind": None, "missing": None},
    ],
)
def test_a_pair_that_is_none_is_refused_with_its_line(change: dict[str, Any], tmp_path: Path) -> None:
    path = file_of(tmp_path, {"tool": TOOL}, PAIR, {**PAIR, **change})
    with pytest.raises(InputError, match="Line 3"):
        read_written(path)


@pytest.mark.parametrize(
    "text", ["{", '{"full": "a"}', "[]", '{"tool": 1}', '{"tool": {"name": "x", "parameters": 3}}']
)
def test_a_file_that_does_not_begin_with_a_tool_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="Line 1"):
        read_written(path)
    with pytest.raises(InputError, match="Cannot read"):
        read_written(tmp_path / "none.jsonl")


def test_every_request_of_the_package_is_well_formed() -> None:
    pairs = read_written()
    assert len(pairs) > 1000 and len({one.author for one in pairs}) == 34
    kinds = Counter(one.kind for one in pairs)
    assert len(kinds) == 11 and kinds.pop("omitted") < 0.4 * len(pairs) and max(kinds.values()) < 0.15 * len(pairs)
    texts = [one.pair.lacking.said for one in pairs]
    assert len(set(texts)) == len(texts), "each lack is told apart from every other"
    for one in pairs:
        required = {argument.name for argument in one.pair.tool.required}
        assert set(one.missing) <= required
        assert set(one.pair.whole.drafts) == required
        assert not one.pair.whole.missing and set(one.pair.lacking.missing) == set(one.missing)
    lines = [json.loads(line) for line in WRITTEN.read_text(encoding="utf-8").splitlines()]
    names = [(line["tool"]["name"], line["by"]) for line in lines if "tool" in line]
    assert len(set(names)) == len(names)
    outside = {name for name, by in names if by in OUTSIDE}
    assert not outside & {name for name, by in names if by not in OUTSIDE}


def test_outside_authors_and_the_held_out_tools_are_not_trained_on() -> None:
    mix = Mix.read([], 0, written=True)
    rows = [mix(random.Random(seed)) for seed in range(150)]
    trained = {row.tool.name for row in rows if isinstance(row, Row)}
    pairs = read_written()
    aside = {one.pair.tool.name for one in pairs if set_aside(one)}
    chosen_on = {pair.tool.name for pair in Mix.heldout_pairs([], 0, 60, written=True)["written"]}
    assert len(trained) > 60 and not trained & aside
    assert any(isinstance(row, Choice) for row in rows)
    assert chosen_on <= aside and all(heldout(name) for name in chosen_on)
    assert not chosen_on & {one.pair.tool.name for one in pairs if one.author in OUTSIDE}
    for row in rows:
        if isinstance(row, Row):
            assert len(row.examples) in (2, 4)
            assert sum(bool(one.missing) for one in row.examples) * 2 == len(row.examples)
            known = {argument.name for argument in row.tool.arguments}
            assert all({*one.values, *one.drafts, *one.optional} <= known for one in row.examples)


def test_no_text_is_one_that_is_measured_on() -> None:
    folder = os.environ.get("SML_AGENTS_DATA")
    path = Path(folder or "", "tools", "when2call_pairs.jsonl")
    if not folder or not path.is_file():
        pytest.skip("SML_AGENTS_DATA names no folder with tools/when2call_pairs.jsonl")
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    tested = {run for row in rows for key in ("request_missing", "request_complete") for run in runs(row[key])}
    assert len(tested) > 500
    for one in read_written():
        for said in {*one.pair.whole.said, *one.pair.lacking.said}:
            assert not runs(said.text) & tested, said.text


def runs(text: str) -> set[str]:
    """Every eight words in a row."""
    words = text.casefold().split()
    return {" ".join(words[at : at + 8]) for at in range(len(words) - 7)}


def pieces(*given: str) -> dict[str, Any]:
    """A request in pieces: `text`, or `text|mark`."""
    split = [one.partition("|") for one in given]
    return {"data": [{"text": text, **({"entity": mark} if mark else {})} for text, _, mark in split]}


MARKED = {
    "BookRestaurant": [
        pieces("a table for ", "me and Jo|party_size_description"),
        pieces("book ", "Luigi's|restaurant_name", " for ", "five|party_size_number", "\n"),
        pieces("book a table please"),
    ],
    "GetWeather": [
        pieces("is it ", "cold|condition_temperature", " in ", "my current place|current_location"),
        pieces("weather in ", "Oslo|city"),
    ],
}


def test_marks_tell_what_a_request_gives_and_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "train_BookRestaurant_full.json"
    path.write_bytes(json.dumps(MARKED, ensure_ascii=False).encode("latin-1"))
    content = marked_in(path)
    assert content is not None
    found = list(requests_in(content))
    assert [dict(one.told) for one in found] == [
        {"party_size": "me and Jo"},
        {"restaurant": "Luigi's", "party_size": "five"},
        {"city": "Oslo"},
    ]
    rows = [row(random.Random(seed)) for row in marked_rows(content)[:2] for seed in range(8)]
    for row in rows:
        assert isinstance(row, Row) and row.tool.name == "book_restaurant"
        assert all(argument.required for argument in row.tool.arguments)
        for example in row.examples:
            text = example.said[0].text
            assert all(value is None or value in text for value in example.values.values())
    assert any(one.missing == ("restaurant",) for row in rows if isinstance(row, Row) for one in row.examples)
    assert len({tool.name for tool in marked_tools()}) == 7


@pytest.mark.parametrize("name, content", [("x.json", '{"Other": []}'), ("x.json", "[]"), ("x.jsonl", "{}")])
def test_what_is_not_marked_is_left_to_others(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert marked_in(tmp_path / name) is None


def test_a_broken_file_of_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.json"):
        marked_in(tmp_path / "x.json")
