"""CPU threads for torch, set so that a busy machine does not collapse.

OpenMP's threads spin while they wait. With as many of them as cores, and one core busy with anything else, they take
the time from the one thread that works: on 2 cores, generation fell from 12.5 to 2.0 tokens/s. So they are told to
sleep instead, which has to happen before torch is loaded; what a user has set in the environment stays.
"""

from __future__ import annotations

import os
import sys

__all__ = ["available_cpus", "prepare_threads", "set_threads"]

_SLEEP_WHEN_WAITING = {"KMP_BLOCKTIME": "0", "OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}


def prepare_threads() -> bool:
    """Set the environment; call it before torch is imported. Returns False when torch was there already."""
    for name, value in _SLEEP_WHEN_WAITING.items():
        os.environ.setdefault(name, value)
    return "torch" not in sys.modules


def available_cpus() -> int:
    """CPUs that this process may use (cgroup quotas are not seen)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(threads: int | None) -> int:
    """Give torch `threads` CPU threads and return their number.

    None leaves `OMP_NUM_THREADS` or an earlier `torch.set_num_threads` in force, else takes one thread for each CPU
    this process may use, 8 at most: beyond that, small models get slower.
    """
    prepare_threads()
    import torch

    if threads is None and "OMP_NUM_THREADS" not in os.environ:
        threads = min(available_cpus(), 8, torch.get_num_threads())
    if threads is not None and threads != torch.get_num_threads():
        torch.set_num_threads(threads)
    return torch.get_num_threads()
