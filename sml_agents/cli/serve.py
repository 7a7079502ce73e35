"""`sml-agents serve`: a model behind an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sml_agents.cli.result import JsonFlag, Result
from sml_agents.errors import InputError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from sml_agents.serving.server import Served

KEY = "SML_AGENTS_KEY"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    model: Annotated[str, typer.Argument(metavar="FOLDER|BACKEND", help="A model's folder, or any backend's spec.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What clients call the model; the folder's name if not said.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0 takes any that is free.")] = 8000,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", envvar=KEY, show_envvar=False, help=f"Or {KEY}, which others can't see."),
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Listen beyond this machine without a key.")] = False,
    at_once: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="Replies under way or waiting at most.")
    ] = 128,
    max_tokens: Annotated[
        int, typer.Option(min=1, max=1_000_000, metavar="N", help="Tokens of a reply at most.")
    ] = 4096,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="For one reply.")] = 300.0,
    body_kb: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="KIB", help="Largest request.")] = 2048,
    grace: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="For replies under way when it is to stop.")
    ] = 60.0,
    json: JsonFlag = False,
) -> Result:
    """Serve a model to clients of OpenAI's chat completions, until SIGTERM or Ctrl-C.

    What runs then is finished; a second signal ends at once.
    """
    if host not in _LOOPBACK and not key and not open:
        raise InputError(f"whoever reaches {host!r} could use the model: set {KEY}, or say --open")
    if key is not None and len(key.strip()) < 8:
        raise InputError("a key of less than 8 characters is soon guessed: take a longer one")
    from sml_agents.backends import resolve
    from sml_agents.rollout.signals import run_until_signal
    from sml_agents.serving import ServingSettings
    from sml_agents.serving import serve as serve_models

    given = {"key": key, "host": host, "port": port, "at_once": at_once, "max_tokens": max_tokens}
    settings = ServingSettings.model_validate({**given, "timeout": timeout, "body_kb": body_kb, "grace": grace})
    is_folder = Path(model).expanduser().is_dir()
    if not is_folder and Path(model).name != model and ":" not in model:
        raise InputError(f"there is no folder {model}: give a model's folder, or a spec such as openai:MODEL@URL")
    found = resolve(f"transformers:{model}" if is_folder else model)
    called = name or _name(found, model)

    if (load := getattr(found, "load", None)) is not None:
        load()

    async def run(stop: asyncio.Event) -> Served:
        return await serve_models({called: found}, settings, stop=stop, ready=tell)

    def tell(address: str) -> None:
        print(f"{called} at {address} (Ctrl-C ends it)", file=sys.stderr, flush=True)

    served = run_until_signal(run)
    counts = {name: asdict(served)[name] for name in ("requests", "failed", "refused", "tokens")}
    return Result({"model": called, **counts}, lambda: print(_summary(served)))


def _name(model: BaseChatModel, given: str) -> str:
    """The model's own name, without the folders before it."""
    known = getattr(model, "model", None) or getattr(model, "name", None) or given
    return Path(str(known)).name or "model"


def _summary(served: Served) -> str:
    return (
        f"{served.requests} requests ({served.failed} failed), {served.refused} refused, "
        f"{served.tokens} tokens generated"
    )
