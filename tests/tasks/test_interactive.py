"""Problems made underspecified by a model: what it may change, and what is refused."""

from __future__ import annotations

import json

import pytest

from sml_agents.tasks import LoadReport
from sml_agents.tasks.static.interactive import check_change, make_interactive
from sml_agents.tasks.static.underspecify import Refusal
from sml_agents.testing import ScriptedModel
from sml_agents.types import Form, Private, Task

PROMPT = "Tom buys 4 pens. Each pen costs 3 dollars. He pays with 20 dollars. How much change does he get?"
CUT = "Tom buys 4 pens. He pays with 20 dollars. How much change does he get?"
FACT = "Each pen costs 3 dollars."
ASK = "How much does each pen cost?"


def problem(solution: str = "4 * 3 = 12. 20 - 12 = 8. The answer is 8.") -> Task:
    return Task(id="a", family="mine", prompt=PROMPT, private=Private(answer="8", solution=solution), pair="p")


def reply(prompt: str = CUT, fact: str = FACT, question: str = ASK) -> str:
    return json.dumps({"prompt": prompt, "fact": fact, "question": question})


def test_a_sound_change_is_taken() -> None:
    made = check_change(problem(), f"Here you are:\n```json\n{reply()}\n```")
    assert isinstance(made, Task)
    assert (made.form, made.prompt, made.pair) == (Form.UNDERSPECIFIED, CUT, "p")
    assert made.private.facts[0].statement == FACT and made.private.answer == "8" and made.id != "a"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I cannot do that.", "not the JSON object"),
        ('{"prompt": "x"}', "not the JSON object"),
        ("{broken}", "not the JSON object"),
        (reply(prompt=PROMPT), "does not tell the number"),
        (reply(fact="Each pen costs some dollars."), "does not tell the number"),
        (reply(fact="Each pen costs 5 dollars."), "brought in a number"),
        (reply(prompt=CUT + " Each of 7 pens."), "brought in a number"),
        (reply(prompt="Tom buys pens. How much change does he get?"), "does not tell the number"),
        (reply(prompt=CUT.replace("?", ".")), "lost its question"),
        (reply(question="Does each pen cost 3 dollars?"), "does not ask"),
        (reply(question="Tell me."), "does not ask"),
        (reply(prompt="A man named Bob purchases 4 things worth 20 euros in shops. What is due?"), "rewrote"),
    ],
)
def test_a_doubtful_change_is_refused(text: str, reason: str) -> None:
    made = check_change(problem(), text)
    assert isinstance(made, Refusal) and reason in made.reason, made


def test_a_fact_that_the_solution_does_not_need_is_refused() -> None:
    made = check_change(problem("20 - 12 = 8. The answer is 8."), reply())
    assert isinstance(made, Refusal) and "does not need" in made.reason


async def test_tasks_come_through_a_model_and_refusals_are_counted() -> None:
    report = LoadReport()
    tasks = [problem(), problem(solution=""), problem().model_copy(update={"form": Form.SHARDED})]
    made = [task async for task in make_interactive(tasks, ScriptedModel(replies=[reply()]), report=report)]
    assert [task.prompt for task in made] == [CUT]
    assert (report.read, report.made, report.refused.total()) == (3, 1, 2)
