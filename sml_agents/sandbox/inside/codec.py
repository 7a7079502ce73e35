"""Plain values as JSON trees, and equality on those trees.

These types travel: None, bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, deque,
range, Fraction, Decimal and the views of a dict. A subclass of one of them (a named tuple, a Counter, a member of an
IntEnum) travels as the plain content that it holds. What arrives is data: no object of the other side takes part in a
comparison, and no method of it is called.

Whoever does not trust the other side decodes nothing of what arrives: keys that collide on purpose would cost it
quadratic time, and a few bytes can stand for a large object. It compares texts (`canonical`).
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["NotPlain", "canonical", "decode", "encode", "same", "show"]

_DEPTH = 100
_SHORT_INT = 1 << 1000
_DECIMALS = 1000
"""Decimals with more digits before or after the point are compared as they stand."""
_ATOMS = frozenset({type(None), bool, int, str, float})
_LISTS: dict[type, str] = {tuple: "t", set: "s", frozenset: "z"}
_MAKE: dict[str, Callable[[Any], Any]] = {
    "t": tuple,
    "s": set,
    "z": frozenset,
    "k": lambda items: dict.fromkeys(items).keys(),
    "v": lambda items: dict(enumerate(items)).values(),
    "q": deque,
}
_VIEWS: dict[type, str] = {type({}.keys()): "k", type({}.values()): "v"}
_ITEMS: type = type({}.items())
_BASES = (int, str, float, list, tuple, dict, set, frozenset, bytes, bytearray, complex, deque, Fraction, Decimal)


class NotPlain(ValueError):
    """A value that does not travel; the message says what it is, in words."""


Hook = Callable[[Any, Callable[[], Any]], Any]
"""Makes the tree of a value that is more than a constant; its second argument makes the one of this module."""


def encode(value: Any, hook: Hook | None = None) -> Any:
    """`value` as a tree for `json.dumps`. Raises NotPlain for what does not travel, and for what is too deep."""
    return _encode(value, 0, hook)


def _encode(value: Any, depth: int, hook: Hook | None) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is float:
        return value
    if kind is int:
        return value if -_SHORT_INT < value < _SHORT_INT else {"i": hex(value)}
    if depth > _DEPTH:
        raise NotPlain("a value that is too deep")
    if hook is not None:
        return hook(value, lambda: _encode_more(value, kind, depth, hook))
    return _encode_more(value, kind, depth, None)


def _encode_more(value: Any, kind: type, depth: int, hook: Hook | None) -> Any:
    if kind is list:
        return _encode_items(value, depth, hook)
    if kind in _LISTS:
        return {_LISTS[kind]: _encode_items(list(value), depth, hook)}
    if kind is dict:
        return {"d": _encode_pairs(dict.items(value), depth, hook)}
    if kind is bytes:
        return {"b": value.decode("latin-1")}
    if kind is complex:
        return {"c": [value.real, value.imag]}
    return _encode_rare(value, kind, depth, hook)


def _encode_rare(value: Any, kind: type, depth: int, hook: Hook | None) -> Any:
    if kind is bytearray:
        return {"a": bytes(value).decode("latin-1")}
    if kind is range:
        return {"r": [_encode(part, depth + 1, None) for part in (value.start, value.stop, value.step)]}
    if kind is Fraction:
        return {"f": [_encode(int(part), depth + 1, None) for part in (value.numerator, value.denominator)]}
    if kind is Decimal:
        return {"e": str(value)}
    if kind is deque:
        return {"q": _encode_items(list(value), depth, hook)}
    if kind in _VIEWS:
        return {_VIEWS[kind]: _encode_items(list(value), depth, hook)}
    if kind is _ITEMS:
        return {"m": _encode_pairs(value, depth, hook)}
    if kind not in _BASES and (base := next((base for base in _BASES if base in kind.__mro__), None)) is not None:
        return _encode(_content(value, base), depth, hook)
    raise NotPlain(f"a {kind.__name__}")


def _content(value: Any, base: type) -> Any:
    """What `value`, of a subclass of `base`, holds: by the methods of `base`, not by its own."""
    if base is str:
        return str.__str__(value)
    if base in (int, float):
        return base.__pos__(value)
    if base is dict:
        return dict(dict.items(value))
    if base in (bytes, bytearray):
        return base.__getitem__(value, slice(None))
    if base in (list, tuple, set, frozenset, deque):
        return base(base.__iter__(value))
    if base is complex:
        return complex.__pos__(value)
    return Fraction(value.numerator, value.denominator) if base is Fraction else Decimal(value)


def _encode_items(items: list[Any], depth: int, hook: Hook | None) -> list[Any]:
    if _ATOMS.issuperset(map(type, items)) and (int not in map(type, items) or _all_short(items)):
        return items
    return [_encode(item, depth + 1, hook) for item in items]


def _all_short(items: list[Any]) -> bool:
    return all(-_SHORT_INT < item < _SHORT_INT for item in items if type(item) is int)


def _encode_pairs(pairs: Any, depth: int, hook: Hook | None) -> list[Any]:
    return [[_encode(key, depth + 1, hook), _encode(item, depth + 1, hook)] for key, item in pairs]


def decode(tree: Any, other: Callable[[str, Any], Any] | None = None) -> Any:
    """The value of a tree. Builds sets and dicts: only for trees of one's own side, or inside a sandbox.

    `other(tag, inner)` makes what has a tag that is not one of this module. Raises ValueError or TypeError for what is
    no tree.
    """
    if isinstance(tree, list):
        if _ATOMS.issuperset(map(type, tree)):
            return tree
        return [decode(item, other) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((tag, inner),) = tree.items()
    if tag in _MAKE:
        return _MAKE[tag](decode(item, other) for item in inner)
    if tag in ("d", "m"):
        made = {decode(key, other): decode(item, other) for key, item in inner}
        return made if tag == "d" else made.items()
    if tag == "c":
        return complex(*inner)
    if tag == "i":
        return int(inner, 16)
    if tag in ("b", "a"):
        data = inner.encode("latin-1")
        return data if tag == "b" else bytearray(data)
    if tag == "r":
        return range(*(decode(part) for part in inner))
    if tag == "f":
        return Fraction(*(decode(part) for part in inner))
    if tag == "e":
        return Decimal(inner)
    if other is None:
        raise ValueError("no value")
    return other(tag, inner)


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
    if isinstance(tree, float):
        return _number(tree)
    if isinstance(tree, str):
        return json.dumps(tree)
    if isinstance(tree, list):
        return f"[{_joined(tree, depth)}]"
    if not isinstance(tree, dict) or len(tree) != 1:
        raise ValueError("no value")
    ((tag, inner),) = tree.items()
    if isinstance(inner, str) and tag in ("i", "b", "a", "e"):
        return f"b{json.dumps(inner)}" if tag in ("b", "a") else _canonical_number(decode(tree))
    if not isinstance(inner, list):
        raise ValueError("no value")
    if tag == "t":
        return f"({_joined(inner, depth)})"
    if tag in ("s", "z", "k"):
        return f"{{{','.join(sorted({canonical(item, depth + 1) for item in inner}))}}}"
    if tag == "d":
        pairs = {canonical(key, depth + 1): canonical(item, depth + 1) for key, item in map(_pair, inner)}
        return f"{{{','.join(f'{key}:{item}' for key, item in sorted(pairs.items()))}}}:"
    if tag == "m":
        return canonical({"s": [{"t": [key, item]} for key, item in map(_pair, inner)]}, depth)
    if tag in ("q", "v"):
        return f"{tag}[{_joined(inner, depth)}]"
    if tag in ("c", "f", "r"):
        return _canonical_parts(tag, [_part(part) for part in inner])
    raise ValueError("no value")


def _joined(items: list[Any], depth: int) -> str:
    kinds = set(map(type, items))
    if kinds == {int}:
        return ",".join(map(hex, items))
    if kinds == {str}:
        return ",".join(map(json.dumps, items))
    return ",".join([canonical(item, depth + 1) for item in items])


def _canonical_parts(tag: str, parts: list[Any]) -> str:
    if tag == "r":
        made = range(*parts)
        return f"r{len(made)}:{list(made[:2])}"
    one, other = parts
    if tag == "f":
        return _canonical_number(Fraction(one, other))
    return _number(one) if other == 0 else f"{_number(one)}+{_number(other)}j"


def _canonical_number(value: int | Fraction | Decimal) -> str:
    """Equal for equal numbers of all types: a whole number, a float that is exactly that, or a fraction."""
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _DECIMALS:
            return str(value.normalize()) if value.is_finite() else repr(float(value))
        value = Fraction(value)
    if value.denominator == 1:
        return hex(value.numerator)
    try:
        near = float(value)
    except OverflowError:
        near = 0.0
    return _number(near) if near == value else f"{value.numerator}/{value.denominator}"


def _part(tree: Any) -> Any:
    if isinstance(tree, bool) or not isinstance(tree, int | float | dict):
        raise ValueError("no value")
    return decode(tree) if isinstance(tree, dict) else tree


def _pair(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise ValueError("no value")
    return pair[0], pair[1]


def _number(x: float) -> str:
    return hex(int(x)) if math.isfinite(x) and x == int(x) else repr(x)


def show(value: Any, most: int = 120) -> str:
    """A value as Python would write it, cut after `most` characters. Linear in `most`, not in the value."""
    text = _show(value, most + 1, 0)
    return text if len(text) <= most else text[: most - 3] + "..."


def _show(value: Any, room: int, depth: int) -> str:
    kind = type(value)
    if room <= 0 or depth > _DEPTH:
        return "..."
    if value is None or kind is bool:
        return str(value)
    if kind is int:
        return str(value) if -_SHORT_INT < value < _SHORT_INT else hex(value)[:room]
    if kind in (str, bytes, bytearray):
        return repr(value[:room])
    if kind is list:
        return f"[{_row(value, room, depth)}]"
    if kind is tuple:
        return f"({_row(value, room, depth)}{',' if len(value) == 1 else ''})"
    if kind in (set, frozenset):
        return f"{{{_row(value, room, depth)}}}" if value else "set()"
    if kind is dict:
        return f"{{{_row(dict.items(value), room, depth, ': ')}}}"
    if kind in (*_VIEWS, _ITEMS, deque):
        return f"{kind.__name__}([{_row(value, room, depth)}])"
    base = next((base for base in _BASES if kind is not base and base in kind.__mro__), None)
    if base is not None:
        return _show(_content(value, base), room, depth)
    return repr(value)[:room] if kind in (*_BASES, range) else f"<{kind.__name__}>"


def _row(items: Any, room: int, depth: int, between: str = "") -> str:
    shown: list[str] = []
    for item in items:
        if between:
            key = _show(item[0], room, depth + 1)
            shown.append(f"{key}{between}{_show(item[1], room - len(key), depth + 1)}")
        else:
            shown.append(_show(item, room, depth + 1))
        room -= len(shown[-1]) + 2
        if room <= 0:
            break
    return ", ".join(shown)
