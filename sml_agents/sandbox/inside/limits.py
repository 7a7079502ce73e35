"""What a program may use up, and who it is."""

from __future__ import annotations

import math
import os
import resource
from typing import Any

from sml_agents.sandbox.inside.kernel import drop_capabilities

__all__ = ["become_nobody", "give_up_capabilities", "limit"]


def limit(settings: dict[str, Any], *, own_count: bool) -> None:
    """Sets the resource limits. `own_count`: processes are counted for this sandbox alone, so they can be limited."""
    bounds = {
        resource.RLIMIT_AS: settings["memory"],
        resource.RLIMIT_FSIZE: settings["file_size"],
        resource.RLIMIT_NOFILE: settings["descriptors"],
        resource.RLIMIT_CPU: math.ceil(settings["seconds"]),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if own_count:
        bounds[resource.RLIMIT_NPROC] = settings["threads"]
    for what, most in bounds.items():
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def become_nobody(user: int) -> None:
    """Root gives up its identity for good. Raises OSError where there is no such user to become."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def give_up_capabilities() -> None:
    drop_capabilities()
