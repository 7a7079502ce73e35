"""What the messages of each dialect hold, and whose results are whose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sml_agents.types import Call, Role, Trace
from tests.pace import within
from tests.traces.importers.reading import agent, call, calls, chat, one, person, read, result, said, write

BOOK = ("book", {"day": "Fri"}, "ok")
TURNS = [("person", "q"), ("agent", "done")]


def use(**more: Any) -> dict[str, Any]:
    return agent([{"type": "tool_use", "id": "t", "name": "book", "input": {"day": "Fri"}, **more}])


def back(content: Any) -> dict[str, Any]:
    given = {"type": "tool_result", "tool_use_id": "t"}
    return person([given if content is None else {**given, "content": content}])


DIALECTS: dict[str, list[Any]] = {
    "openai": [person("q"), agent(None, tool_calls=[call("book", "c", day="Fri")]), result("ok", "c"), agent("done")],
    "openai, parts": [
        person([{"type": "text", "text": "q"}]),
        agent(None, tool_calls=[call("book", "c", day="Fri")]),
        result([{"type": "text", "text": "ok"}], "c"),
        agent([{"type": "output_text", "text": "done"}]),
    ],
    "openai, the old function call": [
        person("q"),
        agent(None, function_call={"name": "book", "arguments": '{"day": "Fri"}'}),
        {"role": "function", "name": "book", "content": "ok"},
        agent("done"),
    ],
    "openai, a custom tool": [
        person("q"),
        agent(None, tool_calls=[{"id": "c", "type": "custom", "custom": {"name": "book", "input": '{"day": "Fri"}'}}]),
        result("ok", "c"),
        agent("done"),
    ],
    "responses": [
        person("q"),
        {"type": "function_call", "name": "book", "arguments": '{"day": "Fri"}', "call_id": "c", "id": "fc"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ],
    "responses, a server's tool": [
        person("q"),
        {"type": "mcp_call", "id": "m", "name": "book", "arguments": '{"day": "Fri"}', "output": "ok"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]},
    ],
    "anthropic": [person("q"), use(), back("ok"), agent([{"type": "text", "text": "done"}])],
    "anthropic, a server's tool": [
        person("q"),
        agent(
            [
                {"type": "mcp_tool_use", "id": "m", "name": "book", "input": {"day": "Fri"}},
                {"type": "mcp_tool_result", "tool_use_id": "m", "content": [{"type": "text", "text": "ok"}]},
                {"type": "text", "text": "done"},
            ]
        ),
    ],
    "bedrock": [
        person([{"text": "q"}]),
        agent([{"toolUse": {"toolUseId": "t", "name": "book", "input": {"day": "Fri"}}}]),
        person([{"toolResult": {"toolUseId": "t", "content": [{"text": "ok"}], "status": "success"}}]),
        agent([{"text": "done"}]),
    ],
    "gemini": [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "book", "args": {"day": "Fri"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "book", "response": "ok"}}]},
        {"role": "model", "parts": [{"text": "done"}]},
    ],
    "adk's events": [
        {"author": "user", "content": {"parts": [{"text": "q"}], "role": "user"}, "invocation_id": "e"},
        {
            "author": "booker",
            "content": {
                "parts": [{"function_call": {"id": "c", "name": "book", "args": {"day": "Fri"}}}],
                "role": "model",
            },
        },
        {
            "author": "booker",
            "content": {
                "parts": [{"function_response": {"id": "c", "name": "book", "response": "ok"}}],
                "role": "user",
            },
        },
        {"author": "booker", "content": {"parts": [{"text": "done"}], "role": "model"}, "partial": False},
    ],
    "otel": [
        {"role": "user", "parts": [{"type": "text", "content": "q"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c", "name": "book", "arguments": {"day": "Fri"}}],
            "finish_reason": "tool_call",
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "ok"}]},
        {"role": "assistant", "parts": [{"type": "text", "content": "done"}]},
    ],
    "langchain": [
        {"type": "human", "content": "q"},
        {"type": "ai", "content": "", "tool_calls": [{"name": "book", "args": {"day": "Fri"}, "id": "c"}]},
        {"type": "tool", "content": "ok", "tool_call_id": "c", "status": "success"},
        {"type": "ai", "content": "done"},
    ],
    "langchain, serialised": [
        {"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"content": "q"}},
        {
            "lc": 1,
            "type": "constructor",
            "id": ["x", "AIMessage"],
            "kwargs": {"content": "", "tool_calls": [{"name": "book", "args": {"day": "Fri"}, "id": "c"}]},
        },
        {"type": "tool", "data": {"content": "ok", "tool_call_id": "c"}},
        {"type": "ai", "data": {"content": "done"}},
    ],
    "langchain, arguments that did not parse": [
        {"type": "human", "content": "q"},
        {"type": "ai", "content": "", "invalid_tool_calls": [{"name": "book", "args": '{"day": "Fri"}', "id": "c"}]},
        {"type": "tool", "content": "ok", "tool_call_id": "c"},
        {"type": "ai", "content": "done"},
    ],
    "vercel, core": [
        person("q"),
        agent([{"type": "tool-call", "toolCallId": "c", "toolName": "book", "input": {"day": "Fri"}}]),
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c",
                    "toolName": "book",
                    "output": {"type": "text", "value": "ok"},
                }
            ],
        },
        agent([{"type": "text", "text": "done"}]),
    ],
    "vercel, for a page": [
        {"role": "user", "parts": [{"type": "text", "text": "q"}]},
        {
            "role": "assistant",
            "parts": [
                {"type": "step-start"},
                {"type": "tool-book", "toolCallId": "c", "state": "x", "input": {"day": "Fri"}, "output": "ok"},
                {"type": "text", "text": "done"},
            ],
        },
    ],
    "vercel, for an older page": [
        person("q"),
        agent(
            "done",
            toolInvocations=[
                {"toolCallId": "c", "toolName": "book", "args": {"day": "Fri"}, "state": "result", "result": "ok"}
            ],
        ),
    ],
    "pydantic-ai": [
        {
            "kind": "request",
            "instructions": "You book.",
            "parts": [{"part_kind": "user-prompt", "content": "q", "timestamp": "t"}],
        },
        {"kind": "response", "parts": [{"part_kind": "tool-call", "tool_name": "book", "args": '{"day": "Fri"}'}]},
        {"kind": "request", "parts": [{"part_kind": "tool-return", "tool_name": "book", "content": "ok"}]},
        {"kind": "response", "parts": [{"part_kind": "text", "content": "done"}], "model_name": "m"},
    ],
    "sharegpt": [
        {"from": "human", "value": "q"},
        {"from": "function_call", "value": '{"name": "book", "arguments": {"day": "Fri"}}'},
        {"from": "observation", "value": "ok"},
        {"from": "gpt", "value": "done"},
    ],
    "hermes": [
        {"from": "human", "value": "q"},
        {"from": "gpt", "value": '<tool_call>\n{"name": "book", "arguments": {"day": "Fri"}}\n</tool_call>'},
        {"from": "tool", "value": "<tool_response>\nok\n</tool_response>"},
        {"from": "gpt", "value": "done"},
    ],
    "hermes, as Python shows it, with its name": [
        person("q"),
        agent("<tool_call>\n{'arguments': {'day': 'Fri'}, 'name': 'book'}\n</tool_call>"),
        result('<tool_response>\n{"name": "book", "content": "ok"}\n</tool_response>'),
        agent("done"),
    ],
    "hermes, the results under the person's name": [
        person("q"),
        agent('<think>hm</think><tool_call>{"name": "book", "arguments": {"day": "Fri"}}</tool_call>'),
        person("<tool_response>\nok\n</tool_response>"),
        agent("done"),
    ],
    "qwen3-coder": [
        person("q"),
        agent("<tool_call>\n<function=book>\n<parameter=day>\nFri\n</parameter>\n</function>\n</tool_call>"),
        result("ok"),
        agent("done"),
    ],
    "mistral": [
        person("q"),
        agent('[TOOL_CALLS][{"name": "book", "arguments": {"day": "Fri"}}]'),
        result("ok"),
        agent("done"),
    ],
    "gpt-oss": [
        person("q"),
        agent(
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.book "
            '<|constrain|>json<|message|>{"day": "Fri"}<|call|>'
        ),
        result("ok"),
        agent("<|channel|>final<|message|>done<|return|>"),
    ],
}


@pytest.mark.parametrize("name", DIALECTS)
def test_one_conversation_in_every_dialect(name: str, tmp_path: Path) -> None:
    trace = chat(tmp_path, *DIALECTS[name])
    assert said(trace) == TURNS
    assert calls(trace) == [BOOK]
    assert "unread" not in trace.tags
    if name == "pydantic-ai":
        assert trace.task.meta["system"] == "You book." and trace.turns[1].call == Call(model="m")


@pytest.mark.parametrize("content", [None, "", [], "ok", [{"type": "text", "text": "ok"}]], ids=repr)
def test_a_result_without_content_is_no_turn_of_the_person(content: Any, tmp_path: Path) -> None:
    trace = chat(tmp_path, person("q"), use(), back(content), agent("done"))
    assert said(trace) == TURNS
    assert calls(trace) == [("book", {"day": "Fri"}, "ok" if content and content != [] else "")]
    trace = chat(tmp_path, use(), back(content), agent("done"))  # nor when nothing stands before it
    assert said(trace) == TURNS[1:]


def test_words_beside_a_result_are_the_persons(tmp_path: Path) -> None:
    message = back("ok")
    message["content"].append({"type": "text", "text": "thanks"})
    trace = chat(tmp_path, person("q"), use(), message, agent("done"))
    assert said(trace) == [("person", "q"), ("agent", ""), ("person", "thanks"), ("agent", "done")]
    assert calls(trace) == [BOOK]


TWO = [call("f", "a", n=1), call("g", "b", n=2)]
PLAIN = [{**one, "id": ""} for one in TWO]
FITTING: dict[str, tuple[list[Any], list[Any], list[str | None]]] = {
    "by id, in another order": (TWO, [result("2", "b"), result("1", "a")], ["1", "2"]),
    "by the tool's name": (PLAIN, [result("2", name="g"), result("1", name="f")], ["1", "2"]),
    "in their order": (PLAIN, [result("1"), result("2")], ["1", "2"]),
    "by name where ids were written anew": (TWO, [result("2", "y", name="g"), result("1", "x", name="f")], ["1", "2"]),
    "the calls alone have none": (PLAIN, [result("1", "x"), result("2", "y")], ["1", "2"]),
    "only one came": (TWO, [result("2", "b")], [None, "2"]),
    "one id twice": ([call("f", "a", n=1), call("f", "a", n=2)], [result("1", "a"), result("2", "a")], ["1", "2"]),
    "two calls of one tool": (
        [call("f", n=1), call("f", n=2)],
        [result("1", name="f"), result("2", name="f")],
        ["1", "2"],
    ),
}


@pytest.mark.parametrize("name", FITTING)
def test_results_go_to_the_calls_they_belong_to(name: str, tmp_path: Path) -> None:
    made, results, expected = FITTING[name]
    trace = chat(tmp_path, person("q"), agent("", tool_calls=made), *results, agent("done"))
    assert [one[2] for one in calls(trace)] == expected
    assert "unread" not in trace.tags


STRAY: dict[str, list[Any]] = {
    "another id": [agent("", tool_calls=TWO), result("1", "a"), result("2", "b"), result("3", "z")],
    "no call at all": [result("1", "a")],
    "twice": [agent("", tool_calls=TWO[:1]), result("1", "a"), result("1", "a")],
    "another name": [agent("", tool_calls=PLAIN), result("1", name="h"), result("1", name="f"), result("2", name="g")],
    "an unknown id among two of one tool": [
        agent("", tool_calls=[call("f", "a"), call("f", "b")]),
        result("3", "z", name="f"),
        result("1", "a"),
        result("2", "b"),
    ],
    "after the person spoke, without id": [agent("hm", tool_calls=PLAIN[:1]), person("so?"), result("1")],
}


@pytest.mark.parametrize("name", STRAY)
def test_a_result_that_fits_no_call_is_said(name: str, tmp_path: Path) -> None:
    trace = chat(tmp_path, person("q"), *STRAY[name], agent("done"))
    assert trace.tags["unread"] == {"tool result that fits no call": 1}
    assert {one[2] for one in calls(trace)} <= {"1", "2", None}


def test_an_id_that_comes_again_is_that_of_the_last_call(tmp_path: Path) -> None:
    asked = [person("q"), agent("", tool_calls=[call("f", "c")]), result("1", "c"), agent("done")]
    trace = chat(tmp_path, *asked, person("again"), agent("", tool_calls=[call("f", "c")]), result("2", "c"))
    assert [one[2] for one in calls(trace)] == ["1", "2"]


def test_the_answer_to_a_tool_that_asked_comes_after_the_person(tmp_path: Path) -> None:
    asked = agent("", tool_calls=[call("ask", "c", question="For when?")])
    trace = chat(tmp_path, person("q"), asked, person("Friday"), result("Friday", "c"), agent("done"))
    assert calls(trace) == [("ask", {"question": "For when?"}, "Friday")] and "unread" not in trace.tags


HELD: dict[str, tuple[dict[str, Any], str, dict[str, int]]] = {
    "image": (
        person([{"type": "text", "text": "q"}, {"type": "image_url", "image_url": {}}]),
        "q\n[image]",
        {"image": 1},
    ),
    "two images": (person([{"type": "image"}, {"type": "image"}]), "[image]\n[image]", {"image": 2}),
    "inline data": ({"role": "user", "parts": [{"text": "q"}, {"inlineData": {}}]}, "q\n[inline]", {"inline": 1}),
    "otel's blob": ({"role": "user", "parts": [{"type": "blob", "modality": "image"}]}, "[image]", {"image": 1}),
    "document": (person([{"type": "document", "source": {}}, "q"]), "[document]\nq", {"document": 1}),
    "a field not known here": ({**person("q"), "feeling": "glad"}, "q", {"field feeling": 1}),
    "an empty field": ({**person("q"), "feeling": None}, "q", {}),
    "what is about it": ({**person("q"), "timestamp": "t", "metadata": {"x": 1}}, "q", {}),
    "audio": ({"role": "user", "content": None, "audio": {"transcript": "q"}}, "q", {"audio": 1}),
}


@pytest.mark.parametrize("name", HELD)
def test_what_is_no_text_is_counted_by_name(name: str, tmp_path: Path) -> None:
    message, text, unread = HELD[name]
    trace = chat(tmp_path, message, agent("done"))
    assert said(trace) == [("person", text), ("agent", "done")]
    assert trace.tags.get("unread", {}) == unread


def test_refusals_and_unknown_items(tmp_path: Path) -> None:
    trace = chat(tmp_path, person("q"), agent(None, refusal="I cannot."))
    assert said(trace)[1] == ("agent", "I cannot.")
    trace = chat(tmp_path, person("q"), {"type": "mcp_list_tools", "tools": []}, {"type": "compaction"}, agent("done"))
    assert said(trace) == TURNS and trace.tags["unread"] == {"item mcp_list_tools": 1, "item compaction": 1}
    trace = chat(tmp_path, person("q"), {"type": "web_search_call", "id": "w", "action": {"query": "x"}}, agent("done"))
    assert calls(trace) == [("web_search", {"query": "x"}, None)]
    found = {"type": "web_search_result", "title": "t", "url": "u"}
    server = [{"type": "server_tool_use", "id": "w", "name": "web_search", "input": {"query": "x"}}]
    server.append({"type": "web_search_tool_result", "tool_use_id": "w", "content": [found]})
    trace = chat(tmp_path, person("q"), agent([*server, {"type": "text", "text": "done"}]))
    assert calls(trace) == [("web_search", {"query": "x"}, json.dumps([found], separators=(",", ":")))]


def test_text_that_only_mentions_calls_stays(tmp_path: Path) -> None:
    for text in (
        "<tool_call>no call</tool_call>",
        "Write <tool_call>",
        "[TOOL_CALLS] is a token",
        "to=you <|message|>",
    ):
        trace = chat(tmp_path, person("q"), agent(text))
        assert said(trace)[1] == ("agent", text) and calls(trace) == []


SYSTEMS: dict[str, dict[str, Any]] = {
    "openai": {"messages": [{"role": "system", "content": "Be brief."}, person("q"), agent("done")]},
    "anthropic": {"system": "Be brief.", "messages": [person("q"), agent("done")]},
    "anthropic, blocks": {"system": [{"type": "text", "text": "Be brief."}], "messages": [person("q"), agent("done")]},
    "responses": {"instructions": "Be brief.", "input": [person("q"), agent("done")]},
    "responses, a text": {
        "request": {"instructions": "Be brief.", "input": "q"},
        "response": {"output": [agent("done")]},
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "done"}]}],
    },
    "gemini, its library": {
        "config": {"system_instruction": "Be brief."},
        "contents": [{"role": "user", "parts": [{"text": "q"}]}],
        "response": {"candidates": [{"content": {"parts": [{"text": "done"}], "role": "model"}}]},
    },
    "bedrock": {"system": [{"text": "Be brief."}], "messages": [person([{"text": "q"}]), agent([{"text": "done"}])]},
    "sharegpt": {
        "system": "Be brief.",
        "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "done"}],
    },
    "both": {
        "system": "Be brief.",
        "messages": [{"role": "system", "content": "Be brief."}, person("q"), agent("done")],
    },
    "batch": {"custom_id": "1", "body": {"instructions": "Be brief.", "input": [person("q"), agent("done")]}},
    "litellm": {
        "proxy_server_request": json.dumps({"body": {"system": "Be brief.", "messages": [person("q")]}}),
        "response": json.dumps({"choices": [{"message": agent("done")}], "usage": {"prompt_tokens": 3}}),
    },
    "litellm, both as text": {
        "messages": json.dumps([{"role": "system", "content": "Be brief."}, person("q")]),
        "response": json.dumps({"choices": [{"message": agent("done")}]}),
    },
    "anthropic, logged": {
        "request": {"system": "Be brief.", "messages": [person("q")]},
        "response": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "done"}],
            "model": "c",
        },
    },
}


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("format", ["openai", "sharegpt"])
def test_the_system_prompt_wherever_it_stands(name: str, format: str, tmp_path: Path) -> None:
    trace = one(format, tmp_path, SYSTEMS[name])
    assert said(trace) == TURNS
    assert trace.task.meta["system"] == "Be brief."


TOOL = {"name": "book", "description": "Books.", "parameters": {"type": "object"}}
TOOLS: dict[str, Any] = {
    "openai": [{"type": "function", "function": TOOL}],
    "openai, flat": [{"type": "function", **TOOL}],
    "as text": json.dumps([TOOL]),
    "anthropic": [{"name": "book", "description": "Books.", "input_schema": {"type": "object"}}],
    "gemini": [{"functionDeclarations": [TOOL]}],
    "bedrock": [{"toolSpec": {"name": "book", "description": "Books.", "inputSchema": {"json": {"type": "object"}}}}],
    "openinference": [{"tool": {"json_schema": json.dumps({"type": "function", "function": TOOL})}}],
}


@pytest.mark.parametrize("name", TOOLS)
def test_the_tools_that_the_agent_had(name: str, tmp_path: Path) -> None:
    trace = chat(tmp_path, person("q"), agent("done"), tools=TOOLS[name])
    assert trace.tools == ({"type": "function", "function": TOOL},)


def trainable(trace: Trace) -> list[bool]:
    return [turn.trainable for turn in trace.turns if turn.role is Role.STUDENT]


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ({"weight": 0}, False),
        ({"weight": 0.0}, False),
        ({"weight": 1}, True),
        ({"weight": None}, True),
        ({"train": False}, False),
        ({"train": True}, True),
        ({"loss": False}, False),
        ({"trainable": False}, False),
        ({"mask": True}, False),
        ({}, True),
    ],
    ids=str,
)
def test_weights(mark: dict[str, Any], expected: bool, tmp_path: Path) -> None:
    trace = chat(tmp_path, person("q"), agent("done", **mark), person("and?"), agent("that is all"))
    assert trainable(trace) == [expected, True]
    turns = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "done", **mark}]
    assert trainable(one("sharegpt", tmp_path, {"conversations": turns})) == [expected]


def test_a_call_that_is_not_trained_leaves_the_words_trained(tmp_path: Path) -> None:
    asked = agent("", tool_calls=[call("f", "c")], weight=0)
    trace = chat(tmp_path, person("q"), asked, result("ok", "c"), agent("done"))
    assert trainable(trace) == [True] and "unread" not in trace.tags
    asked["content"] = "Let me see."
    trace = chat(tmp_path, person("q"), asked, result("ok", "c"), agent("done"))
    assert trainable(trace) == [False] and trace.tags["unread"] == {"weights that differ within a turn": 1}


def test_trls_data_sets(tmp_path: Path) -> None:
    history = [person("q"), agent("done"), person("and?")]
    trace = one("openai", tmp_path, {"prompt": history, "completion": [agent("that is all")]})
    assert said(trace)[-1] == ("agent", "that is all") and trainable(trace) == [False, True]
    trace = one("openai", tmp_path, {"prompt": history, "chosen": [agent("good")], "rejected": [agent("bad")]})
    assert said(trace)[-1] == ("agent", "good") and trace.tags["unread"] == {"rejected": 1}
    trace = one("openai", tmp_path, {"chosen": [*history, agent("good")], "rejected": [*history, agent("bad")]})
    assert said(trace)[-1] == ("agent", "good") and trainable(trace) == [True, True]
    trace = one("openai", tmp_path, {"prompt": history, "completion": [agent("bad")], "label": False})
    assert trainable(trace) == [False, False] and trace.tags["scores"][0]["value"] == 0


def test_a_long_conversation_in_seconds(tmp_path: Path) -> None:
    """100,000 messages, most of them of one turn: time grows with the conversation, not with its square."""

    rows: list[Any] = [person("q")]
    for number in range(30_000):
        rows += [agent("", tool_calls=[call("f", f"c{number}")]), result("ok", f"c{number}")]
    for number in range(20_000):
        rows += [person(f"{number}"), agent("done")]
    write(tmp_path / "log.jsonl", {"messages": rows})
    with within(10):
        found, losses = read(f"openai:{tmp_path / 'log.jsonl'}")
    assert losses == [] and len(found[0].turns) == 40_002
    assert all(one[2] == "ok" for one in calls(found[0]))
