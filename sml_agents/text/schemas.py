"""Reading the JSON schema of a tool's arguments: an argument's part of it, whether it is wanted, its name in words.

leaves(arguments)        every value with its path: `{"trip": {"to": "Rome"}}` is `{"trip.to": "Rome"}`
schema_at(schema, path)  the part of a schema that the argument at `path` has to fit
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = [
    "bare_path",
    "is_wanted",
    "leaves",
    "parameters_of",
    "pointed",
    "properties_of",
    "required_of",
    "resolved",
    "schema_at",
    "type_of",
    "words_of",
]


def parameters_of(tools: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The schema of each tool's arguments, by the tool's name; tools in OpenAI's form."""
    functions = [_object(tool.get("function")) for tool in tools]
    return {str(one.get("name")): _object(one.get("parameters")) for one in functions}


def _object(value: Any) -> Mapping[str, Any]:
    """A part of a schema, which comes from anywhere: nothing where it is no object."""
    return value if isinstance(value, Mapping) else {}


def leaves(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a call with its path; elements of lists by their place, `guests[0].name`."""
    return dict(_leaves(arguments, None))


def _leaves(value: Any, path: str | None) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or path is None):
        for name, part in value.items():
            yield from _leaves(part, str(name) if path is None else f"{path}.{name}")
    elif isinstance(value, list | tuple) and value:
        for at, part in enumerate(value):
            yield from _leaves(part, f"{path or ''}[{at}]")
    elif path is not None:
        yield path, value


def properties_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments that an object's schema has, each with its own schema."""
    return _object(schema.get("properties"))


def required_of(schema: Mapping[str, Any]) -> list[str]:
    """The names of the arguments that an object's schema requires."""
    names = schema.get("required")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []


def type_of(schema: Mapping[str, Any]) -> str:
    """The name of the type that a schema wants, of several the first that is not null; empty where it names none."""
    given = schema.get("type")
    names = given if isinstance(given, list | tuple) else (given,)
    return next((name for name in names if isinstance(name, str) and name != "null"), "")


def bare_path(path: str) -> str:
    """A path without places in lists: `guests[0].name` and `guests[].name` are `guests.name`."""
    return re.sub(r"\[\d*\]", "", path)


def words_of(path: str) -> str:
    """The last part of a path as words: `trip.departureDate` is `departure date`."""
    last = bare_path(path).rpartition(".")[2]
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", last).replace("_", " ").replace("-", " ").casefold().split())


def is_wanted(root: Mapping[str, Any], path: str, value: Any) -> bool:
    """Whether a schema requires the argument at `path` and all above it, and `value` is not its default."""
    parts = bare_path(path).split(".")
    for at, part in enumerate(parts):
        above = schema_at(root, ".".join(parts[:at])) if at else resolved(root, root)
        items = resolved(above.get("items", {}), root) if "items" in above else above
        if part not in required_of(items):
            return False
    here = schema_at(root, path)
    return not ("default" in here and here["default"] == value)


def schema_at(schema: Any, path: str) -> Mapping[str, Any]:
    """The part of a JSON schema that an argument has to fit; empty where it says nothing of it."""
    root = schema if isinstance(schema, Mapping) else {}
    here: Any = root
    for part in re.findall(r"[^.\[\]]+|\[\d+\]", path):
        here = resolved(here, root)
        here = here.get("items", {}) if part.startswith("[") else properties_of(here).get(part, {})
    return resolved(here, root)


def pointed(root: Any, reference: str) -> Any:
    """What a reference within a schema points at (`#/$defs/Trip`, a JSON pointer); None where there is nothing."""
    for part in filter(None, reference.removeprefix("#").split("/")):
        part = part.replace("~1", "/").replace("~0", "~")
        root = root.get(part) if isinstance(root, Mapping) else None
    return root


def resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without references and alternatives of null."""
    for _ in range(8):
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(reference := schema.get("$ref"), str):
            found = _object(pointed(root, reference))
            schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
            continue
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if not isinstance(options, list):
            return schema
        real = [one for one in options if isinstance(one, Mapping) and one.get("type") != "null"]
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf")}
        schema = {**(real[0] if real else {}), **rest}
    return schema if isinstance(schema, Mapping) else {}
