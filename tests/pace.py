"""Limits of processor time that mean the same on slow machines and on fast ones."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

YARDSTICK = 0.05
"""Seconds that `yardstick` takes where the limits were written."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done here takes less processor time than that: in seconds of a machine on which a piece of everyday
    Python takes `YARDSTICK`. One that is slower, or shared with others, has as much more."""
    before = yardstick()
    began = time.process_time()
    yield
    spent = time.process_time() - began
    slower = max(1.0, before / YARDSTICK, yardstick() / YARDSTICK)
    assert spent < seconds * slower, f"{spent:.2f} s on a machine {slower:.1f} times as slow, of {seconds}"


def yardstick() -> float:
    """The seconds of processor time of a fixed piece of work: strings, a regular expression, a dictionary."""
    began = time.process_time()
    counts = Counter(part for k in range(20_000) for part in re.findall(r"[a-z]+|\d+", f"word {k % 97}, {k}"))
    assert len(counts) > 20_000 - 97
    return time.process_time() - began
