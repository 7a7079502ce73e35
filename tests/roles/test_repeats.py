"""A student that says nothing twice: what counts as said before, and how it is drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage
from pydantic import Field

from sml_agents.backends.scripted import ScriptedModel
from sml_agents.cli.talk import talk
from sml_agents.dialogue import Cast, DialogueContext, DialogueSettings
from sml_agents.errors import BackendSpecError, BudgetExceeded, InputError, TrainingError
from sml_agents.evaluation.metrics import compute
from sml_agents.roles import ChatStudent, OracleTeacher, student_from
from sml_agents.roles.repeats import repeats
from sml_agents.rollout import run_dialogues
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.training.online.trajectories import trajectory_of
from sml_agents.types import Call, Reply, Role, Task, ToolCall, Trace
from sml_agents.views import StudentView

ASKED = "How many rooms are in the office block?"


@pytest.mark.parametrize(
    ("said", "now", "again"),
    [
        (ASKED, ASKED, True),
        (ASKED, "  how many ROOMS are in the\noffice block", True),
        ("The answer is **8**.", "The answer is 8", True),
        ("“Which day?”", "Which day…", True),
        ("いつですか。", "いつですか", True),
        ("", "", True),
        (ASKED, "How many rooms are on each floor?", False),
        ("The answer is 8.", "The answer is -8.", False),
        ("The answer is 3.5.", "The answer is 35.", False),
        ("x + y", "x - y", False),
        ("16 * 3", "16 / 3", False),
        ("5%", "5", False),
        ("Yes.", "Yes. The answer is 8.", False),
    ],
)
def test_what_was_said_is_compared_without_case_punctuation_and_space(said: str, now: str, again: bool) -> None:
    view = StudentView(((Role.TEACHER, "Hm?"), (Role.STUDENT, said), (Role.TEACHER, "No.")))
    assert repeats(Reply(text=now), view) is again
    assert repeats(Reply(text=now, thought="<think>something new</think>"), view) is again


def test_what_the_other_side_said_is_not_compared() -> None:
    view = StudentView(((Role.TEACHER, ASKED), (Role.STUDENT, "Hm."), (Role.TEACHER, "Which day?")))
    assert not repeats(Reply(text=ASKED), view) and not repeats(Reply(text="Which day?"), view)


@pytest.mark.parametrize(
    ("now", "again"),
    [
        (ToolCall(name="book", arguments={"day": "May 5", "people": 2}), True),
        (ToolCall(name="book", arguments={"people": 2, "day": "May 5"}, id="other", result="done"), True),
        (ToolCall(name="book", arguments={"day": "May 6", "people": 2}), False),
        (ToolCall(name="book", arguments={"day": "May 5"}), False),
        (ToolCall(name="cancel", arguments={"day": "May 5", "people": 2}), False),
    ],
)
def test_of_a_turn_with_calls_the_calls_are_compared(now: ToolCall, again: bool) -> None:
    made = ToolCall(name="book", arguments={"day": "May 5", "people": 2}, id="first", result="refused")
    view = StudentView(((Role.TEACHER, "Book."), (Role.STUDENT, "Booking."), (Role.TEACHER, "No.")), ((1, (made,)),))
    assert repeats(Reply(text="Let me try.", tool_calls=(now,), at_once=True), view) is again
    assert not repeats(Reply(text="Booking."), view)


class Draws(ScriptedModel):
    """Says `Hm.` when greedy, and by its temperature and seed when not; remembers what it was called with."""

    calls_made: list[tuple[float | None, int]] = Field(default_factory=list)

    async def _areply(self, messages: list[BaseMessage], stop: list[str] | None = None, **kwargs: Any) -> AIMessage:
        self.calls_made.append((kwargs.get("temperature"), kwargs["seed"]))
        reply = await super()._areply(messages, stop, **kwargs)
        text = self.draw(kwargs.get("temperature"), kwargs["seed"])
        return reply if text is None else reply.model_copy(update={"content": text})

    def draw(self, temperature: float | None, seed: int) -> str | None:
        return None if temperature is None or temperature < 1 else f"<think>Let me see.</think>Is it {seed}?"


class Stubborn(Draws):
    def draw(self, temperature: float | None, seed: int) -> str | None:
        return f"<think>{temperature} {seed}</think>Hm!"


def a_task() -> Task:
    return load_tasks("arithmetic?form=underspecified&n=1")[0]


async def held(student: Any, turns: int = 3, **context: Any) -> Trace:
    graph = Cast(student, OracleTeacher(), DialogueSettings(max_turns=turns)).graph()
    given = DialogueContext(**context)
    trace: Trace = (await graph.ainvoke({"task": a_task()}, context=given))["trace"]
    return trace


async def test_a_turn_that_repeats_is_drawn_again_until_it_says_something_new() -> None:
    model = Draws(replies=["Hm."])
    trace = await held(ChatStudent(model, fresh=True))
    first, *later = trace.student_turns
    assert first.text == "Hm." and first.call is not None and first.call.redrawn == 0
    assert [turn.call.redrawn for turn in later if turn.call] == [2, 2]
    assert len({turn.text for turn in trace.student_turns}) == 3
    assert [temperature for temperature, _ in model.calls_made] == [None, None, 0.7, 1.0, None, 0.7, 1.0]
    assert len({seed for _, seed in model.calls_made}) == 7, "each draw has a seed of its own"
    assert "redrawn" not in first.model_dump_json(), "what was not drawn again is kept as ever"


async def test_the_last_draw_stays_where_none_is_new_and_thoughts_do_not_make_one_new() -> None:
    model = Stubborn(replies=["Hm."])
    trace = await held(ChatStudent(model, fresh=True), turns=2)
    assert trace.student_turns[1].text == "Hm!" and len(model.calls_made) == 1 + 5
    assert trace.student_turns[1].call is not None and trace.student_turns[1].call.redrawn == 4


async def test_one_that_says_something_new_is_asked_once_and_one_that_may_repeat_is_left_alone() -> None:
    for replies, fresh in ((["Hm.", "Well.", "Hm, well."], True), (["Hm."], False)):
        model = Draws(replies=replies)
        await held(ChatStudent(model, fresh=fresh))
        assert [temperature for temperature, _ in model.calls_made] == [None] * 3


async def test_every_draw_is_counted_and_paid_for() -> None:
    trace = await held(ChatStudent(Draws(replies=["Hm."]), fresh=True))
    metrics = compute([trace], resamples=10)
    assert metrics.student_calls.value == 7
    one, three = (
        turn.call.usage.completion_tokens for turn in trace.student_turns[:2] if turn.call and turn.call.usage
    )
    assert three == 3 * one


async def test_a_run_that_goes_on_repeats_no_draw_that_was_answered() -> None:
    class Breaks(Draws):
        left: int = 4

        async def _areply(self, messages: Any, stop: Any = None, **kwargs: Any) -> AIMessage:
            if len(self.calls_made) == self.left:
                raise BudgetExceeded("The end.")
            return await super()._areply(messages, stop, **kwargs)

    kept: dict[str, Reply] = {}

    class Journal:
        def get(self, key: str) -> Reply | None:
            return kept.get(key)

        async def put(self, key: str, reply: Reply) -> None:
            kept[key] = reply

    with pytest.raises(BudgetExceeded):
        await held(ChatStudent(Breaks(replies=["Hm."]), fresh=True), journal=Journal())
    assert list(kept) == ["student/0", "student/1", "student/1/1", "student/1/2"]
    rest, whole = Draws(replies=["Hm."]), Draws(replies=["Hm."])
    resumed = await held(ChatStudent(rest, fresh=True), journal=Journal())
    assert [temperature for temperature, _ in rest.calls_made] == [None, 0.7, 1.0]
    told = (resumed, await held(ChatStudent(whole, fresh=True)))
    assert [turn.text for turn in told[0].turns] == [turn.text for turn in told[1].turns]
    assert [turn.call and turn.call.redrawn for turn in resumed.student_turns] == [0, 2, 2]


async def test_it_is_part_of_what_a_run_is(tmp_path: Path) -> None:
    model = ScriptedModel(replies=["Hm."])
    fresh, plain = ChatStudent(model, fresh=True), ChatStudent(model)
    assert fresh.settings["fresh"] == [0.7, 1.0, 1.0, 1.0] and "fresh" not in plain.settings
    ids = {Cast(student, OracleTeacher()).dialogue_id(a_task()) for student in (fresh, plain)}
    assert len(ids) == 2
    with TraceStore.open(tmp_path / "a.sqlite") as store:
        await run_dialogues([a_task()], plain, OracleTeacher(), store)
        with pytest.raises(InputError, match="fresh"):
            await run_dialogues([a_task()], fresh, OracleTeacher(), store, resume=True)


async def test_reinforcement_learning_refuses_what_was_drawn_again() -> None:
    trace = await held(ChatStudent(Draws(replies=["Hm."]), fresh=True), turns=2)
    ids = {"prompt_ids": (1, 2), "completion_ids": (3,)}
    turns = [turn.model_copy(update={"call": (turn.call or Call()).model_copy(update=ids)}) for turn in trace.turns]
    with pytest.raises(TrainingError, match=r"drawn again .* is no sample of the policy: take a student without fresh"):
        trajectory_of(trace.model_copy(update={"turns": (turns[0], turns[3])}), 0)
    assert trajectory_of(trace.model_copy(update={"turns": tuple(turns[:2])}), 0).completion_ids == [3]


@pytest.mark.parametrize(
    ("spec", "fresh", "left"),
    [
        ("scripted:{}?fresh=true", True, None),
        ("scripted:{}?fresh=false", False, None),
        ("scripted:{}", False, None),
        ("openai:m@http://localhost:1/v1?fresh=true&temperature=0.2", True, 0.2),
        ("openai:m@http://localhost:1/v1?temperature=0.2&fresh=true", True, 0.2),
        ("openai:m@http://localhost:1/v1?key=a?fresh=true", True, None),
    ],
)
def test_a_spec_sets_it(spec: str, fresh: bool, left: float | None, tmp_path: Path) -> None:
    (script := tmp_path / "script.json").write_text('["Hm."]')
    student = student_from(spec.format(script))
    assert isinstance(student, ChatStudent) and ("fresh" in student.settings) is fresh
    assert getattr(student.model.settings, "temperature", None) == left  # type: ignore[attr-defined]


def test_what_cannot_be_set_is_refused(tmp_path: Path) -> None:
    for spec in ("embedded:?fresh=4", "embedded:?fresh=yes"):
        with pytest.raises(InputError, match="fresh of a student is true or false"):
            student_from(spec)
    with pytest.raises(InputError, match="given twice"):
        student_from("embedded:?fresh=true&fresh=true")
    with pytest.raises(BackendSpecError, match="no setting 'frsh'"):
        student_from("embedded:?frsh=true")
    with pytest.raises(InputError, match="FakeListChatModel takes no temperature"):
        ChatStudent(FakeListChatModel(responses=["Hm."]), fresh=True)


async def test_a_free_conversation_says_nothing_twice_either(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter(["Hello.", "And now?", None])

    async def next_line(prompt: str) -> str | None:
        return next(lines)

    monkeypatch.setattr("sml_agents.cli.talk.next_line", next_line)
    said = await talk(ChatStudent(Draws(replies=["Hm."]), fresh=True), seed=0)
    assert said[1].text == "Hm." and said[3].text.startswith("Is it ")
