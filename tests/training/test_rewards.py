"""What asking costs and success is worth, in dialogues with the oracle and in every form of task."""

from __future__ import annotations

from typing import Any

import pytest

from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.roles import ChatStudent, OracleTeacher
from sml_agents.testing import ScriptedModel
from sml_agents.training.online.rewards import turn_rewards
from sml_agents.training.settings import GRPOSettings
from sml_agents.types import Fact, Form, Private, Task, Trace

PRICE = Fact(name="price", statement="Each pen costs 3 dollars.", keywords=("pen", "cost"))
COUNT = Fact(name="count", statement="Ada buys 4 pens.", keywords=("ada", "buys"))
PROMPT = "Ada goes to a shop with her sister and buys pens. How many dollars does she pay?"
VAIN = [
    ("Is there a discount?", 1),
    ("How old is her sister?", 1),
    ("What is the answer?", 1),
    ("How old is her sister? Where is the shop?", 2),
    ("How many shops, sisters, dollars and Adas are there?", 4),
    ("Who pays? What for? Which shop? How old is she?", 4),
    ("Tell me the colour of the pen.", 1),
    ("The answer is 11. How old is her sister?", 1),
]


async def talk(form: Form, *says: str) -> Trace:
    facts = () if form is Form.FULL else (PRICE,) if form is Form.UNDERSPECIFIED else (COUNT, PRICE)
    task = Task(id="t", family="f", form=form, prompt=PROMPT, private=Private(answer="12", facts=facts))
    student = ChatStudent(ScriptedModel(replies=[*says, "The answer is 11.", "The answer is 11."]))
    graph = build_dialogue(student, OracleTeacher(), settings=DialogueSettings(max_turns=len(says) + 1))
    trace: Trace = (await graph.ainvoke({"task": task}))["trace"]
    return trace


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize(("question", "asked"), VAIN)
async def test_each_thing_asked_for_in_vain_costs(form: Form, question: str, asked: int) -> None:
    weights = GRPOSettings(model="m", tasks=("arithmetic",), needless_question_cost=0.1).reward_weights
    assert turn_rewards(await talk(form, question), weights) == pytest.approx([-0.1 * asked, 0.0])


@pytest.mark.parametrize("form", [Form.UNDERSPECIFIED, Form.SHARDED])
async def test_a_question_that_brings_a_fact_costs_nothing_and_again_it_does(form: Form) -> None:
    question = "How much does each pen cost?"
    assert turn_rewards(await talk(form, question, question), {"needless_question": 0.1}) == [0.0, -0.1, 0.0]


async def test_of_two_questions_the_one_in_vain_costs() -> None:
    trace = await talk(Form.UNDERSPECIFIED, "How much does each pen cost, and how old is her sister?")
    assert turn_rewards(trace, {"needless_question": 0.1}) == [-0.1, 0.0]


@pytest.mark.parametrize("said", ["30?", "Is it 30?", PROMPT, "Why? Because she pays 30.", "I think of pens."])
async def test_what_asks_for_nothing_costs_nothing(said: str) -> None:
    for form in Form:
        assert turn_rewards(await talk(form, said), {"needless_question": 0.1}) == [0.0, 0.0]


@pytest.mark.parametrize("premature", [True, False])
async def test_an_attempt_that_is_right_by_luck_may_be_worth_nothing(premature: bool) -> None:
    settings: dict[str, Any] = {"model": "m", "tasks": ("arithmetic",), "premature_success": premature}
    weights = GRPOSettings(**settings).reward_weights
    lucky = await talk(Form.UNDERSPECIFIED, "The answer is 12.")
    told = await talk(Form.UNDERSPECIFIED, "How much does each pen cost?", "The answer is 12.")
    full = await talk(Form.FULL, "The answer is 12.")
    assert turn_rewards(lucky, weights) == [float(premature)]
    assert turn_rewards(told, weights) == [0.0, 1.0] and turn_rewards(full, weights) == [1.0]


async def test_a_question_that_brings_a_missing_fact_may_earn_something_once() -> None:
    weights = {"fact_asked_for": 0.3}
    question = "How much does each pen cost?"
    assert turn_rewards(await talk(Form.UNDERSPECIFIED, question, question), weights) == [0.3, 0.0, 0.0]
    for said in ("How old is her sister?", "I think of pens.", "The answer is 12."):
        assert set(turn_rewards(await talk(Form.UNDERSPECIFIED, said), weights)) == {0.0}
    assert set(turn_rewards(await talk(Form.FULL, question), weights)) == {0.0}


async def test_what_is_said_again_may_cost_whatever_it_is() -> None:
    weights = GRPOSettings(
        model="m", tasks=("arithmetic",), needless_question_cost=0, repeated_turn_cost=0.2
    ).reward_weights
    again = await talk(Form.UNDERSPECIFIED, "The answer is 30.", "the answer is 30", "The answer is 31.")
    assert turn_rewards(again, weights) == pytest.approx([0.0, -0.2, 0.0, 0.0])
    asked = await talk(Form.FULL, "How old is her sister?", "Where is the shop?", "How old is her sister?")
    assert turn_rewards(asked, weights)[:3] == pytest.approx([0.0, 0.0, -0.2])
    assert "repeated_turn" not in GRPOSettings(model="m", tasks=("arithmetic",)).reward_weights
