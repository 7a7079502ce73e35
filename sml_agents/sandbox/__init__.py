"""Runs untrusted code, and gives back values.

A `Sandbox` opens a `Guest`, a confined process; a guest loads code and answers calls with plain values. What is right
is decided outside of it, by `sml_agents.verifiers.code`.
"""

from __future__ import annotations

from sml_agents.sandbox.choose import least_isolation, open_sandbox
from sml_agents.sandbox.guests import Guest, GuestEnded, GuestTimeout, Limits, Sandbox
from sml_agents.sandbox.isolation import Isolation, Level

__all__ = [
    "Guest",
    "GuestEnded",
    "GuestTimeout",
    "Isolation",
    "Level",
    "Limits",
    "Sandbox",
    "least_isolation",
    "open_sandbox",
]
