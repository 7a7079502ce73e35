# ruff: noqa: E501 - rows, one a line
"""Function-calling data of others as requests: what is read, what is taken out, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sml_agents.errors import TaskSpecError
from sml_agents.tasks import LoadReport, load_tasks
from sml_agents.tasks.tools.foreign import required_paths
from sml_agents.tasks.tools.gaps import without
from sml_agents.types import Form, Task
from tests.datasets import data_set
from tests.pace import within
from tests.tool_rows import OPENAI, PARAMETERS, ROW, SGD, TABLE, TOOL, written


def loaded(tmp_path: Path, rows: list[Any], keys: str = "form=paired") -> tuple[list[Task], LoadReport]:
    report = LoadReport()
    spec = f"tools-jsonl:{written(tmp_path / 'rows.jsonl', rows)}?{keys}"
    try:
        return load_tasks(spec, report=report), report
    except TaskSpecError:
        return [], report


GOLD = {"city": "Oslo", "nights": 3}
PARTS = OPENAI | {
    "messages": [
        {"role": "developer", "content": "You book."},
        {"role": "user", "content": [{"type": "text", "text": ROW["question"]}]},
        {"role": "assistant", "content": None, "function_call": {"name": "book_hotel", "arguments": json.dumps(GOLD)}},
    ]
}
ANTHROPIC = {
    "messages": [
        {"role": "user", "content": ROW["question"]},
        {"role": "assistant", "content": [{"type": "tool_use", "name": "book_hotel", "input": GOLD}]},
    ],
    "tools": [{"name": "book_hotel", "input_schema": PARAMETERS}],
}


@pytest.mark.parametrize("row", [ROW, OPENAI, TABLE, PARTS, ANTHROPIC], ids=["question", "messages", "query", "parts", "input"])  # fmt: skip
def test_every_form_of_a_row_gives_the_same_request(row: dict[str, Any], tmp_path: Path) -> None:
    [task], report = loaded(tmp_path, [row], "form=full")
    call = task.private.calls[0]
    assert task.prompt == ROW["question"] and task.verifier == "call" and not report.left_out
    assert (call.name, call.usual["city"], call.usual["nights"]) == ("book_hotel", "Oslo", 3)
    parameters = task.tools[0]["function"]["parameters"]
    assert parameters["type"] == "object" and parameters["required"] == ["city", "nights"]
    assert parameters["properties"]["stars"]["type"] == "number"


def test_answers_in_a_file_of_their_own_with_values_that_may_be_left_out(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "call"} | {
        "question": [[{"role": "user", "content": ROW["question"]}]]
    }
    answers = written(tmp_path / "answers.jsonl", [{"id": "1", "ground_truth": [{"book_hotel": {"city": ["Oslo", "Oslo, Norway"], "nights": [3], "stars": ["", 4.0], "guest": [{"name": ["Ana", "A."]}]}}]}])  # fmt: skip
    [task], _ = loaded(tmp_path, [row], f"form=full&answers={answers}")
    call = task.private.calls[0]
    assert call.arguments["city"] == ("Oslo", "Oslo, Norway") and call.arguments["guest.name"] == ("Ana", "A.")
    assert call.optional == ("stars",)
    assert call.usual == {"city": "Oslo", "nights": 3, "guest": {"name": "Ana"}}


PAIR = {
    "request_complete": "A hotel in Oslo for 3 nights, please.",
    "request_missing": "A hotel for 3 nights somewhere nice.",
    "missing_param": "city",
    "tools": [TOOL],
    "gold_call": {"name": "book_hotel", "arguments": GOLD},
}


def test_a_row_may_bring_both_forms_as_somebody_wrote_them(tmp_path: Path) -> None:
    (lacking, whole), report = loaded(tmp_path, [PAIR])
    assert not report.left_out and lacking.pair == whole.pair
    assert (lacking.prompt, whole.prompt) == (PAIR["request_missing"], PAIR["request_complete"])
    assert [fact.name for fact in lacking.private.facts] == ["city"] and not whole.private.facts
    assert lacking.private.calls == whole.private.calls and lacking.form is Form.UNDERSPECIFIED
    both = {**PAIR, "missing_param": ["city", "nights"], "request_missing": "A hotel, please."}
    (lacking, _), _ = loaded(tmp_path, [both])
    assert [fact.name for fact in lacking.private.facts] == ["city", "nights"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"missing_param": "stars"}, "a missing argument that the call does not have"),
        ({"missing_param": None}, "a missing argument that the call does not have"),
        ({"missing_param": []}, "a missing argument that the call does not have"),
        ({"request_missing": ""}, "no request"),
        ({"request_missing": 7}, "no request"),
        ({"request_missing": PAIR["request_complete"]}, "two forms of one text"),
        ({"gold_call": None}, "no gold call"),
    ],
)
def test_both_forms_that_are_none_are_counted_with_their_reason(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    tasks, report = loaded(tmp_path, [{**PAIR, **changes}])
    assert not tasks and set(report.bad | report.refused) == {reason}


def test_a_gap_has_a_stand_in_that_was_taken_out_in_the_same_way(tmp_path: Path) -> None:
    [lacking, complete], _ = loaded(tmp_path, [ROW])
    assert (lacking.form, complete.form, lacking.pair) == (Form.UNDERSPECIFIED, Form.FULL, complete.pair)
    [fact] = lacking.private.facts
    assert fact.name in ("city", "nights") and lacking.meta["stand_in"] == "stars"
    assert complete.prompt == "Book a hotel in Oslo for 3 nights."
    assert lacking.prompt in ("Book a hotel for 3 nights with 4 stars.", "Book a hotel in Oslo with 4 stars.")
    assert "stars" not in complete.private.calls[0].arguments and "stars" in lacking.private.calls[0].arguments
    [plain, original], _ = loaded(tmp_path, [ROW], "form=paired&balance=no")
    assert original.prompt == ROW["question"] and plain.prompt == lacking.prompt


def test_a_required_argument_is_made_optional_where_nothing_else_stands_in(tmp_path: Path) -> None:
    row = ROW | {"question": "Book a hotel in Oslo for 3 nights.", "call": {"name": "book_hotel", "arguments": {"city": "Oslo", "nights": 3}}}  # fmt: skip
    [lacking, complete], _ = loaded(tmp_path, [row])
    [fact] = lacking.private.facts
    required = list(required_paths(lacking.tools[0]["function"]["parameters"]))
    assert required == [fact.name] and lacking.tools == complete.tools
    assert {lacking.prompt, complete.prompt} == {"Book a hotel in Oslo.", "Book a hotel for 3 nights."}


@pytest.mark.parametrize(
    ("text", "name", "value", "rest"),
    [
        ("Find the area of a triangle with a base of 10 units and height of 5 units.", "base", 10, "Find the area of a triangle with height of 5 units."),
        ("Find the area of a triangle with a base of 10 units and height of 5 units.", "height", 5, "Find the area of a triangle with a base of 10 units."),
        ("Get directions from Sydney to Melbourne.", "start", "Sydney", "Get directions to Melbourne."),
        ("Convert $1,500 from USD to EUR, please.", "to_currency", "EUR", "Convert $1,500 from USD, please."),
        ("Order the book titled 'Dune' by Frank.", "title", "Dune", "Order the book by Frank."),
        ("What is the weather in Paris?", "city", "Paris", "What is the weather?"),
        ("Find a route between Rome and Oslo.", "start", "Rome", None),
        ("Rooms for 2 and 3 people respectively", "people", 3, None),
        ("Book Oslo, then fly to Oslo.", "city", "Oslo", None),
        ("A table for 4, yes four people.", "people", 4, None),
        ("Play Dune", "title", "Dune", None),
        ("Set 15 as 150.", "x", 1, None),
        ("Sum of 3, 4, and 5 please", "b", 4, None),
    ],
)  # fmt: skip
def test_a_value_is_taken_out_with_the_words_that_lead_to_it(
    text: str, name: str, value: Any, rest: str | None
) -> None:
    assert without(text, name, value) == rest


def broken(**changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(ROW)) | changes  # type: ignore[no-any-return]


def tool_with(**changes: Any) -> dict[str, Any]:
    return broken(function=[TOOL | changes])


def limited(name: str, **limits: Any) -> dict[str, Any]:
    """The row, its tool allowing some values of an argument alone."""
    properties = PARAMETERS["properties"]
    return tool_with(parameters=PARAMETERS | {"properties": properties | {name: properties[name] | limits}})


RECURSIVE = {"type": "object", "properties": {"part": {"$ref": "#"}}, "required": []}
HUGE = {"type": "object", "properties": {f"a{k}": {"type": "string"} for k in range(3000)}, "required": []}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (tool_with(name=""), "a tool without a name"),
        (tool_with(name=7), "a tool without a name"),
        (tool_with(parameters=RECURSIVE), "a schema that holds itself or nests too deeply"),
        (tool_with(parameters=HUGE), "more than 200 arguments"),
        (tool_with(parameters=PARAMETERS | {"required": ["city", "color"]}), "a required argument that the schema does not have"),
        (tool_with(parameters=PARAMETERS | {"required": "city"}), "required that is no list of names"),
        (tool_with(parameters=PARAMETERS | {"properties": []}), "properties that are no object"),
        (tool_with(parameters="{"), "parameters that are no JSON"),
        (limited("nights", enum="3"), "an enum that is no list"),
        (limited("nights", anyOf={"type": "integer"}), "anyOf that is no list of schemas"),
        (limited("nights", allOf=[3]), "an argument that is no schema"),
        (limited("nights", type=5), "a type that is no name"),
        (limited("nights", type="whole"), "a type that JSON schemas do not have"),
        (limited("city", pattern="[a-z"), "a pattern that is no regular expression"),
        (limited("city", pattern=["a"]), "a pattern that is no text"),
        (broken(function=[TOOL, TOOL]), "two tools of one name"),
        (broken(function=[]), "no tools"),
        (broken(call={"name": "book_hotel", "arguments": "{city: Oslo}"}), "arguments that are no JSON"),
        (broken(call={"name": "book_hotel", "arguments": [1]}), "arguments that are no object"),
        (broken(call={"name": "book_flat", "arguments": {}}), "a call of an unknown tool"),
        (broken(call={"name": "book_hotel", "arguments": {"city": "Oslo"}}), "a call without a required argument"),
        (broken(call={"name": "book_hotel", "arguments": {"town": "Oslo"}}), "a call with an argument that the tool does not have"),
        (limited("nights", enum=[1, 2]), "a call with a value that the schema does not allow"),
        (limited("nights", enum=[]), "a call with a value that the schema does not allow"),
        (limited("nights", minimum=9, maximum=2), "a call with a value that the schema does not allow"),
        (limited("nights", minimum=3.5), "a call with a value that the schema does not allow"),
        (limited("city", const="Bergen"), "a call with a value that the schema does not allow"),
        (tool_with(description="x" * 300_000), "tools of more than 200,000 characters"),
        (broken(question="x" * 100_000), "a request of more than 20,000 characters"),
        (broken(question=""), "no request"),
        (broken(call=None), "no gold call"),
        (broken(call={"name": "book_hotel", "arguments": {"city": None, "nights": 3}}), "a call without a required argument"),
        (broken(call={"name": "book_hotel", "arguments": {"city": " ", "nights": 3}}), "a call without a required argument"),
        (broken(call={"name": "book_hotel", "arguments": {"city": "Oslo", "nights": float("nan")}}), "a number that is none"),
        (broken(call={"name": "book_hotel", "arguments": {"city": "Oslo", "nights": float("inf")}}), "a number that is none"),
        (tool_with(parameters=PARAMETERS | {"properties": {"a.b": {}}, "required": []}), "an argument without a name, or with a dot or bracket in it"),
        (tool_with(parameters=PARAMETERS | {"properties": {"a[0]": {}}, "required": []}), "an argument without a name, or with a dot or bracket in it"),
        (tool_with(parameters=PARAMETERS | {"properties": {" ": {}}, "required": []}), "an argument without a name, or with a dot or bracket in it"),
        (broken(question="\ud800 in Oslo"), "text that is no Unicode, or values nested too deeply"),
        (broken(question=[[{"role": "user", "content": "a"}], [{"role": "user", "content": "b"}]]), "more than one turn"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_used_is_counted_with_its_reason(row: Any, reason: str, tmp_path: Path) -> None:
    tasks, report = loaded(tmp_path, [row, ROW], "form=full")
    assert dict(report.bad) == {reason: 1}
    assert [task.prompt for task in tasks] == [ROW["question"]]  # nothing else is lost


@pytest.mark.parametrize(
    "limits",
    [
        {"enum": [3, 4]},
        {"minimum": 3},
        {"maximum": 3.0},
        {"const": 3},
        {"minimum": "9"},
        {"enum": [3.0]},
        {"enum": None},
        {"type": "int, optional"},
        {"type": ["null", "integer"]},
        {"pattern": r"^\p{Nd}+(?<unit>nights)?(?<!x)[[a]$"},
    ],
)
def test_a_value_that_the_schema_allows_is_no_reason(limits: dict[str, Any], tmp_path: Path) -> None:
    tasks, report = loaded(tmp_path, [limited("nights", **limits)], "form=full")
    assert tasks and not report.left_out


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"question": "Book me a hotel there."}, "no required value that stands once and can be taken out"),
        ({"call": [ROW["call"], ROW["call"]]}, "several calls"),
    ],
)
def test_a_gap_that_cannot_be_made_safely_is_refused(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    tasks, report = loaded(tmp_path, [broken(**changes)])
    assert not tasks and dict(report.refused) == {reason: 1}


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": {"type": "string"}, "city": {"type": "str"}, "nights": {"type": "int"}},
        {"properties": {"type": "str, optional"}, "city": {"type": "str"}, "nights": {"type": "int"}},
        {"properties": {"city": True, "nights": {}}, "required": ["city", "nights"]},
        {"type": "object", "$defs": {"a/b": {"type": "string"}}, "properties": {"city": {"$ref": "#/$defs/a~1b"}, "nights": {}}},
        {"type": ["object", "null"], "properties": {"city": {"anyOf": [{"type": "null"}, {"type": "string"}]}, "nights": {}}},
    ],
)  # fmt: skip
def test_parameters_in_whatever_form(parameters: dict[str, Any], tmp_path: Path) -> None:
    given = {"city": "Oslo", "nights": 3} | ({"type": "suite"} if "type" in parameters and isinstance(parameters["type"], dict) else {})  # fmt: skip
    row = broken(function=[TOOL | {"parameters": parameters}], call={"name": "book_hotel", "arguments": given})
    [task], report = loaded(tmp_path, [row], "form=full")
    assert not report.left_out and task.private.calls[0].usual == given
    assert {"city", "nights"} <= set(task.tools[0]["function"]["parameters"]["properties"])


LONG = "Book a hotel in Oslo for {} nights, please."


@pytest.mark.parametrize("text", ["a" * 19_000 + "1 Oslo for 3 nights", "Book " + "the " * 4_500 + "Oslo for 3 nights", LONG.format(10**300)])  # fmt: skip
def test_long_requests_and_numbers_take_no_time(text: str, tmp_path: Path) -> None:
    nights = 10**300 if "00" in text else 3
    with within(2):
        tasks, _ = loaded(tmp_path, [broken(question=text, call={"name": "book_hotel", "arguments": {"city": "Oslo", "nights": nights}})])  # fmt: skip
    assert tasks


def test_a_call_of_hundreds_of_arguments_is_refused_where_each_would_be_taken_out(tmp_path: Path) -> None:
    names = [f"a{k}" for k in range(150)]
    tool = {"name": "f", "parameters": {"type": "object", "properties": {name: {} for name in names}, "required": names}}  # fmt: skip
    row = {"question": " ".join(f"with {k}" for k in range(150)), "function": [tool], "call": {"name": "f", "arguments": {name: k for k, name in enumerate(names)}}}  # fmt: skip
    assert loaded(tmp_path, [row])[1].refused == {"a call of more than 40 arguments": 1}
    assert len(loaded(tmp_path, [row], "form=full")[0]) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"messages": [{"role": "user", "content": None}]}, "no request"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "no request"),
        ({"messages": [{"role": "user", "content": "  "}]}, "no request"),
        ({"messages": [{"role": "system", "content": "You book."}]}, "no request"),
        ({"label": "ASK"}, "no label"),
        ({"missing": [3]}, "a missing slot that the tool does not have"),
        ({"known": {"nights": "3", "guest": "Ana"}, "missing": ["city", "guest.name"], "call": {"arguments": {"city": "Oslo", "guest.name": "Ana"}}}, "an object and a part of it as two slots"),
    ],
)  # fmt: skip
def test_a_turn_that_cannot_be_used_is_counted_with_its_reason(changes: Any, reason: str, tmp_path: Path) -> None:
    report = LoadReport()
    [task] = load_tasks(f"sgd:{written(tmp_path / 'rows.jsonl', [SGD | changes, SGD | {'missing': ['city', 'city']}])}", report=report)  # fmt: skip
    assert dict(report.bad) == {reason: 1} and [fact.name for fact in task.private.facts] == ["city"]


def test_rows_that_no_tool_serves(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "call"}
    [task], _ = loaded(tmp_path, [row], "unserved=100")
    assert not task.private.calls and not task.private.facts
    for keys in ("unserved=100&form=paired", "unserved=50", "balance=maybe"):
        with pytest.raises(TaskSpecError):
            load_tasks(f"tools-jsonl:{tmp_path / 'rows.jsonl'}?{keys}")


def test_the_leaderboard_as_pairs() -> None:
    path, answers = data_set("tools/bfcl_simple_python.jsonl"), data_set("tools/bfcl_simple_python_answers.jsonl")
    report = LoadReport()
    tasks = load_tasks(f"tools-jsonl:{path}?form=paired&answers={answers}", report=report)
    assert report.read == 400 and len(tasks) >= 640 and not report.bad
    for lacking, complete in zip(tasks[::2], tasks[1::2], strict=True):
        [fact] = lacking.private.facts
        value = lacking.private.calls[0].arguments[fact.name][0]
        value = f"{value:g}" if isinstance(value, float) else value
        told = re.compile(rf"(?<![\w.^]){re.escape(str(value))}(?!\w|\.\d|\^)", re.IGNORECASE)
        assert not told.search(lacking.prompt) and (told.search(complete.prompt) or "," in complete.prompt)
        assert fact.name in required_paths(next(t["function"]["parameters"] for t in lacking.tools if t["function"]["name"] == lacking.private.calls[0].name))  # fmt: skip


def test_first_turns_of_schema_guided_dialogues() -> None:
    report = LoadReport()
    tasks = load_tasks(f"sgd:{data_set('tools/sgd/dev_seen_services.jsonl')}", report=report)
    assert len(tasks) == 467 and dict(report.refused) == {"not a first turn": 400, "an offer to confirm": 100}
    for task in tasks:
        wanted = set(required_paths(task.tools[0]["function"]["parameters"]))
        assert wanted <= set(task.private.calls[0].arguments)
        assert bool(task.private.facts) is (task.form is Form.UNDERSPECIFIED)
