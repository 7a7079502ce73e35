"""Tools and calls as other data sets write them, brought into one form.

A tool comes as `{"type": "function", "function": {...}}`, as the inner object alone, or as JSON text of either; its
parameters as a JSON schema, with Python's names for types (`dict`, `float`), or as a bare table of arguments with types
such as `str, optional`. A call comes as `{"name", "arguments"}`, with arguments as an object or as JSON text, within
OpenAI's `tool_calls`, or as `{name: {argument: [accepted values]}}`.

What cannot be used raises `Unusable`, with a reason out of few, so that reasons can be counted.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sml_agents.text.schemas import fault_in, object_of, pointed, properties_of, required_of, type_of
from sml_agents.types import AcceptedCall

__all__ = [
    "Unusable",
    "argument_in",
    "calls_of",
    "check_length",
    "loaded",
    "read_call",
    "read_tool",
    "read_tools",
    "required_paths",
    "text_of",
    "whole",
]

MOST_ARGUMENTS = 200
MOST_TOOLS = 200
LONGEST = 20_000
"""Characters of a request."""
LONGEST_TOOLS = 200_000
"""Characters of its tools, as JSON."""
_DEEPEST = 12
"""Objects within objects in a schema."""
_DEEPEST_ROW = 100
_TYPES = {
    **{"dict": "object", "float": "number", "double": "number", "int": "integer", "bool": "boolean", "str": "string"},
    **{"list": "array", "tuple": "array", "set": "array", "List": "array", "Dict": "object", "any": ""},
}
_JSON_TYPES = ("", "object", "array", "string", "number", "integer", "boolean", "null")
_KEPT = ("description", "enum", "format", "pattern", "default", "minimum", "maximum", "const")


class Unusable(Exception):
    """A row, tool or call of which no task can be made; the text is the reason, without anything of the row."""


def whole(row: Mapping[str, Any]) -> None:
    """Raises Unusable for a row that could not be written down again: half characters, numbers that JSON does not have
    (`NaN`, `1e999`), values in values without end."""
    try:
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8")
        deep: list[tuple[Any, int]] = [(row, 0)]
        while deep:
            value, depth = deep.pop()
            if depth > _DEEPEST_ROW:
                raise Unusable("values nested too deeply")
            inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
            deep += [(one, depth + 1) for one in inner]
    except (UnicodeEncodeError, RecursionError):
        raise Unusable("text that is no Unicode, or values nested too deeply") from None
    except ValueError:
        raise Unusable("a number that is none") from None


def check_length(text: str) -> None:
    """Raises Unusable for a request that is longer than any is."""
    if len(text) > LONGEST:
        raise Unusable(f"a request of more than {LONGEST:,} characters")


def text_of(message: Mapping[str, Any]) -> str:
    """What a message says, also in parts; empty where that is no text."""
    content = message.get("content")
    if isinstance(content, list) and all(isinstance(part, Mapping) for part in content):
        content = "\n".join(part["text"] for part in content if isinstance(part.get("text"), str))
    return content.strip() if isinstance(content, str) else ""


def calls_of(message: Mapping[str, Any]) -> Any:
    """The calls that an assistant's message makes, in OpenAI's form, its old one, or Anthropic's; None without any."""
    if calls := message.get("tool_calls"):
        return calls
    if isinstance(old := message.get("function_call"), Mapping):
        return [old]
    parts = message.get("content")
    used = [one for one in parts if isinstance(one, Mapping) and "input" in one] if isinstance(parts, list) else []
    return used or None


def loaded(value: Any, what: str) -> Any:
    """JSON text as what it says; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        made = json.loads(value)
        whole({"": made})
        return made
    except (ValueError, RecursionError):
        raise Unusable(f"{what} that are no JSON") from None


def read_tools(value: Any) -> tuple[dict[str, Any], ...]:
    """Tools in the form of `Task.tools`. Raises Unusable."""
    value = loaded(value, "tools")
    found = [value] if isinstance(value, Mapping) else value
    if not isinstance(found, list) or not found:
        raise Unusable("no tools")
    if len(found) > MOST_TOOLS:
        raise Unusable(f"more than {MOST_TOOLS} tools")
    tools = tuple(read_tool(one) for one in found)
    if len(json.dumps(tools, ensure_ascii=False)) > LONGEST_TOOLS:
        raise Unusable(f"tools of more than {LONGEST_TOOLS:,} characters")
    names = [tool["function"]["name"] for tool in tools]
    if len(set(names)) < len(names):
        raise Unusable("two tools of one name")
    return tools


def read_tool(value: Any) -> dict[str, Any]:
    """One tool in the form of `Task.tools`. Raises Unusable."""
    value = loaded(value, "tools")
    inner = value.get("function", value) if isinstance(value, Mapping) else None
    if not isinstance(inner, Mapping):
        raise Unusable("a tool that is no object")
    name = inner.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Unusable("a tool without a name")
    given = inner.get("parameters", inner.get("input_schema", inner.get("inputSchema"))) or {}
    given = loaded(given, "parameters")
    if not isinstance(given, Mapping):
        raise Unusable("a tool whose parameters are no object")
    schema = given if _is_schema(given) else _from_table(given)
    if (fault := fault_in(schema)) is not None:
        raise Unusable(fault[1])
    parameters = _Reader(schema).object(schema, 0)
    described = inner.get("description")
    function = {"name": name.strip(), "description": described if isinstance(described, str) else ""}
    return {"type": "function", "function": {**function, "parameters": parameters}}


def _is_schema(given: Mapping[str, Any]) -> bool:
    """Whether parameters are a JSON schema, and no table of arguments; those may be called `type` or `properties`."""
    properties = given.get("properties")
    told = isinstance(properties, Mapping) and all(isinstance(one, Mapping | bool) for one in properties.values())
    return not given or told or isinstance(given.get("type"), str | list)


def _from_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """A bare table of arguments: what has no default and is not said to be optional is required."""
    required = []
    for name, one in table.items():
        if not isinstance(one, Mapping):
            raise Unusable("an argument that is no schema")
        if "default" not in one and "optional" not in str(one.get("type", "")):
            required.append(name)
    return {"type": "object", "properties": dict(table), "required": required}


class _Reader:
    """Reads one tool's schema: references resolved, types named as JSON schema does, arguments counted."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root, self.arguments = root, 0

    def object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties, required = properties_of(schema), required_of(schema)
        if [name for name in required if name not in properties]:
            raise Unusable("a required argument that the schema does not have")
        if [name for name in properties if not name.strip() or set(name) & set(".[]")]:
            raise Unusable("an argument without a name, or with a dot or bracket in it")
        self.arguments += len(properties)
        if self.arguments > MOST_ARGUMENTS:
            raise Unusable(f"more than {MOST_ARGUMENTS} arguments")
        made = {str(name): self.value(one, depth + 1) for name, one in properties.items()}
        return {"type": "object", "properties": made, "required": list(dict.fromkeys(required))}

    def value(self, schema: Any, depth: int) -> dict[str, Any]:
        if depth > _DEEPEST:
            raise Unusable("a schema that holds itself or nests too deeply")
        if schema is True:  # anything
            return {}
        if not isinstance(schema, Mapping):
            raise Unusable("an argument that is no schema")
        if isinstance(reference := schema.get("$ref"), str):
            target = pointed(self.root, reference)
            if not isinstance(target, Mapping):
                raise Unusable("a reference to no schema")
            rest = {key: one for key, one in schema.items() if key != "$ref"}
            return self.value({**target, **rest}, depth + 1)
        for choices in ("anyOf", "oneOf", "allOf"):
            if isinstance(found := schema.get(choices), list):
                real = [one for one in found if not (isinstance(one, Mapping) and one.get("type") == "null")]
                rest = {key: one for key, one in schema.items() if key != choices}
                return self.value({**object_of(real[0] if real else {}), **rest}, depth + 1)
        kept = ((key, schema[key]) for key in _KEPT if key in schema)
        made = {key: part for key, part in kept if part is not None or key in ("default", "const")}
        kind = _type(schema)
        if "pattern" in made:
            _check_pattern(made["pattern"])
        if kind == "object" or (not kind and "properties" in schema):
            return {**made, **self.object(schema, depth)}
        if kind == "array" and schema.get("items") is not None:
            made["items"] = self.value(schema["items"], depth + 1)
        return {"type": kind, **made} if kind else made


def _type(schema: Mapping[str, Any]) -> str:
    """The JSON type that a schema names, also in Python's words (`str, optional`, `List[int]`); empty for any."""
    word = type_of(schema).split(",")[0].split("[")[0].strip()
    if (kind := _TYPES.get(word, word)) not in _JSON_TYPES:
        raise Unusable("a type that JSON schemas do not have")
    return kind


def _check_pattern(pattern: str) -> None:
    """Raises Unusable for what is no regular expression. What browsers' have and Python's lack is looked past."""
    portable = re.sub(r"\(\?<(?![=!])", "(?P<", re.sub(r"\\[pP]\{[^}]*\}", "x", pattern))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of sets within sets, which will mean something else one day
        try:
            re.compile(portable)
        except (re.error, RecursionError, OverflowError):
            raise Unusable("a pattern that is no regular expression") from None


def required_paths(schema: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Paths of the required arguments, those within required objects by `object.argument`."""
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        inner = properties[name]
        if inner.get("properties"):
            yield from required_paths(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def argument_in(schema: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    """The schema of an argument, None for one that the tool does not have."""
    at: Any = schema
    for part in path.split("."):
        at = at.get("properties", {}).get(part) if isinstance(at, Mapping) else None
    return at if isinstance(at, dict) else None


def read_call(value: Any, tools: Sequence[Mapping[str, Any]]) -> AcceptedCall:
    """One call of one of the tools; lists of accepted values are taken as such in the form `{name: {argument: [...]}}`.

    Raises Unusable.
    """
    value = loaded(value, "calls")
    if not isinstance(value, Mapping):
        raise Unusable("a call that is no object")
    inner = value.get("function", value)
    several = False
    if isinstance(inner, Mapping) and isinstance(inner.get("name"), str):
        name = inner["name"]
        arguments: Any = next((inner[key] for key in ("arguments", "args", "parameters", "input") if key in inner), {})
    elif len(value) == 1:
        ((name, arguments),) = value.items()
        several = isinstance(arguments, Mapping) and all(isinstance(one, list) for one in arguments.values())
    else:
        raise Unusable("a call without a name")
    arguments = loaded(arguments, "arguments")
    if not isinstance(arguments, Mapping):
        raise Unusable("arguments that are no object")
    tool = next((one["function"] for one in tools if one["function"]["name"] == name), None)
    if tool is None:
        raise Unusable("a call of an unknown tool")
    found: dict[str, tuple[Any, ...]] = {}
    optional: list[str] = []
    for argument, given in arguments.items():
        schema = argument_in(tool["parameters"], str(argument)) if "." not in str(argument) else None
        if schema is None:
            raise Unusable("a call with an argument that the tool does not have")
        values = list(given) if several else [given]
        if "" in values and several:
            values.remove("")
            optional += [argument] if argument not in tool["parameters"]["required"] else []
        if not values or _is_nothing(values[0]):
            continue
        for path, accepted in _leaves(str(argument), values, schema, several):
            leaf = argument_in(tool["parameters"], path) or {}
            found[path] = tuple(value for value in accepted if _is_allowed(value, leaf))
            if not found[path]:
                raise Unusable("a call with a value that the schema does not allow")
    if missing := [path for path in required_paths(tool["parameters"]) if path not in found]:
        raise Unusable("a call without a required argument" if missing else "")
    return AcceptedCall(name=name, arguments=found, optional=tuple(name for name in optional if name in found))


def _is_nothing(value: Any) -> bool:
    """Whether an argument with this value is one that is left out."""
    return value is None or (isinstance(value, str) and not value.strip())


def _is_allowed(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a value is of those that a schema lists, and within its bounds."""
    listed = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(listed, list) and value not in listed:
        return isinstance(value, list) and all(one in listed for one in value)  # of a list, its members may be meant
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    least, most = schema.get("minimum"), schema.get("maximum")
    return not ((isinstance(least, int | float) and value < least) or (isinstance(most, int | float) and value > most))


def _leaves(
    path: str, values: list[Any], schema: Mapping[str, Any], several: bool
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """An argument's values by path: those of an object with a schema of its own one by one."""
    first = values[0]
    if isinstance(first, Mapping) and schema.get("properties"):
        for name, inner in first.items():
            one = schema["properties"].get(name)
            if one is None:
                raise Unusable("a call with an argument that the tool does not have")
            choices = list(inner) if several and isinstance(inner, list) and inner else [inner]
            yield from _leaves(f"{path}.{name}", choices, one, several)
        return
    yield path, tuple(_single(value) if several else value for value in values)


def _single(value: Any) -> Any:
    """Objects within lists of accepted values hold such lists themselves: the first of each."""
    if isinstance(value, Mapping):
        return {name: _single(one[0]) if isinstance(one, list) and one else one for name, one in value.items()}
    return [_single(one) for one in value] if isinstance(value, list) else value
