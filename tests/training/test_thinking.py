"""Think, then decide: the reasoning is trained on, and reaches nobody's history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sml_agents.backends.scripted import ScriptedModel
from sml_agents.data.nouns import Message, TrainingRow
from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.errors import TrainingError
from sml_agents.roles import ChatStudent, OracleTeacher
from sml_agents.text.thinking import split_thought
from sml_agents.text.tools import call_text
from sml_agents.training import DialogueRenderer, training_rows
from sml_agents.training.tokens.rows import IGNORED, tokenize_rows
from sml_agents.types import AcceptedCall, Act, Fact, Form, Private, Reply, StopReason, Task, Trace
from sml_agents.views import TeacherView
from tests.training.test_rows import TELLS, ask, attempt, trace

SECRET = "<think>\nMissing: SECRET-1\n</think>\n\n"
FACT = Fact(
    name="price", statement="A pen costs 3 dollars.", keywords=("pen", "cost"), question="What does a pen cost?"
)
TASK = Task(
    id="t",
    family="arithmetic",
    form=Form.UNDERSPECIFIED,
    prompt="Ada buys 4 pens. What does she pay?",
    private=Private(answer="12", facts=(FACT,)),
)


@pytest.mark.parametrize(
    ("text", "thought", "said"),
    [
        ("What is it?", "", "What is it?"),
        (f"{SECRET}What is it?", SECRET, "What is it?"),
        ("still thinking</think> 4", "still thinking</think> ", "4"),
        ("<think>one</think><think>two</think>4", "<think>one</think><think>two</think>", "4"),
        ("<think>cut off", "<think>cut off", ""),
        ("I think so", "", "I think so"),
    ],
)
def test_a_reply_is_what_stands_after_the_reasoning(text: str, thought: str, said: str) -> None:
    assert split_thought(text) == (thought, said)


class Watching(OracleTeacher):
    def __init__(self) -> None:
        super().__init__()
        self.views: list[TeacherView] = []

    async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
        self.views.append(view)
        return await super().reply(view, seed=seed)


async def held(*replies: str) -> tuple[Trace, Watching, ScriptedModel]:
    teacher, model = Watching(), ScriptedModel(replies=list(replies))
    graph = build_dialogue(ChatStudent(model), teacher, settings=DialogueSettings())
    return (await graph.ainvoke({"task": TASK}))["trace"], teacher, model


async def test_only_the_trace_knows_the_reasoning() -> None:
    found, teacher, _ = await held(f"{SECRET}What does a pen cost?", f"{SECRET}The answer is 12.")
    assert found.stop is StopReason.SOLVED
    question, answer = found.student_turns
    assert (question.text, question.thought, question.act) == ("What does a pen cost?", SECRET, Act.CLARIFICATION)
    assert answer.text == "The answer is 12."
    assert teacher.views and all("SECRET" not in text for view in teacher.views for _, text in view.history)
    assert all("SECRET" not in turn.text for turn in found.turns)
    plain, _, _ = await held("What does a pen cost?", "The answer is 12.")
    # What the student was given in its second turn is what a student without reasoning was given.
    again = plain.student_turns[1]
    assert answer.call is not None and again.call is not None
    assert answer.call.prompt_hash == again.call.prompt_hash
    assert Trace.model_validate_json(found.model_dump_json()) == found


async def test_reasoning_is_trained_with_its_turn_and_is_in_no_later_prompt(
    renderer_of: Callable[[str], DialogueRenderer],
) -> None:
    renderer = renderer_of("chatml")
    found, _, _ = await held(f"{SECRET}What does a pen cost?", f"{SECRET}The answer is 12.")
    rows = training_rows([found], "mt_sft")
    with pytest.raises(TrainingError, match="rows_as='turn'"):
        renderer.render(rows[0].messages)
    made, counts = tokenize_rows(rows, renderer, max_length=512)
    assert (counts.rows_as, counts.rows) == ("turn", 2)
    trained, prompts = zip(*(parts(renderer, row) for row in made), strict=True)
    assert trained == (f"{SECRET}What does a pen cost?<|im_end|>", f"{SECRET}The answer is 12.<|im_end|>")
    assert all("SECRET" not in prompt for prompt in prompts)


def test_thoughts_are_written_by_rule_and_tell_nothing_private(renderer_of: Callable[[str], DialogueRenderer]) -> None:
    renderer = renderer_of("chatml")
    asked = trace(ask(), TELLS, attempt(True), id="a")
    private = asked.task.private.model_copy(update={"solution": "4 * 3 = 12. The answer is 12."})
    asked = asked.model_copy(
        update={"task": asked.task.model_copy(update={"private": private, "prompt": "Ada buys 4 pens."})}
    )
    opening = asked.turns[0].model_copy(update={"text": "Ada buys 4 pens. A bus has 40 seats."})
    asked = asked.model_copy(update={"turns": (opening, *asked.turns[1:])})
    made, _ = tokenize_rows(training_rows([asked], think=True), renderer, max_length=512)
    trained = [parts(renderer, row)[0].split("</think>")[0] for row in made]
    first = "Ada buys 4 pens yes, bus 40 seats no\n"
    assert trained == [f"<think>\n{first}4 ?\n", f"<think>\npen costs 3 dollars yes, {first}3 4\n"]
    plain, _ = tokenize_rows(training_rows([trace(ask(), TELLS, attempt(True))], think=True), renderer, max_length=512)
    assert not any("<think>" in renderer.tokenizer.decode(row.input_ids) for row in plain)  # nothing is calculated


async def test_before_a_call_stands_what_is_known_of_each_argument(
    renderer_of: Callable[[str], DialogueRenderer],
) -> None:
    day = Fact(name="trip.day", statement="The day is 5 May.", keywords=("day",), question="Which day?")
    trip = {"type": "object", "properties": {"day": {"type": "string"}, "nights": {"type": "integer"}}}
    arguments = {"properties": {"place": {"type": "string"}, "trip": {**trip, "required": ["day", "nights"]}}}
    tool = {
        "type": "function",
        "function": {"name": "book", "parameters": {**arguments, "required": ["place", "trip"]}},
    }
    call = AcceptedCall(
        name="book",
        arguments={"place": ("Oslo",), "trip.day": ("2027-05-05",), "trip.nights": (3, 4), "cabin": (True,)},
        optional=("cabin",),
    )
    private = Private(answer="", facts=(day,), calls=(call,))
    task = Task(
        id="t",
        family="f",
        form=Form.UNDERSPECIFIED,
        prompt="Oslo, 3 nights.",
        private=private,
        tools=(tool,),
        verifier="call",
    )
    made = {"place": "Oslo", "trip": {"day": "2027-05-05", "nights": 3}}
    student = ScriptedModel(replies=["Which day?", call_text("book", made)])
    graph = build_dialogue(ChatStudent(student), OracleTeacher(), settings=DialogueSettings())
    found = (await graph.ainvoke({"task": task}))["trace"]
    assert found.solved_at == 2
    made_rows, _ = tokenize_rows(training_rows([found], think=True), renderer_of("chatml"), max_length=2000)
    trained = [parts(renderer_of("chatml"), row)[0].split("</think>")[0] for row in made_rows]
    assert trained == [
        "<think>\nplace: Oslo\ntrip.day: ?\ntrip.nights: 3\n",
        "<think>\nplace: Oslo\ntrip.day: 2027-05-05\ntrip.nights: 3\n",
    ]


@pytest.mark.parametrize("family", ["chatml", "llama3", "qwen3_thinking"])
@pytest.mark.parametrize("thought", ["", SECRET, "<think>\nAnswer. 4 pens yes\n</think>\n\n"])
def test_the_decision_is_weighted_where_the_words_begin(
    renderer_of: Callable[[str], DialogueRenderer], family: str, thought: str
) -> None:
    """The token that opens what is said, thought or none; not the first of the thought."""
    renderer = renderer_of(family)
    turn = Message("assistant", "Answer. 4 pens yes", trainable=True, thought=thought)
    row = TrainingRow((Message("user", "u"), turn))
    [made], _ = tokenize_rows([row], renderer, max_length=512, first_token_weight=6)
    assert made.weights is not None and made.weights.count(6.0) == 1
    at = made.weights.index(6.0)
    assert str(renderer.tokenizer.decode(made.input_ids[at:])).strip().startswith("Answer. 4 pens yes<")
    assert str(renderer.tokenizer.decode(made.input_ids[:at])).rstrip().endswith(thought.strip())


def parts(renderer: DialogueRenderer, row: Any) -> tuple[str, str]:
    trained = [label for label in row.labels if label != IGNORED]
    return str(renderer.tokenizer.decode(trained)), str(renderer.tokenizer.decode(row.input_ids[: -len(trained)]))
