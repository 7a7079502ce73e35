"""Plain values as JSON trees, and equality on those trees.

Values of exactly these types travel: None, bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict
(defaultdict, OrderedDict and Counter as dict). Anything else, a subclass included, has no encoding. So what arrives
is data: no object of the other side takes part in a comparison.

The side that does not trust the other compares trees and builds neither sets nor dicts of what arrived: keys that
collide on purpose would cost it quadratic time.
"""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, defaultdict
from typing import Any

__all__ = ["NotPlain", "canonical", "decode", "encode", "same", "show"]

_DEPTH = 100
_MAX_NODES = 200_000
_SHORT_INT = 1 << 1000
_DICTS = (dict, defaultdict, OrderedDict, Counter)
_TAGS: dict[type, str] = {tuple: "t", set: "s", frozenset: "z"}


class NotPlain(ValueError):
    """A value that does not travel; the message says what it is, in words."""


def encode(value: Any) -> Any:
    """`value` as a tree for `json.dumps`. Raises NotPlain, also for what is too deep or too large."""
    return _encode(value, 0, [_MAX_NODES])


def _encode(value: Any, depth: int, budget: list[int]) -> Any:
    kind = type(value)
    budget[0] -= 1
    if depth > _DEPTH or budget[0] < 0:
        raise NotPlain("a value that is too large")
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_SHORT_INT < value < _SHORT_INT else {"i": hex(value)}
    if kind is float:
        return {"f": repr(value)}
    if kind is complex:
        return {"c": [repr(value.real), repr(value.imag)]}
    if kind is bytes:
        return {"b": value.decode("latin-1")}
    if kind is list:
        return [_encode(item, depth + 1, budget) for item in value]
    if kind in _TAGS:
        return {_TAGS[kind]: [_encode(item, depth + 1, budget) for item in value]}
    if kind in _DICTS:
        pairs = dict.items(value)
        return {"d": [[_encode(key, depth + 1, budget), _encode(item, depth + 1, budget)] for key, item in pairs]}
    raise NotPlain(f"a {kind.__name__}")


def decode(tree: Any) -> Any:
    """The value of a tree. Builds sets and dicts: only for trees of one's own side, or inside a sandbox."""
    if isinstance(tree, list):
        return [decode(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((tag, inner),) = tree.items()
    if tag in ("t", "s", "z"):
        return {"t": tuple, "s": set, "z": frozenset}[tag](decode(item) for item in inner)
    if tag == "d":
        return {decode(key): decode(item) for key, item in inner}
    if tag == "f":
        return float(inner)
    if tag == "c":
        return complex(float(inner[0]), float(inner[1]))
    return int(inner, 16) if tag == "i" else inner.encode("latin-1")


def same(one: Any, other: Any) -> bool:
    """Whether two trees stand for equal values, as `==` has it, but a bool is no number."""
    return canonical(one) == canonical(other)


def canonical(tree: Any, depth: int = 0) -> str:
    """A text that equal values share. Raises ValueError for what is no tree of `encode`."""
    if depth > _DEPTH + 2:
        raise ValueError("too deep")
    if tree is None or isinstance(tree, bool):
        return str(tree)
    if isinstance(tree, int):
        return hex(tree)
    if isinstance(tree, str):
        return json.dumps(tree)
    if isinstance(tree, list):
        return f"[{','.join(canonical(item, depth + 1) for item in tree)}]"
    if not isinstance(tree, dict) or len(tree) != 1:
        raise ValueError("no value")
    ((tag, inner),) = tree.items()
    if tag in ("i", "f", "c"):
        return _number(tag, inner)
    if tag == "b" and isinstance(inner, str):
        return f"b{json.dumps(inner)}"
    if not isinstance(inner, list):
        raise ValueError("no value")
    if tag == "t":
        return f"({','.join(canonical(item, depth + 1) for item in inner)})"
    if tag in ("s", "z"):
        return f"{{{','.join(sorted({canonical(item, depth + 1) for item in inner}))}}}"
    if tag == "d":
        pairs = {canonical(key, depth + 1): canonical(item, depth + 1) for key, item in map(_pair, inner)}
        return f"{{{','.join(f'{key}:{item}' for key, item in sorted(pairs.items()))}}}:"
    raise ValueError("no value")


def _pair(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError("no value")
    return pair[0], pair[1]


def _number(tag: str, inner: Any) -> str:
    parts = inner if isinstance(inner, list) else [inner]
    if not all(isinstance(part, str) for part in parts) or len(parts) != (2 if tag == "c" else 1):
        raise ValueError("no value")
    if tag == "i":
        return hex(int(parts[0], 16))
    words = [hex(int(x)) if math.isfinite(x) and x == int(x) else repr(x) for x in map(float, parts)]
    return words[0] if len(words) == 1 or words[1] == "0x0" else f"{words[0]}+{words[1]}j"


def show(tree: Any, most: int = 120) -> str:
    """A tree as Python would write its value, cut after `most` characters. Linear in `most`, not in the value."""
    text = _show(tree, most + 1, 0)
    return text if len(text) <= most else text[: most - 3] + "..."


def _show(tree: Any, room: int, depth: int) -> str:
    if room <= 0 or depth > _DEPTH:
        return "..."
    if tree is None or isinstance(tree, bool | int):
        return str(tree)
    if isinstance(tree, str):
        return repr(tree[:room])
    if isinstance(tree, list):
        return f"[{_row(tree, room, depth)}]"
    if not isinstance(tree, dict) or len(tree) != 1:
        return "..."
    ((tag, inner),) = tree.items()
    if tag == "t":
        return f"({_row(inner, room, depth)}{',' if len(inner) == 1 else ''})"
    if tag in ("s", "z"):
        return f"{{{_row(inner, room, depth)}}}" if inner else "set()"
    if tag == "d":
        shown, left = [], room
        for key, item in inner:
            shown.append(f"{_show(key, left, depth + 1)}: {_show(item, left, depth + 1)}")
            left -= len(shown[-1]) + 2
            if left <= 0:
                break
        return f"{{{', '.join(shown)}}}"
    if tag == "b":
        return repr(inner[:room].encode("latin-1", "replace"))
    return str(inner)[:room] if tag != "c" else f"({inner[0]}+{inner[1]}j)"


def _row(items: list[Any], room: int, depth: int) -> str:
    shown: list[str] = []
    for item in items:
        shown.append(_show(item, room, depth + 1))
        room -= len(shown[-1]) + 2
        if room <= 0:
            break
    return ", ".join(shown)
