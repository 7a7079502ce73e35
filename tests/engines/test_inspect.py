"""Dialogues as a task of Inspect, with a model that is made up, beside the same in our engine."""

from __future__ import annotations

import asyncio
import math
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

inspect_ai: Any = pytest.importorskip("inspect_ai", reason="inspect_ai is not installed here: make test-engines")

from inspect_ai.dataset import Sample  # noqa: E402
from inspect_ai.model import ModelOutput, ModelUsage, get_model  # noqa: E402
from langchain.agents import create_agent  # noqa: E402
from langchain_core.language_models import BaseChatModel  # noqa: E402

from sml_agents.agents import AgentStudent  # noqa: E402
from sml_agents.backends import resolve  # noqa: E402
from sml_agents.errors import InputError  # noqa: E402
from sml_agents.evaluation.metrics import compute  # noqa: E402
from sml_agents.integrations.dialogues import Rules  # noqa: E402
from sml_agents.integrations.inspect import FIGURES, dataset, dialogue, dialogues, figures  # noqa: E402
from sml_agents.roles import ChatStudent, Student  # noqa: E402
from sml_agents.traces import TraceStore  # noqa: E402
from sml_agents.traces.importers import import_logs  # noqa: E402
from sml_agents.types import Trace  # noqa: E402
from tests.engines.talk import SPEC, look_up, model_server, reply, tasks  # noqa: E402


def agent(model: BaseChatModel) -> Student:
    return AgentStudent(create_agent(model, [look_up]))


def made_up(input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
    """The same student as the server's."""
    said = reply([{"role": one.role, "content": one.text} for one in input], tools)
    calls = said.get("tool_calls")
    output = (
        ModelOutput.for_tool_call("mockllm/model", "look_up", {"what": "it"}, tool_call_id=calls[0]["id"])
        if calls
        else ModelOutput.from_content("mockllm/model", said["content"])
    )
    return counted(output)


def counted(output: ModelOutput) -> ModelOutput:
    """With its usage, which Inspect would fetch a tokenizer for."""
    output.usage = ModelUsage(input_tokens=7, output_tokens=3, total_tokens=10)
    return output


def asks(input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
    """A student for tasks whose answers the server does not know."""
    return counted(ModelOutput.from_content("mockllm/model", "How many are there?"))


def run(task: Any, folder: Path, outputs: Any = made_up, **given: Any) -> Any:
    model = get_model("mockllm/model", custom_outputs=outputs)
    (log,) = inspect_ai.eval(task, model=model, log_dir=str(folder), display="none", **given)
    return log


def ours(student: Any) -> list[Trace]:
    with model_server() as url:
        model = resolve(f"openai:m@{url}", api_key="none")

        async def all_of_them() -> list[Trace]:
            return await asyncio.gather(*[Rules().play(task, student(model)) for task in tasks()])

        return asyncio.run(all_of_them())


@pytest.mark.parametrize("student", [ChatStudent, agent])
def test_64_dialogues_have_the_figures_that_they_have_here(student: Any, tmp_path: Path) -> None:
    task = inspect_ai.Task(dataset=dataset(SPEC), solver=dialogue(student), scorer=figures())
    log = run(task, tmp_path)
    assert log.status == "success", log.error
    traces = {trace.task.id: trace for trace in ours(student)}
    assert len(log.samples) == len(traces) == 64
    for sample in log.samples:
        trace, (score,) = traces[sample.id], sample.scores.values()
        assert score.value["solved"] == float(bool(trace.solved))
        assert [message.text for message in sample.messages] == [turn.text for turn in trace.turns]
        assert sample.output.completion == trace.student_turns[-1].text
    expected = compute(traces.values())
    found = {one.name: one for one in log.results.scores}
    assert set(found) == {"solved", *FIGURES}
    assert found["solved"].metrics["mean"].value == sum(bool(trace.solved) for trace in traces.values()) / 64
    for name in ("asks_when_needed", "needless_questions", "informed_success", "names_missing", "guessed_arguments"):
        if not getattr(expected, name).n:
            assert found[name].scored_samples == 0, "nobody has called anything: that is not 0"
            continue
        assert found[name].metrics["mean"].value == pytest.approx(getattr(expected, name).value), name
        assert found[name].scored_samples == getattr(expected, name).n
    assert found["asks_when_needed"].scored_samples == 32, "the others are left out, and are not 0"


def test_requests_with_tools(tmp_path: Path) -> None:
    """A student that calls at once: what was missing it has guessed."""

    def calls(input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
        schema = tools[0].parameters
        values = {name: 3 if (part.type == "integer") else "x" for name, part in schema.properties.items()}
        return counted(ModelOutput.for_tool_call("mockllm/model", tools[0].name, values))

    log = run(dialogues("requests?n=8&seed=2", max_turns=1), tmp_path, calls)
    assert log.status == "success", log.error
    found = {one.name: one for one in log.results.scores}
    assert found["guessed_arguments"].scored_samples > 0 and found["guessed_arguments"].metrics["mean"].value > 0.5


def test_a_limit_and_an_error_are_inspect_s(tmp_path: Path) -> None:
    log = run(dialogues("arithmetic?form=underspecified&n=3", max_turns=4), tmp_path / "limit", asks, token_limit=5)
    assert {sample.limit.type for sample in log.samples} == {"token"}

    def breaks(input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
        raise RuntimeError("the provider is on fire")

    log = run(dialogues("arithmetic?n=2"), tmp_path / "error", breaks, fail_on_error=False)
    assert all("on fire" in sample.error.message and not sample.scores for sample in log.samples)
    other = inspect_ai.Task(dataset=[Sample("2 + 2?", target="4")], solver=dialogue(), scorer=figures())
    log = run(other, tmp_path / "other", asks, fail_on_error=False)
    assert "dataset(SPEC)" in log.samples[0].error.message
    plain = inspect_ai.Task(dataset=dataset("arithmetic?n=1"), scorer=figures())
    log = run(plain, tmp_path / "plain", asks)
    (score,) = log.samples[0].scores.values()
    assert math.isnan(score.value) and "dialogue()" in score.explanation


def test_each_epoch_is_a_sample_of_its_own(tmp_path: Path) -> None:
    seeds: list[Any] = []

    def noted(input: Any, tools: Any, tool_choice: Any, config: Any) -> ModelOutput:
        seeds.append(config.seed)
        return asks(input, tools, tool_choice, config)

    log = run(dialogues("arithmetic?n=1&seed=5", max_turns=1), tmp_path, noted, epochs=3)
    assert log.status == "success", log.error
    assert len(set(seeds)) == len(seeds) == len(log.samples) == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tasks": "nothing?n=2"}, "nothing"),
        ({"max_turns": 0}, "max_turns: Input should be greater"),
        ({"teacher": "human"}, "a person cannot teach"),
        ({"teacher": "openi:x"}, "openi"),
    ],
)
def test_wrong_input_is_said_before_anything_runs(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        dialogues(**given)


def test_its_logs_are_read_back(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Inspect packs its logs with Zstandard: pip install 'sml-agents[parquet]'")
    run(dialogues("arithmetic?form=underspecified&n=5&seed=3"), tmp_path / "logs", asks)
    with TraceStore.open(tmp_path / "logs.sqlite") as store:
        report = import_logs(f"inspect:{tmp_path / 'logs'}", store)
        assert (report.imported, report.lost) == (5, 0)
        assert all(len(trace.student_turns) >= 1 for trace in store.traces())


def test_the_page_s_command_and_lines(repository: Path, tmp_path: Path) -> None:
    page = (repository / "docs" / "evaluators.md").read_text(encoding="utf-8")
    (command,) = [line for line in page.splitlines() if line.startswith("inspect eval")]
    name = shlex.split(command)[2]
    given = dict(word.split("=", 1) for word in shlex.split(command) if "=" in word)
    task_args = {**given, "max_turns": int(given["max_turns"])}
    assert name == "sml_agents/dialogues" and set(task_args) == {"tasks", "max_turns"}
    log = run(name, tmp_path / "by name", asks, task_args=task_args, limit=2)
    assert log.status == "success" and len(log.samples) == 2
    (snippet,) = [
        code for code in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE) if "inspect" in code
    ]
    names: dict[str, Any] = {}
    exec(compile(snippet, "evaluators.md", "exec"), names)
    assert run(names["task"], tmp_path / "again", asks, limit=3).status == "success"
