"""Patterns of a tool's schema, which comes from anywhere: which of them may take for ever.

repeats_repeats(pattern)   whether something is repeated that holds a repetition
"""

from __future__ import annotations

import re

__all__ = ["repeats_repeats"]

_PARTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(|\)|[*+]|\{\d*(?:,\d*)?\}|[^()]", re.DOTALL)
_REPEATS = re.compile(r"[*+]|\{\d*,\d*\}|\{\d\d+\}")
_SEPARATORS = frozenset("-_./:,;@# ")


def repeats_repeats(pattern: str) -> bool:
    """Whether a repeated group holds a repetition and nothing that keeps its rounds apart.

    Python's matching then tries all ways to cut a text: `(a+)+` takes for ever, `(-[a-z]+)*` does not, since each round
    begins (or ends) with a separator that occurs nowhere else in it.

    Example: `repeats_repeats("([a-z]+)*")`
    """
    parts = _PARTS.findall(pattern)
    groups: list[list[str]] = [[]]
    """The parts of each open group; of a closed one its parts, too."""
    for at, part in enumerate(parts):
        if part == "(":
            groups.append([])
        elif part == ")" and len(groups) > 1:
            closed = groups.pop()
            repeated = at + 1 < len(parts) and bool(_REPEATS.fullmatch(parts[at + 1]))
            if repeated and any(map(_REPEATS.fullmatch, closed)) and not _is_kept_apart(closed):
                return True
            groups[-1] += closed
        else:
            groups[-1].append(part)
    return False


def _is_kept_apart(group: list[str]) -> bool:
    inner = group[2:] if group[:2] == ["?", ":"] else group
    for sign, elsewhere in ((inner[0], inner[1:]), (inner[-1], inner[:-1])):
        bare = sign.removeprefix("\\")
        if bare in _SEPARATORS and sign != "." and not any(_takes(one, bare) for one in elsewhere):
            return True
    return False


def _takes(part: str, sign: str) -> bool:
    """Whether a part of a pattern may stand for a sign."""
    if _REPEATS.fullmatch(part) or part in ("?", "|"):
        return part == "|"  # the other side need not have the separator
    try:
        return re.fullmatch(part, sign) is not None
    except re.error:
        return True
