"""Tools by which an agent asks the person."""

from __future__ import annotations

import re

__all__ = ["ASKING_TOOL"]

ASKING_TOOL = re.compile(r"ask_?(?:the_?|a_?)?(?:user|human|person|customer)|(?:user|human)_?input", re.IGNORECASE)
"""Names of tools whose result is what the person answered."""
