"""The process that runs foreign code: it answers requests over one channel until that closes.

    {"load": source, "prelude": source}                  {"ok": true}
    {"call": name, "args": tree, "kwargs": tree}         {"value": tree} or {"unplain": "a generator"}
    {"program": source, "stdin": text}                   {"output": text}, one a process
    {"suite": source, "setup": source, "entry": name}    {"call": ...} any number of times, then {"passed": true}

or {"error": [type, message, line]}. Each request has a number `n` of its own that can't be foreseen; its reply repeats
it. Values come back, never verdicts: code that takes this process over can only send other values, and those are
compared where it has no reach. A suite runs in a guest that never sees the code it tests: its `entry` is a proxy.
"""

from __future__ import annotations

import builtins
import json
import os
import sys
from typing import Any

from sml_agents.sandbox.inside.codec import NotPlain, decode, encode

__all__ = ["Lines", "serve"]

_NAME = "<attempt>"
_MESSAGE = 300
_OUTPUT = 1 << 20


class Lines:
    """JSON objects, one a line, over file descriptors."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.received = bytearray()

    def receive(self) -> Any:
        """The next object. Raises EOFError when the other side is gone."""
        while (end := self.received.find(b"\n")) < 0:
            piece = os.read(self.incoming, 1 << 16)
            if not piece:
                raise EOFError
            self.received += piece
        line = bytes(self.received[:end])
        del self.received[: end + 1]
        return json.loads(line)

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.outgoing, data) :]


def serve(lines: Lines, hello: dict[str, Any]) -> None:
    """Says `hello`, then answers until the channel closes."""
    lines.send(hello)
    namespace: dict[str, Any] = {"__name__": "attempt", "__builtins__": builtins}
    while True:
        try:
            request = lines.receive()
        except EOFError:
            return
        try:
            reply = _answer(request, namespace, lines)
        except NotPlain as error:
            reply = {"unplain": str(error)[:_MESSAGE]}
        except BaseException as error:  # SystemExit and KeyboardInterrupt are failures of the code, too
            reply = {"error": _described(error)}
        try:
            lines.send({**reply, "n": request["n"]})
        except (ValueError, RecursionError, MemoryError):
            lines.send({"unplain": "a value that is too large", "n": request["n"]})


def _answer(request: dict[str, Any], namespace: dict[str, Any], lines: Lines) -> dict[str, Any]:
    if "load" in request:
        exec(compile(request["prelude"], "<prelude>", "exec"), namespace)
        exec(compile(request["load"], _NAME, "exec"), namespace)
        return {"ok": True}
    if "call" in request:
        function = _find(request["call"], namespace)
        return {"value": encode(function(*decode(request["args"]), **decode(request["kwargs"])))}
    if "program" in request:
        return _run_program(request["program"], request["stdin"])
    return _run_suite(request, lines)


def _find(name: str, namespace: dict[str, Any]) -> Any:
    """The function `f`, or the method `f` of a fresh object for `Class.f`."""
    first, _, method = name.partition(".")
    if first not in namespace:
        raise NameError(f"name '{first}' is not defined")
    return getattr(namespace[first](), method) if method else namespace[first]


def _run_program(source: str, text: str) -> dict[str, Any]:
    """Runs a whole program with files as its standard input and output."""
    for descriptor, flags in ((0, os.O_RDWR), (1, os.O_RDWR)):
        file = os.open(f".{descriptor}", flags | os.O_CREAT | os.O_TRUNC, 0o600)
        if descriptor == 0:
            data = text.encode("utf-8", "surrogatepass")
            while data:
                data = data[os.write(file, data) :]
            os.lseek(file, 0, os.SEEK_SET)
        os.dup2(file, descriptor)
        os.close(file)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    error: list[Any] | None = None
    try:
        exec(compile(source, _NAME, "exec"), {"__name__": "__main__", "__builtins__": builtins})
    except SystemExit:
        pass
    except BaseException as caught:
        error = _described(caught)
    try:
        sys.stdout.flush()
    except BaseException as caught:
        error = error or _described(caught)
    output = os.pread(1, _OUTPUT + 1, 0)
    if len(output) > _OUTPUT:
        return {"error": ["OutputTooLong", "it prints more than a million characters", None]}
    shown = output.decode("utf-8", "replace")
    return {"output": shown} if error is None else {"output": shown, "error": error}


_AWKWARD = (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError, StopIteration, StopAsyncIteration)
"""Exceptions that one message does not make, or that mean something else where a test calls."""


class _Called(Exception):
    """The code under test raised something that no test can name."""


def _run_suite(request: dict[str, Any], lines: Lines) -> dict[str, Any]:
    number = request["n"]
    calls = 0

    def candidate(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        lines.send({"call": encode(list(args)), "kwargs": encode(kwargs), "n": number})
        answer = lines.receive()
        if "value" in answer:
            return decode(answer["value"])
        kind = getattr(builtins, answer["raised"], None)
        if isinstance(kind, type) and issubclass(kind, Exception) and kind not in (AssertionError, *_AWKWARD):
            raise kind(answer["message"])
        raise _Called(answer["message"])

    names: dict[str, Any] = {"__name__": "suite"}
    exec(compile(request["setup"], "<setup>", "exec"), names)
    names |= {"candidate": candidate, request["entry"].rpartition(".")[2]: candidate}
    exec(compile(request["suite"], _NAME, "exec"), names)
    return {"passed": calls > 0}


def _described(error: BaseException) -> list[Any]:
    """Type, message and line of an error; the code may have made all three."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == _NAME:
            line = frame.tb_lineno
        frame = frame.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
        return [str(type(error).__name__)[:60], message[:_MESSAGE], line]
    except BaseException:
        return ["Error", "", line]
