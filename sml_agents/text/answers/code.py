"""Where a text holds a program.

The rule, first that applies:

1. fenced    the last block between ``` fences that defines the function asked for (of a whole program: the last that
             does something when it is run), else the last block; a block that was cut off counts. Blocks that are
             marked as something else than Python (`text`, `bash`) do not. Blocks that define a name which it needs and
             does not have go with it, in their order: code is often told in parts.
2. plain     from the first line that begins a definition, an import or a decorator to the last that can belong to it.
3. whole     for a program without a function: a text of which every line may be code.

A fence inside a text between triple quotes is a part of that text. Nothing is parsed: a text made to crash a parser
reaches none.
"""

from __future__ import annotations

import re
from textwrap import dedent

__all__ = ["defines", "find_code"]

_LONGEST = 1_000_000
_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<mark>[\w+-]*).*")
_PYTHON = ("", "python", "py", "python3", "python2")
_BEGINS = re.compile(r"(?:async def|def|class|import|from|@)\b|@")
_GOES_ON = re.compile(
    r"[ \t]|(?:async def|def|class|import|from|if|for|while|try|with|else|elif|except|finally|#|@|\)|\]|\})|[\w.]+ ?=|$"
)
_PROGRAM = re.compile(r"\b(?:print|input)\s*\(|\bsys\.std(?:in|out)\b")
_PROMPT = re.compile(r"^(?:>>>|\.\.\.) ?", re.MULTILINE)
_DOES = re.compile(
    r"^(?:(?:if|for|while|with|try)\b|(?!(?:async def|def|class|import|from)\b)[A-Za-z_][^\n#]*\()", re.MULTILINE
)
"""A line that does something when a program is run."""
_DEFINED = re.compile(
    r"^(?:(?:async[ \t]+def|def|class)[ \t]+(\w+)|(\w++(?:[ \t]*+,[ \t]*+\w++)*+)[ \t]*+(?::[^=\n]++)?=(?!=)"
    r"|(?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+\(?([^\n#]+))",
    re.MULTILINE,
)
_BOUND = re.compile(
    r"\b(\w++)[ \t]*+(?:[-+*/%&|^@]|//|\*\*|<<|>>|:)?=(?!=)|\bfor[ \t]+([\w, \t()*]{1,200}?)[ \t]+in\b"
    r"|\bas[ \t]+(\w+)|\bdef[ \t]+\w++[ \t]*+\(([^)]{0,500})\)|\blambda[ \t]+([^:]{0,200}):"
)
"""Where a name gets a value: parameters, loops, assignments at any depth."""
_WORD = re.compile(r"(?<![\w.])[^\W\d]\w*")
_QUOTE = re.compile(r"\\.|#.*|(\"{3}|'{3})|\"(?:\\.|[^\"\\])*+\"|'(?:\\.|[^'\\])*+'")


def find_code(text: str, entry: str = "") -> str | None:
    """The program in `text` that defines `entry` (a function, or `Class.method`), or None. Linear in its length."""
    text = text[:_LONGEST].replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    blocks = _fenced(text)
    if not blocks:
        return _plain(text) or (text if not entry and _PROGRAM.search(text) else None)
    if entry:
        fit = [at for at, (block, _) in enumerate(blocks) if defines(block, entry)]
    else:
        does = [at for at, (block, _) in enumerate(blocks) if _DOES.search(block)]
        fit = [at for at in does if blocks[at][1]] or does
    return _with_parts([block for block, _ in blocks], fit[-1] if fit else len(blocks) - 1)


def defines(program: str, entry: str) -> bool:
    """Whether `program` has a line that defines `entry`; any program defines the empty one."""
    if not entry:
        return True
    name = re.escape(entry.partition(".")[0])
    return re.search(rf"^[ \t]*(?:(?:async def|def|class)[ \t]+{name}\b|{name}[ \t]*=)", program, re.M) is not None


def _with_parts(blocks: list[str], main: int) -> str:
    """The main block and those that define what it, or what goes with it, needs."""
    if len(blocks) == 1:
        return blocks[main]
    names = [_words(_DEFINED, block) for block in blocks]
    home: dict[str, int] = {}
    for at in (*range(len(blocks) - 1, main, -1), *range(main)):  # the last before the main one, else the first after
        home.update(dict.fromkeys(names[at], at))
    taken, todo = {main}, [main]
    while todo:
        at = todo.pop()
        needed = set(_WORD.findall(blocks[at])) - names[at] - _words(_BOUND, blocks[at])
        found = {home[name] for name in needed if name in home} - taken
        taken |= found
        todo += found
    return "\n".join(blocks[at] for at in sorted(taken))


def _words(pattern: re.Pattern[str], block: str) -> set[str]:
    """The names in what `pattern` finds; of `import a.b as c` the one that is there then."""
    names: set[str] = set()
    for found in pattern.finditer(block):
        for part in next(filter(None, found.groups()), "").split(","):
            names |= set(_WORD.findall(part.rpartition(" as ")[2]))
    return names


def _fenced(text: str) -> list[tuple[str, bool]]:
    """The Python blocks, in their order, and whether each is marked as Python."""
    blocks: list[tuple[str, bool]] = []
    lines = text.split("\n")
    opening: re.Match[str] | None = None
    first, quote, quoted_since, heed = 0, "", 0, True
    at = 0
    while at <= len(lines):
        fence = _FENCE.fullmatch(lines[at]) if at < len(lines) else None
        if at == len(lines) and opening is not None and quote:
            # The quotes never end: they are none, or the text was cut off. From where they began, only fences count.
            at, quote, heed = quoted_since, "", False
            continue
        if opening is None:
            if fence is not None:
                opening, first, quote = fence, at + 1, ""
        elif at == len(lines) or (fence is not None and _ends(opening, fence, quote)):
            mark = opening["mark"].lower()
            block = "\n".join(lines[first:at]) + ("\n" if at < len(lines) else "")
            if mark in _PYTHON and block.strip():
                blocks.append((_dedented(block), bool(mark)))
            opening = fence if fence is not None and fence["mark"] else None
            first, quote = at + 1, ""
        elif heed:
            before, quote = quote, _quote_after(lines[at], quote)
            quoted_since = at + 1 if quote and not before else quoted_since
        at += 1
    return blocks


def _ends(opening: re.Match[str], fence: re.Match[str], quote: str) -> bool:
    """Whether a fence ends the block: one of its kind, not deeper, outside quotes; or one that begins the next block,
    as blocks are forgotten to be closed."""
    if fence["fence"][0] != opening["fence"][0] or len(fence["fence"]) < len(opening["fence"]):
        return False
    deeper = len(fence["indent"].expandtabs()) > len(opening["indent"].expandtabs()) + 3
    return bool(fence["mark"] or not quote) and not deeper


def _quote_after(line: str, quote: str) -> str:
    """The triple quotes that are open after `line`, or nothing; `quote`: those before it."""
    at = 0
    while True:
        if quote:
            end = line.find(quote, at)
            if end < 0:
                return quote
            quote, at = "", end + 3
        found = _QUOTE.search(line, at)
        if found is None:
            return ""
        quote, at = found[1] or "", found.end()


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
    return dedent(_PROMPT.sub("", block) if block.lstrip().startswith(">>>") else block)
