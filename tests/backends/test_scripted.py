"""The scripted and the faulty model."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import ValidationError

from sml_agents.backends import resolve
from sml_agents.errors import BackendError, BackendSpecError
from sml_agents.testing import FaultyModel, Rule, ScriptedModel


def said(*texts: str) -> list[BaseMessage]:
    """A conversation that begins and ends with the other side."""
    return [HumanMessage(text) if turn % 2 == 0 else AIMessage(text) for turn, text in enumerate(texts)]


def test_lines_follow_the_turns_of_the_conversation_not_of_the_object() -> None:
    model = ScriptedModel(replies=["first", "second"])
    for _ in range(2):
        assert model.invoke(said("a")).content == "first"
        assert model.invoke(said("a", "first", "b")).content == "second"
        assert model.invoke(said("a", "first", "b", "second", "c")).content == "first"


async def test_concurrent_conversations_do_not_mix() -> None:
    model = ScriptedModel(replies=[str(turn) for turn in range(5)])

    async def talk(name: str) -> list[str]:
        messages = said(name)
        for _ in range(5):
            reply = await model.ainvoke(messages)
            messages = [*messages, reply, HumanMessage(name)]
        return [str(message.content) for message in messages[1::2]]

    assert await asyncio.gather(*[talk(str(n)) for n in range(20)]) == [["0", "1", "2", "3", "4"]] * 20


def test_rules_come_before_lines() -> None:
    model = ScriptedModel(replies=["line", Rule(when="price", reply="4"), Rule(when="/how (much|many)/", reply="7")])
    assert model.invoke("what is the price?").content == "4"
    assert model.invoke("how many are there").content == "7"
    assert model.invoke("how are you").content == "line"


def test_of_several_replies_conversation_and_seed_choose() -> None:
    model = ScriptedModel(replies=[Rule(when="", reply=("a", "b", "c"))])
    first = [model.invoke("hi", seed=seed).content for seed in range(30)]
    assert set(first) == {"a", "b", "c"}
    assert first == [ScriptedModel(replies=model.replies).invoke("hi", seed=seed).content for seed in range(30)]


def test_no_line_for_a_conversation() -> None:
    with pytest.raises(BackendError, match="no rule for 'hello'"):
        ScriptedModel(replies=[Rule(when="bye", reply="bye")]).invoke("hello")


def test_files(tmp_path: Path) -> None:
    lines = tmp_path / "script.jsonl"
    lines.write_text('"first"\n\n{"when": "price", "reply": ["4", "5"]}\n')
    whole = tmp_path / "script.json"
    whole.write_text(json.dumps(["first", {"when": "price", "reply": ["4", "5"]}]))
    for path in (lines, whole):
        model = resolve(f"scripted:{path}")
        assert model.invoke("hi").content == "first"
        assert model.invoke("price?").content in ("4", "5")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('"first"\n{"when": "x"', "line 2"),
        ("[]", "no reply"),
        ("17", "entry 1: it is no string and no rule"),
        ("[1, 2]", "entry 1: it is no string and no rule"),
        ('["a", {"when": "x"}]', "entry 2: a rule needs a reply or calls"),
        ('[{"reply": "x"}]', "entry 1: 'when' is missing"),
        ('[{"when": "x", "calls": [{"nme": "book"}]}]', "entry 1: there is no 'nme'"),
        ('[{"when": "x", "reply": []}]', "at least one reply"),
        ('[{"when": "/(/", "reply": "y"}]', "not a regular expression"),
        ('[{"wenn": "x", "reply": "y"}]', "entry 1: there is no 'wenn'; a rule has when, reply and calls"),
    ],
)
def test_a_damaged_file_says_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text(text)
    with pytest.raises(BackendSpecError, match=says) as caught:
        ScriptedModel.from_file(path)
    assert str(path) in str(caught.value)


def test_streams_make_the_same_text() -> None:
    model = ScriptedModel(replies=["  Two words,\nand  more. "])
    assert "".join(chunk.text for chunk in model.stream("hi")) == "  Two words,\nand  more. "


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(ValidationError):
        ScriptedModel(replies=[])


async def test_faults_belong_to_the_conversation() -> None:
    model = FaultyModel(model=ScriptedModel(replies=["fine"]), fail=0.3, empty=0.3, delay=0.01, seed=3)

    async def fate(number: int) -> str:
        try:
            return str((await model.ainvoke(f"question {number}", seed=number)).content)
        except BackendError:
            return "failed"

    fates = await asyncio.gather(*[fate(number) for number in range(200)])
    assert fates == [await fate(number) for number in range(200)]
    assert 35 < fates.count("failed") < 85
    assert 20 < fates.count("") < 70


async def test_a_rule_may_call_tools() -> None:
    call = {"name": "add", "args": {"a": 1}}
    model = ScriptedModel(replies=[Rule(when="add", reply="Adding.", calls=[call, call]), "Hm."])  # type: ignore[list-item]
    message = await model.ainvoke(said("add it"))
    assert [(made["name"], made["args"]) for made in message.tool_calls] == [("add", {"a": 1})] * 2
    assert len({made["id"] for made in message.tool_calls}) == 2
    chunks = [chunk async for chunk in model.astream(said("add it"))]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert (whole.text, whole.tool_calls) == ("Adding.", message.tool_calls)
    assert (await model.ainvoke(said("go"))).tool_calls == []
