"""Openings: one token a kind of turn; and Q-priming that leaves some first turns as they are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sml_agents.dialogue import DialogueSettings
from sml_agents.roles import GuessingStudent, OraclePrimer, OracleTeacher
from sml_agents.roles.openings import LatePrimer, OpenedPrimer, Openings, with_openings
from sml_agents.rollout import run_dialogues_sync
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.types import Act, Role, Task, Trace, Turn

SPEC = "arithmetic?form=paired&steps=1&largest=20&n=12"


def held(tmp_path: object, latest: int) -> list[Trace]:
    primer = LatePrimer(OpenedPrimer(OraclePrimer(demonstrate=True), Openings()), latest)
    with TraceStore.open(f"{tmp_path}/{latest}.sqlite") as store:
        run_dialogues_sync(
            load_tasks(SPEC),
            GuessingStudent(questions=0.4),
            OracleTeacher(),
            store,
            settings=DialogueSettings(max_turns=4, q_priming=1.0),
            primer=primer,
        )
        return list(store.traces())


def test_what_is_written_opens_by_its_kind(tmp_path: object) -> None:
    for trace in held(tmp_path, 0):
        first = trace.student_turns[0]
        if first.primed:
            wanted = "Question. " if trace.task.private.facts else "Answer. "
            assert first.text.startswith(wanted) and first.text.count(wanted) == 1
            assert first.act is (Act.CLARIFICATION if trace.task.private.facts else Act.ANSWER_ATTEMPT)


@pytest.mark.parametrize("latest", [0, 1, 2])
def test_an_equal_share_keeps_its_first_turns(tmp_path: object, latest: int) -> None:
    kept = set()
    for trace in held(tmp_path, latest):
        if any(own.role is Role.STUDENT and not own.primed and said.reveals for own, said in pairwise(trace.turns)):
            continue  # what was not in vain is nothing to rewrite
        own = [turn.primed for turn in trace.student_turns]
        kept.add(own.index(True) if True in own else -1)
    assert max(kept) == latest and (latest == 0 or {0, 1} <= kept)


@pytest.mark.parametrize(
    ("text", "act", "opened"),
    [
        ("How many pens?", Act.CLARIFICATION, "Question. How many pens?"),
        ("4 * 3 = 12.", Act.ANSWER_ATTEMPT, "Answer. 4 * 3 = 12."),
        ("Question. How many pens?", Act.CLARIFICATION, "Question. How many pens?"),
        ("Question. The answer is 12.", Act.ANSWER_ATTEMPT, "Answer. The answer is 12."),
        ("I do not know.", Act.REFUSE, "I do not know."),
        ("How many? What? Which?", Act.INTERROGATION, "Question. How many? What? Which?"),
        ("", Act.MISSING, ""),
    ],
)
def test_each_kind_has_its_opening(task: Task, text: str, act: Act, opened: str) -> None:
    turns = (Turn(role=Role.TEACHER, text=task.prompt), Turn(role=Role.STUDENT, text=text, act=act))
    trace = Trace(id="t", task=task, turns=turns, stop="max_turns", settings={})
    made = with_openings(trace, Openings())
    assert made.turns[1].text == opened and made.turns[0] == turns[0]
    assert with_openings(made, Openings()) == made


@pytest.fixture
def task() -> Task:
    return load_tasks("arithmetic?n=1")[0]
