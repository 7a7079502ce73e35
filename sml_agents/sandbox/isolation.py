"""How well a sandbox isolates: levels, and the layers that make them up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Isolation", "Level"]


class Level(IntEnum):
    """From weak to strong; each says what stands between foreign code and this machine."""

    PROCESS = 1
    """A process of its own with limits and a deadline. It can read your files and use the network."""
    CONFINED = 2
    """Also: no file of yours, no network, no other process: seccomp, and for files either namespaces or Landlock."""
    LAYERED = 3
    """Also: all three, so that a hole in one is not a way out."""
    CONTAINER = 4
    """Also: a container around all that, made by another program (bubblewrap, docker, podman)."""

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def named(cls, word: str) -> Level:
        """The level of a name such as `confined`. Raises ValueError."""
        try:
            return cls[word.strip().upper()]
        except KeyError:
            raise ValueError(f"{word!r} is no level of isolation: choose one of {', '.join(map(str, cls))}") from None


@dataclass(frozen=True)
class Isolation:
    """What a program ran under, found out when it was started."""

    level: Level
    layers: tuple[str, ...]

    @classmethod
    def of(cls, layers: Iterable[str]) -> Isolation:
        """The level that these layers make."""
        found = tuple(layers)
        level = Level.PROCESS
        # No namespace holds every kind of socket (AF_VSOCK reaches the machine's host): only seccomp does.
        if "seccomp" in found:
            barriers = {"landlock", "namespaces"} & set(found)
            level = (Level.PROCESS, Level.CONFINED, Level.LAYERED)[len(barriers)]
            if found[0] in ("bubblewrap", "docker", "podman"):
                level = Level.CONTAINER
        return cls(level, found)

    def __str__(self) -> str:
        return f"{self.level} ({', '.join(self.layers)})"
