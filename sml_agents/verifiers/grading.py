"""One program against the tests of one task."""

from __future__ import annotations

import ast
import re
import threading
from contextlib import ExitStack, closing
from functools import lru_cache
from typing import Any

from sml_agents.errors import SandboxError
from sml_agents.sandbox import Guest, GuestEnded, GuestTimeout, Level, Limits, Sandbox
from sml_agents.sandbox.inside.codec import canonical, encode, same, show
from sml_agents.types import Code, Outcome, Verdict

__all__ = ["Grading", "same_output"]

_NONE: dict[str, Any] = {"d": []}  # no keyword arguments
_MAX_CALLS = 10_000
_DECIMAL = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})")
_SUITE_FACTOR = 2.0
"""A suite has the attempt's time for itself and once more."""


class _Wrong(Exception):
    """The program fails a test: the diagnosis, and what was expected."""

    def __init__(self, diagnosis: str, expected: str = "") -> None:
        super().__init__(diagnosis)
        self.expected = expected


class Grading:
    """Blocking; run in a thread. `cancel` may be called from another."""

    def __init__(self, sandbox: Sandbox, least: Level, code: Code, program: str) -> None:
        self._sandbox, self._least = sandbox, least
        self._code, self._program = code, program
        self._cancelled = threading.Event()
        self._isolation = ""

    def run(self) -> Verdict:
        """The verdict, without `extracted`. Raises SandboxError."""
        outcome, diagnosis, expected = Outcome.CORRECT, "", ""
        try:
            if not self._code.entry:
                self._check_programs()
            else:
                self._check_function()
        except _Wrong as wrong:
            outcome, diagnosis, expected = Outcome.INCORRECT, str(wrong), wrong.expected
        return Verdict(outcome=outcome, diagnosis=diagnosis, expected=expected, isolation=self._isolation)

    def cancel(self) -> None:
        """No further guest is opened; the ones at work end at their deadline."""
        self._cancelled.set()

    def _open(self, seconds: float) -> Guest:
        if self._cancelled.is_set():
            raise SandboxError("The grading was cancelled.")
        guest = self._sandbox.open(Limits(seconds=seconds))
        if guest.isolation.level < self._least:
            guest.close()
            raise SandboxError(
                f"The sandbox is {guest.isolation}, and {self._least} is asked for: `sml-agents doctor` says how to get"
                " there, and SML_AGENTS_MIN_ISOLATION accepts less."
            )
        self._isolation = str(guest.isolation)
        return guest

    # Functions

    def _check_function(self) -> None:
        with ExitStack() as guests:
            guest = guests.enter_context(closing(self._open(self._code.seconds)))
            # Before the program's time begins to run.
            suite = (
                guests.enter_context(closing(self._open(_SUITE_FACTOR * self._code.seconds)))
                if self._code.suite
                else None
            )
            self._load(guest)
            for case in self._code.cases:
                self._check_case(guest, case.given, case.expected)
            if suite is not None:
                self._check_suite(guest, suite)

    def _load(self, guest: Guest) -> None:
        try:
            reply = guest.ask({"load": self._program, "prelude": self._code.prelude})
        except GuestTimeout:
            raise _Wrong("The code does not come to an end when it is loaded.") from None
        except GuestEnded as ended:
            raise _Wrong(f"The code could not be loaded: {ended}.") from None
        if "error" in reply:
            raise _Wrong(f"The code does not load: {_error(reply)}.")

    def _check_case(self, guest: Guest, given: str, expected: str) -> None:
        args, wanted = _trees(given, expected)
        value = self._call(guest, args, _NONE)
        try:
            right = same(wanted, value)
        except (ValueError, RecursionError, TypeError):
            right = False
        if not right:
            raise _Wrong(f"{self._shown(args)} returned {_shown(value)}, which is not right.", expected)

    def _call(self, guest: Guest, args: Any, kwargs: Any) -> Any:
        """The tree of the value that a call returns; everything else is wrong."""
        reply, name = self._ask_call(guest, args, kwargs)
        if "value" in reply:
            return reply["value"]
        if "error" in reply:
            raise _Wrong(f"{name} raised {_error(reply)}.")
        raise _Wrong(f"{name} returned {str(reply.get('unplain', 'nothing'))[:80]}, which is no plain value.")

    def _ask_call(self, guest: Guest, args: Any, kwargs: Any) -> tuple[dict[str, Any], str]:
        name = self._shown(args)
        try:
            return guest.ask({"call": self._code.entry, "args": args, "kwargs": kwargs}), name
        except GuestTimeout:
            raise _Wrong(f"{name} does not come to an end in time.") from None
        except GuestEnded as ended:
            raise _Wrong(f"{name} did not return: {ended}.") from None

    def _shown(self, args: Any) -> str:
        inner = show(args, 300)
        return f"{self._code.entry.rpartition('.')[2]}({inner[1:-1] if inner.endswith(']') else inner[1:]})"

    # Suites

    def _check_suite(self, guest: Guest, suite: Guest) -> None:
        last = "No call"
        try:
            reply = suite.ask({"suite": self._code.suite, "setup": self._code.setup, "entry": self._code.entry})
            for _ in range(_MAX_CALLS):
                if "call" not in reply:
                    break
                answer, name = self._ask_call(guest, reply["call"], reply["kwargs"])
                if "value" in answer:
                    canonical(answer["value"])  # only what is a value goes on to the suite
                    last = f"{name} returned {_shown(answer['value'])}"
                    reply = suite.ask({"value": answer["value"]})
                elif "error" in answer:
                    last = f"{name} raised {_error(answer)}"
                    kind, message, _ = answer["error"]
                    reply = suite.ask({"raised": str(kind), "message": str(message)})
                else:
                    raise _Wrong(f"{name} returned {str(answer.get('unplain'))[:80]}, which is no plain value.")
        except (ValueError, RecursionError, TypeError):
            raise _Wrong(f"{name} returned what is no plain value.") from None
        except GuestTimeout:
            raise _Wrong(f"{last}, and a test does not come to an end with that.") from None
        except GuestEnded as ended:
            raise SandboxError(f"The tests could not be run: {ended}.") from None
        if "error" in reply:
            if last == "No call":
                raise SandboxError(f"The tests are broken: {_error(reply)}.")
            raise _Wrong(f"{last}, and a test fails." if last else "A test fails.")
        if reply.get("passed") is not True:
            raise SandboxError("The tests call nothing." if reply.get("passed") is False else "The tests have no end.")

    # Whole programs

    def _check_programs(self) -> None:
        for number, case in enumerate(self._code.cases, start=1):
            where = f"With the input {case.given[:200]!r} it" if len(case.given) <= 200 else f"In test {number} it"
            with closing(self._open(self._code.seconds)) as guest:
                try:
                    reply = guest.ask({"program": self._program, "stdin": case.given})
                except GuestTimeout:
                    raise _Wrong(f"{where} does not come to an end in time.") from None
                except GuestEnded as ended:
                    raise _Wrong(f"{where} does not end well: {ended}.") from None
            if "error" in reply:
                raise _Wrong(f"{where} fails: {_error(reply)}.")
            output = str(reply.get("output", ""))
            if not same_output(case.expected, output):
                raise _Wrong(f"{where} prints {output[:120]!r}, which is not right.", case.expected)


def same_output(expected: str, output: str) -> bool:
    """Whether two outputs agree: line by line, white space at the ends of lines and of the text aside.

    Lines also agree when all their words do, as they stand or as plain decimals (`2.50` and `2.5`).
    """
    ours, theirs = ([line.strip() for line in text.strip().split("\n")] for text in (expected, output))
    return len(ours) == len(theirs) and all(a == b or _same_words(a, b) for a, b in zip(ours, theirs, strict=True))


def _same_words(one: str, other: str) -> bool:
    ours, theirs = one.split(), other.split()
    return len(ours) == len(theirs) and all(a == b or _same_decimal(a, b) for a, b in zip(ours, theirs, strict=True))


def _same_decimal(one: str, other: str) -> bool:
    from decimal import Decimal

    return bool(_DECIMAL.fullmatch(one) and _DECIMAL.fullmatch(other)) and Decimal(one) == Decimal(other)


@lru_cache(maxsize=4096)
def _trees(given: str, expected: str) -> tuple[Any, Any]:
    """A case's arguments (a list) and its expected value as trees. Raises SandboxError for a case that is broken."""
    try:
        args = ast.literal_eval(f"({given},)") if given.strip() else ()
        return encode(list(args)), encode(ast.literal_eval(expected))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise SandboxError(f"A test of the task cannot be read: {error}.") from None


def _error(reply: dict[str, Any]) -> str:
    """An error as the guest tells it: text that the code may have made."""
    try:
        kind, message, line = reply["error"]
    except (TypeError, ValueError):
        return "an error"
    text = f"{str(kind)[:60]}: {str(message)[:200]}" if message else str(kind)[:60]
    text = " ".join(text.split()).rstrip(".")
    return f"{text} (line {line})" if isinstance(line, int) else text


def _shown(tree: Any) -> str:
    try:
        return show(tree)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError):
        return "something else"
