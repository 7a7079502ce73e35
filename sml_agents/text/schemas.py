"""Reading the JSON schema of a tool's arguments: an argument's part of it, whether it is wanted, its name in words.

leaves(arguments)        every value with its path: `{"trip": {"to": "Rome"}}` is `{"trip.to": "Rome"}`
schema_at(schema, path)  the part of a schema that the argument at `path` has to fit
fault_in(schema)         what makes a schema that somebody wrote by hand one that nobody can read
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = [
    "argument_paths",
    "bare_path",
    "fault_in",
    "flat",
    "is_wanted",
    "leaves",
    "merged",
    "object_of",
    "parameters_of",
    "pointed",
    "properties_of",
    "public_names",
    "required_of",
    "resolved",
    "schema_at",
    "type_of",
    "unreadable",
    "value_at",
    "words_of",
]


def parameters_of(tools: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The schema of each tool's arguments, by the tool's name; tools in OpenAI's form."""
    functions = [object_of(tool.get("function")) for tool in tools]
    return {str(one.get("name")): object_of(one.get("parameters")) for one in functions}


def object_of(value: Any) -> Mapping[str, Any]:
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


def value_at(arguments: Any, path: str) -> Any:
    """The value of a call at a path such as `trip.day`; None where there is none."""
    for part in path.split("."):
        arguments = arguments.get(part) if isinstance(arguments, Mapping) else None
    return arguments


def fault_in(schema: Any) -> tuple[str, str] | None:
    """The first part of a schema that cannot be read: the path of its argument, and what is wrong with it.

    What a reference within the schema points at is read, too; what is unknown or says nothing is no fault, and a part
    that is null is not there. None: all of it can be read.
    """
    left: list[tuple[str, Any]] = [("", schema)]
    seen: set[int] = set()
    while left:
        path, part = left.pop()
        if isinstance(part, bool) and path:  # anything, or nothing
            continue
        if not isinstance(part, Mapping):
            return path, "an argument that is no schema" if path else "a schema that is no object"
        if id(part) in seen:
            continue
        seen.add(id(part))
        for key, is_readable, fault in _PARTS:
            if part.get(key) is not None and not is_readable(part[key]):
                if key == "required" and path and isinstance(part[key], bool):
                    continue  # how an older draft says that this argument is required
                return path, fault
        left += reversed(list(_parts_of(part, path, schema)))
    return None


def unreadable(tool: str, path: str, fault: str) -> str:
    """What to say of a tool with such a fault."""
    return (
        f"The parameters of {tool!r} cannot be read: {fault}{path and f', at {path}'}; correct the tool's JSON schema."
    )


def _parts_of(part: Mapping[str, Any], path: str, root: Any) -> Iterator[tuple[str, Any]]:
    """The schemas within a readable one."""
    for name, inner in properties_of(part).items():
        yield f"{path}.{name}" if path else str(name), inner
    items = part.get("items")
    for one in items if isinstance(items, list | tuple) else () if items is None else (items,):
        yield f"{path}[]", one
    if isinstance(more := part.get("additionalProperties"), Mapping):
        yield f"{path}[]", more
    for key in _PARTED:
        yield from ((path or key, one) for one in part.get(key) or ())
    if isinstance(reference := part.get("$ref"), str) and (found := pointed(root, reference)) is not None:
        yield path or reference, found


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


_CHOICES = ("anyOf", "oneOf")
_PARTED = (*_CHOICES, "allOf")
_PARTS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("type", lambda value: isinstance(value, str) or (_is_names(value) and bool(value)), "a type that is no name"),
    ("properties", lambda value: isinstance(value, Mapping), "properties that are no object"),
    ("required", _is_names, "required that is no list of names"),
    ("enum", _is_list, "an enum that is no list"),
    *((key, _is_list, f"{key} that is no list of schemas") for key in _PARTED),
    ("$ref", lambda value: isinstance(value, str), "a reference that is no text"),
    ("pattern", lambda value: isinstance(value, str), "a pattern that is no text"),
)
"""Parts of a schema, how they can be read, and what is wrong with them otherwise."""


def properties_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments that an object's schema has, each with its own schema."""
    return object_of(schema.get("properties"))


def required_of(schema: Mapping[str, Any]) -> list[str]:
    """The names of the arguments that an object's schema requires; in an older draft each says so of itself."""
    names = schema.get("required")
    listed = [name for name in names if isinstance(name, str)] if isinstance(names, list | tuple) else []
    marked = [str(name) for name, one in properties_of(schema).items() if object_of(one).get("required") is True]
    return list(dict.fromkeys((*listed, *marked)))


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


def public_names(schema: Any, path: str) -> tuple[str, ...]:
    """How the schema of a tool calls the argument at `path`, which everybody can read: by its name as it is written
    and in words, and by its description; not by what it calls another argument, too."""
    others = {name.casefold() for other in _arguments_of(schema) if other != path for name in _called(schema, other)}
    return tuple(name for name in dict.fromkeys(_called(schema, path)) if name.casefold() not in others)


def _called(schema: Any, path: str) -> tuple[str, ...]:
    described = str(schema_at(schema, path).get("description") or "").strip(" .")
    return tuple(filter(None, (path.rpartition(".")[2], words_of(path), described)))


def _arguments_of(schema: Any, above: str = "", root: Any = None, depth: int = 0) -> Iterator[str]:
    """The paths of all arguments, those within objects and lists of objects included."""
    root = object_of(schema) if root is None else root
    here = resolved(schema, root)
    while "items" in here and "properties" not in here and depth < _DEEPEST:
        here, above, depth = resolved(here["items"], root), f"{above.removesuffix('.')}[].", depth + 1
    if depth >= _DEEPEST:  # a schema may refer to itself
        return
    for name, inner in properties_of(here).items():
        path = f"{above}{name}"
        yield path
        yield from _arguments_of(inner, f"{path}.", root, depth + 1)


_DEEPEST = 12


def argument_paths(schema: Any) -> list[str]:
    """The paths of a tool's arguments that hold values: of those that are objects, or lists of them, what is within."""
    paths = list(_arguments_of(schema))
    above = {path[: dot.start()] for path in paths for dot in re.finditer(r"\[\]\.|\.", path)}
    return [path for path in paths if path not in above]


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
    """A schema without references, parts that all count, and alternatives of null; of others the first."""
    here = flat(schema, root)
    for _ in range(8):
        options = next(filter(None, map(here.get, _CHOICES)), None)
        if not isinstance(options, list | tuple):
            break
        real = [one for one in options if isinstance(one, Mapping) and one.get("type") != "null"]
        rest = {key: value for key, value in here.items() if key not in _CHOICES}
        here = flat(merged(rest, real[0]) if real else rest, root)
    return here


def flat(schema: Any, root: Mapping[str, Any], above: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    """A schema with what it refers to (`$ref`) and all that counts beside it (`allOf`) in one; empty where it is no
    object. `above`: references that led here, which are not followed again."""
    schema = object_of(schema)
    reference, parts = schema.get("$ref"), schema.get("allOf")
    whole: Mapping[str, Any] = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    if isinstance(reference, str) and reference not in above:
        whole = merged(whole, flat(pointed(root, reference), root, above | {reference}))
    for part in parts if isinstance(parts, list | tuple) else ():
        whole = merged(whole, flat(part, root, above))
    return whole


def merged(schema: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    """Both of two schemas: what either requires, and the arguments of both; else the first one's word."""
    whole = {**more, **schema}
    if "properties" in schema and "properties" in more:
        one, other = properties_of(schema), properties_of(more)
        both = {name: merged(object_of(one[name]), object_of(other[name])) for name in other if name in one}
        whole["properties"] = {**other, **one, **both}
    if "required" in schema and "required" in more:
        whole["required"] = list(dict.fromkeys((*required_of(schema), *required_of(more))))
    return whole
