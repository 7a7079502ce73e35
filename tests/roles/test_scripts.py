"""Students that read nothing gain nothing: not from more turns, not in coverage, not in reward."""

from __future__ import annotations

from functools import cache

import pytest

from sml_agents.dialogue import DialogueSettings, build_dialogue
from sml_agents.errors import InputError
from sml_agents.evaluation.metrics import Metrics, compute
from sml_agents.roles import OracleTeacher
from sml_agents.roles.make import student_from
from sml_agents.roles.scripts import SCRIPTS
from sml_agents.tasks import load_tasks
from sml_agents.training.online.rewards import dialogue_reward, turn_rewards
from sml_agents.types import Trace

FORMS = ("full", "underspecified", "sharded", "paired")
ASKS = ("shotgun", "volley")
WEIGHTS = {"success": 1.0, "needless_question": 0.1}
GAMMA = 0.7


@cache
def tasks_of(form: str) -> list[object]:
    return list(load_tasks(f"arithmetic?form={form}&split=heldout&n={6 if form == 'paired' else 12}"))


async def play(name: str, form: str) -> tuple[list[Trace], Metrics]:
    graph = build_dialogue(student_from(f"script:{name}"), OracleTeacher(), settings=DialogueSettings(max_turns=10))
    traces = [
        (await graph.ainvoke({"task": task}, {"recursion_limit": 60}))["trace"]  # type: ignore[typeddict-item]
        for task in tasks_of(form)
    ]
    return traces, compute(traces, resamples=20)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SCRIPTS)
async def test_who_reads_nothing_gains_nothing(name: str, form: str) -> None:
    traces, metrics = await play(name, form)
    if name != "sweep":  # what ten tries are worth
        first, tenth = metrics.success_at["1"].value or 0, metrics.success_at["10"].value or 0
        assert tenth - first <= 0.05
    assert metrics.unscored_rate.value == 0  # what a student makes too heavy is wrong
    assert (metrics.informed_success.value or 0) <= 0.1
    assert (metrics.coverage.value or 0) <= 0.1
    for trace in traces:
        price = sum(GAMMA**k * earned for k, earned in enumerate(turn_rewards(trace, {"needless_question": 0.1})))
        assert price < 0 if name in ASKS else price == 0
        if dialogue_reward(trace, "success", GAMMA) == 0:
            reward = sum(GAMMA**k * earned for k, earned in enumerate(turn_rewards(trace, WEIGHTS)))
            assert reward < 0 if name in ASKS else reward == 0  # 0: what an honest wrong answer earns


@pytest.mark.parametrize("name", SCRIPTS)
async def test_the_first_turn_of_a_script_says_whether_it_asks(name: str) -> None:
    _, metrics = await play(name, "underspecified")
    assert metrics.asks_when_needed.value == float(name in ASKS)


def test_a_script_has_a_name() -> None:
    assert student_from("script:bisect").settings == {"model": "script:bisect"}
    with pytest.raises(InputError, match="is no script: take script:bisect"):
        student_from("script:nothing")
