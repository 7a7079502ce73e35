"""What `sml-agents doctor` says of the sandbox: the level that a program gets here, found out by starting one."""

from __future__ import annotations

import shutil

from sml_agents.cli.checks import Check

__all__ = ["sandbox"]


def sandbox() -> Check:
    from sml_agents.errors import InputError, SandboxError
    from sml_agents.sandbox import Level, Limits, least_isolation, open_sandbox

    try:
        least = least_isolation()
        guest = open_sandbox().open(Limits())
    except (SandboxError, InputError) as error:
        mend = "export SML_AGENTS_SANDBOX=docker:python:3.12-slim"
        return Check("Sandbox for code", "missing", str(error), mend, data={"level": None})
    guest.close()
    found = guest.isolation
    data = {"level": str(found.level), "layers": list(found.layers), "least": str(least)}
    if found.level < least:
        return Check(
            "Sandbox for code", "missing", f"{found}, and {least} is asked for", _higher(found.layers), data=data
        )
    mend = _higher(found.layers) if found.level < Level.LAYERED else ""
    return Check("Sandbox for code", "ok" if not mend else "note", str(found), mend, data=data)


def _higher(layers: tuple[str, ...]) -> str:
    """The command that brings the next level within reach."""
    if "namespaces" not in layers and shutil.which("sysctl"):
        return "sysctl -w user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1  # in docker: --privileged"
    if shutil.which("bwrap"):
        return "export SML_AGENTS_SANDBOX=bubblewrap"
    if shutil.which("docker"):
        return "docker pull python:3.12-slim && export SML_AGENTS_SANDBOX=docker:python:3.12-slim"
    return "apt-get install bubblewrap && export SML_AGENTS_SANDBOX=bubblewrap"
