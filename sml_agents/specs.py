"""The short strings that name tasks, models and other parts: one grammar for all of them.

    NAME[:ARG][?key=value&key=value...]

The settings begin at the last `?`. What would be taken for a sign of the grammar is percent-encoded (`%3F` for `?`,
`%26` for `&`, `%25` for `%`), in the argument as in the values; a `+` is a plus.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from sml_agents.errors import InputError

__all__ = ["Spec", "read_spec", "taken_out"]


class Spec(NamedTuple):
    """A spec, taken apart."""

    text: str
    name: str
    arg: str
    values: dict[str, str]


def read_spec(text: str, error: type[InputError] = InputError) -> Spec:
    """Take a spec apart, without asking what its parts mean.

    Raises:
        InputError: of the class `error`: a setting that is not `key=value`, or is given twice.
    """
    body, mark, query = text.strip().rpartition("?")
    if not mark:
        body, query = query, ""
    name, _, arg = body.partition(":")
    values: dict[str, str] = {}
    for part in query.split("&") if mark else ():
        key, sign, value = part.partition("=")
        if not (key and sign and value):
            # Not the whole text: a value, or an address in it, may hold a key.
            raise error(f"{key!r} in the spec of {name!r} is not of the form key=value, as in NAME:ARG?key=value.")
        if key in values:
            raise error(f"The key {key!r} is given twice in the spec of {name!r}: give it once.")
        values[key] = unquote(value)
    return Spec(text, name, unquote(arg), values)


def taken_out(text: str, name: str) -> tuple[str, str | None]:
    """A spec without its setting `name`, and what that was set to; None where it is not set.

    Raises:
        InputError: as `read_spec` does.
    """
    body, _, query = text.strip().rpartition("?")
    parts = query.split("&") if body else []
    kept = [part for part in parts if part.partition("=")[0] != name]
    if len(kept) == len(parts):
        return text, None
    value = read_spec(text).values[name]
    # A `?` in the argument is part of it only as long as settings follow.
    return (f"{body}?{'&'.join(kept)}" if kept else body.replace("?", "%3F")), value
