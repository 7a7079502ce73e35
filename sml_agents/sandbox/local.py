"""The default sandbox: a warm launcher forks a confined process for every program, in a few milliseconds.

What isolation there is, is found out as a launcher starts and as each program's process confines itself.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sml_agents.errors import SandboxError
from sml_agents.sandbox.guests import BaseGuest, Channel, Limits

__all__ = ["BOOT", "FLAGS", "FOLDER", "LocalSandbox"]

FOLDER = str(Path(__file__).parent / "inside")
# The package around `inside` is not loaded: it belongs to the user's process.
BOOT = """
import sys, types
for name in ("sml_agents", "sml_agents.sandbox", "sml_agents.sandbox.inside"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[1]]
from sml_agents.sandbox.inside.{module} import main
main()
"""
FLAGS = ("-s", "-P", "-S", "-B")
"""As `-I -S -B`, but that the hash seed may be set: the same program must get the same verdict every time."""
_START = 30.0
"""Seconds for a launcher or a guest to start, even on a busy machine."""
_END = 5.0


class _Launcher:
    """A launcher process. Used by one thread at a time."""

    def __init__(self, python: str, without: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        command = [python, *FLAGS, "-c", BOOT.format(module="launcher"), FOLDER, str(theirs.fileno())]
        with theirs:
            try:
                self.process = subprocess.Popen(
                    [*command, json.dumps(list(without))],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "TMPDIR": tempfile.gettempdir()},
                    cwd="/",
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # Ctrl-C is for the parent
                )
            except OSError as error:
                ours.close()
                raise SandboxError(f"The sandbox cannot be started: {error}.") from error
        self.control = ours
        self.ready = False

    def start(self, settings: dict[str, Any]) -> socket.socket:
        """Forks a child; the channel to it."""
        if not self.ready:
            self._receive(_START)
            self.ready = True
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.control, [json.dumps({"settings": settings}).encode()], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise SandboxError("The sandbox's launcher died.") from error
        return ours

    def end(self) -> None:
        """Ends the child and all below it."""
        try:
            self.control.sendall(b'{"end": true}')
        except OSError as error:
            raise SandboxError("The sandbox's launcher died.") from error
        self._receive(_END)

    def _receive(self, seconds: float) -> None:
        """Waits for the launcher's word that it has done what it was told."""
        data, until = b"", time.monotonic() + seconds
        while not data.endswith(b"\n"):
            left = until - time.monotonic()
            piece = self.control.recv(1 << 12) if left > 0 and select.select([self.control], [], [], left)[0] else b""
            if not piece:
                raise SandboxError("The sandbox's launcher died or does not answer.")
            data += piece

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """Ends the launcher; the kernel, or the launcher itself, ends what is below it."""
        self.control.close()  # it ends by itself at that, its child first
        try:
            self.process.wait(_END)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class _LocalGuest(BaseGuest):
    def __init__(self, sandbox: LocalSandbox, launcher: _Launcher, limits: Limits) -> None:
        self._sandbox, self._launcher = sandbox, launcher
        self._open = True
        try:
            self._socket = launcher.start(limits.settings())
        except SandboxError:
            self._open = False
            sandbox._drop(launcher)
            raise
        both_ways = self._socket.fileno()
        super().__init__(Channel(both_ways, both_ways, max(limits.reply, limits.output)), limits, start=_START)

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        self._socket.close()
        self._sandbox._guests.discard(self)
        try:
            self._launcher.end()
        except SandboxError:
            self._sandbox._drop(self._launcher)
        else:
            self._sandbox._give_back(self._launcher)


class LocalSandbox:
    """Programs run as processes of this machine, in all the isolation that it offers without any setting up.

    `python` runs them (this one). `without` leaves out layers (`namespaces`, `user`, `landlock`, `seccomp`): for tests.
    """

    name = "local"

    def __init__(self, *, python: str = sys.executable, without: Sequence[str] = ()) -> None:
        self._python, self._without = python, tuple(without)
        self._idle: list[_Launcher] = []
        self._all: set[_Launcher] = set()
        self._guests: set[_LocalGuest] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._process = os.getpid()
        atexit.register(self.close)

    def open(self, limits: Limits) -> _LocalGuest:
        guest = _LocalGuest(self, self._take(), limits)
        with self._lock:
            self._guests.add(guest)
        return guest

    def _take(self) -> _Launcher:
        with self._lock:
            if self._closed:
                raise SandboxError("The sandbox is closed.")
            while self._idle:
                launcher = self._idle.pop()
                if launcher.alive:
                    return launcher
                self._all.discard(launcher)
                launcher.kill()
        launcher = _Launcher(self._python, self._without)
        with self._lock:
            self._all.add(launcher)
        return launcher

    def _give_back(self, launcher: _Launcher) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(launcher)
                return
        self._drop(launcher)

    def _drop(self, launcher: _Launcher) -> None:
        with self._lock:
            self._all.discard(launcher)
        launcher.kill()

    @property
    def pids(self) -> list[int]:
        """The process ids of the launchers that are alive."""
        with self._lock:
            return [launcher.process.pid for launcher in self._all if launcher.alive]

    def close(self) -> None:
        """Ends all launchers and guests; may be called again. Called at exit."""
        with self._lock:
            self._closed = True
            launchers, self._all, self._idle = list(self._all), set(), []
            guests = list(self._guests)
        atexit.unregister(self.close)
        if os.getpid() != self._process:
            return  # a forked child must not end its parent's
        for guest in guests:
            guest.close()
        for launcher in launchers:
            launcher.kill()
