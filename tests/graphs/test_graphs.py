"""The deployable graphs: what importing them costs, what the environment sets, what they do with a task as JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from sml_agents.types import Act, StopReason, Task, Trace

NAMES = ["autodidact", "clarifying_agent", "human_teacher", "q_priming", "student_teacher"]
DIALOGUES = NAMES[2:]


def test_langgraph_json_names_every_graph(repository: Path) -> None:
    graphs = json.loads((repository / "langgraph.json").read_text(encoding="utf-8"))["graphs"]
    assert sorted(path.stem for path in (repository / "graphs").glob("*.py")) == sorted(graphs) == NAMES
    assert all(graphs[name]["path"] == f"./graphs/{name}.py:graph" for name in NAMES)


def test_langgraph_validate_accepts_it(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "langgraph_cli", "validate", "-c", str(repository / "langgraph.json")],
        capture_output=True,
        text=True,
        env={**os.environ, "LANGGRAPH_CLI_NO_ANALYTICS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "is valid. (5 graphs found)" in done.stdout
    assert "warning" not in done.stdout


def test_importing_them_loads_no_model_and_makes_no_file(repository: Path, tmp_path: Path) -> None:
    code = """
import json, runpy, sys
graphs = [runpy.run_path(path)["graph"] for path in sys.argv[1:]]
heavy = [name for name in ("torch", "transformers", "aiohttp") if name in sys.modules]
print(json.dumps({"heavy": heavy, "checkpointers": [repr(graph.checkpointer) for graph in graphs]}))
"""
    paths = [str(repository / "graphs" / f"{name}.py") for name in NAMES]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SML_")}
    environment["SML_AGENTS_CACHE"] = str(tmp_path / "cache")
    done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"heavy": [], "checkpointers": ["None"] * len(NAMES)}
    assert not (tmp_path / "cache").exists()


async def test_the_environment_says_who_takes_part(
    load: Callable[..., Any], script: Callable[..., str], pens: dict[str, Any]
) -> None:
    graph = load("student_teacher", student=script("Hm."), teacher=script("Go on."), max_turns="2")
    trace = (await graph.ainvoke({"task": pens}))["trace"]
    assert [turn.text for turn in trace.turns[1:]] == ["Hm.", "Go on.", "Hm."]
    assert trace.stop is StopReason.MAX_TURNS
    assert {trace.settings[role]["model"]["backend"] for role in ("student", "teacher")} == {"scripted"}


@pytest.mark.parametrize("name", DIALOGUES)
def test_the_defaults_are_the_embedded_student_and_the_oracle(name: str, load: Callable[..., Any]) -> None:
    record = load(name).builder.nodes["open"].runnable.afunc.__self__.cast.record
    assert record["student"]["model"]["backend"] == "embedded"
    assert record["teacher"]["model"] == ("human" if name == "human_teacher" else "oracle")


async def test_the_input_shown_in_the_docstring_works(
    repository: Path, load: Callable[..., Any], script: Callable[..., str]
) -> None:
    text = (repository / "graphs" / "student_teacher.py").read_text(encoding="utf-8")
    shown = re.search(r'^    (\{"task".*?\}\}\})\n\n', text, re.DOTALL | re.MULTILINE)
    assert shown is not None
    graph = load("student_teacher", student=script("How much does each pen cost?", "The answer is 12."))
    trace = (await graph.ainvoke(json.loads(shown[1])))["trace"]
    assert trace.solved_at == 2


async def test_q_priming_puts_a_question_in_place_of_a_wrong_attempt(
    load: Callable[..., Any], script: Callable[..., str], pens: dict[str, Any]
) -> None:
    graph = load("q_priming", student=script("The answer is 4.", "The answer is 12."), q_priming="1")
    trace = (await graph.ainvoke({"task": pens}))["trace"]
    first = trace.student_turns[0]
    assert (first.text, first.act, first.primed) == ("What is the cost of a pen?", Act.CLARIFICATION, True)
    assert first.replaced == "The answer is 4."
    assert trace.solved_at == 2


async def test_q_priming_in_the_papers_way_asks_the_students_own_model(
    load: Callable[..., Any], script: Callable[..., str], pens: dict[str, Any]
) -> None:
    lines = script("The answer is 4. Or is one pen 3 dollars?", "The answer is 12.")
    own = load("q_priming", student=lines, primer="student", q_priming="1")
    trace = (await own.ainvoke({"task": pens}))["trace"]
    assert trace.student_turns[0].replaced == trace.student_turns[0].text, "the same model wrote both"
    assert trace.settings["primer"]["model"]["backend"] == "scripted"


class Outer(TypedDict, total=False):
    task: Task
    trace: Trace


async def test_a_person_teaches_under_a_graph_with_a_checkpointer(
    load: Callable[..., Any], script: Callable[..., str], pens: dict[str, Any]
) -> None:
    """What a LangGraph server does: the checkpointer is its own."""
    human = load("human_teacher", student=script("How much does each pen cost?", "The answer is 12."))
    outer = StateGraph(Outer)
    outer.add_node("dialogue", human)
    outer.add_edge(START, "dialogue")
    outer.add_edge("dialogue", END)
    graph = outer.compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    pause = (await graph.ainvoke({"task": Task.model_validate(pens)}, thread))["__interrupt__"][0].value
    assert pause["student"] == "How much does each pen cost?"
    trace = (await graph.ainvoke(Command(resume={"text": "Each pen costs 3 dollars."}), thread))["trace"]
    assert trace.solved_at == 2


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


async def test_the_autodidact_corrects_itself(load: Callable[..., Any], script: Callable[..., str]) -> None:
    lines = [
        {"when": "is 5", "reply": "OK."},
        {"when": "is 4", "reply": "Count again."},
        {"when": "Count again", "reply": "The answer is 5."},
        "The answer is 4.",
    ]
    state = await load("autodidact", student=script(*lines)).ainvoke(said("What is 2 plus 3?"))
    assert state["messages"][-1].text == "The answer is 5."
    trace = state["trace"]
    assert [turn.text for turn in trace.turns] == [
        "What is 2 plus 3?",
        "The answer is 4.",
        "Count again.",
        "The answer is 5.",
    ]
    assert (trace.stop, trace.solved) == (StopReason.TEACHER_STOPPED, None)
    assert all(turn.verdict is None for turn in trace.turns)


async def test_the_autodidact_leaves_questions_to_the_person(
    load: Callable[..., Any], script: Callable[..., str]
) -> None:
    lines = [
        {"when": "costs 3", "reply": "The answer is 12."},
        {"when": "is 12", "reply": "OK"},
        "What does a pen cost?",
    ]
    graph = load("autodidact", student=script(*lines))
    graph.checkpointer = InMemorySaver()
    thread: Any = {"configurable": {"thread_id": "1"}}
    asked = await graph.ainvoke(said("What do 4 pens cost?"), thread)
    assert asked["messages"][-1].text == "What does a pen cost?"
    told = await graph.ainvoke(said("One costs 3 dollars."), thread)
    assert told["messages"][-1].text == "The answer is 12."
    assert told["trace"].task.prompt == "What do 4 pens cost?\nOne costs 3 dollars."


async def test_the_autodidact_without_end_is_not_scored(load: Callable[..., Any], script: Callable[..., str]) -> None:
    state = await load("autodidact", student=script("The answer is 4."), max_turns="2").ainvoke(said("2 plus 3?"))
    assert (state["trace"].stop, state["trace"].solved) == (StopReason.MAX_TURNS, None)


@pytest.mark.parametrize("asker", ["rules", "self", "model"])
@pytest.mark.parametrize("delivery", ["interrupt", "end_turn", "tool"])
async def test_the_clarifying_agent_asks_and_then_acts(
    delivery: str, asker: str, load: Callable[..., Any], script: Callable[..., str]
) -> None:
    def call(name: str, **arguments: Any) -> list[dict[str, Any]]:
        return [{"name": name, "args": arguments}]

    question = "On which day?"
    asking: dict[str, Any] = {"when": "", "reply": question}
    if asker == "rules":
        asking = {"when": "", "reply": "", "calls": call("schedule", what="dentist", day="today")}
    elif delivery == "tool" and asker == "self":
        asking = {"when": "", "reply": "", "calls": call("ask_user", questions=[question])}
    lines = [
        {"when": "Scheduled", "reply": "Done."},
        {"when": "5 May", "reply": "", "calls": call("schedule", what="dentist", day="5 May")},
        asking,
    ]
    other = script({"when": "5 May", "reply": "The answer is 5."}, question)
    graph = load(
        "clarifying_agent", student=script(*lines), asker=other if asker == "model" else asker, delivery=delivery
    )
    graph.checkpointer = InMemorySaver()
    thread: Any = {"configurable": {"thread_id": "1"}}
    state = await graph.ainvoke(said("Put the dentist into my calendar."), thread)
    assert ("__interrupt__" in state) is (delivery != "end_turn")
    assert question in str(state) and "Scheduled" not in str(state)
    state = await graph.ainvoke(said("On 5 May.") if delivery == "end_turn" else Command(resume="On 5 May."), thread)
    assert [message.text for message in state["messages"][-2:]] == ["Scheduled dentist on 5 May.", "Done."]


@pytest.mark.slow
async def test_a_real_model_in_all_roles_never_holds_up_the_event_loop(
    load: Callable[..., Any], pens: dict[str, Any], embedded_model: Path
) -> None:
    """`langgraph dev` turns every blocking call into an error; loading weights and prompts must not be one."""
    spec = f"transformers:{embedded_model}?max_tokens=4"
    graph = load("q_priming", student=spec, teacher=spec, primer="student", max_turns="2")
    with blockbuster_ctx():
        trace = (await graph.ainvoke({"task": pens}))["trace"]
    assert trace.error is None and trace.stop in (StopReason.MAX_TURNS, StopReason.SOLVED)
    assert all(turn.text and turn.call and turn.call.usage for turn in trace.turns[1:])
