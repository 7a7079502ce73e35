"""Keeps the garbage collector off the objects that were there before a run."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["settled_heap"]

_FROZEN_BY_OTHERS = 10_000
"""More frozen objects than an interpreter starts with: the program froze its heap itself, and keeps it so."""
_lock = threading.Lock()
_open, _ours = 0, False


@contextmanager
def settled_heap() -> Iterator[None]:
    """Within it the garbage collector passes over every object made before.

    The libraries leave some half a million objects that outlive any run, and every full collection looks at all of
    them. Garbage from before is freed after the last of several
    runs at once; what a run makes is collected as ever.
    """
    global _open, _ours
    with _lock:
        _open += 1
        if _open == 1 and gc.get_freeze_count() < _FROZEN_BY_OTHERS:
            gc.freeze()
            _ours = True
    try:
        yield
    finally:
        with _lock:
            _open -= 1
            if _open == 0 and _ours:
                gc.unfreeze()
                _ours = False
