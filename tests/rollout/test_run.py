"""Runs of the real dialogue graph with scripted models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sml_agents.dialogue import DialogueSettings, build_dialogue, dialogue_id
from sml_agents.errors import InputError, SettingsMismatch
from sml_agents.roles import ChatStudent, ChatTeacher, OraclePrimer, OracleTeacher
from sml_agents.rollout import Progress, run_dialogues, run_dialogues_sync, run_graph
from sml_agents.testing import FaultyModel, ScriptedModel
from sml_agents.traces import TraceStore
from sml_agents.types import Fact, Form, Private, StopReason, Task


def make_task(number: int) -> Task:
    fact = Fact(name="price", statement="A pencil costs 3 dollars.", keywords=("pencil", "cost"))
    return Task(
        id=f"pencils/{number}",
        family="pencils",
        form=Form.UNDERSPECIFIED,
        prompt=f"Ada buys {number} pencils. What does she pay?",
        private=Private(answer=str(3 * number), facts=(fact,)),
        verifier="exact",
    )


TASKS = [make_task(number) for number in range(1, 31)]
ASKS = ChatStudent(ScriptedModel(replies=["What does a pencil cost?", "The answer is 30."]))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TraceStore]:
    with TraceStore.open(tmp_path / "traces.db") as store:
        yield store


async def test_the_way_from_tasks_to_traces(store: TraceStore) -> None:
    summary = await run_dialogues(TASKS, ASKS, OracleTeacher(), store, settings=DialogueSettings(max_turns=2))  # type: ignore[call-arg]
    assert (summary.n, summary.solved, summary.asked, summary.failed) == (30, 1, 30, 0)
    assert summary.stops == {"max_turns": 29, "solved": 1} and summary.tokens > 0
    traces = list(store.traces())
    assert [trace.task for trace in traces] == TASKS
    assert traces[9].stop is StopReason.SOLVED and traces[9].solved_at == 2
    assert len({trace.id for trace in traces}) == 30
    assert store.run_settings() is not None


async def test_what_q_priming_solved_is_not_counted_as_solved(store: TraceStore) -> None:
    """Neither in the run itself nor in one that finds it done; what the student says itself is."""
    given = [
        task.model_copy(
            update={"private": task.private.model_copy(update={"facts": (), "solution": "The answer is 30."})}
        )
        for task in TASKS
    ]
    guesses = ChatStudent(ScriptedModel(replies=["The answer is 27."]))
    settings = DialogueSettings.model_validate({"max_turns": 3, "q_priming": 1.0})
    for _ in range(2):
        summary = await run_dialogues(
            given,
            guesses,
            OracleTeacher(),
            store,
            settings=settings,
            primer=OraclePrimer(demonstrate=True),
            resume=True,
        )
        assert (summary.n, summary.solved) == (30, 1)
    assert [trace.solved for trace in store.traces()].count(True) == 2


async def test_the_id_is_the_hash_of_what_the_trace_says_of_itself(store: TraceStore) -> None:
    await run_dialogues(TASKS[:3], ASKS, OracleTeacher(), store, samples=2)
    for trace in store.traces():
        assert trace.id == dialogue_id(trace.task, trace.sample, trace.settings, seed=0)


async def test_total_is_known_of_a_list_and_not_of_an_iterator(tmp_path: Path) -> None:
    for tasks, total in ((TASKS, 60), (iter(TASKS), None)):
        seen: list[Progress] = []
        with TraceStore.open(":memory:") as store:
            await run_dialogues(tasks, ASKS, OracleTeacher(), store, samples=2, on_progress=seen.append)  # type: ignore[arg-type]
        assert {progress.total for progress in seen} == {total}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": DialogueSettings.model_validate({"max_turns": 5})}, "dialogue.max_turns"),
        ({"settings": DialogueSettings.model_validate({"seed": 5})}, "dialogue.seed"),
        ({"teacher": ChatTeacher(ScriptedModel(replies=["Hm."]))}, "teacher"),
        ({"student": ChatStudent(ScriptedModel(replies=["5"]), system="Be brief.")}, "student"),
        ({"samples": 2}, "samples"),
        ({"run_settings": {"tasks": ["lists"]}}, "tasks"),
    ],
)
async def test_resume_refuses_what_changed_and_names_it(
    store: TraceStore, change: dict[str, object], named: str
) -> None:
    given = {"student": ASKS, "teacher": OracleTeacher(), "store": store, "run_settings": {"tasks": ["pencils"]}}
    await run_dialogues(TASKS[:2], **given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="already holds a run"):
        await run_dialogues(TASKS, **given)  # type: ignore[arg-type]
    with pytest.raises(SettingsMismatch, match=named):
        await run_dialogues(TASKS, **given | change, resume=True)  # type: ignore[arg-type]
    summary = await run_dialogues(TASKS, **given, concurrency=2, resume=True)  # type: ignore[arg-type]
    assert (summary.n, summary.resumed) == (30, 2)


async def test_a_thousand_dialogues_with_five_percent_faults(store: TraceStore) -> None:
    faulty = ChatStudent(FaultyModel(model=ASKS.model, fail=0.04, empty=0.01, delay=0.002, seed=11))
    tasks = [make_task(number) for number in range(1000)]
    settings = DialogueSettings.model_validate({"max_turns": 2})
    summary = await run_dialogues(tasks, faulty, OracleTeacher(), store, settings=settings, concurrency=64)
    assert summary.n == 1000 and sum(summary.stops.values()) == 1000
    assert 40 <= summary.failed <= 120, "two calls a dialogue"
    failed = list(store.traces(stop=StopReason.FAILED))
    assert len(failed) == summary.failed
    assert all("failed on purpose" in str(trace.error) for trace in failed)
    assert store.counts().unfinished == 0 and store.verify() == []
    assert summary.exit_code == 1


async def test_a_graph_of_ones_own(store: TraceStore) -> None:
    graph = build_dialogue(ASKS, OracleTeacher())
    summary = await run_graph(TASKS[:4], graph, store, {"graph": "mine"}, seed=5)
    assert summary.n == 4
    assert store.finished_ids() == {dialogue_id(task, 0, {"graph": "mine"}, 5) for task in TASKS[:4]}


def test_from_plain_code(store: TraceStore) -> None:
    assert run_dialogues_sync(TASKS, ASKS, OracleTeacher(), store).n == 30


async def test_from_inside_a_running_loop(store: TraceStore) -> None:
    assert run_dialogues_sync(TASKS, ASKS, OracleTeacher(), store, concurrency=3).n == 30
    assert len(list(store.traces())) == 30
