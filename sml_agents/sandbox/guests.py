"""The seam of all sandboxes: a `Sandbox` opens `Guest`s, and a guest answers requests until it is closed."""

from __future__ import annotations

import json
import os
import secrets
import select
import time
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from sml_agents.errors import SandboxError
from sml_agents.sandbox.inside.lines import packed
from sml_agents.sandbox.isolation import Isolation

__all__ = ["Channel", "Guest", "GuestEnded", "GuestTimeout", "Limits", "Sandbox"]

_HEAD = 1 << 16
"""Bytes of a reply that are read as JSON: its head. What it carries is passed on or compared, never parsed."""
_KILLED = 9


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
    reply: int = 8 << 20
    """Bytes that it may send at once."""
    output: int = 1 << 20
    """Bytes that a whole program may print."""

    def for_sizes(self, given: int, expected: int) -> Limits:
        """These limits, and room for what a test itself brings: `given` bytes to read, `expected` bytes to answer."""
        both = given + expected
        return replace(
            self,
            memory=self.memory + 16 * both,
            megabytes=self.megabytes + (2 * both >> 20),
            file_size=self.file_size + 2 * both,
            reply=self.reply + 4 * expected,
            output=self.output + 2 * expected,
        )

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

    def ask(self, request: dict[str, Any], until: float | None = None) -> dict[str, Any]:
        """The reply to a request (see `sml_agents.sandbox.inside.guest`); a `body` (bytes) travels as it is.

        A whole program is asked for once, and gives its output when it has ended: {"output": text, "error": ...}.
        `until` (`time.monotonic()`) is a deadline before which the reply has to be there, within the guest's own time.
        Raises GuestTimeout when the time is up and GuestEnded when there is no more guest.
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
    """Messages to and from a guest, with a deadline that holds whatever the guest does."""

    def __init__(self, incoming: int, outgoing: int, most: int) -> None:
        self.incoming, self.outgoing, self.most = incoming, outgoing, most
        for descriptor in {incoming, outgoing}:
            os.set_blocking(descriptor, False)
        self.received = bytearray()
        self.number = ""

    def exchange(self, request: dict[str, Any], until: float) -> dict[str, Any]:
        """The reply to `request`, which gets a number that can't be foreseen and has to be in the reply, or the message
        that the guest has ended."""
        self.number = secrets.token_hex(8)
        self.send({**request, "n": self.number}, until)
        return self.reply(until)

    def reply(self, until: float) -> dict[str, Any]:
        """The next message. Raises GuestEnded for one that nobody asked for."""
        reply = self.receive(until)
        if reply.pop("n", None) != self.number and "ended" not in reply:
            raise GuestEnded("it sent a reply that nobody asked for")
        return reply

    def send(self, message: dict[str, Any], until: float) -> None:
        data = memoryview(packed(message))
        try:
            while data:
                self._wait(self.outgoing, select.POLLOUT, until)
                data = data[os.write(self.outgoing, data) :]
        except (BrokenPipeError, ConnectionResetError):
            return  # the guest is gone: what is to be said of that can be read

    def receive(self, until: float) -> dict[str, Any]:
        """The next message, its body as bytes. Only its head is parsed, and that is short."""
        while (end := self.received.find(b"\n")) < 0:
            if len(self.received) > _HEAD:
                raise GuestEnded("it sent what is no reply")
            self._read(until)
        try:
            message: Any = json.loads(self.received[:end]) if end <= _HEAD else None
            size = message.pop("size")
            is_reply = type(size) is int and size >= 0
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
            is_reply = False
        if not is_reply:
            raise GuestEnded("it sent what is no reply")
        if size > self.most:
            raise GuestEnded("it sent too much")
        del self.received[: end + 1]
        while len(self.received) < size:
            self._read(until)
        message["body"] = bytes(memoryview(self.received)[:size])
        del self.received[:size]
        return dict(message)

    def _read(self, until: float) -> None:
        self._wait(self.incoming, select.POLLIN, until)
        try:
            piece = os.read(self.incoming, 1 << 18)
        except ConnectionResetError:
            piece = b""
        if not piece:
            raise GuestEnded("its process ended")
        self.received += piece

    @staticmethod
    def _wait(descriptor: int, event: int, until: float) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise GuestTimeout


class BaseGuest:
    """A guest over a channel; its time counts from the first request."""

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

    def ask(self, request: dict[str, Any], until: float | None = None) -> dict[str, Any]:
        if self.until is None:
            self.until = time.monotonic() + self.limits.seconds * self.limits.patience
        until = self.until if until is None else min(until, self.until)
        reply = self.channel.exchange(request, until)
        if "program" in request:
            return self._program(reply)
        if "ended" in reply:
            raise self._end(reply)
        return reply if reply["body"] else {key: value for key, value in reply.items() if key != "body"}

    def _program(self, reply: dict[str, Any]) -> dict[str, Any]:
        """What a whole program printed, and its error if it failed. It has no channel, so this is not its own word."""
        if "ended" not in reply:
            raise GuestEnded("it sent a reply that nobody asked for")
        if reply["ended"]:
            raise self._end(reply)
        if reply["printed"] > self.limits.output:
            return {"error": ["OutputTooLong", f"it prints more than {self.limits.output:,} bytes", None]}
        found = {"output": reply["body"].decode("utf-8", "replace"), "cpu": reply["cpu"]}
        if reply["report"]:
            try:
                found["error"] = json.loads(reply["report"])
            except (ValueError, RecursionError):
                found["error"] = ["Error", "", None]
        return found

    def _end(self, reply: dict[str, Any]) -> Exception:
        """Why there is no more guest: the kernel kills one that has used its processor time up."""
        try:
            killed, spent = reply["ended"] == _KILLED, float(reply["cpu"])
        except (KeyError, TypeError, ValueError, OverflowError):
            return GuestEnded("its process ended")
        if killed and spent * 2 >= self.limits.seconds:  # the kernel's own count of it is coarse
            return GuestTimeout()
        return GuestEnded("its process was killed" if killed else "its process ended")

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
