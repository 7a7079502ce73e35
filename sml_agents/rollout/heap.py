"""Keeps the garbage collector off the objects that were there before a run."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["settled_heap"]

_FROZEN_BY_OTHERS = 10_000
"""More frozen objects than an interpreter starts with: the program froze its heap itself, and keeps it so."""
_NEW_OBJECTS = 10_000
"""That many new objects between two collections, where the interpreter would collect at 700. Dialogues at once hold
tens of thousands that are in use; looking through them so often was an eighth of a request's time."""
_lock = threading.Lock()
_open, _frozen = 0, False
_before: tuple[int, int, int] | None = None


@contextmanager
def settled_heap() -> Iterator[None]:
    """Within it the garbage collector passes over every object made before, and comes by less often.

    The libraries leave some half a million objects that outlive any run, and every full collection looks at all of
    them. Garbage from before is freed after the last of several runs at once; what a run makes is collected as ever. A
    program that froze its heap, or chose a threshold of its own that is higher, or 0, keeps it.
    """
    global _open, _frozen, _before
    with _lock:
        _open += 1
        if _open == 1:
            if _frozen := gc.get_freeze_count() < _FROZEN_BY_OTHERS:
                gc.freeze()
            threshold = gc.get_threshold()
            _before = threshold if 0 < threshold[0] < _NEW_OBJECTS else None
            if _before is not None:
                gc.set_threshold(_NEW_OBJECTS, *_before[1:])
    try:
        yield
    finally:
        with _lock:
            _open -= 1
            if _open == 0:
                if _frozen:
                    gc.unfreeze()
                if _before is not None:
                    gc.set_threshold(*_before)
