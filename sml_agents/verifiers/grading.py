"""One program against the tests of one task."""

from __future__ import annotations

import ast
import json
import re
import threading
import time
from collections.abc import Hashable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

from sml_agents.errors import SandboxError
from sml_agents.sandbox import Guest, GuestEnded, GuestTimeout, Level, Limits, Sandbox
from sml_agents.sandbox.inside.codec import canonical, encode, show
from sml_agents.types import Code, Outcome, Verdict

__all__ = ["Grading", "same_output"]

_DECIMAL = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})")
_LARGE = 100_000
"""Characters of a test from which on it is not kept for the next attempt."""
_LARGEST = 256 << 20
"""Characters of a test beyond which it cannot be run here."""
_BYTES_A_SECOND = 500_000
"""How fast a guest reads and writes values, at least: the time for that is not the program's."""
_SUITE_REPLY = 32 << 20
"""Bytes of a value that a suite sees: nobody knows what it expects."""


class _Wrong(Exception):
    """The program fails a test: the diagnosis, and what was expected."""

    def __init__(self, diagnosis: str, expected: str = "") -> None:
        super().__init__(diagnosis)
        self.expected = expected


class _SuiteFails(_Wrong):
    """The suite does not pass, after it has called the program. `unseen`: it did not see what a call changed."""

    def __init__(self, diagnosis: str, *, unseen: bool) -> None:
        super().__init__(diagnosis)
        self.unseen = unseen


class Grading:
    """Blocking; run in a thread. `cancel` may be called from another.

    `reference` is a program that is right, or empty. All guests of a grading share one deadline.
    """

    def __init__(self, sandbox: Sandbox, least: Level, code: Code, program: str, reference: str = "") -> None:
        self._sandbox, self._least = sandbox, least
        self._code, self._program, self._reference = code, program, reference
        self._cancelled = threading.Event()
        self._isolation = ""
        sizes = [(len(case.given), len(case.expected)) for case in code.cases] or [(0, 0)]
        if max(map(sum, sizes)) > _LARGEST:
            raise SandboxError(f"A test of the task has more than {_LARGEST:,} characters.")
        seconds = code.seconds + sum(map(sum, sizes)) // _BYTES_A_SECOND
        self._limits = Limits(seconds=seconds)
        self._largest = tuple(map(max, zip(*sizes, strict=True)))
        self._until: float | None = None

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

    def _open(self, limits: Limits) -> Guest:
        if self._cancelled.is_set():
            raise SandboxError("The grading was cancelled.")
        guest = self._sandbox.open(limits)
        if guest.isolation.level < self._least:
            guest.close()
            raise SandboxError(
                f"The sandbox is {guest.isolation}, and {self._least} is asked for: `sml-agents doctor` says how to get"
                " there, and SML_AGENTS_MIN_ISOLATION accepts less."
            )
        self._isolation = str(guest.isolation)
        return guest

    def _ask(self, guest: Guest, request: dict[str, Any]) -> dict[str, Any]:
        """The reply, within the one deadline for everything, which counts from the first request."""
        if self._until is None:
            self._until = time.monotonic() + self._limits.seconds * self._limits.patience
        return guest.ask(request, self._until)

    # Functions

    def _check_function(self) -> None:
        try:
            self._run_function(changes=False)
        except _SuiteFails as failed:
            if not self._reference or self._passes_with(self._reference, changes=False):
                raise
            if not self._passes_with(self._reference, changes=True):
                raise SandboxError(f"The tests do not pass with the reference solution either. {failed}") from None
            if not failed.unseen:
                raise
            self._run_function(changes=True)

    def _passes_with(self, reference: str, *, changes: bool) -> bool:
        only_suite = self._code.model_copy(update={"cases": ()})
        try:
            _pass_suite(cast(Hashable, self._sandbox), self._least, only_suite, reference, changes)
        except _Wrong:
            return False
        return True

    def _run_function(self, *, changes: bool) -> None:
        """All cases and the suite. `changes`: the suite sees what a call that returns something did to its arguments
        (always seen where it returns None). No suite should: `f(x) == sorted(x)` can't tell once `f` empties `x`."""
        limits = self._limits.for_sizes(*self._largest)
        with ExitStack() as guests:
            suite = None
            if self._code.suite:
                limits = replace(limits.for_sizes(len(self._code.suite), 0), reply=max(limits.reply, _SUITE_REPLY))
                suite = guests.enter_context(closing(self._open(limits)))  # before the program's time begins to run
            guest = guests.enter_context(closing(self._open(limits)))
            self._load(guest)
            for case in self._code.cases:
                self._check_case(guest, _test(case.given, case.expected), case.expected)
            if suite is not None:
                self._check_suite(guest, suite, changes=changes)

    def _load(self, guest: Guest) -> None:
        try:
            reply = self._ask(guest, {"load": self._program, "prelude": self._code.prelude})
        except GuestTimeout:
            raise _Wrong("The code does not come to an end when it is loaded.") from None
        except GuestEnded as ended:
            raise _Wrong(f"The code could not be loaded: {ended}.") from None
        if "error" in reply:
            raise _Wrong(f"The code does not load: {_error(reply)}.")

    def _check_case(self, guest: Guest, test: _Test, expected: str) -> None:
        name = self._named(test.shown)
        reply = self._ask_program(guest, {"call": self._code.entry, "body": test.arguments}, name)
        if "error" in reply:
            raise _Wrong(f"{name} raised {_error(reply)}.")
        if "value" not in reply:
            raise _Wrong(f"{name} returned {_unplain(reply)}, which is no plain value.")
        if reply.get("body") != test.canonical:
            raise _Wrong(f"{name} returned {_text(reply['value'])}, which is not right.", expected)

    def _ask_program(self, guest: Guest, request: dict[str, Any], name: str) -> dict[str, Any]:
        try:
            return self._ask(guest, request)
        except GuestTimeout:
            raise _Wrong(f"{name} does not come to an end in time.") from None
        except GuestEnded as ended:
            raise _Wrong(f"{name} did not return: {ended}.") from None

    def _named(self, shown: str) -> str:
        inner = shown[1:-1] if shown.endswith("]") else shown[1:]
        return f"{self._code.entry.rpartition('.')[2]}({inner})"

    # Suites

    def _check_suite(self, guest: Guest, suite: Guest, *, changes: bool) -> None:
        """Passes messages between the two (see `sandbox.inside.remote`) until the suite is through. None is read."""
        name, last, unseen, calls = "A call", "", False, 0
        code = self._code
        request = {"suite": code.suite, "setup": code.setup, "entry": code.entry, "changes": changes}
        why = "a test does not come to an end with that"
        reply: dict[str, Any] = {}
        try:
            while True:
                reply = self._ask(suite, request)
                if "do" not in reply:
                    break
                if reply["do"] == "call" and reply.get("of") is None:
                    name = self._named(_text(reply.get("shown"), 300))
                    last = last or f"{name} is called"
                answer = self._ask_program(guest, {**_passed_on(reply), "entry": code.entry}, name)
                calls += 1
                if "do" not in answer:
                    last, why = f"{name} {_odd(answer)}", "no test can take that"
                    break
                if answer["do"] == "return" and "shown" in answer:
                    last = f"{name} returned {_text(answer['shown'])}"
                elif answer["do"] == "raise":
                    last = f"{name} raised {_error(answer)}"
                unseen = unseen or answer.get("changed") is True
                try:
                    request = _passed_on(answer)
                except ValueError:
                    raise _Wrong(f"{name} did not return: it sent what is no reply.") from None
        except (GuestTimeout, GuestEnded) as ended:
            if not calls:
                raise SandboxError(f"The tests cannot be run: {str(ended) or 'they do not come to an end'}.") from None
            raise _SuiteFails(f"{last}, and {why}.", unseen=unseen) from None
        if "do" in reply:
            raise _SuiteFails(f"{last}, and {why}.", unseen=unseen)
        if reply.get("passed") is True:
            return
        if calls and "passed" not in reply and (self._reference or not reply.get("unfit")):
            raise _SuiteFails(f"{last}, and a test fails.", unseen=unseen)
        if "error" in reply:
            raise SandboxError(f"The tests are broken: {_error(reply)}.")
        raise SandboxError("The tests call nothing." if "passed" in reply else "The tests cannot be run.")

    # Whole programs

    def _check_programs(self) -> None:
        left = self._limits.seconds
        for number, case in enumerate(self._code.cases, start=1):
            where = f"With the input {case.given[:200]!r} it" if len(case.given) <= 200 else f"In test {number} it"
            given = case.given.encode("utf-8", "surrogatepass")
            limits = replace(self._limits, seconds=left).for_sizes(len(given), len(case.expected))
            with closing(self._open(limits)) as guest:
                try:
                    reply = self._ask(guest, {"program": self._program, "prelude": self._code.prelude, "body": given})
                except GuestTimeout:
                    raise _Wrong(f"{where} does not come to an end in time.") from None
                except GuestEnded as ended:
                    raise _Wrong(f"{where} does not end well: {ended}.") from None
            if "error" in reply:
                raise _Wrong(f"{where} fails: {_error(reply)}.")
            output = str(reply.get("output", ""))
            if not same_output(case.expected, output):
                raise _Wrong(f"{where} prints {output[:120]!r}, which is not right.", case.expected)
            left -= reply.get("cpu", 0.0)
            if left <= 0:
                raise _Wrong(f"{where} is too slow: all tests together have {self._limits.seconds:g} s.")


@lru_cache(maxsize=512)
def _pass_suite(sandbox: Any, least: Level, code: Code, reference: str, changes: bool) -> None:
    """Raises _Wrong when the reference does not pass its own suite; that it passes is remembered."""
    Grading(sandbox, least, code, reference)._run_function(changes=changes)


def same_output(expected: str, output: str) -> bool:
    """Whether two outputs agree: line by line, white space at the ends of lines and of the text aside.

    Lines also agree when all their words do, as they stand or as plain decimals (`2.50` and `2.5`).
    """
    one, other = expected.strip(), output.strip()
    if one.count("\n") != other.count("\n"):
        return False
    ours, theirs = ([line.strip() for line in text.split("\n")] for text in (one, other))
    return all(a == b or _same_words(a, b) for a, b in zip(ours, theirs, strict=True))


def _same_words(one: str, other: str) -> bool:
    ours, theirs = one.split(), other.split()
    return len(ours) == len(theirs) and all(a == b or _same_decimal(a, b) for a, b in zip(ours, theirs, strict=True))


def _same_decimal(one: str, other: str) -> bool:
    from decimal import Decimal

    return bool(_DECIMAL.fullmatch(one) and _DECIMAL.fullmatch(other)) and Decimal(one) == Decimal(other)


@dataclass(frozen=True)
class _Test:
    """A case, made ready: arguments as they travel and as they are shown, and the text that equal values share."""

    arguments: bytes
    shown: str
    canonical: bytes


def _test(given: str, expected: str) -> _Test:
    """Raises SandboxError for a case that is broken."""
    return (_small_test if len(given) + len(expected) < _LARGE else _made_test)(given, expected)


def _made_test(given: str, expected: str) -> _Test:
    try:
        arguments, wanted = _literal(f"[{given}]"), _literal(expected)
        body = json.dumps([encode(arguments), {"d": []}]).encode()
        return _Test(body, show(arguments, 300), canonical(encode(wanted)).encode())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise SandboxError(f"A test of the task cannot be read: {error}.") from None


_small_test = lru_cache(maxsize=4096)(_made_test)


def _literal(text: str) -> Any:
    """The value of a literal; a long one is read as JSON where it is that, in a hundredth of the time and room."""
    if len(text) >= _LARGE:
        try:
            return json.loads(text)
        except ValueError:
            pass
    return ast.literal_eval(text)


def _passed_on(message: dict[str, Any]) -> dict[str, Any]:
    """What of a message is for the other side. Raises ValueError for one that is none."""
    do, of, kinds = message.get("do"), message.get("of"), message.get("kinds", [])
    is_one = isinstance(do, str) and (of is None or type(of) is int) and isinstance(kinds, list)
    if not is_one or not all(isinstance(kind, str) for kind in kinds):
        raise ValueError("no message")
    return {"do": do, "of": of, "kinds": kinds, "body": message.get("body", b"")}


def _text(shown: Any, most: int = 120) -> str:
    """What a guest says that a value looks like: text that the code may have made."""
    return shown[:most] if isinstance(shown, str) else "something else"


def _unplain(reply: dict[str, Any]) -> str:
    return _text(reply.get("unplain"), 80)


def _odd(answer: dict[str, Any]) -> str:
    return f"raised {_error(answer)}" if "error" in answer else f"returned {_unplain(answer)}, which is no plain value"


def _error(reply: dict[str, Any]) -> str:
    """An error as the guest tells it: text that the code may have made."""
    try:
        kind, message, line = reply["error"]
    except (KeyError, TypeError, ValueError):
        return "an error"
    text = f"{_text(kind, 60)}: {_text(message, 200)}" if message else _text(kind, 60)
    text = " ".join(text.split()).rstrip(".")
    if kind == "ModuleNotFoundError":
        text = f"{text}: only the standard library is there"
    return f"{text} (line {line})" if isinstance(line, int) and 0 < line < _LARGEST else text
