"""Private reasoning before a reply: `<think> ... </think>`, as reasoning models write it.

It belongs to whoever wrote it: it enters no history, so neither the other side nor the writer sees it in a later turn.
"""

from __future__ import annotations

__all__ = ["split_thought", "written_thought"]

_OPEN, _CLOSE = "<think>", "</think>"


def split_thought(text: str) -> tuple[str, str]:
    """The reasoning as written, tags included, and what is said after it.

    Some templates open the reasoning in the prompt, so that only its end is in the text. A reasoning that was cut
    before its end leaves nothing said.
    """
    if _CLOSE in text:
        words = text.rpartition(_CLOSE)[2].lstrip()
        return text[: len(text) - len(words)], words
    if text.lstrip().startswith(_OPEN):
        return text, ""
    return "", text


def written_thought(known: str, asked: str, missing: list[str]) -> str:
    """A thought to train on: what is known, what is asked, and what is missing."""
    lines = [f"Known: {known}", f"Asked: {asked}", f"Missing: {', '.join(missing) or 'nothing'}"]
    return "\n".join([_OPEN, *lines, _CLOSE, "", ""])
