"""Arguments of tool calls: compared by value under the tools' own schemas, asked for in a person's words.

Of one conversation: whether words say a value, whether two values are one, what to ask for.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sml_agents.text.schemas import bare_path, is_wanted, leaves, parameters_of, schema_at, words_of
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


class Arguments:
    """The values of one conversation's calls."""

    def __init__(self, trace: Trace) -> None:
        self.schemas = parameters_of(trace.tools)
        self.clock = _UNKNOWN
        with contextlib.suppress(KeyError, ValueError):
            self.clock = Clock(dt.datetime.fromisoformat(str(trace.tags["started"])).replace(tzinfo=None))

    def kind(self, tool: str, path: str, value: Any = None) -> Kind:
        """What sort of value an argument takes."""
        return kind_of(schema_at(self.schemas.get(tool, {}), path), bare_path(path), value)

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
        return {path: value for path, value in found.items() if is_wanted(root, path, value)}

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
