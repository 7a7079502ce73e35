"""The dialogue machine: its course, its ends, and that nothing private reaches the student."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from typing_extensions import TypedDict

from sml_agents.backends.scripted import ScriptedModel
from sml_agents.dialogue import DialogueContext, DialogueSettings, build_dialogue
from sml_agents.errors import BudgetExceeded, InputError
from sml_agents.roles import ChatStudent, HumanTeacher, OraclePrimer, OracleTeacher
from sml_agents.types import Act, Call, Fact, Form, Outcome, Private, Reply, Role, StopReason, Task, Trace
from sml_agents.views import StudentView, TeacherView

PENS = Fact(
    name="price",
    statement="Each pen costs 3 dollars.",
    keywords=("pen", "cost"),
    question="How much does each pen cost?",
)


def task(form: Form = Form.UNDERSPECIFIED, **changes: Any) -> Task:
    values: dict[str, Any] = {
        "id": "t1",
        "family": "arithmetic",
        "form": form,
        "prompt": "Ada buys 4 pens. How many dollars does she pay?",
        "private": Private(answer="12", facts=(PENS,), solution="4 * 3 = 12. The answer is 12."),
    }
    return Task(**(values | changes))


class Says:
    """A student that says its lines in order and remembers every view it was given."""

    def __init__(self, *lines: str) -> None:
        self.settings: dict[str, Any] = {"model": "says"}
        self.lines = lines
        self.views: list[StudentView] = []

    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        self.views.append(view)
        turn = sum(role is Role.STUDENT for role, _ in view.history)
        return Reply(text=self.lines[min(turn, len(self.lines) - 1)], call=Call(model="says", seed=seed))


async def talk(student: Says, teacher: Any = None, the_task: Task | None = None, **settings: Any) -> Trace:
    graph = build_dialogue(student, teacher or OracleTeacher(), settings=DialogueSettings(**settings))
    return (await graph.ainvoke({"task": the_task or task()}))["trace"]


async def test_asking_brings_the_fact_and_the_solution() -> None:
    trace = await talk(Says("How much does each pen cost?", "4 * 3 = 12. The answer is 12."))
    assert trace.stop is StopReason.SOLVED and trace.solved and trace.solved_at == 2
    assert [turn.text for turn in trace.turns][2] == "Each pen costs 3 dollars."
    assert trace.turns[2].reveals == ("price",)
    assert [turn.act for turn in trace.student_turns] == [Act.CLARIFICATION, Act.ANSWER_ATTEMPT]


async def test_a_vague_question_gets_a_vague_answer() -> None:
    trace = await talk(Says("Can you tell me more?", "How much does each pen cost?", "The answer is 12."))
    assert "3" not in trace.turns[2].text and trace.turns[2].reveals == ()
    assert trace.solved_at == 3


@pytest.mark.parametrize("question", ["Is there a discount?", "Tell me more.", "pens?", "How many? Who? When? Where?"])
async def test_the_answer_to_an_empty_question_does_not_tell_whether_something_is_missing(question: str) -> None:
    full = task(Form.FULL, private=Private(answer="12"), prompt="Ada buys 4 pens at 3 dollars each. What does she pay?")
    said = {
        (await talk(Says(question, "The answer is 12."), the_task=the_task)).turns[2].text
        for the_task in (full, task())
    }
    assert len(said) == 1, said


async def test_the_turn_limit_ends_a_student_that_never_solves() -> None:
    trace = await talk(Says("The answer is 5."), max_turns=3)
    assert trace.stop is StopReason.MAX_TURNS and trace.solved is False
    assert len(trace.student_turns) == 3
    assert trace.turns[-1].role is Role.STUDENT


@pytest.mark.parametrize("lines", [("",), ("Hmm.",), ("What?",), ("I cannot help with that.",), ("12?? or 13??",)])
async def test_every_kind_of_student_comes_to_an_end(lines: tuple[str, ...]) -> None:
    for form in Form:
        trace = await talk(Says(*lines), the_task=task(form), max_turns=6)
        assert trace.stop in (StopReason.MAX_TURNS, StopReason.SOLVED)


async def test_a_sharded_task_gives_one_fact_a_turn_and_the_one_asked_for_first() -> None:
    facts = (
        Fact(name="count", statement="Ada buys 4 pens.", keywords=("buys", "pens"), question="How many pens?"),
        Fact(name="paper", statement="Paper is free.", keywords=("paper", "free"), question="Is paper free?"),
        Fact(name="price", statement="A pen costs 3 dollars.", keywords=("cost",), question="What does a pen cost?"),
    )
    sharded = task(Form.SHARDED, prompt="What does Ada pay?", private=Private(answer="12", facts=facts))
    trace = await talk(Says("What does a pen cost?", "The answer is 3.", "Hmm.", "The answer is 12."), the_task=sharded)
    assert [turn.reveals for turn in trace.turns if turn.role is Role.TEACHER] == [
        (),
        ("price",),
        ("count",),
        ("paper",),
    ]
    assert trace.solved_at == 4


async def test_a_failing_student_is_a_record_with_a_reason() -> None:
    class Broken(Says):
        async def reply(self, view: StudentView, *, seed: int) -> Reply:
            if len(view.history) > 1:
                raise ConnectionError("the endpoint is gone")
            return await super().reply(view, seed=seed)

    trace = await talk(Broken("The answer is 1."))
    assert trace.stop is StopReason.FAILED and trace.solved is None
    assert str(trace.error) == "student: ConnectionError: the endpoint is gone"
    assert len(trace.turns) == 3  # what was said before is kept


async def test_what_would_fail_every_dialogue_is_not_recorded_as_the_failure_of_one() -> None:
    class Spent(Says):
        async def reply(self, view: StudentView, *, seed: int) -> Reply:
            raise BudgetExceeded("no calls left")

    with pytest.raises(BudgetExceeded):
        await talk(Spent())


async def test_a_failing_teacher_keeps_the_students_turn() -> None:
    class Broken(OracleTeacher):
        async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
            raise TimeoutError("no answer in 60 s")

    trace = await talk(Says("The answer is 1."), Broken())
    assert trace.stop is StopReason.FAILED and str(trace.error).startswith("teacher: TimeoutError")
    assert trace.turns[-1].verdict is not None and trace.turns[-1].verdict.outcome is Outcome.INCORRECT


async def test_q_priming_rewrites_a_wrong_turn_and_keeps_the_attempt_private() -> None:
    student = Says("The answer is 7.", "The answer is 12.")
    trace = await talk(student, q_priming=1.0)
    first = trace.student_turns[0]
    assert first.primed and first.text == PENS.question and first.replaced == "The answer is 7."
    assert first.act is Act.CLARIFICATION and first.trainable
    assert trace.solved_at == 2
    assert "The answer is 7." not in str(student.views[-1])


async def test_q_priming_asks_nothing_where_nothing_is_missing() -> None:
    full = task(Form.FULL, private=Private(answer="12", solution="The answer is 12."))
    trace = await talk(Says("The answer is 7."), the_task=full, q_priming=1.0, max_turns=3)
    assert not any(turn.primed for turn in trace.turns)


async def test_q_priming_leaves_a_good_question_and_rewrites_an_idle_one() -> None:
    asked = await talk(Says("What does a pen cost?", "The answer is 12."), q_priming=1.0)
    assert not asked.student_turns[0].primed
    idle = await talk(Says("Can you help me?", "The answer is 12."), q_priming=1.0)
    assert idle.student_turns[0].primed and idle.student_turns[0].text == PENS.question


async def test_q_priming_follows_its_schedule() -> None:
    """P_Q(t) = 0.75^t: always at t = 0, in 3 of 4 dialogues at t = 1."""
    counts = [0, 0]
    for seed in range(200):
        wrong = task(
            private=Private(answer="12", facts=tuple(PENS.model_copy(update={"name": f"f{i}"}) for i in range(4)))
        )
        trace = await talk(Says("The answer is 7."), the_task=wrong, q_priming=0.75, seed=seed, max_turns=3)
        for index in (0, 1):
            counts[index] += trace.student_turns[index].primed
    assert counts[0] == 200
    assert 130 <= counts[1] <= 170


async def test_demonstration_gives_the_worked_solution_where_nothing_is_missing() -> None:
    full = task(Form.FULL, private=Private(answer="12", solution="4 * 3 = 12. The answer is 12."))
    graph = build_dialogue(
        Says("The answer is 7."),
        OracleTeacher(),
        settings=DialogueSettings(q_priming=1.0),
        primer=OraclePrimer(demonstrate=True),
    )
    trace = (await graph.ainvoke({"task": full}))["trace"]
    assert trace.solved_at == 1 and trace.student_turns[0].primed


CANARY = "CANARY-7f3a"


@pytest.mark.parametrize("priming", [None, 0.75, 1.0])
@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("line", ["The answer is 5.", "How much does each pen cost?", "Hm.", "", "What do you know?"])
async def test_a_canary_in_the_private_part_never_reaches_the_student(
    priming: float | None, form: Form, line: str
) -> None:
    hidden = Private(answer=f"12 {CANARY}", facts=(PENS,), solution=f"{CANARY} The answer is {CANARY}.")
    student = Says(line)
    trace = await talk(student, the_task=task(form, private=hidden, verifier="exact"), q_priming=priming, max_turns=5)
    assert len(student.views) >= 1
    assert CANARY not in str(student.views)
    assert CANARY in trace.model_dump_json()


async def test_the_students_node_is_given_only_the_public_channels() -> None:
    graph = build_dialogue(Says("Hm."), OracleTeacher())
    own = {"draft", "calls", "tools"}  # what the student itself said last, the tools it called, and those it may call
    assert set(graph.builder.nodes["student"].input_schema.__annotations__) == {"dialogue_id", "history"} | own


@pytest.mark.parametrize(
    ("guard", "stop"), [("flag", StopReason.MAX_TURNS), ("mask", StopReason.MAX_TURNS), ("end", StopReason.LEAKED)]
)
async def test_the_guard_acts_on_a_teacher_that_gives_the_answer_away(guard: str, stop: StopReason) -> None:
    class Leaky(OracleTeacher):
        async def reply(self, view: TeacherView, *, seed: int = 0) -> Reply:
            return Reply(text="The answer is 12, you know.")

    student = Says("The answer is 5.")
    trace = await talk(student, Leaky(), guard=guard, max_turns=2)
    assert trace.stop is stop
    leaky = next(turn for turn in trace.turns[1:] if turn.role is Role.TEACHER)
    assert leaky.leak == "verbatim"
    assert leaky.masked is (guard == "mask")
    assert ("12" in str(student.views)) is (guard == "flag")


async def test_a_person_teaches_through_an_interrupt() -> None:
    saver = InMemorySaver()
    graph = build_dialogue(
        Says("How much does each pen cost?", "The answer is 12."), HumanTeacher(), checkpointer=saver
    )
    config: Any = {"configurable": {"thread_id": "1"}}
    result = await graph.ainvoke({"task": task()}, config)
    (pause,) = result["__interrupt__"]
    assert pause.value["student"] == "How much does each pen cost?"
    assert pause.value["private"]["untold"] == [PENS.statement]
    result = await graph.ainvoke(Command(resume={"text": "Each pen costs 3 dollars."}), config)
    trace = result["trace"]
    assert trace.solved_at == 2 and trace.turns[2].reveals == ("price",)


async def test_a_person_can_stop() -> None:
    graph = build_dialogue(Says("Hm."), HumanTeacher(), checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"task": task()}, config)
    result = await graph.ainvoke(Command(resume={"stop": True}), config)
    assert result["trace"].stop is StopReason.TEACHER_STOPPED and result["trace"].solved is None


class Outer(TypedDict, total=False):
    task: Task
    trace: Trace


async def test_it_is_a_node_of_another_graph() -> None:
    outer = StateGraph(Outer)
    outer.add_node(
        "dialogue", build_dialogue(Says("How much does each pen cost?", "The answer is 12."), OracleTeacher())
    )
    outer.add_edge(START, "dialogue")
    outer.add_edge("dialogue", END)
    result = await outer.compile().ainvoke({"task": task()})
    assert result["trace"].solved


async def test_the_journal_answers_instead_of_the_model() -> None:
    class Memory(dict[str, Reply]):
        async def put(self, key: str, reply: Reply) -> None:
            self[key] = reply

    memory = Memory()
    lines = ("How much does each pen cost?", "The answer is 12.")
    first, second = Says(*lines), Says(*lines)
    traces = []
    for student in (first, second):
        graph = build_dialogue(student, OracleTeacher())
        traces.append((await graph.ainvoke({"task": task()}, context=DialogueContext(journal=memory)))["trace"])
    assert len(first.views) == 2 and second.views == []
    assert traces[0] == traces[1]
    assert set(memory) == {"student/0", "student/1"}


class SaysWithIds(Says):
    async def reply(self, view: StudentView, *, seed: int) -> Reply:
        reply = await super().reply(view, seed=seed)
        turn = len(self.views)
        call = Call(prompt_ids=(*view.tokens, turn), completion_ids=(10 * turn,))
        return reply.model_copy(update={"call": call})


async def test_a_student_gets_back_the_ids_that_its_model_read_and_sampled() -> None:
    student = SaysWithIds("What does each pen cost?", "The answer is 7.", "The answer is 12.")
    await talk(student)
    assert [view.tokens for view in student.views] == [(), (1, 10), (1, 10, 2, 20)]


async def test_no_ids_stand_for_a_turn_that_was_rewritten() -> None:
    student = SaysWithIds("The answer is 7.", "The answer is 12.")
    await talk(student, q_priming=1.0)
    assert [view.tokens for view in student.views] == [(), ()]


async def test_a_verbatim_student_needs_a_model_that_takes_ids() -> None:
    with pytest.raises(InputError, match="takes no token ids"):
        ChatStudent(ScriptedModel(replies=["Hm."]), verbatim=True)
