"""Work in a process of its own: `alone(train, folder)`."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

__all__ = ["alone"]


def alone(work: Callable[..., Any], *arguments: Any, patience: float = 60) -> None:
    """Do `work` in a process of its own, so that the memory of one training does not stay for the next.

    Interrupted, this one waits for it as long, in seconds, then ends it: what a terminal sends reaches both, and the
    work may have something to put away; what comes to this process alone does not.

    Raises:
        SystemExit: the work failed; it has said why.
    """
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    try:
        process.join()
    except BaseException:
        for end in (process.terminate, process.kill):
            process.join(patience)
            end()
        process.join()
        raise
    if process.exitcode:
        raise SystemExit(1)
