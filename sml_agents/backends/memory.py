"""What the C library holds free: kept for the next step, or given back to the system. Only glibc is spoken to."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["freed_memory_kept", "give_back_freed_memory"]

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_KEEPING = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 256 * 2**20}
_USUAL = {_MMAP_MAX: 65536, _TRIM_THRESHOLD: 128 * 1024, _TOP_PAD: 128 * 1024}
"""What glibc starts with: it tells nobody what is set."""


@contextmanager
def freed_memory_kept(wanted: bool = True) -> Iterator[None]:
    """Have the C library keep freed memory for the next step instead of giving it back to the system, until the end.

    A step on CPU frees and asks again for hundreds of megabytes, and each page costs a fault: measured at a third of
    the time of a step, and more in virtual machines. At the end all that is free goes back, wanted or not. Does nothing
    where the C library is another one than glibc.
    """
    library = _glibc()
    if library is not None and wanted:
        for name, value in _KEEPING.items():
            library.mallopt(name, value)
    try:
        yield
    finally:
        if library is not None and wanted:
            for name, value in _USUAL.items():
                library.mallopt(name, value)
        gc.collect()  # a trainer and its callbacks hold each other
        give_back_freed_memory()


def give_back_freed_memory() -> None:
    """To the system, all that the C library holds free at present, wherever it lies between what is in use."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@functools.cache
def _glibc() -> Any:
    import ctypes

    try:
        library = ctypes.CDLL(None)
        return library if library.mallopt and library.malloc_trim else None
    except (OSError, TypeError, AttributeError):
        return None
