"""A canary in the private part of a task reaches no prompt of the student's, in any deployable graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import PrivateAttr

from sml_agents.roles.prompts import render
from sml_agents.testing import ScriptedModel

CANARY = "CANARY-7f3a"


class Recorder(ScriptedModel):
    """A scripted model that keeps the prompts it is given."""

    _prompts: list[list[str]] = PrivateAttr(default_factory=list)

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        self._prompts.append([message.text for message in messages])
        return await super()._areply(messages, stop, **kwargs)


def as_student(prompts: list[list[str]]) -> list[list[str]]:
    return [prompt for prompt in prompts if prompt[0] == render("student")]


@pytest.mark.parametrize("line", ["The answer is 4.", "How much does each pen cost?", "What do you know?", ""])
@pytest.mark.parametrize("form", ["full", "underspecified", "sharded"])
@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("student_teacher", {}),
        ("student_teacher", {"teacher": "model"}),
        ("q_priming", {"q_priming": "1"}),
        ("q_priming", {"q_priming": "1", "primer": "student"}),
        ("q_priming", {"q_priming": "1", "teacher": "model", "primer": "student"}),
        ("human_teacher", {}),
    ],
)
async def test_the_canary_stays_with_the_teacher(
    name: str,
    environment: dict[str, str],
    form: str,
    line: str,
    load: Callable[..., Any],
    pens: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    student, teacher = Recorder(replies=[line]), Recorder(replies=["Go on."])
    monkeypatch.setattr("sml_agents.backends.resolve", lambda spec, **settings: teacher if spec == "model" else student)
    graph = load(name, **environment)
    private = {**pens["private"], "answer": f"12 {CANARY}", "solution": f"4 * 3 {CANARY}. The answer is 12."}
    task = {**pens, "form": form, "verifier": "exact", "private": private}
    if name == "human_teacher":
        graph.checkpointer = InMemorySaver()  # as a server does it
    thread: Any = {"configurable": {"thread_id": "1"}}
    result = await graph.ainvoke({"task": task}, thread)
    while "__interrupt__" in result:
        result = await graph.ainvoke(Command(resume={"text": "Go on."}), thread)
    seen = as_student(student._prompts)
    assert len(seen) >= 2 and CANARY not in str(seen)
    assert CANARY in result["trace"].model_dump_json()
    if "teacher" in environment:
        assert CANARY in str(teacher._prompts), "the teacher knows, or the test would prove nothing"
    if "primer" in environment and form != "full" and line.startswith("The answer"):
        assert CANARY in str([prompt for prompt in student._prompts if prompt not in seen])
