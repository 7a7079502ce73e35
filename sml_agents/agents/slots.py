"""What a tool call needs: the required arguments of the tools' own schemas, nested ones by their path.

`slots_of(tool)` reads a pydantic class, a JSON schema or an MCP tool; `refined` lays what a builder knows better (a
pydantic model, or one for each tool) over it. `filled(slots, arguments)` pairs them with the arguments of a call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

from langchain_core.tools import BaseTool
from pydantic import BaseModel

from sml_agents.agents.asking import Question
from sml_agents.errors import InputError
from sml_agents.text.schemas import fault_in, object_of, pointed, required_of, unreadable
from sml_agents.text.values import Kind, fold, kind_of
from sml_agents.text.values.words import listed

__all__ = ["Filled", "Slot", "filled", "is_read_only", "schema_of", "slots_of", "slots_of_model", "tool_name"]

EACH = "[]"
"""In a path: every element of a list, or every value of a dictionary."""
WRITTEN = frozenset({"body", "subject", "message", "query", "code", "content", "text", "summary"})
"""Names of arguments that the model is there to write."""
_PREPOSITIONS = frozenset(listed("to from by at in on for with until"))
_MOST = 4
"""Levels of nesting that are looked into."""


@dataclass(frozen=True)
class Slot:
    """One required argument of a tool."""

    path: tuple[str, ...]
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)
    nullable: bool = False
    in_call: bool = True
    """False for what must be known before the tool is called although the tool takes no such argument."""
    guessable: bool = False
    """May be assumed once the person has said to go on without it."""

    @property
    def name(self) -> str:
        """`trip.departure`: how the argument is named in questions' metadata and results."""
        return ".".join(self.path).replace(f".{EACH}", EACH)

    @property
    def own_name(self) -> str:
        return next((part for part in reversed(self.path) if part != EACH), "")

    @property
    def options(self) -> tuple[str, ...]:
        kind = self.kind()
        return tuple(map(str, kind.members)) if kind.sort == "enum" else ()

    @property
    def is_free_text(self) -> bool:
        return self.schema.get("type", "string") == "string" and not (
            {"enum", "const", "pattern", "format"} & set(self.schema)
        )

    def kind(self, value: Any = None) -> Kind:
        """What sort of value it takes; for an unmarked string the value tells."""
        return kind_of(self.schema, self.own_name, value)

    def what(self) -> str:
        """The argument in words: its description's first phrase, or its name."""
        given = str(self.schema.get("description") or "").strip()
        phrase = re.split(r"[.;(\n]|,\s|\s(?:in the format|formatted as|in format|such as|e\.g)", given, maxsplit=1)[
            0
        ].strip()
        if not phrase or len(phrase) > 80:
            parts = [part.strip("_").replace("_", " ") for part in self.path if part != EACH]
            spaced = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part) for part in parts]
            phrase = (
                fold(spaced[-1]) if len(spaced) == 1 else f"{fold(spaced[-1])} of the {fold(' '.join(spaced[:-1]))}"
            )
        if phrase in _PREPOSITIONS:
            return f"value of \u201c{phrase}\u201d"
        return phrase if phrase[:2].isupper() else phrase[:1].lower() + phrase[1:]

    def question(self, again: bool = False, either: tuple[str, str] | None = None, understood: str = "") -> Question:
        """What to ask for it. `again`: in other words. `either`: what was said, and what the call holds instead.
        `understood`: the value that may have been told: then a yes is enough."""
        what = self.what()
        noun = what if what.startswith(("the ", "your ", "a ", "an ", "whether ", "if ")) else f"the {what}"
        own = self.schema.get("question")
        if either:
            text = f"Which is right for {noun}?"
            return Question(text=text, about=self.name, options=tuple(dict.fromkeys(either)))
        if isinstance(own, str):
            text = f"I cannot go on without this. {own}" if again else own
        elif noun.startswith(("whether ", "if ")) or self.kind().sort == "bool":
            understood = ""  # its own answer is a yes or a no
            text = f"I still need to know, yes or no: {what}?" if again else f"Please tell me, yes or no: {what}?"
        else:
            text = f"I cannot go on without {noun}. Which should it be?" if again else f"What is {noun}?"
        if understood:
            asked = f"{own} " if isinstance(own, str) else f"For {noun} "
            text = f"{asked}I understood \u201c{understood}\u201d. Is that right?"
        return Question(text=text, about=self.name, options=self.options, understood=understood)


@dataclass(frozen=True)
class Filled:
    """A slot with what a call puts into it. `given`: whether the call holds it at all."""

    slot: Slot
    value: Any = None
    given: bool = True
    place: tuple[str | int, ...] = ()


def tool_name(tool: Any) -> str:
    """The name of a tool object, an OpenAI tool dictionary, or a name."""
    if isinstance(tool, str):
        return tool
    if isinstance(tool, Mapping):
        inner = tool.get("function", tool)
        return str(inner.get("name", "")) if isinstance(inner, Mapping) else ""
    return str(getattr(tool, "name", getattr(tool, "__name__", "")))


def schema_of(tool: Any) -> Mapping[str, Any]:
    """The JSON schema of what the model fills in: injected arguments left out."""
    if isinstance(tool, BaseTool):
        shown = tool.tool_call_schema
        return shown if isinstance(shown, Mapping) else cast(type[BaseModel], shown).model_json_schema()
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        return tool.model_json_schema()
    if isinstance(tool, Mapping):
        inner = tool.get("function", tool)
        return inner.get("parameters") or inner.get("input_schema") or inner.get("inputSchema") or {}
    found = getattr(tool, "inputSchema", None) or getattr(tool, "input_schema", None)
    return found if isinstance(found, Mapping) else {}


def is_read_only(tool: Any) -> bool:
    """Whether a tool says of itself that it changes nothing (MCP's `readOnlyHint`)."""
    places = [getattr(tool, "metadata", None), getattr(tool, "annotations", None), getattr(tool, "extras", None)]
    if isinstance(tool, Mapping):
        places.append(tool.get("annotations"))
    for place in places:
        inner = place.get("annotations") if isinstance(place, Mapping) else None
        for one in (place, inner):
            hint = one.get("readOnlyHint") if isinstance(one, Mapping) else getattr(one, "readOnlyHint", None)
            if hint is True:
                return True
    return False


def slots_of(
    tool: Any, refine: type[BaseModel] | None = None, guessable: frozenset[str] = frozenset()
) -> tuple[Slot, ...]:
    """The slots of a tool, in the schema's order; a field of `refine` says more about the argument of its name.

    Raises InputError for a schema that cannot be read.
    """
    schema = schema_of(tool)
    if (fault := fault_in(schema)) is not None:
        raise InputError(unreadable(tool_name(tool), *fault))
    found = list(_leaves(schema, schema, (), 0))
    if refine is not None:
        better = {slot.own_name: slot for slot in slots_of_model(refine)}
        known = {slot.own_name for slot in found}
        found = [
            replace(slot, schema={**slot.schema, **better[slot.own_name].schema}) if slot.own_name in better else slot
            for slot in found
        ]
        found += [replace(slot, in_call=False) for name, slot in better.items() if name not in known]
    return tuple(replace(slot, guessable=slot.name in guessable or slot.own_name in guessable) for slot in found)


@lru_cache(maxsize=256)
def slots_of_model(model: type[BaseModel]) -> tuple[Slot, ...]:
    """The required fields of a pydantic model."""
    schema = model.model_json_schema()
    return tuple(_leaves(schema, schema, (), 0))


def _resolved(schema: Any, root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """A schema without references and without `null`, and whether null is allowed."""
    nullable = False
    for _ in range(8):
        if not isinstance(schema, Mapping):
            return {}, nullable
        if reference := schema.get("$ref"):
            target = object_of(pointed(root, reference))
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        elif choices := schema.get("anyOf") or schema.get("oneOf"):
            real = [choice for choice in choices if not (isinstance(choice, Mapping) and choice.get("type") == "null")]
            nullable = nullable or len(real) < len(choices)
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            if len(real) != 1:
                return rest, nullable
            schema = {**object_of(real[0]), **rest}
        elif all_of := schema.get("allOf"):
            schema = {**object_of(all_of[0]), **{key: value for key, value in schema.items() if key != "allOf"}}
        elif isinstance(kinds := schema.get("type"), list):
            real = [kind for kind in kinds if kind != "null"]
            nullable = nullable or len(real) < len(kinds)
            schema = {**schema, "type": real[0] if len(real) == 1 else None}
        else:
            break
    return schema, nullable


def _leaves(
    schema: Any, root: Mapping[str, Any], path: tuple[str, ...], depth: int, nullable: bool = False
) -> Iterator[Slot]:
    """The required leaves under a schema. `dict` is how some function-calling data writes `object`."""
    schema, null = _resolved(schema, root)
    nullable = nullable or null
    kind = schema.get("type")
    properties = schema.get("properties")
    if depth < _MOST and isinstance(properties, Mapping) and properties and kind in ("object", "dict", None):
        required = required_of(schema)
        for name, inner in properties.items():
            if name in required:
                yield from _leaves(inner, root, (*path, str(name)), depth + 1)
        return
    if depth < _MOST and kind == "array" and isinstance(items := schema.get("items"), Mapping):
        inner = list(_leaves(items, root, (*path, EACH), depth + 1, nullable))
        described = {key: schema[key] for key in ("description", "question") if key in schema}
        yield from (
            replace(slot, schema={**described, **slot.schema}) if slot.path[-1] == EACH else slot for slot in inner
        )
        return
    if depth < _MOST and kind in ("object", "dict") and isinstance(more := schema.get("additionalProperties"), Mapping):
        yield from _leaves(more, root, (*path, EACH), depth + 1, nullable)
        return
    if path:
        yield Slot(path, schema, nullable)


def filled(slots: Sequence[Slot], arguments: Mapping[str, Any]) -> list[Filled]:
    """Each slot with each value that a call puts there; a list without elements leaves its slot empty."""
    return [one for slot in slots for one in _fill(slot, slot.path, arguments, ())]


def _fill(slot: Slot, path: tuple[str, ...], at: Any, place: tuple[str | int, ...]) -> Iterator[Filled]:
    if not slot.in_call:
        yield Filled(slot, given=False, place=slot.path)
        return
    if not path:
        yield Filled(slot, at, given=at not in (None, "", [], {}) or (at is None and slot.nullable), place=place)
        return
    head, *rest = path
    if head == EACH:
        entries = (
            list(enumerate(at)) if isinstance(at, list) else list(at.items()) if isinstance(at, Mapping) else [(0, at)]
        )
        if not entries or at is None:
            yield Filled(slot, None, given=at is None and slot.nullable, place=place)
            return
        for key, value in entries[:50]:
            yield from _fill(slot, tuple(rest), value, (*place, key))
        return
    if isinstance(at, Mapping) and head in at:
        yield from _fill(slot, tuple(rest), at[head], (*place, head))
    else:
        yield Filled(slot, None, given=False, place=(*place, head))
