"""Training in several processes: how many there are, which one speaks for all, and what all must agree on.

Whatever decides how training goes on (time, a measure, a number of rows) is decided once: processes that judge by
themselves drift apart, or wait for each other for ever.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["agreed", "device_names", "is_main_process", "largest", "process_count", "wait_for_all"]


def process_count() -> int:
    """How many torchrun or `accelerate launch` started; 1 alone. Known before torch is imported."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Of those that were started together, the first; alone, always."""
    return os.environ.get("RANK", "0") == "0"


def agreed(value: float) -> float:
    """The first process's `value`, in all of them. Every process has to call it."""
    from accelerate import PartialState  # type: ignore[import-untyped]
    from accelerate.utils import broadcast  # type: ignore[import-untyped]

    state = PartialState()
    if state.num_processes == 1:
        return value
    import torch

    return float(broadcast(torch.tensor([value], dtype=torch.float64, device=state.device)))


def largest(value: int) -> int:
    """The largest `value` of all processes. Every process has to call it."""
    from accelerate import PartialState
    from accelerate.utils import gather

    state = PartialState()
    if state.num_processes == 1:
        return value
    import torch

    return int(gather(torch.tensor([value], device=state.device)).max())


def wait_for_all() -> None:
    """Go on when every process has come here."""
    from accelerate import PartialState

    PartialState().wait_for_everyone()


def device_names(device: str) -> list[str]:
    """The name of the device of each process. Every process has to call it."""
    from accelerate.utils import gather_object

    names: list[str] = gather_object([_device_name(device)])
    return names


def _device_name(device: str) -> str:
    if device != "cpu":
        import torch

        return str(torch.cuda.get_device_name())
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8", errors="replace").splitlines() if about.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
