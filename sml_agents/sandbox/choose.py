from __future__ import annotations
from sml_agents.sandbox.guests import Sandbox
from sml_agents.sandbox.local import LocalSandbox
def open_sandbox(name: str = "") -> Sandbox:
    return LocalSandbox()
