"""`python -m sml_agents`, and the console script `sml-agents`: light enough that an early Ctrl-C finds it in place."""

from __future__ import annotations

import sys

__all__ = ["run"]


def run() -> int:
    """Run the command line; what is interrupted while it is still being loaded ends as any other command does."""
    try:
        from sml_agents.cli import main

        return main()
    except KeyboardInterrupt:
        print("sml-agents: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(run())
