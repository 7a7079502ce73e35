"""Started once, warm: forks a confined child for every program, and ends it with all that it started.

    parent                                       launcher
    {"settings": {...}} + a descriptor       ->  forks a child that talks over the descriptor (see `guest`)
    {"end": true}                            ->  kills the child and everything below it
                                             <-  {}

When a child has ended by itself, the launcher says so over the child's channel (see `ended`). The launcher runs no
foreign code. When its parent is gone it ends, and so does all below it.
"""

from __future__ import annotations

import builtins
import contextlib
import fcntl
import gc
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from importlib import import_module
from typing import Any, NoReturn

from sml_agents.sandbox.inside import kernel, landlock, limits, namespaces, seccomp
from sml_agents.sandbox.inside.guest import serve
from sml_agents.sandbox.inside.lines import Lines, packed

_WARM = (
    "array bisect collections copy dataclasses datetime decimal enum fractions functools heapq io itertools json math"
    " operator queue random re statistics string threading time typing"
)
_CHANNEL, _PRINTED, _REPORT = 3, 4, 5
_DESCRIBED = 1 << 12
"""Bytes of the description of an error that are read."""
_ASIDE = 16
"""Descriptors from here on are out of the way of those."""
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
        self.channel, self.printed, self.report, self.watch = -1, -1, -1, -1
        """Descriptors of the child: its channel, what it printed, how its error is described, its process."""
        self.most = 0
        """Bytes of what it printed that are read."""

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
            poll = select.poll()
            poll.register(self.control, select.POLLIN)
            if self.watch >= 0:
                poll.register(self.watch, select.POLLIN)
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self.watch in ready:
                self._report()
            if self.control.fileno() not in ready:
                continue
            message, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
            if not message:
                self.end()
                return
            request: dict[str, Any] = json.loads(message)
            if "settings" in request:
                self._start(request["settings"], descriptors[0])
            else:
                self.end()
                self.control.sendall(b"{}\n")

    def _start(self, settings: dict[str, Any], channel: int) -> None:
        if not self.private:
            self.scratch = tempfile.mkdtemp(prefix="sml-sandbox-")
            os.chown(self.scratch, self.user or -1, self.user or -1)
        self.channel, self.most = channel, settings["output"]
        self.printed, self.report = os.memfd_create("printed"), os.memfd_create("report")
        if self.own_tree >= 0:
            kernel.call("unshare", kernel.NEWPID)
        self.child = os.fork()
        if self.child == 0:
            self._be_the_child(settings)
        if self.own_tree >= 0:
            kernel.call("setns", self.own_tree, kernel.NEWPID)
        self.watch = os.pidfd_open(self.child)

    def _be_the_child(self, settings: dict[str, Any]) -> NoReturn:
        """Answers requests. What a whole program raises goes on, so that its process ends as any Python ends."""
        try:
            os.setsid()
            silence = os.open(os.devnull, os.O_RDWR)
            for standard in (0, 1, 2):
                os.dup2(silence, standard)
            kept = [fcntl.fcntl(one, fcntl.F_DUPFD, _ASIDE) for one in (self.channel, self.printed, self.report)]
            for descriptor, place in zip(kept, (_CHANNEL, _PRINTED, _REPORT), strict=True):
                os.dup2(descriptor, place)
            os.closerange(_REPORT + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            self.control.detach()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            layers = confine(settings, self.without, private=self.private, user=self.user, scratch=self.scratch)
        except BaseException:
            os._exit(1)
        serve(Lines(_CHANNEL, _CHANNEL), {"layers": layers}, _PRINTED, _REPORT)
        os._exit(0)

    def _report(self) -> None:
        """Says over its channel that the child has ended, and how."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child, signal.SIGKILL)
        ended(self.child, self.channel, self.printed, self.report, self.most)
        self.child = 0
        os.close(self.watch)
        self.watch = -1

    def end(self) -> None:
        """Ends the child and everything that it started, and removes what it wrote."""
        if self.child:
            for kill in (os.kill, os.killpg):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
            self.child = 0
        until = time.monotonic() + _PATIENCE
        while _kill_orphans() and time.monotonic() < until:
            pass
        for descriptor in (self.channel, self.printed, self.report, self.watch):
            if descriptor >= 0:
                os.close(descriptor)
        self.channel = self.printed = self.report = self.watch = -1
        if self.scratch:
            _remove(self.scratch)
            self.scratch = ""


def ended(child: int, channel: int, printed: int, report: int, most: int) -> None:
    """Waits for the end of `child` and tells the other side of its channel.

    {"ended": signal or 0, "cpu": seconds, "printed": bytes, "report": text}, and `most` bytes of what it printed.
    """
    _, status, usage = os.wait4(child, 0)
    signal_ = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    message: dict[str, Any] = {
        "ended": signal_,
        "cpu": usage.ru_utime + usage.ru_stime,
        "printed": os.fstat(printed).st_size,
    }
    message["report"] = os.pread(report, _DESCRIBED, 0).decode("utf-8", "replace")
    data = memoryview(packed({**message, "body": os.pread(printed, most, 0)}))
    with contextlib.suppress(OSError):  # nobody listens any more
        os.set_blocking(channel, True)
        while data:
            data = data[os.write(channel, data) :]


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
            seccomp.confine_calls(private=private)
            layers.append("seccomp")
    return layers


def add_site_names() -> None:
    """The names that `site` adds to the built-in ones: programs end with `exit()`."""
    from _sitebuiltins import Quitter, _Helper

    for name in ("exit", "quit"):
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    builtins.help = _Helper()


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
    add_site_names()
    seccomp.prepare(private=launcher.private)
    gc.collect()
    gc.freeze()
    launcher.control.sendall(b"{}\n")
    launcher.work()
