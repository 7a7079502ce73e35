"""A request to an agent with tools as a dialogue: calls are attempts, the oracle is the user."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sml_agents.agents.replies import accepts
from sml_agents.backends.scripted import Rule, ScriptedModel
from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.roles import ChatStudent, OraclePrimer, OracleTeacher
from sml_agents.roles.user import PERSONAS
from sml_agents.types import Act, Form, Role, StopReason, Task, Trace
from tests.tool_requests import RIGHT, TOOLS, UNSERVED, request


def written(name: str = "book_table", **arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


def native(name: str = "book_table", **arguments: Any) -> dict[str, Any]:
    return {"when": "", "reply": "", "calls": [{"name": name, "args": arguments}]}


async def talk(task: Task, *replies: Any, teacher: Any = None, **more: Any) -> Trace:
    rules = [Rule.model_validate(one) if isinstance(one, dict) else one for one in replies]
    settings = DialogueSettings(max_turns=more.pop("max_turns", 6), **more.pop("settings", {}))
    cast = Cast(ChatStudent(ScriptedModel(replies=rules)), teacher or OracleTeacher(), settings, **more)
    trace: Trace = (await cast.graph().ainvoke({"task": task}))["trace"]
    return trace


def acts(trace: Trace) -> list[Act | None]:
    return [turn.act for turn in trace.student_turns]


@pytest.mark.parametrize(
    "made", [native(**RIGHT), written(**RIGHT), "Gladly.\n" + written(**{**RIGHT, "day": "5 May 2027"})]
)
async def test_a_right_call_solves_a_whole_request_made_or_written(made: Any) -> None:
    trace = await talk(request(), made)
    assert trace.stop is StopReason.SOLVED and trace.solved_at == 1 and trace.tools == TOOLS
    (turn,) = trace.student_turns
    assert turn.act is Act.ANSWER_ATTEMPT and turn.tool_calls is not None and turn.tool_calls[0].name == "book_table"
    assert "<tool_call>" not in turn.text and turn.at_once


async def test_a_question_brings_the_value_and_then_the_call_is_right() -> None:
    trace = await talk(request("day"), "On which day is it?", written(**RIGHT))
    assert acts(trace) == [Act.CLARIFICATION, Act.ANSWER_ATTEMPT] and trace.solved
    answer = trace.turns[2]
    assert answer.role is Role.TEACHER and answer.reveals == ("day",) and answer.text == "The visit is on 5 May 2027."


async def test_a_guess_is_not_right_even_where_it_happens_to_be() -> None:
    lucky = await talk(request("day"), written(**RIGHT), max_turns=1)
    unlucky = await talk(request("day"), written(**{**RIGHT, "day": "2027-05-06"}), max_turns=1)
    verdicts = [trace.student_turns[0].verdict for trace in (lucky, unlucky)]
    assert all(one and one.correct is False and one.guessed == ("day",) for one in verdicts)
    assert len({one.diagnosis for one in verdicts if one}) == 1
    wrong = await talk(request(), written(**{**RIGHT, "guests": 5}), max_turns=1)
    assert wrong.student_turns[0].verdict and wrong.student_turns[0].verdict.faults == ("guessed:guests",)


@pytest.mark.parametrize("form", ["Should I use {}?", "Is it {}?", "I'd go with {}, okay?", "{}, right?"])
async def test_a_value_put_to_the_user_is_a_guess_only_until_it_is_agreed_to(form: str) -> None:
    right = await talk(request("day"), form.format("5 May 2027"), written(**RIGHT))
    assert right.solved and right.turns[2].reveals == ("day",) and accepts(right.turns[2].text) == "yes"
    wrong = await talk(
        request("day"), form.format("6 May 2027"), written(**{**RIGHT, "day": "2027-05-06"}), max_turns=2
    )
    assert accepts(wrong.turns[2].text) == "no" and not wrong.turns[2].reveals and "5" not in wrong.turns[2].text
    verdict = wrong.student_turns[1].verdict
    assert verdict and verdict.guessed == ("day",)


@pytest.mark.parametrize("missing", [(), ("day",)])
@pytest.mark.parametrize(
    "said", ["Shall I go ahead?", "I could do it.", "What colour is the sky?", "Should I use blue?"]
)
async def test_nothing_that_the_user_says_is_leave_to_act_on_a_guess(said: str, missing: tuple[str, ...]) -> None:
    trace = await talk(request(*missing), said, max_turns=2)
    assert accepts(trace.turns[2].text) == "" and not trace.turns[2].reveals


async def test_a_value_that_was_heard_is_nobodys_guess() -> None:
    trace = await talk(request("day"), f"Is it a table for {RIGHT['guests']}?", max_turns=2)
    assert not trace.turns[2].text.startswith("No")


async def test_a_wrong_call_is_answered_without_the_value() -> None:
    trace = await talk(request(), written(**{**RIGHT, "day": "2027-05-06"}), written(**RIGHT))
    assert trace.solved_at == 2
    feedback = trace.turns[2].text
    assert "day" in feedback and "5" not in feedback and trace.turns[2].leak is None
    (refused,) = trace.turns[1].tool_calls or ()
    assert refused.result and refused.result.startswith("Not run")


@pytest.mark.parametrize(("task", "right"), [(UNSERVED, True), (request(), False), (request("day"), False)])
async def test_plain_words_are_right_where_no_tool_serves_and_nowhere_else(task: Task, right: bool) -> None:
    trace = await talk(task, "I am afraid none of my tools does that.", max_turns=1)
    assert trace.solved is right
    assert (acts(trace) == [Act.ANSWER_ATTEMPT]) is right


async def test_calls_and_questions_on_a_request_that_no_tool_serves() -> None:
    called = await talk(UNSERVED, written(**RIGHT), max_turns=1)
    asked = await talk(UNSERVED, "Which plants are they?", max_turns=1)
    assert called.solved is False and acts(called) == [Act.ANSWER_ATTEMPT]
    assert asked.solved is False and acts(asked) == [Act.CLARIFICATION]


async def test_a_sharded_request_tells_one_value_a_turn() -> None:
    task = request("day", "guests", form=Form.SHARDED)
    trace = await talk(task, "How many people will there be?", "I see.", written(**RIGHT))
    assert [turn.reveals for turn in trace.turns[1:] if turn.role is Role.TEACHER] == [("guests",), ("day",)]
    assert trace.solved_at == 3


@pytest.mark.parametrize("persona", PERSONAS)
async def test_every_persona_tells_the_value_that_was_asked_for(persona: str) -> None:
    from sml_agents.roles import teacher_from

    task = request("day", "guests")
    trace = await talk(
        task,
        "On which day is it?",
        "How many people?",
        written(**RIGHT),
        teacher=teacher_from(f"oracle?persona={persona}"),
    )
    assert trace.solved_at == 3 and all(turn.leak is None for turn in trace.turns)
    told = [turn for turn in trace.turns[1:] if turn.role is Role.TEACHER]
    assert told[0].reveals == (("day", "guests") if persona == "two_at_once" else ("day",))


async def test_what_asks_for_nothing_that_is_missing_gets_the_same_words_on_every_request() -> None:
    said = set()
    for task in (request(), request("day"), UNSERVED):
        trace = await talk(task, "Which colour should it have?", max_turns=2)
        said.add(trace.turns[2].text)
    assert len(said) == 1


async def test_q_priming_asks_for_the_argument_and_shows_the_right_call() -> None:
    primed = await talk(
        request("day"),
        "I think so.",
        primer=OraclePrimer(demonstrate=True),
        settings={"q_priming": 1.0},
    )
    first, second = primed.student_turns[:2]
    assert first.primed and first.text == "On which day is the visit?" and first.tool_calls is None
    assert second.primed and second.tool_calls and second.tool_calls[0].arguments == RIGHT
    assert primed.solved_at == 2


async def test_figures_of_calls_and_of_what_was_asked_for() -> None:
    from sml_agents.evaluation.metrics import compute

    wrong_tool = written("find_flight", trip={"origin": "Rome", "departure": "2027-05-05"})
    traces = [
        await talk(request("day"), written(**RIGHT), "On which day is it?", written(**RIGHT)),
        await talk(request("day", id="asks"), "On which day is it?", written(**RIGHT)),
        await talk(request(id="needless"), "On which day is it?", written(**RIGHT)),
        await talk(request(id="wrong"), wrong_tool, max_turns=1),
        await talk(request("day", "guests", id="vague"), "Is there more?", max_turns=1),
    ]
    found = compute(traces)
    assert (found.guessed_arguments.value, found.guessed_arguments.n) == (1 / 5, 4)
    assert (found.exact_call.value, found.exact_call.n) == (3 / 4, 4)
    assert found.wrong_tool.value == 1 / 5
    assert found.names_missing.value == pytest.approx(1 / 3)
    assert found.ask_f1.value == pytest.approx(2 * 2 / (4 + 4))  # 2 of 4 asked for were missing, 2 of 4 missing
    assert found.coverage.value == 1 / 2 and found.asks_when_needed.value == pytest.approx(2 / 3)
