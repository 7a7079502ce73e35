"""The tuned model criticises itself, with no teacher: answer, own criticism, better answer.

The same dialogue as the others; the student's own model plays the teacher and sees only what the student sees (Cook et
al., arXiv 2602.16488, where a model trained on both sides of its dialogues does so). It ends when the model accepts its
answer, after the last turn allowed, or with a question that only the person can answer. Set in the environment:

    SML_STUDENT    the model (embedded)
    SML_MAX_TURNS  answers at most (4)

Input: `{"messages": [{"role": "user", "content": "..."}]}`, as chat front ends send it; all that the person has said on
the thread is the problem. Output: the last answer as a message, and the dialogue behind it as `trace`, which is not
scored, since nobody here knows the answer.
"""

from __future__ import annotations

import os
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.graph import END, START, MessagesState, StateGraph

from sml_agents.backends import resolve
from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.errors import BackendError, InputError
from sml_agents.roles import ChatStudent, SelfTeacher
from sml_agents.types import Private, Task, Trace, stable_hash


class State(MessagesState, total=False):
    task: Task
    trace: Trace


class Output(MessagesState):
    trace: Trace


def pose(state: State) -> dict[str, Any]:
    """What the person has said, as a problem whose answer nobody knows."""
    said = "\n".join(message.text for message in state["messages"] if isinstance(message, HumanMessage)).strip()
    if not said:
        raise InputError('say something: {"messages": [{"role": "user", "content": "..."}]}')
    return {"task": Task(id=stable_hash(said), family="chat", prompt=said, private=Private(answer=""), verifier="none")}


def answer(state: State) -> dict[str, Any]:
    trace = Trace.model_validate(state["trace"])
    if trace.error:
        raise BackendError(str(trace.error))
    return {"messages": [AIMessage(trace.student_turns[-1].text)]}


model = resolve(os.environ.get("SML_STUDENT") or "embedded")
settings = DialogueSettings(max_turns=int(os.environ.get("SML_MAX_TURNS") or 4), guard="off")

builder = StateGraph(State, input_schema=MessagesState, output_schema=Output)
builder.add_node("pose", pose)
builder.add_node("dialogue", build_dialogue(ChatStudent(model), SelfTeacher(model), settings=settings))
builder.add_node("answer", answer)
builder.add_edge(START, "pose")
builder.add_edge("pose", "dialogue")
builder.add_edge("dialogue", "answer")
builder.add_edge("answer", END)
graph = builder.compile(name="autodidact")
