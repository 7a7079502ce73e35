"""`sml-agents mcp`: an MCP server by which any agent can ask its person, over standard input and output."""

from __future__ import annotations

from typing import Annotated

import typer

from sml_agents.cli.result import Result
from sml_agents.errors import InputError, StoreError


def mcp(
    store: Annotated[
        str | None, typer.Argument(help="A trace store whose dialogues may be exported.", metavar="STORE")
    ] = None,
    asker: Annotated[
        str | None, typer.Option(metavar="SPEC", help="Serve find_missing, too: asker: (ready) or asker:FOLDER.")
    ] = None,
) -> Result:
    """Serve `ask_user` (and `export_traces`, with a store) to an MCP client, until it closes."""
    from sml_agents.agents.mcp_server import serve

    try:
        serve(store, asker)
    except StoreError as error:
        raise InputError(str(error)) from error
    return Result({})
