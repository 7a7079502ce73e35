"""The command line, `sml-agents`: one module per command, each light until it runs."""

from __future__ import annotations

from sml_agents.cli.entry import main

__all__ = ["main"]
