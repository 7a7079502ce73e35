"""What a tool call needs: the required arguments of the tools' schemas, others on demand, nested ones by their path.

`slots_of(tool)` reads a pydantic class, a JSON schema or an MCP tool; `refined` lays what a builder knows better (a
pydantic model, or one for each tool) over it. `filled(slots, arguments)` pairs them with the arguments of a call.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, cast

from langchain_core.tools import BaseTool
from pydantic import BaseModel

from sml_agents.agents.asking import Question
from sml_agents.errors import InputError
from sml_agents.text.schemas import fault_in, flat, merged, object_of, required_of, unreadable
from sml_agents.text.values import Kind, fold, kind_of
from sml_agents.text.values.counts import CURRENCIES, MEASURES
from sml_agents.text.values.lengths import UNITS
from sml_agents.text.values.words import listed, split_name

__all__ = ["Filled", "Names", "Slot", "filled", "is_read_only", "schema_of", "slots_of", "slots_of_model", "tool_name"]

EACH = "[]"
"""In a path: every element of a list, or every value of a dictionary."""
WRITTEN = frozenset({"body", "subject", "message", "query", "code", "content", "text", "summary"})
"""Names of arguments that the model is there to write."""
_UNSAID = frozenset(listed("to from by at in on for with until when where who what which how if"))
_COUNTING = frozenset(listed("num n nb count how many in for"))
"""Words before what a number counts: `num_guests`, `in_minutes`; `number_of_guests` is read, too."""
_BOUNDS = frozenset(listed("max min maximum minimum limit per until to from"))
_MEASURED = frozenset(
    listed(
        "duration delay timeout interval length time period wait age weight mass height width depth distance radius"
        " volume price amount cost fee budget total sum salary rent rate size speed"
    )
)
"""What a unit may stand behind in a name: `delay_minutes`, and not `opening_hours`."""
_ASKING = ("how ", "when ", "where ", "who ", "whom ", "what ", "which ", "why ")
_ASKS_ALREADY = re.compile(r"(?:for|at|in|on|to|from|with|until|by|of|about) (?:how|what|which|whom?|when|where)\b")
"""A description that is a question as it stands: `For how many days`."""
_SAYING = ("description", "question")
"""What a schema says of a list's elements, too."""
_MOST = 4
"""Levels of a schema that are looked into; below, the values are looked at themselves."""
_MOST_VALUES = 400
"""Values of a call that are looked for; of more the next one counts as not known, so that the call does not run."""
_DEEPEST = 20
"""Levels of a value; what lies deeper is one value, which nobody can have said."""
_UNLIKE = 100
"""What another constant weighs against arguments that are not there."""


@dataclass(frozen=True)
class Alternative:
    """One of several that a value may be: a list or an object, and what it requires."""

    is_list: bool
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Slot:
    """One required argument of a tool."""

    path: tuple[str, ...]
    schema: Mapping[str, Any] = field(default_factory=dict, hash=False)
    nullable: bool = False
    in_call: bool = True
    """False for what must be known before the tool is called although the tool takes no such argument."""
    either: tuple[Alternative, ...] = ()
    """What its value may be, if it is one of several objects or lists."""
    guessable: bool = False
    """May be assumed once the person has said to go on without it."""
    optional: bool = False
    """The tool does without it: what a call leaves out is not missing."""

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
        unit = phrase if _is_unit(fold(phrase)) else ""
        if not phrase or len(phrase) > 80 or unit:
            parts = [fold(" ".join(split_name(part))) for part in self.path if part != EACH]
            own = _with_unit(parts[-1].split()) if self.kind().sort == "number" else parts[-1]
            own = own.removeprefix("is ") if self.kind().sort == "bool" else own
            above = " ".join(parts[:-1])
            within = f"\u201c{above}\u201d" if above in _UNSAID else f"the {above}"
            phrase = own if len(parts) == 1 else f"{own} of {within}"
            phrase = f"{phrase} in {unit}" if unit and not own.endswith(f" {unit}") else phrase
        if phrase in _UNSAID:
            return f"value of \u201c{phrase}\u201d"
        return phrase if phrase[:2].isupper() else phrase[:1].lower() + phrase[1:]

    def _counted(self) -> str:
        """What a number without a description counts, by its name alone: `guests` of `num_guests`."""
        words, kind = split_name(self.own_name), self.kind()
        if kind.sort != "number" or self.schema.get("description"):
            return ""
        left = words[2:] if words[:2] == ["number", "of"] else words
        while len(left) > 1 and left[0] in _COUNTING:
            left = left[1:]
        plural = left[-1:] and (re.search(r"[^siu]s$", left[-1]) or left[-1] in ("people", "children"))
        counts = len(left) < len(words) or (len(left) == 1 and self.schema.get("type") == "integer")
        return " ".join(left) if plural and (counts or left[0] in UNITS) and not _BOUNDS & set(left) else ""

    def question(self, again: bool = False, either: tuple[str, str] | None = None, understood: str = "") -> Question:
        """What to ask for it. `again`: in other words. `either`: what was said, and what the call holds instead.
        `understood`: the value that may have been told: then a yes is enough. It is not claimed that it was."""
        what, own, described = self.what(), self.schema.get("question"), bool(self.schema.get("description"))
        choice = described and what.startswith(("whether ", "if "))
        noun = what if choice or what.startswith(("the ", "your ", "a ", "an ")) else f"the {what}"
        if either:
            text = f"Which is right for {noun}?"
            return Question(text=text, about=self.name, options=tuple(dict.fromkeys(either)), between=True)
        if isinstance(own, str):
            text = f"I cannot go on without this. {own}" if again else own
        elif choice or self.kind().sort == "bool":
            understood = ""  # its own answer is a yes or a no
            text = f"I still need to know, yes or no: {what}?" if again else f"Please tell me, yes or no: {what}?"
        elif _ASKS_ALREADY.match(what):
            text = (
                f"I cannot go on without this. {what[:1].upper()}{what[1:]}?"
                if again
                else f"{what[:1].upper()}{what[1:]}?"
            )
        elif what.startswith(_ASKING):
            text = f"I cannot go on without this. Can you tell me {what}?" if again else f"Can you tell me {what}?"
        else:
            several = EACH in self.path[1:] and self.own_name.endswith("s") and not self.schema.get("description")
            verb = "are" if several else "is"
            text = f"I cannot go on without {noun}. Which should it be?" if again else f"What {verb} {noun}?"
            if many := self._counted():
                text = f"I cannot go on without this. How many {many}?" if again else f"How many {many}?"
        if understood:
            asked = f"{own} " if isinstance(own, str) else f"For {noun} "
            text = f"{asked}I have \u201c{understood}\u201d. Is that right?"
        return Question(text=text, about=self.name, options=self.options, understood=understood)


def _with_unit(words: Sequence[str]) -> str:
    """A number's name with the unit that ends it set off: `delay in minutes` of `delay_minutes`."""
    *rest, last = words
    what = rest[:-1] if rest and rest[-1] == "in" else rest
    if not what or not _is_unit(last) or what[-1] not in _MEASURED:
        return " ".join(words)
    return f"{' '.join(what)} in {last.upper() if _is_currency(last) else last}"


def _is_unit(word: str) -> bool:
    several = word in UNITS and word.endswith("s") and len(word) > 3
    return several or (word in MEASURES and len(word) > 1) or _is_currency(word)


def _is_currency(word: str) -> bool:
    return len(word) == 3 and word.upper() in CURRENCIES


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


Names = Collection[str] | bool
"""Names of arguments, whole paths or their last parts; True: all, False: none."""


def slots_of(
    tool: Any,
    refine: type[BaseModel] | None = None,
    guessable: frozenset[str] = frozenset(),
    optional: Names = False,
) -> tuple[Slot, ...]:
    """The slots of a tool, in the schema's order; a field of `refine` says more about the argument of its name.
    `optional`: arguments that have a slot although they are not required.

    Raises InputError for a schema that cannot be read.
    """
    schema = schema_of(tool)
    if (fault := fault_in(schema)) is not None:
        raise InputError(unreadable(tool_name(tool), *fault))
    found = list(_leaves(schema, schema, (), 0, also=optional))
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


def _resolved(schema: Any, root: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool, list[Mapping[str, Any]]]:
    """A schema without references and without `null`, whether null is allowed, and what else it may be: its
    alternatives, if they are several and one of them holds values within values."""
    nullable = False
    for _ in range(8):
        schema = flat(schema, root)
        kinds = schema.get("type")
        if isinstance(kinds, list):
            real = [kind for kind in kinds if kind != "null"]
            nullable = nullable or len(real) < len(kinds)
            schema = {**schema, "type": real[0] if len(real) == 1 else None}
        choices = schema.get("anyOf") or schema.get("oneOf")
        if not choices:
            break
        known = [flat(choice, root) for choice in choices]
        others = [choice for choice in known if choice.get("type") != "null"]
        nullable = nullable or len(others) < len(known)
        schema = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
        if len(others) == 1:
            schema = merged(schema, others[0])
            continue
        each = [merged(schema, choice) for choice in others]
        if any(map(_is_structure, each)):
            return schema, nullable, each
        members = [_members(choice) for choice in others]
        return ({**schema, "enum": [one for some in members for one in some]} if all(members) else schema), nullable, []
    return schema, nullable or None in _members(schema), []


def _members(schema: Mapping[str, Any]) -> Sequence[Any]:
    """The values that a schema allows, if it lists them."""
    return [schema["const"]] if "const" in schema else schema.get("enum") or ()


def _is_structure(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in ("object", "dict", "array") or bool(schema.get("properties"))


def _leaves(
    schema: Any,
    root: Mapping[str, Any],
    path: tuple[str, ...],
    depth: int,
    nullable: bool = False,
    *,
    also: Names = False,
    optional: bool = False,
) -> Iterator[Slot]:
    """The required leaves under a schema, and of others those that are wanted `also`, with all that is in them. `dict`
    is how some function-calling data writes `object`."""
    below = partial(_leaves, also=True if optional else also, optional=optional)
    schema, null, either = _resolved(schema, root)
    nullable = nullable or null
    kind = schema.get("type")
    properties = schema.get("properties")
    if depth < _MOST and either:
        each = (Alternative(one.get("type") == "array", tuple(below(one, root, path, depth + 2))) for one in either)
        yield Slot(path, schema, nullable, either=tuple(each), optional=optional)
        return
    if depth < _MOST and isinstance(properties, Mapping) and properties and kind in ("object", "dict", None):
        required = required_of(schema)
        for name, inner in properties.items():
            here = (*path, str(name))
            if name in required:
                yield from below(inner, root, here, depth + 1)
            elif optional or also is True or (also and {name, Slot(here).name} & set(also)):
                yield from _leaves(inner, root, here, depth + 1, also=True, optional=True)
        return
    if depth < _MOST and kind == "array" and isinstance(items := schema.get("items"), Mapping):
        within = list(below(items, root, (*path, EACH), depth + 1, nullable))
        described = {key: schema[key] for key in _SAYING if key in schema}
        yield from (
            replace(slot, schema={**described, **slot.schema}) if slot.path[-1] == EACH else slot for slot in within
        )
        return
    if depth < _MOST and kind in ("object", "dict") and isinstance(more := schema.get("additionalProperties"), Mapping):
        yield from below(more, root, (*path, EACH), depth + 1, nullable)
        return
    if path:
        yield Slot(path, schema, nullable, optional=optional)


def filled(slots: Sequence[Slot], arguments: Mapping[str, Any]) -> list[Filled]:
    """Each slot with each value that a call puts there; a list without elements leaves its slot empty."""
    found = [one for slot in slots for one in _fill(slot, slot.path, arguments, ())]
    return [*found[:_MOST_VALUES], *(replace(one, value=None, given=False) for one in found[_MOST_VALUES:][:1])]


def _fill(slot: Slot, path: tuple[str, ...], at: Any, place: tuple[str | int, ...]) -> Iterator[Filled]:
    if not slot.in_call:
        yield Filled(slot, given=False, place=slot.path)
        return
    if not path:
        if (best := _fitting(slot, at)) is not None:
            for one in best:
                yield from _fill(one, one.path[len(slot.path) :], at, place)
        elif parts := _parts(slot, at) if len(place) < _DEEPEST else []:
            for one, key, value in parts:
                yield from _fill(one, (), value, (*place, key))
        else:
            yield Filled(slot, at, given=not _is_empty(at) or (at is None and slot.nullable), place=place)
        return
    head, *rest = path
    if head == EACH:
        entries = (
            list(enumerate(at)) if isinstance(at, list) else list(at.items()) if isinstance(at, Mapping) else [(0, at)]
        )
        if not entries or at is None:
            yield Filled(slot, None, given=at is None and slot.nullable, place=place)
            return
        for key, value in entries:
            if isinstance(key, str) and not rest and slot.kind().sort in ("number", "bool"):  # so many of what?
                named = replace(slot, schema={"type": "string"})
                yield Filled(named, " ".join(split_name(key)) or key, place=(*place, key, EACH))
            yield from _fill(slot, tuple(rest), value, (*place, key))
        return
    if isinstance(at, Mapping) and head in at:
        yield from _fill(slot, tuple(rest), at[head], (*place, head))
    else:
        yield Filled(slot, None, given=False, place=(*place, head))


def _fitting(slot: Slot, at: Any) -> tuple[Slot, ...] | None:
    """The slots of the alternative that a value fits best: that has what it requires, and no other constants."""

    def unlike(one: Alternative) -> int:
        within = [fill for inner in one.slots for fill in _fill(inner, inner.path[len(slot.path) :], at, ())]
        fixed = [fill for fill in within if (members := _members(fill.slot.schema)) and fill.value not in members]
        return sum(not fill.given for fill in within) - sum(fill.given for fill in within) + _UNLIKE * len(fixed)

    fitting = [one for one in slot.either if isinstance(at, list if one.is_list else Mapping) and at]
    return min(fitting, key=unlike).slots if fitting else None


def _parts(slot: Slot, at: Any) -> list[tuple[Slot, str | int, Any]]:
    """What a value consists of where the schema does not say it: each element as a slot of its own, but empty ones."""
    if not isinstance(at, Mapping | list | tuple):
        return []
    of_each = {key: value for key, value in slot.schema.items() if key in _SAYING}
    if not _is_structure(slot.schema):
        of_each = dict(slot.schema)
    ordered = next((one for key in ("prefixItems", "items") if isinstance(one := slot.schema.get(key), list)), [])
    parts: list[tuple[Slot, str | int, Any]] = []
    for key, value in at.items() if isinstance(at, Mapping) else enumerate(at):
        own = object_of(ordered[key]) if isinstance(key, int) and key < len(ordered) else {}
        part = EACH if isinstance(key, int) else str(key)
        inner = replace(slot, path=(*slot.path, part), schema={**of_each, **own}, either=())
        if not _is_empty(value):
            parts.append((inner, key, value))
    return parts


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})
