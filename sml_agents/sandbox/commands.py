"""Sandboxes that another program makes: bubblewrap, docker, podman. Opt-in: a start takes longer than all the rest.

In each of them a guest confines itself as it does elsewhere, as far as the container lets it: the container is one
layer more, and with docker and podman memory and processes are counted by the kernel for the container as a whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from sml_agents.errors import SandboxError
from sml_agents.sandbox.guests import BaseGuest, Channel, Limits
from sml_agents.sandbox.inside.namespaces import library_paths
from sml_agents.sandbox.local import BOOT, FLAGS, FOLDER

__all__ = ["CommandSandbox", "bubblewrap", "container"]

_START = 60.0
"""Seconds for a container to start; an image has to be there already."""
_INSIDE = "/sml"


class _CommandGuest(BaseGuest):
    def __init__(self, name: str, command: Sequence[str], stop: Sequence[str], limits: Limits) -> None:
        self._stop = stop
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"The sandbox {name} cannot be started: {error}.") from error
        pipes = self._process.stdout, self._process.stdin
        assert pipes[0] is not None and pipes[1] is not None
        channel = Channel(pipes[0].fileno(), pipes[1].fileno(), max(limits.reply, limits.output))
        super().__init__(channel, limits, start=_START, around=(name,))

    def close(self) -> None:
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._stop:
            subprocess.run(self._stop, stdin=subprocess.DEVNULL, capture_output=True, timeout=_START, check=False)


class CommandSandbox:
    """Starts a container for every guest. `command` makes its command line from limits and a name for the container."""

    def __init__(
        self,
        name: str,
        command: Callable[[Limits, str], list[str]],
        stop: Callable[[str], list[str]] = lambda label: [],
    ) -> None:
        self.name = name
        self._command, self._stop = command, stop

    def open(self, limits: Limits) -> _CommandGuest:
        label = f"sml-sandbox-{secrets.token_hex(6)}"
        return _CommandGuest(self.name, self._command(limits, label), self._stop(label), limits)


def bubblewrap(python: str = sys.executable) -> CommandSandbox:
    """Namespaces made by `bwrap` (Debian: apt-get install bubblewrap). Raises SandboxError when it is not installed."""
    program = _found("bwrap", "apt-get install bubblewrap")
    real = os.path.realpath(python)

    def command(limits: Limits, label: str) -> list[str]:
        line = [program, "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
        for path in (*library_paths(), real):
            if not path.startswith("/dev/"):
                line += ["--ro-bind", path, path]
        line += ["--dev", "/dev", "--size", str(limits.megabytes << 20), "--tmpfs", "/tmp"]
        line += ["--ro-bind", FOLDER, _INSIDE, "--chdir", "/tmp", "--setenv", "PYTHONHASHSEED", "0"]
        return [*line, real, *_python(limits)]

    return CommandSandbox("bubblewrap", command)


def container(program: str, image: str) -> CommandSandbox:
    """A container of docker or podman. `image` must have `python3` 3.11 or newer, and be there: nothing is pulled.

    `docker:IMAGE` uses the daemon's default runtime; where that is gVisor's runsc, programs have a kernel of their own.
    """
    path = _found(program, f"see the documentation of {program}")

    def command(limits: Limits, label: str) -> list[str]:
        line = [path, "run", "--rm", "--interactive", "--name", label, "--pull", "never", "--network", "none"]
        line += ["--read-only", "--tmpfs", f"/tmp:rw,noexec,nosuid,nodev,size={limits.megabytes}m,mode=1777"]
        line += ["--memory", str(limits.memory), "--memory-swap", str(limits.memory), "--cpus", "1"]
        line += ["--pids-limit", str(limits.threads), "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        line += ["--user", "65534:65534", "--workdir", "/tmp", "--env", "PYTHONHASHSEED=0"]
        line += ["--volume", f"{FOLDER}:{_INSIDE}:ro", "--entrypoint", "python3", image]
        return [*line, *_python(limits)]

    return CommandSandbox(program, command, lambda label: [path, "rm", "--force", label])


def _python(limits: Limits) -> list[str]:
    return [*FLAGS, "-c", BOOT.format(module="solo"), _INSIDE, json.dumps(limits.settings())]


def _found(program: str, mend: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise SandboxError(f"There is no {program} on this machine: {mend}.")
    return path
