"""What a request withholds reaches a student only by being told, and a user who tells too much is noticed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sml_agents.dialogue import Cast, DialogueSettings
from sml_agents.roles import GuessingStudent, OraclePrimer, OracleTeacher
from sml_agents.types import Reply, Role, StopReason, Task, ToolCall, Trace
from sml_agents.views import StudentView, TeacherView
from tests.tool_requests import RIGHT, request

ASKS = "On which day is it?"
CALL = json.dumps({"name": "book_table", "arguments": RIGHT})


class Watching:
    """Says its lines, a dictionary as a call, and keeps what it was shown."""

    def __init__(self, *lines: Any) -> None:
        self.lines = lines
        self.views: list[StudentView] = []
        self.settings: dict[str, Any] = {"model": "watching"}

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        self.views.append(view)
        line = self.lines[sum(role is Role.STUDENT for role, _ in view.history) % len(self.lines)]
        if isinstance(line, str):
            return Reply(text=line)
        return Reply(text="", tool_calls=(ToolCall(name="book_table", arguments=line),), at_once=True)


class Says(OracleTeacher):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
        return Reply(text=self.text)


async def talk(task: Task, student: Any, teacher: Any = None, **settings: Any) -> Trace:
    cast = Cast(
        student,
        teacher or OracleTeacher(),
        DialogueSettings(**{"max_turns": 3, **settings}),
        primer=OraclePrimer(demonstrate=True),
    )
    trace: Trace = (await cast.graph().ainvoke({"task": task}))["trace"]
    return trace


@pytest.mark.parametrize(
    "lines",
    [
        ["Hm."],
        [{**RIGHT, "day": "2026-01-01"}],
        [RIGHT],
        ["Which colour is it?", RIGHT],
        ["What is the day, the time and the name?"],
        ["<tool_call>{broken</tool_call>", "No tool of mine does that."],
        [{"city": "Rome"}, "Can you book it for me?"],
    ],
)
async def test_no_value_reaches_a_student_that_does_not_ask_for_it(lines: list[Any]) -> None:
    student = Watching(*lines)
    task = request("day", "guests", id="CANARY", pair="CANARY", meta={"said": {"day": "CANARY"}})
    await talk(task, student)
    shown = "".join(
        repr((view.history, [call.result for _, made in view.calls for call in made], view.tools, view.tokens))
        for view in student.views
    )
    own = [text for view in student.views for role, text in view.history if role is Role.STUDENT]
    assert "CANARY" not in shown and "5 May" not in shown and "There will be" not in shown
    assert "2027-05-05" not in shown.replace(str(own), "")


async def test_what_q_priming_writes_holds_no_value_and_stands_in_the_students_own_history() -> None:
    student = Watching({**RIGHT, "day": "2026-01-01"})
    trace = await talk(request("day"), student, q_priming=1.0, max_turns=2)
    assert [text for role, text in student.views[1].history if role is Role.STUDENT] == ["On which day is the visit?"]
    assert (
        student.views[1].calls == ()
        and trace.student_turns[0].replaced
        and "2026-01-01" in trace.student_turns[0].replaced
    )


@pytest.mark.parametrize(
    ("student", "teacher", "kind"),
    [
        ("Hm.", "It is on 5 May 2027.", "value"),
        ("Hm.", "05/05/2027, of course.", "value"),
        ("Hm.", "We come as four people.", "value"),
        ("Which colour?", "None, but we come on May 5th.", "value"),
        (ASKS, "On 5 May 2027.", None),
        (ASKS, "On 5 May 2027, with 4 people.", None),
        ("Hm.", f"Do this: <tool_call>{CALL}</tool_call>", "call"),
        ("Hm.", "Call book_table with Rome, 2027-05-05 and 4 guests.", "call"),
        ("Hm.", "I am not sure what you mean.", None),
        ("Hm.", "It is in Rome.", None),
    ],
)
async def test_a_user_who_tells_what_was_not_asked_for_is_noticed(student: str, teacher: str, kind: str | None) -> None:
    task = request("day", "guests")
    flagged = await talk(task, Watching(student), Says(teacher), max_turns=2)
    assert flagged.turns[2].leak == kind
    masked = await talk(task, Watching(student), Says(teacher), max_turns=2, guard="mask")
    if kind is None:
        assert masked.turns[2].text == teacher
        return
    assert masked.turns[2].masked and "May" not in masked.turns[2].text and "2027" not in masked.turns[2].text
    ended = await talk(task, Watching(student), Says(teacher), max_turns=2, guard="end")
    assert ended.stop is StopReason.LEAKED and not ended.solved


async def test_the_whole_call_is_a_leak_where_every_value_was_told() -> None:
    task = request()
    for text, kind in (
        (f"So: <tool_call>{CALL}</tool_call>", "call"),
        ("As I said: Rome, 4 people, 5 May 2027.", None),
    ):
        trace = await talk(task, Watching("Hm."), Says(text), max_turns=2)
        assert trace.turns[2].leak == kind


async def test_a_guess_by_lot_never_solves_an_incomplete_request() -> None:
    traces = [await talk(request("day", id=str(k)), GuessingStudent(questions=0.2)) for k in range(6)]
    assert not any(trace.solved for trace in traces)
    assert all(turn.verdict is None or turn.verdict.faults for trace in traces for turn in trace.student_turns)
