"""What goes in and out of the dialogue graph: JSON over HTTP, schemas for Studio, several dialogues on one thread."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command

from sml_agents.dialogue import DialogueContext, build_dialogue
from sml_agents.dialogue.state import given_task
from sml_agents.errors import InputError
from sml_agents.roles import HumanTeacher, OracleTeacher
from sml_agents.types import Fact, Form, Private, Reply, Role, StopReason, Task
from sml_agents.views import StudentView

PENS = Task(
    id="pens",
    family="arithmetic",
    form=Form.UNDERSPECIFIED,
    prompt="Ada buys 4 pens. How many dollars does she pay?",
    private=Private(
        answer="12", facts=(Fact(name="price", statement="Each pen costs 3 dollars.", keywords=("pen", "cost")),)
    ),
)
CUPS = Task(
    id="cups", family="arithmetic", prompt="Bo has 2 cups and buys 5. How many has he?", private=Private(answer="7")
)


class Asker:
    """Asks once where pens are bought, then answers; remembers the histories it was shown."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {"model": "asker"}
        self.seen: list[tuple[tuple[Role, str], ...]] = []

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        self.seen.append(view.history)
        if "pens" not in view.history[0][1]:
            return Reply(text="The answer is 7.")
        return Reply(text="How much does each pen cost?" if len(view.history) == 1 else "The answer is 12.")


async def test_a_task_as_json_gives_the_same_trace_as_the_object() -> None:
    graph = build_dialogue(Asker(), OracleTeacher())
    plain = json.loads(PENS.model_dump_json())
    from_json = (await graph.ainvoke({"task": plain}))["trace"]
    assert from_json.task == PENS and from_json.solved_at == 2
    assert from_json == (await graph.ainvoke({"task": PENS}))["trace"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"id": "x"}, "needs a task"),
        ({"task": {"id": "x", "family": "f", "prompt": "?"}}, r"task\.private cannot be used: Field required"),
        ({"task": "arithmetic"}, "task cannot be used"),
        ({"task": {**PENS.model_dump(mode="json"), "form": "odd"}}, r"task\.form cannot be used"),
    ],
)
async def test_a_wrong_task_is_told_in_one_sentence(given: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        await build_dialogue(Asker(), OracleTeacher()).ainvoke(given)
    assert "\n" not in str(caught.value)


def test_a_task_object_is_taken_as_it_is() -> None:
    assert given_task({"task": PENS}) is PENS


@pytest.mark.parametrize("teacher", [OracleTeacher(), HumanTeacher()])
def test_the_schemas_that_studio_needs_can_be_made(teacher: Any) -> None:
    graph = build_dialogue(Asker(), teacher)
    given = graph.get_input_jsonschema()
    assert set(given["properties"]) == {"task", "sample", "id"}
    assert set(given["$defs"]["Task"]["required"]) == {"id", "family", "prompt", "private"}
    assert set(graph.get_output_jsonschema()["properties"]) == {"trace"}
    context = graph.get_context_jsonschema()
    assert context is not None and context["properties"] == {}, "the journal is an object of the process"
    json.dumps([given, context, graph.get_output_jsonschema()])


async def test_an_empty_context_as_a_server_gives_it_is_no_journal() -> None:
    context: Any = {}
    graph = build_dialogue(Asker(), OracleTeacher())
    assert (await graph.ainvoke({"task": CUPS}, context=context))["trace"].solved
    assert (await graph.ainvoke({"task": CUPS}, context=DialogueContext()))["trace"].solved


async def test_a_thread_that_held_a_dialogue_starts_the_next_on_a_clean_slate() -> None:
    student = Asker()
    graph = build_dialogue(student, OracleTeacher(), checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    first = (await graph.ainvoke({"task": PENS, "sample": 3, "id": "mine"}, thread))["trace"]
    second = (await graph.ainvoke({"task": CUPS}, thread))["trace"]
    alone = (await build_dialogue(Asker(), OracleTeacher()).ainvoke({"task": CUPS}))["trace"]
    assert (first.id, first.sample) == ("mine", 3)
    assert second == alone
    assert student.seen[-1] == ((Role.TEACHER, CUPS.prompt),)


async def test_a_dialogue_left_waiting_for_a_person_does_not_spoil_the_next() -> None:
    graph = build_dialogue(Asker(), HumanTeacher(), checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    finished = await graph.ainvoke({"task": CUPS}, thread)
    waiting = await graph.ainvoke({"task": PENS, "id": "left"}, thread)
    assert finished["trace"].solved
    assert "trace" not in waiting, "an earlier dialogue's trace must not look like this one's"
    again = await graph.ainvoke({"task": PENS}, thread)
    assert again["__interrupt__"][0].value["student"] == "How much does each pen cost?"
    trace = (await graph.ainvoke(Command(resume={"text": "Each pen costs 3 dollars."}), thread))["trace"]
    assert trace.solved_at == 2 and len(trace.turns) == 4 and trace.id != "left"


async def test_a_failed_dialogue_does_not_fail_the_next_on_its_thread() -> None:
    class Flaky(Asker):
        async def reply(self, view: StudentView, *, seed: int) -> Reply:
            if "pens" in view.history[0][1]:
                raise ConnectionError("gone")
            return await super().reply(view, seed=seed)

    graph = build_dialogue(Flaky(), OracleTeacher(), checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    assert (await graph.ainvoke({"task": PENS}, thread))["trace"].stop is StopReason.FAILED
    assert (await graph.ainvoke({"task": CUPS}, thread))["trace"].solved


async def test_a_finished_threads_state_keeps_the_trace() -> None:
    graph = build_dialogue(Asker(), OracleTeacher(), checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "1"}}
    trace = (await graph.ainvoke({"task": CUPS}, thread))["trace"]
    assert (await graph.aget_state(thread)).values["trace"] == trace


@pytest.mark.parametrize("allowed", [None, True])
async def test_a_dialogue_goes_on_from_a_checkpointer_that_revives_no_classes(allowed: Any) -> None:
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=allowed))
    graph = build_dialogue(Asker(), HumanTeacher(), checkpointer=saver)
    thread: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"task": PENS}, thread)
    kept = (await graph.aget_state(thread)).values
    assert isinstance(kept["task"], Task if allowed else dict)
    trace = (await graph.ainvoke(Command(resume={"text": "Each pen costs 3 dollars."}), thread))["trace"]
    assert trace.solved_at == 2 and trace.task == PENS
    assert trace.turns[2].reveals == ("price",)
