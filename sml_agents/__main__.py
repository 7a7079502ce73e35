"""`python -m sml_agents`, and the console script `sml-agents`: light enough that an early Ctrl-C finds it in place."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

__all__ = ["run"]

_INTERRUPTED, _SAID = 130, "sml-agents: interrupted\n"


def run() -> int:
    """Run the command line; what is interrupted while it is still being loaded ends as any other command does."""
    # A KeyboardInterrupt among imports may be lost in a callback of Python's own; nothing is at work yet.
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: _end_now(_INTERRUPTED, _SAID))
    _open_standard_streams()
    from sml_agents.cli import main

    signal.signal(signal.SIGINT, usual)
    try:
        code = main()
    except KeyboardInterrupt:
        _end_now(_INTERRUPTED, _SAID)
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


def _end_now(code: int, said: str = "") -> NoReturn:
    """End without waiting for threads, such as one that loads weights: what is kept was written before."""
    with suppress(OSError):
        os.write(2, said.encode())
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(run())
