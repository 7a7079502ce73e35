"""Arguments of tool calls: compared by value under the tools' own schemas, asked for in a person's words.

leaves(arguments)   every value with its path: `{"trip": {"to": "Rome"}}` is `{"trip.to": "Rome"}`
Arguments           of one conversation: whether words say a value, whether two values are one, what to ask for
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sml_agents.text.values import Clock, Kind, find, find_words, kind_of, same
from sml_agents.text.values.words import is_denied
from sml_agents.types import ToolCall, Trace

__all__ = ["Arguments", "Change", "leaves", "words_of"]

_UNKNOWN = Clock(dt.datetime(2000, 1, 1), known=False)
_DATES = {"date", "when", "on", "day"}
_TIMES = {"time", "at", "hour", "when", "start"}
_ALONE = {
    "to": "Where to?",
    "from": "From where?",
    "with": "With whom?",
    "for": "For whom?",
    "by": "By when?",
    "at": "Where?",
    "in": "Where?",
    "quantity": "How many?",
    "count": "How many?",
}
"""Questions for names that are no nouns, or no word to ask with."""
_FEW = 8


class Change(NamedTuple):
    """An argument that a tool was called with again, differently."""

    tool: str
    path: str
    before: Any
    now: Any


def leaves(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a call with its path; elements of lists by their place, `guests[0].name`."""
    return dict(_leaves(arguments, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not path):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple) and value:
        for at, part in enumerate(value):
            yield from _leaves(part, f"{path}[{at}]")
    elif path:
        yield path, value


def words_of(path: str) -> str:
    """The last part of a path as words: `trip.departureDate` is `departure date`."""
    last = re.sub(r"\[\d+\]", "", path).rpartition(".")[2]
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", last).replace("_", " ").replace("-", " ").casefold().split())


class Arguments:
    """The values of one conversation's calls."""

    def __init__(self, trace: Trace) -> None:
        functions = [tool.get("function") or {} for tool in trace.tools]
        self.schemas = {str(one.get("name")): one.get("parameters") or {} for one in functions}
        self.clock = _UNKNOWN
        with contextlib.suppress(KeyError, ValueError):
            self.clock = Clock(dt.datetime.fromisoformat(str(trace.tags["started"])).replace(tzinfo=None))

    def kind(self, tool: str, path: str, value: Any = None) -> Kind:
        """What sort of value an argument takes."""
        return kind_of(_schema_at(self.schemas.get(tool, {}), path), re.sub(r"\[\d+\]", "", path), value)

    def says(self, text: str, tool: str, path: str, value: Any) -> bool:
        """Whether `text` says that an argument has this value."""
        if value in (None, "", [], {}) or not text.strip():
            return False
        if find(self.kind(tool, path, value), value, text, self.clock):
            return True
        # Where no schema tells what kind of value it is, its very words are enough.
        return tool not in self.schemas and any(not is_denied(text, span) for span in find_words(str(value), text))

    def required(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a call that its tool's schema wants, defaults left out; all where no tool's is known."""
        found = leaves(arguments)
        if tool not in self.schemas:
            return {} if self.schemas else found
        root = self.schemas[tool]
        return {path: value for path, value in found.items() if _is_wanted(root, path, value)}

    def changed(self, before: Sequence[ToolCall] | None, now: Sequence[ToolCall] | None) -> list[Change]:
        """The arguments in which calls of the same tool differ, if something else in them stayed the same.

        A call with nothing in common is another piece of work, not the same one done again; a tool of one argument
        counts as done again.
        """
        found: list[Change] = []
        for call in now or ():
            earlier = next((old for old in reversed(before or ()) if old.name == call.name), None)
            if earlier is None:
                continue
            old, new = leaves(earlier.arguments), leaves(call.arguments)
            paths = [*dict.fromkeys([*old, *new])]
            differ = [path for path in paths if not self._same(call.name, path, old.get(path), new.get(path))]
            if differ and (len(differ) < len(paths) or len(paths) == 1):
                found += [Change(call.name, path, old.get(path), new.get(path)) for path in differ]
        return found

    def _same(self, tool: str, path: str, one: Any, other: Any) -> bool:
        if one == other:
            return True
        if None in (one, other):
            return False
        return same(self.kind(tool, path, other), one, other, self.clock)

    def question(self, tool: str, paths: Sequence[str], value: Any) -> str:
        """A plain question for arguments: `On which date?`, `How many guests should it be?`."""
        names = [words_of(path) for path in paths]
        if len(paths) > 1:
            return f"Which {', '.join(names[:-1])} and {names[-1]} should it be?"
        (name,), kind = names, self.kind(tool, paths[0], value)
        members = [str(member).replace("_", " ") for member in kind.members]
        if 1 < len(members) <= _FEW:
            return f"Which {name}: {', '.join(members[:-1])} or {members[-1]}?"
        if kind.sort in ("date", "datetime") and name != "day":
            plain = re.sub(r"\b(?:date|day|on)\b", "", name).strip()
            return f"On which date is the {plain}?" if plain and name not in _DATES else "On which date?"
        if kind.sort == "time":
            plain = name.removesuffix(" time")
            return "At what time?" if plain in _TIMES else f"At what time is the {plain}?"
        if kind.sort == "bool":
            plain = re.sub(r"^(?:is|has|have|with|include|includes|want|wants|needs?|add)\s+", "", name)
            return f"Do you want {plain}?"
        if name in _ALONE:
            return _ALONE[name]
        counted = re.sub(r"^(?:number of|num|count of|n)\s+", "", name)
        if kind.sort == "number" and (counted != name or re.search(r"[a-z](?<!s)s$", counted)):
            return f"How many {counted} should it be?"
        if re.search(r"\b(?:id|number|no|code|reference|email|mail|phone|address|name)$", name):
            return f"What is the {name}?"
        return f"Which {name} should it be?"


def _is_wanted(root: Mapping[str, Any], path: str, value: Any) -> bool:
    parts = re.sub(r"\[\d+\]", "", path).split(".")
    for at, part in enumerate(parts):
        above = _schema_at(root, ".".join(parts[:at])) if at else _plain(root, root)
        items = _plain(above.get("items", {}), root) if "items" in above else above
        if part not in (items.get("required") or ()):
            return False
    here = _schema_at(root, path)
    return not ("default" in here and here["default"] == value)


def _schema_at(schema: Any, path: str) -> Mapping[str, Any]:
    """The part of a JSON schema that an argument has to fit."""
    root = schema if isinstance(schema, Mapping) else {}
    here: Any = root
    for part in re.findall(r"[^.\[\]]+|\[\d+\]", path):
        here = _plain(here, root)
        here = here.get("items", {}) if part.startswith("[") else (here.get("properties") or {}).get(part, {})
    return _plain(here, root)


def _plain(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without references and alternatives of null."""
    for _ in range(8):
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(reference := schema.get("$ref"), str):
            found: Any = root
            for part in reference.removeprefix("#/").split("/"):
                found = found.get(part, {}) if isinstance(found, Mapping) else {}
            schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
            continue
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if not isinstance(options, list):
            return schema
        real = [one for one in options if isinstance(one, Mapping) and one.get("type") != "null"]
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "allOf")}
        schema = {**(real[0] if real else {}), **rest}
    return schema if isinstance(schema, Mapping) else {}
