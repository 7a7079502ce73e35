"""`sml-agents view`: a local page to look at traces and to review lessons."""

from __future__ import annotations

from typing import Annotated

import typer

from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError, StoreError


def view(
    store: Annotated[str, typer.Argument(metavar="STORE", help="The store: a file or a database URL.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="P", help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look only: no decisions on lessons.")] = False,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open it in the browser.")] = True,
    json: JsonFlag = False,
) -> Result:
    """Look at traces and review lessons, on a page of this machine.

    Lists, searches and filters; shows turns, calls, acts, verdicts and evidence; accepts, rejects and edits lessons.
    The page is served to this machine alone, under an address with a token in it, until Ctrl-C.
    """
    import asyncio

    from sml_agents.traces import TraceStore
    from sml_agents.viewer import Viewer
    from sml_agents.viewer.server import serve

    try:
        traces = TraceStore.open(store, create=False, read_only=read_only)
    except StoreError as error:
        raise InputError(str(error)) from error
    with traces:
        viewer = Viewer(traces, writable=not read_only)

        def ready(address: str) -> None:
            import sys
            import webbrowser

            print(f"{store}: {address}  (Ctrl-C ends it)", file=sys.stderr if json else sys.stdout, flush=True)
            if open_browser:
                webbrowser.open(address)

        asyncio.run(serve(viewer, port, ready))
    return Result({"store": store, "decided": viewer.decided}, lambda: print(f"{viewer.decided:,} decisions"))
