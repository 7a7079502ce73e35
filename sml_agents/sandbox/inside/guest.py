"""The process that runs foreign code: it answers requests over one channel until that closes.

    {"load": source, "prelude": source}                    {"ok": true}
    {"call": name}, arguments in the body                  {"value": shown}, the value's canonical text in the body
    {"do": ...}, a suite's call (see `remote`)             {"do": ...}
    {"program": source, "prelude": source}, input in the body      nothing: it runs to its end
    {"suite": source, "setup": source, "entry": name}      {"do": ...} any number of times, then {"passed": true}

or {"error": [type, message, line]}, or {"unplain": "an object"} for a value that does not travel. Each request has a
number that can't be foreseen; its reply repeats it. Values come back, never verdicts: code that takes this process over
can only send other values, and those are compared where it has no reach. A suite runs in a guest that never sees the
code that it tests. A whole program has this process for itself, without the channel; who started it says how it ended,
and what it printed.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import sys
from types import ModuleType
from typing import Any, NoReturn

from sml_agents.sandbox.inside.codec import NotPlain, canonical, decode, encode, show
from sml_agents.sandbox.inside.lines import Lines
from sml_agents.sandbox.inside.remote import Remote, Unfit

__all__ = ["serve"]

_MESSAGE = 300
_TO_THE_END = ("__main__", "builtins", "sys", "io", "_io")
_FRAMES = 50
"""Frames below the code that it would not have below it in a process of its own; more than enough."""


def serve(lines: Lines, hello: dict[str, Any], printed: int, report: int) -> None:
    """Says `hello`, then answers until the channel closes.

    A whole program never returns: its process ends as Python ends it, with the exception that comes from here. It
    prints to the descriptor `printed`; what it raised is described in `report`.
    """
    lines.send(hello)
    sys.argv = [""]
    attempt = _Attempt(lines)
    sys.setrecursionlimit(sys.getrecursionlimit() + _FRAMES)
    while True:
        try:
            request = lines.receive()
        except EOFError:
            return
        if "program" in request:
            for channel in {lines.incoming, lines.outgoing}:
                os.close(channel)
            _run_program(request, printed, report)
        if printed >= 0:
            os.close(printed)
            os.close(report)
            printed = -1
        try:
            reply = attempt.answer(request)
        except NotPlain as error:
            reply = {"unplain": str(error)[:_MESSAGE]}
        except (MemoryError, RecursionError) as error:
            reply = {"error": attempt.describe(error)} if attempt.busy else {"unplain": "a value that is too large"}
        except BaseException as error:  # SystemExit and KeyboardInterrupt are failures of the code, too
            reply = {"error": attempt.describe(error), "unfit": isinstance(error, Unfit)}
        try:
            lines.send(reply)
        except (MemoryError, ValueError):
            lines.send({"unplain": "a value that is too large"})


class _Attempt:
    """What answers requests: a module with the functions under test, or with the suite."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.remote: Remote | None = None
        self.module = ModuleType("attempt")
        self.file = ""
        self.busy = False
        """Foreign code is at work."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if "load" in request:
            self.file = _written("attempt", request["load"])
            self.module = _module("attempt", self.file)
            self.busy = True
            _execute(request["prelude"], "<prelude>", self.module)
            _execute(request["load"], self.file, self.module)
            self.busy = False
            return {"ok": True}
        if "call" in request:
            args, kwargs = decode(json.loads(request["body"]))
            self.busy = True
            value = self._find(request["call"])(*args, **kwargs)
            self.busy = False
            return {"value": show(value), "body": canonical(encode(value)).encode()}
        if "do" in request:
            self.remote = self.remote or Remote(self.lines, self.describe, foreign=True)
            return self.remote.serve(request, lambda *args, **kwargs: self._find(request["entry"])(*args, **kwargs))
        return self._run_suite(request)

    def describe(self, error: BaseException) -> list[Any]:
        return _described(error, self.file)

    def _find(self, name: str) -> Any:
        """The function `f`, or the method `f` of a fresh object for `Class.f`."""
        first, _, method = name.partition(".")
        if not hasattr(self.module, first):
            raise NameError(f"name '{first}' is not defined")
        found = getattr(self.module, first)
        return getattr(found(), method) if method else found

    def _run_suite(self, request: dict[str, Any]) -> dict[str, Any]:
        remote = Remote(self.lines, self.describe, foreign=False, changes=request["changes"])

        def candidate(*args: Any, **kwargs: Any) -> Any:
            return remote.call(None, args, kwargs)

        self.busy = True
        self.file = _written("suite", request["suite"])
        module = _module("suite", self.file)
        _execute(request["setup"], "<setup>", module)
        module.__dict__.update({"candidate": candidate, request["entry"].rpartition(".")[2]: candidate})
        _execute(request["suite"], self.file, module)
        return {"passed": remote.calls > 0}


def _run_program(request: dict[str, Any], printed: int, report: int) -> NoReturn:
    """Runs a whole program as `python main.py` would, and lets its exception, or the last one, end the process."""
    given = os.open(".stdin", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    data = memoryview(request["body"])
    while data:
        data = data[os.write(given, data) :]
    os.lseek(given, 0, os.SEEK_SET)
    for descriptor, standard in ((given, 0), (printed, 1)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    data.release()
    source = request.pop("program")
    request["body"] = b""
    file = _written("main", source)
    sys.argv = [file]
    sys.path.insert(0, os.getcwd())
    atexit.register(_keep, tuple(sys.modules))  # the first to be registered runs last
    try:
        module = _module("__main__", file)
        _execute(request["prelude"], "<prelude>", module)
        _execute(source, file, module)
    except SystemExit:
        raise
    except BaseException as error:
        os.write(report, json.dumps(_described(error, file)).encode())
        raise
    raise SystemExit(0)


def _keep(names: tuple[str, ...]) -> None:
    """Lets these modules be when Python ends: to take apart what every program finds loaded is half of a grading."""
    kept = [sys.modules.pop(name, None) for name in names if name not in _TO_THE_END]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


def _module(name: str, file: str) -> ModuleType:
    """A new module, known by its name as an imported one is."""
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = file
    return module


def _written(name: str, source: str) -> str:
    """The path of a file that holds `source`: for what looks its own source up, and for tracebacks."""
    path = os.path.join(os.getcwd(), f"{name}.py")
    with open(path, "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(source)
    return path


def _execute(source: str, file: str, module: ModuleType) -> None:
    exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)


def _described(error: BaseException, file: str) -> list[Any]:
    """Type, message and line of an error; the code may have made all three."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == file:
            line = frame.tb_lineno
        frame = frame.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
        return [str(type(error).__name__)[:60], message[:_MESSAGE], line]
    except BaseException:
        return ["Error", "", line]
