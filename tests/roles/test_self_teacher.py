"""The student's own model as its critic."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import PrivateAttr

from sml_agents import ChatStudent, DialogueSettings, Fact, Form, Private, StopReason, Task, build_dialogue
from sml_agents.roles import SelfTeacher
from sml_agents.testing import ScriptedModel

CANARY = "CANARY-7f3a"


class Recorder(ScriptedModel):
    _prompts: list[str] = PrivateAttr(default_factory=list)

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        self._prompts.extend(message.text for message in messages)
        return await super()._areply(messages, stop, **kwargs)


@pytest.mark.parametrize("line", ["The answer is 4.", "How much does each pen cost?", "Hm."])
async def test_it_is_never_told_anything_private(line: str) -> None:
    private = Private(answer=f"12 {CANARY}", facts=(Fact(name="price", statement=CANARY),), solution=CANARY)
    task = Task(id="1", family="f", form=Form.UNDERSPECIFIED, prompt="What do 4 pens cost?", private=private)
    for scored in (task.model_copy(update={"verifier": "exact"}), task.model_copy(update={"verifier": "none"})):
        student, critic = ScriptedModel(replies=[line]), Recorder(replies=["Think again."])
        settings = DialogueSettings(max_turns=3)
        graph = build_dialogue(ChatStudent(student), SelfTeacher(critic), settings=settings)
        trace = (await graph.ainvoke({"task": scored}))["trace"]
        assert CANARY not in str(critic._prompts)
        asked = line.endswith("?")
        assert trace.stop is (StopReason.TEACHER_STOPPED if asked else StopReason.MAX_TURNS)
        assert trace.solved is (False if scored.verifier == "exact" and not asked else None)


@pytest.mark.parametrize(("says", "ends"), [("OK", True), ("Okay.", True), ("'OK'", True), ("Okra is wrong.", False)])
async def test_it_ends_the_dialogue_when_it_agrees(says: str, ends: bool) -> None:
    task = Task(id="1", family="f", prompt="2 plus 2?", private=Private(answer=""), verifier="none")
    graph = build_dialogue(
        ChatStudent(ScriptedModel(replies=["The answer is 4."])), SelfTeacher(ScriptedModel(replies=[says]))
    )
    trace = (await graph.ainvoke({"task": task}))["trace"]
    assert (len(trace.student_turns) == 1) is ends and trace.solved is None
