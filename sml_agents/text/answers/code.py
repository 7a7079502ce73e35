"""Where a text holds a program.

The rule, first that applies:

1. fenced    the last block between ``` fences that defines the function asked for, else the last block; a block that
             was cut off counts. Blocks that are marked as something else than Python (`text`, `bash`) do not.
2. plain     from the first line that begins a definition, an import or a decorator to the last that can belong to it.
3. whole     for a program without a function: a text of which every line may be code.

Nothing is parsed: a text made to crash a parser reaches none.
"""

from __future__ import annotations

import re

__all__ = ["defines", "find_code"]

_LONGEST = 100_000
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*(?P<mark>[\w+-]*)[^\n]*$", re.MULTILINE)
_PYTHON = ("", "python", "py", "python3", "python2")
_BEGINS = re.compile(r"(?:async def|def|class|import|from|@)\b|@")
_GOES_ON = re.compile(
    r"[ \t]|(?:async def|def|class|import|from|if|for|while|try|with|else|elif|except|finally|#|@|\)|\]|\})|[\w.]+ ?=|$"
)
_PROGRAM = re.compile(r"\b(?:print|input)\s*\(|\bsys\.std(?:in|out)\b")
_PROMPT = re.compile(r"^(?:>>>|\.\.\.) ?", re.MULTILINE)


def find_code(text: str, entry: str = "") -> str | None:
    """The program in `text` that defines `entry` (a function, or `Class.method`), or None. Linear in its length."""
    text = text[:_LONGEST].replace("\r\n", "\n")
    blocks = _fenced(text)
    if blocks:
        fitting = [block for block in blocks if entry and defines(block, entry)]
        return (fitting or blocks)[-1]
    return _plain(text) or (text if not entry and _PROGRAM.search(text) else None)


def defines(program: str, entry: str) -> bool:
    """Whether `program` has a line that defines `entry`; any program defines the empty one."""
    if not entry:
        return True
    name = re.escape(entry.partition(".")[0])
    return re.search(rf"^[ \t]*(?:(?:async def|def|class)[ \t]+{name}\b|{name}[ \t]*=)", program, re.M) is not None


def _fenced(text: str) -> list[str]:
    blocks, start, is_python = [], -1, False
    for fence in _FENCE.finditer(text):
        mark = fence["mark"].lower()
        if start >= 0 and not mark:
            if is_python:
                blocks.append(text[start : fence.start()])
            start = -1
        else:  # opens; a marked fence opens even where the block before was never closed
            start, is_python = fence.end() + 1, mark in _PYTHON
    if start >= 0 and is_python:
        blocks.append(text[start:])
    return [_dedented(block) for block in blocks if block.strip()]


def _plain(text: str) -> str | None:
    lines = text.split("\n")
    start = next((at for at, line in enumerate(lines) if _BEGINS.match(line) and _is_code(line)), None)
    if start is None:
        return None
    end = start + 1
    while end < len(lines) and _GOES_ON.match(lines[end]):
        end += 1
    return "\n".join(lines[start:end])


def _is_code(line: str) -> bool:
    """Whether a line that begins with `from`, `import` or `class` is code and not a sentence."""
    return bool(
        re.match(r"(?:async )?def \w+\s*\(|class \w+\s*[(:]|import [\w., ]+$|from [\w.]+ import |@\w", line.rstrip())
    )


def _dedented(block: str) -> str:
    from textwrap import dedent

    return dedent(_PROMPT.sub("", block) if block.lstrip().startswith(">>>") else block)
