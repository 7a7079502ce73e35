"""The asker that comes with the package, where it is used: in an agent, as a decision model, on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.decisions import Noul
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel, Field

from sml_agents.agents import ClarifyMiddleware, DecisionModel
from sml_agents.agents.asker import AskerDecider, tool_view
from sml_agents.agents.asking import asked_by
from sml_agents.agents.deciders import as_decider
from sml_agents.agents.view import AgentView
from sml_agents.asker import Said, ToolView, load_asker
from sml_agents.asker.load import READY
from sml_agents.backends.scripted import Rule, ScriptedCall, ScriptedModel
from sml_agents.cli.entry import main
from sml_agents.cli.files import read_tools
from sml_agents.errors import InputError

TABLE = {
    "name": "book_table",
    "description": "Reserve a table at a restaurant.",
    "parameters": {
        "type": "object",
        "properties": {
            "place": {"type": "string", "description": "Name of the restaurant"},
            "day": {"type": "string", "description": "Day of the visit"},
            "note": {"type": "string"},
        },
        "required": ["place", "day"],
    },
}
WEATHER = {
    "name": "get_weather",
    "description": "Get the weather forecast of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def view(*messages: Any, calls: tuple[Any, ...] = (), tools: tuple[Any, ...] = (TABLE, WEATHER)) -> AgentView:
    return AgentView(messages, calls, bool(calls), {one["name"]: one for one in tools})


def call(**arguments: Any) -> Any:
    return {"name": "book_table", "args": arguments, "id": "1", "type": "tool_call"}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Please book a table at Luigi's Trattoria.", ["day"]),
        ("Please book a table for Friday, May 7th.", ["place"]),
        ("Please book a table at Luigi's Trattoria on Friday, May 7th.", []),
        ("Reserve a table at the Golden Duck for next Monday.", []),
        ("I would like to reserve a table at Chez Marie.", ["day"]),
        ("What will the weather be like in Oslo?", []),
        ("I need a weather forecast.", ["city"]),
    ],
)
async def test_it_asks_for_what_is_missing_and_for_nothing_else(text: str, asked: list[str]) -> None:
    questions = await AskerDecider().questions(view(HumanMessage(text)))
    assert [question.about for question in questions] == asked


async def test_a_drafted_value_that_nobody_gave_is_asked_for() -> None:
    said = HumanMessage("Please book a table at Luigi's Trattoria.")
    made_up = await AskerDecider().questions(view(said, calls=(call(place="Luigi's Trattoria", day="Sunday"),)))
    assert [question.about for question in made_up] == ["day"]
    whole = HumanMessage("Please book a table at Luigi's Trattoria on Sunday.")
    given = await AskerDecider().questions(view(whole, calls=(call(place="Luigi's Trattoria", day="Sunday"),)))
    assert given == []


async def test_what_was_told_in_a_later_turn_counts() -> None:
    talk = [HumanMessage("Please book a table on Sunday."), AIMessage("What is the place?"), HumanMessage("Luigi's.")]
    found = AskerDecider().probabilities(view(*talk, tools=(TABLE,)))
    before = AskerDecider().probabilities(view(talk[0], tools=(TABLE,)))
    assert found["place"] < 0.5 < before["place"]


async def test_it_says_nothing_where_there_is_nothing_to_read() -> None:
    decider = AskerDecider()
    assert await decider.questions(view()) == []
    assert await decider.questions(view(HumanMessage("Book it"), tools=())) == []
    unknown = {**call(place="x"), "name": "other"}
    assert await decider.questions(view(HumanMessage("Book it"), calls=(unknown,))) == []


def test_tools_of_every_kind_are_seen_alike() -> None:
    class Booking(BaseModel):
        place: str = Field(description="Name of the restaurant")
        day: str = Field(description="Day of the visit")
        note: str = ""

    @tool(args_schema=Booking)
    def book_table(place: str, day: str, note: str = "") -> str:
        """Reserve a table at a restaurant."""
        return "done"

    ours, _ = tool_view(book_table)
    theirs, _ = tool_view(TABLE)
    wrapped, _ = tool_view({"type": "function", "function": TABLE})
    assert [(one.name, one.description, one.required) for one in ours.arguments][:2] == [
        (one.name, one.description, one.required) for one in theirs.arguments
    ][:2]
    assert ours.purpose == theirs.purpose.rstrip() or ours.purpose
    assert wrapped == theirs
    assert {one.name for one in ours.arguments if not one.required} == {"note"}


def test_a_spec_is_a_decider_and_so_is_a_folder(tmp_path: Path) -> None:
    assert isinstance(as_decider("asker:"), AskerDecider)
    assert isinstance(as_decider(f"asker:{READY}"), AskerDecider)
    with pytest.raises(InputError, match="holds no asker"):
        as_decider(f"asker:{tmp_path}")


def test_as_a_decision_model_it_gives_probabilities() -> None:
    model = DecisionModel(decider="asker:")
    state = {"messages": [("user", "Please book a table at Luigi's Trattoria.")], "tools": [TABLE]}
    answer = model.invoke(
        {"state": state, "questions": {"day": Noul(instructions="?"), "place": Noul(instructions="?")}}
    )
    assert answer.nouls["day"].noul > 0.5 > answer.nouls["place"].noul
    assert answer.nouls["place"].noul > 0


def test_an_agent_asks_first_and_books_then() -> None:
    booked: list[dict[str, str]] = []

    class Booking(BaseModel):
        place: str = Field(description="Name of the restaurant")
        day: str = Field(description="Day of the visit")

    @tool(args_schema=Booking)
    def book_table(place: str, day: str) -> str:
        """Reserve a table at a restaurant."""
        booked.append({"place": place, "day": day})
        return "booked"

    call = ScriptedCall(name="book_table", args={"place": "Luigi's Trattoria", "day": "Sunday"})
    rules = (Rule(when="booked", reply="Done."), Rule(when="/Luigi|Sunday/", reply="", calls=(call,)))
    agent = create_agent(
        ScriptedModel(replies=rules),
        [book_table],
        middleware=[ClarifyMiddleware("asker:")],
        checkpointer=InMemorySaver(),
    )
    config: Any = {"configurable": {"thread_id": "1"}}
    first = agent.invoke({"messages": [("user", "Please book a table at Luigi's Trattoria.")]}, config)
    assert [question.about for question in asked_by(first["messages"][-1])] == ["day"]
    assert booked == []
    agent.invoke({"messages": [("user", "On Sunday.")]}, config)
    assert booked == [{"place": "Luigi's Trattoria", "day": "Sunday"}]


def test_the_command_shows_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([TABLE, WEATHER]), encoding="utf-8")
    assert main(["ask", "--tools", str(tools), "Please book a table at Luigi's Trattoria."]) == 0
    shown, noise = capsys.readouterr()
    assert "Loading" not in noise
    assert "book_table: asks from" in shown
    assert "day of the visit?" in shown
    assert '= "Luigi\'s Trattoria"' in shown
    said = ["ask", "--tools", str(tools), "--json", "Please book a table at Luigi's.", "What day?", "Sunday"]
    assert main([*said, "--tool", "book_table", "--call", '{"place": "Luigi\'s", "day": "Sunday"}']) == 0
    assert json.loads(capsys.readouterr().out)["asks"] is False


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["hi", "--tool", "other"], "is named 'other'"),
        ([" "], "a message is empty"),
        (["hi", "what?"], "last message is the agent's"),
        (["hi", "--call", "{}"], "--call needs --tool"),
        (["hi", "--call", "{", "--tool", "get_weather"], "not JSON"),
        (["hi", "--call", "[]", "--tool", "get_weather"], "JSON object"),
        (["hi", "--call", '{"wen": 1}', "--tool", "get_weather"], "get_weather has no argument wen: it has"),
        (["hi", "--asker", "asker:/nowhere"], "holds no asker"),
        (["hi", "--asker", "embedded:"], "is no asker"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([TABLE, WEATHER]), encoding="utf-8")
    assert main(["ask", "--tools", str(tools), *arguments]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[3]",
        '{"name": 1}',
        '{"name": "f", "parameters": {"properties": 5}}',
        '{"name": " "}',
        '{"name": "f", "parameters": {"properties": {"": {}}, "required": [""]}}',
        '[{"name": "f"}, {"name": "f"}]',
        '[{"type": "web_search"}]',
        '{"name": "f", "parameters": ' + '{"properties": {"a": ' * 400 + "{}" + "}}" * 400 + "}",
    ],
)
def test_a_file_without_tools_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(text, encoding="utf-8")
    assert main(["ask", "--tools", str(tools), "hi"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


_FLAT = {"name": "book", "description": "Book.", "inputSchema": {"properties": {"day": {}}, "required": ["day"]}}


@pytest.mark.parametrize(
    "given",
    [
        {"tools": [_FLAT]},
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [_FLAT]}},
        {"functionDeclarations": [{"name": "book", "parameters": _FLAT["inputSchema"]}]},
        [{"toolSpec": {"name": "book", "inputSchema": {"json": _FLAT["inputSchema"]}}}],
        [{"type": "web_search"}, _FLAT],
    ],
)
def test_tools_are_read_in_every_form(given: object, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps(given), encoding="utf-8")
    (tool,) = read_tools(tools)
    assert list(tool_view(tool)[1]) == ["day"]


@pytest.mark.parametrize(
    ("schema", "call"),
    [
        ({"matrix": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}}, {"matrix": [[1, 2]]}),
        ({"a.b": {"type": "string"}}, {"a.b": "x"}),
        ({"a[]": {"type": "string"}}, {"a[]": "x"}),
    ],
)
def test_a_drafted_call_may_hold_what_the_tool_takes(
    schema: dict[str, Any], call: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools = tmp_path / "tools.json"
    tool = {"name": "f", "parameters": {"type": "object", "properties": schema, "required": list(schema)}}
    tools.write_text(json.dumps(tool), encoding="utf-8")
    assert main(["ask", "--tools", str(tools), "Do it with 1 and 2.", "--call", json.dumps(call)]) == 0
    assert "f: asks from" in capsys.readouterr().out


def test_what_is_no_text_is_read_and_cannot_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tools = tmp_path / "tools.json"
    tool = {"name": "book\x1b[31m", "parameters": {"properties": {"day\x1b[2J\n": {}}, "required": ["day\x1b[2J\n"]}}
    tools.write_text(json.dumps(tool), encoding="utf-8")
    assert main(["ask", "--tools", str(tools), "--tool", str(tool["name"]), "Caf\udce9 tomorrow"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_a_value_that_was_not_made_out_is_not_shown_as_told() -> None:
    view = ToolView.read(
        {
            "name": "ship",
            "description": "Ship a parcel.",
            "parameters": {
                "properties": {name: {"type": "string"} for name in ("street", "city")},
                "required": ["street", "city"],
            },
        }
    )
    told = load_asker("asker:").fill(view, [Said("user", "Ship it to 12 Baker Street.")]).told
    assert len([one for one in told.values() if one.found and one.value == "12 Baker Street"]) <= 1


def test_a_long_enum_is_copied_and_a_long_message_read_at_its_end() -> None:
    places = [f"place {number}" for number in range(3000)]
    schema = {"properties": {"place": {"enum": places}}, "required": ["place"]}
    view = ToolView.read({"name": "book", "description": "Book a place.", "parameters": schema})
    filled = load_asker("asker:").fill(view, [Said("user", "Well, 1 moment. " * 20_000 + "Book place 77, please.")])
    assert filled.told["place"].value == "place 77"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 99}, "version"),
        ({"threshold": float("nan")}, "threshold"),
        ({"told": {"banana": 0.1}}, "banana"),
        ({"told": {"text": 7.0}}, "told"),
    ],
)
def test_a_damaged_record_is_refused(changes: dict[str, Any], reason: str, tmp_path: Path) -> None:
    record = {**json.loads((READY / "asker.json").read_text(encoding="utf-8")), **changes}
    (tmp_path / "asker.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match=reason):
        load_asker(f"asker:{tmp_path}")


@pytest.mark.parametrize("tool", [TABLE, "book_table"])
def test_a_tool_that_was_not_read_is_refused(tool: Any) -> None:
    with pytest.raises(InputError, match=r"ToolView\.read"):
        load_asker("asker:").missing(tool, [Said("user", "A table, please.")])


def test_messages_that_are_no_messages_are_refused() -> None:
    with pytest.raises(InputError, match="Said"):
        load_asker("asker:").missing(ToolView.read(TABLE), ["A table, please."])  # type: ignore[list-item]


async def test_it_is_a_tool_over_mcp() -> None:
    pytest.importorskip("mcp", reason="mcp is not installed: pip install 'sml-agents[mcp]'")
    from mcp import Client

    from sml_agents.agents.mcp_server import build_server

    async with Client(build_server(asker="asker:")) as client:
        given = {"tool": TABLE, "said": ["Please book a table at Luigi's Trattoria."]}
        found = await client.call_tool("find_missing", given)
        assert found.structured_content is not None
        assert set(found.structured_content["ask"]) == {"day"}
        assert set(found.structured_content["missing"]) == {"place", "day"}


def test_the_weights_are_small_and_their_card_says_what_they_are() -> None:
    files = {path.name: path.stat().st_size for path in READY.iterdir()}
    assert set(files) == {"README.md", "adapter_config.json", "adapter_model.safetensors", "asker.json"}
    assert sum(files.values()) <= 6_000_000
    card = (READY / "README.md").read_text(encoding="utf-8")
    record = load_asker("asker:").record
    assert f"{record.threshold}" in card
    for needed in ("Apache-2.0", "Where it fails", "held out", "BFCL", "Seal-Tools"):
        assert needed in card


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc says what is resident")
def test_what_loading_took_is_given_back() -> None:
    """The base is read whole and then kept in a byte a weight: what it took before was kept by the C library."""
    program = """
import transformers.models.llama.modeling_llama
from pathlib import Path
from sml_agents.asker import Said, ToolView, load_asker

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

before = resident()
load_asker("asker:").model
print(resident() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 130 < float(done.stdout) < 250
