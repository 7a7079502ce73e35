"""The stand-in student: it guesses from what it was told, never twice the same, and asks for nothing in particular."""

from __future__ import annotations

import re
from collections import Counter

from sml_agents.data.rows import training_rows
from sml_agents.dialogue import DialogueSettings
from sml_agents.roles import GuessingStudent, OraclePrimer, OracleTeacher
from sml_agents.roles.teacher import ASK_OR_ANSWER
from sml_agents.rollout import run_dialogues
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.types import Act, Role
from sml_agents.views import StudentView

TOLD = "Ann has 12 eggs and 4,5 litres of milk. She uses three. How many eggs are left?"


async def test_guesses_are_true_equations_of_told_numbers_until_none_is_left() -> None:
    student = GuessingStudent()
    history: tuple[tuple[Role, str], ...] = ((Role.TEACHER, TOLD),)
    guesses = set()
    for seed in range(20):
        reply = await student.reply(StudentView(history), seed=seed)
        if reply.text == "I do not know.":
            break
        assert reply.text not in guesses
        guesses.add(reply.text)
        found = re.fullmatch(r"(\d+) ([-+*/]) (\d+) = (\d+)\. The answer is (\d+)\.", reply.text)
        assert found is not None and {found[1], found[3]} == {"12", "3"}
        assert eval(f"{found[1]} {found[2]} {found[3]}") == int(found[4]) == int(found[5])
        history = (*history, (Role.STUDENT, reply.text), (Role.TEACHER, "That is not right."))
    assert {"12 - 3 = 9. The answer is 9.", "12 / 3 = 4. The answer is 4."} < guesses and len(guesses) == 6


async def test_rewritten_guesses_teach_what_to_do_after_a_wrong_attempt() -> None:
    tasks = load_tasks("arithmetic?form=paired&steps=1&n=150")
    settings = DialogueSettings(max_turns=4, q_priming=0.7, q_priming_start=1)
    with TraceStore.open(":memory:") as store:
        await run_dialogues(
            tasks,
            GuessingStudent(questions=0.25),
            OracleTeacher(),
            store,
            settings=settings,
            primer=OraclePrimer(demonstrate=True),
        )
        traces = store.traces()
        turns = [turn for trace in traces for turn in trace.turns if turn.role is Role.STUDENT]
        rows = training_rows(store.traces(), "q_primed")
    assert {turn.act for turn in turns if not turn.primed} >= {Act.ANSWER_ATTEMPT, Act.CLARIFICATION}
    learnt: Counter[str] = Counter()
    for row in rows:
        says = [message for message in row.messages if message.role != "system"]
        for before, feedback, turn in zip(says, says[1:], says[2:], strict=False):
            opening = feedback.content.split(".")[0]
            if opening in ("That is not right", ASK_OR_ANSWER.rstrip(".")):
                assert not before.trainable  # what did not help is context, not a target
                learnt[opening] += turn.trainable
    assert len(learnt) == 2 and min(learnt.values()) >= 3, learnt


async def test_its_questions_are_vague_or_of_any_thing_and_never_the_same_again() -> None:
    student = GuessingStudent(questions=1)
    history: tuple[tuple[Role, str], ...] = ((Role.TEACHER, TOLD),)
    asked = []
    for seed in range(5):
        reply = await student.reply(StudentView(history), seed=seed)
        asked.append(reply.text)
        history = (*history, (Role.STUDENT, reply.text), (Role.TEACHER, ASK_OR_ANSWER))
    assert len(set(asked)) == 5 and all(text.endswith("?") for text in asked)
    assert any(re.match(r"How many (eggs|litres|uses) (are|does Ann) ", text) for text in asked)
