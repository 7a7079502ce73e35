"""Started once, warm: forks a confined child for every program, and ends it with all that it started.

    parent                                       launcher
    {"settings": {...}} + a descriptor       ->  forks a child that talks over the descriptor (see `guest`)
    {"end": true}                            ->  kills the child and everything below it
                                             <-  {"status": wait status, "cpu": seconds, "memory": bytes}

The launcher runs no foreign code. When its parent is gone it ends, and so does all below it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
from importlib import import_module
from typing import Any, NoReturn

from sml_agents.sandbox.inside import kernel, landlock, limits, namespaces, seccomp
from sml_agents.sandbox.inside.guest import Lines, serve

_WARM = (
    "bisect collections copy datetime decimal fractions functools heapq itertools math operator random re statistics"
    " string typing"
)
_CHANNEL = 3
_LAST_RESORT = 65534
_PATIENCE = 2.0
"""Seconds in which orphans that were killed have to be gone."""


class Launcher:
    def __init__(self, control: socket.socket, without: list[str]) -> None:
        self.control = control
        self.without = without
        self.private = False
        self.own_tree = -1
        """A descriptor of the launcher's own process namespace, to come back to; -1 when it has none."""
        self.user = 0
        self.child = 0
        self.scratch = ""

    def settle(self) -> None:
        """Takes what isolation there is to have for the launcher itself; what fails is left out."""
        if "namespaces" not in self.without and _works(self._enter, then=_fork_in_a_tree):
            self._enter()
            self.private = True
        else:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        if os.geteuid() == 0 and "user" not in self.without:
            wanted = ((1 << 30) + os.getppid() * 4096 + os.getpid() % 4096, _LAST_RESORT)
            self.user = next((user for user in wanted if _works(lambda user=user: _can_be(user))), 0)

    def _enter(self) -> None:
        namespaces.enter()
        if child := os.fork():  # the first process of the new tree is the launcher from now on
            self.control.close()
            os._exit(abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        self.own_tree = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        namespaces.furnish()

    def work(self) -> None:
        """Serves the parent until it is gone."""
        while True:
            message, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
            if not message:
                self.end()
                return
            request: dict[str, Any] = json.loads(message)
            if "settings" in request:
                self._start(request["settings"], descriptors[0])
            else:
                self.control.sendall(json.dumps(self.end()).encode() + b"\n")

    def _start(self, settings: dict[str, Any], channel: int) -> None:
        if not self.private:
            self.scratch = tempfile.mkdtemp(prefix="sml-sandbox-")
            os.chown(self.scratch, self.user or -1, self.user or -1)
        if self.own_tree >= 0:
            kernel.call("unshare", kernel.NEWPID)
        self.child = os.fork()
        if self.child == 0:
            self._be_the_child(settings, channel)
        if self.own_tree >= 0:
            kernel.call("setns", self.own_tree, kernel.NEWPID)
        os.close(channel)

    def _be_the_child(self, settings: dict[str, Any], channel: int) -> NoReturn:
        try:
            os.setsid()
            silence = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(silence, standard)
            os.dup2(channel, _CHANNEL)
            os.closerange(_CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            sys.argv = [""]
            layers = confine(settings, self.without, private=self.private, user=self.user, scratch=self.scratch)
            serve(Lines(_CHANNEL, _CHANNEL), {"layers": layers})
        finally:
            os._exit(0)

    def end(self) -> dict[str, Any]:
        """Ends the child and everything that it started, and removes what it wrote."""
        if not self.child:
            return {}
        for kill in (os.kill, os.killpg):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self.child, signal.SIGKILL)
        _, status, usage = os.wait4(self.child, 0)
        self.child = 0
        until = time.monotonic() + _PATIENCE
        while _kill_orphans() and time.monotonic() < until:
            pass
        if self.scratch:
            _remove(self.scratch)
        return {"status": status, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss * 1024}


def confine(settings: dict[str, Any], without: list[str], *, private: bool, user: int, scratch: str) -> list[str]:
    """Confines this process with every layer that there is; returns the names of those that hold."""
    layers = ["process"]
    if private:
        namespaces.renew(settings["megabytes"], user or os.getuid())
        layers.append("namespaces")
    else:
        os.chdir(scratch)
    if user:
        limits.become_nobody(user)
        layers.append("user")
    with contextlib.suppress(OSError):
        kernel.no_new_privileges()
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    tempfile.tempdir = None  # the launcher may have looked for one
    os.environ.clear()
    os.environ.update({"HOME": os.getcwd(), "TMPDIR": os.getcwd(), "LANG": "C.UTF-8", "PATH": ""})
    if "landlock" not in without:
        with contextlib.suppress(OSError):
            landlock.confine_files(namespaces.library_paths(), [os.getcwd(), os.devnull])
            layers.append("landlock")
    limits.limit(settings, own_count=private or user > _LAST_RESORT)
    layers.append("limits")
    if "seccomp" not in without:
        with contextlib.suppress(OSError):
            seccomp.confine_calls()
            layers.append("seccomp")
    return layers


def _works(attempt: Any, then: Any = None) -> bool:
    """Whether `attempt()` succeeds, tried in a process of its own."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
            if then:
                then()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _fork_in_a_tree() -> None:
    kernel.call("unshare", kernel.NEWPID)
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _can_be(user: int) -> None:
    limits.become_nobody(user)
    with open(os.__file__, "rb"):
        pass


def _kill_orphans() -> bool:
    """Kills what was left to this process by children that ended; whether there may be more."""
    with contextlib.suppress(OSError), open(f"/proc/self/task/{os.getpid()}/children") as file:
        for word in file.read().split():
            with contextlib.suppress(OSError):
                os.kill(int(word), signal.SIGKILL)
    try:
        if os.waitpid(-1, os.WNOHANG)[0] == 0:
            time.sleep(0.001)
    except ChildProcessError:
        return False
    return True


def _remove(folder: str) -> None:
    for path, names, _ in os.walk(folder, onerror=None):
        for name in names:
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(path, name), 0o700, follow_symlinks=False)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """`launcher FOLDER DESCRIPTOR WITHOUT`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    launcher = Launcher(socket.socket(fileno=int(sys.argv[2])), json.loads(sys.argv[3]))
    launcher.settle()
    for name in _WARM.split():
        import_module(name)
    gc.collect()
    gc.freeze()
    launcher.control.sendall(b"{}\n")
    launcher.work()
