"""One guest in a container of another program's making: its channel is standard input and output."""

from __future__ import annotations

import json
import os
import signal
import sys

from sml_agents.sandbox.inside.guest import serve
from sml_agents.sandbox.inside.launcher import add_site_names, confine, ended
from sml_agents.sandbox.inside.lines import Lines

__all__ = ["main"]


def main() -> None:
    """`solo FOLDER SETTINGS`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = json.loads(sys.argv[2])
    incoming, outgoing = os.dup(0), os.dup(1)
    printed, report = os.memfd_create("printed"), os.memfd_create("report")
    silence = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(silence, standard)
    add_site_names()
    if child := os.fork():
        os.close(incoming)
        ended(child, outgoing, printed, report, settings["output"])
        os._exit(0)
    layers = confine(settings, [], private=False, user=0, scratch="/tmp")
    serve(Lines(incoming, outgoing), {"layers": layers}, printed, report)
    os._exit(0)
