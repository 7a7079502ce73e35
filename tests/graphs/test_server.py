"""The graphs behind a real LangGraph server, driven over HTTP as Studio does it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

pytestmark = pytest.mark.slow

LINES = ["How much does each pen cost?", "The answer is 12."]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`langgraph dev` on copies of langgraph.json and graphs/, offline, with a scripted student."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(repository / "langgraph.json", folder)
    shutil.copytree(repository / "graphs", folder / "graphs", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "lines.json").write_text(json.dumps(LINES), encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    settings = {
        "SML_STUDENT": f"scripted:{folder / 'lines.json'}",
        "SML_TEACHER": "oracle",
        "SML_Q_PRIMING": "1",
        "LANGSMITH_TRACING": "false",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SML_", "LANG"))}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/ok", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"langgraph dev did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


@pytest.fixture
async def client(server: str) -> AsyncIterator[LangGraphClient]:
    async with get_client(url=server) as client:
        yield client


async def test_it_serves_the_three_graphs_with_their_schemas(client: LangGraphClient) -> None:
    assistants = {found["graph_id"]: found["assistant_id"] for found in await client.assistants.search()}
    assert sorted(assistants) == ["human_teacher", "q_priming", "student_teacher"]
    for assistant in assistants.values():
        schemas: Any = await client.assistants.get_schemas(assistant)
        assert set(schemas["input_schema"]["properties"]) == {"task", "sample", "id"}
        assert set(schemas["output_schema"]["properties"]) == {"trace"}
        assert schemas["context_schema"]["properties"] == {}


async def test_a_dialogue_over_http(client: LangGraphClient, pens: dict[str, Any]) -> None:
    result: Any = await client.runs.wait(None, "student_teacher", input={"task": pens})
    trace = result["trace"]
    assert (trace["stop"], trace["solved"], trace["error"]) == ("solved", True, "")
    assert [turn["text"] for turn in trace["turns"][1:]] == [LINES[0], "Each pen costs 3 dollars.", LINES[1]]


async def test_a_wrong_task_is_answered_with_one_sentence(client: LangGraphClient) -> None:
    result: Any = await client.runs.wait(None, "student_teacher", input={"task": {"id": 1}}, raise_error=False)
    assert result["__error__"]["error"] == "InputError"
    assert result["__error__"]["message"] == "task.id cannot be used: Input should be a valid string"


async def test_a_person_answers_the_interrupt_and_the_thread_can_be_used_again(
    client: LangGraphClient, pens: dict[str, Any]
) -> None:
    thread = (await client.threads.create())["thread_id"]
    for _ in range(2):
        paused: Any = await client.runs.wait(thread, "human_teacher", input={"task": pens})
        pause = paused["__interrupt__"][0]
        assert pause["value"]["student"] == LINES[0]
        assert pause["value"]["private"]["untold"] == ["Each pen costs 3 dollars."]
        assert set(pause["response_schema"]["properties"]) == {"text", "stop"}, "Studio makes a form of it"
        answer: Any = {"resume": {"text": "Each pen costs 3 dollars."}}
        result: Any = await client.runs.wait(thread, "human_teacher", command=answer)
        assert result["trace"]["solved"] and len(result["trace"]["turns"]) == 4


async def test_what_the_student_writes_is_streamed(client: LangGraphClient, pens: dict[str, Any]) -> None:
    written = [
        part.data[0]["content"]
        async for part in client.runs.stream(
            None, "student_teacher", input={"task": pens}, stream_mode="messages-tuple"
        )
        if part.event == "messages"
    ]
    assert "".join(written) == "".join(LINES)
