"""Text as every store and file format can hold it."""

from __future__ import annotations

from typing import Any

__all__ = ["clean", "deep_clean"]


def clean(text: str) -> str:
    """`text` as every store and file format can hold it: lone surrogates become U+FFFD, NULs are dropped."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Pairs that stand for one character are joined, the rest replaced.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def deep_clean(value: Any) -> Any:
    """`clean` for every string in a JSON-able value."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [deep_clean(item) for item in value]
    if isinstance(value, dict):
        return {deep_clean(key): deep_clean(item) for key, item in value.items()}
    return value
