"""For builders of agents: the dialogue as a node of your own LangGraph graph.

    python examples/embed_in_a_graph.py [--student openai:MODEL@URL]

A tutor chooses exercises, lets a student talk each over with a teacher, and stops at the first one solved. The
dialogue's graph shares the channels `task` and `trace` with the graph around it; the task's private part goes to the
teacher and never into a prompt of the student's.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any, Literal

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from sml_agents import ChatStudent, OracleTeacher, Task, Trace, build_dialogue, load_tasks, resolve

SPEC = "arithmetic?form=underspecified&split=heldout&n=3"


class Tutoring(TypedDict, total=False):
    held: int
    task: Task
    trace: Trace
    report: list[str]


def choose(state: Tutoring) -> Tutoring:
    return {"task": load_tasks(SPEC)[state.get("held", 0)]}


def note(state: Tutoring) -> Tutoring:
    trace = state["trace"]
    line = f"{trace.task.template}: {trace.stop} after {len(trace.student_turns)} turns"
    return {"held": state.get("held", 0) + 1, "report": [*state.get("report", []), line]}


def enough(state: Tutoring) -> Literal["choose", "__end__"]:
    return "__end__" if state["trace"].solved or state["held"] == 3 else "choose"


def build(student: ChatStudent) -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(Tutoring)
    graph.add_node("choose", choose)
    graph.add_node("dialogue", build_dialogue(student, OracleTeacher()))
    graph.add_node("note", note)
    graph.add_edge(START, "choose")
    graph.add_edge("choose", "dialogue")
    graph.add_edge("dialogue", "note")
    graph.add_conditional_edges("note", enough)
    return graph.compile()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--student", default="embedded:?max_tokens=64", help="backend spec")
    graph = build(ChatStudent(resolve(options.parse_args().student)))
    for line in asyncio.run(graph.ainvoke({}))["report"]:
        print(line)
