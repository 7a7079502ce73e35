"""Calls that are written in a text."""

from __future__ import annotations

import json

import pytest

from sml_agents.text.tools import broken_call, call_text, find_calls, json_text
from tests.pace import within

CALL = ("add", {"a": 1, "b": {"c": [1, 2]}})
JSON = '{"name": "add", "arguments": {"a": 1, "b": {"c": [1, 2]}}}'


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (call_text(*CALL), ""),
        (f"I add. <tool_call>{JSON}</tool_call>", "I add."),
        (f"I add.\n<tool_call>\n{JSON}", "I add."),
        (f"<tool_call>[{JSON}]</tool_call> Done?", "Done?"),
        (f"<tool_call>{JSON.replace('arguments', 'parameters')}</tool_call>", ""),
        ('<tool_call>{"name": "add", "arguments": "{\\"a\\": 1, \\"b\\": {\\"c\\": [1, 2]}}"}</tool_call>', ""),
        (JSON, ""),
        (f" [{JSON}]\n", ""),
    ],
)
def test_calls_that_can_be_read(text: str, rest: str) -> None:
    found = find_calls(text, ["add"])
    assert found == (rest, (CALL,), False)


@pytest.mark.parametrize(
    "inside",
    [
        "{'name': 'add', 'arguments': {'a': 1}}",
        '{"name": "add", "arguments": {"a": 1}',
        '{"name": 1}',
        '{"arguments": {"a": 1}}',
        '{"name": "add", "arguments": [1]}',
        '{"name": "add", "arguments": {"a": NaN}}',
        '{"name": "add", "arguments": {"a": 1e999}}',
        '{"name": "add", "arguments": "{\\"a\\": -1e999}"}',
        "add(a=1)",
        "",
        '{"name": "add", "arguments": ' + '{"a":' * 60 + "1" + "}" * 60 + "}",
        "[" * 100_000,
        '{"name": "add", "arguments": {"a": ' + "9" * 10_000 + "}}",
    ],
)
def test_what_cannot_be_read_stays_in_the_text_and_is_said(inside: str) -> None:
    text = f"<tool_call>{inside}</tool_call>"
    assert find_calls(text, ["add"]) == (text, (), True)
    assert find_calls(broken_call("add", inside)).broken


@pytest.mark.parametrize(
    "text", ["{}", "[1, 2]", '{"name": "Ann", "arguments": {}}', "The set {1, 2}.", JSON + " is a call."]
)
def test_what_is_no_call(text: str) -> None:
    assert find_calls(text, ["add"]) == (text, (), False)


@pytest.mark.parametrize("text", ["</tool_call>", "Done.</tool_call>", f"</tool_call> {call_text(*CALL)}"])
def test_an_end_without_a_beginning_is_a_call_that_cannot_be_read(text: str) -> None:
    assert find_calls(text, ["add"]).broken


def test_halves_of_characters_and_numbers_of_any_length() -> None:
    [(_, given)] = find_calls('<tool_call>{"name": "f", "arguments": {"a": "\\ud800b", "\\udc00": "\\u0000"}}').made
    assert given == {"a": "\ufffdb", "\ufffd": ""}
    large = {"a": 10**400}
    assert find_calls(call_text("f", large)).made == (("f", large),)
    assert json.loads(json_text({"a": "\ud800", 1: 2})) == {"a": "\ud800", "1": 2}


def test_json_alone_is_a_call_only_of_a_tool_that_is_there() -> None:
    assert find_calls(JSON).made == () and find_calls(JSON, ["add"]).made == (CALL,)


def test_several_calls_and_time_that_is_linear() -> None:
    text = "".join(call_text("add", {"a": k}) for k in range(5))
    assert [one["a"] for _, one in find_calls(text).made] == list(range(5))
    with within(5):
        assert find_calls("<tool_call>" * 40_000).broken
        assert find_calls(
            f"<tool_call>{json.dumps({'name': 'f', 'arguments': {'x': 'y' * 1_000_000}})}</tool_call>"
        ).made
