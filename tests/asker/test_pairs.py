"""Pairs by rule, and the files that they are made from."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from sml_agents.asker.likeness import look_alikes
from sml_agents.asker.material import read_requests
from sml_agents.asker.mix import Mix, heldout
from sml_agents.asker.pairs import Complete, added, pair_of, row_of, stands_once, without
from sml_agents.asker.prompt import Argument, Said, ToolView
from sml_agents.asker.rows import Choice, Example, Row, choice_among
from sml_agents.errors import InputError

FLIGHT = ToolView(
    "book_flight",
    "Book a flight.",
    (Argument("origin"), Argument("destination"), Argument("seats", sort="integer"), Argument("meal", required=False)),
)
REQUEST = Complete(
    FLIGHT,
    "Book 2 seats from Oslo to Rome with a vegan meal.",
    {"origin": "Oslo", "destination": "Rome", "seats": "2", "meal": "vegan"},
)


@pytest.mark.parametrize(
    ("text", "value", "shorter"),
    [
        ("Book a flight from Oslo to Rome.", "Oslo", "Book a flight to Rome."),
        (
            "Find the area with a base of 10 units and height of 5 units.",
            "10",
            "Find the area with a base and height of 5 units.",
        ),
        ('Show the user named "Ann Lee", please.', "Ann Lee", "Show the user, please."),
        ("Convert 20 USD, to EUR", "20", "Convert, to EUR"),
        ("In Paris, what is on?", "Paris", ", what is on?".strip(" ,")),
    ],
)
def test_a_value_goes_with_its_little_words(text: str, value: str, shorter: str) -> None:
    assert without(text, value) == shorter


def test_a_value_may_be_replaced_by_words_that_tell_nothing() -> None:
    assert without("Fly from the Oslo airport", "Oslo", "some origin") == "Fly from some origin airport"
    assert without("Read 'Dune' now", "Dune", "my book") == "Read my book now"


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("5", "5 cats", True),
        ("5", "15 cats", False),
        ("5", "1.5 cats", False),
        ("5", "5 and 5", False),
        ("", "x", False),
    ],
)
def test_a_value_stands_once(value: str, text: str, expected: bool) -> None:
    assert stands_once(value, text) is expected


def test_only_what_stands_literally_once_can_be_taken_out() -> None:
    assert set(REQUEST.removable) == {"origin", "destination", "seats"}
    twice = Complete(FLIGHT, "Oslo to Oslo, 2 seats to Rome", {"origin": "Oslo", "destination": "Rome", "seats": "2"})
    assert set(twice.removable) == {"destination", "seats"}
    shared = Complete(FLIGHT, "Oslo to Rome", {"origin": "Oslo", "destination": "Oslo", "seats": "1"})
    assert shared.removable == ()


def test_the_two_sides_of_a_pair_differ_in_one_argument() -> None:
    pair = pair_of(REQUEST, random.Random(1))
    assert pair is not None
    whole, lacking, name = pair
    assert whole.missing == ()
    assert lacking.missing == (name,)
    assert whole.said[0].text == REQUEST.text
    assert REQUEST.values[name] not in lacking.said[0].text
    assert lacking.drafts[name] == (REQUEST.values[name], False)
    assert all(given for one, (_, given) in lacking.drafts.items() if one != name)


def test_rows_say_the_truth_about_what_was_said() -> None:
    """In 200 rows: a value that is told stands in the conversation, one that is missing does not, in no form."""
    seen_later = seen_vague = 0
    for seed in range(200):
        row = row_of(REQUEST, [REQUEST], random.Random(seed))
        assert row is not None
        assert not row.examples[0].missing
        for example in row.examples:
            person = " ".join(one.text for one in example.said if one.role == "user")
            everything = " ".join(one.text for one in example.said)
            for name, value in example.values.items():
                if value is None:
                    declined = value is None and len(example.said) > 1
                    assert declined or not stands_once(REQUEST.values[name], person)
                else:
                    assert value in everything
            seen_later += len(example.said) > 1
            seen_vague += "origin" in person
    assert seen_later > 30
    assert seen_vague > 10


def test_what_is_added_tells_a_value_or_does_not() -> None:
    lacking = Example((Said("user", "Fly me to Rome."),), {"origin": None, "destination": "Rome", "seats": None})
    told = put_off = 0
    for seed in range(60):
        more = added(lacking, {"origin": "Oslo", "seats": "two"}, random.Random(seed))
        (said,) = more.said
        assert "Fly me to Rome." in said.text and len(said.text) > 20
        for name, value in (("origin", "Oslo"), ("seats", "two")):
            assert more.values[name] == (value if value in said.text else None)
            told += more.values[name] is not None
            put_off += more.values[name] is None and name in said.text
    assert told > 20 and put_off > 10
    assert added(lacking, {}, random.Random(0)) is lacking, "nobody knows what they would say"


def tool(name: str, purpose: str) -> ToolView:
    return ToolView(name, purpose, (Argument("x"),))


def test_a_tool_is_chosen_among_others_that_look_alike() -> None:
    right = tool("book_table", "Reserve a table at a restaurant.")
    alike = tool("cancel_table", "Cancel a reservation at some restaurant in town.")
    same = tool("bookTable", "Reserve a table at a restaurant")
    others = [tool(f"other{k}", f"Do thing {k}") for k in range(20)]
    said = (Said("user", "A table for two"),)
    beside = tool("order_food", "Order food")
    with_alike = served = 0
    for seed in range(80):
        made = choice_among(right, said, [*others, alike, same], random.Random(seed), [beside])
        names = [one.name for one in made.tools]
        assert len(set(names)) == len(names) > 1 or made.right is None
        assert "order_food" in names
        assert (made.right == "book_table") is ("book_table" in names)
        with_alike += "cancel_table" in names
        served += made.right is not None
    assert with_alike == 80
    assert 35 < served < 70
    assert look_alikes(right, [same, right, alike], 3, random.Random(0)) == [alike], (
        "one that may do the same is not shown"
    )


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


PARAMETERS = {
    "type": "dict",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}


def test_three_formats_are_read(tmp_path: Path) -> None:
    tool = {"name": "weather", "description": "Forecast.", "parameters": PARAMETERS}
    lines(
        tmp_path / "b_answers.jsonl", [{"id": "1", "ground_truth": [{"weather": {"city": ["Oslo"], "days": ["", 3]}}]}]
    )
    bfcl = lines(
        tmp_path / "b.jsonl",
        [{"id": "1", "question": [[{"role": "user", "content": "Weather in Oslo?"}]], "function": [tool]}],
    )
    lines(
        tmp_path / "tool.jsonl",
        [{"api_name": "weather", "api_description": "Forecast.", **PARAMETERS, "parameters": PARAMETERS["properties"]}],
    )
    seal = lines(
        tmp_path / "s.jsonl",
        [
            {"query": "Weather in Oslo?", "calling": [{"api": "weather", "parameters": {"city": "Oslo"}}]},
            {"query": "Weather in a specific city.", "calling": [{"api": "weather", "parameters": {"city": "city"}}]},
            {
                "query": "Find a hotel in Rome. Then, show the weather in Oslo. Do it.",
                "calling": [{"api": "hotel", "parameters": {}}, {"api": "weather", "parameters": {"city": "Oslo"}}],
            },
        ],
    )  # fmt: skip
    call = {"function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    messages = [
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    openai = lines(tmp_path / "o.jsonl", [{"messages": messages, "tools": [{"type": "function", "function": tool}]}])
    texts = {path.stem: [one.text for one in read_requests(path)] for path in (bfcl, seal, openai)}
    assert texts == {
        "b": ["Weather in Oslo?"],
        "s": ["Weather in Oslo?", "Show the weather in Oslo."],
        "o": ["Weather in Oslo?"],
    }


@pytest.mark.parametrize(
    "text", ["", "[1]\n", "{]", '{"a": 1}\n', '{"question": 1, "function": 2}\n', '{"query": "", "calling": []}\n']
)
def test_a_file_that_is_none_of_them_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.jsonl"):
        list(read_requests(path))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question": [[{"content": "Hi"}]], "function": [], "id": "a"}, "as BFCL has it: list index out of range"),
        ({"question": [[{"content": "Hi"}]], "function": [], "id": "b"}, "as BFCL has it: 'b' is missing"),
        ({"query": "x", "calling": [{"bogus": 1}]}, "as Seal-Tools has it: 'api' is missing"),
        ({"messages": 5, "tools": 7}, "as OpenAI has it"),
    ],
)
def test_a_row_that_is_not_as_its_format_has_it_is_named(row: dict[str, object], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (tmp_path / "x_answers.jsonl").write_text(json.dumps({"id": "a", "ground_truth": []}) + "\n", encoding="utf-8")
    (tmp_path / "tool.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"Row 1 of .*x\.jsonl is not") as raised:
        list(read_requests(path))
    assert reason in str(raised.value)


def test_held_out_tools_are_not_trained_on() -> None:
    names = [f"tool_{k}" for k in range(400)]
    assert 20 < sum(map(heldout, names)) < 80
    mix = Mix.read([], generated=40)
    rows = [mix(random.Random(seed)) for seed in range(120)]
    assert all(rows)
    assert any(isinstance(row, Choice) for row in rows)
    trained = {row.tool.name for row in rows if isinstance(row, Row)}
    pairs = Mix.heldout_pairs([], 30, 30)["requests"]
    assert len(pairs) == 30
    assert not trained & {pair.tool.name for pair in pairs}
    for pair in pairs:
        assert pair.lacking.missing and not pair.whole.missing
        assert all(pair.whole.drafts[name][1] for name in pair.whole.drafts)
        assert isinstance(pair.whole.said[0], Said)
