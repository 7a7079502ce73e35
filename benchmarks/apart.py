"""Work in a process of its own: `alone(train, folder)`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from sml_agents.errors import SmlError

__all__ = ["alone"]


def alone(work: Callable[..., Any], *arguments: Any, patience: float = 60) -> Any:
    """What `work` returns, done in a process of its own, so that the memory of one training does not stay for the next.

    Interrupted, this one waits for it as long, in seconds, then ends it: what a terminal sends reaches both, and the
    work may have something to put away; what comes to this process alone does not.

    Raises:
        SystemExit: the work failed; it has said why.
    """
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(there, work, arguments))
    process.start()
    there.close()
    result = None
    try:
        with suppress(EOFError):
            result = here.recv()
        process.join()
    except BaseException:
        for end in (process.terminate, process.kill):
            process.join(patience)
            end()
        process.join()
        raise
    if process.exitcode:
        raise SystemExit(1)
    return result


def _report(there: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        there.send(work(*arguments))
    except SmlError as error:
        sys.exit(f"error: {error}")
