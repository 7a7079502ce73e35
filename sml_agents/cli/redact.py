"""`sml-agents redact`: take secrets out of conversations that are recorded already."""

from __future__ import annotations

from typing import Annotated

import typer

from sml_agents.cli.files import open_store, same_place
from sml_agents.cli.result import JsonFlag, Result, kept
from sml_agents.errors import InputError


def redact(
    logs: Annotated[str, typer.Argument(metavar="STORE", help="The store to read; it is left as it is.")],
    store: Annotated[str, typer.Option(metavar="PATH|URL", help="The store for the redacted conversations.")],
    personal: Annotated[
        bool, typer.Option("--redact-personal", help="Also mail addresses, phone, card and account numbers.")
    ] = False,
    json: JsonFlag = False,
) -> Result:
    """Copy a store with its secrets taken out.

    What was recorded or imported before a rule was there is brought up to it. The old store stays: delete it, and its
    copies, when you have looked at the new one.
    """
    from sml_agents.traces import Redactor

    if same_place(logs, store):
        raise InputError("--store is the store itself: name another one, and delete this when you have looked at it")
    copied = 0
    told = kept(f"{store} holds a part, and the same command copies the rest")
    with told, open_store(logs) as old, open_store(store, write=True, redactor=Redactor(personal=personal)) as new:
        for copied, trace in enumerate(old.traces(), start=1):  # noqa: B007
            new.add(trace)
    return Result({"store": store, "copied": copied}, lambda: print(f"{copied:,} conversations in {store}"))
