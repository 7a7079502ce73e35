"""The dialogue against a real OpenAI-compatible server: `transformers serve`, on loopback, with the embedded model."""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from sml_agents.backends import resolve
from sml_agents.dialogue import DialogueSettings
from sml_agents.roles import ChatStudent, ChatTeacher
from sml_agents.rollout import run_dialogues
from sml_agents.tasks import load_tasks
from sml_agents.traces import TraceStore
from sml_agents.types import Role, StopReason, Trace

pytestmark = pytest.mark.slow

MOST = 16
"""Tokens of one reply."""


@pytest.fixture(scope="module")
def server(embedded_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's model as a spec, such as `openai:MODEL@http://127.0.0.1:1234/v1`."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("transformers")
    command = [str(program), "serve", str(embedded_model), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--device", "cpu", "--dtype", "float32"]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "HF_HOME": str(folder), "CUDA_VISIBLE_DEVICES": ""},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield f"openai:{embedded_model}@http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the model is loaded; longer than a minute only on a machine that is busy with other things."""
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"transformers serve did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


@pytest.fixture(scope="module")
def tokenizer(embedded_model: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(embedded_model)


async def test_the_server_plays_student_and_teacher(
    server: str, tokenizer: Any, embedded_model: Path, tmp_path: Path
) -> None:
    tasks = [*load_tasks("arithmetic?form=paired&n=1&seed=3"), *load_tasks("lists?form=full&n=1&seed=3")]
    student = ChatStudent(resolve(server, temperature=0, max_tokens=MOST))
    teacher = ChatTeacher(resolve(server, temperature=0, max_tokens=MOST - 4))
    with TraceStore.open(tmp_path / "traces.sqlite") as store:
        summary = await run_dialogues(
            tasks, student, teacher, store, settings=DialogueSettings(max_turns=2), concurrency=3
        )
        traces = list(store.traces())

    assert (summary.n, summary.failed, len(traces)) == (3, 0, 3)
    for trace in traces:
        assert trace.error is None and trace.stop in (StopReason.MAX_TURNS, StopReason.SOLVED)
        assert len(trace.turns) >= 2
        for turn in trace.turns[1:]:  # all but the statement of the problem are the model's
            most = MOST if turn.role is Role.STUDENT else MOST - 4
            call = turn.call
            assert call is not None and turn.text.strip() and call.model.startswith(str(embedded_model))
            assert call.usage is not None and 0 < call.usage.completion_tokens <= most
            assert turn.finish == ("length" if call.usage.completion_tokens == most else "stop")
        first = trace.student_turns[0].call
        assert first is not None and first.usage is not None
        assert first.usage.prompt_tokens == prompt_tokens(tokenizer, student.system, trace)
    assert summary.tokens == sum(
        turn.call.usage.completion_tokens for t in traces for turn in t.turns if turn.call and turn.call.usage
    )
    assert len({trace.student_turns[0].text for trace in traces}) > 1, "three problems, not one canned reply"


def prompt_tokens(tokenizer: Any, system: str, trace: Trace) -> int:
    """What the model's own template makes of the student's first prompt."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": trace.task.prompt}]
    return len(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"])


async def test_the_deployable_graph_runs_on_the_server(
    server: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SML_STUDENT", f"{server}?temperature=0&max_tokens={MOST}")
    monkeypatch.setenv("SML_TEACHER", "oracle")
    monkeypatch.setenv("SML_MAX_TURNS", "2")
    graph = runpy.run_path(str(repository / "graphs" / "student_teacher.py"))["graph"]
    task = json.loads(load_tasks("arithmetic?form=underspecified&n=1&seed=4")[0].model_dump_json())
    pieces, trace = [], None
    with blockbuster_ctx():
        async for mode, part in graph.astream({"task": task}, stream_mode=["messages", "values"]):
            if mode == "messages":
                pieces.append(part[0].text)
            else:
                trace = part.get("trace", trace)
    assert trace is not None and trace.error is None
    assert trace.turns[2].call is None, "the oracle calls no model"
    streamed = "".join(pieces)
    assert len(pieces) > 4, "token by token"
    assert all(turn.text in streamed for turn in trace.student_turns)
    assert all(turn.call and turn.call.usage and turn.call.usage.completion_tokens > 0 for turn in trace.student_turns)


async def test_a_model_that_the_server_lacks_fails_the_dialogue_with_its_reason(server: str, tmp_path: Path) -> None:
    other = ChatStudent(resolve("openai:another-model" + server[server.index("@") :], max_tokens=4))
    with TraceStore.open(tmp_path / "traces.sqlite") as store:
        summary = await run_dialogues(load_tasks("arithmetic?n=1&form=full"), other, ChatTeacher(other.model), store)
        (trace,) = store.traces()
    assert summary.exit_code == 1 and trace.stop is StopReason.FAILED
    assert str(trace.error).startswith("student: EndpointError") and "another-model" in str(trace.error)
