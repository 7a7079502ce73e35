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
QUESTION = "On which day?"
RULES = [
    {"when": "Scheduled", "reply": "It is in your calendar."},
    {"when": "5 May", "reply": "", "calls": [{"name": "schedule", "args": {"what": "dentist", "day": "5 May"}}]},
    {"when": "dentist", "reply": "", "calls": [{"name": "schedule", "args": {"what": "dentist", "day": "today"}}]},
    {"when": "sum", "reply": "The answer is 4."},
    {"when": "answer is 4", "reply": "Count again."},
    {"when": "Count again", "reply": "The answer is 5."},
    {"when": "answer is 5", "reply": "OK"},
]
"""The same script plays the agent with its tool and both sides of the autodidact."""


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
    (folder / "lines.json").write_text(json.dumps([*RULES, *LINES]), encoding="utf-8")
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
    deadline = time.monotonic() + 600
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


async def test_it_serves_the_graphs_with_their_schemas(client: LangGraphClient) -> None:
    assistants = {found["graph_id"]: found["assistant_id"] for found in await client.assistants.search()}
    dialogues = ["human_teacher", "q_priming", "student_teacher"]
    assert sorted(assistants) == ["autodidact", "clarifying_agent", *dialogues]
    for name in ("autodidact", "clarifying_agent"):
        schemas: Any = await client.assistants.get_schemas(assistants[name])
        assert set(schemas["input_schema"]["properties"]) == {"messages"}, "what a chat front end sends, and no more"
    for name in dialogues:
        schemas = await client.assistants.get_schemas(assistants[name])
        assert set(schemas["input_schema"]["properties"]) == {"task", "sample", "id"}
        assert set(schemas["output_schema"]["properties"]) == {"trace"}
        assert schemas["context_schema"]["properties"] == {}


async def test_a_dialogue_over_http(client: LangGraphClient, pens: dict[str, Any]) -> None:
    result: Any = await client.runs.wait(None, "student_teacher", input={"task": pens})
    trace = result["trace"]
    assert (trace["stop"], trace["solved"], trace["error"]) == ("solved", True, None)
    assert [turn["text"] for turn in trace["turns"][1:]] == [LINES[0], "Each pen costs 3 dollars.", LINES[1]]


async def test_a_wrong_task_is_answered_with_one_sentence(client: LangGraphClient) -> None:
    result: Any = await client.runs.wait(None, "student_teacher", input={"task": {"id": 1}}, raise_error=False)
    assert result["__error__"]["error"] == "InputError"
    assert result["__error__"]["message"] == "task.id cannot be used: Input should be a valid string"


@pytest.mark.parametrize("name", ["this:zen", "unittest.mock:MagicMock"])
async def test_a_module_that_a_task_names_is_not_imported(
    client: LangGraphClient, pens: dict[str, Any], name: str
) -> None:
    result: Any = await client.runs.wait(None, "student_teacher", input={"task": {**pens, "verifier": name}})
    trace = result["trace"]
    assert trace["stop"] == "failed" and trace["solved"] is None
    assert "never imported" in trace["error"]["message"]


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


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def is_a_form(interrupts: Any) -> bool:
    """The check by which agent-chat-ui tells requests that it shows as a form from those it shows as raw JSON."""
    value = interrupts[0]["value"]
    requests, configs = value.get("action_requests"), value.get("review_configs")
    return (
        isinstance(requests, list)
        and bool(requests)
        and isinstance(configs, list)
        and bool(configs)
        and all(isinstance(request["name"], str) and isinstance(request["args"], dict) for request in requests)
        and all(isinstance(config["action_name"], str) and "edit" in config["allowed_decisions"] for config in configs)
        and {request["name"] for request in requests} == {config["action_name"] for config in configs}
    )


def filled_in(answer: str) -> Any:
    """What agent-chat-ui sends when the person has typed into the form."""
    action = {"name": "ask_user", "args": {"question": QUESTION, "answer": answer}}
    return {"resume": {"decisions": [{"type": "edit", "edited_action": action}]}}


async def test_an_agent_asks_is_answered_and_acts(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    request = said("Put the dentist into my calendar.")
    paused: Any = await client.runs.wait(thread, "clarifying_agent", input=request)
    assert is_a_form(paused["__interrupt__"])
    assert paused["__interrupt__"][0]["value"]["action_requests"][0]["args"] == {"question": QUESTION, "answer": ""}
    state: Any = await client.threads.get(thread)
    assert state["status"] == "interrupted"
    for bad in ({"x": 1}, 7, "", [], ["a", "b"], {"decisions": [{"type": "approve"}]}, {"answers": {"x": "y"}}):
        again: Any = await client.runs.wait(thread, "clarifying_agent", command={"resume": bad})
        (pause,) = again["__interrupt__"]
        assert is_a_form([pause]) and pause["value"]["problem"].startswith("That answer cannot be used: "), bad
        assert (await client.threads.get(thread))["status"] == "interrupted"
    result: Any = await client.runs.wait(thread, "clarifying_agent", command=filled_in("On 5 May."))
    assert [message["content"] for message in result["messages"]] == [
        "Put the dentist into my calendar.",
        QUESTION,
        "On 5 May.",
        "",
        "Scheduled dentist on 5 May.",
        "It is in your calendar.",
    ]
    assert result["clarify_values"] == {
        "tool": "schedule",
        "values": {"what": "dentist", "day": "5 May"},
        "sources": {"what": "said", "day": "said"},
    }
    clear: Any = await client.runs.wait(None, "clarifying_agent", input=said("Put the dentist on 5 May."))
    assert "__interrupt__" not in clear and QUESTION not in str(clear)


async def test_a_guess_does_not_run_on_a_server_either(client: LangGraphClient) -> None:
    for answer in ("Never mind, cancel that.", {"decisions": [{"type": "reject", "message": "no"}]}):
        thread = (await client.threads.create())["thread_id"]
        await client.runs.wait(thread, "clarifying_agent", input=said("Put the dentist into my calendar."))
        result: Any = await client.runs.wait(thread, "clarifying_agent", command={"resume": answer})
        assert "Scheduled" not in str(result)


async def test_the_question_is_streamed(client: LangGraphClient) -> None:
    thread = (await client.threads.create())["thread_id"]
    parts = [
        part
        async for part in client.runs.stream(
            thread, "clarifying_agent", input=said("Put the dentist in."), stream_mode=["messages-tuple", "updates"]
        )
    ]
    written = "".join(part.data[0]["content"] for part in parts if part.event == "messages")
    assert written.endswith(QUESTION)
    assert any("__interrupt__" in part.data for part in parts if part.event == "updates")


async def test_the_autodidact_over_http(client: LangGraphClient) -> None:
    result: Any = await client.runs.wait(None, "autodidact", input=said("What is the sum of 2 and 3?"))
    assert result["messages"][-1]["content"] == "The answer is 5."
    assert [turn["text"] for turn in result["trace"]["turns"][1:]] == [
        "The answer is 4.",
        "Count again.",
        "The answer is 5.",
    ]
