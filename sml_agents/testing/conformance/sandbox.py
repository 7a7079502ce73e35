"""What every sandbox has to do."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from sml_agents.sandbox import Guest, GuestEnded, GuestTimeout, Level, Limits, Sandbox
from sml_agents.sandbox.inside.codec import canonical, encode

__all__ = ["SandboxConformance"]

_WORTH = 0.5
"""Seconds that a guest may need beyond its time, on a busy machine, times ten."""


def _call(*args: Any) -> dict[str, Any]:
    """The request for `f(*args)`."""
    return {"call": "f", "body": json.dumps([encode(list(args)), {"d": []}]).encode()}


class SandboxConformance:
    """What a `Sandbox` promises. A level above `process` also closes files, network and other processes to it."""

    def make_sandbox(self) -> Sandbox:
        """The sandbox under test; called for each test, so give back the same one if starting it is slow."""
        raise NotImplementedError

    @contextmanager
    def guest(self, code: str = "", seconds: float = 20.0, patience: float = 1.0) -> Iterator[Guest]:
        """A guest that has loaded `code`."""
        guest = self.make_sandbox().open(Limits(seconds=seconds, patience=patience))
        try:
            if code:
                assert guest.ask({"load": code, "prelude": ""}) == {"ok": True}
            yield guest
        finally:
            guest.close()

    def call(self, code: str, *args: Any, seconds: float = 20.0) -> dict[str, Any]:
        """The reply to `f(*args)` in a fresh guest."""
        with self.guest(code, seconds) as guest:
            return guest.ask(_call(*args))

    def refuses(self, code: str) -> None:
        """Asserts that `f()` does not return True."""
        with suppress(GuestEnded):
            assert self.call(code).get("value") != "True"

    def test_it_keeps_the_seam(self) -> None:
        sandbox = self.make_sandbox()
        assert isinstance(sandbox, Sandbox) and sandbox.name
        with self.guest() as guest:
            assert isinstance(guest, Guest)
            assert guest.isolation.level >= Level.PROCESS and guest.isolation.layers

    def test_plain_values_go_in_and_come_back(self) -> None:
        value = [
            None,
            True,
            -7,
            1 << 2000,
            0.1,
            float("inf"),
            1 + 2j,
            "\u00e9\ud800\0",
            b"\xff",
            (1, [2]),
            {1, 2},
            {(1,): "x"},
        ]
        assert self.call("def f(x): return x", value)["body"] == canonical(encode(value)).encode()

    def test_what_is_no_plain_value_does_not_come_back(self) -> None:
        for made in ("object()", "(x for x in ())", "type('A', (), {})()", "f", "[object()]"):
            assert "unplain" in self.call(f"def f(): return {made}")

    def test_errors_are_described(self) -> None:
        assert self.call("def f():\n    return 1 / 0")["error"] == ["ZeroDivisionError", "division by zero", 2]
        with self.guest() as guest:
            assert guest.ask({"load": "def f(:", "prelude": ""})["error"][0] == "SyntaxError"

    def test_an_exit_is_an_error_and_a_hard_exit_an_end(self) -> None:
        assert self.call("import sys\ndef f(): sys.exit(0)")["error"][0] == "SystemExit"
        with self.guest("import os\ndef f(): os._exit(0)") as guest:
            self._ends(guest)

    def _ends(self, guest: Guest) -> None:
        try:
            guest.ask(_call())
        except GuestEnded:
            return
        raise AssertionError("a guest that is gone must not answer")

    def test_the_deadline_holds(self) -> None:
        for body in ("while True: pass", "import time; time.sleep(60)", "9 ** 9 ** 9"):
            with self.guest(f"def f():\n    {body}", seconds=0.5) as guest:
                began = time.monotonic()
                try:
                    guest.ask(_call())
                except (GuestTimeout, GuestEnded):
                    pass
                else:
                    raise AssertionError("code without end came to an end")
            assert time.monotonic() - began < 0.5 + 10 * _WORTH

    def test_memory_is_limited(self) -> None:
        try:
            reply = self.call(
                "def f():\n    x = bytearray(8 << 30)\n    x[::4096] = b'x' * len(x[::4096])\n    return True"
            )
        except GuestEnded:
            return
        assert "value" not in reply

    def test_whole_programs_have_input_and_output(self) -> None:
        with self.guest() as guest:
            reply = guest.ask(
                {
                    "program": "import os\nprint(input()[::-1], flush=True)\nos.write(1, b'end')\nos._exit(0)",
                    "prelude": "",
                    "body": b"abc\n",
                }
            )
        assert reply["output"] == "cba\nend" and "error" not in reply

    def test_a_suite_calls_through_and_sees_values(self) -> None:
        with self.guest() as guest:
            reply = guest.ask({"suite": "assert f(2) == 4", "setup": "", "entry": "f", "changes": False})
            assert (reply["do"], reply["of"], reply["shown"]) == ("call", None, "[2]")
            assert guest.ask({"do": "return", "body": b"[4, []]"}) == {"passed": True}

    def test_guests_know_nothing_of_each_other(self) -> None:
        mark = "import builtins, os\ndef f():\n    builtins.mark = 1\n    open('mark', 'w').close()\n    return True"
        look = "import builtins, os\ndef f(): return hasattr(builtins, 'mark') or os.path.exists('mark')"
        assert self.call(mark)["value"] == "True"
        assert self.call(look)["value"] == "False"

    def test_the_environment_stays_outside(self) -> None:
        os.environ["SML_CONFORMANCE"] = "canary"
        try:
            self.refuses("import os\ndef f(): return 'SML_CONFORMANCE' in os.environ")
        finally:
            del os.environ["SML_CONFORMANCE"]

    def test_closing_twice_is_no_error_and_many_run_at_once(self) -> None:
        def one(number: int) -> bool:
            return bool(self.call("def f(x): return x * x", number)["value"] == str(number * number))

        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(one, range(12)))
        guest = self.make_sandbox().open(Limits())
        guest.close()
        guest.close()

    def test_above_process_nothing_of_the_host_is_in_reach(self) -> None:
        with self.guest() as guest:
            if guest.isolation.level < Level.CONFINED:
                return
        here = repr(os.path.abspath(__file__))
        self.refuses("def f(): return bool(open('/etc/shadow').read())")
        self.refuses(f"def f(): return bool(open({here}).read())")
        self.refuses(f"import os\ndef f():\n    os.kill({os.getpid()}, 0)\n    return True")
        self.refuses("import socket\ndef f():\n    socket.create_connection(('127.0.0.1', 22), 1)\n    return True")
        self.refuses("import subprocess\ndef f(): return subprocess.run(['/bin/sh', '-c', 'true']).returncode == 0")
