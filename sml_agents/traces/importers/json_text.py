"""JSON in whatever state logs have it.

NaN and Infinity are read as null; a lone surrogate, and bytes that are no UTF-8, as U+FFFD; a byte order mark and
control characters are passed over. Numbers, texts and lists are otherwise what they are.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

__all__ = ["BLANK", "loaded", "read_json"]

BLANK = b" \t\r\n\x1e\xef\xbb\xbf"
"""Space, the separator of JSON text sequences, and a byte order mark: a file may be several put together."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(text: bytes) -> Any:
    """The value in a JSON text, also in one that only some parsers take (see the module). Raises ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        plain = text.strip(BLANK).decode("utf-8", "replace")
    try:
        value = json.loads(plain, strict=False, parse_constant=_nothing)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return _clean(value) if "\\u" in plain else value


def loaded(value: Any) -> Any:
    """JSON in a text, read; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{", '"'):
        return value
    try:
        held = read_json(value.encode("utf-8", "replace"))
    except ValueError:
        return value
    if isinstance(held, str):  # JSON of JSON, as some exports write it; else somebody's words in quotation marks
        inner = loaded(held) if held.lstrip()[:1] in ("[", "{") else held
        return value if isinstance(inner, str) else inner
    return held


def _nothing(_: str) -> None:
    return None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(one) for name, one in value.items()}
    return value
