"""The seam of all sandboxes: a `Sandbox` opens `Guest`s, and a guest answers requests until it is closed."""

from __future__ import annotations

import json
import os
import secrets
import select
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from sml_agents.errors import SandboxError
from sml_agents.sandbox.isolation import Isolation

__all__ = ["Channel", "Guest", "GuestEnded", "GuestTimeout", "Limits", "Sandbox"]

_MOST = 8 << 20
"""Bytes that a guest may send in one reply."""


@dataclass(frozen=True)
class Limits:
    """What a guest may use up."""

    seconds: float = 5.0
    """Processor time of everything that is asked of one guest, rounded up to whole seconds."""
    patience: float = 3.0
    """Wall time, as a multiple of `seconds`: a busy machine must not make right code wrong."""
    memory: int = 512 << 20
    """Address space, bytes."""
    megabytes: int = 16
    """Size of its folder, where that is a file system of its own."""
    file_size: int = 8 << 20
    descriptors: int = 64
    threads: int = 32

    def settings(self) -> dict[str, Any]:
        return asdict(self)


class GuestTimeout(Exception):
    """The code did not come to an end in time."""


class GuestEnded(Exception):
    """The code ended its own process, or was ended for using up too much, or sent what no guest sends."""


@runtime_checkable
class Guest(Protocol):
    """A process for foreign code. Used by one thread; every method comes to an end."""

    isolation: Isolation

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to a request (see `sml_agents.sandbox.inside.guest`).

        Raises GuestTimeout when the guest's time is up and GuestEnded when there is no more guest.
        """
        ...

    def close(self) -> None:
        """Ends the guest and all that it started, whatever it does; removes what it wrote. May be called again."""
        ...


@runtime_checkable
class Sandbox(Protocol):
    """Opens guests. May be used by many threads at once."""

    name: str

    def open(self, limits: Limits) -> Guest:
        """A guest that has run nothing yet. Raises SandboxError when there can be none."""
        ...


class Channel:
    """JSON lines to and from a guest, with a deadline that holds whatever the guest does."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        for descriptor in {incoming, outgoing}:
            os.set_blocking(descriptor, False)
        self.received = bytearray()
        self.number = ""

    def exchange(self, request: dict[str, Any], until: float) -> dict[str, Any]:
        """The reply to `request`, which gets a number that can't be foreseen and has to be in the reply."""
        if "value" not in request and "raised" not in request:
            self.number = secrets.token_hex(8)
        self.send({**request, "n": self.number}, until)
        reply = self.receive(until)
        if reply.pop("n", None) != self.number:
            raise GuestEnded("it sent a reply that nobody asked for")
        return reply

    def send(self, message: dict[str, Any], until: float) -> None:
        data = memoryview(json.dumps(message).encode() + b"\n")
        try:
            while data:
                self._wait(self.outgoing, select.POLLOUT, until)
                data = data[os.write(self.outgoing, data) :]
        except (BrokenPipeError, ConnectionResetError):
            raise GuestEnded("its process ended") from None

    def receive(self, until: float) -> dict[str, Any]:
        searched = 0
        while (end := self.received.find(b"\n", searched)) < 0:
            searched = len(self.received)
            self._wait(self.incoming, select.POLLIN, until)
            try:
                piece = os.read(self.incoming, 1 << 18)
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise GuestEnded("its process ended")
            self.received += piece
            if len(self.received) > _MOST:
                raise GuestEnded("it sent too much")
        line = bytes(self.received[:end])
        del self.received[: end + 1]
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise GuestEnded("it sent what is no reply")
        return message

    @staticmethod
    def _wait(descriptor: int, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise GuestTimeout


class BaseGuest:
    """A guest over a channel; the deadline counts from the first request."""

    def __init__(self, channel: Channel, limits: Limits, *, start: float, around: tuple[str, ...] = ()) -> None:
        self.channel = channel
        self.limits = limits
        self.until: float | None = None
        try:
            hello = channel.receive(time.monotonic() + start)
            self.isolation = Isolation.of((*around, *map(str, hello["layers"])))
        except (GuestTimeout, GuestEnded, KeyError, TypeError) as error:
            self.close()
            raise SandboxError(f"The sandbox did not start: {error or 'it took too long'}.") from None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.until is None:
            self.until = time.monotonic() + self.limits.seconds * self.limits.patience
        return self.channel.exchange(request, self.until)

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
