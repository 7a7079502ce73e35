"""Suites, end to end with scripted models on files of our own in the published formats."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sml_agents.errors import InputError
from sml_agents.evaluation.compare import Summary
from sml_agents.evaluation.figures import metric_of
from sml_agents.evaluation.run import evaluate, evaluate_async
from sml_agents.evaluation.suites import SUITES, Part, parts_of
from sml_agents.evaluation.table import print_summary
from sml_agents.tasks import load_tasks
from sml_agents.tasks.static.lost_in_conversation import SIMULATIONS
from sml_agents.testing import ScriptedModel
from sml_agents.traces import TraceStore
from sml_agents.types import Role, Task, Trace
from tests.serving.served import serving

FILES = Path(__file__).parents[1] / "suites"
LOST = f"lost-in-conversation:{FILES}/lost_in_conversation.json"
GUESSER = ScriptedModel(replies=["The answer is 26."])


def run(suite: str, out: Path, model: Any = GUESSER, **options: Any) -> Summary:
    return evaluate({"a": model}, parts_of(suite), out, resamples=20, baselines=False, **options)


def traces_of(out: Path, summary: Summary) -> Iterator[Trace]:
    for file in summary.stores["a"]:
        with TraceStore.open(out / file, read_only=True) as store:
            yield from store.traces()


def value(summary: Summary, title: str, name: str, turn: str = "") -> float | None:
    return metric_of(summary.students["a"].by_spec[title].metrics, name, turn).value


def shards_of(task: Task) -> list[str]:
    return [fact.statement for fact in task.private.facts]


# Lost in Conversation: its rules written down once more, as plain loops, from its published simulators.


def score(text: str, gold: str) -> float:
    """The last number of an answer against the reference, as texts: no thousands separators, no currency."""
    found = re.findall(r"-?\$?\d[\d,]*(?:\.\d+)?", text)
    return float(bool(found) and re.sub(r"[$,]", "", found[-1]) == gold)


def attempts(reply: str) -> bool:
    return "?" not in reply


def theirs(simulation: str, model: ScriptedModel, task: Task, question: str) -> float:
    shards = [question, *shards_of(task)]
    if simulation in ("full", "concat", "shuffle-concat"):
        return score(said(model, [task.prompt]), task.private.answer)
    heard: list[str] = []
    for number, shard in enumerate(shards):
        again = "\n".join(["What I have told you so far:", *(f"- {one}" for one in shards[:number])])
        heard.append(f"{again}\nWhat is new: {shard}" if simulation == "snowball" and number else shard)
        reply = said(model, heard)
        if simulation != "recap" and attempts(reply) and score(reply, task.private.answer):
            return 1.0
    if simulation != "recap":
        return 0.0
    reply = said(model, [*heard, "\n".join(["Here is everything once more:", *(f"- {one}" for one in shards)])])
    return score(reply, task.private.answer) if attempts(reply) else 0.0


def said(model: ScriptedModel, heard: list[str]) -> str:
    from langchain_core.messages import AIMessage, HumanMessage

    messages: list[Any] = []
    for text in heard:
        messages += [HumanMessage(text), AIMessage("")]
    return model.line(messages[:-1])


def actor() -> ScriptedModel:
    """Solves some problems at the last shard, some at once, some only when all is said again; asks in between."""
    rules: list[Any] = [{"when": "/everything once more(.|\\n)*(seats|pages|crate)/", "reply": "It is $245."}]
    for k, task in enumerate(load_tasks(f"{LOST}?simulation=sharded")):
        first, last = task.prompt, shards_of(task)[-1]
        right = f"All in all, the answer is ${int(task.private.answer):,}."
        rules.append({"when": last, "reply": right if k % 3 else "The answer is 3."})
        rules.append({"when": first, "reply": right if k == 5 else "Can you tell me more about that?"})
    return ScriptedModel(replies=[*rules, "Is there anything else?", "The answer is 12."])


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_each_task_scores_as_by_the_rules_of_lost_in_conversation(simulation: str, tmp_path: Path) -> None:
    model = actor()
    summary = run(f"{LOST}?simulations={simulation}", tmp_path, model)
    traces = list(traces_of(tmp_path, summary))
    asked = {task.pair: task.prompt for task in load_tasks(f"{LOST}?simulation=sharded")}
    expected = {t.task.id: theirs(simulation, model, t.task, asked[t.task.pair]) for t in traces}
    assert {trace.task.id: float(bool(trace.solved)) for trace in traces} == expected
    assert len(expected) == 10 and (0 < sum(expected.values()) < 10)
    assert value(summary, f"lost-in-conversation: {simulation}", "averaged_performance") == pytest.approx(
        sum(expected.values()) / 10
    )


def test_a_sharded_dialogue_tells_one_shard_a_turn_and_says_nothing_else(tmp_path: Path) -> None:
    summary = run(f"{LOST}?simulations=sharded,recap,snowball", tmp_path, ScriptedModel(replies=["The answer is 0."]))
    for trace in traces_of(tmp_path, summary):
        told = [turn.text for turn in trace.turns if turn.role is Role.TEACHER]
        shards = [trace.task.prompt, *shards_of(trace.task)]
        simulation = trace.task.meta["simulation"]
        assert len(trace.student_turns) == trace.task.max_turns == len(shards) + (simulation == "recap")
        assert all(shard in text for shard, text in zip(shards, told, strict=False))
        if simulation == "sharded":
            assert told == shards
        elif simulation == "snowball":
            assert all(shard in told[-1] for shard in shards)
        else:
            assert told[:-1] == shards and all(shard in told[-1] for shard in shards)
    for simulation in ("sharded", "recap", "snowball"):
        title = f"lost-in-conversation: {simulation}"
        assert value(summary, title, "simulator_faults") == 0.0
        assert value(summary, title, "premature_attempts") == pytest.approx(
            41 / (51 + 10 * (simulation == "recap")), abs=0.1
        )


def test_a_right_answer_before_the_recap_may_be_spoilt_and_a_wrong_one_mended(tmp_path: Path) -> None:
    [task, *_] = load_tasks(f"{LOST}?simulation=recap&n=1")
    right = f"The answer is {task.private.answer}."
    spoilt = [{"when": "everything once more", "reply": "The answer is 1."}, right]
    mended = [{"when": "everything once more", "reply": right}, "The answer is 1."]
    for name, replies, solved in (("spoilt", spoilt, False), ("mended", mended, True)):
        summary = run(f"{LOST}?simulations=recap&n=1", tmp_path / name, ScriptedModel(replies=replies))
        [trace] = traces_of(tmp_path / name, summary)
        assert trace.solved is solved
        assert trace.solved_at == (len(trace.student_turns) if solved else None)


def test_a_good_day_and_a_bad_day(tmp_path: Path) -> None:
    lucky = ScriptedModel(replies=[{"when": "/./", "reply": ("The answer is 26.", "The answer is 1.")}])  # type: ignore[list-item]
    summary = run(f"{LOST}?simulations=full,concat&n=1", tmp_path, lucky, samples=10)
    for title in ("lost-in-conversation: full", "lost-in-conversation: concat"):
        mean = value(summary, title, "averaged_performance")
        assert mean is not None and 0.1 < mean < 0.9
        assert value(summary, title, "aptitude") == 1.0 and value(summary, title, "unreliability") == 1.0
    alone = run(f"{LOST}?simulations=full", tmp_path / "alone", lucky)
    assert value(alone, "lost-in-conversation: full", "aptitude") is None


def test_single_turn_feedback_and_autodidact_differ_in_turns_and_teacher(tmp_path: Path) -> None:
    critic = ScriptedModel(replies=["The answer is 26.", "The answer is 27."])
    for name, turns in (("single-turn", 1), ("feedback", 10), ("autodidact", 4)):
        summary = run(f"{name}?n=2", tmp_path / name, critic)
        traces = list(traces_of(tmp_path / name, summary))
        assert {len(trace.student_turns) for trace in traces} == {turns}
        assert {trace.solved for trace in traces} <= {True, False}
    assert summary.settings["parts"]["autodidact: arithmetic?form=full&split=heldout&n=2"]["teacher"]["critic"]
    accepting = ScriptedModel(replies=["OK."])
    kept = run("autodidact?n=2", tmp_path / "kept", accepting)
    assert {trace.solved for trace in traces_of(tmp_path / "kept", kept)} == {False}


def test_what_asking_is_worth_on_tasks_of_others(tmp_path: Path) -> None:
    asker = ScriptedModel(replies=["What is the budget?", "I see."])
    summary = run(f"in3:{FILES}/in3.jsonl", tmp_path / "in3", asker)
    assert value(summary, "in3", "asks_when_needed") == value(summary, "in3", "needless_questions") == 1.0
    assert value(summary, "in3", "coverage") == pytest.approx(2 / 6)
    assert value(summary, "in3", "success_at", "10") is None
    summary = run(
        f"askbench:{FILES}/askbench.jsonl",
        tmp_path / "ask",
        ScriptedModel(replies=["The answer is B.", "The answer is 49."]),
    )
    assert value(summary, "askbench", "asks_when_needed") == 0.0
    assert value(summary, "askbench", "success_at", "10") == pytest.approx(4 / 14)


def test_a_suite_may_be_about_any_tasks_and_names_its_file_by_hash(tmp_path: Path) -> None:
    [part] = parts_of(
        "feedback",
        [
            "arithmetic?form=full&n=3",
        ],
    )
    assert part.spec == "arithmetic?form=full&n=3" and part.max_turns is None
    odd = tmp_path / "a 50% file?.jsonl"
    odd.write_bytes((FILES / "in3.jsonl").read_bytes())
    name = str(odd).replace("%", "%25").replace("?", "%3F")
    summary = run(f"in3:{name}?n=1", tmp_path / "out")
    digest = hashlib.sha256((FILES / "in3.jsonl").read_bytes()).hexdigest()
    assert summary.settings["parts"]["in3"]["sha256"] == digest
    assert summary.settings["parts"]["in3"]["file"] == odd.name


@pytest.mark.parametrize(
    ("suite", "tasks", "named"),
    [
        ("nothing", [], "lost-in-conversation:FILE"),
        ("in3", [], "in3:FILE"),
        ("in3:x?color=red", [], "importance"),
        ("lost-in-conversation:x?simulations=full,half", [], "shuffle-concat"),
        ("feedback?n=3", ["arithmetic"], "task specs"),
        ("feedback?n", [], "key=value"),
    ],
)
def test_what_is_no_suite_is_refused(suite: str, tasks: list[str], named: str) -> None:
    with pytest.raises(InputError, match=re.escape(named)):
        parts_of(suite, tasks)


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    for suite in (f"in3:{tmp_path}/none.jsonl", f"in3:{FILES}/askbench.jsonl", f"askbench:{FILES}/in3.jsonl"):
        with pytest.raises(InputError):
            run(suite, tmp_path / "out")


def test_the_tables_show_what_says_most_of_each_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(run(f"{LOST}?simulations=sharded&n=2", tmp_path, samples=2))
    shown = capsys.readouterr().out
    assert "lost-in-conversation: sharded" in shown and "Unreliability" in shown and "Simulator faults" in shown


def test_every_suite_says_what_it_shows() -> None:
    assert all(suite.meaning.endswith((".", "?")) for suite in SUITES.values())
    assert isinstance(parts_of("requests")[0], Part)


async def test_the_students_own_model_teaches_over_http_and_its_leaks_and_costs_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "problems.jsonl"
    file.write_text('{"q": "Ann buys 4 tickets at $7 each. What does she pay?", "a": "28"}\n', encoding="utf-8")
    model = ScriptedModel(
        replies=[
            {"when": "The answer is 27", "reply": "It is 28, of course."},  # type: ignore[list-item]
            {"when": "The answer is 5", "reply": "Multiply the two numbers."},  # type: ignore[list-item]
            {"when": "of course", "reply": "The answer is 28."},  # type: ignore[list-item]
            {"when": "Multiply", "reply": "The answer is 27."},  # type: ignore[list-item]
            "The answer is 5.",
        ]
    )
    parts = parts_of("feedback", [f"jsonl:{file}?prompt=q&answer=a&form=full"])
    async with serving(model) as server:
        summary = await evaluate_async(
            {"a": f"openai:m@{server.url}"},
            parts,
            tmp_path / "out",
            teacher="student",
            resamples=20,
        )
    own = summary.students["a"].metrics
    assert metric_of(own, "success_at", "3").value == 1.0 and metric_of(own, "success_at", "2").value == 0.0
    assert metric_of(own, "leak_rate").value == 0.5
    assert metric_of(own, "teacher_calls").value == 2.0 and metric_of(own, "student_calls").value == 3.0
    assert (metric_of(own, "teacher_tokens").value or 0) > 20
    scripts = summary.baselines["reads nothing"].metrics
    assert metric_of(scripts, "leak_rate").value == 0.0 and metric_of(scripts, "teacher_tokens").value is None
    [part] = summary.settings["parts"].values()
    assert part["teacher"]["prompt"] and part["dialogue"]["max_turns"] == 10


def test_who_has_no_model_cannot_teach_itself(tmp_path: Path) -> None:
    for suite, teacher in (("feedback?n=2", "student"), ("autodidact?n=2", None)):
        with pytest.raises(InputError, match="no chat model"):
            evaluate({"a": "script:sweep"}, parts_of(suite), tmp_path / suite[:4], teacher=teacher)
