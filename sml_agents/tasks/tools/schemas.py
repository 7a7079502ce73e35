"""A tool of the bank as a student sees it: which arguments are required in this request, and under which names.

Which of a tool's arguments are required, optional or not there at all is drawn for each request. So nothing but the
schema tells whether a request lacks something: the same words are complete for one and incomplete for the other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sml_agents.tasks.tools.bank import Argument, Tool

__all__ = ["Signature", "Status", "draw_signature", "draw_status"]

Status = Literal["required", "optional", "absent"]
_STATUSES: tuple[Status, ...] = ("required", "optional", "absent")
_CORE, _OTHER = (92, 5, 3), (35, 35, 30)
_DEFAULTS = 0.5
"""Share of the optional arguments with a default, of the kinds that may have one."""
_UNDESCRIBED = 0.1
"""Share of the tools that do not describe their arguments."""


@dataclass(frozen=True)
class Signature:
    """A tool with its schema."""

    tool: Tool
    schema: dict[str, Any]
    """In the form of `Task.tools`."""
    name: str
    statuses: Mapping[str, Status]
    names: Mapping[str, str]
    """The path of each argument in the schema, by its path in the bank."""
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many arguments the schema has."""
        return sum(status != "absent" for status in self.statuses.values())

    def those(self, status: Status) -> list[Argument]:
        """The arguments of a status, in the bank's order."""
        return [argument for argument in self.tool.arguments if self.statuses[argument.path] == status]


def draw_status(argument: Argument, rng: random.Random) -> Status:
    return rng.choices(_STATUSES, _CORE if argument.core else _OTHER)[0]


def draw_signature(tool: Tool, rng: random.Random, fixed: Mapping[str, Status] | None = None) -> Signature:
    """A schema for the tool; `fixed` says what some arguments have to be. At least one argument is required."""
    statuses = {argument.path: draw_status(argument, rng) for argument in tool.arguments} | dict(fixed or {})
    if "required" not in statuses.values():
        statuses[tool.arguments[0].path] = "required"
    style = rng.choices(("snake", "camel", "prefixed", "service"), (60, 15, 15, 10))[0]
    name = {
        "snake": tool.name,
        "camel": _camel(tool.name),
        "prefixed": f"{tool.domain}_{tool.name}",
        "service": f"{tool.domain.capitalize()}_{rng.randint(1, 4)}_{_camel(tool.name, first=True)}",
    }[style]
    described = rng.random() >= _UNDESCRIBED
    names: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    root: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for argument in tool.arguments:
        parts = [_camel(part) if style == "camel" else part for part in argument.path.split(".")]
        names[argument.path] = ".".join(parts)
        status = statuses[argument.path]
        made = argument.kind.schema(rng, argument.about if described else "")
        default = _default(argument) if status == "optional" and rng.random() < _DEFAULTS else None
        if status == "absent":
            continue
        if default is not None:
            made["default"] = defaults[argument.path] = default
        at = root
        for part in parts[:-1]:
            inner = at["properties"].setdefault(part, {"type": "object", "properties": {}, "required": []})
            if status == "required" and part not in at["required"]:
                at["required"].append(part)
            at = inner
        at["properties"][parts[-1]] = made
        if status == "required":
            at["required"].append(parts[-1])
    schema = {"type": "function", "function": {"name": name, "description": tool.about, "parameters": root}}
    return Signature(tool, schema, name, statuses, names, defaults)


def _default(argument: Argument) -> Any:
    if argument.kind.sort == "bool":
        return False
    if argument.kind.sort == "enum":
        return argument.kind.texts[0][0]
    if argument.kind.sort in ("int", "minutes"):
        return int(argument.kind.numbers[0])
    return None


def _camel(name: str, first: bool = False) -> str:
    made = re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)
    return made[:1].upper() + made[1:] if first else made
