"""Threads that hand the interpreter to each other sooner, while one of them talks to a database server.

Each answer of the server wakes the thread that waits for it, and when the event loop is busy it gets the interpreter
only after `sys.getswitchinterval()`: 5 ms for each of the statements of a transaction, while dialogues wait for it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quick_handover"]

_SECONDS = 0.0005
_lock = threading.Lock()
_open = 0
_before = _during = 0.0


@contextmanager
def quick_handover() -> Iterator[None]:
    """Within it a thread that waits for the interpreter asks for it after half a millisecond.

    It holds for the whole process, until the last of several at once has ended. A program that chose a shorter time
    keeps it, as does one that chooses another meanwhile.
    """
    global _open, _before, _during
    with _lock:
        _open += 1
        if _open == 1:
            _before = sys.getswitchinterval()
            if _before > _SECONDS:
                sys.setswitchinterval(_SECONDS)
            _during = sys.getswitchinterval()
    try:
        yield
    finally:
        with _lock:
            _open -= 1
            if _open == 0 and _before > _SECONDS and sys.getswitchinterval() == _during:
                sys.setswitchinterval(_before)
