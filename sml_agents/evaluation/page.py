"""The parts of a report's page that stand in files of their own."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

__all__ = ["part", "style_hash"]


def part(name: str) -> str:
    """A template, style or script."""
    return resources.files("sml_agents.evaluation").joinpath("templates", name).read_text(encoding="utf-8")


def style_hash(text: str) -> str:
    """The content security policy's name for an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
