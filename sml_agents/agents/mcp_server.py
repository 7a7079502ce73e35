"""An MCP server with three tools: `ask_user`, `export_traces` out of a trace store, and `find_missing` of the asker.

    sml-agents mcp [STORE] [--asker asker:]

It speaks over standard input and output, as desktop clients start their servers. `ask_user` asks through the client
(MCP's elicitation), so any agent behind the client can ask its person. `export_traces` is there when a store, a path
or URL, is given; it only reads, and its rows hold nothing private. `find_missing` is there when an asker is given.
Needs the `mcp` extra.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

try:
    from mcp.server import MCPServer
    from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
except ImportError as error:
    from sml_agents.errors import MissingExtra

    raise MissingExtra("The MCP server", "mcp") from error
import orjson
from pydantic import BaseModel, Field, create_model

from sml_agents.agents.asker import drafted, tool_view
from sml_agents.agents.asking import Question
from sml_agents.agents.delivery import answered
from sml_agents.asker import Said, load_asker
from sml_agents.data.export import export
from sml_agents.data.selection import TraceFilter
from sml_agents.rollout.signals import in_thread
from sml_agents.traces import TraceStore

__all__ = ["build_server", "serve"]

DECLINED = "The person did not answer. Do not guess: leave out what needs it, and say what you do not know."
NO_PERSON = "This client cannot ask its person (it has no elicitation): ask in your own words, and wait for the answer."
Format = Literal["trl", "trl-prompt-completion", "preference", "kto", "openai", "sharegpt"]


def _form(questions: list[str], context: Context) -> Elicit[BaseModel] | None:
    """A form with a text field for each question; None where the client shows no forms."""
    able = context.client_capabilities.elicitation if context.client_capabilities else None
    if able is None or (able.form is None and able.url is not None):
        return None
    fields: Any = {f"answer_{k}": (str, Field(title=text)) for k, text in enumerate(questions, start=1)}
    return Elicit("\n".join(questions), create_model("Answers", **fields))


def ask_user(
    questions: Annotated[list[str], Field(min_length=1, description="Short questions, each about one thing.")],
    given: Annotated[ElicitationResult[BaseModel], Resolve(_form)],
) -> str:
    """Ask the person for what you need to know and cannot find out yourself. Returns their answers."""
    if not isinstance(given, AcceptedElicitation):
        return DECLINED
    form: BaseModel | None = given.data  # whatever the type says, a client may accept with nothing
    if form is None:
        return NO_PERSON
    return answered([Question(text=text) for text in questions], list(form.model_dump().values()))


def _finder(spec: str) -> Callable[..., dict[str, Any]]:
    asker = load_asker(spec)

    def find_missing(
        tool: Annotated[dict[str, Any], Field(description="The tool: name, description and JSON schema.")],
        said: Annotated[list[str], Field(min_length=1, description="What the person and you said, in turn.")],
        arguments: Annotated[dict[str, Any] | None, Field(description="Of the call that you draft.")] = None,
    ) -> dict[str, Any]:
        """How likely it is that nobody gave the value of each required argument, and which to ask the person for."""
        view, slots = tool_view(tool)
        talk = [Said("assistant" if place % 2 else "user", text) for place, text in enumerate(said)]
        drafts = None if arguments is None else drafted(slots, arguments)
        missing = asker.missing(view, talk, drafts)
        line = asker.record.threshold if drafts is None else asker.record.drafted
        ask = {name: slots[name].question().text for name, p in missing.items() if p >= line}
        return {"missing": missing, "ask": ask}

    return find_missing


def build_server(store: str | None = None, asker: str | None = None) -> MCPServer:
    """The server, not yet running. Raises StoreError for a store that cannot be read, InputError where there is no such
    asker."""
    server = MCPServer("sml-agents")
    server.add_tool(ask_user)
    if asker is not None:
        server.add_tool(_finder(asker))
    if store is None:
        return server
    TraceStore.open(store, read_only=True).close()

    def export_traces(
        format: Format = "openai",
        solved: bool | None = None,
        limit: Annotated[int, Field(ge=1, le=1000)] = 100,
    ) -> list[dict[str, Any]]:
        """Dialogues of the trace store as training rows, at most `limit`; `solved`: only solved or unsolved ones."""
        with TraceStore.open(store, read_only=True) as traces, tempfile.TemporaryDirectory() as folder:
            rows = Path(folder, "rows.jsonl")
            export(traces.traces(), format, rows, TraceFilter(solved=solved))
            with rows.open("rb") as lines:
                return [orjson.loads(line) for line in islice(lines, limit)]

    server.add_tool(export_traces)
    return server


def serve(store: str | None = None, asker: str | None = None) -> None:
    """Serve until the client closes; raises what `build_server` raises.

    Not in the main thread: the protocol's reader waits for the next line of standard input, and Ctrl-C for the reader.
    """
    in_thread(build_server(store, asker).run, "mcp")
