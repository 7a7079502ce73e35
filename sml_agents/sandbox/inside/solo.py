"""One guest in a container of another program's making: its channel is standard input and output."""

from __future__ import annotations

import json
import os
import signal
import sys

from sml_agents.sandbox.inside.guest import Lines, serve
from sml_agents.sandbox.inside.launcher import confine

__all__ = ["main"]


def main() -> None:
    """`solo FOLDER SETTINGS`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = json.loads(sys.argv[2])
    lines = Lines(os.dup(0), os.dup(1))
    silence = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(silence, standard)
    sys.argv = [""]
    layers = confine(settings, [], private=False, user=0, scratch="/tmp")
    serve(lines, {"layers": layers})
    os._exit(0)
