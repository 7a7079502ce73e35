"""A loopback server that speaks OpenAI's chat API and answers after a fixed time: `python benchmarks/server.py 0.2`.

Prints its port on standard output, and when it is ended (SIGTERM) how many requests it answered. It has to cost less
than its clients, so it reads of a request only where it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys

REPLY = "Let me think about it, reply 00000000, step by step. 2 apples and 3 apples are 5 apples. The answer is 5."
"""Numbered, so that no two are the same: whoever remembers what it has read gains nothing that it would not in use."""
BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "loopback",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": REPLY}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 130},
    }
).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    + str(len(BODY)).encode()
    + b"\r\n\r\n"
    + BODY
)


class Server(asyncio.Protocol):
    """One connection: waits `latency` seconds, then answers, request after request."""

    answered = 0
    """By all connections together."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            asyncio.get_running_loop().call_later(self.latency, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            number = b"%08d" % Server.answered
            self.transport.write(ANSWER.replace(b"00000000", number, 1))  # type: ignore[attr-defined]
            Server.answered += 1


async def main(latency: float) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.get_running_loop().create_server(lambda: Server(latency), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    print(Server.answered, flush=True)
    server.close()


if __name__ == "__main__":
    try:
        import uvloop

        runner = uvloop.run
    except ImportError:
        runner = asyncio.run
    with contextlib.suppress(KeyboardInterrupt):
        runner(main(float(sys.argv[1])))
