"""The MCP server as a client has it: a process behind a pipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sml_agents.traces import TraceStore
from tests.traces.samples import make_trace

mcp = pytest.importorskip("mcp", reason="mcp is not installed: pip install 'sml-agents[mcp]'")
SERVER = ["-m", "sml_agents", "mcp"]


async def test_a_client_asks_its_person_and_reads_traces(tmp_path: Path) -> None:
    from mcp import Client, StdioServerParameters
    from mcp.types import ElicitResult

    with TraceStore.open(tmp_path / "t.sqlite") as store:
        for number in range(3):
            store.add(make_trace(number))
    asked: list[Any] = []
    answers: list[Any] = [
        ElicitResult(action="accept", content={"answer_1": "On 5 May.", "answer_2": "Two."}),
        ElicitResult(action="decline"),
    ]

    async def person(context: Any, params: Any) -> Any:
        asked.append(params)
        return answers[len(asked) - 1]

    command = StdioServerParameters(command=sys.executable, args=[*SERVER, str(tmp_path / "t.sqlite")])
    async with Client(command, elicitation_callback=person) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"ask_user", "export_traces"}
        assert set(tools["ask_user"].input_schema["properties"]) == {"questions"}

        told = await client.call_tool("ask_user", {"questions": ["On which day?", "How many?"]})
        assert told.content[0].text == "On which day? On 5 May.\nHow many? Two."  # type: ignore[union-attr]
        titles = [field["title"] for field in asked[0].requested_schema["properties"].values()]
        assert titles == ["On which day?", "How many?"]
        declined = await client.call_tool("ask_user", {"questions": ["On which day?"]})
        assert "did not answer. Do not guess" in declined.content[0].text  # type: ignore[union-attr]
        empty = await client.call_tool("ask_user", {"questions": []})
        assert empty.is_error

        rows = (await client.call_tool("export_traces", {"limit": 2})).structured_content["result"]
        assert len(rows) == 2 and rows[0]["messages"][-1]["role"] == "assistant"
        wrong = await client.call_tool("export_traces", {"format": "csv"})
        assert wrong.is_error


async def test_a_client_that_cannot_ask_is_told_so() -> None:
    from mcp import Client, StdioServerParameters

    async with Client(StdioServerParameters(command=sys.executable, args=SERVER)) as client:
        told = await client.call_tool("ask_user", {"questions": ["On which day?"]})
        assert not told.is_error and "cannot ask its person" in told.content[0].text  # type: ignore[union-attr]


def test_help_is_help() -> None:
    done = subprocess.run([sys.executable, *SERVER, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "MCP client" in done.stdout


def test_a_store_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *SERVER, str(tmp_path / "none.sqlite")], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
