"""Reasoning is no part of what was said, however it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sml_agents.text.thinking import split_thought
from tests.pace import within
from tests.traces.importers.reading import agent, call, chat, one, person, result, said

HARMONY = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>a<|return|>"
WRITTEN = {
    "<think>hm</think>a": "a",
    "<think>\nhm\n</think>\n\na": "a",
    "hm</think>a": "a",
    "<think></think>a": "a",
    "<think>hm": "",
    "<THINK>hm</THINK>a": "a",
    "<thinking>hm</thinking>a": "a",
    "<reasoning>hm</reasoning><answer>a</answer>": "<answer>a</answer>",
    "<thought>hm</thought> a": "a",
    "<seed:think>hm</seed:think>a": "a",
    "<longcat_think>hm</longcat_think>a": "a",
    "[THINK]hm[/THINK]a": "a",
    "◁think▷hm◁/think▷a": "a",
    "<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>a<|end_of_solution|>": "a",
    "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>a<|END_RESPONSE|>": "a",
    "<|channel>thought\nhm<channel|>a": "a",
    HARMONY: "a",
    "<|start|>assistant" + HARMONY: "a",
    "analysishm, thinkassistantfinal: a": ": a",
    "<think>hm</think>one<think>hm</think>two": "onetwo",
    "well <|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>a": "well a",
    "first <think>hm</think> then": "first  then",
    "<think>the tag <reasoning> opens</think>a": "a",
}
WORDS = [
    "a",
    "a < b and [c]",
    "The tag `<think>` opens it and `</think>` closes it.",
    "```xml\n<think>x</think>\n```",
    "It writes <think> first.",
    "analysis of the figures",
    "",
]


@pytest.mark.parametrize("text", WRITTEN, ids=repr)
def test_every_spelling(text: str) -> None:
    thought, words = split_thought(text)
    assert words == WRITTEN[text]
    assert thought


@pytest.mark.parametrize("text", WORDS, ids=repr)
def test_words_stay(text: str) -> None:
    assert split_thought(text) == ("", text)


@pytest.mark.parametrize(
    "piece", ["<think>", "</think>", "<thinking>a", "```<think>", "<|channel|>a", "<|message|>", "◁think▷"]
)
def test_time_grows_linearly(piece: str) -> None:
    with within(2):
        split_thought(piece * (400_000 // len(piece)))


MESSAGES: dict[str, dict[str, Any]] = {
    **{f"in the text: {text[:12]}": agent(text) for text in WRITTEN if WRITTEN[text] == "a" and "hm" in text},
    "reasoning_content": agent("a", reasoning_content="hm"),
    "reasoning": agent("a", reasoning="hm"),
    "reasoning as an object": agent("a", reasoning={"content": "hm"}),
    "thinking": agent("a", thinking="hm"),
    "reasoning_details": agent("a", reasoning_details=[{"type": "reasoning.text", "text": "hm"}]),
    "both, of which one is a copy": agent("a", reasoning="hm", reasoning_content="hm"),
    "langchain": {"type": "ai", "content": "a", "additional_kwargs": {"reasoning_content": "hm"}},
    "anthropic": agent([{"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "text", "text": "a"}]),
    "langchain's own": agent([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "a"}]),
    "vercel": agent([{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "a"}]),
    "inspect": agent([{"type": "reasoning", "reasoning": "hm", "signature": "x"}, {"type": "text", "text": "a"}]),
    "gemini": {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "a"}]},
    "otel": {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": "a"}]},
    "bedrock": agent([{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": "a"}]),
    "pydantic-ai": {
        "kind": "response",
        "parts": [{"part_kind": "thinking", "content": "hm"}, {"part_kind": "text", "content": "a"}],
    },
}


@pytest.mark.parametrize("name", MESSAGES)
def test_in_a_message(name: str, tmp_path: Path) -> None:
    trace = chat(tmp_path, person("q"), MESSAGES[name])
    assert said(trace) == [("person", "q"), ("agent", "a")]
    assert trace.turns[1].thought.count("hm") == 1
    assert "unread" not in trace.tags


def test_items_of_the_responses_api(tmp_path: Path) -> None:
    items = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "x"},
        {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
        {"type": "reasoning", "summary": [], "encrypted_content": "x"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    ]
    trace = one("openai", tmp_path, {"input": "q", "response": {"output": items}})
    assert said(trace) == [("person", "q"), ("agent", "a")]
    assert "hm" in trace.turns[1].thought and trace.tags["unread"] == {"encrypted reasoning": 1}


def test_reasoning_of_several_calls_is_that_of_the_turn(tmp_path: Path) -> None:
    asked = agent("<think>one</think>", tool_calls=[call("f", "c")])
    trace = chat(tmp_path, person("q"), asked, result("ok", "c"), agent("a", reasoning_content="two"))
    assert said(trace) == [("person", "q"), ("agent", "a")]
    assert trace.turns[1].thought.index("one") < trace.turns[1].thought.index("two")


def test_reasoning_that_nothing_followed_is_said_to_be_left(tmp_path: Path) -> None:
    trace = chat(tmp_path, person("q"), agent("<think>cut"), person("are you there?"), agent("yes"))
    assert said(trace) == [("person", "q\n\nare you there?"), ("agent", "yes")]
    assert trace.tags["unread"] == {"reasoning without words": 1}


def test_a_person_may_write_the_tag(tmp_path: Path) -> None:
    trace = chat(tmp_path, person("<think>hm</think> is what?"), agent("a"))
    assert said(trace)[0] == ("person", "<think>hm</think> is what?")
