"""Dialogues on requests as training rows, in each chat template's own form: calls and questions are trained, results
and the user's words are not."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sml_agents.data.export import export
from sml_agents.data.pairs import Pair
from sml_agents.data.rows import training_rows
from sml_agents.data.selection import TraceFilter
from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.roles import ChatStudent, OraclePrimer, OracleTeacher
from sml_agents.roles.prompts import render
from sml_agents.testing import ScriptedModel
from sml_agents.text.tools import call_text, find_calls
from sml_agents.training import DialogueRenderer
from sml_agents.training.tokens.pairs import preference_examples, tokenize_sides
from sml_agents.training.tokens.rows import IGNORED, tokenize_rows
from sml_agents.types import Task, Trace
from tests.tool_requests import RIGHT, UNSERVED, request
from tests.training.templates import template_named, tiny

ASKS = "On which day is it?"
TEMPLATES = ["qwen2_5", "qwen3", "llama3_1", "smollm3", "qwen_tools", "chatml", "gemma", "mistral_tools"]


def written(**changes: Any) -> str:
    return call_text("book_table", {**RIGHT, **changes})


async def talk(task: Task, *replies: str, primed: bool = False) -> Trace:
    settings = DialogueSettings(max_turns=4, q_priming=1.0 if primed else None)
    student = ChatStudent(ScriptedModel(replies=list(replies)))
    cast = Cast(student, OracleTeacher(), settings, primer=OraclePrimer(demonstrate=True))
    trace: Trace = (await cast.graph().ainvoke({"task": task}))["trace"]
    return trace


@cache
def renderer_of(name: str) -> DialogueRenderer:
    return DialogueRenderer(tiny(template_named(name)))


def trained_texts(traces: list[Trace], renderer: DialogueRenderer, rows_as: str) -> list[str]:
    rows = training_rows(traces, "q_primed")
    made, _ = tokenize_rows(rows, renderer, max_length=100_000, rows_as=rows_as)
    kept = [[t for t, label in zip(one.input_ids, one.labels, strict=True) if label != IGNORED] for one in made]
    return [str(renderer.tokenizer.decode(ids)) for ids in kept]


@pytest.mark.parametrize("name", TEMPLATES)
async def test_questions_and_right_calls_are_trained_and_nothing_else(name: str) -> None:
    renderer = renderer_of(name)
    asked = await talk(request("day"), ASKS, written())
    mended = await talk(request(), written(guests=7), written())
    refused = await talk(UNSERVED, "None of my tools does that.")
    for rows_as in ("turn", "auto"):
        texts = trained_texts([asked, mended, refused], renderer, rows_as)
        whole = "\n".join(texts)
        assert ASKS in whole and "None of my tools does that." in whole
        assert whole.count("2027-05-05") == 2 and "book_table" in whole
        for never in ("The visit is on", "Not run", "Not like that", "another one", "Reserve a table", '"guests": 7'):
            assert never not in whole, (never, whole)


async def test_thoughts_hold_what_was_said_in_the_words_in_which_it_was_said() -> None:
    task = request("day").model_copy(update={"meta": {"said": {"day": "the fifth of May"}}})
    for one, day in ((task, "the fifth of May"), (request("day"), str(RIGHT["day"]))):
        (row,) = training_rows([await talk(one, ASKS, written())], "mt_sft", think=True)
        first, then = (message.thought for message in row.messages if message.trainable)
        assert "day: ?" in first and f"day: {day}\n" in f"{then}\n" and f"guests: {RIGHT['guests']}" in first


@pytest.mark.parametrize("name", TEMPLATES)
async def test_what_was_trained_is_read_back_as_the_call(name: str) -> None:
    renderer = renderer_of(name)
    (text,) = trained_texts([await talk(request(), written())], renderer, "turn")
    for token in (*renderer.tokenizer.all_special_tokens,):
        text = text.replace(token, "")
    assert find_calls(text, ["book_table"]).made == (("book_table", RIGHT),), text


async def test_preferences_both_ways(tmp_path: Path) -> None:
    guessed = await talk(request("day"), written(day="2027-01-01"), ASKS, written())
    asked = await talk(request("day"), ASKS, written())
    needless = await talk(request(), "Which day is it?", written())
    called = await talk(request(), written())
    pairs = preference_examples([guessed, asked, needless, called], paired=True)
    pairs = [pair for pair in pairs if isinstance(pair, Pair) and pair.source != "repaired_over_repeated"]
    assert {pair.source for pair in pairs} == {"asked_over_guessed", "answered_over_asked"}
    for name in ("qwen_tools", "chatml"):
        renderer = renderer_of(name)
        made, _ = tokenize_sides(pairs, renderer, max_length=100_000)
        for pair, (chosen, rejected) in made:
            assert isinstance(pair, Pair) and chosen.prompt_ids == rejected.prompt_ids
            sides = [str(renderer.tokenizer.decode(side.completion_ids)) for side in (chosen, rejected)]
            question, call = sides if pair.source == "asked_over_guessed" else sides[::-1]
            assert "day is it?" in question and "book_table" in call and "book_table" not in question
            prompt = str(renderer.tokenizer.decode(chosen.prompt_ids))
            assert "Reserve a table" in prompt and render("student_tools") in prompt
    export([guessed, asked, needless, called], "preference", tmp_path / "pairs.jsonl", TraceFilter())
    rows = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert {bool(row["chosen"][0].get("tool_calls")) for row in rows} == {True, False}
    assert all(json.loads(row["tools"])[0]["function"]["name"] == "book_table" for row in rows)


async def test_a_primed_question_is_chosen_over_the_guessed_call_that_it_replaced() -> None:
    primed = await talk(request("day"), written(day="2027-01-01"), "Hm.", primed=True)
    (pair, *_) = preference_examples([primed], paired=True)
    assert isinstance(pair, Pair) and pair.source == "primed"
    assert pair.chosen.text == "On which day is the visit?" and pair.chosen.tool_calls is None
    (call,) = pair.rejected.tool_calls or ()
    assert call.name == "book_table" and call.arguments["day"] == "2027-01-01" and pair.rejected.text == ""


async def test_two_calls_at_once_are_one_message() -> None:
    two = written() + "\n" + call_text("find_flight", {"trip": {"origin": "Oslo", "departure": "2027-06-07"}})
    trace = await talk(request(), f"Both.\n{two}", written())
    (row,) = training_rows([trace], TraceFilter(wrong_attempts=True))
    said = [message for message in row.messages if message.role == "assistant"]
    assert [len(message.calls) for message in said] == [2, 1] and said[0].content == "Both."
    assert [message.role for message in row.messages].count("tool") == 3


@pytest.mark.parametrize("name", ["qwen2_5", "llama3_1", "qwen_tools", "chatml"])
async def test_a_dialogue_goes_on_from_the_ids_of_a_call_as_it_would_be_written_anew(name: str) -> None:
    form = renderer_of(name).format
    trace = await talk(request(), written(guests=7), written())
    tools = [dict(tool) for tool in trace.tools]
    (row,) = training_rows([trace], TraceFilter(wrong_attempts=True))
    messages = [message.as_chat() for message in row.messages]
    first = next(at for at, message in enumerate(row.messages) if message.role == "assistant")
    (sampled, *_) = renderer_of(name).render_turns(row.messages, row.tools)
    assert sampled.ids[: sampled.turns[0].start] == form.encode(messages[:first], tools)
    going_on = messages[: first + 3]
    assert [message["role"] for message in going_on[first:]] == ["assistant", "tool", "user"]
    assert form.encode_after(sampled.ids, going_on) == form.encode(going_on, tools)
