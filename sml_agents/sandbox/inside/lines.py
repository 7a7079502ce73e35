"""Messages between a sandbox and its user: a JSON object on a line, and after it as many bytes as its `size` says."""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["Lines", "packed"]


def packed(message: dict[str, Any]) -> bytes:
    """A message as it travels; what is under `body` (bytes) follows the line, unread by whoever only passes it on."""
    body: bytes = message.get("body", b"")
    head = {key: value for key, value in message.items() if key != "body"}
    return json.dumps({**head, "size": len(body)}).encode() + b"\n" + body


class Lines:
    """The guest's end. Every request has a number of its own, which the next message of the guest repeats."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.received = bytearray()
        self.number = ""

    def receive(self) -> dict[str, Any]:
        """The next request, `body` among its keys. Raises EOFError when the other side is gone."""
        while (end := self.received.find(b"\n")) < 0:
            self._read()
        message: dict[str, Any] = json.loads(self.received[:end])
        size = message.pop("size")
        del self.received[: end + 1]
        while len(self.received) < size:
            self._read()
        body = bytes(self.received[:size])
        del self.received[:size]
        self.number = message.pop("n")
        return {**message, "body": body}

    def _read(self) -> None:
        piece = os.read(self.incoming, 1 << 18)
        if not piece:
            raise EOFError
        self.received += piece

    def send(self, message: dict[str, Any]) -> None:
        data = memoryview(packed({**message, "n": self.number}))
        while data:
            data = data[os.write(self.outgoing, data) :]
