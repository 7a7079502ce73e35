"""`python -m sml_agents`, and the console script `sml-agents`: light enough that an early Ctrl-C finds it in place."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

__all__ = ["run"]

_INTERRUPTED = 130


def run() -> int:
    """Run the command line; what is interrupted while it is still being loaded ends as any other command does."""
    _open_standard_streams()
    try:
        from sml_agents.cli import main

        code = main()
    except KeyboardInterrupt:
        print("sml-agents: interrupted", file=sys.stderr)
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        _end_now(code)
    signal.signal(signal.SIGINT, lambda *_: _end_now(code))  # all is done, only the interpreter has to end
    return code


def _open_standard_streams() -> None:
    """Put nothing, `os.devnull`, in the place of what was closed (`<&-`): the next file to be opened would take it,
    and get what is printed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    for number, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace"))


def _end_now(code: int) -> None:
    """End without waiting for threads, such as one that loads weights: what is kept was written before."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(run())
