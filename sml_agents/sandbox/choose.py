"""Which sandbox, and how much isolation has to be there."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

from sml_agents.errors import InputError, SandboxError
from sml_agents.sandbox.guests import Sandbox
from sml_agents.sandbox.isolation import Level
from sml_agents.sandbox.local import LocalSandbox

__all__ = ["least_isolation", "open_sandbox"]

_NAMES = "local, bubblewrap, docker:IMAGE or podman:IMAGE"


def open_sandbox(name: str | None = None) -> Sandbox:
    """The process's own sandbox of this name: `local`, `bubblewrap`, `docker:IMAGE`, `podman:IMAGE`.

    None: the name in SML_AGENTS_SANDBOX, else `local`. Warm processes stay for the next program; a forked child gets
    sandboxes of its own. Raises InputError for a name that is none, SandboxError where this system has no such thing.
    """
    return _shared(name or os.environ.get("SML_AGENTS_SANDBOX") or "local", os.getpid())


@lru_cache(maxsize=16)
def _shared(name: str, process: int) -> Sandbox:
    if sys.platform != "linux" and name in ("local", "bubblewrap"):
        raise SandboxError(f"The sandbox {name!r} needs Linux: set SML_AGENTS_SANDBOX=docker:python:3.12-slim.")
    kind, _, image = name.partition(":")
    if name == "local":
        return LocalSandbox()
    if name == "bubblewrap":
        from sml_agents.sandbox.commands import bubblewrap

        return bubblewrap()
    if kind in ("docker", "podman") and image:
        from sml_agents.sandbox.commands import container

        return container(kind, image)
    raise InputError(f"There is no sandbox {name!r}: choose {_NAMES}.")


def least_isolation() -> Level:
    """The level in SML_AGENTS_MIN_ISOLATION, else `confined`. Raises InputError for a word that is no level."""
    word = os.environ.get("SML_AGENTS_MIN_ISOLATION")
    try:
        return Level.named(word) if word else Level.CONFINED
    except ValueError as error:
        raise InputError(f"SML_AGENTS_MIN_ISOLATION: {error}.") from None
