"""What tests ask of processes."""

from __future__ import annotations

import os


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
