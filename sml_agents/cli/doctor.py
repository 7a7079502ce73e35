"""`sml-agents doctor`: what this machine can do, what is missing, and the command that mends it."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Any

from sml_agents.cli.result import DONE, FAILED, JsonFlag, Result

if TYPE_CHECKING:
    from sml_agents.cli.checks import Check

MARGIN = 24
SIGNS = {"ok": "ok", "note": "--", "missing": "!!"}


def doctor(json: JsonFlag = False) -> Result:
    """Say what this machine can do, what is missing, and how to mend it."""
    from sml_agents.cli.checks import all_checks

    checks = list(all_checks())
    broken = [check.name for check in checks if check.needed and check.state == "missing"]
    payload: dict[str, Any] = {"ok": not broken, "checks": [check.as_dict() for check in checks]}

    def show() -> None:
        for check in checks:
            _print(check)
        if broken:
            print(f"\nNeeded and missing: {', '.join(broken)}.")
        else:
            optional = sum(check.state == "missing" for check in checks)
            print(
                "\nEverything that is needed is here."
                + (f" {optional} optional parts are missing." if optional else "")
            )

    return Result(payload, show, FAILED if broken else DONE)


def _print(check: Check) -> None:
    width = max(40, min(100, shutil.get_terminal_size((80, 24)).columns))
    start = f"{SIGNS[check.state]} {check.name:<{MARGIN - 4}} "
    lines = textwrap.wrap(check.detail, width - MARGIN, break_on_hyphens=False) or [""]
    print(start + f"\n{' ' * MARGIN}".join(lines))
    if check.mend:  # on a line of its own and never broken: to be copied
        print(f"{' ' * 3}-> {check.mend}")
