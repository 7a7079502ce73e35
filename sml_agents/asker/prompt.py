"""How the asker is shown a request: a signature, the conversation, then each required argument as its own question.

    system     book_table(place, day, note?): Reserve a table.
    user       A table at Luigi's, please.
    assistant  |- place (restaurant):  -> ` Luigi's` or ` ?`
               |- day (date of the visit):  -> ` ?`
               |- day (date of the visit) = 2027-05-01:  -> ` yes` or ` ?`, where a call is drafted

The arguments are branches: each sees the signature and the conversation, none sees another. So all of them are read in
one pass, in any order, and each with the same result whatever else the tool requires. What is read is the probability
of `?` where the value would begin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from sml_agents.errors import InputError
from sml_agents.text.schemas import fault_in, properties_of, required_of, type_of, unreadable

__all__ = [
    "KNOWN",
    "MISSING",
    "NO_TOOL",
    "Argument",
    "Said",
    "ToolView",
    "branch",
    "choice",
    "conversation",
    "opening",
    "shown",
    "value_text",
]

MISSING, KNOWN, NO_TOOL = " ?", " yes", " none"
"""What follows the colon: where nobody gave the value, where a drafted one was given, and where no tool fits."""
_PHRASE, _PURPOSE, _OPTIONS, _TURN = 70, 110, 70, 1500
"""Characters at most: of a description, a tool's purpose, the members of an enum, and a message (its end is kept)."""
_SORTS = {
    "int": "integer",
    "float": "number",
    "bool": "yes or no",
    "boolean": "yes or no",
    "array": "list",
    "dict": "object",
    "str": "",
    "string": "",
    "any": "",
}


@dataclass(frozen=True)
class Said:
    """One message of the conversation."""

    role: Literal["user", "assistant"]
    text: str
    refuses: Mapping[str, Any] | None = None
    """The arguments of a call just made, where the person says that it was wrong."""


@dataclass(frozen=True)
class Argument:
    """One argument of a tool, a nested one by its path."""

    name: str
    description: str = ""
    sort: str = ""
    """The JSON type; empty where the schema names none."""
    options: tuple[str, ...] = ()
    required: bool = True
    schema: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """Where it was read from; empty where an argument has none."""

    @classmethod
    def read(cls, name: str, schema: Any, required: bool) -> Argument:
        """An argument out of its JSON schema."""
        given: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
        options = tuple(str(one) for one in given.get("enum") or () if one is not None)
        return cls(name, str(given.get("description") or ""), type_of(given), options, required, given)


@dataclass(frozen=True)
class ToolView:
    """What the asker sees of a tool."""

    name: str
    purpose: str = ""
    arguments: tuple[Argument, ...] = ()

    @classmethod
    def read(cls, tool: Mapping[str, Any]) -> ToolView:
        """A tool out of a dictionary in a provider's format. Raises InputError when it is none."""
        inner = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str):
            raise InputError(f"a tool is a dictionary with a name and parameters, not {str(tool)[:60]!r}")
        schema = inner.get("parameters") or inner.get("input_schema") or inner.get("inputSchema") or {}
        if (fault := fault_in(schema)) is not None:
            raise InputError(unreadable(inner["name"], *fault))
        arguments = tuple(_arguments(schema, "", True))
        if not inner["name"].strip() or any(not one.name.strip() for one in arguments):
            raise InputError(f"a tool and its arguments need names, and one of {str(tool)[:60]!r} is empty")
        return cls(inner["name"], str(inner.get("description") or ""), arguments)

    @property
    def required(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.required)

    def without_descriptions(self) -> ToolView:
        """The same tool, its arguments known by their names alone."""
        return replace(self, arguments=tuple(replace(one, description="") for one in self.arguments))


def _arguments(schema: Mapping[str, Any], above: str, required: bool) -> Iterator[Argument]:
    """The leaves of an object's schema; what is inside another object is named by its path."""
    needed = required_of(schema)
    for name, inner in properties_of(schema).items():
        path, here = f"{above}{name}", required and name in needed
        if isinstance(inner, Mapping) and inner.get("properties"):
            yield from _arguments(inner, f"{path}.", here)
        else:
            yield Argument.read(path, inner, here)


def opening(tool: ToolView) -> str:
    """The part of the prompt that is the same whatever was said: the signature."""
    names = ", ".join(argument.name + ("" if argument.required else "?") for argument in tool.arguments)
    return f"<|im_start|>system\n{tool.name}({names}): {_first(tool.purpose, _PURPOSE)}<|im_end|>\n"


def choice(tools: Sequence[ToolView]) -> str:
    """The part of the prompt for choosing among several tools, which are told apart by name and purpose."""
    lines = "\n".join(f"{tool.name}: {_first(tool.purpose, _PURPOSE)}" for tool in tools)
    return f"<|im_start|>system\nWhich tool?\n{lines}<|im_end|>\n"


def conversation(said: Sequence[Said]) -> str:
    """What was said, up to where the assistant's turn begins."""
    turns = "".join(f"<|im_start|>{one.role}\n{shown(one)}<|im_end|>\n" for one in said)
    return f"{turns}<|im_start|>assistant\n"


def shown(one: Said) -> str:
    """What the asker sees of a message: the end of a long one."""
    return _plain(one.text)[-_TURN:]


def branch(argument: Argument, drafted: str | None = None) -> str:
    """What is written for one argument, up to where its value would begin. `drafted`: its value in a drafted call."""
    about = [_SORTS.get(argument.sort, argument.sort), _first(argument.description, _PHRASE)]
    if argument.options:
        about.append("one of " + _cut(", ".join(argument.options), _OPTIONS))
    inner = "; ".join(part for part in about if part)
    value = "" if drafted is None else f" = {_cut(_plain(drafted), _OPTIONS)}"
    return argument.name + (f" ({inner})" if inner else "") + value + ":"


def value_text(value: Any) -> str:
    """A value of a call as the asker is shown it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _plain(text: str) -> str:
    """Text that cannot be taken for the prompt's own marks."""
    return re.sub(r"<\|(\w+)\|>", r"< |\1| >", text).strip()


def _first(text: str, most: int) -> str:
    """The first sentence, in one line."""
    line = " ".join(_plain(text).split())
    return _cut(re.split(r"(?<=[a-z)])\.\s", line, maxsplit=1)[0].rstrip("."), most)


def _cut(text: str, most: int) -> str:
    """At most so many characters, to the last whole word."""
    return text if len(text) <= most else text[: most + 1].rsplit(" ", 1)[0][:most]
