"""Text of others in what is printed: error messages, logs, `--json`."""

from __future__ import annotations

import re

__all__ = ["printable"]

_SEQUENCE = re.compile(
    r"(?:\x1b[\]P^_X]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # strings: title, link, clipboard
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # colours, the cursor
    r"|\x1b[ -/]*[0-~]?"
)
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)


def printable(text: str) -> str:
    """`text` on one line and safe to print: no terminal sequence, control character, lone surrogate or change of the
    direction of writing in it."""
    return " ".join(_CONTROL.sub(" ", _SEQUENCE.sub(" ", text)).split())
